//! Settings that depend on each other, and the messages for wrong settings.

use std::path::PathBuf;

use super::setting::{self, Setting};
use super::*;
use crate::effect;
use crate::profile::built_in_names;
use crate::seed::Seed;
use crate::time::Span;
use crate::time::timing::Timing;

fn flags(text: &str) -> Flags {
    let mut flags: Flags = Vec::new();
    for word in text.split_whitespace() {
        let (name, value) = word.split_once('=').unwrap_or((word, "true"));
        let setting = setting::named(name).unwrap();
        match flags.iter_mut().find(|(s, _)| s.name == name) {
            Some((_, values)) => values.push(value.to_owned()),
            None => flags.push((setting, vec![value.to_owned()])),
        }
    }
    flags
}

fn env(pairs: &[(&Setting, &str)]) -> Vec<(std::ffi::OsString, std::ffi::OsString)> {
    pairs.iter().map(|(s, v)| (s.variable().into(), (*v).into())).collect()
}

/// The configuration of settings written as `name=value name=value`.
fn config(text: &str) -> Result<Config, String> {
    RawSettings::gather(flags(text), vec![]).and_then(|raw| Config::new(&raw)).map_err(|e| e.to_string())
}

fn both(flag: &str, environment: &[(&Setting, &str)]) -> Result<Config, String> {
    RawSettings::gather(flags(flag), env(environment))
        .and_then(|raw| Config::new(&raw))
        .map_err(|e| e.to_string())
}

fn counts(config: &Config) -> Vec<(String, u32)> {
    config.fleet.models.iter().map(|m| (m.profile.name.clone(), m.count)).collect()
}

#[test]
fn the_defaults_are_a_hundred_nodes_on_loopback() {
    let c = config("").unwrap();
    assert_eq!(counts(&c), [("generic".to_owned(), 100)]);
    assert_eq!(
        (c.fleet.seed, c.fleet.user.as_str(), c.fleet.password.reveal()),
        (Seed(1), "admin", "password")
    );
    assert_eq!(c.listen.iter().map(Listen::to_string).collect::<Vec<_>>(), ["https://127.0.0.1:8443"]);
    assert_eq!(c.agent_listen.as_ref().unwrap().to_string(), "https://127.0.0.1:9999");
    assert_eq!(c.certificates, Certificates::Development { ca_name: None, rsa_key: None });
    assert_eq!((c.trust.clone(), c.images), (Trust::System, Images::Verify));
    assert_eq!((c.log.to_string().as_str(), c.log_format), ("fauxmetal=info", LogFormat::Text));
    assert!(c.ironic.is_empty() && c.network_boot.is_none() && c.warnings().is_empty());
    assert!((c.speed - 1.0).abs() < f64::EPSILON);
    assert_eq!(c.write_time, effect::Settings::default().write_time);
    assert!(c.egress.is_empty() && c.agent_isos.is_empty());
    let admin = c.admin.unwrap();
    assert_eq!(admin.tcp().unwrap().to_string(), "http://127.0.0.1:8440");
    assert!(admin.by_default && admin.token.is_none() && admin.open.is_empty());
    assert_eq!((c.tls_min, c.limits), (MinVersion::Tls12, Limits::DEFAULT));
}

#[test]
fn profiles_share_the_nodes_evenly_and_the_first_get_the_remainder() {
    let c = config("nodes=5 profile=hpe-dl380-gen11 profile=generic").unwrap();
    assert_eq!(counts(&c), [("hpe-dl380-gen11".to_owned(), 3), ("generic".to_owned(), 2)]);
    assert_eq!(c.fleet.nodes(), 5);
    let order: Vec<_> = c.fleet.iter().map(|(id, p)| (id.0, p.name.as_str())).collect();
    assert_eq!(order[2..4], [(2, "hpe-dl380-gen11"), (3, "generic")]);
    assert_eq!(order.len(), 5);
}

