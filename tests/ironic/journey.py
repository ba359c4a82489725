"""The stages that each node passes in Ironic: the requests of each stage, and the checks at its end."""

import dataclasses
import functools
import hashlib
import re
import time
from collections.abc import Callable

import accounts
import events
import inventory
import sensors
from api import RequestFailed

# Timeout of one stage of one node, beside the time for which Ironic waits for an agent. With 20 nodes on two slow cores, stages take
# much less.
STAGE_LIMIT_S = 300


class StageFailed(Exception):
    """The node did not reach the goal of a stage. Its later stages are skipped."""


@dataclasses.dataclass(frozen=True)
class Plan:
    """The variants that one node takes through the stages."""

    boot_interface: str
    boot_mode: str
    image: str
    # The agent boots from an ISO of the operator, to which Ironic adds no parameters.
    agent_iso: bool
    # Volumes are created on the RAID controller, and the image is written to the last one.
    raid: bool
    # The role of an account that the node has for Ironic alone. None: Ironic has the administrator's account.
    role: str | None = None
    # The password in Ironic is wrong at first, and once more while the node is deployed.
    mishaps: bool = False
    # With the role Operator, Ironic also tries everything that the role is not allowed to do.
    refusals: bool = False
    # The events of the node reach a receiver, and its sensors are compared with Ironic's notifications.
    observed: bool = False


@dataclasses.dataclass(frozen=True)
class Stage:
    """One step of every journey."""

    name: str
    # Sends the requests that start the stage.
    begin: Callable
    # Ironic's provision state at the end of the stage. None: Ironic no longer has the node.
    goal: str | None
    # The power state at the end of the stage, in Ironic and on the BMC. None: on or off, but the same in both.
    power: str | None = None
    # Further checks at the end of the stage.
    check: Callable | None = None
    # A pattern of `last_error` at the end of a stage that must fail. None: no error.
    error: str | None = None
    # Whether Ironic may still show the error of the stage before.
    keeps_error: bool = False
    # `fault` of the node at the end, which is then in maintenance.
    fault: str | None = None
    # What Ironic does to the BMC. If the role of the node's account lacks a privilege for it, the stage must fail with
    # that provision state and fault.
    needs: tuple = ()
    refused: str | None = None
    refused_fault: str | None = None
    # Whether a node with this plan passes the stage.
    when: Callable = lambda plan: True

    def expected_of(self, plan):
        """The stage as a node with this plan must pass it: if the BMC has to refuse it, with the error and its consequences."""
        missing = accounts.first_missing(plan.role, self.needs)
        if not missing:
            return self
        return dataclasses.replace(self, goal=self.refused, error=accounts.refusal(missing), power=None,
                                   fault=self.refused_fault, check=accounts.check_no_media)


