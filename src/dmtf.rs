//! Enumerations of the Redfish schemas, spelt exactly as DMTF spells them.
//!
//! Source: Redfish schema bundle DSP8010 2026.1: `ComputerSystem`, `Resource`, `VirtualMedia`, `SecureBoot`, `SecureBootDatabase`,
//! `Role`, `Privileges`, `EventDestination`, `Event`, `LogService`, `LogEntry`, `MetricReportDefinition`, `EthernetInterface`,
//! `ManagerNetworkProtocol`.

/// Defines an enumeration, the text of each value, and the parser for it.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$vmeta:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[expect(missing_docs, reason = "the schema defines the values")]
        pub enum $name { $($(#[$vmeta])* #[serde(rename = $text)] $variant),+ }

        impl $name {
            /// All values, in the order of the schema.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The value as Redfish sends it.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            /// The value with exactly this text; the case matters.
            pub fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|w| w.as_str() == text)
            }
        }
    };
}

words! {
    /// `Resource.PowerState`, without `Paused`: no simulated machine can be paused.
    PowerState { On = "On", Off = "Off", PoweringOn = "PoweringOn", PoweringOff = "PoweringOff" }
}

words! {
    /// What follows after failed deliveries: `EventDestination.DeliveryRetryPolicy`.
    DeliveryRetryPolicy {
        TerminateAfterRetries = "TerminateAfterRetries", SuspendRetries = "SuspendRetries",
        RetryForever = "RetryForever", RetryForeverWithBackoff = "RetryForeverWithBackoff",
    }
}

words! {
    /// `Event.EventType`, which `MessageId` has replaced.
    EventType {
        StatusChange = "StatusChange", ResourceUpdated = "ResourceUpdated", ResourceAdded = "ResourceAdded",
        ResourceRemoved = "ResourceRemoved", Alert = "Alert", MetricReport = "MetricReport", Other = "Other",
    }
}

words! {
    /// What a full log does: `LogService.OverWritePolicy`, without `Unknown`.
    OverWritePolicy { WrapsWhenFull = "WrapsWhenFull", NeverOverWrites = "NeverOverWrites" }
}

words! {
    /// `LogEntry.LogEntryType`: the types of the logs that models have.
    LogEntryType { Event = "Event", Sel = "SEL", Oem = "Oem" }
}

words! {
    /// `LogService.LogDiagnosticDataTypes`: the types that a simulated BMC can collect. It knows nothing of the operating system.
    DiagnosticDataType { Manager = "Manager", PreOs = "PreOS", Oem = "OEM" }
}

words! {
    /// `Resource.ResetType`: the parameter of `ComputerSystem.Reset` and `Manager.Reset`.
    ResetType {
        On = "On", ForceOff = "ForceOff", GracefulShutdown = "GracefulShutdown", GracefulRestart = "GracefulRestart",
        ForceRestart = "ForceRestart", Nmi = "Nmi", ForceOn = "ForceOn", PushPowerButton = "PushPowerButton",
        PowerCycle = "PowerCycle", FullPowerCycle = "FullPowerCycle",
    }
}

words! {
    /// `ComputerSystem.BootSource`. Words of makers are in [`BootSource`](crate::profile::boot_source::BootSource).
    BootTarget {
        None = "None", Pxe = "Pxe", Floppy = "Floppy", Cd = "Cd", Usb = "Usb", Hdd = "Hdd", BiosSetup = "BiosSetup",
        Utilities = "Utilities", Diags = "Diags", UefiShell = "UefiShell", UefiTarget = "UefiTarget", SdCard = "SDCard",
        UefiHttp = "UefiHttp", RemoteDrive = "RemoteDrive", UefiBootNext = "UefiBootNext", Recovery = "Recovery",
    }
}

words! {
    /// `Task.TaskState`: the states that simulated tasks have.
    TaskState {
        Starting = "Starting", Running = "Running", Pending = "Pending", Completed = "Completed",
        Exception = "Exception", Cancelled = "Cancelled",
    }
}

words! {
    /// `Manager.ResetToDefaultsType`, without `SensorThresholds`: no client can change a threshold.
    ResetToDefaultsType {
        ResetAll = "ResetAll", PreserveNetworkAndUsers = "PreserveNetworkAndUsers",
        PreserveNetwork = "PreserveNetwork",
    }
}

words! {
    /// `Volume.InitializeMethod`, without `Skip`, which asks for no work.
    InitializeMethod { Background = "Background", Foreground = "Foreground" }
}

