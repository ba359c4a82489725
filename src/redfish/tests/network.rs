//! The network settings of the BMC and the settings of the system: what is kept, what is refused, what a reset undoes.

use serde_json::{Value, json};

use super::Bench;
use crate::address::Place;

fn manager(bench: &Bench) -> String {
    bench.system.replace("/Systems/", "/Managers/")
}

fn interface(bench: &Bench) -> String {
    format!("{}/EthernetInterfaces/eth0", manager(bench))
}

fn protocol(bench: &Bench) -> String {
    format!("{}/NetworkProtocol", manager(bench))
}

/// Restarts the BMC, with a reset of its settings of this kind.
fn reset_to_defaults(bench: &mut Bench, kind: &str) {
    let uri = format!("{}/Actions/Manager.ResetToDefaults", manager(bench));
    assert_eq!(bench.write("POST", &uri, &json!({"ResetType": kind})).status, 202);
    bench.wait(600_000);
}

#[test]
fn settings_of_the_interface_are_kept_until_a_reset_to_defaults() {
    let mut bench = Bench::new();
    let uri = interface(&bench);
    let new = bench.get(&uri).json;
    let host = new["HostName"].as_str().unwrap().to_owned();
    assert_eq!((&new["FQDN"], &new["StaticNameServers"]), (&json!(host), &json!([])));
    let body = json!({
        "HostName": "bmc-7", "MTUSize": 9000,
        "VLAN": {"VLANEnable": true, "VLANId": 4094, "VLANPriority": 7, "Tagged": false},
        "DHCPv4": {"DHCPEnabled": false, "UseDNSServers": false},
        "DHCPv6": {"OperatingMode": "Disabled"},
        "StatelessAddressAutoConfig": {"IPv4AutoConfigEnabled": true, "IPv6AutoConfigEnabled": false},
        "IPv4StaticAddresses": [{"Address": "192.0.2.7", "SubnetMask": "255.255.254.0", "Gateway": "192.0.3.1"}],
        "IPv6StaticAddresses": [{"Address": "2001:db8::7", "PrefixLength": 48}],
        "IPv6StaticDefaultGateways": [{"Address": "fe80::1"}],
        "StaticNameServers": ["192.0.2.53", null, "2001:db8::53"],
    });
    assert_eq!(bench.write("PATCH", &uri, &body).status, 204);
    let shown = bench.get(&uri).json;
    for key in [
        "HostName",
        "MTUSize",
        "VLAN",
        "IPv4StaticAddresses",
        "IPv6StaticAddresses",
        "StatelessAddressAutoConfig",
    ] {
        assert_eq!(shown[key], body[key], "{key}");
    }
    assert_eq!(shown["StaticNameServers"], json!(["192.0.2.53", "2001:db8::53"]));
    assert_eq!(shown["NameServers"], shown["StaticNameServers"]);
    assert_eq!(shown["IPv6StaticDefaultGateways"], json!([{"Address": "fe80::1", "PrefixLength": 64}]));
    assert_eq!(
        (&shown["DHCPv4"]["DHCPEnabled"], &shown["DHCPv4"]["UseGateway"]),
        (&json!(false), &json!(true))
    );
    assert_eq!(
        (&shown["FQDN"], &bench.get(&protocol(&bench)).json["HostName"]),
        (&json!("bmc-7"), &json!("bmc-7"))
    );

    assert_eq!(bench.write("PATCH", &uri, &json!({"FQDN": "bmc-8.rack.example"})).status, 204);
    let shown = bench.get(&uri).json;
    assert_eq!((&shown["HostName"], &shown["FQDN"]), (&json!("bmc-8"), &json!("bmc-8.rack.example")));
    assert_eq!(bench.get(&protocol(&bench)).json["FQDN"], "bmc-8.rack.example");

    reset_to_defaults(&mut bench, "PreserveNetwork");
    assert_eq!(bench.get(&uri).json["FQDN"], "bmc-8.rack.example", "the network is preserved");
    reset_to_defaults(&mut bench, "ResetAll");
    assert_eq!(bench.get(&uri).json, new);
}