#[test]
fn interfaces_have_addresses_of_the_host_network_unless_it_is_off() {
    let address = |text: &str| Some(config(text).unwrap().host_network()?.address(1, 0)?.to_string());
    assert_eq!(address("").as_deref(), Some("10.0.0.3"), "generic has two interfaces");
    assert_eq!(
        address("profile=generic profile=hpe-dl380-gen11").as_deref(),
        Some("10.0.0.7"),
        "the other has six"
    );
    assert_eq!(address("host-network=fd00:1::/64").as_deref(), Some("fd00:1::3"));
    assert_eq!(address("host-network=off"), None);
}

#[test]
fn limits_networks_and_tls_versions_are_read() {
    let c = config("limit=sessions=5 limit=sessions-per-bmc=4 limit=idle-time=7 egress=10.0.0.0/8 egress=::1 tls-min=1.3").unwrap();
    assert_eq!((c.limits.sessions, c.limits.sessions_per_bmc, c.limits.idle_time.as_secs()), (5, 4, 7));
    assert_eq!(c.egress, ["10.0.0.0/8", "::1/128"].map(|n| Network::parse(n).unwrap()));
    assert_eq!(c.tls_min, MinVersion::Tls13);
}

#[test]
fn the_admin_listener_is_local_unless_it_has_a_token() {
    assert!(config("admin-listen=off").unwrap().admin.is_none());
    let c = config("admin-listen=unix:/run/fm.sock").unwrap();
    assert_eq!(c.admin.unwrap().listen, AdminListen::Unix("/run/fm.sock".into()));
    assert_eq!(
        config("admin-listen=http://0.0.0.0:9100").unwrap_err(),
        "--admin-listen: other hosts can reach http://0.0.0.0:9100, so it needs --admin-token-file; or listen on 127.0.0.1"
    );
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&file, "0123456789abcdef\nrest").unwrap();
    let with_token = |listen: &str| {
        config(&format!(
            "admin-listen={listen} admin-token-file={} admin-open=/metrics admin-open=readyz admin-host=fm.example",
            file.path().display()
        ))
    };
    let c = with_token("http://0.0.0.0:9100").unwrap();
    assert_eq!(
        c.warnings(),
        ["http://0.0.0.0:9100 takes the token of the control API without TLS; write https:// to protect it"]
    );
    let admin = c.admin.unwrap();
    assert_eq!(
        (admin.token.unwrap().reveal(), &*admin.open),
        ("0123456789abcdef", &["metrics", "readyz"][..])
    );
    assert!(with_token("https://0.0.0.0:9100").unwrap().warnings().is_empty());
    std::fs::write(&file, "short\n").unwrap();
    assert!(with_token("off").unwrap_err().contains("is not a token; write at least 16"));
}

#[test]
fn counts_add_up_to_the_number_of_nodes_and_replace_one_of_lower_precedence() {
    assert_eq!(config("profile=generic=2 profile=hpe-dl380-gen11=3").unwrap().fleet.nodes(), 5);
    assert_eq!(config("profile=generic=7 nodes=7").unwrap().fleet.nodes(), 7);
    assert_eq!(both("profile=generic=7", &[(&setting::NODES, "9")]).unwrap().fleet.nodes(), 7);
    assert_eq!(
        both("nodes=9", &[(&setting::PROFILE, "generic=3,hpe-dl380-gen11=4")]).unwrap_err(),
        "--nodes: 9 nodes, but the COUNTs of FAUXMETAL_PROFILE add up to 7; leave one of the two out"
    );
}

