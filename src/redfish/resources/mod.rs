//! The table of resources, in the order of the tree. To add a resource, add a file here and its row below.

mod account_service;
mod bios;
mod boot_option;
mod certificate;
mod certificate_service;
mod chassis;
mod common;
mod computer_system;
mod control;
mod drive;
mod environment_metrics;
mod ethernet_interface;
mod event_service;
mod json_schema_file;
mod log_service;
mod manager;
mod manager_network_protocol;
mod memory;
mod metric_report_definition;
mod network_adapter;
mod port;
mod power;
mod power_subsystem;
mod processor;
mod registry;
mod role;
mod secure_boot;
mod sensor;
mod service_root;
mod session;
mod simple_storage;
mod software_inventory;
mod storage;
mod storage_controller;
mod table;
mod task;
mod task_service;
mod telemetry_service;
mod thermal;
mod thermal_subsystem;
mod update_service;
mod virtual_media;
mod volume;

pub(super) use event_service::{STREAM, STREAM_GENERIC};

pub(super) use table::RESOURCES;
