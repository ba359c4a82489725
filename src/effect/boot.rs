//! Reads the boot source of a machine: an image (virtual media or HTTP boot), or a configuration that Ironic has
//! published for network boot.

use std::sync::Arc;
use std::time::Duration;

use url::Url;

use super::client::ClientError;
use super::egress::Forbidden;
use super::fetch::{FetchError, Remote};
use super::performed::Performed;
use super::readers::CancelOnDrop;
use super::redact::{redacted, redacted_text};
use super::runner::EffectRunner;
use super::system::{Clues, System};
use crate::dmtf::{BootMode, BootTarget};
use crate::media::{self, Boot, Budget, CommandLine, Decision, Firmware, NetworkHost};
use crate::node::bmc::media::Inserted;
use crate::node::effect::{Answer, Bootable};
use crate::node::host::{Booting, Host};
use crate::node::{Node, NodeId};
use crate::note::Note;
use crate::profile::boot_source::BootSource;

/// Longest boot configuration that is fetched from the network.
const MAX_SCRIPT_BYTES: usize = 256 << 10;
/// Scripts that one network boot may try, including failed ones.
const MAX_SCRIPTS: usize = 16;

/// A boot source cannot be used. Clients see the text in `Status.Conditions` of a system.
#[derive(Debug, thiserror::Error)]
enum BootError {
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error(transparent)]
    Fetch(#[from] FetchError),
    #[error("{text}: {error}")]
    InvalidUrl { text: String, error: url::ParseError },
    #[error("{url}: {why}")]
    NotBootable { url: String, why: String },
    #[error("no network boot is configured")]
    NoNetworkBoot,
    #[error("{url}: nothing is published for any of its interfaces")]
    NothingPublished { url: String },
    #[error("{url}: it gives up")]
    ScriptExits { url: String },
    #[error("{url}: it leads through more than {MAX_SCRIPTS} scripts")]
    TooManyScripts { url: String },
    #[error("{source_of_boot}: not read within {} s (limit boot-read-time)", limit.as_secs())]
    Timeout { source_of_boot: String, limit: Duration },
}

impl BootError {
    /// Whether there is no source, so that no fault has to be found.
    fn is_absence(&self) -> bool {
        matches!(self, Self::NoNetworkBoot | Self::NothingPublished { .. })
    }
}

struct Image {
    url: String,
    /// User and password of HTTP Basic authentication.
    credentials: Option<(Box<str>, Box<str>)>,
    /// The only certificates of its server that count, PEM. `None`: those that the settings trust.
    trusted: Option<Vec<Box<str>>>,
}

impl Image {
    /// The image in a slot of a node.
    fn of(node: &Node, slot: u8, media: &Inserted) -> Self {
        let credentials = media.insertion.credentials.as_deref().cloned();
        let trust = node.bmc().media_trust.of(slot);
        let trusted = trust.verify.then(|| trust.certificates.values().cloned().collect());
        Self { url: media.insertion.image.to_string(), credentials, trusted }
    }

    fn without_credentials(url: &str) -> Self {
        Self { url: url.to_owned(), credentials: None, trusted: None }
    }

    /// The URL without credentials.
    fn shown(&self) -> String {
        redacted_text(&self.url)
    }

    fn file_name(&self) -> &str {
        let path = self.url.split(['?', '#']).next().unwrap_or_default();
        path.rsplit('/').next().unwrap_or_default()
    }
}

/// The facts about a booting node on which its boot depends.
struct BootingNode {
    name: String,
    /// The image to boot; `None` for a network boot.
    image: Option<Image>,
    /// Other removable media, which may hold parameters for the agent.
    removable: Vec<Image>,
    firmware: Firmware,
    /// The source comes from the boot order, and not from an override.
    in_order: bool,
    /// MAC addresses of the interfaces with a cable.
    macs: Vec<String>,
    uuid: String,
    /// The work that everything may take together that this boot reads.
    budget: Budget,
}

/// The boot of start `start`. `None` if the node is not booting, or has been started again since.
fn boot_of(node: &Node, start: u32) -> Option<&Booting> {
    let Host::Booting(booting) = node.host() else { return None };
    (node.starts() == start).then_some(booting)
}

impl BootingNode {
    fn of(node: &Node, start: u32) -> Option<Self> {
        let booting = boot_of(node, start)?;
        let slot = match booting.from {
            BootSource::Standard(BootTarget::Pxe | BootTarget::UefiHttp) => None,
            source => node.media_for(source),
        };
        let medium = slot.and_then(|slot| Some(Image::of(node, slot, node.bmc().media.get(slot)?)));
        let uri = node.boot().http_uri.as_deref().filter(|_| booting.from == BootTarget::UefiHttp.into());
        let slots = &node.profile().media_slots;
        let removable = |(number, media)| {
            let kind = slots.get(usize::from(number));
            (Some(number) != slot && kind.is_some_and(|k| !k.is_optical()))
                .then(|| Image::of(node, number, media))
        };
        // The plan of a start is the override, then the whole boot order.
        let in_order = booting.left.len() < node.boot().order(node.profile()).count();
        Some(Self {
            name: node.spec().name(),
            image: medium.or(uri.map(Image::without_credentials)),
            removable: node.bmc().media.iter().filter_map(removable).collect(),
            firmware: match node.boot().mode {
                BootMode::Uefi => Firmware::Uefi,
                BootMode::Legacy => Firmware::Bios,
            },
            in_order,
            macs: node.cabled_macs().map(|mac| mac.to_string()).collect(),
            uuid: node.spec().uuid().to_string(),
            budget: Budget::default(),
        })
    }
}

