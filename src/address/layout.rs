//! How the nodes of a fleet share or divide the addresses that a daemon listens on.

/// How nodes share or divide addresses, as `--addresses` sets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// One service root with all systems below it.
    Shared,
    /// A BMC for each IP address of a prefix.
    Ip,
    /// A BMC for each TCP port, counted up from a first port.
    Port,
    /// A BMC for each host name below a domain.
    Host,
}

impl Layout {
    pub const ALL: [Self; 4] = [Self::Shared, Self::Ip, Self::Port, Self::Host];

    /// The name in `--addresses`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Shared => "shared",
            Self::Ip => "ip",
            Self::Port => "port",
            Self::Host => "host",
        }
    }
}
