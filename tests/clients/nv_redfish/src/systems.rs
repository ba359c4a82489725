//! Systems and chassis, with all that is in them.

use nv_redfish::computer_system::{BiosUpdate, BootOptionReference, ComputerSystemUpdate, Storage};
use nv_redfish::control::{ControlMode, ControlUpdate};
use nv_redfish::core::{EdmPrimitiveType, EntityTypeRef, Reference};
use nv_redfish::resource::{PowerState, ResetType};
use nv_redfish::schema::bios::AttributesUpdate;
use nv_redfish::schema::chassis::ChassisType;
use nv_redfish::schema::computer_system::{BootSource, BootSourceOverrideEnabled, BootSourceOverrideMode};
use nv_redfish::schema::resource::State;
use nv_redfish::schema::secure_boot::SecureBootUpdate;
use nv_redfish::schema::volume::{LinksCreate, RaidType, VolumeCreate};

use crate::{Bmc, Result, Target, check, done, first, holds, same, some, until};

pub async fn check_all(target: &Target) {
    check("ServiceRoot::systems SystemCollection::members", async {
        let members = some(target.root().await?.systems().await?, "Systems")?.members().await?;
        same(members.len(), 1)
    })
    .await;
    check(
        "ComputerSystem::raw ComputerSystem::hardware_id HardwareIdRef::cloned ComputerSystem::sku",
        async {
            let system = target.system().await?;
            let id = system.hardware_id().cloned();
            holds(
                id.manufacturer.is_some() && id.model.is_some(),
                "a system has a manufacturer and a model",
            )?;
            holds(id.serial_number.is_some(), "a system has a serial number")?;
            let sku = system.raw().sku.clone().flatten();
            same(system.sku().map(|sku| sku.inner().to_string()), sku)
        },
    )
    .await;
    check("ComputerSystem::reset ComputerSystem::power_state", async {
        power(target, ResetType::On, PowerState::On).await?;
        power(target, ResetType::ForceOff, PowerState::Off).await
    })
    .await;
    check("ComputerSystem::update", async {
        let update = ComputerSystemUpdate::builder().with_asset_tag("from nv-redfish".to_owned()).build();
        done(target.system().await?.update(&update).await?)?;
        same(target.system().await?.raw().asset_tag.clone().flatten().as_deref(), Some("from nv-redfish"))
    })
    .await;
    check("ComputerSystem::boot_order ComputerSystem::set_boot_order", async {
        let mut order = some(target.system().await?.boot_order(), "BootOrder")?
            .iter()
            .map(|option| option.inner().to_string())
            .collect::<Vec<_>>();
        order.reverse();
        let wanted = order.iter().cloned().map(BootOptionReference::new).collect();
        done(target.system().await?.set_boot_order(wanted).await?)?;
        let system = target.system().await?;
        let found = some(system.boot_order(), "BootOrder")?;
        same(found.iter().map(|option| option.inner().to_string()).collect(), order)
    })
    .await;
    check("ComputerSystem::set_boot_source_override", async {
        let (target_of_boot, once) = (BootSource::Pxe, BootSourceOverrideEnabled::Once);
        let mode = Some(BootSourceOverrideMode::Uefi);
        done(target.system().await?.set_boot_source_override(target_of_boot, once, mode, None).await?)?;
        let system = target.system().await?.raw();
        let boot = some(system.boot.as_ref(), "Boot")?;
        same(boot.boot_source_override_target.flatten(), Some(BootSource::Pxe))?;
        same(boot.boot_source_override_enabled.flatten(), Some(BootSourceOverrideEnabled::Once))
    })
    .await;
    check("ComputerSystem::boot_options BootOptionCollection::members BootOption::raw BootOption::boot_reference \
           BootOption::enabled BootOption::display_name BootOption::uefi_device_path", async {
        let system = target.system().await?;
        let options = some(system.boot_options().await?, "BootOptions")?.members().await?;
        let order = some(system.boot_order(), "BootOrder")?;
        for option in &options {
            let reference = option.boot_reference();
            holds(order.iter().any(|one| one.inner() == reference.inner()), "a boot option is in the order")?;
            holds(option.display_name().is_some(), "a boot option has a name")?;
            same(option.uefi_device_path().is_some(), option.raw().uefi_device_path.clone().flatten().is_some())?;
            same(option.enabled(), option.raw().boot_option_enabled.flatten())?;
        }
        holds(!options.is_empty(), "a system has boot options")
    })
    .await;
    check("ComputerSystem::bios Bios::raw Bios::settings Bios::update Bios::attribute BiosAttributeRef::is_null \
           BiosAttributeRef::str_value BiosAttributeRef::bool_value BiosAttributeRef::integer_value \
           BiosAttributeRef::decimal_value", async { bios(target).await })
    .await;
    check("Bios::reset", async {
        let bios = some(target.system().await?.bios().await?, "Bios")?;
        // The answer may be a task.
        let _ = bios.reset().await?;
        Ok(())
    })
    .await;
    check(
        "ComputerSystem::processors Processor::raw Processor::metrics ProcessorMetrics::raw Processor::environment_metrics",
        async {
            let processors = some(target.system().await?.processors().await?, "Processors")?;
            same(processors.len(), 2)?;
            for processor in &processors {
                holds(processor.raw().total_cores.flatten().unwrap_or(0) > 0, "a processor has cores")?;
                // Not every model has metrics.
                let (metrics, environment) =
                    (processor.metrics().await?, processor.environment_metrics().await?);
                holds(
                    metrics.is_some() == environment.is_some(),
                    "a processor has both kinds of metrics, or none",
                )?;
                if let Some(metrics) = metrics {
                    let speed = metrics.raw().operating_speed_mhz.flatten();
                    holds(speed.unwrap_or(0) > 0, "the metrics have a speed")?;
                }
            }
            Ok(())
        },
    )
    .await;
    check("Processor::environment_sensor_links Processor::metrics_sensor_links Processor::environment_power_limit_control", async {
        let processor =
            first(some(target.system().await?.processors().await?, "Processors")?, "a processor")?;
        // The temperature, in a model with metrics.
        let sensors = usize::from(processor.environment_metrics().await?.is_some());
        same(processor.environment_sensor_links().await?.len(), sensors)?;
        holds(processor.environment_power_limit_control().await?.is_none(), "a processor has no power limit")?;
        same(processor.metrics_sensor_links().await?.len(), 0)
    })
    .await;
    check(
        "ComputerSystem::memory_modules Memory::raw Memory::metrics MemoryMetrics::raw Memory::environment_metrics \
           Memory::environment_sensor_links Memory::environment_power_limit_control",
        async {
            let modules = some(target.system().await?.memory_modules().await?, "Memory")?;
            for module in &modules {
                holds(module.raw().capacity_mi_b.flatten().unwrap_or(0) > 0, "a module has a capacity")?;
            }
            let module = first(modules, "a module")?;
            if let Some(metrics) = module.metrics().await? {
                let speed = metrics.raw().operating_speed_mhz.flatten();
                holds(speed.unwrap_or(0) > 0, "the metrics have a speed")?;
            }
            holds(module.environment_power_limit_control().await?.is_none(), "a module has no power limit")?;
            holds(module.environment_metrics().await?.is_none(), "a module has no environment metrics")?;
            same(module.environment_sensor_links().await?.len(), 0)
        },
    )
    .await;
    check(
        "ComputerSystem::secure_boot SecureBoot::raw SecureBoot::update SecureBoot::secure_boot_enable \
           SecureBoot::secure_boot_current_boot",
        async {
            let secure = some(target.system().await?.secure_boot().await?, "SecureBoot")?;
            holds(secure.secure_boot_current_boot().is_some(), "the state of the last boot is known")?;
            let wanted = !secure.secure_boot_enable().unwrap_or(false);
            done(secure.update(&SecureBootUpdate::builder().with_secure_boot_enable(wanted).build()).await?)?;
            let secure = some(target.system().await?.secure_boot().await?, "SecureBoot")?;
            same(secure.secure_boot_enable(), Some(wanted))?;
            same(secure.raw().secure_boot_enable.flatten(), Some(wanted))
        },
    )
    .await;
    check("SecureBoot::reset_keys", async {
        let secure = some(target.system().await?.secure_boot().await?, "SecureBoot")?;
        done(
            secure.reset_keys(nv_redfish::schema::secure_boot::ResetKeysType::ResetAllKeysToDefault).await?,
        )?;
        Ok(())
    })
    .await;
    check("ComputerSystem::ethernet_interfaces EthernetInterfaceCollection::members EthernetInterface::raw \
           EthernetInterface::interface_enabled EthernetInterface::link_status EthernetInterface::mac_address \
           EthernetInterface::permanent_mac_address EthernetInterface::uefi_device_path MacAddress::as_str", async {
        let interfaces = some(target.system().await?.ethernet_interfaces().await?, "EthernetInterfaces")?.members().await?;
        for interface in &interfaces {
            holds(interface.mac_address().is_some_and(|mac| mac.as_str().len() == 17), "an interface has a MAC address")?;
            let raw = interface.raw();
            same(interface.interface_enabled(), raw.interface_enabled.flatten())?;
            same(interface.link_status(), raw.link_status.flatten())?;
            same(interface.permanent_mac_address().is_some(), raw.permanent_mac_address.clone().flatten().is_some())?;
            same(interface.uefi_device_path().is_some(), raw.uefi_device_path.clone().flatten().is_some())?;
        }
        holds(!interfaces.is_empty(), "a system has interfaces")
    })
    .await;
    storage(target).await;
    chassis(target).await;
}

