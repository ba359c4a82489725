//! The machines of a run: a fleet of its own, or those of a file.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::epoch::now;
use super::machine::{Fired, Happened, Machine, Machines};
use super::scrape;
use crate::config::{Config, RawSettings};
use crate::daemon::Daemon;
use crate::effect::EffectRunner;
use crate::fault::Rule;
use crate::file;
use crate::fleet::{Fleet, Reader};
use crate::import;
use crate::meter::Page;
use crate::node::NodeId;
use crate::node::command::Command;
use crate::node::lab;
use crate::node::labels::Labels;
use crate::plan::{FleetSource, ForeignNodes, Items, Plan, Target};
use crate::time::SimTime;

/// The path of the settings in a plan.
const SETTINGS: &str = "fleet.own.settings";
/// The longest file of nodes, bytes.
const MAX_NODES_FILE: u64 = 256 << 20;
/// The longest file with a password, bytes.
const MAX_PASSWORD_FILE: u64 = 1 << 20;

/// A fleet of the run's own, in this process.
pub struct FleetOfOwn {
    fleet: Arc<Fleet>,
    outside: Arc<EffectRunner>,
    /// The index of each item's node.
    nodes: Vec<u32>,
    /// The item of each node.
    items: Vec<u32>,
    access: Access,
    /// The CA of the BMCs' certificates, PEM.
    ca: Option<Vec<u8>>,
    reader: tokio::sync::Mutex<Reader>,
    /// The same moment in simulated and in real time, and the speed between them.
    began: (SimTime, tokio::time::Instant, f64),
    served: Mutex<Option<Served>>,
    _certificates: tempfile::TempDir,
}

/// Ends the task that serves the fleet, and the task.
type Served = (oneshot::Sender<()>, JoinHandle<anyhow::Result<()>>);

/// What all machines have in common.
#[derive(Clone, Debug)]
struct Access {
    bmc: crate::address::Urls,
    user: String,
    password: String,
}

impl FleetOfOwn {
    /// Starts a fleet with a node for each item. Its listeners have free ports of loopback, unless the plan says otherwise.
    ///
    /// # Errors
    /// If a setting is wrong, or the fleet cannot start.
    pub async fn start(plan: &Plan) -> anyhow::Result<Self> {
        let items = Items::new(&plan.groups);
        let certificates =
            tempfile::tempdir().context("cannot make a folder for the certificates of the fleet")?;
        let mut settings = match &plan.fleet {
            FleetSource::Own(own) => own.settings.clone(),
            FleetSource::Server(_) | FleetSource::File(_) => BTreeMap::new(),
        };
        let mut models: Vec<(&str, Vec<u32>)> = Vec::new();
        for (number, item) in (0u32..).zip(&items.all) {
            let profile = plan.groups[item.group as usize].profile(*item);
            match models.iter_mut().find(|(name, _)| *name == profile) {
                Some((_, members)) => members.push(number),
                None => models.push((profile, vec![number])),
            }
        }
        let profiles: Vec<_> =
            models.iter().map(|(name, members)| format!("{name}={}", members.len())).collect();
        settings.insert("profile".to_owned(), json!(profiles));
        settings.insert("seed".to_owned(), json!(plan.seed));
        let free = ["listen", "agent-listen"].map(|name| (name, json!("https://127.0.0.1:0")));
        let ironic = match &plan.target {
            Target::Ironic(ironic) => ironic.url.0.iter().map(|url| json!(url.to_string())).collect(),
            Target::Redfish(_) => Vec::new(),
        };
        let defaults = [
            ("admin-listen", json!("off")),
            ("certs", json!(certificates.path())),
            ("ironic", Value::Array(ironic)),
        ];
        for (name, value) in free.into_iter().chain(defaults) {
            settings.entry(name.to_owned()).or_insert(value);
        }
        let config = Config::new(&RawSettings::of_plan(SETTINGS, &settings)?)?;
        let layout = config.layout;
        let (user, password) = (config.fleet.user.clone(), config.fleet.password.reveal().to_owned());
        let speed = config.speed;
        let indexes = config.fleet.indexes();
        let daemon = Daemon::start(config).await?;
        let bmc = crate::config::addresses::urls(&daemon.ready().bmc, layout, indexes)
            .map_err(anyhow::Error::msg)?;
        // A fleet without TLS has no CA.
        let ca = match bmc.pattern().starts_with("https:") {
            true => {
                let path = std::path::Path::new(&daemon.ready().ca);
                let read = file::read(path, crate::tls::MAX_FILE_BYTES);
                Some(read.with_context(|| format!("cannot read the CA of the fleet, {}", path.display()))?)
            }
            false => None,
        };
        let (fleet, outside) = (Arc::clone(daemon.fleet()), Arc::clone(daemon.outside()));
        let order: Vec<u32> = models.into_iter().flat_map(|(_, members)| members).collect();
        let mut nodes = vec![0; order.len()];
        for (index, item) in (0u32..).zip(&order) {
            nodes[*item as usize] = index;
        }
        label(&fleet, plan, &items, &nodes);
        let reader = tokio::sync::Mutex::new(fleet.stream().follow(None));
        let began = (fleet.clock().now(), now(), speed);
        let (stop, stopped) = oneshot::channel();
        let served = tokio::spawn(daemon.run(async move {
            // An error means that the fleet was dropped.
            let _ = stopped.await;
        }));
        Ok(Self {
            fleet,
            outside,
            nodes,
            items: order,
            access: Access { bmc, user, password },
            ca,
            reader,
            began,
            served: Mutex::new(Some((stop, served))),
            _certificates: certificates,
        })
    }

