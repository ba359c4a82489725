//! Snapshots of the exports of a small fleet, and the rules behind them.

use super::*;
use crate::address::{Layout, Urls};
use crate::config::FleetConfig;
use crate::config::RawSettings;
use crate::config::setting::{NODES, PROFILE};

fn fleet(profiles: &[&str], verify: Verify, namespace: Option<&str>) -> ExportedFleet {
    let profiles = profiles.iter().map(|p| (*p).to_owned()).collect();
    let raw = RawSettings::gather(vec![(&NODES, vec!["2".into()]), (&PROFILE, profiles)], vec![]).unwrap();
    ExportedFleet {
        config: FleetConfig::new(&raw).unwrap(),
        bmc: Urls::Same("https://192.0.2.7:8443".into()),
        verify,
        boot: BootMethod::VirtualMedia,
        namespace: namespace.map(str::to_owned),
        with_password: false,
        additions: Additions::default(),
        selection: None,
    }
}

fn printed(
    write: impl Fn(&mut Vec<u8>, &ExportedFleet) -> std::io::Result<()>,
    fleet: &ExportedFleet,
) -> String {
    let mut out = Vec::new();
    write(&mut out, fleet).unwrap();
    String::from_utf8(out).unwrap()
}

const BOTH: &[&str] = &["generic", "hpe-dl380-gen11"];

#[test]
fn nodes_json_for_two_nodes() {
    let text = printed(nodes_json::write, &fleet(BOTH, Verify::Default, None));
    assert_eq!(serde_json::from_str::<Vec<serde_json::Value>>(&text).unwrap().len(), 2);
    insta::assert_snapshot!(text);
}

#[test]
fn ironic_for_two_nodes() {
    let text = printed(ironic::write, &fleet(BOTH, Verify::Ca("/etc/ironic/ca.pem".into()), None));
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(&text).unwrap()["nodes"].as_array().unwrap().len(),
        2
    );
    insta::assert_snapshot!(text);
}

#[test]
fn bmh_for_two_nodes() {
    insta::assert_snapshot!(printed(bmh::write, &fleet(BOTH, Verify::Insecure, Some("metal3"))));
}

#[test]
fn a_selection_prints_its_nodes_only() {
    let mut fleet = fleet(&["generic", "hpe-dl380-gen11"], Verify::Default, None);
    let (first, second) = {
        let mut nodes =
            fleet.nodes().map(|node| (node.spec.uuid(), node.spec.name(), node.macs().next().unwrap()));
        (nodes.next().unwrap(), nodes.next().unwrap())
    };
    for (text, names) in [
        ("index=1".to_owned(), vec![&second.1]),
        (format!("uuid={}", first.0), vec![&first.1]),
        (format!("mac={}", second.2), vec![&second.1]),
        ("profile=hpe-*".to_owned(), vec![&second.1]),
        (format!("name!={}", second.1), vec![&first.1]),
        ("sample=100%:x".to_owned(), vec![&first.1, &second.1]),
    ] {
        fleet.selection = Some(text.parse().unwrap());
        let nodes: Vec<serde_json::Value> =
            serde_json::from_str(&printed(nodes_json::write, &fleet)).unwrap();
        let found: Vec<_> = nodes.iter().map(|node| node["name"].as_str().unwrap()).collect();
        assert_eq!(found, names, "{text}");
        assert!(check_selection(&fleet).is_ok(), "{text}");
    }
    for (text, problem) in [
        ("index=2", "--selector: none of the 2 nodes matches 'index=2'"),
        ("index=1,rack=r7", "--selector: nodes that do not run have no label 'rack'; allowed are sample and"),
    ] {
        fleet.selection = Some(text.parse().unwrap());
        let said = check_selection(&fleet).unwrap_err();
        assert!(said.starts_with(problem), "{said}");
    }
}

#[test]
fn each_way_to_boot_has_its_interface_and_scheme() {
    let mut fleet = fleet(&["generic"], Verify::Insecure, None);
    for (boot, interface, scheme) in [
        (BootMethod::Http, "redfish-https", "'redfish-uefihttp+https://192.0.2.7:8443/redfish/v1/Systems/"),
        (BootMethod::Network, "ipxe", "'redfish+https://192.0.2.7:8443/redfish/v1/Systems/"),
    ] {
        fleet.boot = boot;
        let nodes = printed(ironic::write, &fleet);
        assert!(nodes.contains(&format!("\"boot_interface\":\"{interface}\"")), "{nodes}");
        assert!(nodes.contains("\"redfish_verify_ca\":false"), "{nodes}");
        assert!(printed(bmh::write, &fleet).contains(scheme));
    }
}

