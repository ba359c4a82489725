//! The table of resources: one row each, in the order of the tree. Adding a resource is a file here and its row below.

mod account_service;
mod bios;
mod boot_option;
mod chassis;
mod computer_system;
mod drive;
mod ethernet_interface;
mod json_schema_file;
mod manager;
mod manager_network_protocol;
mod memory;
mod network_adapter;
mod port;
mod power;
mod power_subsystem;
mod processor;
mod registry;
mod secure_boot;
mod sensor;
mod service_root;
mod session;
mod simple_storage;
mod software_inventory;
mod storage;
mod storage_controller;
mod task_service;
mod thermal;
mod thermal_subsystem;
mod update_service;
mod virtual_media;
mod volume;

use super::body::Body;
use super::doc::Doc;
use super::message::{BASE, GENERAL_ERROR};
use super::resource::{Cx, Resource};
use crate::dmtf::IndicatorLed;

/// All resources of the service. Versions are the newest of DSP8010 2026.1.
pub(in crate::redfish) static RESOURCES: &[Resource] = &[
    Resource::at("/redfish/v1", "ServiceRoot.v1_21_0.ServiceRoot", service_root::get),
    Resource::at("/redfish/v1/SessionService", "SessionService.v1_2_0.SessionService", session::get_service)
        .patched_by(session::patch_service),
    Resource::at("/redfish/v1/SessionService/Sessions/{Session}", "Session.v1_8_0.Session", session::get)
        .many("Session Collection", session::members)
        .created_by(session::create)
        .deleted_by(session::delete),
    Resource::at("/redfish/v1/AccountService", "AccountService.v1_18_1.AccountService", account_service::get),
    Resource::at(
        "/redfish/v1/AccountService/Accounts/{Account}",
        "ManagerAccount.v1_14_1.ManagerAccount",
        account_service::get_account,
    )
    .many("Accounts Collection", account_service::accounts),
    Resource::at("/redfish/v1/AccountService/Roles/{Role}", "Role.v1_3_3.Role", account_service::get_role)
        .many("Roles Collection", account_service::roles),
    Resource::at(
        "/redfish/v1/Systems/{System}",
        "ComputerSystem.v1_28_0.ComputerSystem",
        computer_system::get,
    )
    .one_a_node("Computer System Collection")
    .patched_by(computer_system::patch)
    .with_actions(computer_system::ACTIONS),
    Resource::at("/redfish/v1/Systems/{System}/Bios", "Bios.v1_3_0.Bios", bios::get)
        .with_actions(bios::ACTIONS),
    Resource::at("/redfish/v1/Systems/{System}/Bios/Settings", "Bios.v1_3_0.Bios", bios::get_settings)
        .linked_as("")
        .patched_by(bios::patch_settings),
    Resource::at(
        "/redfish/v1/Systems/{System}/BootOptions/{Option}",
        "BootOption.v1_0_6.BootOption",
        boot_option::get,
    )
    .many("Boot Option Collection", boot_option::members)
    .linked_as(""),
    Resource::at("/redfish/v1/Systems/{System}/SecureBoot", "SecureBoot.v1_2_0.SecureBoot", secure_boot::get)
        .patched_by(secure_boot::patch)
        .with_actions(secure_boot::ACTIONS),
    Resource::at(
        "/redfish/v1/Systems/{System}/Processors/{Processor}",
        "Processor.v1_23_0.Processor",
        processor::get,
    )
    .many("Processor Collection", processor::members),
    Resource::at("/redfish/v1/Systems/{System}/Memory/{Dimm}", "Memory.v1_24_0.Memory", memory::get)
        .many("Memory Module Collection", memory::members),
    Resource::at(
        "/redfish/v1/Systems/{System}/EthernetInterfaces/{Interface}",
        "EthernetInterface.v1_12_5.EthernetInterface",
        ethernet_interface::get,
    )
    .many("Ethernet Interface Collection", ethernet_interface::members),
    Resource::at(
        "/redfish/v1/Systems/{System}/SimpleStorage/{Storage}",
        "SimpleStorage.v1_3_2.SimpleStorage",
        simple_storage::get,
    )
    .many("Simple Storage Collection", simple_storage::members)
    .only_if(simple_storage::present),
    Resource::at("/redfish/v1/Systems/{System}/Storage/{Storage}", "Storage.v1_22_0.Storage", storage::get)
        .many("Storage Collection", storage::members),
    Resource::at(
        "/redfish/v1/Systems/{System}/Storage/{Storage}/Controllers/{Controller}",
        "StorageController.v1_12_0.StorageController",
        storage_controller::get,
    )
    .many("Storage Controller Collection", storage_controller::members),
    Resource::at(
        "/redfish/v1/Systems/{System}/Storage/{Storage}/Volumes/{Volume}",
        "Volume.v1_10_2.Volume",
        volume::get,
    )
    .many("Volume Collection", volume::members)
    .created_by(volume::create)
    .annotated_by(volume::annotate),
    Resource::at(
        "/redfish/v1/Systems/{System}/VirtualMedia/{Slot}",
        "VirtualMedia.v1_6_5.VirtualMedia",
        virtual_media::get,
    )
    .many("Virtual Media Collection", virtual_media::members)
    .with_actions(virtual_media::ACTIONS),
    Resource::at("/redfish/v1/Managers/{Manager}", "Manager.v1_25_0.Manager", manager::get)
        .one_a_node("Manager Collection")
        .patched_by(manager::patch)
        .with_actions(manager::ACTIONS),
    Resource::at(
        "/redfish/v1/Managers/{Manager}/EthernetInterfaces/{Interface}",
        "EthernetInterface.v1_12_5.EthernetInterface",
        ethernet_interface::get_of_manager,
    )
    .many("Ethernet Network Interface Collection", ethernet_interface::members_of_manager),
    Resource::at(
        "/redfish/v1/Managers/{Manager}/NetworkProtocol",
        "ManagerNetworkProtocol.v1_13_0.ManagerNetworkProtocol",
        manager_network_protocol::get,
    ),
    Resource::at(
        "/redfish/v1/Managers/{Manager}/VirtualMedia/{Slot}",
        "VirtualMedia.v1_6_5.VirtualMedia",
        virtual_media::get,
    )
    .many("Virtual Media Collection", virtual_media::members)
    .with_actions(virtual_media::ACTIONS),
    Resource::at("/redfish/v1/Chassis/{Chassis}", "Chassis.v1_28_0.Chassis", chassis::get)
        .one_a_node("Chassis Collection")
        .patched_by(chassis::patch),
    Resource::at("/redfish/v1/Chassis/{Chassis}/Drives/{Drive}", "Drive.v1_22_0.Drive", drive::get)
        .many("Drive Collection", drive::members)
        .patched_by(drive::patch),
    Resource::at("/redfish/v1/Chassis/{Chassis}/Power", "Power.v1_7_3.Power", power::get),
    Resource::at("/redfish/v1/Chassis/{Chassis}/Thermal", "Thermal.v1_7_3.Thermal", thermal::get),
    Resource::at(
        "/redfish/v1/Chassis/{Chassis}/PowerSubsystem",
        "PowerSubsystem.v1_1_4.PowerSubsystem",
        power_subsystem::get,
    ),
    Resource::at(
        "/redfish/v1/Chassis/{Chassis}/PowerSubsystem/PowerSupplies/{Supply}",
        "PowerSupply.v1_7_0.PowerSupply",
        power_subsystem::get_supply,
    )
    .many("Power Supply Collection", power_subsystem::supplies),
    Resource::at(
        "/redfish/v1/Chassis/{Chassis}/ThermalSubsystem",
        "ThermalSubsystem.v1_5_0.ThermalSubsystem",
        thermal_subsystem::get,
    ),
    Resource::at(
        "/redfish/v1/Chassis/{Chassis}/ThermalSubsystem/Fans/{Fan}",
        "Fan.v1_6_0.Fan",
        thermal_subsystem::get_fan,
    )
    .many("Fan Collection", thermal_subsystem::fans),
    Resource::at(
        "/redfish/v1/Chassis/{Chassis}/ThermalSubsystem/ThermalMetrics",
        "ThermalMetrics.v1_3_3.ThermalMetrics",
        thermal_subsystem::get_metrics,
    ),
    Resource::at("/redfish/v1/Chassis/{Chassis}/Sensors/{Sensor}", "Sensor.v1_13_0.Sensor", sensor::get)
        .many("Sensor Collection", sensor::members),
    Resource::at(
        "/redfish/v1/Chassis/{Chassis}/NetworkAdapters/{Adapter}",
        "NetworkAdapter.v1_14_0.NetworkAdapter",
        network_adapter::get,
    )
    .many("Network Adapter Collection", network_adapter::members),
    Resource::at(
        "/redfish/v1/Chassis/{Chassis}/NetworkAdapters/{Adapter}/Ports/{Port}",
        "Port.v1_19_0.Port",
        port::get,
    )
    .many("Port Collection", port::members),
    Resource::at("/redfish/v1/UpdateService", "UpdateService.v1_17_1.UpdateService", update_service::get)
        .with_actions(update_service::ACTIONS),
    Resource::at(
        "/redfish/v1/UpdateService/FirmwareInventory/{Software}",
        "SoftwareInventory.v1_14_0.SoftwareInventory",
        software_inventory::get,
    )
    .many("Firmware Inventory Collection", software_inventory::members),
    Resource::at("/redfish/v1/TaskService", "TaskService.v1_3_0.TaskService", task_service::get)
        .linked_as("Tasks"),
    Resource::at("/redfish/v1/TaskService/Tasks/{Task}", "Task.v1_7_4.Task", task_service::get_task)
        .many("Task Collection", task_service::tasks),
    Resource::at(
        "/redfish/v1/Registries/{Registry}",
        "MessageRegistryFile.v1_1_5.MessageRegistryFile",
        registry::get_file,
    )
    .many("Registry File Collection", registry::members),
    Resource::at(
        "/redfish/v1/Registries/{Registry}/Messages",
        "MessageRegistry.v1_8_0.MessageRegistry",
        registry::get_messages,
    )
    .only_if(registry::is_of_messages)
    .linked_as(""),
    Resource::at(
        "/redfish/v1/Registries/{Registry}/Attributes",
        "AttributeRegistry.v1_5_0.AttributeRegistry",
        registry::get_attributes,
    )
    .only_if(registry::is_of_attributes)
    .linked_as(""),
    Resource::at(
        "/redfish/v1/JsonSchemas/{Schema}",
        "JsonSchemaFile.v1_1_5.JsonSchemaFile",
        json_schema_file::get,
    )
    .many("JSON Schema File Collection", json_schema_file::members),
];