class Journey:
    """Takes one node through its stages: enrollment, inspection, cleaning, two deployments, deletion."""

    def __init__(self, node, plan, stages, ironic, node_list, fleet, stack, tally):
        self.node, self.plan, self.stages, self.uuid = node, plan, stages, node["uuid"]
        self.ironic, self.node_list, self.fleet, self.tally = ironic, node_list, fleet, tally
        self.files, self.receiver, self.notifications = stack.files, stack.receiver, stack.notifications
        self.stage_limit_s = STAGE_LIMIT_S + (stack.callback_limit_s or 0)
        self.stage = "waiting"
        self.redfish_inspection = None
        # The name and the new value of a BIOS setting.
        self.bios_change = None
        # The logical disk that Ironic was asked for last, and the Redfish document of its volume.
        self.logical_disk = self.volume = None
        # The node's own account: its login, and its URI on the BMC.
        self.login = self.account = None
        # Patterns of the errors that stages of this node had to end with.
        self.expected_errors = []
        # The subscriptions of an observed node.
        self.alerts = self.every = None
        # The last notification with sensor data, and the documents that the BMC has shown until then.
        self.notification, self.documents = None, []

    def run(self):
        """Runs the stages of the plan. If one fails, the node stays in its state, so that a person can examine it."""
        for stage in self.stages:
            if not stage.when(self.plan):
                continue
            self.stage = stage.name
            if not self._run_stage(stage.expected_of(self.plan)):
                self.stage = "failed"
                return
        self.stage = "done"

    def _run_stage(self, stage):
        """Returns True if the node finished the stage, even if a check after that failed."""
        began = time.monotonic()
        try:
            stage.begin(self)
            row = self._wait_for_goal(stage, began)
            problem = self._node_problem(stage, row)
        except StageFailed as error:
            problem = str(error)
        except (RequestFailed, OSError) as error:
            problem = f"{error}; {self.row()}"
        if not self.record(stage.name, problem):
            return False
        self.tally.record_time(stage.name, time.monotonic() - began)
        try:
            if stage.goal and stage.goal != "enroll":
                self.record(f"{stage.name}, power", self._power_problem(stage, row))
            if stage.check:
                stage.check(self)
        except (RequestFailed, OSError, KeyError, TypeError) as error:
            self.record(f"{stage.name}, checks", repr(error))
        return True

    def record(self, check, problem):
        how = ", agent ISO" if self.plan.agent_iso else ""
        node = f"{self.node['name']} ({self.plan.boot_interface}, {self.plan.boot_mode}{how})"
        return self.tally.record(f"{node} {check}", problem)

    @functools.cached_property
    def machine_uris(self):
        """The URIs of the ComputerSystem, of its Chassis and of its Manager."""
        system = self.node["redfish_system_id"]
        links = self.fleet.ask(self.node, system)["Links"]
        return [system, *(link["@odata.id"] for kind in ("Chassis", "ManagedBy") for link in links[kind])]

    @property
    def chassis(self):
        return self.machine_uris[1]

    @functools.cached_property
    def hot(self):
        """A temperature of the air that is critical, degrees Celsius."""
        temperatures = self.fleet.ask(self.node, f"{self.chassis}/Thermal")["Temperatures"]
        inlet = next(each for each in temperatures if each["PhysicalContext"] == "Intake")
        return inlet["UpperThresholdCritical"] + events.EXCESS

    def row(self):
        return self.node_list.rows().get(self.uuid, "not listed by Ironic")

    def _wait_for_goal(self, stage, began):
        """Waits for the end of a stage. Returns the node's row of the list, or None after its deletion."""
        requested_at = time.monotonic()
        while time.monotonic() - began < self.stage_limit_s:
            rows, requested_at = self.node_list.requested_after(requested_at)
            row = rows.get(self.uuid)
            if row is None:
                if stage.goal is not None:
                    raise StageFailed("Ironic no longer lists the node")
                return None
            state = row["provision_state"]
            # A failed stage leaves target_provision_state set for a retry, but a failed `manage` clears it.
            ended = row["target_provision_state"] is None or state.endswith(("failed", "error"))
            if ended and stage.goal is not None:
                if state != stage.goal:
                    raise StageFailed(f"state {state}, expected {stage.goal}: {row['last_error']}")
                # A change of the power state alone leaves the provision state as it is.
                if row["target_power_state"] is None and self._has_failed(stage, row):
                    return row
        raise StageFailed(f"stage not finished after {self.stage_limit_s} s: {self.row()}")

    def _has_failed(self, stage, row):
        """Whether Ironic has written down the failure of a stage that must fail. It first changes the provision state."""
        return not stage.error or (row["fault"] == stage.fault and bool(self.latest_error(row)))

    def latest_error(self, row):
        """`last_error`. Once a minute Ironic compares the power states and clears it; then the end of the history."""
        return row["last_error"] or "; ".join(self.errors()[:2])

    def _node_problem(self, stage, row):
        """What differs from the fields that a node must have at the end of a stage: all empty, or the expected error."""
        if row is None:
            return ""
        wanted = {"maintenance": bool(stage.fault), "fault": stage.fault}
        for field, value in wanted.items():
            if row[field] != value:
                return f"{field} is {row[field]!r}, expected {value!r}"
        if stage.error:
            self.expected_errors.append(stage.error)
            if stage.goal.endswith("failed"):
                self.expected_errors.append(accounts.ABORTED)
            error = self.latest_error(row)
            return "" if re.search(stage.error, error) else f"the error is {error!r}, expected {stage.error!r}"
        error = row["last_error"]
        kept = error and stage.keeps_error and self._is_expected(error)
        return f"last_error is {error!r}" if error and not kept else ""

    def _power_problem(self, stage, row):
        bmc = self.fleet.power(self.node)
        wanted = stage.power or bmc
        if (row["power_state"], bmc) != (wanted, wanted):
            return f"Ironic reports {row['power_state']}, the BMC {bmc}, expected {wanted}"
        return ""

    # The requests to Ironic.

    def enroll(self):
        node, nics = self.node, self.node["nics"]
        login = {key: node[key] for key in ("redfish_address", "redfish_system_id",
                                            "redfish_username", "redfish_password")}
        if self.plan.agent_iso:
            login["deploy_iso"] = f"{self.files.url}/install_image.iso"
        self.ironic.request("POST", "/v1/nodes", {
            "uuid": self.uuid, "name": node["name"], "driver": "redfish",
            "boot_interface": self.plan.boot_interface,
            "driver_info": login | accounts.create(self) | {"redfish_verify_ca": self.fleet.ca},
            "properties": {"capabilities": f"boot_mode:{self.plan.boot_mode}"},
        })
        # One port, as Metal3 makes from bootMACAddress. The inspection must find the others.
        self.ironic.request("POST", "/v1/ports", {"node_uuid": self.uuid, "address": nics[0]["mac"]})

    def manage(self):
        self.ironic.provision(self.uuid, "manage")

    def reboot(self):
        self.ironic.request("PUT", f"/v1/nodes/{self.uuid}/states/power", {"target": "rebooting"})

    def inspect_redfish(self):
        self._inspect("redfish")

    def inspect_agent(self, boot_interface=None):
        """`boot_interface` is another one than that of the plan."""
        self._inspect("agent", boot_interface)

    def _inspect(self, interface, boot_interface=None):
        self.ironic.patch(self.uuid, {"/inspect_interface": interface,
                                      "/boot_interface": boot_interface or self.plan.boot_interface})
        self.ironic.provision(self.uuid, "inspect")

    def change_bios(self):
        """Changes one BIOS setting without a ramdisk, as Metal3 prepares a host. The disks are empty, so nothing boots."""
        settings = self.ironic.get(f"/v1/nodes/{self.uuid}/bios?detail=true")["bios"]
        name, value = next((setting["name"], other) for setting in settings if not setting["read_only"]
                           for other in setting["allowable_values"] or () if other != setting["value"])
        self.bios_change = name, value
        step = {"interface": "bios", "step": "apply_configuration",
                "args": {"settings": [{"name": name, "value": value}]}}
        self.ironic.provision(self.uuid, "clean", clean_steps=[step], disable_ramdisk=True)

    def create_stripe(self):
        self._create_volume("0", 500)

    def create_mirror(self):
        self._create_volume("1", 200)

    def _create_volume(self, level, size_gb):
        """Deletes all volumes and creates one, as Metal3 prepares a host. Ironic chooses two drives."""
        self.logical_disk = {"raid_level": level, "size_gb": size_gb, "number_of_physical_disks": 2}
        self.ironic.patch(self.uuid, {"/raid_interface": "redfish"})
        self.ironic.request("PUT", f"/v1/nodes/{self.uuid}/states/raid", {"logical_disks": [self.logical_disk]})
        steps = [{"interface": "raid", "step": step} for step in ("delete_configuration", "create_configuration")]
        self.ironic.provision(self.uuid, "clean", clean_steps=steps)

    def provide(self):
        self.ironic.patch(self.uuid, {"/automated_clean": True})
        self.ironic.provision(self.uuid, "provide")

    def deploy_image(self):
        name, url = self.plan.image, f"{self.files.url}/{self.plan.image}"
        info = {"image_source": url, "image_disk_format": name.rpartition(".")[2]}
        # Ironic accepts a checksum in two forms: the URL of a checksum file, or algorithm and value.
        if name.endswith(".qcow2"):
            info["image_checksum"] = url + ".sha256"
        else:
            digest = hashlib.sha512((self.files.root / name).read_bytes()).hexdigest()
            info |= {"image_os_hash_algo": "sha512", "image_os_hash_value": digest}
        self.ironic.patch(self.uuid, {"/boot_interface": self.plan.boot_interface, "/deploy_interface": "direct",
                                      "/instance_info": info} | self._root_device())
        self.ironic.provision(self.uuid, "active", configdrive=self._config_drive())

    def _root_device(self):
        """The volume by its size and the name that the BMC shows. If the agent shows others, the deployment fails."""
        if not self.volume:
            return {}
        name = self.volume["Identifiers"][0]["DurableName"]
        return {"/properties/root_device": {"wwn": f"0x{name}", "size": self.logical_disk["size_gb"]}}

    def _config_drive(self):
        """The data that cloud-init reads on a deployed node."""
        links = [{"id": f"nic{at}", "type": "phy", "ethernet_mac_address": nic["mac"]}
                 for at, nic in enumerate(self.node["nics"])]
        networks = [{"id": "boot", "type": "ipv4_dhcp", "link": "nic0"}]
        return {"meta_data": {"uuid": self.uuid, "hostname": self.node["name"]},
                "network_data": {"links": links, "networks": networks, "services": []},
                "user_data": "#cloud-config\nssh_pwauth: false\n"}

    def deploy_ramdisk(self, boot_interface=None):
        """`boot_interface` is another one than that of the plan."""
        self.ironic.patch(self.uuid, {"/boot_interface": boot_interface or self.plan.boot_interface,
                                      "/deploy_interface": "ramdisk",
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
        # Ironic deletes the history of a node together with the node.
        self.record("history", self._unexpected_errors())
        self.ironic.request("DELETE", f"/v1/nodes/{self.uuid}")

    # The further checks of a stage.

    def check_redfish_inspection(self):
        self.redfish_inspection = found = self._inspection()
        self.record("redfish inventory", "; ".join(inventory.problems(found["inventory"])))

    def check_agent_inspection(self):
        bmc, agent = self.redfish_inspection, self._inspection()
        problems = inventory.agent_problems(agent["inventory"], self.plan.boot_mode)
        self.record("agent inventory", "; ".join(problems))
        volumes = self.fleet.raid_volumes(self.node)
        differences = inventory.differences(bmc["inventory"], agent["inventory"], volumes)
        self.record("inventories agree", "; ".join(differences))
        # Without parameters the agent runs only its default collectors, which do not listen for switches.
        if not self.plan.agent_iso:
            switches = [inventory.switch_ports(each["plugin_data"]) for each in (bmc, agent)]
            self.record("switch ports", "; ".join(inventory.switch_problems(*switches)))
        # `fauxmetal export` lists the interfaces with a cable. An inspection also finds the others.
        found = inventory.macs(agent["inventory"]["interfaces"], "mac_address")
        missing = inventory.macs(self.node["nics"], "mac") - found
        self.record("MAC addresses", f"not found: {sorted(missing)}" if missing else "")
        ports = inventory.macs(self.ironic.get(f"/v1/nodes/{self.uuid}/ports")["ports"], "address")
        problem = f"Ironic has {sorted(ports)}, the agent found {sorted(found)}" if ports != found else ""
        self.record("ports", problem)

    def check_bios(self):
        name, value = self.bios_change
        found = self.ironic.get(f"/v1/nodes/{self.uuid}/bios/{name}")[name]["value"]
        self.record("BIOS setting", f"{name} is {found!r}, expected {value!r}" if found != value else "")

    def check_volume(self):
        """Both Ironic and the BMC must have the volume that was asked for, and no earlier one."""
        wanted = [(self.logical_disk["raid_level"], self.logical_disk["size_gb"])]
        disks = self.ironic.get(f"/v1/nodes/{self.uuid}")["raid_config"]["logical_disks"]
        found = [(disk["raid_level"], disk["size_gb"]) for disk in disks]
        self.record("RAID in Ironic", f"{disks}, expected {wanted}" if found != wanted else "")
        volumes = self.fleet.raid_volumes(self.node)
        found = [(volume["Id"], volume["Name"], volume["CapacityBytes"] // inventory.GIB,
                  len(volume["Links"]["Drives"])) for volume in volumes]
        wanted = [(disk["id"], disk["name"], disk["size_gb"], self.logical_disk["number_of_physical_disks"])
                  for disk in disks]
        self.record("RAID on the BMC", f"{found}, Ironic has {wanted}" if found != wanted else "")
        self.volume = next(iter(volumes), None)

    def check_config_drive(self):
        node = self.ironic.get(f"/v1/nodes/{self.uuid}")
        problem = "" if node["instance_info"].get("configdrive") else "instance_info has no configdrive"
        self.record("config drive", problem)

    def check_no_instance(self):
        left = self.ironic.get(f"/v1/nodes/{self.uuid}")["instance_info"]
        self.record("no instance left", f"instance_info is {left}" if left else "")

    def _inspection(self):
        return self.ironic.get(f"/v1/nodes/{self.uuid}/inventory")

    def errors(self):
        """All errors in the history of the node, the newest first."""
        events = self.ironic.get(f"/v1/nodes/{self.uuid}/history?detail=true")["history"]
        events.sort(key=lambda event: event["created_at"], reverse=True)
        return [event["event"] for event in events if event["severity"] == "ERROR"]

    def _unexpected_errors(self):
        """The other errors in the history of the node. `last_error` can be set and cleared between two lists."""
        return "; ".join(error for error in self.errors() if not self._is_expected(error))

    def _is_expected(self, error):
        return any(re.search(expected, error) for expected in self.expected_errors)


# What Ironic does to boot a machine that needs no media.
AGENT = (accounts.POWER, accounts.BOOT)
STAGES = (
    Stage("enroll", Journey.enroll, "enroll"),
    Stage("manage, wrong password", Journey.manage, "enroll", check=accounts.check_nothing_locked,
          error=accounts.WRONG_PASSWORD, when=lambda plan: plan.mishaps),
    Stage("manage", accounts.mend_password_and_manage, "manageable", needs=(accounts.READ,)),
    Stage("privileges", lambda journey: None, "manageable", check=accounts.check_registry, when=lambda plan: plan.role),
    Stage("inspect, redfish", Journey.inspect_redfish, "manageable", check=Journey.check_redfish_inspection,
          needs=(accounts.READ,)),
    Stage("subscribe, roles", lambda journey: None, "manageable", check=events.check_roles, when=lambda plan: plan.refusals),
    Stage("inspect, media", accounts.inspect_by_media, "manageable", needs=(*AGENT, accounts.MEDIA),
          refused="inspect failed", when=lambda plan: plan.refusals),
    Stage("manage again", Journey.manage, "manageable", keeps_error=True, when=lambda plan: plan.refusals),
    Stage("inspect, agent", Journey.inspect_agent, "manageable", "power off", Journey.check_agent_inspection, needs=AGENT),
    Stage("clean, clock", accounts.set_clock, "manageable", needs=(accounts.CLOCK,), refused="clean failed",
          refused_fault="clean failure", when=lambda plan: plan.refusals or plan.mishaps),
    Stage("end maintenance", accounts.end_maintenance_and_manage, "manageable", keeps_error=True,
          when=lambda plan: plan.refusals),
    Stage("clean, BIOS", Journey.change_bios, "manageable", check=Journey.check_bios, needs=(accounts.BIOS, accounts.POWER)),
    Stage("clean, RAID 0", Journey.create_stripe, "manageable", "power off", Journey.check_volume,
          needs=(*AGENT, accounts.VOLUMES, accounts.VOLUME), when=lambda plan: plan.raid),
    Stage("clean, RAID 1", Journey.create_mirror, "manageable", "power off", Journey.check_volume,
          needs=(*AGENT, accounts.VOLUMES, accounts.VOLUME), when=lambda plan: plan.raid),
    Stage("provide, clean", Journey.provide, "available", "power off", needs=AGENT),
    Stage("deploy, media", accounts.deploy_by_media, "active", needs=(*AGENT, accounts.MEDIA), refused="deploy failed",
          when=lambda plan: plan.refusals),
    Stage("undeploy, media", Journey.undeploy, "available", "power off", Journey.check_no_instance,
          when=lambda plan: plan.refusals),
    Stage("deploy, direct", Journey.deploy_image, "active", "power on", Journey.check_config_drive, needs=AGENT),
    Stage("subscribe", events.subscribe, "active", "power on", events.check_subscriptions, when=lambda plan: plan.observed),
    Stage("power off", events.power_off, "active", "power off", events.check_off, when=lambda plan: plan.observed),
    Stage("power on", events.power_on, "active", "power on", events.check_on, when=lambda plan: plan.observed),
    Stage("sensors", sensors.wait, "active", "power on", sensors.check, when=lambda plan: plan.observed),
    Stage("sensors, hot", sensors.wait_hot, "active", "power on", sensors.check_hot, when=lambda plan: plan.observed),
    Stage("unsubscribe", events.unsubscribe, "active", "power on", when=lambda plan: plan.observed),
    Stage("reboot, wrong password", accounts.change_password_and_reboot, "active", "power on",
          error=accounts.SESSION_ENDED, when=lambda plan: plan.mishaps),
    Stage("reboot", accounts.mend_password_and_reboot, "active", "power on", when=lambda plan: plan.mishaps),
    Stage("undeploy, clean", Journey.undeploy_and_clean, "available", "power off", Journey.check_no_instance, needs=AGENT),
    Stage("no events", lambda journey: None, "available", check=events.check_nothing_more, when=lambda plan: plan.observed),
    Stage("deploy, ramdisk", Journey.deploy_ramdisk, "active", "power on", needs=AGENT),
    Stage("undeploy, no clean", Journey.undeploy, "available", "power off", Journey.check_no_instance, needs=AGENT),
    Stage("delete", Journey.delete, None),
)