#[test]
fn an_interface_without_a_cable_is_not_a_port() {
    let fleet = fleet(&["hpe-dl380-gen11"], Verify::Default, None);
    let node = fleet.nodes().next().unwrap();
    assert_eq!((node.spec.profile.nics.len(), node.macs().count()), (6, 3));
}

#[test]
fn names_that_kubernetes_refuses_are_refused() {
    assert_eq!(bmh::check(&fleet(BOTH, Verify::Insecure, Some("metal3"))), Ok(()));
    let said = bmh::check(&fleet(BOTH, Verify::Insecure, Some("Metal_3"))).unwrap_err();
    assert_eq!(said, "--namespace: 'Metal_3' is not a DNS label (RFC 1123); write a-z, 0-9 and -");
    let mut wrong = fleet(&["generic"], Verify::Insecure, None);
    for name in ["-generic", "a-very-long-name-for-a-model-of-server-is-too-much"] {
        name.clone_into(&mut std::sync::Arc::make_mut(&mut wrong.config.models[0].profile).name);
        let said = bmh::check(&wrong).unwrap_err();
        assert!(
            said.starts_with(&format!("profile '{name}': its nodes' names are not DNS labels")),
            "{said}"
        );
    }
}

#[test]
fn the_url_of_the_bmcs_is_scheme_host_and_port() {
    let bmc = |text: &str| addresses::urls(text, Layout::Shared, 2);
    assert_eq!(bmc("https://192.0.2.7:8443/").unwrap().pattern(), "https://192.0.2.7:8443");
    assert_eq!(
        bmc("https://h/redfish").unwrap_err(),
        "'https://h/redfish' has a path; write only scheme, host and port"
    );
    assert_eq!(
        bmc("https://u:hunter2@h").unwrap_err(),
        "the URL has a user or password ('@'); write it without them"
    );
}

#[test]
fn each_node_has_the_address_that_the_layout_gives_it() {
    let second = |bmc: &str, layout| {
        let mut fleet = fleet(BOTH, Verify::Default, None);
        fleet.bmc = addresses::urls(bmc, layout, 2).unwrap();
        assert_eq!(fleet.bmc.pattern(), bmc);
        let second = fleet.nodes().nth(1).unwrap().address;
        let path = "/redfish/v1/Systems/1";
        let wanted = format!("\"redfish_address\":\"{second}\",\"redfish_system_id\":\"{path}\"");
        for text in [printed(nodes_json::write, &fleet), printed(ironic::write, &fleet)] {
            assert!(text.contains(&wanted), "{text}");
        }
        let text = printed(bmh::write, &fleet);
        assert!(text.contains(&format!("address: 'redfish-virtualmedia+{second}{path}'")), "{text}");
        second
    };
    assert_eq!(second("https://10.8.0.0/16:8443", Layout::Ip), "https://10.8.0.2:8443");
    assert_eq!(second("https://[fd00:1::]/64:443", Layout::Ip), "https://[fd00:1::2]:443");
    assert_eq!(second("http://192.0.2.7:10000", Layout::Port), "http://192.0.2.7:10001");
    assert_eq!(second("http://[::1]:10000", Layout::Port), "http://[::1]:10001");
    let named = "https://hpe-dl380-gen11-1.bmc.example:8443";
    assert_eq!(second("https://bmc.example:8443", Layout::Host), named);
}

#[test]
fn addresses_that_do_not_fit_the_layout_are_refused() {
    for (bmc, layout, nodes, said) in [
        ("https://10.8.0.1:8443", Layout::Ip, 2, "'https://10.8.0.1:8443' is not a block of addresses; "),
        (
            "https://10.8.0.0/30:1",
            Layout::Ip,
            3,
            "https://10.8.0.0/30:1 has room for 2 nodes, and there are 3; choose a larger block",
        ),
        (
            "https://h:65535",
            Layout::Port,
            2,
            "'https://h:65535' has room for 1 nodes, and there are 2; choose a lower port",
        ),
        (
            "https://10.8.0.1:1",
            Layout::Host,
            2,
            "'10.8.0.1' is an IP address; write the domain of the nodes' names",
        ),
        ("https://h:1/x", Layout::Port, 2, "'https://h:1/x' has a path; write only scheme, host and port"),
    ] {
        let error = addresses::urls(bmc, layout, nodes).unwrap_err();
        assert!(error.starts_with(said), "{error}");
    }
}

#[test]
fn bmh_with_labels_an_image_and_hints() {
    let mut fleet = fleet(&["generic"], Verify::Default, None);
    fleet.additions = Additions {
        labels: ["rack=r1", "example.com/pool=no"].map(|text| options::label(text).unwrap()).into(),
        image: Some(Image::parse("url=http://h/i.qcow2,checksum=http://h/sums,format=qcow2").unwrap()),
        root_device_hints: ["deviceName=/dev/sda", "rotational=false"]
            .map(|h| options::hint(h).unwrap())
            .into_iter()
            .collect(),
        online: false,
        ..Additions::default()
    };
    insta::assert_snapshot!(printed(bmh::write, &fleet));
}