/// Resets the machine, and waits until it is on or off.
pub async fn power(target: &Target, reset: ResetType, wanted: PowerState) -> Result {
    // Some models refuse a reset to the state that the machine has.
    if target.system().await?.power_state() != Some(wanted) {
        done(target.system().await?.reset(Some(reset)).await?)?;
    }
    until("PowerState", async || Ok(target.system().await?.power_state() == Some(wanted))).await
}

async fn bios(target: &Target) -> Result {
    let bios = some(target.system().await?.bios().await?, "Bios")?;
    let name = target.attribute.as_str();
    let attribute = some(bios.attribute(name), "the attribute")?;
    let now = some(attribute.str_value(), "a text")?.to_owned();
    holds(!attribute.is_null() && attribute.bool_value().is_none(), "the attribute is a text")?;
    holds(
        attribute.integer_value().is_none() && attribute.decimal_value().is_none(),
        "the attribute is no number",
    )?;
    let wanted = if now == "Enabled" { "Disabled" } else { "Enabled" };
    let value = Some(EdmPrimitiveType::String(wanted.to_owned()));
    let attributes =
        AttributesUpdate::builder().with_dynamic_properties([(name.to_owned(), value)].into()).build();
    let settings = some(bios.settings().await?, "settings")?;
    done(settings.update(&BiosUpdate::builder().with_attributes(attributes).build()).await?)?;
    let settings = some(bios.settings().await?, "settings")?;
    same(
        settings.attribute(name).and_then(|found| found.str_value().map(str::to_owned)).as_deref(),
        Some(wanted),
    )?;
    holds(settings.raw().attributes.is_some(), "settings have attributes")
}

