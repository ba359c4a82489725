//! The machines of a running daemon, by its control API.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::{StreamExt as _, TryStreamExt as _};
use jiff::Timestamp;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::admin::api::{
    AddFaults, AddedFaults, ClearFaults, ClearedFaults, Clock, Faults, Fleet, FleetEvent, Node, NodeDetails,
};
use crate::cli::client::{Client, ClientError, Connection, Event, Events};
use crate::cli::exit_code::UsageError;
use crate::fault::Rule;
use crate::plan::RunningDaemon;
use crate::run::machine::{Fired, Happened, Machine, Machines};
use crate::run::{calls, now, password};

/// The pause before the first try to connect again to the stream of events. Each pause is twice as long, up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// Requests at the same time for the addresses of BMCs that each have their own.
const LOOKUPS: usize = 16;
/// The layout in which all BMCs share a service root, as the API names it.
const SHARED: &str = "shared";

/// Finds the machines of a daemon: as many as the plan has items, in the order of their indexes.
///
/// # Errors
/// If the plan names a wrong daemon, selection or file, or the daemon has too few nodes.
pub(super) async fn machines(source: &RunningDaemon, items: usize) -> anyhow::Result<Arc<dyn Machines>> {
    let connection = Connection::of_plan(source);
    let (client, listener) = (Client::new(&connection)?, Client::for_streams(&connection)?);
    let password = password(source.password_file.as_deref())?;
    let nodes = nodes(&client, source.selector.as_deref(), items).await?;
    let fleet: Fleet = client.get(&["fleet"], &[]).await?;
    let user = fleet.settings.iter().find(|setting| setting.name == "user");
    let username = user.and_then(|user| user.values.first()).map_or("admin", String::as_str);
    let access = Access { client: &client, fleet: &fleet, username, password: &password };
    let machines: Vec<Machine> = futures_util::stream::iter(nodes)
        .map(|node| access.machine(node))
        .buffered(LOOKUPS)
        .try_collect()
        .await?;
    let item = |(number, machine): (u32, &Machine)| (machine.uuid.clone(), number);
    let daemon = Daemon {
        items: (0u32..).zip(&machines).map(item).collect(),
        // The requests before the run are none of its own.
        before: calls(&client.metrics().await?),
        // The stream begins before the run, so that no event of an item is missed.
        stream: Mutex::new(Stream::connect(&listener, None).await?),
        machines,
        client,
        listener,
    };
    Ok(Arc::new(daemon))
}

/// The first nodes of a selection.
async fn nodes(client: &Client, selector: Option<&str>, items: usize) -> anyhow::Result<Vec<Node>> {
    let selector = selector.map(|selector| ("selector", selector));
    let fields = Some(("fields", "name,uuid,index,macs"));
    let query: Vec<_> = fields.into_iter().chain(selector).collect();
    let mut lines = client.lines(&["nodes"], &query).await.map_err(|error| match error {
        error if error.is_usage() => UsageError(format!("fleet.server.selector: {error}")).into(),
        error => anyhow::Error::from(error),
    })?;
    let mut nodes = Vec::new();
    while nodes.len() < items
        && let Some(node) = lines.document::<Node>().await?
    {
        nodes.push(node);
    }
    if nodes.len() < items {
        let selected = selector.map_or(String::new(), |(_, text)| format!(" that match '{text}'"));
        anyhow::bail!(
            "fleet.server: the daemon has {} nodes{selected}, and the plan has {items} items",
            nodes.len()
        );
    }
    Ok(nodes)
}

/// The access to the BMCs of a daemon.
struct Access<'a> {
    client: &'a Client,
    fleet: &'a Fleet,
    username: &'a str,
    password: &'a str,
}