    /// Stops the fleet.
    ///
    /// # Errors
    /// If it has failed before.
    pub async fn stop(&self) -> anyhow::Result<()> {
        let served = self.served.lock().take();
        if let Some((stop, served)) = served {
            // An error means that it has ended already.
            let _ = stop.send(());
            served.await??;
        }
        Ok(())
    }

    /// A moment of simulated time in real time.
    fn real(&self, at: SimTime) -> tokio::time::Instant {
        let (simulated, real, speed) = self.began;
        #[expect(clippy::cast_precision_loss, reason = "a run is shorter than 2^53 milliseconds")]
        let seconds = at.since_ms(simulated) as f64 / 1000.0 / speed;
        real + Duration::try_from_secs_f64(seconds).unwrap_or_default()
    }
}

/// Sets the labels of the groups.
fn label(fleet: &Fleet, plan: &Plan, items: &Items, nodes: &[u32]) {
    for (item, node) in items.all.iter().zip(nodes) {
        let labels = &plan.groups[item.group as usize].labels;
        if labels.is_empty() {
            continue;
        }
        let labels = labels.iter().map(|(key, value)| (key.as_str().into(), value.as_str().into()));
        let labels = Labels::from_iter(labels);
        // The plan has been checked, so the command is not refused.
        let _ = fleet.apply(NodeId(*node), Command::Lab(lab::Command::Label(labels)));
    }
}

impl Machines for FleetOfOwn {
    fn machine(&self, item: u32) -> Machine {
        let (index, Access { bmc, user, password }) = (self.nodes[item as usize], &self.access);
        let own_root = bmc.are_own();
        let facts = self.fleet.identify(NodeId(index), |node, _| {
            let spec = node.spec();
            let macs = node.cabled_macs().map(|mac| mac.to_string()).collect();
            (spec.uuid().to_string(), spec.name(), spec.system_path(own_root), macs)
        });
        let (uuid, name, system, macs) = facts.unwrap_or_default();
        Machine {
            address: bmc.of(index, || name.clone()),
            uuid,
            name,
            system,
            username: user.clone(),
            password: password.clone(),
            verify_ca: None,
            macs,
        }
    }

    fn ca(&self) -> Option<Vec<u8>> {
        self.ca.clone()
    }

    fn happened(&self) -> BoxFuture<'_, Vec<Happened>> {
        Box::pin(async {
            let (_, happened) = self.reader.lock().await.next().await;
            let read = |one: crate::fleet::Happened| {
                let machine = *self.items.get(one.node.0 as usize)?;
                let event = serde_json::to_value(one.event).ok()?.as_str()?.to_owned();
                Some(Happened { machine, at: self.real(one.at), event, detail: one.detail.into() })
            };
            happened.into_iter().filter_map(read).collect()
        })
    }

    fn requests(&self) -> BoxFuture<'_, BTreeMap<String, u64>> {
        Box::pin(async {
            let mut page = Page::default();
            self.outside.meter(&mut page);
            calls(&page.text())
        })
    }

    fn add_rules<'a>(&'a self, rules: &'a [Rule]) -> BoxFuture<'a, anyhow::Result<()>> {
        Box::pin(async move { Ok(self.fleet.add_rules(rules.to_vec(), false, false).map(drop)?) })
    }

    fn clear_rules<'a>(&'a self, rules: &'a [Rule]) -> BoxFuture<'a, anyhow::Result<Vec<Fired>>> {
        Box::pin(async move {
            let mut all = Vec::new();
            for rule in rules {
                let name = rule.name.as_str();
                let fired = self.fleet.rule_status(name).map_or(0, |status| status.fired);
                all.push(Fired { name: name.to_owned(), fired });
                self.fleet.clear_rule(name)?;
            }
            Ok(all)
        })
    }
}

