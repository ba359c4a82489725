"""Nodes with faults: how each must end in Ironic, computed by `fauxmetal fault test` before the run."""

import dataclasses
import pathlib
import re

from journey import Journey, Stage

RULES = pathlib.Path(__file__).with_name("faults.yaml")
# Ironic gives an agent up after this time. A node of a large fleet waits for Ironic itself for a part of it.
CALLBACK_LIMIT_S, CALLBACK_LIMIT_PER_NODE_S = 90, 2

ENROLL = Stage("enroll", Journey.enroll, "enroll"), Stage("manage", Journey.manage, "manageable")
CLEAN = Stage("provide, clean", Journey.provide, "available", "power off")
DEPLOY = Stage("deploy, direct", Journey.deploy_image, "active", "power on")


def _cleaning_fails(error, fault):
    return dataclasses.replace(CLEAN, goal="clean failed", power=None, error=error, fault=fault)


# The last stages of a node with the rule. If it has several, the first one here decides.
ENDS = {
    "silent-agent": (_cleaning_fails("Timeout reached while cleaning the node", fault=None),),
    "failed-clean-step": (_cleaning_fails(
        "Clean step deploy.erase_devices_metadata failed on node .*Failed to erase the metadata", fault="clean failure"),),
    "power-lost": (CLEAN, dataclasses.replace(
        DEPLOY, goal="deploy failed", power=None, error="Timeout reached while waiting for callback for node")),
    "flaky-bmc": (CLEAN, DEPLOY),
}
HEALTHY = CLEAN, DEPLOY


def callback_limit_s(nodes):
    return CALLBACK_LIMIT_S + CALLBACK_LIMIT_PER_NODE_S * nodes


def prepare(fleet, nodes, plans):
    """The stages of each node, as `fauxmetal fault test` predicts them. Then the rules are added."""
    hit = {rule["name"]: [item["node"] for item in rule["items"]] for rule in fleet.test_faults(RULES)}
    print("; ".join(f"{rule}: {', '.join(names)}" for rule, names in hit.items()), flush=True)
    fleet.add_faults(RULES)
    return [ENROLL + _end(node["name"], plan, hit) for node, plan in zip(nodes, plans, strict=True)]


def _end(node, plan, hit):
    rule = next((rule for rule in ENDS if node in hit[rule]), None)
    # A machine that boots from the network finds its ramdisk again when the power is back.
    if rule is None or (rule == "power-lost" and plan.boot_interface == "ipxe"):
        return HEALTHY
    return ENDS[rule]


def check(journeys, fleet, tally):
    """Each node must be in Ironic's list as it was at the end of its last stage. Returns the rows and the errors, by name."""
    tally.record("every rule has fired", ", ".join(fleet.unreached_faults()))
    ends = {}
    for journey in journeys:
        last, row = journey.stages[-1], journey.row()
        # Once a minute Ironic compares the power states and clears `last_error`; the history keeps it.
        error = "; ".join(sorted(journey.errors()))
        ends[journey.node["name"]] = row["provision_state"], row["maintenance"], row["fault"], error
        expected = last.goal, bool(last.fault), last.fault, re.search(last.error or "^$", error) is not None
        found = row["provision_state"], row["maintenance"], row["fault"], True
        journey.record("Ironic's list", "" if found == expected else f"{found} {error!r}, expected {expected}")
    return ends


def differences(first, second):
    """The nodes that end differently in two runs. Ports differ from run to run."""
    plain = lambda end: [re.sub(r":\d+\b", ":PORT", str(field)) for field in end]
    return "; ".join(f"{node}: {first[node]}, then {second[node]}" for node in first if plain(first[node]) != plain(second[node]))
