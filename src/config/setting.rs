//! The settings: one list, from which flags, environment variables, keys of the configuration file and help follow.

/// A setting of `fauxmetal serve`.
#[derive(Debug)]
pub struct Setting {
    /// The flag without `--`, which is also the key in the file.
    pub name: &'static str,
    pub kind: Kind,
    /// The placeholder for the value in the help.
    pub value: &'static str,
    pub default: Option<&'static str>,
    /// The section of the help.
    pub heading: &'static str,
    /// `fauxmetal export` takes the setting, too: it determines the nodes.
    pub of_fleet: bool,
    pub in_file: bool,
    /// Spaces at both ends of the environment variable belong to the value.
    pub verbatim: bool,
    /// What shells complete the value with.
    pub completes: Completes,
    docs: &'static [&'static str],
}

/// How the values of a setting are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    One,
    /// Any number: a repeated flag, a comma-separated list in the environment, an array in the file.
    Many,
    /// Like [`Kind::Many`], each value of the form `NAME=VALUE`; the file may have a table instead.
    Pairs,
    /// `true` or `false`; the flag without a value means `true`.
    Switch,
}

/// What shells complete a value with.
#[derive(Clone, Copy, Debug)]
pub enum Completes {
    Nothing,
    /// One of these words; the setting may have other values, too.
    Words(fn() -> Vec<&'static str>),
    File,
    Directory,
}

/// The prefix of every environment variable.
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
            verbatim: false,
            completes: Completes::Nothing,
            docs: &[],
        }
    }

    const fn or(self, default: &'static str) -> Self {
        Self { default: Some(default), ..self }
    }

    const fn words(self, words: fn() -> Vec<&'static str>) -> Self {
        Self { completes: Completes::Words(words), ..self }
    }

    const fn completes(self, completes: Completes) -> Self {
        Self { completes, ..self }
    }

    const fn of_fleet(self) -> Self {
        Self { of_fleet: true, ..self }
    }

    const fn verbatim(self) -> Self {
        Self { verbatim: true, ..self }
    }

    const fn not_in_file(self) -> Self {
        Self { in_file: false, ..self }
    }

    /// The flag, such as `--boot-time`.
    pub fn flag(&self) -> String {
        format!("--{}", self.name)
    }

    /// The environment variable, such as `FAUXMETAL_BOOT_TIME`.
    pub fn variable(&self) -> String {
        format!("{ENV_PREFIX}{}", self.name.to_ascii_uppercase().replace('-', "_"))
    }

    /// One line of help, with the default and the environment variable.
    pub fn help(&self) -> String {
        let line = self.docs.first().map_or("", |d| d.trim());
        let variable = self.variable();
        match self.default {
            Some(default) => format!("{line} [default: {default}] [env: {variable}]"),
            None => format!("{line} [env: {variable}]"),
        }
    }

    /// The whole help: paragraphs without line breaks, since clap wraps the lines.
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

