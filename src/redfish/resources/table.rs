//! The table of resources, in the order of the tree.

use super::{
    account_service, bios, boot_option, chassis, computer_system, control, drive, environment_metrics,
    ethernet_interface, event_service, json_schema_file, log_service, manager, manager_network_protocol,
    memory, metric_report_definition, network_adapter, port, power, power_subsystem, processor, registry,
    role, secure_boot, sensor, service_root, session, simple_storage, software_inventory, storage,
    storage_controller, task, task_service, telemetry_service, thermal, thermal_subsystem, update_service,
    virtual_media, volume,
};
use crate::redfish::access::Access;
use crate::redfish::resource::Entry::{self, Node, Service};
use crate::redfish::resource::Resource;

/// All resources of the service. The versions are the newest of DSP8010 2026.1.
pub(in crate::redfish) static RESOURCES: &[Entry] = &[
    Service(
        Resource::of_service("/redfish/v1", "ServiceRoot.v1_21_0.ServiceRoot", service_root::get)
            .allowed_by(Access::PUBLIC),
    ),
    Service(
        Resource::of_service(
            "/redfish/v1/SessionService",
            "SessionService.v1_2_0.SessionService",
            session::get_service,
        )
        .patched_by(session::patch_service)
        .allowed_by(Access::MANAGER),
    ),
    Service(
        Resource::of_service(
            "/redfish/v1/SessionService/Sessions/{Session}",
            "Session.v1_8_0.Session",
            session::get,
        )
        .many("Session Collection", session::members)
        .created_by(session::create)
        .deleted_by(session::delete)
        .allowed_by(Access::SESSION),
    ),
    Service(
        Resource::of_service(
            "/redfish/v1/AccountService",
            "AccountService.v1_18_1.AccountService",
            account_service::get,
        )
        .patched_by(account_service::patch)
        .allowed_by(Access::USERS),
    ),
    Service(
        Resource::of_service(
            "/redfish/v1/AccountService/Accounts/{Account}",
            "ManagerAccount.v1_14_1.ManagerAccount",
            account_service::get_account,
        )
        .many("Accounts Collection", account_service::accounts)
        .created_by(account_service::create_account)
        .patched_by(account_service::patch_account)
        .deleted_by(account_service::delete_account)
        .with_actions(account_service::ACTIONS)
        .allowed_by(Access::ACCOUNT),
    ),
    Service(
        Resource::of_service("/redfish/v1/AccountService/Roles/{Role}", "Role.v1_3_3.Role", role::get)
            .many("Roles Collection", role::members)
            .created_by(role::create)
            .patched_by(role::patch)
            .deleted_by(role::delete)
            .allowed_by(Access::MANAGER),
    ),
    Service(
        Resource::of_service(
            "/redfish/v1/AccountService/PrivilegeMap",
            "PrivilegeRegistry.v1_2_0.PrivilegeRegistry",
            role::get_map,
        )
        .allowed_by(Access::MANAGER),
    ),
    Node(
        Resource::of_node(
            "/redfish/v1/Systems/{System}",
            "ComputerSystem.v1_28_0.ComputerSystem",
            computer_system::get,
        )
        .many("Computer System Collection", |cx, each| each(cx.model.system_id()))
        .patched_by(computer_system::patch)
        .with_actions(computer_system::ACTIONS),
    ),
    Node(
        Resource::of_node("/redfish/v1/Systems/{System}/Bios", "Bios.v1_3_0.Bios", bios::get)
            .with_actions(bios::ACTIONS),
    ),
    Node(
        Resource::of_node(
            "/redfish/v1/Systems/{System}/Bios/Settings",
            "Bios.v1_3_0.Bios",
            bios::get_settings,
        )
        .linked_as("")
        .patched_by(bios::patch_settings),
    ),
    Node(
        Resource::of_node(
            "/redfish/v1/Systems/{System}/BootOptions/{Option}",
            "BootOption.v1_0_6.BootOption",
            boot_option::get,
        )
        .many("Boot Option Collection", boot_option::members)
        .linked_as(""),
    ),
    Node(
        Resource::of_node(
            "/redfish/v1/Systems/{System}/SecureBoot",
            "SecureBoot.v1_2_0.SecureBoot",
            secure_boot::get,
        )
        .patched_by(secure_boot::patch)
        .with_actions(secure_boot::ACTIONS),
    ),
    Node(
        Resource::of_node(
            "/redfish/v1/Systems/{System}/Processors/{Processor}",
            "Processor.v1_23_0.Processor",
            processor::get,
        )
        .many("Processor Collection", processor::members),
    ),
    Node(
        Resource::of_node(
            "/redfish/v1/Systems/{System}/Processors/{Processor}/ProcessorMetrics",
            "ProcessorMetrics.v1_7_0.ProcessorMetrics",
            processor::get_metrics,
        )
        .linked_as("Metrics"),
    ),
    Node(
        Resource::of_node(
            "/redfish/v1/Systems/{System}/Processors/{Processor}/EnvironmentMetrics",
            "EnvironmentMetrics.v1_6_0.EnvironmentMetrics",
            processor::get_environment,
        )
        .only_if(processor::has_sensors)
        .allowed_by(Access::MANAGER),
    ),
    Node(
        Resource::of_node("/redfish/v1/Systems/{System}/Memory/{Dimm}", "Memory.v1_24_0.Memory", memory::get)
            .many("Memory Module Collection", memory::members),
    ),
    Node(
        Resource::of_node(
            "/redfish/v1/Systems/{System}/Memory/{Dimm}/MemoryMetrics",
            "MemoryMetrics.v1_8_0.MemoryMetrics",
            memory::get_metrics,
        )
        .linked_as("Metrics"),
    ),
    Node(
        Resource::of_node(
            "/redfish/v1/Systems/{System}/EthernetInterfaces/{Interface}",
            "EthernetInterface.v1_12_5.EthernetInterface",
            ethernet_interface::get,
        )
        .many("Ethernet Interface Collection", ethernet_interface::members),
    ),
    Node(
        Resource::of_node(
            "/redfish/v1/Systems/{System}/SimpleStorage/{Storage}",
            "SimpleStorage.v1_3_2.SimpleStorage",
            simple_storage::get,
        )
        .many("Simple Storage Collection", simple_storage::members)
        .only_if(simple_storage::present),
    ),
    Node(
        Resource::of_node(
            "/redfish/v1/Systems/{System}/Storage/{Storage}",
            "Storage.v1_22_0.Storage",
            storage::get,
        )
        .many("Storage Collection", storage::members),
    ),
    Node(
        Resource::of_node(
            "/redfish/v1/Systems/{System}/Storage/{Storage}/Controllers/{Controller}",
            "StorageController.v1_12_0.StorageController",
            storage_controller::get,
        )
        .many("Storage Controller Collection", storage_controller::members),
    ),
    Node(
        Resource::of_node(
            "/redfish/v1/Systems/{System}/Storage/{Storage}/Volumes/{Volume}",
            "Volume.v1_10_2.Volume",
            volume::get,
        )
        .many("Volume Collection", volume::members)
        .with_actions(volume::ACTIONS)
        .deleted_by(volume::delete)
        .created_by(volume::create)
        .annotated_by(volume::annotate),
    ),
    Node(
        Resource::of_node(
            "/redfish/v1/Systems/{System}/VirtualMedia/{Slot}",
            "VirtualMedia.v1_6_5.VirtualMedia",
            virtual_media::get,
        )
        .many("Virtual Media Collection", virtual_media::members)
        .with_actions(virtual_media::ACTIONS)
        .allowed_by(Access::MANAGER),
    ),
    Node(
        log_service::service("/redfish/v1/Systems/{System}/LogServices/{Log}", log_service::of_system)
            .only_if(log_service::has_of_system),
    ),
    Node(log_service::entry("/redfish/v1/Systems/{System}/LogServices/{Log}/Entries/{Entry}")),
    Node(
        Resource::of_node("/redfish/v1/Managers/{Manager}", "Manager.v1_25_0.Manager", manager::get)
            .many("Manager Collection", |cx, each| each(cx.model.manager_id()))
            .patched_by(manager::patch)
            .with_actions(manager::ACTIONS)
            .allowed_by(Access::MANAGER),
    ),
    Node(
        Resource::of_node(
            "/redfish/v1/Managers/{Manager}/EthernetInterfaces/{Interface}",
            "EthernetInterface.v1_12_5.EthernetInterface",
            ethernet_interface::get_of_manager,
        )
        .many("Ethernet Network Interface Collection", ethernet_interface::members_of_manager)
        .allowed_by(Access::MANAGER),
    ),
    Node(
        Resource::of_node(
            "/redfish/v1/Managers/{Manager}/NetworkProtocol",
            "ManagerNetworkProtocol.v1_13_0.ManagerNetworkProtocol",
            manager_network_protocol::get,
        )
        .allowed_by(Access::MANAGER),
    ),
    Node(
        Resource::of_node(
            "/redfish/v1/Managers/{Manager}/VirtualMedia/{Slot}",
            "VirtualMedia.v1_6_5.VirtualMedia",
            virtual_media::get,
        )
        .many("Virtual Media Collection", virtual_media::members)
        .with_actions(virtual_media::ACTIONS)
        .allowed_by(Access::MANAGER),
    ),
    Node(
        log_service::service("/redfish/v1/Managers/{Manager}/LogServices/{Log}", log_service::of_manager)
            .only_if(log_service::has_of_manager),
    ),
    Node(log_service::entry("/redfish/v1/Managers/{Manager}/LogServices/{Log}/Entries/{Entry}")),
    Node(
        Resource::of_node("/redfish/v1/Chassis/{Chassis}", "Chassis.v1_28_0.Chassis", chassis::get)
            .many("Chassis Collection", |cx, each| each(cx.model.chassis_id()))
            .patched_by(chassis::patch),
    ),
    Node(
        Resource::of_node("/redfish/v1/Chassis/{Chassis}/Drives/{Drive}", "Drive.v1_22_0.Drive", drive::get)
            .many("Drive Collection", drive::members)
            .patched_by(drive::patch),
    ),
    Node(Resource::of_node(
        "/redfish/v1/Chassis/{Chassis}/Drives/{Drive}/Metrics",
        "DriveMetrics.v1_4_0.DriveMetrics",
        drive::get_metrics,
    )),
    Node(
        Resource::of_node("/redfish/v1/Chassis/{Chassis}/Power", "Power.v1_7_3.Power", power::get)
            .patched_by(power::patch)
            .allowed_by(Access::MANAGER),
    ),
    Node(
        Resource::of_node("/redfish/v1/Chassis/{Chassis}/Thermal", "Thermal.v1_7_3.Thermal", thermal::get)
            .allowed_by(Access::MANAGER),
    ),
    Node(
        Resource::of_node(
            "/redfish/v1/Chassis/{Chassis}/PowerSubsystem",
            "PowerSubsystem.v1_1_4.PowerSubsystem",
            power_subsystem::get,
        )
        .allowed_by(Access::MANAGER),
    ),
    Node(
        Resource::of_node(
            "/redfish/v1/Chassis/{Chassis}/PowerSubsystem/PowerSupplies/{Supply}",
            "PowerSupply.v1_7_0.PowerSupply",
            power_subsystem::get_supply,
        )
        .many("Power Supply Collection", power_subsystem::supplies)
        .allowed_by(Access::MANAGER),
    ),
    Node(
        Resource::of_node(
            "/redfish/v1/Chassis/{Chassis}/PowerSubsystem/PowerSupplies/{Supply}/Metrics",
            "PowerSupplyMetrics.v1_2_0.PowerSupplyMetrics",
            power_subsystem::get_metrics,
        )
        .allowed_by(Access::MANAGER),
    ),
    Node(
        Resource::of_node(
            "/redfish/v1/Chassis/{Chassis}/ThermalSubsystem",
            "ThermalSubsystem.v1_5_0.ThermalSubsystem",
            thermal_subsystem::get,
        )
        .allowed_by(Access::MANAGER),
    ),
    Node(
        Resource::of_node(
            "/redfish/v1/Chassis/{Chassis}/ThermalSubsystem/Fans/{Fan}",
            "Fan.v1_6_0.Fan",
            thermal_subsystem::get_fan,
        )
        .many("Fan Collection", thermal_subsystem::fans)
        .allowed_by(Access::MANAGER),
    ),
    Node(
        Resource::of_node(
            "/redfish/v1/Chassis/{Chassis}/ThermalSubsystem/ThermalMetrics",
            "ThermalMetrics.v1_3_3.ThermalMetrics",
            thermal_subsystem::get_metrics,
        )
        .allowed_by(Access::MANAGER),
    ),
    Node(
        Resource::of_node(
            "/redfish/v1/Chassis/{Chassis}/Sensors/{Sensor}",
            "Sensor.v1_13_0.Sensor",
            sensor::get,
        )
        .many("Sensor Collection", sensor::members),
    ),
    Node(
        Resource::of_node(
            "/redfish/v1/Chassis/{Chassis}/Controls/{Control}",
            "Control.v1_8_0.Control",
            control::get,
        )
        .many("Control Collection", control::members)
        .patched_by(control::patch)
        .allowed_by(Access::MANAGER),
    ),
    Node(
        Resource::of_node(
            "/redfish/v1/Chassis/{Chassis}/EnvironmentMetrics",
            "EnvironmentMetrics.v1_6_0.EnvironmentMetrics",
            environment_metrics::get,
        )
        .patched_by(environment_metrics::patch)
        .allowed_by(Access::MANAGER),
    ),
    Node(
        Resource::of_node(
            "/redfish/v1/Chassis/{Chassis}/NetworkAdapters/{Adapter}",
            "NetworkAdapter.v1_14_0.NetworkAdapter",
            network_adapter::get,
        )
        .many("Network Adapter Collection", network_adapter::members),
    ),
    Node(
        Resource::of_node(
            "/redfish/v1/Chassis/{Chassis}/NetworkAdapters/{Adapter}/Ports/{Port}",
            "Port.v1_19_0.Port",
            port::get,
        )
        .many("Port Collection", port::members),
    ),
    Service(
        Resource::of_service(
            "/redfish/v1/UpdateService",
            "UpdateService.v1_17_1.UpdateService",
            update_service::get,
        )
        .with_actions(update_service::ACTIONS),
    ),
    Node(
        Resource::of_node(
            "/redfish/v1/UpdateService/FirmwareInventory/{Node-Software}",
            "SoftwareInventory.v1_14_0.SoftwareInventory",
            software_inventory::get,
        )
        .many("Firmware Inventory Collection", software_inventory::members),
    ),
    Service(
        Resource::of_service(
            "/redfish/v1/TelemetryService",
            "TelemetryService.v1_4_1.TelemetryService",
            telemetry_service::get,
        )
        .allowed_by(Access::MANAGER),
    ),
    Node(telemetry_service::metric("/redfish/v1/TelemetryService/MetricDefinitions/{Node-Metric}")),
    Node(metric_report_definition::row(
        "/redfish/v1/TelemetryService/MetricReportDefinitions/{Node-Definition}",
    )),
    Node(telemetry_service::metric_report("/redfish/v1/TelemetryService/MetricReports/{Node-Report}")),
    Service(
        Resource::of_service("/redfish/v1/TaskService", "TaskService.v1_3_0.TaskService", task_service::get)
            .linked_as("Tasks")
            .patched_by(task_service::patch)
            .allowed_by(Access::MANAGER),
    ),
    Node(
        Resource::of_node("/redfish/v1/TaskService/Tasks/{Node-Task}", "Task.v1_7_4.Task", task::get)
            .many("Task Collection", task::members)
            .of_nodes_with_tasks()
            .deleted_by(task::delete)
            .monitored_by(&task::MONITOR)
            .allowed_by(Access::MANAGER),
    ),
    Node(
        Resource::of_node(
            "/redfish/v1/TaskService/Tasks/{Node-Task}/SubTasks/{SubTask}",
            "Task.v1_7_4.Task",
            task::get_part,
        )
        .many("Task Collection", task::parts)
        // A task without parts has no such link.
        .linked_as("")
        .allowed_by(Access::MANAGER),
    ),
    Service(
        Resource::of_service(
            "/redfish/v1/EventService",
            "EventService.v1_12_0.EventService",
            event_service::get,
        )
        .patched_by(event_service::patch)
        .with_actions(event_service::ACTIONS)
        .allowed_by(Access::MANAGER),
    ),
    Service(
        Resource::of_service(
            "/redfish/v1/EventService/Subscriptions/{Subscription}",
            "EventDestination.v1_17_0.EventDestination",
            event_service::get_subscription,
        )
        .many("Event Subscription Collection", event_service::members)
        .created_by(event_service::create)
        .patched_by(event_service::patch_subscription)
        .deleted_by(event_service::delete)
        .with_actions(event_service::SUBSCRIPTION_ACTIONS)
        .allowed_by(Access::SUBSCRIPTION),
    ),
    Service(
        Resource::of_service(
            "/redfish/v1/Registries/{Registry}",
            "MessageRegistryFile.v1_1_5.MessageRegistryFile",
            registry::get_file,
        )
        .many("Registry File Collection", registry::members)
        .allowed_by(Access::MANAGER),
    ),
    Service(
        Resource::of_service(
            "/redfish/v1/Registries/{Registry}/Messages",
            "MessageRegistry.v1_8_0.MessageRegistry",
            registry::get_messages,
        )
        .only_if(registry::is_of_messages)
        .linked_as("")
        .allowed_by(Access::MANAGER),
    ),
    Service(
        Resource::of_service(
            "/redfish/v1/Registries/{Registry}/Attributes",
            "AttributeRegistry.v1_5_0.AttributeRegistry",
            registry::get_attributes,
        )
        .only_if(registry::is_of_attributes)
        .linked_as("")
        .allowed_by(Access::MANAGER),
    ),
    Service(
        Resource::of_service(
            "/redfish/v1/JsonSchemas/{Schema}",
            "JsonSchemaFile.v1_1_5.JsonSchemaFile",
            json_schema_file::get,
        )
        .many("JSON Schema File Collection", json_schema_file::members)
        .allowed_by(Access::MANAGER),
    ),
];