words! {
    /// `Volume.InitializeType`, which `InitializeMethod` replaces.
    InitializeType { Fast = "Fast", Slow = "Slow" }
}

words! {
    /// `Volume.RAIDType`: the types that controllers support most.
    RaidType {
        Raid0 = "RAID0", Raid1 = "RAID1", Raid5 = "RAID5", Raid6 = "RAID6", Raid10 = "RAID10", Raid50 = "RAID50",
        Raid60 = "RAID60",
    }
}

impl RaidType {
    /// How many of `drives` equal drives hold data; `None` if the type cannot have so many drives. RAID 50 and 60 have two
    /// groups.
    pub fn data_drives(self, drives: u64) -> Option<u64> {
        let even = drives.is_multiple_of(2);
        match self {
            Self::Raid0 => (drives >= 1).then_some(drives),
            Self::Raid1 => (drives == 2).then_some(1),
            Self::Raid5 => (drives >= 3).then(|| drives - 1),
            Self::Raid6 => (drives >= 4).then(|| drives - 2),
            Self::Raid10 => (drives >= 4 && even).then_some(drives / 2),
            Self::Raid50 => (drives >= 6 && even).then(|| drives - 2),
            Self::Raid60 => (drives >= 8 && even).then(|| drives - 4),
        }
    }

    /// The redundancy of a volume with so many drives: the number of drives in a group, and how many of each group may be
    /// missing without a loss of data.
    pub fn redundancy(self, drives: usize) -> (usize, usize) {
        match self {
            Self::Raid0 => (drives, 0),
            Self::Raid1 => (drives, drives.saturating_sub(1)),
            Self::Raid5 => (drives, 1),
            Self::Raid6 => (drives, 2),
            Self::Raid10 => (2, 1),
            Self::Raid50 => (drives / 2, 1),
            Self::Raid60 => (drives / 2, 2),
        }
    }
}

words! {
    /// The duration of a boot override: `ComputerSystem.BootSourceOverrideEnabled`.
    BootOverride { Disabled = "Disabled", Once = "Once", Continuous = "Continuous" }
}

words! {
    /// The mode of the firmware: `ComputerSystem.BootSourceOverrideMode`.
    BootMode { Legacy = "Legacy", Uefi = "UEFI" }
}

words! {
    /// `Resource.IndicatorLED`, without `Unknown`, which a client cannot set.
    IndicatorLed { Lit = "Lit", Blinking = "Blinking", Off = "Off" }
}

words! {
    /// The kinds of virtual media: `VirtualMedia.MediaType`.
    MediaType { Cd = "CD", Floppy = "Floppy", UsbStick = "USBStick", Dvd = "DVD" }
}

words! {
    /// The parameter of `SecureBoot.ResetKeys`: `SecureBoot.ResetKeysType`.
    ResetKeysType {
        ResetAllKeysToDefault = "ResetAllKeysToDefault", DeleteAllKeys = "DeleteAllKeys", DeletePk = "DeletePK",
    }
}

words! {
    /// The databases of UEFI secure boot: `SecureBootDatabase.DatabaseId`.
    SecureBootDatabase {
        Pk = "PK", Kek = "KEK", Db = "db", Dbx = "dbx", Dbr = "dbr", Dbt = "dbt", PkDefault = "PKDefault",
        KekDefault = "KEKDefault", DbDefault = "dbDefault", DbxDefault = "dbxDefault", DbrDefault = "dbrDefault",
        DbtDefault = "dbtDefault",
    }
}

words! {
    /// `Signature.SignatureType` of the registry `UEFI`: the hashes of the UEFI specification 2.10, section 32.4.1.
    SignatureType {
        Sha1 = "EFI_CERT_SHA1_GUID", Sha224 = "EFI_CERT_SHA224_GUID", Sha256 = "EFI_CERT_SHA256_GUID",
        Sha384 = "EFI_CERT_SHA384_GUID", Sha512 = "EFI_CERT_SHA512_GUID", X509Sha256 = "EFI_CERT_X509_SHA256_GUID",
        X509Sha384 = "EFI_CERT_X509_SHA384_GUID", X509Sha512 = "EFI_CERT_X509_SHA512_GUID",
    }
}

