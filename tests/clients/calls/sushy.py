"""The public methods and properties of OpenStack's sushy. Certificates are verified."""

import importlib
import inspect
import pathlib
import pkgutil

import sushy

# The table names the checks.
from calls.sushy_checks import *
from checks import Fault

FOLDER = pathlib.Path(sushy.__file__).parent


def known():
    """All public methods and properties of all classes but those for one maker."""
    names = set()
    for module in pkgutil.walk_packages(sushy.__path__, "sushy."):
        if ".tests" in module.name or ".oem" in module.name:
            continue
        module = importlib.import_module(module.name)
        for name, kind in vars(module).items():
            if inspect.isclass(kind) and kind.__module__ == module.__name__ and not name.startswith("_"):
                names.update(
                    f"{name}.{member}" for member, value in vars(kind).items()
                    if not member.startswith("_")
                    and (inspect.isfunction(value) or isinstance(value, (staticmethod, classmethod, property))))
    return names


_PROCESSING = Fault(FOLDER / "resources/taskservice/task.py", 85, "self.status_code",
                    "is_processing reads an attribute that Task does not have", "AttributeError")
_ROOT = Fault(FOLDER / "resources/updateservice/updateservice.py", 169, "root=self.root",
              "get_task_monitor gives TaskMonitor an argument root, which that class does not have", "TypeError")


