//! The rows of a manager and of everything below it.

use crate::redfish::access::Access;
use crate::redfish::resource::Entry::{self, Node};
use crate::redfish::resource::Resource;
use crate::redfish::resources::{
    certificate, host_interface, log_service, manager, manager_interface, manager_network_protocol,
    virtual_media,
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
            manager_interface::get,
        )
        .many("Ethernet Network Interface Collection", manager_interface::members)
        .patched_by(manager_interface::patch)
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
        .patched_by(manager_network_protocol::patch)
        .allowed_by(Access::MANAGER),
    ),
    Node(
        Resource::of_node(
            "/redfish/v1/Managers/{Manager}/NetworkProtocol/HTTPS/Certificates/{Certificate}",
            "Certificate.v1_11_0.Certificate",
            certificate::get,
        )
        .many("HTTPS Certificate Collection", certificate::members)
        // The link is in the object of the protocol.
        .linked_as("")
        .with_actions(certificate::ACTIONS)
        .allowed_by(Access::CERTIFICATES),
    ),
    Node(virtual_media::row("/redfish/v1/Managers/{Manager}/VirtualMedia/{Slot}")),
    Node(virtual_media::certificates(
        "/redfish/v1/Managers/{Manager}/VirtualMedia/{Slot}/Certificates/{Certificate}",
        Access::CERTIFICATES,
    )),
    Node(
        log_service::service("/redfish/v1/Managers/{Manager}/LogServices/{Log}", log_service::of_manager)
            .only_if(log_service::has_of_manager),
    ),
    Node(log_service::entry("/redfish/v1/Managers/{Manager}/LogServices/{Log}/Entries/{Entry}")),
];