/// The part with that id, and its number in the list.
fn part<'a, T>(parts: &'a [T], id_of: impl Fn(&T) -> &String, id: &str) -> (u8, &'a T) {
    let mut parts = (0u8..=u8::MAX).zip(parts);
    parts.find(|(_, part)| id_of(part) == id).expect("a part that is not there was refused before")
}

/// `Conditions` of a `Status` with one warning, its text in parts.
fn condition(cx: &Cx<'_>, d: &mut Doc<'_>, text: &[&str]) {
    d.array("Conditions", |d| {
        d.item_object(|d| {
            d.join("MessageId", &[BASE, ".", GENERAL_ERROR.key]);
            d.join("Message", text);
            d.put("Severity", "Warning");
            // It follows the clock; an ETag that did so too would fail every If-Match.
            d.moving(|d| d.put("Timestamp", cx.now.redfish(0)));
        });
    });
}

/// `Status` of a part that is well.
fn ok(d: &mut Doc<'_>) {
    d.put("State", "Enabled");
    d.put("Health", "OK");
}

/// `BootOptionReference` of the boot option with that number.
fn boot_option_reference(number: u8) -> String {
    let digit = |nibble: u8| char::from(b"0123456789ABCDEF"[usize::from(nibble & 0xf)]);
    let mut reference = String::with_capacity(8);
    reference.push_str("Boot00");
    reference.push(digit(number >> 4));
    reference.push(digit(number));
    reference
}

/// Whether a text is a URI that a controller can fetch from over HTTP.
fn is_http_uri(text: &str) -> bool {
    let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/')) && text.parse::<http::Uri>().is_ok()
}

/// A light as a client sets it: by `IndicatorLED`, or by the newer `LocationIndicatorActive`.
fn led(body: &mut Body) -> Option<IndicatorLed> {
    let led = body.word("IndicatorLED", IndicatorLed::parse, IndicatorLed::ALL);
    let active = body.flag("LocationIndicatorActive");
    led.or(active.map(|on| if on { IndicatorLed::Blinking } else { IndicatorLed::Off }))
}
