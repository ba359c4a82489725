"""The stages of one node in Ironic: the request of each stage, and what must be true at its end."""

import dataclasses
import hashlib
import time
from collections.abc import Callable

import inventory
from api import Refused
from trouble import Trouble

# The longest time of one stage of one node. 20 nodes on two slow cores need far less.
STAGE_LIMIT_S = 300


class Stopped(Exception):
    """The node did not reach the goal of a stage, so its journey ends."""


@dataclasses.dataclass(frozen=True)
class Plan:
    """How one node is booted and deployed."""

    boot_interface: str
    boot_mode: str
    image: str


@dataclasses.dataclass(frozen=True)
class Stage:
    """One step of every journey."""

    name: str
    begin: Callable
    # The provision state that ends the stage; None if the node must be gone.
    goal: str | None
    # The power state at the end, in Ironic and on the BMC; None if either is right.
    power: str | None = None
    # Further checks.
    judge: Callable | None = None


class Journey:
    """Takes one node from nothing to active, twice, and back to nothing."""

    def __init__(self, node, plan, ironic, roll, fleet, files, tally):
        self.node, self.plan, self.uuid = node, plan, node["uuid"]
        self.ironic, self.roll, self.fleet, self.files, self.tally = ironic, roll, fleet, files, tally
        self.stage = "waiting"
        self.by_redfish = None

    def travel(self):
        """Goes through all stages. After a failed stage the node stays as it is, for analysis."""
        for stage in STAGES:
            self.stage = stage.name
            if not self._pass(stage):
                self.stage = "failed"
                return
        self.stage = "done"

    def _pass(self, stage):
        began = time.monotonic()
        try:
            stage.begin(self)
            row = self._arrive(stage, began)
            problem = self._blemish(row)
        except Stopped as stopped:
            problem = str(stopped)
        except (Refused, OSError) as refusal:
            problem = f"{refusal}; {self._row()}"
        if not self._check(stage.name, problem):
            return False
        self.tally.took(stage.name, time.monotonic() - began)
        try:
            if stage.goal and stage.goal != "enroll":
                self._check(f"{stage.name}, power", self._power_problem(stage, row))
            if stage.judge:
                stage.judge(self)
        except (Refused, OSError, KeyError, TypeError) as error:
            self._check(f"{stage.name}, checks", repr(error))
        return True

    def _check(self, what, problem):
        return self.tally.check(f"{self.node['name']} ({self.plan.boot_interface}, {self.plan.boot_mode}) {what}", problem)

    def _row(self):
        return self.roll.rows().get(self.uuid, "not listed by Ironic")

    def _arrive(self, stage, began):
        """Waits for the end of a stage and returns the node as Ironic lists it, or None if it is gone."""
        asked_at = time.monotonic()
        while time.monotonic() - began < STAGE_LIMIT_S:
            rows, asked_at = self.roll.since(asked_at)
            row = rows.get(self.uuid)
            if row is None:
                if stage.goal is not None:
                    raise Stopped("Ironic no longer lists it")
                return None
            state = row["provision_state"]
            # A stage that fails keeps its target, so that it can be tried again; verifying forgets it.
            ended = row["target_provision_state"] is None or state.endswith(("failed", "error"))
            if ended and stage.goal is not None:
                if state != stage.goal:
                    raise Stopped(f"in state {state}: {row['last_error']}")
                return row
        raise Stopped(f"not there after {STAGE_LIMIT_S} s: {self._row()}")

    @staticmethod
    def _blemish(row):
        """The errors that a node must not have at the end of a stage."""
        for field in ("last_error", "maintenance", "fault") if row else ():
            if row[field]:
                return f"{field} is {row[field]!r}"
        return ""

    def _power_problem(self, stage, row):
        bmc = self.fleet.power(self.node)
        wanted = stage.power or bmc
        if (row["power_state"], bmc) != (wanted, wanted):
            return f"Ironic says {row['power_state']}, the BMC {bmc}, wanted {wanted}"
        return ""

    # Requests to Ironic.

    def enroll(self):
        node, nics = self.node, self.node["nics"]
        login = {key: node[key] for key in ("redfish_address", "redfish_system_id",
                                            "redfish_username", "redfish_password")}
        self.ironic.ask("POST", "/v1/nodes", {
            "uuid": self.uuid, "name": node["name"], "driver": "redfish",
            "boot_interface": self.plan.boot_interface,
            "driver_info": login | {"redfish_verify_ca": self.fleet.ca},
            "properties": {"capabilities": f"boot_mode:{self.plan.boot_mode}"},
        })
        # One port, as Metal3 creates from a bootMACAddress. Inspection must find the others.
        self.ironic.ask("POST", "/v1/ports", {"node_uuid": self.uuid, "address": nics[0]["mac"]})

    def manage(self):
        self.ironic.provision(self.uuid, "manage")

    def inspect_redfish(self):
        self._inspect("redfish")

    def inspect_agent(self):
        self._inspect("agent")

    def _inspect(self, interface):
        self.ironic.patch(self.uuid, {"/inspect_interface": interface})
        self.ironic.provision(self.uuid, "inspect")

    def provide(self):
        self.ironic.patch(self.uuid, {"/automated_clean": True})
        self.ironic.provision(self.uuid, "provide")

    def deploy_image(self):
        name, url = self.plan.image, f"{self.files.url}/{self.plan.image}"
        info = {"image_source": url, "image_disk_format": name.rpartition(".")[2]}
        # Both forms of a checksum: the URL of a checksum file, or algorithm and value.
        if name.endswith(".qcow2"):
            info["image_checksum"] = url + ".sha256"
        else:
            digest = hashlib.sha512((self.files.root / name).read_bytes()).hexdigest()
            info |= {"image_os_hash_algo": "sha512", "image_os_hash_value": digest}
        self.ironic.patch(self.uuid, {"/deploy_interface": "direct", "/instance_info": info})
        self.ironic.provision(self.uuid, "active", configdrive=self._config_drive())

    def _config_drive(self):
        """The config drive for cloud-init on the deployed node."""
        links = [{"id": f"nic{at}", "type": "phy", "ethernet_mac_address": nic["mac"]}
                 for at, nic in enumerate(self.node["nics"])]
        networks = [{"id": "boot", "type": "ipv4_dhcp", "link": "nic0"}]
        return {"meta_data": {"uuid": self.uuid, "hostname": self.node["name"]},
                "network_data": {"links": links, "networks": networks, "services": []},
                "user_data": "#cloud-config\nssh_pwauth: false\n"}

    def deploy_ramdisk(self):
        self.ironic.patch(self.uuid, {"/deploy_interface": "ramdisk",
                                      "/instance_info": {"boot_iso": f"{self.files.url}/live.iso"}})
        self.ironic.provision(self.uuid, "active")

    def undeploy_and_clean(self):
        self._undeploy(clean=True)

    def undeploy(self):
        self._undeploy(clean=False)

    def _undeploy(self, clean):
        self.ironic.patch(self.uuid, {"/automated_clean": clean})
        self.ironic.provision(self.uuid, "deleted")

    def delete(self):
        # Ironic deletes the history of a node with the node.
        self._check("history", self._recorded_errors())
        self.ironic.ask("DELETE", f"/v1/nodes/{self.uuid}")

    # Checks beyond state, errors and power.

    def judge_redfish(self):
        self.by_redfish = found = self._inspection()
        self._check("redfish inventory", "; ".join(inventory.faults(found["inventory"])))

    def judge_agent(self):
        bmc, agent = self.by_redfish, self._inspection()
        faults = inventory.agent_faults(agent["inventory"], self.plan.boot_mode)
        self._check("agent inventory", "; ".join(faults))
        self._check("inventories agree", "; ".join(inventory.differences(bmc["inventory"], agent["inventory"])))
        switches = [inventory.switch_ports(each["plugin_data"]) for each in (bmc, agent)]
        self._check("switch ports", "; ".join(inventory.switch_faults(*switches)))
        # The fleet's list has the interfaces with a cable. An inspection finds the others, too.
        found = inventory.macs(agent["inventory"]["interfaces"], "mac_address")
        missing = inventory.macs(self.node["nics"], "mac") - found
        self._check("addresses", f"not found: {sorted(missing)}" if missing else "")
        ports = inventory.macs(self.ironic.get(f"/v1/nodes/{self.uuid}/ports")["ports"], "address")
        self._check("ports", f"{sorted(ports)}, found {sorted(found)}" if ports != found else "")

    def judge_active(self):
        node = self.ironic.get(f"/v1/nodes/{self.uuid}")
        self._check("config drive kept", "" if node["instance_info"].get("configdrive") else "it is gone")

    def judge_available(self):
        left = self.ironic.get(f"/v1/nodes/{self.uuid}")["instance_info"]
        self._check("no instance left", f"{left}" if left else "")

    def _inspection(self):
        return self.ironic.get(f"/v1/nodes/{self.uuid}/inventory")

    def _recorded_errors(self):
        """Errors in the history of a node, also those that `last_error` no longer shows."""
        events = self.ironic.get(f"/v1/nodes/{self.uuid}/history?detail=true")["history"]
        return "; ".join(event["event"] for event in events if event["severity"] == "ERROR")


STAGES = (
    Stage("enroll", Journey.enroll, "enroll"),
    Stage("manage", Journey.manage, "manageable"),
    Stage("inspect, redfish", Journey.inspect_redfish, "manageable", judge=Journey.judge_redfish),
    Stage("inspect, agent", Journey.inspect_agent, "manageable", "power off", Journey.judge_agent),
    Stage("provide, clean", Journey.provide, "available", "power off"),
    Stage("deploy, direct", Journey.deploy_image, "active", "power on", Journey.judge_active),
    Stage("undeploy, clean", Journey.undeploy_and_clean, "available", "power off", Journey.judge_available),
    Stage("deploy, ramdisk", Journey.deploy_ramdisk, "active", "power on"),
    Stage("undeploy, no clean", Journey.undeploy, "available", "power off", Journey.judge_available),
    Stage("delete", Journey.delete, None),
)
