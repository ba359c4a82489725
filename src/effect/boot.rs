//! Reading what a machine boots from: an image of virtual media or of an HTTP boot, or what Ironic has published for the
//! network.

use url::Url;

use super::client;
use super::fetch::Remote;
use super::{Done, Outside, kernel};
use crate::dmtf::{BootMode, BootTarget};
use crate::media::{self, Boot, CommandLine, Decision, Firmware, NetworkHost};
use crate::node::bmc::media::Inserted;
use crate::node::effect::{Answer, Bootable};
use crate::node::host::Host;
use crate::node::{Node, NodeId};
use crate::profile::boot_source::BootSource;

/// Bytes of a boot configuration that is fetched from the network, at most.
const MAX_SCRIPT_BYTES: usize = 256 << 10;
/// Scripts that one network boot goes through, failed ones included.
const MAX_SCRIPTS: usize = 16;

/// An image, and who may fetch it.
struct Image {
    url: String,
    credentials: Option<(Box<str>, Box<str>)>,
}

impl Image {
    fn of(media: &Inserted) -> Self {
        let credentials = media.insertion.credentials.as_deref().cloned();
        Self { url: media.insertion.image.to_string(), credentials }
    }

    fn plain(url: &str) -> Self {
        Self { url: url.to_owned(), credentials: None }
    }

    /// The last part of its path.
    fn file_name(&self) -> &str {
        let path = self.url.split(['?', '#']).next().unwrap_or_default();
        path.rsplit('/').next().unwrap_or_default()
    }
}

/// A machine that boots.
struct Booting {
    /// What it boots from; `None` is the network.
    image: Option<Image>,
    /// Other removable media, on which parameters may be.
    removable: Vec<Image>,
    firmware: Firmware,
    /// Interfaces with a cable.
    macs: Vec<String>,
    uuid: String,
}

impl Booting {
    fn of(node: &Node, start: u32) -> Option<Self> {
        let Host::Booting(booting) = node.host() else { return None };
        if node.starts() != start {
            return None;
        }
        let slot = match booting.from {
            BootSource::Standard(BootTarget::Pxe | BootTarget::UefiHttp) => None,
            source => node.media_for(source),
        };
        let medium = slot.and_then(|slot| node.bmc().media.get(slot));
        let uri = node.boot().http_uri.as_deref().filter(|_| booting.from == BootTarget::UefiHttp.into());
        let slots = &node.profile().media_slots;
        let removable = |(number, media)| {
            let kind = slots.get(usize::from(number));
            (Some(number) != slot && kind.is_some_and(|k| !k.is_optical())).then(|| Image::of(media))
        };
        let nics = (0u8..).zip(&node.profile().nics).filter(|(_, nic)| nic.link);
        Some(Self {
            image: medium.map(Image::of).or(uri.map(Image::plain)),
            removable: node.bmc().media.iter().filter_map(removable).collect(),
            firmware: match node.boot().mode {
                BootMode::Uefi => Firmware::Uefi,
                BootMode::Legacy => Firmware::Bios,
            },
            macs: nics.map(|(port, _)| node.spec().mac(port).to_string()).collect(),
            uuid: node.spec().uuid().to_string(),
        })
    }
}

impl Outside {
    /// Opens the image that was inserted with that number.
    pub(super) async fn open_media(&self, id: NodeId, slot: u8, insertion: u32) -> Option<Done> {
        let look = |node: &Node, _| {
            let media = node.bmc().media.get(slot).filter(|media| media.number == insertion);
            media.map(Image::of)
        };
        let image = self.fleet.look(id, look).flatten()?;
        let result = match self.remote(&image) {
            Ok(remote) => remote.probe().await,
            Err(why) => Err(why),
        };
        let note = result.as_ref().err().cloned();
        Some(Done::new(Answer::MediaOpened { slot, insertion, result }, note))
    }

    /// Reads what the machine boots from.
    pub(super) async fn read_boot(&self, id: NodeId, start: u32) -> Option<Done> {
        let booting = self.fleet.look(id, |node, _| Booting::of(node, start)).flatten()?;
        let result = match &booting.image {
            Some(image) => self.boot_image(&booting, image).await,
            None => self.boot_network(&booting).await,
        };
        let note = result.as_ref().err().cloned();
        Some(Done::new(Answer::BootRead { start, result }, note))
    }