#[test]
fn every_mistake_names_the_setting_the_value_and_what_is_allowed() {
    for (text, said) in [
        ("nodes=many", "--nodes: 'many' is not a number of nodes; allowed are 1 to 16777216"),
        ("nodes=0", "--nodes: '0' is not a number of nodes; allowed are 1 to 16777216"),
        ("nodes=16777217", "--nodes: '16777217' is not a number of nodes; allowed are 1 to 16777216"),
        (
            "nodes=1 profile=generic profile=hpe-dl380-gen11",
            "--profile: 2 profiles need at least 2 nodes, and there are 1; raise --nodes",
        ),
        (
            "nodes=5 profile=generic=3",
            "--nodes: 5 nodes, but the COUNTs of --profile add up to 3; leave one of the two out",
        ),
        ("profile=generic=x", "--profile: 'x' is not a number of nodes; allowed are 1 to 16777216"),
        ("profile=generic profile=generic", "--profile: 'generic' is given twice; give each profile once"),
        (
            "profile=generic=1 profile=hpe-dl380-gen11",
            "--profile: some profiles have a COUNT and some have none; give a COUNT to all or to none",
        ),
        (
            "profile=generic=16777216 profile=hpe-dl380-gen11=1",
            "--profile: the COUNTs add up to 16777217 nodes; allowed are at most 16777216",
        ),
        ("profile=./no=where", "--profile: 'where' is not a number of nodes; allowed are 1 to 16777216"),
        ("seed=", "--seed: the seed is empty; write a number or a word"),
        (
            "user=a:b",
            "--user: 'a:b' contains ':', which HTTP Basic authentication does not allow in a user name",
        ),
        ("user=", "--user: the value is empty; write at least one character"),
        ("password=", "--password: the value is empty; write at least one character"),
        ("password=secret\u{7}", "--password: the value contains a control character; remove it"),
        ("tls-min=1.1", "--tls-min: '1.1' is not a supported TLS version; allowed are 1.2 and 1.3"),
        (
            "admin-listen=http://127.0.0.1:9999",
            "--admin-listen: 127.0.0.1:9999 is already used by another listener; choose another port, or off",
        ),
        ("listen=foo", "--listen: 'foo' is not a URL; write http://HOST:PORT or https://HOST:PORT"),
        (
            "listen=http://127.0.0.1:1 listen=https://127.0.0.1:1",
            "--listen: 127.0.0.1:1 is already used by another listener; choose another port",
        ),
        (
            "agent-listen=https://127.0.0.1:8443",
            "--agent-listen: 127.0.0.1:8443 is already used by another listener; choose another port",
        ),
        (
            "advertise=http://me",
            "--advertise: 'http://me' is not a host; write a name or an IP address, without scheme and port",
        ),
        (
            "advertise=0.0.0.0",
            "--advertise: clients cannot reach '0.0.0.0'; write an address or name of this host",
        ),
        (
            "ironic=http://me:hunter2@host",
            "--ironic: the URL has a user or password ('@'); write it without them",
        ),
        (
            "network-boot=tftp://host",
            "--network-boot: 'tftp://host' is not a URL; write http://HOST:PORT or https://HOST:PORT",
        ),
        (
            "ironic-ca=ca.pem insecure",
            "--ironic-ca: cannot be combined with --insecure; give only one of them",
        ),
        ("insecure=maybe", "--insecure: 'maybe' is neither true nor false"),
        (
            "ssdp listen=https://[::1]:8443",
            "--ssdp: SSDP needs an IPv4 address, and --listen has none; add one, or leave --ssdp out",
        ),
        ("images=all", "--images: 'all' is not a way to treat images; allowed are verify, probe and skip"),
        ("tls-cert=a.pem", "--tls-cert: needs --tls-key, too; give both or none"),
        ("tls-key=a.pem", "--tls-key: needs --tls-cert, too; give both or none"),
        ("certs=", "--certs: the path is empty; write a path"),
        ("speed=0", "--speed: '0' is not a speed; allowed are 0.001 to 10000"),
        ("speed=NaN", "--speed: 'NaN' is not a speed; allowed are 0.001 to 10000"),
        ("write-time=1s..2s", "--write-time: '1s..2s' is a range; write one duration, such as 10s"),
        (
            "agent-iso=",
            "--agent-iso: \"\" is not a pattern; write 1 to 128 visible characters, such as 'fedora-coreos-*'",
        ),
        ("timing=post", "--timing: 'post' has no value; write NAME=RANGE, such as post=30s..60s"),
        (
            "log=loud",
            "--log: 'loud' is not a log filter; write off, error, warn, info, debug, trace, or a comma-separated list of TARGET=LEVEL",
        ),
        (
            "log=a=b=c",
            "--log: 'a=b=c' is not a log filter; write off, error, warn, info, debug, trace, or a comma-separated list of TARGET=LEVEL",
        ),
    ] {
        assert_eq!(config(text).err().as_deref(), Some(said), "{text}");
    }
}

