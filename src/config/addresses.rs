//! The listening addresses: how nodes share or divide them, and whether they have room for all nodes.

use std::net::IpAddr;

use super::admin::AdminConfig;
use super::error::ConfigError;
use super::net::{Host, Listen};
use super::raw::RawSettings;
use super::setting::{ADDRESSES, ADVERTISE, AGENT_LISTEN, DOMAIN, LISTEN, Setting};
use super::value;
use crate::address::{BaseUrl, Layout, Place, Urls};

/// The largest number of nodes with a port each. Each node needs a socket for its BMC and one for its agent.
pub const MAX_PORTS: u32 = 10_000;

/// The default addresses of the BMCs and of the agents. Each block has room for a million nodes. The ports are below the
/// range from which Linux takes free ports.
fn defaults(layout: Layout) -> [Option<&'static str>; 2] {
    match layout {
        Layout::Shared | Layout::Host => [LISTEN.default, AGENT_LISTEN.default],
        Layout::Ip => [Some("https://127.16.0.0/12:8443"), Some("https://127.32.0.0/12:9999")],
        Layout::Port => [Some("https://127.0.0.1:10000"), Some("https://127.0.0.1:20000")],
    }
}

/// All settings about listening addresses.
pub(super) struct Addresses {
    pub(super) layout: Layout,
    pub(super) domain: Option<Host>,
    pub(super) listen: Vec<Listen>,
    pub(super) agent_listen: Option<Listen>,
    pub(super) admin: Option<AdminConfig>,
}

/// # Errors
/// If `--addresses` names no layout.
pub fn layout(raw: &RawSettings) -> Result<Layout, ConfigError> {
    raw.required(&ADDRESSES, |text| {
        named(text).ok_or_else(|| {
            let names = Layout::ALL.map(Layout::as_str).join(", ");
            format!("'{text}' is not a way to share addresses; allowed are {names}")
        })
    })
}

/// The layout that `--addresses` calls by that name.
pub fn named(name: &str) -> Option<Layout> {
    Layout::ALL.into_iter().find(|layout| layout.as_str() == name)
}

/// The layout of the agents. With host names for the BMCs, all agents share one listener.
pub(super) fn of_agents(layout: Layout) -> Layout {
    match layout {
        Layout::Host => Layout::Shared,
        Layout::Shared | Layout::Ip | Layout::Port => layout,
    }
}

impl Addresses {
    pub(super) fn new(raw: &RawSettings, nodes: u32) -> Result<Self, ConfigError> {
        let layout = layout(raw)?;
        if layout == Layout::Port && nodes > MAX_PORTS {
            let problem = format!("port allows at most {MAX_PORTS} nodes, and there are {nodes}; use ip");
            return Err(wrong(raw, &ADDRESSES, problem));
        }
        let domain = domain(raw, layout)?;
        if layout == Layout::Ip && raw.first(&ADVERTISE).is_some() {
            let problem =
                "cannot be combined with --addresses ip, where each node has its own address; leave it out";
            return Err(wrong(raw, &ADVERTISE, problem));
        }
        let [default, agent_default] = defaults(layout);
        let mut taken: Vec<Place> = Vec::new();
        let mut listen = Vec::new();
        for (one, origin) in raw.list_or(&LISTEN, default, Listen::MAX, |text| Listen::parse(text, layout))? {
            one.check(layout, nodes, &taken).map_err(|problem| ConfigError::at(&LISTEN, &origin, problem))?;
            taken.push(one.place(layout));
            listen.push(one);
        }
        let layout_of_agents = of_agents(layout);
        let parse = |text: &str| {
            let listen = |text: &str| Listen::parse(text, layout_of_agents);
            value::unless_off(text, listen).map_err(|problem| format!("{problem}, or off"))
        };
        let agents = raw.list_or(&AGENT_LISTEN, agent_default, 1, parse)?.pop();
        let (agent_listen, origin) = agents.expect("the list of settings gives it a default");
        if let Some(agents) = &agent_listen {
            agents
                .check(layout_of_agents, nodes, &taken)
                .map_err(|problem| ConfigError::at(&AGENT_LISTEN, &origin, problem))?;
            taken.push(agents.place(layout_of_agents));
        }
        let admin = AdminConfig::new(raw, &taken)?;
        Ok(Self { layout, domain, listen, agent_listen, admin })
    }
}

