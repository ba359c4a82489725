//! The rows of a manager and of everything below it.

use crate::redfish::access::Access;
use crate::redfish::resource::Entry::{self, Node};
use crate::redfish::resource::Resource;
use crate::redfish::resources::{
    ethernet_interface, host_interface, log_service, manager, manager_network_protocol, virtual_media,
};

pub(super) static ROWS: &[Entry] = &[
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
            "/redfish/v1/Managers/{Manager}/HostInterfaces/{HostInterface}",
            "HostInterface.v1_3_3.HostInterface",
            host_interface::get,
        )
        .many("Host Interface Collection", host_interface::members)
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
];
