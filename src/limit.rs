//! Every limit of a fleet that is served, in one table: name, default, allowed values and help.
//!
//! The enum, the values, `--limit` and its help, and the `limit` label of `fauxmetal_limit_hits_total` follow from the
//! table. A new limit is one row here and a read of its field where it is enforced; `tests/it/limits.rs` drives every row
//! to its effect, and does not compile while a row is missing there.

use std::ops::RangeInclusive;
use std::time::Duration;

/// Generates [`Limit`] and [`Limits`] from the table below.
macro_rules! limits {
    (
        settable { $($(#[$why:meta])* $limit:ident { $field:ident: $type:ty = $default:expr, $allowed:expr, $name:literal, $counted_by:ident } $help:literal;)+ }
        fixed { $($(#[$meta:meta])* $fixed:ident: $fixed_type:ty = $fixed_default:expr;)+ }
    ) => {
        /// A limit that `--limit NAME=VALUE` sets.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Limit { $(#[doc = $help] #[doc = ""] $(#[$why])* $limit),+ }

        impl Limit {
            /// All limits, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$limit),+];

            /// The name in `--limit` and in metrics.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$limit => $name),+ }
            }

            /// What is limited, in a few words.
            pub const fn help(self) -> &'static str {
                match self { $(Self::$limit => $help),+ }
            }

            /// The values that may be set: seconds for times, bytes for sizes.
            pub const fn allowed(self) -> RangeInclusive<u64> {
                match self { $(Self::$limit => $allowed),+ }
            }

            /// The room that counts how often the limit is hit.
            pub const fn counted_by(self) -> CountedBy {
                match self { $(Self::$limit => CountedBy::$counted_by),+ }
            }
        }

        /// The value of every limit. Each room gets a copy and reads the fields that it enforces.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct Limits {
            $(#[doc = $help] #[doc = ""] $(#[$why])* pub $field: $type,)+
            $($(#[$meta])* pub $fixed: $fixed_type,)+
        }

        impl Limits {
            /// The values without `--limit`.
            pub const DEFAULT: Self = Self { $($field: $default,)+ $($fixed: $fixed_default,)+ };

            /// Sets a limit to a value of [`Limit::allowed`].
            pub fn set(&mut self, limit: Limit, value: u64) {
                match limit { $(Limit::$limit => self.$field = Value::from_number(value)),+ }
            }

            /// The value as [`Limits::set`] takes it.
            pub fn get(&self, limit: Limit) -> u64 {
                match limit { $(Limit::$limit => self.$field.number()),+ }
            }

            /// The value with its unit, such as `10 s`.
            pub fn text(&self, limit: Limit) -> String {
                match limit { $(Limit::$limit => self.$field.text()),+ }
            }
        }
    };
}

/// The room that counts how often a limit is hit, for `fauxmetal_limit_hits_total`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CountedBy {
    Server,
    Redfish,
    Agent,
    Effect,
    Fleet,
    /// Counted as [`Limit::BodyBytes`]: a server does not know which kind of client its listener has.
    BodyBytes,
}

/// One day, seconds. A longer time is no limit.
const DAY: u64 = 86_400;
const MANY: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

limits! {
    settable {
        /// Each conductor of Ironic keeps up to 1,000 BMC sessions open. A client over the limit gets 503 and is closed. Each
        /// listener is guaranteed a quarter.
        Connections { connections: usize = 16_384, 1..=MANY, "connections", Server }
            "open connections; fewer if few open files are allowed";
        /// In effect unlimited: with a shared service root, all clients use one address. It is one BMC only if each BMC has
        /// its own address.
        ConnectionsPerBmc { connections_per_bmc: usize = 1 << 20, 1..=MANY, "connections-per-bmc", Server }
            "open connections to one local address and port";
        /// Half of `connections`, unless it is set. A client at its limit still gets the slots that are guaranteed to the other
        /// listeners: all clients may be behind one address. As many as `connections` or more are no limit.
        ConnectionsPerClient { connections_per_client: usize = 8_192, 1..=MANY, "connections-per-client", Server }
            "open connections from one address; half of connections";
        /// As many as connections, so that each connection can have one. A request over the limit gets 503.
        Requests { requests: usize = 16_384, 1..=MANY, "requests", Server }
            "requests that wait for their body or for an agent's command";
        /// Room for long tokens and for headers that proxies add. A request over the limit gets 431.
        HeaderBytes { header_bytes: usize = 32 << 10, 8192..=MANY, "header-bytes", Server }
            "request line and headers";
        /// The 8,000 octets of RFC 9110, section 4.1, rounded up. A request over the limit gets 414.
        UriBytes { uri_bytes: usize = 8 << 10, 256..=65_534, "uri-bytes", Server }
            "request target (path and query)";
        /// The largest bodies are settings and inline certificates. A request over the limit gets 413.
        BodyBytes { body_bytes: usize = 1 << 20, 1024..=GIB, "body-bytes", Server }
            "request body, Redfish";
        /// Ironic posts the whole node with its configuration drive.
        AgentBodyBytes { agent_body_bytes: usize = 16 << 20, 1024..=GIB, "agent-body-bytes", BodyBytes }
            "request body, agents";
        /// Thirty-two of the largest bodies. One client gets half. A request over the limit gets 503.
        BodiesBytes { bodies_bytes: usize = 512 << 20, 1024..=64 * GIB, "bodies-bytes", Server }
            "all large request bodies in memory together";
        /// Two results of a step that came in the largest body. The agent forgets its oldest results; a command whose own
        /// result is larger gets 413. Results of up to 4 KiB are not counted: an agent keeps 64 commands.
        AgentResultsBytes { agent_results_bytes: usize = 32 << 20, 4096..=64 << 20, "agent-results-bytes", Agent }
            "long results of commands that one agent keeps";
        /// Ten thousand deployments with configuration drives of 100 KB. A command whose result has no room gets 503.
        ResultsBytes { results_bytes: usize = 1 << 30, 4096..=64 * GIB, "results-bytes", Agent }
            "long results of commands that all agents keep";
        /// From the TCP connection to the end of the handshake: two round trips on a very slow path.
        HandshakeTime { handshake_time: Duration = Duration::from_secs(10), 1..=DAY, "handshake-time", Server }
            "TLS handshake";
        /// From the first byte of a request to the end of its headers, which fit into a few packets.
        HeaderTime { header_time: Duration = Duration::from_secs(10), 1..=DAY, "header-time", Server }
            "arrival of a request's headers";
        /// The time that Ironic's agent client gives a whole command (`[agent]command_timeout`). A request over the limit gets
        /// 408.
        BodyTime { body_time: Duration = Duration::from_secs(60), 1..=DAY, "body-time", Server }
            "arrival of a request's body";
        /// Longer than the 60 s between two power state polls of Ironic (`[conductor]sync_power_state_interval`), so that
        /// Ironic finds its connections open.
        IdleTime { idle_time: Duration = Duration::from_secs(120), 1..=DAY, "idle-time", Server }
            "silence before the first request and between two requests";
        /// A client that reads nothing for so long is gone.
        WriteTime { write_time: Duration = Duration::from_secs(30), 1..=DAY, "write-time", Server }
            "time in which a client reads no byte of its response";
        /// Ten times the time that Ironic gives a command of an agent (`[agent]command_timeout`). A request over the limit
        /// gets 503.
        RequestTime { request_time: Duration = Duration::from_secs(600), 1..=DAY, "request-time", Server }
            "processing of a request, including the wait for an agent";
        /// Each conductor of Ironic keeps one session for each address and credential, at most 1,000
        /// (`[redfish]connection_cache_size`).
        Sessions { sessions: usize = 4096, 1..=MANY, "sessions", Redfish }
            "Redfish sessions at the service root that all nodes share";
        /// A real BMC has room for a handful; each conductor of Ironic opens one.
        SessionsPerBmc { sessions_per_bmc: usize = 16, 1..=1024, "sessions-per-bmc", Redfish }
            "Redfish sessions at each BMC that has its own service root";
        /// One for each node of a large fleet: the root that they share has the subscriptions of all.
        Subscriptions { subscriptions: usize = 16_384, 1..=MANY, "subscriptions", Redfish }
            "subscriptions and streams of events at the shared root";
        /// BMCs allow about twenty. A client over the limit gets 400.
        SubscriptionsPerBmc { subscriptions_per_bmc: usize = 32, 1..=1024, "subscriptions-per-bmc", Redfish }
            "subscriptions and streams of events at one BMC";
        /// As many as a large BMC has slots. A model with slots has as many accounts as slots.
        Accounts { accounts: usize = 32, 1..=1024, "accounts", Redfish }
            "accounts at each service root";
        /// Beside the three that every BMC has.
        Roles { roles: usize = 16, 1..=1024, "roles", Redfish }
            "roles that clients create, at each service root";
        /// A client that polls finds its task among the last ones, and a task with its request has at most 4 KiB. The tasks that
        /// ended first make room; if none has ended, the request gets 503.
        TasksPerBmc { tasks_per_bmc: usize = 32, 1..=1024, "tasks-per-bmc", Redfish }
            "tasks that each BMC keeps";
        /// BMCs have room for a few dozen reports. A report has at most 256 values of 24 bytes. A client over the limit gets 400.
        ReportsPerBmc { reports_per_bmc: usize = 16, 0..=256, "reports-per-bmc", Redfish }
            "metric reports that clients define at each BMC";
        /// Enough to keep an Ironic API busy, and few enough not to flood it. Each holds a connection and its buffers.
        Calls { calls: usize = 256, 1..=65_536, "calls", Effect }
            "outgoing calls; fewer if few open files are allowed";
        CallsPerServer { calls_per_server: usize = 64, 1..=65_536, "calls-per-server", Effect }
            "outgoing calls to one server";
        Downloads { downloads: usize = 16, 1..=65_536, "downloads", Effect }
            "image downloads";
        /// Longer than a 50 GB image takes at 20 MB/s. A download over the limit ends, and the agent reports the failure.
        DownloadTime { download_time: Duration = Duration::from_secs(3600), 1..=DAY, "download-time", Effect }
            "one download of an image, from the request to the last byte";
        /// The least speed: 17 KiB a second, far slower than a network for images, and far faster than a server that keeps
        /// a download open with a byte from time to time. A slower download is tried again like one that broke.
        DownloadPartTime { download_part_time: Duration = Duration::from_secs(30), 1..=DAY, "download-part-time", Effect }
            "arrival of each 512 KiB of an image download";
        /// Three of the longest requests, 60 s each. Without it, a server that sends a byte from time to time would keep a
        /// call for hours.
        BootReadTime { boot_read_time: Duration = Duration::from_secs(180), 1..=DAY, "boot-read-time", Effect }
            "reading of a boot source: all its requests together";
        /// Entries of 16,000 nodes at their limit, 4 KiB each. When it is full, the nodes with more than their share lose their
        /// oldest entries. None switches the journal off.
        Journal { journal: usize = 64 << 20, 0..=64 * GIB, "journal", Fleet }
            "bytes of the journal of all nodes; 0 switches it off";
    }
    fixed {
        /// Connections over the limit that get a 503 at the same time; further ones are closed without a response.
        refusals: usize = 64;
        /// How long a connection may be silent before its first byte, while few slots are free or if it is refused. A client on
        /// the same network has sent its first byte by then.
        first_byte: Duration = Duration::from_secs(2);
        /// How long the rest of a refused request is read and dropped, so that the client can read the refusal. A client on
        /// the same network has sent the rest by then.
        linger: Duration = Duration::from_secs(2);
        /// How long requests in flight may take when the server stops. Shorter than the 10 s and 30 s that container managers
        /// wait before they kill.
        drain: Duration = Duration::from_secs(8);
    }
}

impl Limit {
    /// The limit of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|limit| limit.name() == name)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl Limits {
    /// Open files of the process itself: standard streams, listeners, timers, certificates being read, refused connections that
    /// end.
    const OWN_FILES: usize = 48;

    /// The limits with the given values, and with what follows from them.
    pub fn with(values: impl IntoIterator<Item = (Limit, u64)>) -> Self {
        let mut limits = Self::DEFAULT;
        let mut share_is_set = false;
        for (limit, value) in values {
            limits.set(limit, value);
            share_is_set |= limit == Limit::ConnectionsPerClient;
        }
        if !share_is_set {
            limits.connections_per_client = Self::half(limits.connections);
        }
        limits
    }

    const fn half(connections: usize) -> usize {
        connections.div_ceil(2)
    }

    /// Lowers the limits that need open files to the number of `files` allowed. A process without a free file could neither
    /// accept connections (it would spin) nor make calls. A quarter is for calls, at most an eighth for refusals.
    pub fn fit(&mut self, files: usize) {
        let half = self.connections_per_client == Self::half(self.connections);
        let usable = files.saturating_sub(Self::OWN_FILES);
        self.calls = self.calls.min(usable / 4).max(1);
        self.downloads = self.downloads.min(self.calls);
        self.refusals = self.refusals.min(usable / 8).max(1);
        self.connections = self.connections.min(usable.saturating_sub(self.calls + self.refusals)).max(1);
        if half {
            self.connections_per_client = Self::half(self.connections);
        }
    }
}

/// The type of a limit's value.
trait Value {
    fn from_number(number: u64) -> Self;
    fn number(&self) -> u64;
    fn text(&self) -> String;
}

impl Value for usize {
    fn from_number(number: u64) -> Self {
        Self::try_from(number).unwrap_or(Self::MAX)
    }

    fn number(&self) -> u64 {
        *self as u64
    }

    fn text(&self) -> String {
        self.to_string()
    }
}

impl Value for Duration {
    fn from_number(number: u64) -> Self {
        Self::from_secs(number)
    }

    fn number(&self) -> u64 {
        self.as_secs()
    }

    fn text(&self) -> String {
        format!("{} s", self.as_secs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_limit_can_be_set_and_its_default_is_allowed() {
        for limit in Limit::ALL {
            let mut limits = Limits::DEFAULT;
            assert!(limit.allowed().contains(&limits.get(*limit)), "{}", limit.name());
            for value in [*limit.allowed().start(), *limit.allowed().end()] {
                limits.set(*limit, value);
                assert_eq!(limits.get(*limit), value, "{}", limit.name());
                assert!(limits.text(*limit).starts_with(&value.to_string()));
            }
            let others = Limit::ALL.iter().filter(|other| *other != limit);
            assert!(
                others.clone().all(|other| limits.get(*other) == Limits::DEFAULT.get(*other)),
                "{} sets another limit, too",
                limit.name()
            );
            assert_eq!(Limit::named(limit.name()), Some(*limit), "two limits have one name");
        }
    }

    #[test]
    fn a_client_gets_half_of_the_connections_unless_its_share_is_set() {
        assert_eq!(Limits::with([]), Limits::DEFAULT);
        assert_eq!(Limits::with([(Limit::Connections, 200)]).connections_per_client, 100);
        let both = [(Limit::ConnectionsPerClient, 7), (Limit::Connections, 200)];
        let mut limits = Limits::with(both);
        assert_eq!((limits.connections, limits.connections_per_client), (200, 7));
        limits.fit(256);
        assert_eq!((limits.connections, limits.connections_per_client), (130, 7));
    }

    #[test]
    fn a_name_ends_in_its_unit_and_a_help_fits_into_one_line() {
        for limit in Limit::ALL {
            assert!(limit.help().len() <= 60, "{}", limit.name());
            let seconds = Limits::DEFAULT.text(*limit).ends_with(" s");
            assert_eq!(seconds, limit.name().ends_with("-time"), "{}", limit.name());
        }
    }

    #[test]
    fn few_files_leave_room_for_calls_and_many_change_nothing() {
        let fit = |files| {
            let mut limits = Limits::DEFAULT;
            limits.fit(files);
            limits
        };
        let few = fit(256);
        assert_eq!((few.connections, few.refusals, few.calls, few.downloads), (130, 26, 52, 16));
        assert_eq!(few.connections_per_client, 65);
        assert!(few.connections + few.refusals + few.calls + Limits::OWN_FILES <= 256);
        assert_eq!(fit(1 << 20), Limits::DEFAULT);
        let least = fit(10);
        assert_eq!((least.connections, least.refusals, least.calls, least.downloads), (1, 1, 1, 1));
    }
}