fn domain(raw: &RawSettings, layout: Layout) -> Result<Option<Host>, ConfigError> {
    let domain = raw.optional(&DOMAIN, |text| {
        let host = Host::parse(text)?;
        match host.as_str().parse::<IpAddr>() {
            Ok(_) => Err(format!("'{text}' is an IP address; write a domain such as bmc.example")),
            Err(_) => Ok(host.to_lower_case()),
        }
    })?;
    match (layout, &domain) {
        (Layout::Host, None) => {
            let problem = "host needs --domain, the domain of the nodes' names, such as bmc.example";
            Err(wrong(raw, &ADDRESSES, problem))
        }
        (Layout::Shared | Layout::Ip | Layout::Port, Some(_)) => {
            let problem = "is used with --addresses host only; add --addresses host or leave it out";
            Err(wrong(raw, &DOMAIN, problem))
        }
        (Layout::Host, Some(_)) | (Layout::Shared | Layout::Ip | Layout::Port, None) => Ok(domain),
    }
}

fn wrong(raw: &RawSettings, setting: &Setting, problem: impl Into<String>) -> ConfigError {
    ConfigError::at(setting, &raw.origin(setting), problem)
}

impl Listen {
    /// Where the listener listens.
    pub fn place(&self, layout: Layout) -> Place {
        match (layout, self.prefix) {
            (Layout::Ip, Some(prefix)) => Place::Ips(prefix, self.address.port()),
            (Layout::Port, _) => Place::Ports(self.address),
            (Layout::Shared | Layout::Host, _) | (Layout::Ip, None) => Place::One(self.address),
        }
    }

    /// # Errors
    /// If there is no room for so many nodes, or another listener uses the same address and port.
    pub(super) fn check(&self, layout: Layout, nodes: u32, taken: &[Place]) -> Result<(), String> {
        let place = self.place(layout);
        if let Place::Ports(first) = place
            && first.port() == 0
        {
            return Err("the first of the nodes' ports cannot be 0; write a port such as 10000".to_owned());
        }
        if place.capacity() < nodes {
            let room = place.capacity();
            let choose = match place {
                Place::Ips(..) => "choose a larger block",
                Place::Ports(_) | Place::One(_) => "choose a lower port",
            };
            return Err(format!("{self} has room for {room} nodes, and there are {nodes}; {choose}"));
        }
        if taken.iter().any(|other| overlap(*other, place, nodes)) {
            let what = match place {
                Place::One(address) => format!("{address} is"),
                Place::Ips(_, port) => format!("port {port} of a block of addresses is"),
                Place::Ports(first) => format!("some of the {nodes} ports from {first} on are"),
            };
            return Err(format!("{what} already used by another listener; choose another port"));
        }
        Ok(())
    }
}

/// Whether two places have an address and port in common. Two prefixes of one address family have, if their ports are the
/// same: the socket of each is bound to the wildcard address.
fn overlap(one: Place, other: Place, nodes: u32) -> bool {
    match (one, other) {
        (Place::One(a), Place::One(b)) => a.port() != 0 && a == b,
        (Place::Ips(a, x), Place::Ips(b, y)) => {
            x != 0 && x == y && a.network().is_ipv4() == b.network().is_ipv4()
        }
        (Place::Ports(a), Place::Ports(b)) => {
            let same_host = a.ip() == b.ip() || a.ip().is_unspecified() || b.ip().is_unspecified();
            same_host && u32::from(a.port().abs_diff(b.port())) < nodes
        }
        // All listeners of one layout have the same kind of place; the admin listener is left to the operating system.
        (Place::One(_) | Place::Ips(..) | Place::Ports(_), _) => false,
    }
}

/// The URLs of all nodes, from the URL that `fauxmetal export --bmc` has for `layout`: with a block of addresses, the first
/// port or the domain.
///
/// # Errors
/// If the URL does not fit the layout, or has no room for so many nodes.
pub fn urls(url: &str, layout: Layout, nodes: u32) -> Result<Urls, String> {
    if layout == Layout::Ip {
        let listen = Listen::parse(url, Layout::Ip)?;
        listen.check(Layout::Ip, nodes, &[])?;
        let prefix = listen.prefix.expect("a URL that is parsed for this layout has a prefix");
        return Ok(Urls::Ips { scheme: listen.scheme(), prefix, port: listen.address.port() });
    }
    let base = BaseUrl::parse(url)?;
    // Ironic and Metal3 append the path of a system.
    if !base.path().is_empty() {
        return Err(format!("'{url}' has a path; write only scheme, host and port"));
    }
    let (scheme, host) = (base.scheme(), base.host());
    Ok(match layout {
        Layout::Shared | Layout::Ip => Urls::Same(base.as_str().into()),
        Layout::Host if host.parse::<IpAddr>().is_ok() => {
            return Err(format!("'{host}' is an IP address; write the domain of the nodes' names"));
        }
        Layout::Host => Urls::Names { scheme, domain: host.into(), port: base.port() },
        Layout::Port => {
            let room = u32::from(u16::MAX - base.port()) + 1;
            if room < nodes {
                return Err(format!(
                    "'{url}' has room for {room} nodes, and there are {nodes}; choose a lower port"
                ));
            }
            let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
            Urls::Ports { scheme, host: host.into(), first: base.port() }
        }
    })
}
