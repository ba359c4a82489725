//! The words of the Redfish standard that a client can get wrong, spelt exactly as DMTF spells them.
//!
//! Values: Redfish schema bundle DSP8010 2026.1, `ComputerSystem`, `Resource`, `VirtualMedia`, `LogEntry`.

/// A closed set of words: the enum, its spelling, and the way back.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$vmeta:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[expect(missing_docs, reason = "the standard's words, defined by its schema")]
        pub enum $name { $($(#[$vmeta])* #[serde(rename = $text)] $variant),+ }

        impl $name {
            /// Every word of the set, in the schema's order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word as it goes over the wire.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            /// The word that `text` spells, exactly.
            pub fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|w| w.as_str() == text)
            }
        }
    };
}

words! {
    /// `Resource.PowerState`.
    PowerState { On = "On", Off = "Off", PoweringOn = "PoweringOn", PoweringOff = "PoweringOff", Paused = "Paused" }
}

words! {
    /// `Resource.ResetType`: what `ComputerSystem.Reset` and `Manager.Reset` can be asked for.
    ResetType {
        On = "On", ForceOff = "ForceOff", GracefulShutdown = "GracefulShutdown", GracefulRestart = "GracefulRestart",
        ForceRestart = "ForceRestart", Nmi = "Nmi", ForceOn = "ForceOn", PushPowerButton = "PushPowerButton",
        PowerCycle = "PowerCycle", FullPowerCycle = "FullPowerCycle",
    }
}

words! {
    /// `ComputerSystem.BootSource`. `UsbCd` is no word of DMTF's: Supermicro's boards say it for a virtual CD, and
    /// sushy turns `Cd` into it for them (`sushy/resources/system/system.py`); only a profile that lists it has it.
    BootTarget {
        None = "None", Pxe = "Pxe", Floppy = "Floppy", Cd = "Cd", Usb = "Usb", Hdd = "Hdd", BiosSetup = "BiosSetup",
        Utilities = "Utilities", Diags = "Diags", UefiShell = "UefiShell", UefiTarget = "UefiTarget", SdCard = "SDCard",
        UefiHttp = "UefiHttp", RemoteDrive = "RemoteDrive", UefiBootNext = "UefiBootNext", Recovery = "Recovery",
        UsbCd = "UsbCd",
    }
}

words! {
    /// `ComputerSystem.BootSourceOverrideEnabled`.
    BootOverride { Disabled = "Disabled", Once = "Once", Continuous = "Continuous" }
}

words! {
    /// `ComputerSystem.BootSourceOverrideMode`.
    BootMode { Legacy = "Legacy", Uefi = "UEFI" }
}

words! {
    /// `Resource.IndicatorLED`, without `Unknown`, which can only be read.
    IndicatorLed { Lit = "Lit", Blinking = "Blinking", Off = "Off" }
}

words! {
    /// `VirtualMedia.MediaType`.
    MediaType { Cd = "CD", Floppy = "Floppy", UsbStick = "USBStick", Dvd = "DVD" }
}

words! {
    /// `SecureBoot.ResetKeysType`.
    ResetKeysType {
        ResetAllKeysToDefault = "ResetAllKeysToDefault", DeleteAllKeys = "DeleteAllKeys", DeletePk = "DeletePK",
    }
}

words! {
    /// `ComputerSystem.BootProgressTypes`, those that this model passes through.
    BootProgress {
        None = "None", PrimaryProcessorInitializationStarted = "PrimaryProcessorInitializationStarted",
        MemoryInitializationStarted = "MemoryInitializationStarted", PciResourceConfigStarted = "PCIResourceConfigStarted",
        SystemHardwareInitializationComplete = "SystemHardwareInitializationComplete", SetupEntered = "SetupEntered",
        OsBootStarted = "OSBootStarted", OsRunning = "OSRunning",
    }
}

words! {
    /// `VirtualMedia.TransferMethod`.
    TransferMethod { Stream = "Stream", Upload = "Upload" }
}

words! {
    /// `VirtualMedia.TransferProtocolType`.
    TransferProtocol {
        Cifs = "CIFS", Ftp = "FTP", Sftp = "SFTP", Http = "HTTP", Https = "HTTPS", Nfs = "NFS", Scp = "SCP",
        Tftp = "TFTP", Oem = "OEM",
    }
}

words! {
    /// The role of an account (`Role.RoleId`, the three that every service has).
    Role { Administrator = "Administrator", Operator = "Operator", ReadOnly = "ReadOnly" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_by_their_exact_spelling() {
        assert_eq!(BootTarget::parse("SDCard"), Some(BootTarget::SdCard));
        assert_eq!(ResetType::parse("on"), None);
        for word in ResetType::ALL {
            assert_eq!(ResetType::parse(word.as_str()), Some(*word));
        }
    }
}