#[test]
fn an_element_of_an_array_is_kept_changed_or_removed() {
    let bench = Bench::new();
    let uri = interface(&bench);
    let set = |addresses: Value| {
        assert_eq!(bench.write("PATCH", &uri, &json!({"IPv4StaticAddresses": addresses})).status, 204);
        let shown = bench.get(&uri).json["IPv4StaticAddresses"].clone();
        let addresses: Vec<_> = shown.as_array().unwrap().iter().map(|one| one["Address"].clone()).collect();
        (Value::from(addresses), shown)
    };
    let one = |last: u8| json!({"Address": format!("192.0.2.{last}"), "SubnetMask": "255.255.255.0", "Gateway": null});
    assert_eq!(set(json!([one(1), one(2), one(3)])).0, json!(["192.0.2.1", "192.0.2.2", "192.0.2.3"]));
    let (addresses, shown) = set(json!([{}, null, {"Gateway": "192.0.2.254"}]));
    assert_eq!(addresses, json!(["192.0.2.1", "192.0.2.3"]));
    assert_eq!(shown[1]["Gateway"], "192.0.2.254");
    assert_eq!(set(json!([null])).0, json!([]));
    let texts = |servers: Value| {
        assert_eq!(bench.write("PATCH", &uri, &json!({"StaticNameServers": servers})).status, 204);
        bench.get(&uri).json["StaticNameServers"].clone()
    };
    assert_eq!(texts(json!(["192.0.2.1", "192.0.2.2", {}])), json!(["192.0.2.1", "192.0.2.2"]));
    assert_eq!(texts(json!([null, {}, "192.0.2.3"])), json!(["192.0.2.2", "192.0.2.3"]));
}

#[test]
fn wrong_network_settings_are_refused_with_their_names_and_change_nothing() {
    let bench = Bench::new();
    let (uri, protocol) = (interface(&bench), protocol(&bench));
    let address = |key: &str, value: &str| {
        let mut one = json!({"Address": "192.0.2.7", "SubnetMask": "255.255.255.0"});
        one[key] = json!(value);
        json!({"IPv4StaticAddresses": [one]})
    };
    let ipv6 = |address: &str, bits: u32| json!({"IPv6StaticAddresses": [{"Address": address, "PrefixLength": bits}]});
    let (format, range, list) =
        ("PropertyValueFormatError", "PropertyValueOutOfRange", "PropertyValueNotInList");
    for (uri, body, id, property) in [
        (&uri, json!({"HostName": "a.b"}), format, "#/HostName"),
        (&uri, json!({"HostName": ""}), format, "#/HostName"),
        (&uri, json!({"FQDN": "-a.b"}), format, "#/FQDN"),
        (&uri, json!({"FQDN": "a.b", "HostName": "c"}), "PropertyValueConflict", "#/FQDN"),
        (&uri, json!({"MTUSize": 575}), range, "#/MTUSize"),
        (&uri, json!({"VLAN": {"VLANId": 4095}}), range, "#/VLAN/VLANId"),
        (&uri, json!({"DHCPv6": {"OperatingMode": "On"}}), list, "#/DHCPv6/OperatingMode"),
        (&uri, address("Address", "192.0.2.256"), format, "#/IPv4StaticAddresses/0/Address"),
        (&uri, address("Address", "224.0.0.1"), format, "#/IPv4StaticAddresses/0/Address"),
        (&uri, address("SubnetMask", "255.0.255.0"), format, "#/IPv4StaticAddresses/0/SubnetMask"),
        (&uri, address("Gateway", "192.0.3.1"), "PropertyValueConflict", "#/IPv4StaticAddresses/0/Gateway"),
        (
            &uri,
            json!({"IPv4StaticAddresses": [{"Address": "192.0.2.7"}]}),
            "PropertyMissing",
            "#/IPv4StaticAddresses/0/SubnetMask",
        ),
        (
            &uri,
            json!({"IPv4StaticAddresses": [null, null, null, null, null]}),
            "ArraySizeTooLong",
            "#/IPv4StaticAddresses",
        ),
        (&uri, ipv6("::", 64), format, "#/IPv6StaticAddresses/0/Address"),
        (&uri, ipv6("2001:db8::7", 129), range, "#/IPv6StaticAddresses/0/PrefixLength"),
        (&uri, json!({"StaticNameServers": ["ns.example"]}), format, "#/StaticNameServers/0"),
        (&uri, json!({"InterfaceEnabled": false}), "PropertyNotWritable", "#/InterfaceEnabled"),
        (&uri, json!({"NameServers": ["192.0.2.1"]}), "PropertyNotWritable", "#/NameServers"),
        (&protocol, json!({"SSH": {"ProtocolEnabled": true}}), list, "#/SSH/ProtocolEnabled"),
        (&protocol, json!({"IPMI": {"ProtocolEnabled": true}}), list, "#/IPMI/ProtocolEnabled"),
        (&protocol, json!({"SNMP": {"Port": 1161}}), "PropertyNotWritable", "#/SNMP/Port"),
        (&protocol, json!({"SSDP": {"ProtocolEnabled": true}}), list, "#/SSDP/ProtocolEnabled"),
        (&protocol, json!({"SSDP": {"NotifyTTL": 0}}), range, "#/SSDP/NotifyTTL"),
        (
            &protocol,
            json!({"SSDP": {"NotifyMulticastIntervalSeconds": 9}}),
            range,
            "#/SSDP/NotifyMulticastIntervalSeconds",
        ),
        (&protocol, json!({"NTP": {"NTPServers": ["ntp_1"]}}), format, "#/NTP/NTPServers/0"),
        (
            &protocol,
            json!({"NTP": {"NTPServers": ["a", "b", "c", "d", "e"]}}),
            "ArraySizeTooLong",
            "#/NTP/NTPServers",
        ),
        (&protocol, json!({"HTTP": {"ProtocolEnabled": true}}), list, "#/HTTP/ProtocolEnabled"),
        (&protocol, json!({"HostName": "a"}), "PropertyNotWritable", "#/HostName"),
    ] {
        let before = bench.get(uri).json;
        let refused = bench.write("PATCH", uri, &body);
        assert_eq!((refused.status, refused.message_ids()), (400, vec![id]), "{body}");
        let named = &refused.json["error"]["@Message.ExtendedInfo"][0]["RelatedProperties"];
        assert_eq!(named, &json!([property]), "{body}");
        assert_eq!(bench.get(uri).json, before, "{body}");
    }
}