#[test]
fn no_character_of_a_text_changes_the_structure_of_the_yaml() {
    let mut fleet = fleet(&["generic"], Verify::Default, None);
    for user in
        ["a\"b'c: #", "no", "1e3", "- x", "~", "{a}", "\u{2028}\u{fc}\u{1f525}", "a\\nb", &"long ".repeat(40)]
    {
        user.clone_into(&mut fleet.config.user);
        let text = printed(bmh::write, &fleet);
        assert_eq!(text.lines().count(), printed_lines(), "{text}");
        let line = text.lines().find(|line| line.trim_start().starts_with("username:")).unwrap();
        assert!(line.contains(": \"") || line.contains(": '"), "{line}");
    }
}

/// The number of lines for two nodes of one model.
fn printed_lines() -> usize {
    printed(bmh::write, &fleet(&["generic"], Verify::Default, None)).lines().count()
}

#[test]
fn hosts_in_namespaces_have_an_image_and_a_reference_to_their_user_data() {
    let mut fleet = fleet(&["generic"], Verify::Insecure, Some("test"));
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("user-data");
    std::fs::write(&file, "#cloud-config\n").unwrap();
    fleet.additions.namespace_per = Some(1);
    fleet.additions.image =
        Some(Image::parse("url=http://h/i.qcow2,checksum=97830b21ed272a3d854615beb54cf004").unwrap());
    fleet.additions.user_data =
        Some(UserData::parse(&format!("worker-user-data={}", file.display())).unwrap());
    check(Format::Bmh, &fleet).unwrap();
    insta::assert_snapshot!(printed(bmh::write, &fleet));
    // As produce-hosts.sh has it: one Secret for all hosts, in a namespace of its own.
    fleet.additions.user_data = Some(UserData::parse("metal3/worker-user-data").unwrap());
    let text = printed(bmh::write, &fleet);
    let referred = "  userData:\n    name: 'worker-user-data'\n    namespace: 'metal3'\n";
    assert_eq!((text.matches(referred).count(), text.matches("kind: 'Secret'").count()), (2, 2), "{text}");
    fleet.namespace = Some("x".repeat(62));
    assert!(check(Format::Bmh, &fleet).unwrap_err().contains("is too long with a number behind it"));
    for wrong in ["", "A", "a/b/c", "a=/nowhere/file"] {
        assert!(UserData::parse(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn a_thousand_hosts_have_a_thousand_names_addresses_and_mac_addresses() {
    let raw = RawSettings::gather(vec![(&NODES, vec!["1000".into()])], vec![]).unwrap();
    let mut fleet = fleet(&["generic"], Verify::Insecure, Some("test"));
    fleet.config = FleetConfig::new(&raw).unwrap();
    fleet.additions.namespace_per = Some(300);
    let text = printed(bmh::write, &fleet);
    for key in ["    address: ", "  bootMACAddress: ", "    credentialsName: "] {
        let values: std::collections::HashSet<_> =
            text.lines().filter(|line| line.starts_with(key)).collect();
        assert_eq!(values.len(), 1000, "{key}");
    }
    let namespaces = text.matches("kind: 'Namespace'").count();
    assert_eq!(
        (namespaces, text.matches("namespace: 'test-4'").count()),
        (4, 200),
        "a Secret and a host of 100 nodes"
    );
}

#[test]
fn systems_for_sushy_tools() {
    let fleet = fleet(BOTH, Verify::Default, None);
    let nodes = printed(sushy::write_nodes, &fleet);
    let parsed = serde_json::from_str::<Vec<serde_json::Value>>(&nodes).unwrap();
    assert_eq!((parsed.len(), &parsed[0]["external_notifier"]), (2, &serde_json::json!(true)));
    insta::assert_snapshot!(format!("{nodes}\n{}", printed(sushy::write_conf, &fleet)));
}

#[test]
fn an_imported_name_that_kubernetes_does_not_allow_is_refused() {
    use crate::config::setting::IMPORT;
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&file, "[{'uuid': '27946b59-9e44-4fa7-8e91-f3527a1ef094', 'name': 'Node_1'}]").unwrap();
    let raw = RawSettings::gather(vec![(&IMPORT, vec![file.path().display().to_string()])], vec![]).unwrap();
    let mut fleet = fleet(&["generic"], Verify::Insecure, None);
    fleet.config = FleetConfig::new(&raw).unwrap();
    assert!(
        check(Format::Bmh, &fleet).unwrap_err().starts_with("node 'Node_1': its name is not a DNS label")
    );
    assert_eq!(check(Format::Ironic, &fleet), Ok(()));
}