    fn remote<'a>(&'a self, image: &'a Image) -> Result<Remote<'a>, String> {
        let url = self.clients.parse(&image.url).map_err(|error| error.to_string())?;
        let credentials = image.credentials.as_ref().map(|(user, password)| (&**user, &**password));
        Ok(Remote { client: self.clients.get(false), url, credentials })
    }

    async fn boot_image(&self, booting: &Booting, image: &Image) -> Result<Bootable, String> {
        let remote = self.remote(image)?;
        let medium = remote.read(|bytes| media::inspect(bytes, booting.firmware)).await?;
        let names = [medium.label.as_str(), image.file_name()];
        match medium.boot {
            Boot::Kernel { kernel, .. } => {
                let line = self.with_removable(booting, kernel.command_line).await;
                Ok(kernel::bootable(&line, &names, &self.ironic))
            }
            Boot::LocalDisk => Ok(Bootable::Disk),
            // Without a command line that can be read, the names alone tell an agent's image from any other.
            Boot::Unknown => Ok(kernel::bootable(&CommandLine::new(""), &names, &self.ironic)),
            Boot::No(why) => Err(format!("{}: {why}", remote.shown())),
        }
    }

    /// The command line with the parameters of a removable medium. One that cannot be read is passed over, as the agent
    /// does.
    async fn with_removable(&self, booting: &Booting, line: CommandLine) -> CommandLine {
        if line.get("boot_method") != Some("vmedia") {
            return line;
        }
        for image in &booting.removable {
            let Ok(remote) = self.remote(image) else { continue };
            match remote.read(media::parameters).await {
                Ok(parameters) => return line.with_removable(&parameters.values),
                Err(why) => {
                    tracing::debug!(target: "fauxmetal::effect", %why, "a removable medium holds no parameters");
                }
            }
        }
        line
    }

    /// What Ironic has published for the first interface that it has published anything for.
    async fn boot_network(&self, booting: &Booting) -> Result<Bootable, String> {
        let Some(base) = &self.network_boot else {
            return Err("no network boot is configured".to_owned());
        };
        let below = |path: &str| Url::parse(&format!("{}/{path}", base.as_str().trim_end_matches('/')));
        for (first, mac) in booting.macs.iter().enumerate() {
            for path in media::network_config_paths(mac) {
                let url = below(&path).map_err(|error| format!("{path}: {error}"))?;
                if let Some(text) = self.script(&url).await? {
                    let mut macs = booting.macs.clone();
                    macs.swap(0, first);
                    return self.boot_script(booting, &macs, url, text).await;
                }
            }
        }
        Err(format!("{}: nothing is published for any of its interfaces", client::shown(base)))
    }

    async fn script(&self, url: &Url) -> Result<Option<String>, String> {
        self.clients.check(url).map_err(|error| error.to_string())?;
        let remote = Remote { client: self.clients.get(false), url: url.clone(), credentials: None };
        remote.text(MAX_SCRIPT_BYTES).await
    }

    /// Follows a script to what it boots.
    async fn boot_script(
        &self,
        booting: &Booting,
        macs: &[String],
        url: Url,
        text: String,
    ) -> Result<Bootable, String> {
        let (mut url, mut text) = (url, text);
        let mut failed: Vec<String> = Vec::new();
        for _ in 0..MAX_SCRIPTS {
            let host = NetworkHost { macs, uuid: &booting.uuid, firmware: booting.firmware, failed: &failed };
            match media::network_boot(&text, &host) {
                Decision::Kernel(boot) => {
                    return Ok(kernel::bootable(&boot.command_line, &[], &self.ironic));
                }
                Decision::LocalDisk => return Ok(Bootable::Disk),
                Decision::San(image) if image.starts_with("http") => {
                    return Box::pin(self.boot_image(booting, &Image::plain(&image))).await;
                }
                // A volume on another machine holds a system of its own.
                Decision::San(_) => return Ok(Bootable::Live),
                Decision::Chain(next) => {
                    let joined = url.join(&next).map_err(|error| format!("{next}: {error}"))?;
                    self.clients.check(&joined).map_err(|error| error.to_string())?;
                    match self.script(&joined).await {
                        Ok(Some(script)) => {
                            (url, text) = (joined, script);
                            failed.clear();
                        }
                        Ok(None) | Err(_) => failed.push(next),
                    }
                }
                Decision::Exit => return Err(format!("{}: it gives up", client::shown(&url))),
                Decision::Nothing(why) => return Err(format!("{}: {why}", client::shown(&url))),
            }
        }
        Err(format!("{}: it leads through more than {MAX_SCRIPTS} scripts", client::shown(&url)))
    }
}