# The names that a check covers, the check, and `needs` or `fault`.
CALLS = [
    ("AuthBase.set_context AuthBase.authenticate AuthBase.can_refresh_session AuthBase.close SessionAuth.get_session_key "
     "SessionAuth.get_session_resource_id SessionAuth.can_refresh_session SessionAuth.refresh_session SessionAuth.close "
     "SessionAuth.reset_session_attrs Sushy.get_session", session_auth, {}),
    ("BasicAuth.can_refresh_session Connector.set_http_basic_auth", basic_auth, {}),
    ("Connector.set_auth", wrong_password, {}),
    ("SessionOrBasicAuth.refresh_session Connector.set_http_session_auth", session_or_basic, {}),
    ("Connector.check_retry_on_exception", ended_session, {}),
    ("Sushy.create_session SessionService.close_session", create_session, {}),
    ("SessionService.create_session SessionService.sessions Session.delete Sushy.get_session_service", service_session, {}),
    ("Connector.get Connector.patch Connector.post Connector.put Connector.delete Connector.close", connector, {}),
    ("HTTPError.related_properties", http_error, {}),
    ("AbstractDataReader.set_connection AbstractDataReader.get_data JsonDataReader.get_data FieldData.status_code "
     "FieldData.headers FieldData.json_doc", data_readers, {}),
    ("ResourceBase.refresh ResourceBase.invalidate ResourceBase.json ResourceBase.path ResourceBase.resource_name "
     "ResourceBase.root ResourceBase.oem_vendors", base_resource, {}),
    ("ResourceLinksBase.members_identities ResourceLinksBase.get_member ResourceLinksBase.get_members "
     "Sushy.get_system_collection", collection, {}),
    ("LazyRegistries.registries Sushy.registries Sushy.lazy_registries ResourceBase.registries JsonPackagedFileReader.get_data "
     "MessageRegistryFile.get_message_registry", registries, {}),
    ("Sushy.get_system", lambda c: same(c.root.get_system().uuid, c.get("{S}")["UUID"]), {}),
    ("Sushy.get_system ResourceLinksBase.members_identities", imported_systems, {}),
    ("Sushy.get_chassis", lambda c: same(c.root.get_chassis().identity, c.bmc.chassis), {}),
    ("Sushy.get_manager", lambda c: same(c.root.get_manager().identity, c.bmc.manager), {}),
    ("Sushy.get_chassis_collection", lambda c: linked(c.root.get_chassis_collection().get_members(), "/redfish/v1/Chassis", c), {}),
    ("Sushy.get_manager_collection", lambda c: linked(c.root.get_manager_collection().get_members(), "/redfish/v1/Managers", c), {}),
    ("Sushy.get_sessions_path", lambda c: same(c.root.get_sessions_path(), "/redfish/v1/SessionService/Sessions"), {}),
    ("Sushy.get_update_service", lambda c: same(c.update.service_enabled, True), {}),
    ("Sushy.get_task_service TaskService.tasks", lambda c: linked(
        c.root.get_task_service().tasks.get_members(), "/redfish/v1/TaskService/Tasks", c), {}),

    ("System.reset_system", reset_system, {}),
    ("System.get_allowed_reset_system_values ResetActionField.get_allowed_values", lambda c: same(
        {value.value for value in c.system.get_allowed_reset_system_values()},
        set(c.get("{S}")["Actions"]["#ComputerSystem.Reset"]["ResetType@Redfish.AllowableValues"])), {}),
    ("ActionInfo.from_uri ActionInfo.get_allowable_values", action_info, {}),
    ("System.get_allowed_system_boot_source_values", lambda c: same(
        {value.value for value in c.system.get_allowed_system_boot_source_values()},
        set(c.get("{S}")["Boot"]["BootSourceOverrideTarget@Redfish.AllowableValues"])), {}),
    ("System.set_system_boot_options", boot_options, {}),
    ("System.set_system_boot_source", boot_source, {}),
    ("System.set_indicator_led", indicator(lambda c: c.system, "{S}"), {}),
    ("System.processors", lambda c: linked(c.system.processors.get_members(), "{S}/Processors", c), {}),
    ("ProcessorCollection.summary", lambda c: same(
        c.system.processors.summary.count, sum(cpu.total_threads for cpu in c.system.processors.get_members())), {}),
    ("System.ethernet_interfaces", lambda c: linked(c.system.ethernet_interfaces.get_members(), "{S}/EthernetInterfaces", c), {}),
    ("EthernetInterfaceCollection.summary", lambda c: same(
        set(c.system.ethernet_interfaces.summary),
        {one.mac_address for one in c.system.ethernet_interfaces.get_members() if one.status.state == sushy.State.ENABLED}), {}),
    ("System.bios", lambda c: same(c.system.bios.attributes, c.get("{S}/Bios")["Attributes"]), {}),
    ("Bios.set_attribute Bios.set_attributes Bios.pending_attributes SettingsField.commit SettingsField.resource_uri",
     bios_attributes, {}),
    ("Bios.set_attribute", bios_on_reset, {}),
    ("Bios.update_status SettingsField.get_status SettingsUpdate.status SettingsUpdate.messages", bios_result, {}),
    ("Bios.supported_apply_times", lambda c: same(
        [time.value for time in c.system.bios.supported_apply_times or []],
        c.get("{S}/Bios")["@Redfish.Settings"].get("SupportedApplyTimes", [])), {}),
    ("Bios.apply_time_settings", lambda c: same(c.system.bios.apply_time_settings, None), {}),
    ("Bios.reset_bios", reset_bios, {}),
    ("Bios.get_attribute_registry MessageRegistryFile.get_attribute_registry", attribute_registry, {}),
    ("System.secure_boot SecureBoot.set_enabled", secure_boot, {}),
    ("SecureBoot.get_allowed_reset_keys_values SecureBoot.reset_keys", reset_keys, {}),
    ("System.storage StorageCollection.get_members StorageCollection.drives_sizes_bytes StorageCollection.max_drive_size_bytes "
     "StorageCollection.volumes_sizes_bytes StorageCollection.max_volume_size_bytes", storages, {}),
    ("System.storage_expanded", lambda c: same(
        sorted(one.path for one in c.system.storage_expanded.get_members()), sorted(c.members("{S}/Storage"))), {}),
    ("Storage.get_drive Storage.drives Storage.drives_sizes_bytes Storage.drives_max_size_bytes Storage.controllers "
     "ControllerCollection.summary", storage, {}),
    ("Storage.volumes VolumeCollection.create VolumeCollection.volumes_sizes_bytes VolumeCollection.max_volume_size_bytes "
     "Volume.delete Drive.volumes", volumes, {}),
    ("System.simple_storage SimpleStorageCollection.get_members SimpleStorageCollection.disks_sizes_bytes "
     "SimpleStorageCollection.max_size_bytes", simple_storage, {}),
    ("System.simple_storage_expanded", lambda c: same(
        sorted(one.path for one in c.system.simple_storage_expanded.get_members()), sorted(c.members("{S}/SimpleStorage"))), {}),
    ("System.managers", lambda c: same([one.identity for one in c.system.managers], [c.bmc.manager]), {}),
    ("System.chassis", lambda c: same([one.identity for one in c.system.chassis], [c.bmc.chassis]), {}),
    ("System.chassis_expanded", lambda c: same([one.identity for one in c.system.chassis_expanded], [c.bmc.chassis]), {}),
    ("System.virtual_media", system_media, {}),

    ("Manager.set_datetime", set_datetime, {}),
    ("Manager.get_supported_graphical_console_types", lambda c: same(bool(c.manager.get_supported_graphical_console_types()), True), {}),
    ("Manager.get_supported_serial_console_types", lambda c: same(bool(c.manager.get_supported_serial_console_types()), True), {}),
    ("Manager.get_supported_command_shell_types", lambda c: same(bool(c.manager.get_supported_command_shell_types()), True), {}),
    ("Manager.get_allowed_reset_manager_values", lambda c: same(
        {value.value for value in c.manager.get_allowed_reset_manager_values()}, {"GracefulRestart", "ForceRestart"}), {}),
    ("Manager.reset_manager", reset_manager, {}),
    ("Manager.virtual_media", lambda c: linked(c.manager.virtual_media.get_members(), "{M}/VirtualMedia", c), {}),
    ("VirtualMedia.insert_media VirtualMedia.eject_media", media, {}),
    ("VirtualMedia.is_transfer_protocol_required VirtualMedia.is_transfer_method_required VirtualMedia.is_credentials_required",
     media_needs, {}),
    ("Manager.systems", lambda c: same([one.identity for one in c.manager.systems], [c.bmc.system]), {}),
    ("Manager.chassis", lambda c: same([one.identity for one in c.manager.chassis], [c.bmc.chassis]), {}),
    ("Manager.ethernet_interfaces", lambda c: linked(c.manager.ethernet_interfaces.get_members(), "{M}/EthernetInterfaces", c), {}),

    ("Chassis.managers", lambda c: same([one.identity for one in c.chassis.managers], [c.bmc.manager]), {}),
    ("Chassis.systems", lambda c: same([one.identity for one in c.chassis.systems], [c.bmc.system]), {}),
    ("Chassis.power", lambda c: same(len(c.chassis.power.power_supplies), len(c.get("{C}/Power")["PowerSupplies"])), {}),
    ("Chassis.thermal", lambda c: same(len(c.chassis.thermal.fans), len(c.get("{C}/Thermal")["Fans"])), {}),
    ("Chassis.network_adapters", lambda c: linked(c.chassis.network_adapters.get_members(), "{C}/NetworkAdapters", c), {}),
    ("NetworkAdapter.ports", lambda c: same(
        bool(c.chassis.network_adapters.get_members()[0].ports.get_members()), True), {}),
    ("Chassis.set_indicator_led", indicator(lambda c: c.chassis, "{C}"), {}),
    ("Drive.set_indicator_led", indicator(lambda c: c.storage.drives[0], "{drive}"), {}),

    ("Sushy.get_event_service EventService.get_event_types_for_subscription", event_service, {}),
    ("EventService.subscriptions EventDestinationCollection.create EventService.submit_test_event EventDestination.delete",
     subscription, {}),
    ("EventDestinationCollection.create", subscription_of_ironic, {}),

    ("UpdateService.firmware_inventory", lambda c: linked(
        c.update.firmware_inventory.get_members(), "/redfish/v1/UpdateService/FirmwareInventory", c), {}),
    ("UpdateService.get_allowed_transfer_protocols", lambda c: same(bool(c.update.get_allowed_transfer_protocols()), True), {}),
    ("UpdateService.simple_update TaskMonitor.from_response", lambda c: finish(c, simple_update(c)), {}),
    ("Sushy.get_task_monitor TaskMonitor.task_monitor_uri TaskMonitor.response TaskMonitor.cancellable TaskMonitor.sleep_for "
     "TaskMonitor.check_is_processing TaskMonitor.is_processing TaskMonitor.task TaskMonitor.refresh", task_monitor,
     {}),
    ("TaskMonitor.wait", wait_for_task, {}),
    ("TaskMonitor.get_task TaskCollection.summary Task.parse_messages", tasks, {}),
    ("Task.is_processing", task_is_processing, {"fault": _PROCESSING}),
    ("UpdateService.get_task_monitor", lambda c: c.update.get_task_monitor("/redfish/v1/TaskService/TaskMonitors/1"), {"fault": _ROOT}),
]


def run(checks, bmc):
    for names, check, mark in CALLS:
        checks.check(bmc.shape, names, lambda: check(Client(bmc)), names.split(), **mark)