/// The rest of these messages is written, and tested, in other rooms.
#[test]
fn a_mistake_that_another_room_finds_names_the_setting_the_value_and_what_is_allowed() {
    let limits: Vec<_> = Limit::ALL.iter().map(|limit| limit.name()).collect();
    let (profiles, timings) = (built_in_names(), Timing::default());
    let timings: Vec<_> = timings.list().into_iter().map(|(name, ..)| name).collect();
    for (text, setting, value, allowed) in [
        ("profile=cray-1", "--profile: ", "'cray-1'", profiles.as_slice()),
        ("limit=x=1", "--limit: ", "'x'", limits.as_slice()),
        ("timing=lunch=1s", "--timing: ", "'lunch'", timings.as_slice()),
        ("timing=post=25h", "--timing: post: ", "'25h'", &["24h"]),
        ("boot-time=soon", "--boot-time: ", "'soon'", &["ms, s, m or h"]),
        ("write-time=soon", "--write-time: ", "'soon'", &["ms, s, m or h"]),
        ("boot-time=3s..1s", "--boot-time: ", "'3s..1s'", &[]),
        ("host-network=10.0.0.1/8", "--host-network: ", "'10.0.0.1/8'", &["10.0.0.0/8"]),
        ("host-network=10.0.0.0", "--host-network: ", "'10.0.0.0'", &["ADDRESS/LENGTH", "off"]),
        ("host-network=224.0.0.0/4", "--host-network: ", "'224.0.0.0/4'", &["10.0.0.0/8", "off"]),
        ("host-network=10.0.0.0/30", "--host-network: ", "10.0.0.0/30", &["100 nodes", "at most 24"]),
        ("egress=10.0.0.1/8", "--egress: ", "'10.0.0.1/8'", &["10.0.0.0/8"]),
    ] {
        let said = config(text).unwrap_err();
        assert!(said.starts_with(setting) && said.contains(value), "{said}");
        assert!(allowed.iter().all(|word| said.contains(word)), "{said} does not name all of {allowed:?}");
    }
}

#[test]
fn an_error_names_the_source_of_the_setting() {
    assert!(
        both("", &[(&setting::SPEED, "fast")]).unwrap_err().starts_with("FAUXMETAL_SPEED: 'fast' is not")
    );
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&file, "\n\nspeed = \"fast\"\n").unwrap();
    let path = file.path().display().to_string();
    let said = config(&format!("config={path}")).unwrap_err();
    assert!(said.starts_with(&format!("{path}:3: speed: 'fast' is not a speed")), "{said}");
}

#[test]
fn lists_are_bounded() {
    let many = (0..65).map(|i| format!("ironic=http://h{i}")).collect::<Vec<_>>().join(" ");
    assert_eq!(config(&many).unwrap_err(), "--ironic: 65 values are given; at most 64 are allowed");
}