impl Access<'_> {
    async fn machine(&self, node: Node) -> anyhow::Result<Machine> {
        let (name, uuid) = (node.name.unwrap_or_default(), node.uuid.unwrap_or_default());
        let shared = self.fleet.addresses.redfish.first().filter(|_| self.fleet.addresses.layout == SHARED);
        let url = match shared {
            Some(root) => format!("{}/redfish/v1/Systems/{uuid}", root.trim_end_matches('/')),
            None => self.client.get::<NodeDetails>(&["nodes", &uuid], &[]).await?.bmc.url,
        };
        let Some((address, path)) = url.split_once("/redfish/") else {
            anyhow::bail!("fleet.server: the daemon has no URL for the BMC of '{name}'");
        };
        Ok(Machine {
            address: address.to_owned(),
            system: format!("/redfish/{path}"),
            name,
            uuid,
            username: self.username.to_owned(),
            password: self.password.to_owned(),
            verify_ca: None,
            macs: node.macs.unwrap_or_default(),
        })
    }
}

/// The nodes of a daemon.
struct Daemon {
    machines: Vec<Machine>,
    /// The item of each UUID.
    items: HashMap<String, u32>,
    client: Client,
    listener: Client,
    stream: Mutex<Stream>,
    before: BTreeMap<String, u64>,
}

/// The stream of events of a fleet.
struct Stream {
    events: Events,
    /// The id of the last event.
    last: Option<String>,
    connected: Moment,
}

/// The same moment in simulated and in real time, and the speed between them.
struct Moment {
    simulated: Timestamp,
    real: Instant,
    speed: f64,
}

impl Moment {
    /// The real time of an event. An event that happened before the connection has the time that follows from the clock of the fleet,
    /// and a later one that of its arrival: so a clock that somebody changes meanwhile does no harm.
    fn real(&self, at: Timestamp, arrival: Instant) -> Instant {
        let ago = self.simulated.duration_since(at).as_secs_f64() / self.speed;
        match Duration::try_from_secs_f64(ago) {
            Ok(ago) if !ago.is_zero() => self.real.checked_sub(ago).unwrap_or(arrival),
            _ => arrival,
        }
    }
}

impl Stream {
    async fn connect(client: &Client, last: Option<String>) -> Result<Self, ClientError> {
        let events = client.events(&["events"], &[], last.as_deref()).await?;
        let clock: Clock = client.get(&["clock"], &[]).await?;
        let simulated = clock.now.parse().unwrap_or(Timestamp::UNIX_EPOCH);
        let connected = Moment { simulated, real: now(), speed: clock.speed };
        Ok(Self { events, last, connected })
    }

    /// The next event of an item; `None` if it is none of a node.
    fn read(&mut self, event: Event, items: &HashMap<String, u32>) -> Option<Happened> {
        let Event { kind, id, data } = event;
        self.last = id.or(self.last.take());
        let arrival = now();
        let happened: FleetEvent = serde_json::from_str(&data).ok()?;
        let machine = *items.get(&happened.uuid)?;
        let detail = happened.text.strip_prefix(happened.event.text()).unwrap_or(&happened.text).trim_start();
        let at = happened.time.parse().map_or(arrival, |at| self.connected.real(at, arrival));
        Some(Happened { machine, at, event: kind, detail: detail.to_owned() })
    }
}

impl Machines for Daemon {
    fn machine(&self, item: u32) -> Machine {
        self.machines[item as usize].clone()
    }

