"""The checks of `calls/sushy.py`. Each gets a new `Client`."""

import ast
import json
import pathlib
import time

import requests
import sushy
from sushy import auth, exceptions
from sushy.resources import base
from sushy.resources.common import ActionInfo

from bmc import Fauxmetal


class Client:
    """The objects of a new connection: nothing is cached that an earlier call has changed."""

    def __init__(self, bmc):
        self.bmc, self.words = bmc, bmc.words()
        self.root = sushy.Sushy(bmc.url, bmc.user, bmc.password, verify=bmc.ca, server_side_retries=2,
                                server_side_retries_delay=0.1)
        self.connector = self.root._conn

    system = property(lambda self: self.root.get_system(self.words["S"]))
    manager = property(lambda self: self.root.get_manager(self.words["M"]))
    chassis = property(lambda self: self.root.get_chassis(self.words["C"]))
    storage = property(lambda self: self.system.storage.get_members()[0])
    sessions = property(lambda self: self.root.get_session_service())
    update = property(lambda self: self.root.get_update_service())
    media = property(lambda self: (self.system if self.bmc.shared else self.manager).virtual_media.get_member(
        f"{self.words['V']}/{self.words['cd']}"))

    def get(self, path):
        return self.bmc.get(path.format(**self.words))

    def value(self, place):
        return self.bmc.value(place.format(**self.words))

    def after(self, place, wanted):
        self.bmc.wait(place.format(**self.words), wanted)

    def members(self, path):
        # Some models end these links with a slash, and the documents there have none.
        return [member["@odata.id"].rstrip("/") for member in self.get(path)["Members"]]


def imported_systems(_):
    """sushy reads UUID, name, power state and MAC addresses of imported systems as their file has them."""
    folder = pathlib.Path(__file__).resolve().parents[2] / "it/fixtures/imports"
    nodes = json.loads((folder / "nodes.json").read_text())
    # The file has literals of Python.
    nodes += ast.literal_eval((folder / "fake_nodes.json").read_text())
    with Fauxmetal("--import", str(folder / "nodes.json"), "--import", str(folder / "fake_nodes.json")) as fleet:
        root = sushy.Sushy(fleet.ready["redfish"][0], "admin", "password", verify=fleet.ready["ca"])
        same(len(root.get_system_collection().members_identities), len(nodes))
        for node in nodes:
            system = root.get_system(f"/redfish/v1/Systems/{node['uuid']}")
            same((system.uuid, system.name, system.power_state.value), (node["uuid"], node["name"], node["power_state"]))
            macs = [one.mac_address.lower() for one in system.ethernet_interfaces.get_members()]
            same(macs[:len(node["nics"])], [nic["mac"] for nic in node["nics"]])


def same(found, wanted):
    assert found == wanted, f"{found!r}, and not {wanted!r}"


def refused(kind, call, *arguments):
    try:
        call(*arguments)
    except kind:
        return
    raise AssertionError(f"no {kind.__name__}")


# Roots, sessions and connections.

def session_auth(c):
    one = auth.SessionAuth(c.bmc.user, c.bmc.password)
    root = sushy.Sushy(c.bmc.url, auth=one, verify=c.bmc.ca)
    same(root.get_system_collection().path, "/redfish/v1/Systems")
    key, path = one.get_session_key(), one.get_session_resource_id()
    same(root.get_session(path).username, c.bmc.user)
    same(one.can_refresh_session(), True)
    one.refresh_session()
    assert one.get_session_key() != key
    new = one.get_session_resource_id()
    one.close()
    same((one.get_session_key(), c.bmc.ask("GET", new)[0]), (None, 404))
    one.reset_session_attrs()
    same(one.get_session_resource_id(), None)


def basic_auth(c):
    one = auth.BasicAuth(c.bmc.user, c.bmc.password)
    same(sushy.Sushy(c.bmc.url, auth=one, verify=c.bmc.ca).get_system_collection().path, "/redfish/v1/Systems")
    same(one.can_refresh_session(), False)


def wrong_password(c):
    refused(exceptions.AccessError, sushy.Sushy, c.bmc.url, None, None, "/redfish/v1/", c.bmc.ca,
            auth.SessionAuth(c.bmc.user, "wrong"))


def session_or_basic(c):
    one = auth.SessionOrBasicAuth(c.bmc.user, c.bmc.password)
    root = sushy.Sushy(c.bmc.url, auth=one, verify=c.bmc.ca)
    key = one.get_session_key()
    one.refresh_session()
    assert key and one.get_session_key() != key
    same(root.get_system_collection().path, "/redfish/v1/Systems")


