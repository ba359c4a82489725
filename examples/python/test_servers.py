"""Tests as a client of bare-metal servers would have them. Replace the Redfish requests by your client."""

import pytest

from fauxmetal import Problem


def test_a_client_switches_a_server_on(fleet):
    system = fleet.node("generic-0")["bmc"]["url"]
    assert fleet.redfish("GET", system)["PowerState"] == "Off"

    fleet.redfish("POST", f"{system}/Actions/ComputerSystem.Reset", {"ResetType": "On"})

    # The control API knows what the server does: its disks are empty, so it finds nothing to boot.
    fleet.wait_for("generic-0", power="on", state="no-boot-device")
    assert fleet.redfish("GET", system)["PowerState"] == "On"


def test_a_client_sees_that_somebody_pressed_the_button(fleet):
    assert fleet.change("power", "generic-1", "generic-2", action="on")["accepted"] == 2
    node = fleet.wait_for("generic-1", power="on")
    assert fleet.redfish("GET", node["bmc"]["url"])["PowerState"] == "On"

    listed = fleet.control("GET", "/nodes?selector=power!=off&fields=name")
    assert [node["name"] for node in listed["items"]] == ["generic-1", "generic-2"]


def test_servers_are_selected_by_label(fleet):
    fleet.change("label", "generic-2", "generic-3", set={"rack": "r7"})
    nodes = {"selector": "rack=r7,index>2"}
    assert fleet.control("POST", "/power", {"nodes": nodes, "action": "on"})["selected"] == 1
    fleet.wait_for("generic-3", power="on")
    assert fleet.node("generic-2")["power"] == "off"


def test_the_server_before_was_reset(fleet):
    listed = fleet.control("GET", "/nodes?fields=power")
    assert [node["power"] for node in listed["items"]] == ["off"] * 4


def test_a_refusal_says_why(fleet):
    with pytest.raises(Problem) as refused:
        fleet.change("crash", "generic-0")
    assert refused.value.status == 409
    [refusal] = refused.value.body["result"]["refusals"]
    assert refusal["node"] == "generic-0" and "agent" in refusal["reason"]


def test_a_client_meets_a_bmc_that_is_busy_twice(fleet):
    rule = {"name": "busy", "who": {"names": ["generic-0"]}, "when": {"first": 2}, "what": {"status": {"code": 503}}}
    fleet.control("POST", "/faults", {"rules": [rule]})
    system = fleet.node("generic-0")["bmc"]["url"]
    for _ in range(2):
        with pytest.raises(Problem) as busy:
            fleet.redfish("GET", system)
        assert busy.value.status == 503
    assert fleet.redfish("GET", system)["PowerState"] == "Off"
    # A test that met no fault proves nothing.
    assert fleet.control("GET", "/faults/busy")["fired"] == 2


def test_an_hour_passes_at_once(fleet):
    fleet.control("POST", "/clock/hold", {})
    fleet.change("power", "generic-0", action="on")
    assert fleet.node("generic-0")["state"] == "post"
    fleet.control("POST", "/clock/step", {"seconds": 3600})
    assert fleet.node("generic-0")["state"] == "no-boot-device"