/// Declares each setting as a static; its doc comment is its help.
macro_rules! settings {
    ($($(#[doc = $doc:literal])+ $id:ident = $setting:expr;)+) => {
        $($(#[doc = $doc])+ pub static $id: Setting = Setting { docs: &[$($doc),+], ..$setting };)+

        /// All settings, in the order of the help.
        pub static ALL: &[&Setting] = &[$(&$id),+];
    };
}

settings! {
    /// Number of nodes
    ///
    /// From 1 to 16777216. If every --profile has a COUNT, the number of nodes is their sum and --nodes is not needed.
    NODES = Setting::new("nodes", Kind::One, "N", FLEET).or("100").of_fleet();
    /// Model of server; can be repeated
    ///
    /// A name from `fauxmetal profile list`, or a path with a '/' in it to your own model. Several models share --nodes
    /// evenly, in the order given; NAME=COUNT sets the number of nodes of each.
    PROFILE = Setting::new("profile", Kind::Pairs, "NAME[=COUNT]", FLEET)
        .or("generic")
        .of_fleet()
        .words(crate::profile::built_in_names);
    /// Number or word that determines every UUID, MAC address and serial number
    ///
    /// The same seed, profiles and counts give the same identities in every run. Two fleets in one network need different
    /// seeds.
    SEED = Setting::new("seed", Kind::One, "SEED", FLEET).or("1").of_fleet();
    /// File of sushy-tools or fake-ipa with nodes: nodes.json, fake_nodes.json or conf.py; can be repeated
    ///
    /// Its nodes have the same UUIDs, names, MAC addresses and power states at the same paths. They are added to those of
    /// --profile and --nodes; without these two flags there are no others. A conf.py is read and not executed. It also sets
    /// --listen, --tls-cert, --tls-key, --htpasswd, --agent-listen, --advertise, --ironic, --ironic-ca, --insecure and --boot-time,
    /// as far as it has their keys and no other source has the setting.
    IMPORT = Setting::new("import", Kind::Many, "FILE", FLEET).of_fleet().completes(Completes::File);
    /// Model of the nodes of --import
    IMPORT_PROFILE = Setting::new("import-profile", Kind::One, "NAME", FLEET)
        .or("generic")
        .of_fleet()
        .words(crate::profile::built_in_names);

    /// Network of the machines' interfaces in inventories and inspection data, such as 10.0.0.0/8; or off
    ///
    /// Each interface with a cable has an address of its own in this block, which depends on the index of its node only.
    /// Nothing listens on these addresses. off: interfaces have no addresses but link-local ones.
    HOST_NETWORK = Setting::new("host-network", Kind::One, "CIDR|off", FLEET).or("10.0.0.0/8");

    /// How nodes share the listening addresses: shared, ip, port or host
    ///
    /// shared: all nodes share one Redfish service root, with all systems below it.
    ///
    /// With ip, port and host each node has its own BMC: a service root with one system and its own sessions.
    ///
    /// ip: each node has its own IP address from a block; the first node has the second address of the block. The block
    /// 127.16.0.0/12 exists on every Linux host; other blocks must be routed to this host (ip route add local 10.8.0.0/16 dev lo).
    ///
    /// port: each node has its own port on one address, for at most 10000 nodes.
    ///
    /// host: each node has its own host name, NODE.DOMAIN, with --domain. The agents share one address.
    ADDRESSES = Setting::new("addresses", Kind::One, "HOW", LISTENING)
        .or("shared")
        .of_fleet()
        .words(|| crate::address::Layout::ALL.map(crate::address::Layout::as_str).to_vec());
    /// Domain of the nodes' host names for --addresses host, such as bmc.example
    ///
    /// NODE is the node's name as `fauxmetal export` prints it, or its UUID. The host name is read from the Host header; a
    /// server name in the TLS handshake must be the same.
    DOMAIN = Setting::new("domain", Kind::One, "NAME", LISTENING);
    /// Address of the Redfish BMCs; can be repeated
    ///
    /// https:// or http://, an IP address or localhost, and a port. Port 0 takes a free port, which the READY line shows.
    /// With --addresses ip: a block of addresses and a port, such as https://10.8.0.0/16:8443 (default
    /// https://127.16.0.0/12:8443). With --addresses port: the first node's port (default https://127.0.0.1:10000).
    LISTEN = Setting::new("listen", Kind::Many, "URL", LISTENING).or("https://127.0.0.1:8443");
    /// Address of the agents, for Ironic's commands
    ///
    /// Has the same form as --listen. The default is https://127.32.0.0/12:9999 with --addresses ip, and
    /// https://127.0.0.1:20000 with --addresses port. Ironic refuses an agent without TLS unless its `[agent]require_tls` is
    /// false. With off there is no listener, for clients of Redfish alone: no agent starts, and its media boot as a live
    /// system.
    AGENT_LISTEN = Setting::new("agent-listen", Kind::One, "URL", LISTENING).or("https://127.0.0.1:9999");
    /// Host name or address by which clients reach this host
    ///
    /// Used in the URLs that agents send to Ironic and in the URLs that are printed. The default is the listening address;
    /// for a wildcard address it is 127.0.0.1, with a warning.
    ADVERTISE = Setting::new("advertise", Kind::One, "HOST", LISTENING);
    /// Answer SSDP, by which clients find Redfish services in their network
    ///
    /// The BMCs answer searches to 239.255.255.250:1900 and announce themselves there, on the IPv4 addresses of --listen only. At
    /// most 512 service roots are announced, those of the first nodes. A client can disable it at a BMC, in
    /// ManagerNetworkProtocol.
    SSDP = Setting::new("ssdp", Kind::Switch, "BOOL", LISTENING).words(|| vec!["true", "false"]);

    /// Address of the control API and of /metrics, /healthz and /readyz; or off
    ///
    /// http:// or https://, an IP address or localhost, and a port; or unix:PATH for a socket that only this user can open. If
    /// the default port is in use, a free port is taken, and READY and a warning name it. An address that other hosts reach
    /// needs --admin-token-file.
    ADMIN_LISTEN = Setting::new("admin-listen", Kind::One, "URL", LISTENING).or("http://127.0.0.1:8440");
    /// File with the token of the control API in its first line
    ///
    /// Clients send it in the header Authorization: Bearer TOKEN. It has at least 16 letters, digits or signs, as from: openssl
    /// rand -hex 16
    ADMIN_TOKEN_FILE = Setting::new("admin-token-file", Kind::One, "FILE", LISTENING).completes(Completes::File);
    /// Path of the admin listener that needs no token: metrics, healthz or readyz; can be repeated
    ADMIN_OPEN = Setting::new("admin-open", Kind::Many, "PATH", LISTENING).words(|| vec!["metrics", "healthz", "readyz"]);
    /// Host name by which clients reach the admin listener; can be repeated
    ///
    /// A request whose Host header has another name is refused, so that no web page can use the API through a name of its own.
    /// Addresses, localhost and the name of --advertise are always allowed.
    ADMIN_HOST = Setting::new("admin-host", Kind::Many, "NAME", LISTENING);

    /// Ironic's API, such as http://host:6385; can be repeated
    ///
    /// Agents use it if their ramdisk names no API. With several URLs each node uses one of them, and the next if that one
    /// fails.
    IRONIC = Setting::new("ironic", Kind::Many, "URL", IRONIC_SIDE);
    /// CA certificates (PEM) for Ironic's API and image servers, in addition to the system's
    IRONIC_CA = Setting::new("ironic-ca", Kind::One, "FILE", IRONIC_SIDE).completes(Completes::File);
    /// Do not verify the certificates of Ironic's API and image servers
    INSECURE = Setting::new("insecure", Kind::Switch, "BOOL", IRONIC_SIDE).words(|| vec!["true", "false"]);
    /// Ironic's HTTP server with the boot configuration of each MAC address
    ///
    /// Nodes that boot from the network without their own boot URI read it, as iPXE does after DHCP.
    NETWORK_BOOT = Setting::new("network-boot", Kind::One, "URL", IRONIC_SIDE);
    /// Mark of an ISO with an Ironic agent (deploy_iso), such as fedora-coreos-*; can be repeated
    ///
    /// Most of these images are recognised by themselves: a kernel parameter ipa-..., boot_method=vmedia, a path, a label or
    /// a file name with the word ipa or ironic-python-agent. The pattern is for the others. It is compared, whatever the
    /// case, with the volume label, with the file name in the URL (after Ironic has published the image, boot-UUID.iso),
    /// with each path of the kernel and its ramdisks, and with each word of the kernel command line; * stands for any
    /// characters and ? for one. Such an agent calls the API of --ironic. The log says at level info what each image is taken
    /// for, and why.
    AGENT_ISO = Setting::new("agent-iso", Kind::Many, "PATTERN", IRONIC_SIDE);
    /// How a deployment treats its image: verify, probe or skip
    ///
    /// verify downloads the image and verifies its checksum, probe only requests its first bytes, skip makes no request.
    IMAGES = Setting::new("images", Kind::One, "HOW", IRONIC_SIDE)
        .or("verify")
        .words(|| vec!["verify", "probe", "skip"]);

    /// Networks that outgoing calls may reach, such as 192.0.2.0/24; can be repeated
    ///
    /// Every address of an image server, of Ironic's API, of a redirect and of a proxy must be in one of these networks,
    /// whatever its host name is. By default all addresses are allowed except those of cloud metadata services
    /// and link-local, multicast, broadcast and unspecified addresses.
    EGRESS = Setting::new("egress", Kind::Many, "CIDR", ACCESS);
    /// User name of every BMC
    USER = Setting::new("user", Kind::One, "NAME", ACCESS).or("admin").of_fleet();
    /// Password of every BMC
    ///
    /// Other users of this host can read command lines, so prefer FAUXMETAL_PASSWORD or the configuration file.
    PASSWORD = Setting::new("password", Kind::One, "PASSWORD", ACCESS).or("password").of_fleet().verbatim();
    /// File with the password of every BMC in its first line
    ///
    /// Use it instead of --password to keep the password out of process lists.
    PASSWORD_FILE = Setting::new("password-file", Kind::One, "FILE", ACCESS).of_fleet().completes(Completes::File);
    /// File with the user of every BMC and a hash of the password, as htpasswd -B writes it
    ///
    /// One line USER:HASH with a hash of bcrypt, in place of --user and --password.
    HTPASSWD = Setting::new("htpasswd", Kind::One, "FILE", ACCESS).of_fleet().completes(Completes::File);
    /// Directory of the development CA (ca.pem) and of the certificates that it signs
    ///
    /// Created on the first start and reused later. If the default cannot be written, it is $XDG_STATE_HOME/fauxmetal/certs; the
    /// READY line has its path.
    CERTS = Setting::new("certs", Kind::One, "DIR", ACCESS).or("certs").completes(Completes::Directory);
    /// Name of the development CA when it is created; an existing ca.pem keeps its name
    ///
    /// By default "BMC Development CA" and the start of its key's identifier.
    CA_NAME = Setting::new("ca-name", Kind::One, "NAME", ACCESS);
    /// RSA key (PEM) for a second certificate, for clients of TLS 1.2 that know RSA only
    ///
    /// The development CA signs a certificate for it. Other clients get the ECDSA certificate as before. To make a key:
    /// openssl genrsa -out rsa.pem 2048
    TLS_RSA_KEY = Setting::new("tls-rsa-key", Kind::One, "FILE", ACCESS).completes(Completes::File);
    /// Certificate chain (PEM) for the BMCs instead of one from the development CA; needs --tls-key
    TLS_CERT = Setting::new("tls-cert", Kind::One, "FILE", ACCESS).completes(Completes::File);
    /// Private key (PEM) of --tls-cert
    TLS_KEY = Setting::new("tls-key", Kind::One, "FILE", ACCESS).completes(Completes::File);
    /// Lowest TLS version that clients may use: 1.2 or 1.3
    TLS_MIN = Setting::new("tls-min", Kind::One, "VERSION", ACCESS).or("1.2").words(|| vec!["1.2", "1.3"]);

    /// Value of one limit, such as connections=1000; can be repeated
    ///
    /// All names are listed at the end of this help. A client over a limit gets status 503 with Retry-After, or its
    /// connection is closed where HTTP allows no response. The metric fauxmetal_limit_hits_total counts both.
    LIMIT = Setting::new("limit", Kind::Pairs, "NAME=VALUE", LIMITS)
        .words(|| crate::limit::Limit::ALL.iter().map(|limit| limit.name()).collect());

    /// Simulated seconds per real second, from 0.001 to 10000
    ///
    /// `fauxmetal clock speed` changes it while the fleet runs. With --state that speed is kept, and this setting takes precedence
    /// over it if it is given.
    SPEED = Setting::new("speed", Kind::One, "X", TIME).or("1");
    /// Time from power-on to a running system, such as 90s or 1m..3m
    ///
    /// In every profile it sets power_on to 0s, post to half of the range, and boot_ramdisk and boot_os each to the
    /// other half. The download of an image comes in addition. By default each profile has its own times.
    BOOT_TIME = Setting::new("boot-time", Kind::One, "RANGE", TIME);
    /// Value of one timing, such as post=30s..60s; can be repeated
    ///
    /// `fauxmetal profile show` lists the names. Takes precedence over --boot-time.
    TIMING = Setting::new("timing", Kind::Pairs, "NAME=RANGE", TIME)
        .words(|| crate::time::timing::Timing::default().list().into_iter().map(|(name, ..)| name).collect());

    /// Least real time that an agent takes to write an image, such as 10s or 0s
    ///
    /// --speed does not divide it: Ironic keeps the node locked for some seconds after it has sent the command, and skips a
    /// heartbeat that comes in that time. The next one follows minutes later.
    WRITE_TIME = Setting::new("write-time", Kind::One, "DURATION", TIME).or("10s");

    /// Directory that stores the fleet, so that it survives a restart
    ///
    /// A change is stored on disk before its success (2xx) is sent, and is there again after a crash. The directory is
    /// created if it does not exist; only one process can use it at a time. A directory with a fleet determines the nodes:
    /// --seed, --profile and --nodes are then not needed, and must not differ. By default nothing is stored, and every
    /// start has new nodes.
    STATE = Setting::new("state", Kind::One, "DIR", STATE_HEADING).of_fleet().completes(Completes::Directory);
    /// Snapshot to start from, as `fauxmetal snapshot` saves and exports it
    ///
    /// The snapshot determines the nodes, and each node continues where it was. With --state the directory must not hold a
    /// fleet yet.
    SNAPSHOT = Setting::new("snapshot", Kind::One, "FILE", STATE_HEADING).of_fleet().completes(Completes::File);

    /// File with rules of faults, which begin to take effect before the fleet is served
    ///
    /// YAML with a list of rules: which nodes misbehave, when, and how. `fauxmetal fault schema` prints its JSON Schema. With
    /// --state, rules are kept; a rule of the file takes the place of a kept one of the same name, unless both are equal.
    FAULTS = Setting::new("faults", Kind::One, "FILE", FLEET).completes(Completes::File);

    /// File for the nodes in the format of a client, such as ironic=fleet.json; can be repeated
    ///
    /// The formats are those of `fauxmetal export`: nodes-json, ironic, bmh, sushy-nodes and sushy-conf. The files are written, readable by their owner
    /// only, when the daemon is ready to serve. A password that is not the default one is left out.
    WRITE_EXPORT = Setting::new("write-export", Kind::Pairs, "FORMAT=FILE", STATE_HEADING);

    /// Configuration file (TOML)
    CONFIG = Setting::new("config", Kind::One, "FILE", GENERAL)
        .of_fleet()
        .not_in_file()
        .completes(Completes::File);
    /// Log level on standard error: off, error, warn, info, debug or trace
    ///
    /// Or levels by target, such as info,fauxmetal::access=debug, which adds a line for each request. Lines of the libraries
    /// are written only if a target names them, such as reqwest=debug. At info there is a line for each event of a node, with
    /// its name and UUID; at most 20 lines of a kind a second, and the number of the others. -v and -q are short forms.
    LOG = Setting::new("log", Kind::One, "LEVEL", GENERAL)
        .or("info")
        .words(|| vec!["off", "error", "warn", "info", "debug", "trace"]);
    /// Format of the log: text or json
    ///
    /// json writes an object for each line. text has colours on a terminal, unless NO_COLOR is set.
    LOG_FORMAT = Setting::new("log-format", Kind::One, "FORMAT", GENERAL).or("text").words(|| vec!["text", "json"]);
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
    fn help_is_paragraphs_without_line_breaks() {
        assert_eq!(
            TLS_MIN.long_help(),
            "Lowest TLS version that clients may use: 1.2 or 1.3 [default: 1.2] [env: FAUXMETAL_TLS_MIN]"
        );
        let seed = "Number or word that determines every UUID, MAC address and serial number [default: 1] [env: FAUXMETAL_SEED]\n\nThe same seed,";
        assert!(SEED.long_help().starts_with(seed), "{}", SEED.long_help());
        assert!(!SEED.long_help().trim_end().contains("\n "), "{}", SEED.long_help());
        for setting in ALL {
            assert!(!setting.help().ends_with('.') && setting.help().len() > 10, "{}", setting.name);
        }
    }
}
