//! The settings: one list, from which flags, environment variables, the file's keys and the help are derived.

/// One setting of `fauxmetal serve`.
#[derive(Debug)]
pub struct Setting {
    /// The flag without its dashes, which is also the key in a file.
    pub name: &'static str,
    /// How values are written.
    pub kind: Kind,
    /// What stands for a value in the help.
    pub value: &'static str,
    /// What it is when nobody says. `None` means absent, as the help then says in words.
    pub default: Option<&'static str>,
    /// Where the help lists it.
    pub heading: &'static str,
    /// `fauxmetal export` takes it too, because it is part of which nodes there are.
    pub of_fleet: bool,
    /// A file may hold it.
    pub in_file: bool,
    /// Its value is never shown.
    pub secret: bool,
    docs: &'static [&'static str],
}

/// How the values of a setting are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One value.
    One,
    /// Any number: a flag repeated, a list between commas in the environment, an array in a file.
    Many,
    /// As [`Kind::Many`], each of the form `NAME=VALUE`; in a file a table as well.
    Pairs,
    /// True or false; the flag alone means true.
    Switch,
}

/// Before the name of a setting in the environment.
pub const ENV_PREFIX: &str = "FAUXMETAL_";

impl Setting {
    const fn new(name: &'static str, kind: Kind, value: &'static str, heading: &'static str) -> Self {
        Self {
            name,
            kind,
            value,
            default: None,
            heading,
            of_fleet: false,
            in_file: true,
            secret: false,
            docs: &[],
        }
    }

    const fn or(self, default: &'static str) -> Self {
        Self { default: Some(default), ..self }
    }

    const fn of_fleet(self) -> Self {
        Self { of_fleet: true, ..self }
    }

    const fn secret(self) -> Self {
        Self { secret: true, ..self }
    }

    const fn not_in_file(self) -> Self {
        Self { in_file: false, ..self }
    }

    /// The flag, as `--boot-time`.
    pub fn flag(&self) -> String {
        format!("--{}", self.name)
    }

    /// The environment variable, as `FAUXMETAL_BOOT_TIME`.
    pub fn variable(&self) -> String {
        format!("{ENV_PREFIX}{}", self.name.to_ascii_uppercase().replace('-', "_"))
    }

    /// One line of help, with the default.
    pub fn help(&self) -> String {
        let line = self.docs.first().map_or("", |d| d.trim());
        match (self.default, self.secret) {
            (Some(default), _) => format!("{line} [default: {default}]"),
            (None, _) => line.to_owned(),
        }
    }

    /// The whole help: paragraphs without line breaks, for whoever wraps them.
    pub fn long_help(&self) -> String {
        let mut text = self.help();
        let mut within = false;
        for line in self.docs.iter().skip(1).map(|d| d.trim()) {
            match (line.is_empty(), within) {
                (true, _) => {}
                (false, true) => text.push(' '),
                (false, false) => text.push_str("\n\n"),
            }
            text.push_str(line);
            within = !line.is_empty();
        }
        text
    }
}

/// The setting of that name.
pub fn named(name: &str) -> Option<&'static Setting> {
    ALL.iter().copied().find(|s| s.name == name)
}

const FLEET: &str = "Fleet";
const LISTENING: &str = "Listening";
const IRONIC_SIDE: &str = "Ironic";
const ACCESS: &str = "Access";
const LIMITS: &str = "Limits";
const TIME: &str = "Time";
const STATE_HEADING: &str = "State";
const GENERAL: &str = "General";