#[test]
fn protocols_are_kept_and_those_that_are_never_served_may_be_disabled() {
    let mut bench = Bench::new();
    let uri = protocol(&bench);
    let body = json!({
        "NTP": {"ProtocolEnabled": true, "NTPServers": ["ntp.example", "", "192.0.2.123", "2001:db8::123"]},
        "SSDP": {"ProtocolEnabled": false, "NotifyMulticastIntervalSeconds": 0, "NotifyTTL": 5, "NotifyIPv6Scope": "Site"},
        "SSH": {"ProtocolEnabled": false}, "KVMIP": {"ProtocolEnabled": false}, "VirtualMedia": {"ProtocolEnabled": true},
    });
    assert_eq!(bench.write("PATCH", &uri, &body).status, 204);
    let shown = bench.get(&uri).json;
    assert_eq!(shown["NTP"]["NTPServers"], json!(["ntp.example", "192.0.2.123", "2001:db8::123"]));
    assert_eq!((&shown["NTP"]["ProtocolEnabled"], &shown["NTP"]["Port"]), (&json!(true), &json!(123)));
    let mut expected = body["SSDP"].clone();
    expected["Port"] = json!(1900);
    assert_eq!(shown["SSDP"], expected);
    bench.redfish.facts.ssdp = true;
    assert_eq!(
        bench.get(&uri).json["SSDP"]["ProtocolEnabled"],
        true,
        "what is not served cannot be disabled"
    );
    for enabled in [false, true] {
        assert_eq!(bench.write("PATCH", &uri, &json!({"SSDP": {"ProtocolEnabled": enabled}})).status, 204);
        assert_eq!(bench.get(&uri).json["SSDP"]["ProtocolEnabled"], enabled);
    }
}

