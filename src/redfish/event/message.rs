//! The messages that events, tasks and log entries have.
//!
//! Source: DSP8011 2025.4, if an item names no other.

use crate::redfish::message::{Entry, Registry};

/// Defines a registry and its messages: key, severity, text and resolution.
macro_rules! registry {
    (
        $(#[$meta:meta])* $registry:ident $prefix:literal $minor:literal $version:literal $title:literal
        $($name:ident $key:literal $severity:literal $text:literal $resolution:literal)+
    ) => {
        $(#[$meta])*
        pub(in crate::redfish) static $registry: Registry = Registry {
            id: concat!($prefix, ".", $minor),
            prefix: $prefix,
            version: $version,
            name: $title,
            owner: "DMTF",
            messages: &[$(&$name),+],
        };
        $(pub(in crate::redfish) static $name: Entry = Entry {
            registry: concat!($prefix, ".", $minor),
            key: $key,
            severity: $severity,
            text: $text,
            resolution: $resolution,
        };)+
    };
}

registry! {
    /// The messages about the life of resources.
    RESOURCE_EVENT "ResourceEvent" "1.4" "1.4.3" "Resource Event Message Registry"
    RESOURCE_CREATED "ResourceCreated" "OK"
        "The resource was created successfully."
        "None."
    RESOURCE_REMOVED "ResourceRemoved" "OK"
        "The resource was removed successfully."
        "None."
    RESOURCE_CHANGED "ResourceChanged" "OK"
        "One or more resource properties have changed."
        "None."
    RESOURCE_POWERING_ON "ResourcePoweringOn" "OK"
        "The resource '%1' is powering on."
        "None."
    RESOURCE_POWERED_ON "ResourcePoweredOn" "OK"
        "The resource '%1' has powered on."
        "None."
    RESOURCE_POWERING_OFF "ResourcePoweringOff" "OK"
        "The resource '%1' is powering off."
        "None."
    RESOURCE_POWERED_OFF "ResourcePoweredOff" "OK"
        "The resource '%1' has powered off."
        "None."
    RESOURCE_STATE_CHANGED "ResourceStateChanged" "OK"
        "The state of resource '%1' has changed to %2."
        "None."
    RESOURCE_SELF_TEST_COMPLETED "ResourceSelfTestCompleted" "OK"
        "A self-test has completed."
        "None."
    RESOURCE_ERRORS_DETECTED "ResourceErrorsDetected" "Warning"
        "The resource property %1 has detected errors of type '%2'."
        "Resolution is dependent upon error type."
    RESOURCE_STATUS_CHANGED_OK "ResourceStatusChangedOK" "OK"
        "The health of resource '%1' has changed to %2."
        "None."
    RESOURCE_STATUS_CHANGED_WARNING "ResourceStatusChangedWarning" "Warning"
        "The health of resource '%1' has changed to %2."
        "None."
    RESOURCE_STATUS_CHANGED_CRITICAL "ResourceStatusChangedCritical" "Critical"
        "The health of resource '%1' has changed to %2."
        "None."
    TEST_MESSAGE "TestMessage" "OK"
        "Test message."
        "None."
}

registry! {
    /// The messages about tasks.
    TASK_EVENT "TaskEvent" "1.0" "1.0.5" "Task Event Message Registry"
    TASK_STARTED "TaskStarted" "OK"
        "The task with Id '%1' has started."
        "None."
    TASK_COMPLETED "TaskCompletedOK" "OK"
        "The task with Id '%1' has completed."
        "None."
    TASK_ABORTED "TaskAborted" "Critical"
        "The task with Id '%1' has completed with errors."
        "None."
    TASK_CANCELLED "TaskCancelled" "Warning"
        "Work on the task with Id '%1' was halted prior to completion due to an explicit request."
        "None."
    TASK_REMOVED "TaskRemoved" "Warning"
        "The task with Id '%1' was removed."
        "None."
}

registry! {
    /// The messages about updates.
    UPDATE "Update" "1.3" "1.3.0" "Update Message Registry"
    TARGET_DETERMINED "TargetDetermined" "OK"
        "The target device '%1' will be updated with image '%2'."
        "None."
    TRANSFERRING_TO_COMPONENT "TransferringToComponent" "OK"
        "Image '%1' is being transferred to '%2'."
        "None."
    TRANSFER_FAILED "TransferFailed" "Critical"
        "Transfer of image '%1' to '%2' failed."
        "None."
    AWAIT_TO_ACTIVATE "AwaitToActivate" "OK"
        "Awaiting for an action to proceed with activating image '%1' on '%2'."
        "Perform the requested action to advance the update operation."
    UPDATE_SUCCESSFUL "UpdateSuccessful" "OK"
        "Device '%1' successfully updated with image '%2'."
        "None."
}

registry! {
    /// The messages about the platform.
    PLATFORM "Platform" "1.3" "1.3.2" "Compute Platform Message Registry"
    PLATFORM_RESET "PlatformReset" "OK"
        "A platform performed a '%1' type of reset."
        "None."
    MEMORY_UNCORRECTABLE_ERROR "MemoryUncorrectableError" "Critical"
        "Memory device '%1' detected an uncorrectable error."
        "Check additional diagnostic data if available.  Check the platform and connectors for any faults."
}

registry! {
    /// The messages about the BMC.
    MANAGER_EVENT "ManagerEvent" "1.0" "1.0.0" "Manager Event Message Registry"
    MANAGER_RESET "ManagerReset" "OK"
        "Manager `%1` performed a '%2' type of reset."
        "None."
}

registry! {
    /// The messages about the service.
    HEARTBEAT_EVENT "HeartbeatEvent" "1.1" "1.1.1" "Heartbeat Event Message Registry"
    REDFISH_SERVICE_STARTED "RedfishServiceStarted" "OK"
        "Redfish service started."
        "None."
}

registry! {
    /// The messages about drives and volumes.
    STORAGE_DEVICE "StorageDevice" "1.5" "1.5.1" "Storage Device Message Registry"
    DRIVE_INSERTED "DriveInserted" "OK"
        "The drive located in '%1' was inserted."
        "If the drive is not properly displayed, attempt to refresh the cached data."
    DRIVE_FAILURE "DriveFailure" "Critical"
        "A failure condition for the drive located in '%1' was detected."
        "Ensure all cables are properly and securely connected.  Ensure all drives are fully seated.  Replace the defective cables, drive, or both."
    DRIVE_FAILURE_CLEARED "DriveFailureCleared" "OK"
        "A failure condition for the drive located in '%1' was cleared."
        "None."
    DRIVE_REMOVED "DriveRemoved" "Critical"
        "The drive located in '%1' was removed."
        "If the drive is still displayed, attempt to refresh the cached data."
    VOLUME_OK "VolumeOK" "OK"
        "The health of volume '%1' that is attached to the storage controller located in '%2' has changed to OK."
        "None."
    VOLUME_DEGRADED "VolumeDegraded" "Warning"
        "The volume '%1' attached to the storage controller located in '%2' is degraded."
        "Ensure all cables are properly and securely connected.  Replace failed drives."
    VOLUME_FAILURE "VolumeFailure" "Critical"
        "The volume '%1' attached to the storage controller located in '%2' has failed."
        "Ensure all cables are properly and securely connected.  Ensure all drives are fully seated and operational."
}

registry! {
    /// The messages about network devices.
    NETWORK_DEVICE "NetworkDevice" "1.1" "1.1.1" "Network Device Message Registry"
    CABLE_INSERTED "CableInserted" "OK"
        "A network cable was inserted into network adapter '%1' port '%2'."
        "None."
    CABLE_REMOVED "CableRemoved" "OK"
        "A cable was removed from network adapter '%1' port '%2'."
        "None."
}

registry! {
    /// The messages about logs.
    LOG_SERVICE "LogService" "1.1" "1.1.0" "Log Service Message Registry"
    LOG_CLEARED "LogCleared" "OK"
        "Log '%1' was cleared."
        "None."
    DIAGNOSTIC_DATA_COLLECTED "DiagnosticDataCollected" "OK"
        "'%1' diagnostic data collected."
        "None."
}

registry! {
    /// The messages about the environment: temperatures and fans.
    ENVIRONMENTAL "Environmental" "1.4" "1.4.0" "Environmental Message Registry"
    TEMPERATURE_ABOVE_UPPER_CAUTION_THRESHOLD "TemperatureAboveUpperCautionThreshold" "Warning"
        "Temperature '%1' reading of %2 degrees (C) is above the %3 upper caution threshold."
        "Check the condition of the resource listed in OriginOfCondition."
    TEMPERATURE_ABOVE_UPPER_CRITICAL_THRESHOLD "TemperatureAboveUpperCriticalThreshold" "Critical"
        "Temperature '%1' reading of %2 degrees (C) is above the %3 upper critical threshold."
        "Check the condition of the resource listed in OriginOfCondition."
    TEMPERATURE_ABOVE_UPPER_FATAL_THRESHOLD "TemperatureAboveUpperFatalThreshold" "Critical"
        "Temperature '%1' reading of %2 degrees (C) is above the %3 upper fatal threshold."
        "Check the condition of the resource listed in OriginOfCondition."
    TEMPERATURE_BELOW_UPPER_CRITICAL_THRESHOLD "TemperatureBelowUpperCriticalThreshold" "Warning"
        "Temperature '%1' reading of %2 degrees (C) is now below the %3 upper critical threshold but remains outside of normal range."
        "Check the condition of the resource listed in OriginOfCondition."
    TEMPERATURE_BELOW_UPPER_FATAL_THRESHOLD "TemperatureBelowUpperFatalThreshold" "Critical"
        "Temperature '%1' reading of %2 degrees (C) is now below the %3 upper fatal threshold but remains outside of normal range."
        "Check the condition of the resource listed in OriginOfCondition."
    TEMPERATURE_BELOW_LOWER_CAUTION_THRESHOLD "TemperatureBelowLowerCautionThreshold" "Warning"
        "Temperature '%1' reading of %2 degrees (C) is below the %3 lower caution threshold."
        "Check the condition of the resource listed in OriginOfCondition."
    TEMPERATURE_BELOW_LOWER_CRITICAL_THRESHOLD "TemperatureBelowLowerCriticalThreshold" "Critical"
        "Temperature '%1' reading of %2 degrees (C) is below the %3 lower critical threshold."
        "Check the condition of the resource listed in OriginOfCondition."
    TEMPERATURE_BELOW_LOWER_FATAL_THRESHOLD "TemperatureBelowLowerFatalThreshold" "Critical"
        "Temperature '%1' reading of %2 degrees (C) is below the %3 lower fatal threshold."
        "Check the condition of the resource listed in OriginOfCondition."
    TEMPERATURE_ABOVE_LOWER_CRITICAL_THRESHOLD "TemperatureAboveLowerCriticalThreshold" "Warning"
        "Temperature '%1' reading of %2 degrees (C) is now above the %3 lower critical threshold but remains outside of normal range."
        "Check the condition of the resource listed in OriginOfCondition."
    TEMPERATURE_ABOVE_LOWER_FATAL_THRESHOLD "TemperatureAboveLowerFatalThreshold" "Critical"
        "Temperature '%1' reading of %2 degrees (C) is now above the %3 lower fatal threshold but remains outside of normal range."
        "Check the condition of the resource listed in OriginOfCondition."
    TEMPERATURE_NORMAL "TemperatureNormal" "OK"
        "Temperature '%1' reading of %2 degrees (C) is within normal operating range."
        "None."
    FAN_FAILED "FanFailed" "Critical"
        "Fan '%1' has failed."
        "Check the fan hardware and replace any faulty component."
    FAN_WARNING "FanWarning" "Warning"
        "Fan '%1' has a warning condition."
        "Check the fan hardware and replace any faulty component."
    FAN_RESTORED "FanRestored" "OK"
        "Fan '%1' was restored."
        "None."
}

registry! {
    /// The messages about power.
    POWER "Power" "1.2" "1.2.0" "Power Message Registry"
    LOSS_OF_INPUT_POWER "LossOfInputPower" "Warning"
        "Loss of input power at '%1'."
        "Check the electrical power input and connections."
    LINE_INPUT_POWER_FAULT "LineInputPowerFault" "Warning"
        "Line input power fault at '%1'."
        "Check the electrical power input and connections."
    LINE_INPUT_POWER_RESTORED "LineInputPowerRestored" "OK"
        "Line input power at '%1' was restored."
        "None."
    POWER_SUPPLY_FAILED "PowerSupplyFailed" "Critical"
        "Power supply '%1' has failed."
        "Check the power supply hardware and replace any faulty component."
    POWER_SUPPLY_WARNING "PowerSupplyWarning" "Warning"
        "Power supply '%1' has a warning condition."
        "Check the power supply hardware and replace any faulty component."
    POWER_SUPPLY_RESTORED "PowerSupplyRestored" "OK"
        "Power supply '%1' was restored."
        "None."
}

/// The message of the entries of a log of POST codes. They are no events.
pub(in crate::redfish) static POST_CODES: Registry = Registry {
    id: "OpenBMC.0.2",
    prefix: "OpenBMC",
    version: "0.2.0",
    name: "OpenBMC Message Registry",
    owner: "OpenBMC",
    messages: &[&BIOS_POST_CODE],
};

/// The number of the start, seconds since its first code, and the code.
///
/// Source: bmcweb, `redfish-core/include/registries/openbmc_message_registry.hpp`.
pub(in crate::redfish) static BIOS_POST_CODE: Entry = Entry {
    registry: "OpenBMC.0.2",
    key: "BIOSPOSTCode",
    severity: "OK",
    text: "Boot Count: %1: TS Offset: %2; POST Code: %3",
    resolution: "None.",
};

registry! {
    /// The messages about accounts.
    ACCOUNT_SECURITY "AccountSecurity" "1.0" "1.0.1" "AccountSecurity Message Registry"
    ACCOUNT_LOCKED "AccountLocked" "Critical"
        "Account '%1' was locked due to excessive failed authorization attempts."
        "None."
    ACCOUNT_LOCKOUT_EXPIRED "AccountLockoutExpired" "OK"
        "Account '%1' was unlocked following the expiration of a lockout timer."
        "None."
    ACCOUNT_UNLOCKED "AccountUnlocked" "OK"
        "Account '%1' was unlocked by an administrator."
        "None."
}

/// All registries of events, tasks and log entries.
pub(in crate::redfish) static REGISTRIES: &[&Registry] = &[
    &RESOURCE_EVENT,
    &ENVIRONMENTAL,
    &POWER,
    &TASK_EVENT,
    &UPDATE,
    &PLATFORM,
    &MANAGER_EVENT,
    &HEARTBEAT_EVENT,
    &STORAGE_DEVICE,
    &NETWORK_DEVICE,
    &LOG_SERVICE,
    &ACCOUNT_SECURITY,
];