words! {
    /// `ComputerSystem.BootProgressTypes`: the states that a simulated machine passes through.
    BootProgress {
        None = "None", PrimaryProcessorInitializationStarted = "PrimaryProcessorInitializationStarted",
        MemoryInitializationStarted = "MemoryInitializationStarted", PciResourceConfigStarted = "PCIResourceConfigStarted",
        SystemHardwareInitializationComplete = "SystemHardwareInitializationComplete", SetupEntered = "SetupEntered",
        OsBootStarted = "OSBootStarted", OsRunning = "OSRunning",
    }
}

words! {
    /// The way in which a BMC reads an image: `VirtualMedia.TransferMethod`.
    TransferMethod { Stream = "Stream", Upload = "Upload" }
}

words! {
    /// The protocol of the URL of an image: `VirtualMedia.TransferProtocolType`.
    TransferProtocol {
        Cifs = "CIFS", Ftp = "FTP", Sftp = "SFTP", Http = "HTTP", Https = "HTTPS", Nfs = "NFS", Scp = "SCP",
        Tftp = "TFTP", Oem = "OEM",
    }
}

words! {
    /// `PrivilegeType` of the schema `Privileges`.
    Privilege {
        Login = "Login", ConfigureManager = "ConfigureManager", ConfigureUsers = "ConfigureUsers",
        ConfigureSelf = "ConfigureSelf", ConfigureComponents = "ConfigureComponents",
    }
}

words! {
    /// `Role.RoleId`: the three roles that DSP0266 predefines.
    Role { Administrator = "Administrator", Operator = "Operator", ReadOnly = "ReadOnly" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_found_by_its_exact_text() {
        assert_eq!(BootTarget::parse("SDCard"), Some(BootTarget::SdCard));
        assert_eq!(ResetType::parse("on"), None);
        for word in ResetType::ALL {
            assert_eq!(ResetType::parse(word.as_str()), Some(*word));
        }
    }
}

words! {
    /// What a machine does when mains power is back: `ComputerSystem.PowerRestorePolicy`.
    PowerRestorePolicy { AlwaysOn = "AlwaysOn", AlwaysOff = "AlwaysOff", LastState = "LastState" }
}

impl Default for PowerRestorePolicy {
    /// The policy of most models.
    fn default() -> Self {
        Self::LastState
    }
}

words! {
    /// How DHCPv6 is used: `EthernetInterface.DHCPv6OperatingMode`.
    Dhcpv6OperatingMode {
        Stateful = "Stateful", Stateless = "Stateless", Disabled = "Disabled", Enabled = "Enabled",
    }
}

words! {
    /// How far notifications go over IPv6: `ManagerNetworkProtocol.NotifyIPv6Scope`.
    NotifyIpv6Scope { Link = "Link", Site = "Site", Organization = "Organization" }
}

words! {
    /// `Resource.Health`, from the best to the worst.
    Health { Ok = "OK", Warning = "Warning", Critical = "Critical" }
}

words! {
    /// `Power.PowerLimitException`, without `Oem`: no model has its own.
    PowerLimitException { NoAction = "NoAction", HardPowerOff = "HardPowerOff", LogEventOnly = "LogEventOnly" }
}

words! {
    /// `Control.ControlMode`, without `Override` and `Manual`: the BMC keeps the limit by itself, or there is none.
    ControlMode { Automatic = "Automatic", Disabled = "Disabled" }
}

words! {
    /// The documents that a subscriber gets: `EventDestination.EventFormatType`.
    EventFormatType { Event = "Event", MetricReport = "MetricReport" }
}

words! {
    /// When a report is made: `MetricReportDefinition.MetricReportDefinitionType`.
    ReportType { Periodic = "Periodic", OnChange = "OnChange", OnRequest = "OnRequest" }
}

words! {
    /// Where a report goes: `MetricReportDefinition.ReportActions`.
    ReportAction { LogToMetricReportsCollection = "LogToMetricReportsCollection", RedfishEvent = "RedfishEvent" }
}

words! {
    /// How a report follows the one before: `MetricReportDefinition.ReportUpdates`, without `NewReport`.
    ReportUpdates {
        Overwrite = "Overwrite", AppendWrapsWhenFull = "AppendWrapsWhenFull",
        AppendStopsWhenFull = "AppendStopsWhenFull",
    }
}

words! {
    /// What is made of the values in a period: `MetricReportDefinition.CollectionFunction`.
    CollectionFunction { Average = "Average", Maximum = "Maximum", Minimum = "Minimum", Summation = "Summation" }
}