#[test]
fn of_two_settings_that_exclude_each_other_the_one_of_higher_precedence_counts() {
    let ca = [(&setting::IRONIC_CA, "ca.pem")];
    assert_eq!(both("insecure", &ca).unwrap().trust, Trust::Insecure);
    assert_eq!(both("insecure=false", &ca).unwrap().trust, Trust::Ca("ca.pem".into()));
    assert_eq!(
        both("ironic-ca=ca.pem", &[(&setting::INSECURE, "1")]).unwrap().trust,
        Trust::Ca("ca.pem".into())
    );
    let own = [(&setting::TLS_CERT, "c.pem"), (&setting::TLS_KEY, "k.pem")];
    let (certificate, key) = (PathBuf::from("c.pem"), PathBuf::from("k.pem"));
    assert_eq!(both("", &own).unwrap().certificates, Certificates::Own { certificate, key });
    let useless = both("tls-rsa-key=rsa.pem", &own).unwrap_err().to_string();
    assert!(useless.contains("--tls-rsa-key: has no use with --tls-cert"), "{useless}");
    assert_eq!(
        both("certs=dir", &own).unwrap().certs,
        PathBuf::from("dir"),
        "the agents' certificate is still created there"
    );
}

#[test]
fn a_boot_time_is_split_over_post_and_boot_and_a_timing_overrides_it() {
    let c = config("boot-time=1001ms..3s timing=boot_os=9s profile=generic profile=hpe-dl380-gen11").unwrap();
    for model in &c.fleet.models {
        let t = &model.profile.timing;
        assert_eq!((t.power_on, t.post), (Span::exactly_ms(0), Span::ms(500, 1500)));
        assert_eq!((t.boot_ramdisk, t.boot_os), (Span::ms(501, 1500), Span::exactly_ms(9000)));
    }
    let untouched = crate::profile::built_in("generic").unwrap();
    assert_eq!(untouched.timing.post, Timing::default().post);
}

#[test]
fn urls_have_the_advertised_host() {
    let c =
        config("listen=https://0.0.0.0:0 listen=http://[::]:80 agent-listen=https://192.0.2.7:9999").unwrap();
    assert_eq!(c.url(&c.listen[0], 4711), "https://127.0.0.1:4711");
    assert_eq!(c.url(&c.listen[1], 80), "http://[::1]:80");
    assert_eq!(c.url(c.agent_listen.as_ref().unwrap(), 9999), "https://192.0.2.7:9999");
    assert_eq!(c.warnings().len(), 2);
    assert_eq!(
        c.warnings()[0],
        "https://0.0.0.0:0 listens on every address, but its URLs have 127.0.0.1, which other hosts cannot reach; set --advertise"
    );
    let c = config("listen=https://0.0.0.0:0 advertise=fd00::7 agent-listen=http://127.0.0.1:9999").unwrap();
    assert_eq!(c.url(&c.listen[0], 1), "https://[fd00::7]:1");
    assert_eq!(c.warnings().len(), 1, "agents without TLS");
}

#[test]
fn the_agents_can_be_off_in_every_layout() {
    for layout in ["", "addresses=ip", "addresses=port"] {
        let c = config(&format!("agent-listen=off {layout}")).unwrap();
        assert!(c.agent_listen.is_none() && c.warnings().is_empty(), "{layout}");
    }
    // The port of the agents is free for the BMCs.
    assert!(config("agent-listen=off listen=https://127.0.0.1:9999").is_ok());
    assert!(config("agent-listen=no").unwrap_err().to_string().contains("--agent-listen"));
}