def ended_session(c):
    """sushy logs in again by itself when its session has ended."""
    one = auth.SessionOrBasicAuth(c.bmc.user, c.bmc.password)
    root = sushy.Sushy(c.bmc.url, auth=one, verify=c.bmc.ca)
    key = one.get_session_key()
    same(c.bmc.ask("DELETE", one.get_session_resource_id())[0] in (200, 204), True)
    same(root.get_system(c.words["S"]).identity, c.bmc.system)
    assert one.get_session_key() != key


def create_session(c):
    key, path = c.root.create_session(c.bmc.user, c.bmc.password)
    same(requests.get(c.bmc.url + path, headers={"X-Auth-Token": key}, verify=c.bmc.ca).status_code, 200)
    c.sessions.close_session(path)
    same(c.bmc.ask("GET", path)[0], 404)


def service_session(c):
    key, path = c.sessions.create_session(c.bmc.user, c.bmc.password)
    assert path in [session.path for session in c.sessions.sessions.get_members()]
    c.root.get_session(path).delete()
    same(c.bmc.ask("GET", path)[0], 404)


def connector(c):
    tag = {"AssetTag": "connector"}
    same(c.connector.get(c.words["S"]).json()["Id"], c.bmc.system)
    c.connector.patch(c.words["S"], data=tag)
    c.after("{S}#AssetTag", "connector")
    # A model can refuse to switch off what is off.
    c.bmc.power("On")
    same(c.connector.post(f"{c.words['S']}/Actions/ComputerSystem.Reset", data={"ResetType": "ForceOff"}).status_code // 100, 2)
    refused(exceptions.HTTPError, c.connector.put, c.words["S"], tag)
    refused(exceptions.HTTPError, c.connector.delete, c.words["S"])
    c.connector.close()


def http_error(c):
    try:
        c.connector.patch(c.words["S"], data={"NoSuchProperty": 1})
    except exceptions.BadRequestError as error:
        same(error.related_properties, ["#/NoSuchProperty"])
        # A model can have one code for all errors, and the message beside it.
        assert error.code.endswith("PropertyUnknown" if c.bmc.shared else ".ExtendedInfo"), error.code
        assert "PropertyUnknown" in str(error), error
    else:
        raise AssertionError("an unknown property was accepted")


def data_readers(c):
    reader = base.get_reader(c.connector, c.words["S"])
    data = reader.get_data()
    same((data.status_code, data.json_doc["Id"]), (200, c.bmc.system))
    assert data.headers["ETag"] == data.json_doc["@odata.etag"]
    reader.set_connection(c.connector, c.words["M"])
    same(reader.get_data().json_doc["Id"], c.bmc.manager)


def base_resource(c):
    system = c.system
    same((system.path, system.json["Id"], system.root.path), (c.words["S"], c.bmc.system, "/redfish/v1/"))
    assert system.resource_name == "system", system.resource_name
    c.bmc.ask("PATCH", c.words["S"], {"AssetTag": "refreshed"})
    system.refresh()
    same(system.asset_tag, "refreshed")
    c.bmc.ask("PATCH", c.words["S"], {"AssetTag": "again"})
    system.invalidate(force_refresh=True)
    same(system.asset_tag, "again")
    same(system.oem_vendors, list(system.json.get("Oem", {})))


def collection(c):
    systems = c.root.get_system_collection()
    same(systems.members_identities, tuple(c.members("/redfish/v1/Systems")))
    same([member.path for member in systems.get_members()], c.members("/redfish/v1/Systems"))
    same(systems.get_member(c.words["S"]).uuid, c.get("{S}")["UUID"])


def registries(c):
    """A registry that the service links to is read from the service, the others from sushy's package."""
    names = set(c.root.registries)
    assert any(name.startswith("Base.") for name in names), names
    same(set(c.root.lazy_registries.registries), names)
    same(set(c.system.registries), names)
    file = sushy.resources.registry.message_registry_file.MessageRegistryFileCollection(
        c.connector, "/redfish/v1/Registries").get_members()
    base_file = next(one for one in file if one.registry.startswith("Base."))
    assert "GeneralError" in base_file.get_message_registry("en", c.connector).messages


# Systems.

def reset_system(c):
    for value, state in (("On", "On"), ("ForceOff", "Off")):
        c.system.reset_system(sushy.ResetType(value))
        c.after("{S}#PowerState", state)
    refused(exceptions.InvalidParameterValueError, c.system.reset_system, "NoSuchReset")


def boot_options(c):
    c.system.set_system_boot_options(sushy.BootSource.PXE, sushy.BootSourceOverrideEnabled.CONTINUOUS)
    same(c.get("{S}")["Boot"]["BootSourceOverrideTarget"], "Pxe")
    same(c.system.boot.enabled, sushy.BootSourceOverrideEnabled.CONTINUOUS)
    uri = "http://127.0.0.1:1/boot.efi"
    c.system.set_system_boot_options(sushy.BootSource.UEFI_HTTP, sushy.BootSourceOverrideEnabled.ONCE, http_boot_uri=uri)
    same(c.get("{S}")["Boot"]["HttpBootUri"], uri)
    c.system.set_system_boot_options(enabled=sushy.BootSourceOverrideEnabled.DISABLED)
    same(c.get("{S}")["Boot"]["BootSourceOverrideEnabled"], "Disabled")


def boot_source(c):
    c.system.set_system_boot_source(sushy.BootSource.CD)
    same(c.get("{S}")["Boot"]["BootSourceOverrideTarget"], "Cd")
    refused(exceptions.InvalidParameterValueError, c.system.set_system_boot_source, sushy.BootSource.FLOPPY)


def linked(resources, path, c):
    same(sorted(resource.path for resource in resources), sorted(c.members(path)))


def bios_attributes(c):
    name = c.words["attribute"]
    c.system.bios.set_attribute(name, "Disabled")
    same(c.system.bios.pending_attributes[name], "Disabled")
    c.system.bios.set_attributes({name: "Enabled"}, apply_time=sushy.ApplyTime.ON_RESET)
    # Some models show only the settings that differ from the present ones.
    assert c.system.bios.pending_attributes.get(name, "Enabled") == "Enabled"
    refused(exceptions.HTTPError, c.system.bios.set_attribute, "NoSuchSetting", "1")


def bios_on_reset(c):
    name = c.words["attribute"]
    c.bmc.power("Off")
    c.system.bios.set_attribute(name, "Disabled")
    c.bmc.power("On")
    c.after("{S}/Bios#Attributes." + name, "Disabled")


def action_info(c):
    """sushy reads the resource by itself where the action has no allowable values. HPE's models have no such resource."""
    action = c.get("{S}")["Actions"]["#ComputerSystem.Reset"]
    info = ActionInfo.from_uri(c.system, action.get("@Redfish.ActionInfo", c.words["S"] + "/ResetActionInfo"))
    if "@Redfish.ActionInfo" not in action:
        return same(info, None)
    same(info.get_allowable_values("ResetType"), action["ResetType@Redfish.AllowableValues"])
    same(info.get_allowable_values("Nothing"), None)


def bios_result(c):
    """`bios_on_reset` was before."""
    same(c.system.bios.update_status.status, sushy.resources.settings.UPDATE_SUCCESS)
    same(bool(c.system.bios.update_status.messages), True)


def reset_bios(c):
    c.system.bios.set_attribute(c.words["attribute"], "Disabled")
    c.system.bios.reset_bios()
    assert c.value("{S}/Bios/Settings#Attributes." + c.words["attribute"]) in ("Enabled", None)


def attribute_registry(c):
    registry = c.system.bios.get_attribute_registry()
    assert c.words["attribute"] in [entry.name for entry in registry.registry_entries.attributes]


def secure_boot(c):
    c.bmc.power("Off")
    secure = c.system.secure_boot
    same(secure.mode is not None, True)
    secure.set_enabled(True)
    same(c.value("{S}/SecureBoot#SecureBootEnable"), True)
    refused(exceptions.InvalidParameterValueError, secure.set_enabled, "yes")
    secure.set_enabled(False)


def reset_keys(c):
    allowed = c.system.secure_boot.get_allowed_reset_keys_values()
    same({value.value for value in allowed}, {"ResetAllKeysToDefault", "DeleteAllKeys", "DeletePK"})
    c.system.secure_boot.reset_keys(sushy.SecureBootResetKeysType.RESET_ALL_KEYS_TO_DEFAULT)


def storages(c):
    found = c.system.storage
    drives = [drive.capacity_bytes for storage in found.get_members() for drive in storage.drives if drive.capacity_bytes]
    same(found.drives_sizes_bytes, sorted(drives))
    same(found.max_drive_size_bytes, max(drives))
    volumes = [volume.capacity_bytes for storage in found.get_members() if storage.json.get("Volumes")
               for volume in storage.volumes.get_members()]
    same(found.volumes_sizes_bytes, sorted(volumes))
    same(found.max_volume_size_bytes, max(volumes, default=0))


def storage(c):
    one = c.storage
    same(one.get_drive(c.words["drive"]).path, c.words["drive"])
    same([drive.path for drive in one.drives], [drive["@odata.id"] for drive in one.json["Drives"]])
    same(one.drives_sizes_bytes, sorted(drive.capacity_bytes for drive in one.drives))
    same(one.drives_max_size_bytes, max(one.drives_sizes_bytes))
    same(len(one.controllers.summary), len(one.controllers.get_members()))


def raid(c):
    """The first storage with two drives and a controller that makes volumes."""
    return next(storage for storage in c.system.storage.get_members()
                if len(storage.json["Drives"]) > 1 and c.bmc.value(f"{storage.path}/Volumes#Members.1"))


def volumes(c):
    """Each step begins with new objects, because VolumeCollection.create reads the volumes that it knows again (utils.py:291),
    also those whose place the new volume takes."""
    path = raid(c).path
    again = lambda: next(storage for storage in c.system.storage.get_members() if storage.path == path)
    before = c.members(f"{path}/Volumes")
    made = again().volumes.create({"RAIDType": "RAID1", "Links": {"Drives": [{"@odata.id": drive.path} for drive in again().drives[:2]]}})
    assert isinstance(made, (sushy.resources.system.storage.volume.Volume, sushy.taskmonitor.TaskMonitor)), made
    c.after(f"{path}/Volumes#Members", lambda found: len(found) == len(before) - 1)
    new = next(volume for volume in again().volumes.get_members() if volume.raid_type == sushy.RAIDType.RAID1)
    assert new.path in [volume.path for drive in again().drives for volume in drive.volumes]
    same(again().volumes.max_volume_size_bytes, max(again().volumes.volumes_sizes_bytes))
    new.delete()
    c.after(f"{path}/Volumes#Members", lambda found: [member["@odata.id"] for member in found] == before)


def simple_storage(c):
    found = c.system.simple_storage
    sizes = [device["CapacityBytes"] for member in found.get_members() for device in member.json["Devices"]]
    same(found.disks_sizes_bytes, sorted(sizes))
    same(found.max_size_bytes, max(sizes))


def indicator(take, path):
    """The newer property of the LED shows it too. Some models have that one alone, and sushy sends the older one."""
    def check(c):
        if "IndicatorLED" not in c.get(path):
            return refused(exceptions.BadRequestError, take(c).set_indicator_led, sushy.IndicatorLED.LIT)
        take(c).set_indicator_led(sushy.IndicatorLED.LIT)
        same(c.value(f"{path}#LocationIndicatorActive"), True)
        take(c).set_indicator_led(sushy.IndicatorLED.OFF)
        same(c.value(f"{path}#LocationIndicatorActive"), False)
    return check


# Managers, chassis, updates, tasks.

def set_datetime(c):
    c.manager.set_datetime("2031-05-06T07:08:09Z", "+00:00")
    same(c.value("{M}#DateTime")[:8], "2031-05-")
    c.manager.set_datetime(datetime_local_offset="+03:00")
    same(c.value("{M}#DateTimeLocalOffset"), "+03:00")


def reset_manager(c):
    c.manager.reset_manager(sushy.ResetType.FORCE_RESTART)
    c.bmc.restarted()


def system_media(c):
    if c.bmc.shared:
        return linked(c.system.virtual_media.get_members(), "{V}", c)
    # The model has virtual media below the manager alone.
    try:
        c.system.virtual_media
    except sushy.exceptions.MissingAttributeError:
        return
    raise AssertionError("a machine without virtual media shows some")


def media(c):
    c.media.insert_media(c.bmc.image)
    same((c.media.inserted, c.media.image), (True, c.bmc.image))
    c.media.eject_media()
    same((c.media.inserted, c.value("{V}/{cd}#Image")), (False, None))
    c.media.eject_media()


def media_needs(c):
    """An image without a scheme cannot be inserted, and the error names no missing parameter."""
    try:
        c.connector.post(c.media._get_insert_media_uri()[0], data={})
    except exceptions.HTTPError as error:
        same(c.media.is_transfer_protocol_required(error), False)
        same(c.media.is_transfer_method_required(error), False)
        same(c.media.is_credentials_required(error), False)
    else:
        raise AssertionError("an insertion without an image was accepted")


def event_service(c):
    service, found = c.root.get_event_service(), c.get("/redfish/v1/EventService")
    same((service.service_enabled, service.delivery_retry_attempts, service.delivery_retry_interval), (True, 3, 30))
    same({kind.value for kind in service.get_event_types_for_subscription()}, set(found["EventTypesForSubscription"]))


def subscription(c):
    """The event that is submitted arrives as it is, and no other one."""
    service = c.root.get_event_service()
    made = service.subscriptions.create({
        "Destination": f"{c.bmc.receiver}/sushy", "Protocol": "Redfish", "Context": "from sushy", "EventTypes": ["Alert"]})
    same((made.destination, made.context, made.event_types, made.protocol),
         (f"{c.bmc.receiver}/sushy", "from sushy", ["Alert"], "Redfish"))
    same([one.path for one in service.subscriptions.get_members()], [made.path])
    for kind in ("Other", "Alert"):
        service.submit_test_event("7", "2026-05-06T07:08:09Z", kind, "A test.", ["one"], "Base.1.22.Success", c.words["S"], "Warning")
    event, document, _ = c.bmc.delivered("sushy", "Base.1.22.Success")
    same(document["Context"], "from sushy")
    wanted = {
        "EventId": "7", "EventTimestamp": "2026-05-06T07:08:09Z", "EventType": "Alert", "Message": "A test.", "MessageArgs": ["one"],
        "OriginOfCondition": {"@odata.id": c.words["S"]}, "MessageSeverity": "Warning"}
    same({key: event.get(key) for key in wanted}, wanted)
    same(len(c.bmc.all_delivered("sushy")), 1)
    made.delete()
    same((c.bmc.ask("GET", made.path)[0], c.bmc.subscriptions()), (404, []))


def subscription_of_ironic(c):
    """What Ironic sends for `create_subscription`, with headers as the Baremetal Operator has them: a list of objects."""
    made = c.root.get_event_service().subscriptions.create({
        "Destination": f"{c.bmc.receiver}/ironic", "Protocol": "Redfish", "Context": "", "EventTypes": ["Alert"],
        "HttpHeaders": [{"Authorization": "Bearer abc"}, {"X-Host": "one"}]})
    same((made.context, made.http_headers), ("", []))
    # The machine cannot boot from the network, and then finds nothing to boot from. Both are alerts.
    c.bmc.power("Off")
    c.bmc.power("On")
    _, _, headers = c.bmc.delivered("ironic", "ResourceEvent.1.4.ResourceErrorsDetected")
    same((headers["Authorization"], headers["X-Host"]), ("Bearer abc", "one"))
    found = [(event["MessageSeverity"], event["OriginOfCondition"]["@odata.id"], event["MessageArgs"])
             for event in c.bmc.all_delivered("ironic", 2)]
    same(found, [("Warning", c.words["S"], ["Boot", why]) for why in ("SourceUnreadable", "NoBootDevice")])
    made.delete()
    same(c.bmc.subscriptions(), [])


def simple_update(c):
    return c.update.simple_update(c.bmc.firmware, [c.bmc.software])


def task_monitor(c):
    monitor = simple_update(c)
    again = c.root.get_task_monitor(monitor.task_monitor_uri)
    same(again.task_monitor_uri, monitor.task_monitor_uri)
    same(again.response.status_code, 202)
    assert again.cancellable in (True, False)
    assert float(again.sleep_for) >= 0
    finish(c, again)
    same((again.is_processing, again.task), (False, None))


def finish(c, monitor):
    """A start of the machine completes an update."""
    with c.bmc.starting_again():
        end = time.monotonic() + 60
        while monitor.check_is_processing:
            assert time.monotonic() < end, f"{monitor.task_monitor_uri}: {monitor.response.text}"
            time.sleep(0.2)


def wait_for_task(c):
    """This needs a Retry-After that is a date: the text of a number fails in time.sleep (taskmonitor.py:147)."""
    with c.bmc.starting_again():
        simple_update(c).wait(60)


def tasks(c):
    monitor = simple_update(c)
    try:
        found = c.root.get_task_service().tasks
        assert found.get_members()
        assert set(found.summary) == {task.identity for task in found.get_members()}
        monitor.get_task().parse_messages()
    finally:
        finish(c, monitor)


def task_is_processing(c):
    found = c.root.get_task_service().tasks.get_members()
    assert found
    found[0].is_processing