/// Each setting: its help as doc comment, its name as a constant, and what else is known of it.
macro_rules! settings {
    ($($(#[doc = $doc:literal])+ $id:ident = $setting:expr;)+) => {
        $($(#[doc = $doc])+ pub static $id: Setting = Setting { docs: &[$($doc),+], ..$setting };)+

        /// Every setting, in the order of the help.
        pub static ALL: &[&Setting] = &[$(&$id),+];
    };
}

settings! {
    /// How many nodes there are
    ///
    /// From 1 to 16777216. With a COUNT in every --profile it is their sum, and need not be given.
    NODES = Setting::new("nodes", Kind::One, "N", FLEET).or("100").of_fleet();
    /// Model of server; repeat it for several
    ///
    /// A name from `fauxmetal profile list`, or a path with a '/' in it to a folder of your own. Several names share
    /// --nodes evenly, in the order given; NAME=COUNT says how many each has.
    PROFILE = Setting::new("profile", Kind::Pairs, "NAME[=COUNT]", FLEET).or("generic").of_fleet();
    /// Number or word from which every identity follows
    ///
    /// UUIDs, serial numbers and MAC addresses are the same in every run with the same seed, profiles and counts. Two
    /// fleets in one network need different seeds.
    SEED = Setting::new("seed", Kind::One, "SEED", FLEET).or("1").of_fleet();

    /// How nodes share the addresses listened on: shared, ip, port or host
    ///
    /// shared: one service root with all systems below it.
    ///
    /// ip, port, host: each node's controller has a service root of its own, with one system and sessions of its own. ip
    /// gives each node an address of a block: the first node the one after the block's own. Such a block is
    /// 127.16.0.0/12 on any host, or one routed to this host (ip route add local 10.8.0.0/16 dev lo). port gives each node
    /// a port of one address, to 10000 nodes. host tells them apart by name, NODE.DOMAIN, with --domain; their agents
    /// share an address.
    ADDRESSES = Setting::new("addresses", Kind::One, "HOW", LISTENING).or("shared").of_fleet();
    /// Domain of the nodes' names for --addresses host, as bmc.example
    ///
    /// A node's name is that of the exports, or its UUID. It is taken from the Host header, with which a name in the TLS
    /// handshake must agree.
    DOMAIN = Setting::new("domain", Kind::One, "NAME", LISTENING);
    /// Where the Redfish controllers listen; repeat it for several
    ///
    /// https:// or http://, an IP address (or localhost) and a port; port 0 takes a free one, which the ready line
    /// names. For --addresses ip a block of addresses and a port, as https://10.8.0.0/16:8443; for --addresses port the
    /// first node's port. Their defaults are https://127.16.0.0/12:8443 and https://127.0.0.1:10000.
    LISTEN = Setting::new("listen", Kind::Many, "URL", LISTENING).or("https://127.0.0.1:8443");
    /// Where the agents listen for Ironic's commands
    ///
    /// Written as --listen is; for --addresses ip and port the defaults are https://127.32.0.0/12:9999 and
    /// https://127.0.0.1:20000. Ironic refuses an agent without TLS unless its `[agent]require_tls` is false.
    AGENT_LISTEN = Setting::new("agent-listen", Kind::One, "URL", LISTENING).or("https://127.0.0.1:9999");
    /// Name or address that others reach this host by
    ///
    /// It stands in the URLs that agents give to Ironic and in those that are printed. By default it is the address
    /// listened on, or 127.0.0.1 (with a warning) when that is a wildcard.
    ADVERTISE = Setting::new("advertise", Kind::One, "HOST", LISTENING);

    /// Where figures for Prometheus are served, at /metrics
    ///
    /// As http://127.0.0.1:9100. Nobody has to log in there, so keep it on loopback or in a network of your own. Without
    /// it there is no such listener.
    ADMIN_LISTEN = Setting::new("admin-listen", Kind::One, "URL", LISTENING);

    /// Ironic's API, as http://host:6385; repeat it for several
    ///
    /// Agents use it when the ramdisk they are booted from does not name one. With several, a node stays with one and
    /// turns to the next when that fails.
    IRONIC = Setting::new("ironic", Kind::Many, "URL", IRONIC_SIDE);
    /// CA certificates (PEM) to trust for Ironic's API and image servers, beside the system's
    IRONIC_CA = Setting::new("ironic-ca", Kind::One, "FILE", IRONIC_SIDE);
    /// Do not verify the certificates of Ironic's API and image servers
    INSECURE = Setting::new("insecure", Kind::Switch, "BOOL", IRONIC_SIDE);
    /// Ironic's HTTP server with the boot configurations of each MAC address
    ///
    /// Asked by nodes that boot from the network without a URI of their own, as iPXE would after DHCP.
    NETWORK_BOOT = Setting::new("network-boot", Kind::One, "URL", IRONIC_SIDE);
    /// What a deployment does with the image: verify, probe or skip
    ///
    /// verify reads it all and checks its checksum, probe asks only whether it is there, skip believes it.
    IMAGES = Setting::new("images", Kind::One, "HOW", IRONIC_SIDE).or("verify");

    /// Networks that may be called outside, as 192.0.2.0/24; repeat it for several
    ///
    /// Every address that an image, Ironic's API, a redirect or a proxy leads to must be in one of them, whatever name it
    /// goes by. Without it all may be called but link-local addresses and those of cloud metadata, multicast, and addresses
    /// that are none.
    EGRESS = Setting::new("egress", Kind::Many, "CIDR", ACCESS);
    /// User of every controller
    USER = Setting::new("user", Kind::One, "NAME", ACCESS).or("admin").of_fleet();
    /// Password of every controller
    ///
    /// Better in FAUXMETAL_PASSWORD or in the file than on a command line, which other users of this host can read.
    PASSWORD = Setting::new("password", Kind::One, "PASSWORD", ACCESS).or("password").of_fleet().secret();
    /// File with the password of every controller, in its first line
    ///
    /// Instead of --password, so that it stands in no list of processes.
    PASSWORD_FILE = Setting::new("password-file", Kind::One, "FILE", ACCESS).of_fleet();
    /// Folder of the development CA (ca.pem) and the certificates it signs
    ///
    /// Made on the first start and used again later.
    CERTS = Setting::new("certs", Kind::One, "DIR", ACCESS).or("certs");
    /// Certificate chain (PEM) to serve instead of the development CA's; with --tls-key
    TLS_CERT = Setting::new("tls-cert", Kind::One, "FILE", ACCESS);
    /// Private key (PEM) of --tls-cert
    TLS_KEY = Setting::new("tls-key", Kind::One, "FILE", ACCESS);
    /// Lowest version of TLS that listeners speak: 1.2 or 1.3
    TLS_MIN = Setting::new("tls-min", Kind::One, "VERSION", ACCESS).or("1.2");

    /// One limit, as connections=1000; repeat it for several
    ///
    /// The names are listed at the end of this help. Over a limit, clients are answered 503 with Retry-After, or closed
    /// where HTTP allows no answer; fauxmetal_limit_hits_total of --admin-listen counts it.
    LIMIT = Setting::new("limit", Kind::Pairs, "NAME=VALUE", LIMITS);

    /// Simulated seconds per second, from 0.001 to 10000
    SPEED = Setting::new("speed", Kind::One, "X", TIME).or("1");
    /// Time from power-on to a running system, as 90s or 1m..3m
    ///
    /// Sets power_on to 0s, and post, boot_ramdisk and boot_os to half the range each, in every profile; the transfer
    /// of an image comes on top. By default each profile has its own times.
    BOOT_TIME = Setting::new("boot-time", Kind::One, "RANGE", TIME);
    /// One timing, as post=30s..60s; repeat it for several
    ///
    /// `fauxmetal profile show` lists the names. Wins over --boot-time.
    TIMING = Setting::new("timing", Kind::Pairs, "NAME=RANGE", TIME);

    /// Directory in which the fleet is kept, so that it survives a restart
    ///
    /// What a client was told (2xx) is on disk before it is told, and is there again after a crash. Made when it is not
    /// there; one process uses it at a time. A directory that holds a fleet says which nodes there are: --seed,
    /// --profile and --nodes need not be given again, and must not differ. Without it nothing is written, and every start
    /// begins with new machines.
    STATE = Setting::new("state", Kind::One, "DIR", STATE_HEADING);
    /// Snapshot to start from, as `fauxmetal snapshot` saves and exports them
    ///
    /// It says which nodes there are, and what each was doing goes on from there. With --state the directory must not hold
    /// a fleet yet.
    SNAPSHOT = Setting::new("snapshot", Kind::One, "FILE", STATE_HEADING);

    /// File of settings (TOML)
    CONFIG = Setting::new("config", Kind::One, "FILE", GENERAL).of_fleet().not_in_file();
    /// What is logged to standard error: off, error, warn, info, debug or trace
    ///
    /// Or a filter by target, as info,fauxmetal::ipa=debug.
    LOG = Setting::new("log", Kind::One, "LEVEL", GENERAL).or("info");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_words_and_no_two_are_the_same() {
        let mut names: Vec<_> = ALL.iter().map(|s| s.name).collect();
        for name in &names {
            assert!(name.chars().all(|c| c.is_ascii_lowercase() || c == '-'), "{name}");
        }
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ALL.len());
    }

    #[test]
    fn a_setting_has_one_name_in_three_spellings() {
        assert_eq!(
            (BOOT_TIME.flag(), BOOT_TIME.variable()),
            ("--boot-time".into(), "FAUXMETAL_BOOT_TIME".into())
        );
        assert!(std::ptr::eq(named("boot-time").unwrap(), &BOOT_TIME));
    }

    #[test]
    fn help_is_paragraphs_to_be_wrapped() {
        assert_eq!(SPEED.long_help(), "Simulated seconds per second, from 0.001 to 10000 [default: 1]");
        assert!(
            SEED.long_help()
                .starts_with("Number or word from which every identity follows [default: 1]\n\nUUIDs,")
        );
        assert!(!SEED.long_help().trim_end().contains("\n "), "{}", SEED.long_help());
        for setting in ALL {
            assert!(!setting.help().ends_with('.') && setting.help().len() > 10, "{}", setting.name);
        }
    }
}