impl BootingNode {
    /// Logs which system boots, from a source at `url`, and why it is taken for that.
    fn log(&self, what: &str, url: &str, because: &str) {
        let (url, because) = (Note::from(url), Note::from(because));
        let (node, uuid) = (&self.name, &self.uuid);
        tracing::info!(target: "fauxmetal::node", %node, %uuid, %url, %because, "boots {what}");
    }
}

impl EffectRunner {
    /// Checks that the image of an insertion can be read. `None` if it has been ejected.
    pub(super) async fn open_media(&self, id: NodeId, slot: u8, insertion: u32) -> Option<Performed> {
        fn inserted(node: &Node, slot: u8, insertion: u32) -> Option<&Inserted> {
            node.bmc().media.get(slot).filter(|media| media.number == insertion)
        }
        let look = |node: &Node, _| inserted(node, slot, insertion).map(|media| Image::of(node, slot, media));
        let image = self.fleet.look(id, look).flatten()?;
        let wanted = |node: &Node| inserted(node, slot, insertion).is_some();
        let result = self.while_wanted(id, wanted, self.probe(&image)).await?;
        let result = result.map_err(|error| Note::from(error.to_string()));
        let problem = result.as_ref().err().cloned();
        Some(Performed::new(Answer::MediaOpened { slot, insertion, result }, problem).at(image.shown()))
    }

    /// Reads the boot source. `None` if the machine does not boot any more.
    pub(super) async fn read_boot(&self, id: NodeId, start: u32) -> Option<Performed> {
        let node = self.fleet.look(id, |node, _| BootingNode::of(node, start)).flatten()?;
        let _cancel = CancelOnDrop(node.budget.clone());
        let reading = async {
            match &node.image {
                Some(image) => self.boot_image(&node, image).await,
                None => self.boot_network(&node).await,
            }
        };
        let shown = || {
            let image = node.image.as_ref().map(Image::shown);
            image.or_else(|| self.network_boot.as_ref().map(redacted)).unwrap_or_default()
        };
        let limit = self.settings.limits.boot_read_time;
        let reading = tokio::time::timeout(limit, reading);
        let boots = |node: &Node| boot_of(node, start).is_some();
        let result = self.while_wanted(id, boots, reading).await?;
        let result = result.unwrap_or_else(|_| {
            self.meters.boot_time_limit.one();
            Err(BootError::Timeout { source_of_boot: shown(), limit })
        });
        // Firmware tries the network in vain when the disks are empty. Ironic switches such machines on for hours.
        let normal = node.in_order && result.as_ref().is_err_and(BootError::is_absence);
        let result = result.map_err(|error| Note::from(error.to_string()));
        let problem = result.as_ref().err().cloned();
        Some(Performed { normal, ..Performed::new(Answer::BootRead { start, result }, problem).at(shown()) })
    }

