"""Accounts that nodes have for Ironic alone: what their roles may do, and the stages that show it."""

import dataclasses

SERVICE = "/redfish/v1/AccountService"
ACCOUNTS = f"{SERVICE}/Accounts"
# Roles and their privileges (DSP0266, "Roles").
ROLES = {
    "Administrator": {"Login", "ConfigureManager", "ConfigureUsers", "ConfigureSelf", "ConfigureComponents"},
    "Operator": {"Login", "ConfigureSelf", "ConfigureComponents"},
    "ReadOnly": {"Login", "ConfigureSelf"},
}


@dataclasses.dataclass(frozen=True)
class Need:
    """What Ironic does to a BMC in a stage, and the privileges of which DMTF's registry (DSP8011, 1.8.0) asks for one."""

    # The type of the resource, and the method of the request.
    entity: str
    method: str
    privileges: tuple[str, ...]
    # The end of the URI of the request.
    uri: str


READ = Need("ComputerSystem", "GET", ("Login",), "/Systems/[^/ ]+")
POWER = Need("ComputerSystem", "POST", ("ConfigureComponents",), "/Actions/ComputerSystem.Reset")
BOOT = Need("ComputerSystem", "PATCH", ("ConfigureComponents",), "/Systems/[^/ ]+")
BIOS = Need("Bios", "PATCH", ("ConfigureComponents",), "/Bios/Settings")
VOLUMES = Need("VolumeCollection", "POST", ("ConfigureComponents",), "/Volumes")
VOLUME = Need("Volume", "DELETE", ("ConfigureComponents",), "/Volumes/[^/ ]+")
MEDIA = Need("VirtualMedia", "POST", ("ConfigureManager",), "/Actions/VirtualMedia.InsertMedia")
CLOCK = Need("Manager", "PATCH", ("ConfigureManager",), "/Managers/[^/ ]+")
SUBSCRIPTIONS = Need("EventDestinationCollection", "POST", ("ConfigureManager", "ConfigureComponents"), "/Subscriptions")
SUBSCRIPTION = Need("EventDestination", "DELETE", ("ConfigureManager", "ConfigureSelf"), "/Subscriptions/[^/ ]+")
NEEDS = (READ, POWER, BOOT, BIOS, VOLUMES, VOLUME, MEDIA, CLOCK, SUBSCRIPTIONS, SUBSCRIPTION)


@dataclasses.dataclass
class Login:
    """The account of one node, and the password in Ironic, which may differ from the account's."""

    name: str
    role: str
    password: str = "own-secret-1"


# The password that an operator has mistyped, and the one that the account gets while its node is deployed.
MISTYPED, CHANGED = "own-secret-l", "own-secret-2"
# Patterns of `last_error` when the BMC has not accepted the password: without a session, Ironic tries to open one and then HTTP
# Basic; with one that has ended, it tries to open another one. A reading of sensors at the same moment has tried that already:
# Ironic keeps its result, which is HTTP Basic.
WRONG_PASSWORD = r"^Failed to get power state for node .* HTTP GET https://\S+/Systems/\S+ returned code 401\."
SESSION_ENDED = r"HTTP (POST https://\S+/SessionService/Sessions|GET https://\S+/Systems/\S+) returned code 401\."
# A pattern of the second error that Ironic writes into the history of a node when a deployment or a cleaning has failed.
ABORTED = r"^(Deployment|Manual Cleaning) aborted at step '"


def first_missing(role, needs):
    """The first of the needs that the role has no privilege for, or None. A role of None may do everything."""
    return next((need for need in needs if role and not ROLES[role].intersection(need.privileges)), None)


def refusal(need):
    """A pattern of the message in `last_error` when the BMC has refused that."""
    return (rf"HTTP {need.method} https://\S+{need.uri} returned code 403\. Base\.\d+\.\d+\.InsufficientPrivilege: "
            "There are insufficient privileges for the account or credentials associated with the current session")


# The stages. Each function gets the journey of the node.

def create(journey):
    """Makes the account of the node on its BMC, if the plan has one. Returns the login that Ironic gets."""
    if not journey.plan.role:
        return {}
    login = journey.login = Login(f"ironic-{journey.node['name']}", journey.plan.role)
    account = {"UserName": login.name, "Password": login.password, "RoleId": login.role}
    journey.account = journey.fleet.ask(journey.node, ACCOUNTS, "POST", account)["@odata.id"]
    password = MISTYPED if journey.plan.mishaps else login.password
    return {"redfish_username": login.name, "redfish_password": password}


def check_nothing_locked(journey):
    """Ironic has learned nothing of the machine, and the account is usable as before."""
    row = journey.row()
    journey.record("power after a wrong password", f"Ironic shows {row['power_state']}" if row["power_state"] else "")
    account = journey.fleet.ask(journey.node, journey.account)
    journey.record("account after a wrong password", f"Locked is {account['Locked']}" if account["Locked"] else "")
    # An account that is locked, or a wrong password, is an HTTPError, which fails the stage.
    login = journey.login.name, journey.login.password
    journey.fleet.ask(journey.node, journey.node["redfish_system_id"], login=login)


def mend_password(journey):
    """Corrects the password in Ironic, as an operator does who has read the error."""
    journey.ironic.patch(journey.uuid, {"/driver_info/redfish_password": journey.login.password})


def mend_password_and_manage(journey):
    if journey.plan.mishaps:
        mend_password(journey)
    journey.manage()


def change_password_and_reboot(journey):
    """Changes the password on the BMC while Ironic has a session of the account, and tells Ironic nothing of it."""
    journey.login.password = CHANGED
    journey.fleet.ask(journey.node, journey.account, "PATCH", {"Password": CHANGED})
    journey.reboot()


def mend_password_and_reboot(journey):
    mend_password(journey)
    journey.reboot()


def inspect_by_media(journey):
    journey.inspect_agent("redfish-virtual-media")


def set_clock(journey):
    step = {"interface": "management", "step": "set_bmc_clock"}
    journey.ironic.provision(journey.uuid, "clean", clean_steps=[step])


def end_maintenance_and_manage(journey):
    """After a failed cleaning, Ironic waits until an operator has looked at the node."""
    journey.ironic.request("DELETE", f"/v1/nodes/{journey.uuid}/maintenance")
    journey.manage()


def deploy_by_media(journey):
    journey.deploy_ramdisk("redfish-virtual-media")


def check_no_media(journey):
    """A refused request has changed nothing: no drive of the BMC has media."""
    drives = journey.fleet.ask(journey.node, journey.node["redfish_system_id"] + "/VirtualMedia?$expand=.")["Members"]
    inserted = [drive["Id"] for drive in drives if drive["Inserted"]]
    journey.record("no media inserted", f"{inserted} have media" if inserted else "")


def check_registry(journey):
    """The tables of this file are those of the BMC: the role's privileges, and its registry of privileges."""
    role = journey.fleet.ask(journey.node, f"{SERVICE}/Roles/{journey.login.role}")
    found, wanted = set(role["AssignedPrivileges"]), ROLES[journey.login.role]
    journey.record("privileges of the role", f"{found}, expected {wanted}" if found != wanted else "")
    mappings = journey.fleet.ask(journey.node, f"{SERVICE}/PrivilegeMap")["Mappings"]
    mapped = {mapping["Entity"]: mapping["OperationMap"] for mapping in mappings}
    for need in NEEDS:
        found, wanted = mapped[need.entity][need.method], [{"Privilege": [each]} for each in need.privileges]
        check = f"privilege for {need.method} of {need.entity}"
        journey.record(check, f"{found}, expected {wanted}" if found != wanted else "")