async fn storages(target: &Target) -> Result<Vec<Storage<Bmc>>> {
    some(target.system().await?.storage_controllers().await?, "Storage")
}

async fn storage(target: &Target) {
    check("ComputerSystem::storage_controllers StorageCollection::members Storage::raw", async {
        let found = storages(target).await?;
        holds(found.iter().all(|storage| storage.raw().drives.is_some()), "each storage has drives")?;
        holds(!found.is_empty(), "a system has storage")
    })
    .await;
    check("Storage::controllers StorageController::raw", async {
        let controllers =
            some(first(storages(target).await?, "a storage")?.controllers().await?, "Controllers")?;
        holds(first(controllers, "a controller")?.raw().model.is_some(), "a controller has a model")
    })
    .await;
    check("Storage::drives Drive::raw Drive::metrics Drive::environment_metrics Drive::environment_sensor_links \
           Drive::environment_power_limit_control", async {
        let drives = some(first(storages(target).await?, "a storage")?.drives().await?, "Drives")?;
        let drive = first(drives, "a drive")?;
        holds(drive.raw().capacity_bytes.flatten().unwrap_or(0) > 0, "a drive has a capacity")?;
        if let Some(metrics) = drive.metrics().await? {
            same(metrics.bad_block_count.flatten(), Some(0))?;
        }
        holds(drive.environment_power_limit_control().await?.is_none(), "a drive has no power limit")?;
        holds(drive.environment_metrics().await?.is_none(), "a drive has no environment metrics")?;
        same(drive.environment_sensor_links().await?.len(), 0)
    })
    .await;
    check("Storage::volumes VolumeCollection::odata_id VolumeCollection::members VolumeCollection::create Volume::raw", async {
        let storage = first(storages(target).await?, "a storage")?;
        let volumes = some(storage.volumes(), "Volumes")?;
        holds(volumes.odata_id().to_string().ends_with("/Volumes"), "the collection has its URI")?;
        let before = volumes.members().await?.len();
        let raw = storage.raw();
        let drives = some(raw.drives.as_ref(), "Drives")?.iter().take(2);
        let drives = drives.map(Reference::from).collect();
        let create = VolumeCreate::builder()
            .with_raid_type(RaidType::Raid1)
            .with_links(LinksCreate::builder().with_drives(drives).build())
            .build();
        // The answer may be a task.
        let _ = volumes.create(&create).await?;
        // The volume takes the place of two drives that were passed through.
        until("the volume is there", async || {
            let after = volumes.members().await?;
            let raid = after.iter().any(|one| one.raw().raid_type.flatten() == Some(RaidType::Raid1));
            Ok(raid && after.len() == before - 1)
        })
        .await
    })
    .await;
}