#[test]
fn a_layout_has_its_own_defaults_and_urls() {
    let first =
        |c: &Config| c.bmc_urls(&c.listen[0], c.listen[0].address.port()).of(1, || "generic-1".into());
    let agent = |c: &Config| {
        let listen = c.agent_listen.as_ref().unwrap();
        c.agent_urls(listen, listen.address.port()).of(1, String::new)
    };
    let c = config("nodes=1000000 addresses=ip").unwrap();
    assert_eq!(first(&c), "https://127.16.0.2:8443");
    assert_eq!(agent(&c), "https://127.32.0.2:9999");
    assert!(c.warnings().is_empty(), "{:?}", c.warnings());
    let c = config("nodes=10000 addresses=port").unwrap();
    assert_eq!((first(&c), agent(&c)), ("https://127.0.0.1:10001".into(), "https://127.0.0.1:20001".into()));
    let c =
        config("addresses=port listen=https://0.0.0.0:20000 agent-listen=http://[::1]:30000 advertise=me")
            .unwrap();
    assert_eq!((first(&c), agent(&c)), ("https://me:20001".into(), "http://me:30001".into()));
    let c = config("addresses=host domain=BMC.example listen=https://0.0.0.0:443").unwrap();
    assert_eq!(
        (first(&c), agent(&c)),
        ("https://generic-1.bmc.example:443".into(), "https://127.0.0.1:9999".into())
    );
    assert!(c.warnings().is_empty(), "host names need no --advertise: {:?}", c.warnings());
    let c = config("addresses=ip listen=https://10.8.0.0/16:443 listen=https://[fd00:1::]/64:443").unwrap();
    assert_eq!(c.listen[1].place(c.layout).of(0).to_string(), "[fd00:1::1]:443");
}

#[test]
fn addresses_that_cannot_be_combined_are_refused() {
    for (text, said) in [
        (
            "addresses=name",
            "--addresses: 'name' is not a way to share addresses; allowed are shared, ip, port, host",
        ),
        (
            "addresses=host",
            "--addresses: host needs --domain, the domain of the nodes' names, such as bmc.example",
        ),
        (
            "domain=a.example",
            "--domain: is used with --addresses host only; add --addresses host or leave it out",
        ),
        (
            "addresses=host domain=10.0.0.1",
            "--domain: '10.0.0.1' is an IP address; write a domain such as bmc.example",
        ),
        (
            "addresses=ip advertise=me",
            "--advertise: cannot be combined with --addresses ip, where each node has its own address; leave it out",
        ),
        (
            "addresses=ip listen=https://10.8.0.0/24:1 nodes=255",
            "--listen: https://10.8.0.0/24:1 has room for 254 nodes, and there are 255; choose a larger block",
        ),
        (
            "addresses=ip nodes=1048575",
            "--listen (by default): https://127.16.0.0/12:8443 has room for 1048574 nodes, and there are 1048575; choose a larger block",
        ),
        (
            "addresses=ip listen=https://10.8.0.0/16:1 agent-listen=https://10.9.0.0/16:1",
            "--agent-listen: port 1 of a block of addresses is already used by another listener; choose another port",
        ),
        (
            "addresses=port nodes=10001",
            "--addresses: port allows at most 10000 nodes, and there are 10001; use ip",
        ),
        (
            "addresses=port listen=https://127.0.0.1:0",
            "--listen: the first of the nodes' ports cannot be 0; write a port such as 10000",
        ),
        (
            "addresses=port listen=https://127.0.0.1:65500",
            "--listen: https://127.0.0.1:65500 has room for 36 nodes, and there are 100; choose a lower port",
        ),
        (
            "addresses=port listen=https://127.0.0.1:5000 agent-listen=https://0.0.0.0:5099",
            "--agent-listen: some of the 100 ports from 0.0.0.0:5099 on are already used by another listener; choose another port",
        ),
        ("listen=https://10.8.0.0/16:1", "--listen: 'https://10.8.0.0/16:1' has a path; write an IP address"),
    ] {
        let error = config(text).unwrap_err();
        assert!(error.starts_with(said), "{text}: {error}");
    }
}

#[test]
fn a_password_is_never_printed() {
    let c = both("", &[(&setting::PASSWORD, "hunter2")]).unwrap();
    assert_eq!(c.fleet.password.reveal(), "hunter2");
    assert!(!format!("{c:?}").contains("hunter2"));
    let long = "hunter2".repeat(40);
    let said = both("", &[(&setting::PASSWORD, &long)]).unwrap_err();
    assert_eq!(said, "FAUXMETAL_PASSWORD: the value is longer than the 256 bytes allowed");
}