/// The outgoing calls of a page of metrics of fauxmetal, by kind and result.
pub fn calls(page: &str) -> BTreeMap<String, u64> {
    let read = |(name, value): (String, f64)| {
        let labels =
            name.strip_prefix("fauxmetal_calls_total")?.strip_prefix("{kind=\"")?.strip_suffix("\"}")?;
        let (kind, result) = labels.split_once("\",result=\"")?;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a counter is a whole number"
        )]
        let count = value as u64;
        (count > 0).then(|| (format!("{kind} {result}"), count))
    };
    scrape::values(page).into_iter().filter_map(read).collect()
}

/// The machines of a file, in its order.
struct Foreign(Vec<Machine>);

/// Reads the machines of a file, as many as the plan has items.
///
/// # Errors
/// If the file cannot be read, a node has no address of its BMC, or there are too few nodes.
pub fn foreign(source: &ForeignNodes, items: usize) -> anyhow::Result<Arc<dyn Machines>> {
    #[derive(Deserialize)]
    struct Nic {
        mac: String,
    }
    #[derive(Deserialize)]
    struct Node {
        uuid: String,
        name: Option<String>,
        #[serde(default)]
        nics: Vec<Nic>,
        redfish_address: Option<String>,
        redfish_system_id: Option<String>,
        redfish_username: Option<String>,
        redfish_password: Option<String>,
    }
    let place = source.path.display();
    let text = file::read_text(&source.path, MAX_NODES_FILE)
        .with_context(|| format!("fleet.file.path: cannot read {place}"))?;
    // JSON needs no tree of values, and a file can have as many bytes as the limit.
    let nodes: Vec<Node> = match serde_json::from_str(&text) {
        Ok(nodes) => nodes,
        Err(_) => {
            let list = import::literal(&text)
                .map_err(|wrong| anyhow::anyhow!("fleet.file.path: {place}: {wrong}"))?;
            serde_json::from_value(list).with_context(|| {
                format!("fleet.file.path: {place} is no list of nodes with uuid, name and nics")
            })?
        }
    };
    anyhow::ensure!(
        nodes.len() >= items,
        "fleet.file.path: {place} has {} nodes, and the plan has {items} items",
        nodes.len()
    );
    let password = password(source.password_file.as_deref())?;
    let machine = |(number, node): (usize, Node)| {
        let address = node.redfish_address.or_else(|| source.address.clone()).with_context(|| {
            format!("fleet.file: node {number} of {place} has no redfish_address; write fleet.file.address")
        })?;
        Ok(Machine {
            name: node.name.unwrap_or_else(|| node.uuid.clone()),
            system: node.redfish_system_id.unwrap_or_else(|| format!("/redfish/v1/Systems/{}", node.uuid)),
            uuid: node.uuid,
            address,
            username: node.redfish_username.unwrap_or_else(|| source.username.clone()),
            password: node.redfish_password.unwrap_or_else(|| password.clone()),
            verify_ca: source.verify_ca.clone(),
            macs: node.nics.into_iter().map(|nic| nic.mac).collect(),
        })
    };
    let machines = nodes.into_iter().take(items).enumerate().map(machine).collect::<anyhow::Result<_>>()?;
    Ok(Arc::new(Foreign(machines)))
}

/// The password in the first line of a file; the default one of fauxmetal without a file.
///
/// # Errors
/// If the file cannot be read.
pub fn password(file: Option<&std::path::Path>) -> anyhow::Result<String> {
    let Some(path) = file else { return Ok("password".to_owned()) };
    file::first_line(path, MAX_PASSWORD_FILE)
        .with_context(|| format!("passwordFile: cannot read {}", path.display()))
}

impl Machines for Foreign {
    fn machine(&self, item: u32) -> Machine {
        self.0[item as usize].clone()
    }

    fn happened(&self) -> BoxFuture<'_, Vec<Happened>> {
        Box::pin(std::future::pending())
    }

    fn requests(&self) -> BoxFuture<'_, BTreeMap<String, u64>> {
        Box::pin(std::future::ready(BTreeMap::new()))
    }

    fn add_rules<'a>(&'a self, rules: &'a [Rule]) -> BoxFuture<'a, anyhow::Result<()>> {
        let is_possible = rules.is_empty();
        Box::pin(async move {
            anyhow::ensure!(is_possible, "the machines of a file have no rules of faults");
            Ok(())
        })
    }

    fn clear_rules<'a>(&'a self, _: &'a [Rule]) -> BoxFuture<'a, anyhow::Result<Vec<Fired>>> {
        Box::pin(std::future::ready(Ok(Vec::new())))
    }
}