async fn chassis(target: &Target) {
    check("ServiceRoot::chassis ChassisCollection::members Chassis::raw Chassis::hardware_id", async {
        let chassis = target.chassis().await?;
        holds(chassis.hardware_id().serial_number.is_some(), "a chassis has a serial number")?;
        same(chassis.raw().chassis_type, ChassisType::RackMount)
    })
    .await;
    check("ServiceRoot::chassis_links EntityLink::odata_id EntityLink::nav EntityLink::fetch EntityLink::upgrade", async {
        let link = first(some(target.root().await?.chassis_links().await?, "Chassis")?, "a chassis")?;
        same(link.odata_id().to_string(), link.nav().id().to_string())?;
        let one = link.fetch().await?;
        same(one.odata_id().to_string(), link.odata_id().to_string())?;
        let chassis: nv_redfish::chassis::Chassis<Bmc> = link.upgrade().await?;
        same(chassis.raw().odata_id().to_string(), link.odata_id().to_string())
    })
    .await;
    check(
        "Chassis::power_supplies PowerSupply::raw PowerSupply::metrics PowerSupply::metrics_sensor_links",
        async {
            let supplies = target.chassis().await?.power_supplies().await?;
            same(supplies.len(), 2)?;
            let supply = first(supplies, "a power supply")?;
            holds(supply.raw().status.is_some(), "a power supply has a status")?;
            // Input voltage and output power, in a model with metrics.
            let sensors = if supply.metrics().await?.is_some() { 2 } else { 0 };
            same(supply.metrics_sensor_links().await?.len(), sensors)
        },
    )
    .await;
    check("Chassis::power Power::raw", async {
        let power = some(target.chassis().await?.power().await?, "Power")?;
        holds(power.raw().power_control.is_some(), "Power has PowerControl")
    })
    .await;
    check("Chassis::thermal Thermal::raw", async {
        let thermal = some(target.chassis().await?.thermal().await?, "Thermal")?;
        holds(thermal.raw().fans.is_some(), "Thermal has fans")
    })
    .await;
    check("Chassis::network_adapters NetworkAdapterCollection::members NetworkAdapter::raw NetworkAdapter::hardware_id \
           NetworkAdapter::settings", async {
        let adapters = some(target.chassis().await?.network_adapters().await?, "NetworkAdapters")?;
        let adapter = first(adapters, "an adapter")?;
        holds(adapter.hardware_id().manufacturer.is_some(), "an adapter has a manufacturer")?;
        holds(adapter.raw().ports.is_some(), "an adapter has ports")?;
        holds(adapter.settings().await?.is_none(), "an adapter has no settings")
    })
    .await;
    check(
        "NetworkAdapter::ports PortCollection::members PortCollection::member_links Port::raw \
           Port::associated_mac_addresses",
        async {
            let adapter = first(
                some(target.chassis().await?.network_adapters().await?, "NetworkAdapters")?,
                "an adapter",
            )?;
            let ports = some(adapter.ports().await?, "Ports")?;
            let members = ports.members().await?;
            same(ports.member_links().len(), members.len())?;
            let port = first(members, "a port")?;
            holds(port.raw().link_status.is_some(), "a port has a link status")?;
            holds(!port.associated_mac_addresses().is_empty(), "a port has MAC addresses")
        },
    )
    .await;
    check("Chassis::sensor_links", async {
        let links = some(target.chassis().await?.sensor_links().await?, "Sensors")?;
        let sensor = first(links, "a sensor")?.fetch().await?;
        holds(sensor.reading.is_some(), "a sensor has a reading")?;
        same(sensor.status.as_ref().and_then(|status| status.state.flatten()), Some(State::Enabled))
    })
    .await;
    check(
        "Chassis::environment_sensor_links Chassis::environment_metrics EnvironmentMetrics::raw \
           EnvironmentMetrics::sensor_links EnvironmentMetrics::power_limit_control",
        async {
            let chassis = target.chassis().await?;
            let links = chassis.environment_sensor_links().await?.len();
            match chassis.environment_metrics().await? {
                Some(metrics) => {
                    holds(metrics.raw().power_watts.is_some(), "the metrics have a power draw")?;
                    holds(metrics.power_limit_control().await?.is_some(), "the metrics have a power limit")?;
                    holds(links > 2, "the metrics have a temperature, a power draw and fans")?;
                    same(metrics.sensor_links().len(), links)
                }
                // Not every model has metrics.
                None => same(links, 0),
            }
        },
    )
    .await;
    check(
        "Chassis::controls Chassis::environment_power_limit_control Control::raw Control::update \
           ControlCollection::members ControlCollection::raw",
        async {
            let chassis = target.chassis().await?;
            // Not every model has controls.
            let Some(controls) = chassis.controls().await? else { return Ok(()) };
            same(controls.len(), 1)?;
            let limit = some(chassis.environment_power_limit_control().await?, "a power limit")?;
            done(limit.update(&ControlUpdate::builder().with_set_point(300.0).build()).await?)?;
            let limit = some(chassis.environment_power_limit_control().await?, "a power limit")?;
            same(limit.raw().set_point.flatten(), Some(300.0))?;
            done(
                limit
                    .update(&ControlUpdate::builder().with_control_mode(ControlMode::Disabled).build())
                    .await?,
            )
        },
    )
    .await;
}