    fn remote<'a>(&self, image: &'a Image) -> Result<Remote<'a>, BootError> {
        let url = self.clients.egress.parse(&image.url)?;
        let credentials = image.credentials.as_ref().map(|(user, password)| (&**user, &**password));
        let client = match &image.trusted {
            Some(certificates) => self.clients.trusting(certificates)?,
            None => self.clients.direct(false).clone(),
        };
        Ok(Remote { client, url, credentials })
    }

    async fn probe(&self, image: &Image) -> Result<(), BootError> {
        Ok(self.remote(image)?.probe().await?)
    }

    async fn boot_image(&self, node: &BootingNode, image: &Image) -> Result<Bootable, BootError> {
        let remote = self.remote(image)?;
        let firmware = node.firmware;
        let inspect = move |bytes: &mut _| media::inspect(bytes, firmware);
        let medium = remote.read(&self.readers, &node.budget, inspect).await?;
        let named = |clues| Clues { label: &medium.label, file_name: image.file_name(), ..clues };
        let shown = redacted_text(&image.url);
        match &medium.boot {
            Boot::Kernel { kernel, .. } => {
                let line = self.with_removable(node, kernel.command_line.clone()).await;
                Ok(self.system(node, &shown, &named(Clues::kernel(kernel, line))))
            }
            Boot::LocalDisk => {
                node.log("the disk", &shown, "its boot loader chains to it");
                Ok(Bootable::Disk)
            }
            // The command line cannot be read. Label and file name alone decide whether the image contains an agent.
            Boot::Unknown => Ok(self.system(node, &shown, &named(Clues::default()))),
            Boot::No(why) => Err(BootError::NotBootable { url: remote.shown(), why: why.to_string() }),
        }
    }

    /// The system that a boot source at `url` starts.
    fn system(&self, node: &BootingNode, url: &str, clues: &Clues<'_>) -> Bootable {
        let System { bootable, because } = clues.system(&self.ironic, &self.settings);
        let what = if matches!(bootable, Bootable::Ipa(_)) { "an agent" } else { "a live system" };
        node.log(what, url, &because);
        bootable
    }

    /// Adds the parameters on a removable medium to the command line. Like IPA, it skips media that cannot be read.
    async fn with_removable(&self, node: &BootingNode, line: CommandLine) -> CommandLine {
        if line.get("boot_method") != Some("vmedia") {
            return line;
        }
        for image in &node.removable {
            let Ok(remote) = self.remote(image) else { continue };
            match remote.read(&self.readers, &node.budget, media::parameters).await {
                Ok(parameters) => return line.with_removable(&parameters.values),
                Err(why) => {
                    let why = Note::from(why.to_string());
                    tracing::debug!(target: "fauxmetal::effect", %why, "no parameters on a removable medium");
                }
            }
        }
        line
    }

    /// Boots the first interface for which Ironic has published a configuration.
    async fn boot_network(&self, node: &BootingNode) -> Result<Bootable, BootError> {
        let base = self.network_boot.as_ref().ok_or(BootError::NoNetworkBoot)?;
        let below = |path: String| {
            Url::parse(&format!("{}/{path}", base.as_str().trim_end_matches('/')))
                .map_err(|error| BootError::InvalidUrl { text: path, error })
        };
        for (first, mac) in node.macs.iter().enumerate() {
            for path in media::network_config_paths(mac) {
                let url = below(path)?;
                if let Some(text) = self.script(&url).await? {
                    let mut macs = node.macs.clone();
                    macs.swap(0, first);
                    return self.boot_script(node, &macs, url, text).await;
                }
            }
        }
        Err(BootError::NothingPublished { url: redacted(base) })
    }

    async fn script(&self, url: &Url) -> Result<Option<String>, BootError> {
        self.clients.egress.check(url)?;
        let remote =
            Remote { client: self.clients.direct(false).clone(), url: url.clone(), credentials: None };
        Ok(remote.text(MAX_SCRIPT_BYTES).await?)
    }

    /// What a script boots, decided beside the async workers.
    async fn decide(
        &self,
        node: &BootingNode,
        macs: &[String],
        text: &Arc<str>,
        failed: &[String],
    ) -> Decision {
        let (text, macs, failed) = (Arc::clone(text), macs.to_vec(), failed.to_vec());
        let (uuid, firmware, budget) = (node.uuid.clone(), node.firmware, node.budget.clone());
        let decide = move || {
            let host = NetworkHost { macs: &macs, uuid: &uuid, firmware, failed: &failed };
            media::network_boot(&text, &host, &budget)
        };
        self.readers.run(decide).await
    }

    /// Follows a script, and the scripts that it chains to, until one of them boots something.
    async fn boot_script(
        &self,
        node: &BootingNode,
        macs: &[String],
        url: Url,
        text: String,
    ) -> Result<Bootable, BootError> {
        let (mut url, mut text) = (url, Arc::<str>::from(text));
        let mut failed: Vec<String> = Vec::new();
        for _ in 0..MAX_SCRIPTS {
            match self.decide(node, macs, &text, &failed).await {
                Decision::Kernel(boot) => {
                    let clues = Clues::kernel(&boot, boot.command_line.clone());
                    return Ok(self.system(node, &redacted(&url), &clues));
                }
                Decision::LocalDisk => {
                    node.log("the disk", &redacted(&url), "the boot configuration says so");
                    return Ok(Bootable::Disk);
                }
                Decision::San(image) if image.starts_with("http") => {
                    return Box::pin(self.boot_image(node, &Image::without_credentials(&image))).await;
                }
                Decision::San(_) => {
                    node.log("a live system", &redacted(&url), "an iSCSI volume holds no agent");
                    return Ok(Bootable::Live);
                }
                Decision::Chain(next) => {
                    let joined = url
                        .join(&next)
                        .map_err(|error| BootError::InvalidUrl { text: next.clone(), error })?;
                    self.clients.egress.check(&joined)?;
                    match self.script(&joined).await {
                        Ok(Some(script)) => {
                            (url, text) = (joined, script.into());
                            failed.clear();
                        }
                        Ok(None) | Err(_) => failed.push(next),
                    }
                }
                Decision::Exit => return Err(BootError::ScriptExits { url: redacted(&url) }),
                Decision::Nothing(why) => {
                    return Err(BootError::NotBootable { url: redacted(&url), why: why.to_string() });
                }
            }
        }
        Err(BootError::TooManyScripts { url: redacted(&url) })
    }
}
