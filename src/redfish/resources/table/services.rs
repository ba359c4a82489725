//! The rows of the services beside the machines: updates, telemetry, tasks, events, registries and schemas.

use crate::redfish::access::Access;
use crate::redfish::resource::Entry::{self, Node, Service};
use crate::redfish::resource::Resource;
use crate::redfish::resources::{
    aggregation_service, cable, certificate_service, component_integrity, event_service, group_task,
    job_service, json_schema_file, license, metric_report_definition, registry, software_inventory, task,
    task_service, telemetry_service, update_service,
};

pub(super) static ROWS: &[Entry] = &[
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
    Service(group_task::row("/redfish/v1/TaskService/Tasks/{Service-Task}")),
    Service(aggregation_service::row("/redfish/v1/AggregationService")),
    Service(aggregation_service::aggregates("/redfish/v1/AggregationService/Aggregates/{Aggregate}")),
    Service(
        Resource::of_service("/redfish/v1/JobService", "JobService.v1_1_0.JobService", job_service::get)
            .allowed_by(Access::MANAGER),
    ),
    Node(
        Resource::of_node("/redfish/v1/JobService/Jobs/{Node-Job}", "Job.v1_3_0.Job", job_service::get_job)
            .many("Job Collection", task::members)
            .of_nodes_with_tasks()
            .allowed_by(Access::MANAGER),
    ),
    Service(
        Resource::of_service(
            "/redfish/v1/LicenseService",
            "LicenseService.v1_1_2.LicenseService",
            license::get_service,
        )
        .with_actions(license::ACTIONS)
        .allowed_by(Access::MANAGER),
    ),
    Node(license::row("/redfish/v1/LicenseService/Licenses/{Node-License}")),
    Node(
        Resource::of_node(
            "/redfish/v1/ComponentIntegrity/{Node-Component}",
            "ComponentIntegrity.v1_4_0.ComponentIntegrity",
            component_integrity::get,
        )
        .many("Component Integrity Collection", component_integrity::members)
        .allowed_by(Access::MANAGER),
    ),
    Node(
        Resource::of_node("/redfish/v1/Cables/{Node-Cable}", "Cable.v1_2_4.Cable", cable::get)
            .many("Cable Collection", cable::members),
    ),
    Service(
        Resource::of_service(
            "/redfish/v1/CertificateService",
            "CertificateService.v1_2_2.CertificateService",
            certificate_service::get,
        )
        .with_actions(certificate_service::ACTIONS)
        .allowed_by(Access::MANAGER),
    ),
    Service(
        Resource::of_service(
            "/redfish/v1/CertificateService/CertificateLocations",
            "CertificateLocations.v1_0_4.CertificateLocations",
            certificate_service::get_locations,
        )
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