    fn happened(&self) -> BoxFuture<'_, Vec<Happened>> {
        Box::pin(async {
            let mut stream = self.stream.lock().await;
            let mut pause = FIRST_PAUSE;
            loop {
                // The daemon is restarted, or the network is away.
                while let Ok(Some(event)) = stream.events.next().await {
                    pause = FIRST_PAUSE;
                    if let Some(happened) = stream.read(event, &self.items) {
                        return vec![happened];
                    }
                }
                tokio::time::sleep(pause).await;
                pause = (2 * pause).min(LONGEST_PAUSE);
                if let Ok(again) = Stream::connect(&self.listener, stream.last.clone()).await {
                    *stream = again;
                }
            }
        })
    }

    fn requests(&self) -> BoxFuture<'_, BTreeMap<String, u64>> {
        Box::pin(async {
            let page = self.client.metrics().await.unwrap_or_default();
            let since = |(name, count): (String, u64)| {
                // After a restart of the daemon the counters begin anew.
                let before = self.before.get(&name).copied().filter(|before| *before <= count).unwrap_or(0);
                (count > before).then(|| (name, count - before))
            };
            calls(&page).into_iter().filter_map(since).collect()
        })
    }

    fn add_rules<'a>(&'a self, rules: &'a [Rule]) -> BoxFuture<'a, anyhow::Result<()>> {
        Box::pin(async move {
            if !rules.is_empty() {
                let body = AddFaults { rules: rules.to_vec(), replace: false, dry_run: false };
                self.client.post::<AddedFaults>("faults", &body).await?;
            }
            Ok(())
        })
    }

    fn clear_rules<'a>(&'a self, rules: &'a [Rule]) -> BoxFuture<'a, anyhow::Result<Vec<Fired>>> {
        Box::pin(async move {
            if rules.is_empty() {
                return Ok(Vec::new());
            }
            let Faults { items } = self.client.get(&["faults"], &[]).await?;
            let fired = |rule: &Rule| {
                let found = items.iter().find(|fault| fault.rule.name == rule.name);
                Fired { name: rule.name.to_string(), fired: found.map_or(0, |fault| fault.fired) }
            };
            let all = rules.iter().map(fired).collect();
            let names = rules.iter().map(|rule| rule.name.to_string()).collect();
            self.client.post::<ClearedFaults>("faults/clear", &ClearFaults { names, all: false }).await?;
            Ok(all)
        })
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::http::HeaderMap;
    use axum::routing::get;

    use super::*;
    use crate::admin::api::BASE;

    #[tokio::test]
    async fn a_stream_that_breaks_goes_on_after_the_last_event() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let events = async |headers: HeaderMap| {
            let last = headers.get("last-event-id").and_then(|id| id.to_str().ok()).unwrap_or("none");
            let data = r#"{"time": "2026-01-01T00:00:00Z", "node": "n", "uuid": "u", "event": "reading", "text": "booting from Cd"}"#;
            let other = data.replace("\"u\"", "\"another\"");
            format!(
                "event: reading\nid: other\ndata: {other}\n\nevent: reading\nid: after-{last}\ndata: {data}\n\n"
            )
        };
        let clock =
            async || r#"{"now": "2026-01-01T00:00:00Z", "held": false, "speed": 1.0, "aheadSeconds": 0}"#;
        let app = Router::new()
            .route(&format!("{BASE}/events"), get(events))
            .route(&format!("{BASE}/clock"), get(clock))
            .route("/metrics", get(async || "fauxmetal_calls_total{kind=\"heartbeat\",result=\"ok\"} 7\n"));
        tokio::spawn(async move { axum::serve(listener, app).await });
        let source = RunningDaemon { url, ca: None, token_file: None, selector: None, password_file: None };
        let client = || Client::new(&Connection::of_plan(&source)).unwrap();
        let daemon = Daemon {
            machines: Vec::new(),
            items: HashMap::from([("u".to_owned(), 3)]),
            client: client(),
            listener: client(),
            stream: Mutex::new(Stream::connect(&client(), None).await.unwrap()),
            before: BTreeMap::from([("heartbeat ok".to_owned(), 5)]),
        };
        for last in ["after-none", "after-after-none"] {
            let happened = daemon.happened().await;
            let [Happened { machine, event, detail, .. }] = &happened[..] else {
                unreachable!("{happened:?}")
            };
            assert_eq!((*machine, event.as_str(), detail.as_str()), (3, "reading", "Cd"));
            assert_eq!(daemon.stream.lock().await.last.as_deref(), Some(last));
        }
        assert_eq!(daemon.requests().await, BTreeMap::from([("heartbeat ok".to_owned(), 2)]));
    }

    #[test]
    fn an_event_that_comes_late_has_its_own_time() {
        let (simulated, real) = (Timestamp::from_second(1000).unwrap(), now());
        let moment = Moment { simulated, real, speed: 10.0 };
        let arrival = real + Duration::from_secs(1);
        let at = |seconds| moment.real(Timestamp::from_second(seconds).unwrap(), arrival);
        assert_eq!(at(960), real - Duration::from_secs(4));
        assert_eq!(at(1005), arrival, "after the connection");
        let held = Moment { speed: 0.0, ..moment };
        assert_eq!(held.real(Timestamp::from_second(960).unwrap(), arrival), arrival);
    }
}
