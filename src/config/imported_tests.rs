//! What `--import` makes of files, in the settings and in the fleet.

use std::path::Path;

use super::setting::{
    ADDRESSES, BOOT_TIME, DOMAIN, HTPASSWD, IMPORT, IMPORT_PROFILE, LISTEN, NODES, PASSWORD, PROFILE, SEED,
    Setting, USER,
};
use super::{Certificates, Config, Flags, RawSettings, Trust};
use crate::node::NodeId;
use crate::node::spec::Spec;
use crate::store::StoredModel;

fn fixture(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/fixtures/imports").join(name).display().to_string()
}

fn gather(flags: &[(&'static Setting, &str)]) -> Result<RawSettings, String> {
    let flags: Flags = flags
        .iter()
        .map(|(setting, text)| (*setting, text.split(',').map(str::to_owned).collect()))
        .collect();
    RawSettings::gather(flags, vec![]).map_err(|error| error.to_string())
}

fn config(flags: &[(&'static Setting, &str)]) -> Result<Config, String> {
    gather(flags).and_then(|raw| Config::new(&raw).map_err(|error| error.to_string()))
}

/// Index, name and UUID of each node.
fn nodes(config: &Config) -> Vec<String> {
    let spec = |(id, profile)| Spec { seed: config.fleet.seed, id, profile };
    config
        .fleet
        .iter()
        .map(spec)
        .map(|spec| format!("{} {} {} {}", spec.id.0, spec.name(), spec.uuid(), spec.mac(0)))
        .collect()
}

/// A file with this content, below a folder that goes with the value.
fn written(text: &str) -> (tempfile::TempDir, String) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("nodes.json");
    std::fs::write(&path, text).unwrap();
    let path = path.display().to_string();
    (dir, path)
}

#[test]
fn a_list_of_systems_is_the_fleet_and_without_it_the_others_come_first() {
    let alone = config(&[(&IMPORT, &fixture("nodes.json"))]).unwrap();
    let expected = [
        "0 fake1 6c1f0b52-7c1e-4d0a-9b7e-0d6c2f5a1e01 5a:52:54:00:10:01",
        "1 fake2 6c1f0b52-7c1e-4d0a-9b7e-0d6c2f5a1e02 5a:52:54:00:10:02",
        "2 fake3 6c1f0b52-7c1e-4d0a-9b7e-0d6c2f5a1e03 5a:52:54:00:10:03",
    ];
    assert_eq!(nodes(&alone), expected);
    let both = format!("{},{}", fixture("nodes.json"), fixture("fake_nodes.json"));
    let mixed = config(&[(&NODES, "2"), (&IMPORT, &both)]).unwrap();
    let names: Vec<_> = nodes(&mixed).iter().map(|node| node.split(' ').nth(1).unwrap().to_owned()).collect();
    assert_eq!(names, ["generic-0", "generic-1", "fake1", "fake2", "fake3", "node-0", "node-1"]);
}

#[test]
fn a_conf_sets_what_it_names_and_a_flag_takes_precedence() {
    let conf = std::fs::read_to_string(fixture("conf.py"))
        .unwrap()
        .replace("\"htpasswd\"", &format!("{:?}", fixture("htpasswd")));
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("conf.py").display().to_string();
    std::fs::write(&path, &conf).unwrap();
    let raw = gather(&[(&IMPORT, &path)]).unwrap();
    let read = Config::new(&raw).unwrap();
    assert_eq!(read.listen.iter().map(ToString::to_string).collect::<Vec<_>>(), ["http://127.0.0.1:8001"]);
    assert_eq!(read.agent_listen.unwrap().to_string(), "http://127.0.0.1:9901");
    assert_eq!((read.fleet.user.as_str(), read.fleet.htpasswd.is_some()), ("admin", true));
    assert_eq!(read.ironic[0].as_str(), "http://127.0.0.1:6385");
    assert_eq!((read.trust, read.advertise.unwrap().as_str()), (Trust::Insecure, "127.0.0.1"));
    let timing = &read.fleet.models[0].profile.timing;
    assert_eq!((timing.post.min_ms, timing.post.max_ms + timing.boot_os.max_ms), (500, 2000));
    let shown: Vec<_> =
        read.shown.iter().filter(|s| s.origin == "import").map(|s| (s.name, s.values[0].as_str())).collect();
    assert!(
        shown.contains(&("boot-time", "1s..2s")) && shown.contains(&("listen", "http://127.0.0.1:8001")),
        "{shown:?}"
    );
    let warnings = raw.warnings().join("\n").replace(&path, "conf.py");
    insta::assert_snapshot!(warnings);

    let flags = [
        (&IMPORT, path.as_str()),
        (&LISTEN, "https://127.0.0.1:8443"),
        (&PASSWORD, "secret"),
        (&BOOT_TIME, "9s"),
    ];
    let flags: Vec<_> = flags.iter().map(|(setting, text)| (*setting as &'static Setting, *text)).collect();
    let read = config(&flags).unwrap();
    assert_eq!(read.listen[0].to_string(), "https://127.0.0.1:8443");
    assert!(read.fleet.htpasswd.is_none() && read.fleet.password.reveal() == "secret");
    assert_eq!(read.fleet.models[0].profile.timing.boot_os.max_ms, 4500);
}

#[test]
fn a_conf_with_certificates_listens_with_tls_on_the_default_ports() {
    let (_dir, path) = written(
        "SUSHY_EMULATOR_FAKE_DRIVER = True\nSUSHY_EMULATOR_SSL_CERT = 'c.pem'\nSUSHY_EMULATOR_SSL_KEY = 'k.pem'\n\
         FAKE_IPA_CAFILE = 'ca.pem'\nFAKE_IPA_CERTFILE = 'c'\nFAKE_IPA_KEYFILE = 'k'\nFAKE_IPA_MAX_BOOT_TIME = 300\nSUSHY_EMULATOR_LISTEN_IP = '::'\n",
    );
    let read = config(&[(&IMPORT, &path)]).unwrap();
    assert_eq!(read.listen[0].to_string(), "https://[::]:8000");
    assert_eq!(read.agent_listen.unwrap().to_string(), "https://0.0.0.0:9999");
    assert_eq!(read.certificates, Certificates::Own { certificate: "c.pem".into(), key: "k.pem".into() });
    assert_eq!(read.trust, Trust::Ca("ca.pem".into()));
    assert_eq!(read.fleet.models[0].profile.timing.post.min_ms, 90_000, "fake-ipa boots in 180 s at least");
}

#[test]
fn a_wrong_import_names_the_file_the_place_and_what_is_allowed() {
    let conf = |text: &str| written(&format!("SUSHY_EMULATOR_FAKE_DRIVER = True\n{text}\n"));
    let more = r#"[{"uuid": "27946b59-9e44-4fa7-8e91-f3527a1ef094", "name": "a", "nics": [{"mac": "02:00:00:00:00:01"}, {"mac": "02:00:00:00:00:02"},
        {"mac": "02:00:00:00:00:03"}]}]"#;
    for ((_dir, path), said) in [
        (written("[]"), "--import: FILE: line 1: the file has 0 systems; allowed are 1 to 100000"),
        (
            written(more),
            "--import: FILE: entry 1 (a): it has 3 interfaces, and the model generic has 2; choose another model for the imported nodes",
        ),
        (
            written("SUSHY_EMULATOR_LISTEN_PORT = 8000"),
            "--import: FILE has no systems; add a nodes.json with a second --import, or SUSHY_EMULATOR_FAKE_SYSTEMS",
        ),
        (
            conf("SUSHY_EMULATOR_LISTEN_PORT = 'http'"),
            "FILE:2: SUSHY_EMULATOR_LISTEN_PORT: allowed is a number from 1 to 65535",
        ),
        (
            conf("FAKE_IPA_INSECURE = 'yes'"),
            "FILE:2: FAKE_IPA_INSECURE: it is a text; allowed are True and False",
        ),
        (
            conf("FAKE_IPA_MIN_BOOT_TIME = 300"),
            "FILE:2: FAKE_IPA_MIN_BOOT_TIME: the range of boot times is 300 to 240; write the lower one first",
        ),
        (conf("FAKE_IPA_API_URL = 'ironic'"), "FILE:2: ironic: "),
    ] {
        let problem = config(&[(&IMPORT, &path)]).unwrap_err().replace(&path, "FILE");
        assert!(problem.starts_with(said), "{problem}");
    }
    let twice = format!("{0},{0}", fixture("nodes.json"));
    let problem = config(&[(&IMPORT, &twice)]).unwrap_err();
    assert!(problem.ends_with("entry 1 (fake1): the UUID 6c1f0b52-7c1e-4d0a-9b7e-0d6c2f5a1e01 is that of another imported node; each node, also a removed one, has its own"), "{problem}");
    let (_one, one) = conf("");
    let (_other, other) = conf("");
    let problem = config(&[(&IMPORT, &format!("{one},{other}"))]).unwrap_err();
    assert!(problem.ends_with("both have settings; give one conf.py"), "{problem}");
    let (_dir, path) = written("[{'uuid': '27946b59-9e44-4fa7-8e91-f3527a1ef094', 'name': 'a.b'}]");
    let host = [(&IMPORT, path.as_str()), (&ADDRESSES, "host"), (&DOMAIN, "bmc.example")];
    let problem = config(&host.map(|(setting, text)| (setting as &'static Setting, text))).unwrap_err();
    let said = "entry 1 (a.b): with --addresses host a name has letters, digits and '-' only, as a host name";
    assert!(problem.ends_with(said), "{problem}");
    let problem = config(&[(&IMPORT, &fixture("nodes.json")), (&IMPORT_PROFILE, "generik")]).unwrap_err();
    assert!(
        problem.starts_with("--import-profile: ") && problem.ends_with("did you mean generic?"),
        "{problem}"
    );
    let problem =
        config(&[(&IMPORT, &fixture("nodes.json")), (&HTPASSWD, &fixture("htpasswd")), (&USER, "root")])
            .unwrap_err();
    assert_eq!(problem, "--htpasswd: cannot be combined with --user; give only one of them");
}

#[test]
fn names_of_a_file_that_other_nodes_have_or_get_are_refused() {
    let system = |name: &str, mac: &str| {
        format!(
            r#"[{{"uuid": "27946b59-9e44-4fa7-8e91-f3527a1ef094", "name": "{name}", "nics": [{{"mac": "{mac}"}}]}}]"#
        )
    };
    let generic = crate::profile::built_in("generic").unwrap();
    let first = Spec { seed: crate::seed::Seed(1), id: NodeId(0), profile: &generic };
    for (name, mac, said) in [
        ("GENERIC-1", "02:00:00:00:00:01".to_owned(), "the name generic-1 is that of node generic-1;"),
        (
            "generic-3",
            "02:00:00:00:00:01".to_owned(),
            "the name generic-3 is that of the node of the model generic that is added at index 3;",
        ),
        (
            "a",
            first.mac(1).to_string(),
            &format!("the MAC address {} is that of node generic-0;", first.mac(1)),
        ),
    ] {
        let (_dir, path) = written(&system(name, &mac));
        let problem = config(&[(&IMPORT, &path), (&NODES, "2")]).unwrap_err();
        assert!(problem.contains(said), "{problem}");
    }
    for name in ["generic-2", "generic-03", "other-9", "generic-x"] {
        let (_dir, path) = written(&system(name, "02:00:00:00:00:01"));
        assert_eq!(config(&[(&IMPORT, &path), (&NODES, "2")]).map(|_| ()), Ok(()), "{name}");
    }
}

#[test]
fn a_stored_fleet_accepts_the_same_imports_only() {
    let path = fixture("nodes.json");
    let held = config(&[(&IMPORT, &path), (&NODES, "2"), (&SEED, "7")]).unwrap().fleet.stored();
    let systems = |model: &StoredModel| model.systems.as_ref().map(|systems| systems.len());
    assert_eq!(held.models.iter().map(systems).collect::<Vec<_>>(), [None, Some(3)]);
    let json = serde_json::to_string(&held).unwrap();
    let place = Path::new("fleet");
    let adopt = |flags: &[(&'static Setting, &str)]| {
        let mut config = config(flags).unwrap();
        config.adopt(&serde_json::from_str(&json).unwrap(), place).map_err(|error| error.to_string())?;
        Ok::<_, String>(nodes(&config))
    };
    let all = adopt(&[]).unwrap();
    assert!(all.len() == 5 && all[2].starts_with("2 fake1 6c1f0b52"), "{all:?}");
    assert_eq!(adopt(&[(&IMPORT, &path), (&NODES, "2"), (&PROFILE, "generic")]), Ok(all.clone()));
    assert_eq!(adopt(&[(&IMPORT, &path)]), Ok(all));
    for (flags, said) in [
        (
            vec![(&IMPORT, fixture("fake_nodes.json"))],
            "--import: 2 imported nodes, and fleet holds a fleet with 3 imported nodes;",
        ),
        (
            vec![(&IMPORT, path.clone()), (&IMPORT_PROFILE, "hpe-dl380-gen11".to_owned())],
            "--import: 3 imported nodes, and fleet holds a fleet with 3 imported nodes, of which some have other identities or another model;",
        ),
        (vec![(&NODES, "5".to_owned())], "--nodes: 5 nodes, and fleet holds a fleet with 2 nodes;"),
    ] {
        let flags: Vec<_> =
            flags.iter().map(|(setting, text)| (*setting as &'static Setting, text.as_str())).collect();
        let problem = adopt(&flags).unwrap_err();
        assert!(problem.starts_with(said), "{problem}");
    }
}