#[test]
fn a_shared_listener_stays_open() {
    let mut bench = Bench::new();
    bench.redfish.facts.places = vec![(true, Place::One("192.0.2.1:443".parse().unwrap()))];
    let uri = protocol(&bench);
    let refused = bench.write("PATCH", &uri, &json!({"HTTPS": {"ProtocolEnabled": false}}));
    assert_eq!((refused.status, refused.message_ids()), (400, vec!["PropertyValueNotInList"]));
    assert_eq!(bench.write("PATCH", &uri, &json!({"HTTPS": {"ProtocolEnabled": true}})).status, 204);
    assert_eq!(bench.write("PATCH", &uri, &json!({"HTTP": {"ProtocolEnabled": false}})).status, 204);
    let addresses = bench.get(&interface(&bench)).json["IPv4Addresses"].clone();
    let only = json!([{"Address": "192.0.2.1", "AddressOrigin": "DHCP", "SubnetMask": "255.255.255.255", "Gateway": null}]);
    assert_eq!(addresses, only);
    // Its origin follows the settings, and the address does not move.
    let fixed = json!({"DHCPv4": {"DHCPEnabled": false}});
    assert_eq!(bench.write("PATCH", &interface(&bench), &fixed).status, 204);
    let shown = bench.get(&interface(&bench)).json["IPv4Addresses"][0].clone();
    assert_eq!((&shown["Address"], &shown["AddressOrigin"]), (&json!("192.0.2.1"), &json!("Static")));
}

#[test]
fn a_system_has_a_host_name_and_a_policy_for_power_that_comes_back() {
    let mut bench = Bench::new();
    let system = bench.system.clone();
    let new = bench.get(&system).json;
    assert_eq!((&new["HostName"], &new["PowerRestorePolicy"]), (&json!(""), &json!("LastState")));
    assert!(new["LastResetTime"].is_null());
    let body = json!({"HostName": "web-7.example", "PowerRestorePolicy": "AlwaysOn"});
    assert_eq!(bench.write("PATCH", &system, &body).status, 204);
    let nic = bench.get(&format!("{system}/EthernetInterfaces")).json["Members"][0]["@odata.id"].clone();
    let nic = bench.get(nic.as_str().unwrap()).json;
    assert_eq!((&nic["HostName"], &nic["FQDN"]), (&json!("web-7"), &json!("web-7.example")));
    for (body, id) in [
        (json!({"HostName": "a b"}), "PropertyValueFormatError"),
        (json!({"PowerRestorePolicy": "Sometimes"}), "PropertyValueNotInList"),
    ] {
        assert_eq!(bench.write("PATCH", &system, &body).message_ids(), [id]);
    }
    let shown = bench.get(&system).json;
    assert_eq!(
        (&shown["HostName"], &shown["PowerRestorePolicy"]),
        (&json!("web-7.example"), &json!("AlwaysOn"))
    );

    bench.reset("On");
    bench.wait(60_000);
    let (first, manager) = (bench.get(&system).json["LastResetTime"].clone(), manager(&bench));
    assert!(first.is_string() && bench.get(&manager).json["LastResetTime"].is_null());
    reset_to_defaults(&mut bench, "PreserveNetworkAndUsers");
    assert!(bench.get(&manager).json["LastResetTime"].is_string());
    let shown = bench.get(&system).json;
    assert_eq!(
        (&shown["HostName"], &shown["PowerRestorePolicy"]),
        (&new["HostName"], &new["PowerRestorePolicy"])
    );
    assert_eq!(shown["LastResetTime"], first, "a restart of the BMC is none of the system");
}

#[test]
fn what_a_model_shows_as_enabled_is_a_description_that_no_client_changes() {
    let mut bench = Bench::new();
    bench.add_first("hpe-dl380-gen11");
    let uri = protocol(&bench);
    let before = bench.get(&uri).json;
    assert_eq!(before["SSH"], json!({"ProtocolEnabled": true, "Port": 22}));
    for enabled in [true, false] {
        let refused = bench.write("PATCH", &uri, &json!({"SSH": {"ProtocolEnabled": enabled}}));
        assert_eq!((refused.status, refused.message_ids()), (400, vec!["PropertyNotWritable"]));
    }
    assert_eq!(bench.get(&uri).json, before);
}
