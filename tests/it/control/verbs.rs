//! Every verb that changes nodes: on one node, on many, and on nodes that refuse.

use super::{all_said, daemon, fauxmetal, said};

#[test]
fn power() {
    let (_daemon, url) = daemon(&["--nodes", "5"]);
    insta::assert_snapshot!(all_said(
        &url,
        &[
            &["node", "power", "on", "generic-0", "--dry-run"],
            &["node", "power", "on", "generic-0"],
            &["node", "wait", "--for", "power=on", "generic-0"],
            &["node", "power", "on", "-l", "index in (0..2)"],
            &["node", "power", "on", "generic-0", "generic-1", "-o", "json"],
            &["node", "wait", "--for", "power=on", "-l", "index in (0..2)"],
            &["node", "power", "cycle", "generic-0"],
            &["node", "power", "restart", "generic-0"],
            &["node", "power", "press", "generic-0"],
            &["node", "power", "shutdown", "generic-1"],
            &["node", "power", "off", "--all"],
            &["node", "power", "off", "--all", "-o", "yaml"],
            &["node", "power", "on", "generic-9"],
            &["node", "power", "on", "-l", "index=9"],
            &["node", "power", "on", "-l", "index=9,"],
        ]
    ));
}

#[test]
fn boot() {
    let (_daemon, url) = daemon(&["--nodes", "3"]);
    insta::assert_snapshot!(all_said(
        &url,
        &[
            &["node", "boot", "pxe", "generic-0"],
            &["node", "boot", "cd", "--all", "--enabled", "continuous", "--mode", "uefi", "--dry-run"],
            &["node", "boot", "Hdd", "-l", "index>0"],
            &["node", "boot", "none", "--all"],
            &["node", "boot", "Tape", "generic-0"],
            &["node", "boot", "uefihttp", "--all", "--http-boot-uri", "http://127.0.0.1:1/boot.efi"],
        ]
    ));
}

#[test]
fn media() {
    let (_daemon, url) = daemon(&["--nodes", "3"]);
    let image = "http://127.0.0.1:1/boot.iso";
    insta::assert_snapshot!(all_said(
        &url,
        &[
            &["node", "insert", "generic-0", image],
            &["node", "insert", "generic-0", image],
            &["node", "insert", "--all", image, "--slot", "Cd"],
            &["node", "insert", "-l", "index=2", "--slot", "Tape", image],
            &["node", "insert", "generic-1"],
            &["node", "insert", "generic-1", image, image],
            &["node", "eject", "generic-0"],
            &["node", "eject", "--all", "--dry-run"],
            &["node", "eject", "--all", "--slot", "Tape"],
        ]
    ));
}

#[test]
fn parts() {
    let (_daemon, url) = daemon(&["--profile", "generic=2", "--profile", "hpe-dl380-gen11=1"]);
    insta::assert_snapshot!(all_said(
        &url,
        &[
            &["node", "unplug", "generic-0", "nic=ens1f0"],
            &["node", "unplug", "--all", "disk=sda", "--dry-run"],
            &["node", "unplug", "-l", "index<2", "disk=Disk0"],
            &["node", "list", "--fields", "name,macs"],
            &["node", "plug", "generic-0", "nic=NIC1", "-o", "json"],
            &["node", "plug", "--all", "nic=ens1f0"],
            &["node", "plug", "generic-0", "disk=sdz"],
            &["node", "plug", "generic-0", "nic=ens1f0", "disk=sda"],
            &["node", "plug", "generic-0", "nic=a", "nic=b"],
            &["node", "plug", "generic-0", "fan=1"],
            &["node", "plug", "generic-0", "nic="],
            &["node", "plug", "generic-0"],
        ]
    ));
}

#[test]
fn environment() {
    let (_daemon, url) = daemon(&["--profile", "generic=2", "--profile", "hpe-dl380-gen11=1"]);
    insta::assert_snapshot!(all_said(
        &url,
        &[
            &["node", "heat", "--all", "--inlet", "45"],
            &["node", "heat", "generic-0", "--inlet", "-5", "--dry-run"],
            &["node", "heat", "generic-0", "--inlet", "81"],
            &["node", "heat", "generic-0"],
            &["node", "cool", "--all"],
            &["node", "fail", "generic-0", "fan=Fan1"],
            &["node", "fail", "--all", "fan=Fan1"],
            &["node", "repair", "generic-0", "fan=Fan 1", "-o", "json"],
            &["node", "fail", "generic-0"],
            &["node", "fail", "generic-0", "nic=ens1f0"],
            &["node", "fail", "generic-0", "disk="],
            &["node", "fail", "-l", "index<2", "disk=sda"],
            &["node", "fail", "generic-0", "dimm=DIMM-B1"],
            &["node", "fail", "generic-0", "dimm=DIMM9"],
            &["node", "fail", "generic-0", "psu=PSU1"],
            &["node", "fail", "generic-0", "psu=PSU2"],
            &["node", "repair", "generic-0", "disk=Disk0"],
            &["node", "repair", "generic-0", "psu=Power Supply 1"],
            &["node", "unplug", "generic-0", "psu=PSU1"],
            &["node", "unplug", "generic-0", "psu=PSU2"],
            &["node", "plug", "generic-0", "psu=PSU1"],
        ]
    ));
}

#[test]
fn labels() {
    let (_daemon, url) = daemon(&["--nodes", "4"]);
    insta::assert_snapshot!(all_said(
        &url,
        &[
            &["node", "label", "generic-0", "generic-1", "rack=r7", "row=2"],
            &["node", "label", "-l", "index>1", "rack=r8"],
            &["node", "label", "-l", "rack=r7", "row-"],
            &["node", "label", "generic-0", "rack=not a value"],
            &["node", "label", "generic-0"],
            &["node", "list", "-l", "rack"],
        ]
    ));
}

#[test]
fn agents_and_bmcs() {
    let (_daemon, url) = daemon(&["--nodes", "3"]);
    insta::assert_snapshot!(all_said(
        &url,
        &[
            &["node", "crash", "generic-0"],
            &["node", "crash", "--all"],
            &["node", "restart-bmc", "generic-0"],
            &["node", "restart-bmc", "--all", "--dry-run"],
            &["node", "open-bmc", "generic-1"],
        ]
    ));
}

#[test]
fn add_remove_and_reset() {
    let (_daemon, url) = daemon(&["--profile", "generic=2", "--profile", "hpe-dl380-gen11=1"]);
    insta::assert_snapshot!(all_said(
        &url,
        &[
            &["node", "add", "generic"],
            &["node", "add", "hpe-dl380-gen11", "--count", "3", "--label", "rack=r9"],
            &["node", "add", "hpe-dl380-gen11", "--count", "3", "--dry-run"],
            &["node", "add", "cray-1"],
            &["node", "add", "generic", "--label", "rack"],
            &["node", "list"],
            &["node", "remove", "generic-0", "--dry-run"],
            &["node", "remove", "generic-0"],
            &["node", "remove", "generic-0"],
            &["node", "remove", "-l", "rack=r9"],
            &["node", "list", "-o", "name"],
            &["fleet", "reset", "generic-1"],
            &["fleet", "reset", "--all", "--dry-run"],
            &["fleet", "reset", "-l", "rack=r9"],
            &["fleet", "reset"],
        ]
    ));
}

#[test]
fn a_name_that_is_written_twice_is_one_node() {
    let (_daemon, url) = daemon(&["--nodes", "2"]);
    let twice = said(&mut fauxmetal(&url, &["node", "power", "on", "generic-1", "generic-1"]));
    assert!(twice.contains("power on: 1 node accepted"), "{twice}");
}
