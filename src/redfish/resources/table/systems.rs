//! The rows of a system and of everything below it.

use crate::redfish::access::Access;
use crate::redfish::resource::Entry::{self, Node};
use crate::redfish::resource::Resource;
use crate::redfish::resources::{
    bios, boot_option, computer_system, ethernet_interface, log_service, memory, network_adapter,
    network_interface, processor, secure_boot, secure_boot_database, simple_storage, storage,
    storage_controller, virtual_media, volume,
};

pub(super) static ROWS: &[Entry] = &[
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
        .linked_as("")
        .patched_by(boot_option::patch),
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
    Node(secure_boot_database::row("/redfish/v1/Systems/{System}/SecureBoot/SecureBootDatabases/{Database}")),
    Node(secure_boot_database::certificates(
        "/redfish/v1/Systems/{System}/SecureBoot/SecureBootDatabases/{Database}/Certificates/{Certificate}",
    )),
    Node(secure_boot_database::signatures(
        "/redfish/v1/Systems/{System}/SecureBoot/SecureBootDatabases/{Database}/Signatures/{Signature}",
    )),
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
            "/redfish/v1/Systems/{System}/NetworkInterfaces/{Interface}",
            "NetworkInterface.v1_2_3.NetworkInterface",
            network_interface::get,
        )
        .many("Network Interface Collection", network_adapter::members)
        .only_if(network_interface::has_adapters),
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
    Node(virtual_media::row("/redfish/v1/Systems/{System}/VirtualMedia/{Slot}")),
    Node(virtual_media::certificates(
        "/redfish/v1/Systems/{System}/VirtualMedia/{Slot}/Certificates/{Certificate}",
        Access::HOST_CERTIFICATES,
    )),
    Node(
        log_service::service("/redfish/v1/Systems/{System}/LogServices/{Log}", log_service::of_system)
            .only_if(log_service::has_of_system),
    ),
    Node(log_service::entry("/redfish/v1/Systems/{System}/LogServices/{Log}/Entries/{Entry}")),
];
