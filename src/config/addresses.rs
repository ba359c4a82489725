//! Who answers where: how nodes share or divide addresses, and whether what is listened on has room for them.

use std::net::IpAddr;

use super::error::{ConfigError, Origin};
use super::net::{Host, Listen};
use super::setting::{ADDRESSES, ADMIN_LISTEN, ADVERTISE, AGENT_LISTEN, DOMAIN, LISTEN, Setting};
use super::typed::Typed;
use crate::address::{Layout, Place, Urls};

/// Nodes that can have a port each, at most: every one needs a socket of its own for its controller and one for its agent.
pub const MAX_PORTS: u32 = 10_000;

/// Where the controllers listen when nobody says, and where the agents do. Each block of addresses has room for a million
/// nodes. The ports are below those that systems give out by themselves.
fn defaults(layout: Layout) -> [Option<&'static str>; 2] {
    match layout {
        Layout::Shared | Layout::Host => [LISTEN.default, AGENT_LISTEN.default],
        Layout::Ip => [Some("https://127.16.0.0/12:8443"), Some("https://127.32.0.0/12:9999")],
        Layout::Port => [Some("https://127.0.0.1:10000"), Some("https://127.0.0.1:20000")],
    }
}

/// What the settings say of addresses.
pub(super) struct Addresses {
    pub(super) layout: Layout,
    pub(super) domain: Option<Host>,
    pub(super) listen: Vec<Listen>,
    pub(super) agent_listen: Listen,
    pub(super) admin_listen: Option<Listen>,
}

/// The layout that was asked for.
///
/// # Errors
/// When there is none of that name.
pub fn layout(typed: &Typed) -> Result<Layout, ConfigError> {
    typed.one(&ADDRESSES, |text| {
        let known = Layout::ALL.iter().find(|(name, _)| *name == text);
        known.map(|(_, layout)| *layout).ok_or_else(|| {
            format!("'{text}' is no way to divide addresses; allowed are shared, ip, port and host")
        })
    })
}

/// The agents' layout: all agents share one listener where controllers are told apart by name.
pub(super) fn of_agents(layout: Layout) -> Layout {
    if layout == Layout::Host { Layout::Shared } else { layout }
}

impl Addresses {
    pub(super) fn new(typed: &Typed, nodes: u32) -> Result<Self, ConfigError> {
        let layout = layout(typed)?;
        if layout == Layout::Port && nodes > MAX_PORTS {
            let problem =
                format!("port is for {MAX_PORTS} nodes at most, and there are {nodes}; ip is for any number");
            return Err(ConfigError::at(&ADDRESSES, &origin(typed, &ADDRESSES), problem));
        }
        let domain = domain(typed, layout)?;
        if layout == Layout::Ip && typed.first(&ADVERTISE).is_some() {
            let problem = "does not go with --addresses ip, where each node has an address of its own";
            return Err(ConfigError::at(&ADVERTISE, &origin(typed, &ADVERTISE), problem));
        }
        let [default, agent_default] = defaults(layout);
        let mut taken: Vec<Place> = Vec::new();
        let mut listen = Vec::new();
        for (one, origin) in
            typed.many_or(&LISTEN, default, Listen::MAX, |text| Listen::parse(text, layout))?
        {
            one.check(layout, nodes, &taken).map_err(|problem| ConfigError::at(&LISTEN, &origin, problem))?;
            taken.push(one.place(layout));
            listen.push(one);
        }
        let layout_of_agents = of_agents(layout);
        let parse = |text: &str| Listen::parse(text, layout_of_agents);
        let agents = typed.many_or(&AGENT_LISTEN, agent_default, 1, parse)?.pop();
        let (agent_listen, origin) = agents.expect("the list of settings gives it a default");
        agent_listen
            .check(layout_of_agents, nodes, &taken)
            .map_err(|problem| ConfigError::at(&AGENT_LISTEN, &origin, problem))?;
        taken.push(agent_listen.place(layout_of_agents));
        let admin_listen = typed.maybe(&ADMIN_LISTEN, |text| {
            let admin = Listen::parse(text, Layout::Shared)?;
            admin.check(Layout::Shared, nodes, &taken).map(|()| admin)
        })?;
        Ok(Self { layout, domain, listen, agent_listen, admin_listen })
    }
}

