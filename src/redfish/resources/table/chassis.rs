//! The rows of a chassis and of everything below it.

use crate::redfish::access::Access;
use crate::redfish::resource::Entry::{self, Node};
use crate::redfish::resource::Resource;
use crate::redfish::resources::{
    assembly, battery, chassis, control, drive, environment_metrics, network_adapter, network_interface,
    pcie_device, port, power, power_subsystem, sensor, thermal, thermal_subsystem, trusted_component,
};

pub(super) static ROWS: &[Entry] = &[
    Node(
        Resource::of_node("/redfish/v1/Chassis/{Chassis}", "Chassis.v1_28_0.Chassis", chassis::get)
            .many("Chassis Collection", |cx, each| each(cx.model.chassis_id()))
            .patched_by(chassis::patch)
            .with_actions(chassis::ACTIONS)
            .offering(|model, _| !model.profile.chassis.reset_types.is_empty()),
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
            "/redfish/v1/Chassis/{Chassis}/PowerSubsystem/Batteries/{Battery}",
            "Battery.v1_5_0.Battery",
            battery::get,
        )
        .many("Battery Collection", battery::members)
        .only_if(battery::present)
        .allowed_by(Access::MANAGER),
    ),
    Node(
        Resource::of_node(
            "/redfish/v1/Chassis/{Chassis}/PowerSubsystem/Batteries/{Battery}/Metrics",
            "BatteryMetrics.v1_1_0.BatteryMetrics",
            battery::get_metrics,
        )
        .only_if(battery::present)
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
    Node(
        Resource::of_node(
            "/redfish/v1/Chassis/{Chassis}/NetworkAdapters/{Adapter}/NetworkDeviceFunctions/{Function}",
            "NetworkDeviceFunction.v1_11_1.NetworkDeviceFunction",
            network_interface::get_function,
        )
        .many("Network Device Function Collection", port::members),
    ),
    Node(
        Resource::of_node(
            "/redfish/v1/Chassis/{Chassis}/PCIeDevices/{Device}",
            "PCIeDevice.v1_22_0.PCIeDevice",
            pcie_device::get,
        )
        .many("PCIe Device Collection", pcie_device::members),
    ),
    Node(
        Resource::of_node(
            "/redfish/v1/Chassis/{Chassis}/PCIeDevices/{Device}/PCIeFunctions/{Function}",
            "PCIeFunction.v1_7_0.PCIeFunction",
            pcie_device::get_function,
        )
        .many("PCIe Function Collection", pcie_device::functions),
    ),
    Node(
        Resource::of_node(
            "/redfish/v1/Chassis/{Chassis}/PCIeSlots",
            "PCIeSlots.v1_6_1.PCIeSlots",
            pcie_device::get_slots,
        )
        .only_if(pcie_device::has_slots),
    ),
    Node(
        Resource::of_node(
            "/redfish/v1/Chassis/{Chassis}/TrustedComponents/{Component}",
            "TrustedComponent.v1_5_0.TrustedComponent",
            trusted_component::get,
        )
        .many("Trusted Component Collection", trusted_component::members)
        .only_if(trusted_component::present)
        .allowed_by(Access::MANAGER),
    ),
    Node(Resource::of_node(
        "/redfish/v1/Chassis/{Chassis}/Assembly",
        "Assembly.v1_6_1.Assembly",
        assembly::get,
    )),
];