fn domain(typed: &Typed, layout: Layout) -> Result<Option<Host>, ConfigError> {
    let domain = typed.maybe(&DOMAIN, |text| {
        let host = Host::parse(text)?;
        match host.as_str().parse::<IpAddr>() {
            Ok(_) => Err(format!("'{text}' is an address; write a name, as bmc.example")),
            Err(_) => Ok(host.to_lower_case()),
        }
    })?;
    match (layout, &domain) {
        (Layout::Host, None) => {
            let problem = "host needs --domain, below which each node has its name";
            Err(ConfigError::at(&ADDRESSES, &origin(typed, &ADDRESSES), problem))
        }
        (Layout::Shared | Layout::Ip | Layout::Port, Some(_)) => {
            Err(ConfigError::at(&DOMAIN, &origin(typed, &DOMAIN), "goes with --addresses host only"))
        }
        _ => Ok(domain),
    }
}

fn origin(typed: &Typed, setting: &Setting) -> Origin {
    typed.first(setting).map_or(Origin::Default, |given| given.origin.clone())
}

impl Listen {
    /// What is listened on.
    pub fn place(&self, layout: Layout) -> Place {
        match (layout, self.prefix) {
            (Layout::Ip, Some(prefix)) => Place::Ips(prefix, self.address.port()),
            (Layout::Port, _) => Place::Ports(self.address),
            _ => Place::One(self.address),
        }
    }

    /// Whether so many nodes have room there, beside what is listened on already.
    pub(super) fn check(&self, layout: Layout, nodes: u32, taken: &[Place]) -> Result<(), String> {
        let place = self.place(layout);
        if let Place::Ports(first) = place
            && first.port() == 0
        {
            return Err("nodes have ports from one on that is known: write another than 0".to_owned());
        }
        if place.capacity() < nodes {
            let room = place.capacity();
            return Err(format!("{self} has room for {room} nodes, and there are {nodes}"));
        }
        let clash = taken.iter().any(|other| clash(*other, place, nodes));
        let what = match place {
            Place::One(address) => format!("{address} is"),
            Place::Ips(_, port) => format!("port {port} of such addresses is"),
            Place::Ports(first) => format!("some of {nodes} ports from {first} on are"),
        };
        if clash { Err(format!("{what} listened on already")) } else { Ok(()) }
    }
}

/// Whether two places want the same address and port. Prefixes of one family do whenever their ports are the same, since
/// the socket of each is bound to no address.
fn clash(one: Place, other: Place, nodes: u32) -> bool {
    match (one, other) {
        (Place::One(a), Place::One(b)) => a.port() != 0 && a == b,
        (Place::Ips(a, x), Place::Ips(b, y)) => {
            x != 0 && x == y && a.network().is_ipv4() == b.network().is_ipv4()
        }
        (Place::Ports(a), Place::Ports(b)) => {
            let same_host = a.ip() == b.ip() || a.ip().is_unspecified() || b.ip().is_unspecified();
            same_host && u32::from(a.port().abs_diff(b.port())) < nodes
        }
        // One layout has one kind of place.
        (Place::One(_) | Place::Ips(..) | Place::Ports(_), _) => false,
    }
}

/// The URLs of nodes whose clients were told to begin with `url`: a prefix, a first port, or a domain for `layout`.
///
/// # Errors
/// When that makes no URLs, or not enough of them.
pub fn urls(url: &str, layout: Layout, nodes: u32) -> Result<Urls, String> {
    let base = if layout == Layout::Ip { None } else { Some(super::BaseUrl::parse(url)?) };
    // Ironic and Metal3 put the path of a system behind it.
    if base.as_ref().is_some_and(|base| !base.path().is_empty()) {
        return Err("it has a path; write scheme, host and port only".to_owned());
    }
    let Some(base) = base else {
        let listen = Listen::parse(url, Layout::Ip)?;
        listen.check(Layout::Ip, nodes, &[])?;
        let prefix = listen.prefix.expect("what is parsed for this layout has one");
        return Ok(Urls::Ips { scheme: listen.scheme(), prefix, port: listen.address.port() });
    };
    let (scheme, host) = (base.scheme(), base.host());
    Ok(match layout {
        Layout::Shared | Layout::Ip => Urls::Same(base.as_str().into()),
        Layout::Host if host.parse::<IpAddr>().is_ok() => {
            return Err(format!("'{host}' is an address; write the domain of the nodes' names"));
        }
        Layout::Host => Urls::Names { scheme, domain: host.into(), port: base.port() },
        Layout::Port => {
            let room = u32::from(u16::MAX - base.port()) + 1;
            if room < nodes {
                return Err(format!(
                    "from port {} on there are {room} ports, and there are {nodes} nodes",
                    base.port()
                ));
            }
            let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
            Urls::Ports { scheme, host: host.into(), first: base.port() }
        }
    })
}
