//! The firmware of a machine, which decides what it can boot.

/// The firmware of a machine: `BootSourceOverrideMode` of Redfish (DSP2046, ComputerSystem).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Firmware {
    /// UEFI: a CD needs an EFI boot image.
    Uefi,
    /// Legacy BIOS: a CD needs a boot image for x86 BIOS.
    Bios,
}

impl Firmware {
    /// The value of `$grub_platform` in GRUB.
    pub(super) fn grub_platform(self) -> &'static str {
        match self {
            Firmware::Uefi => "efi",
            Firmware::Bios => "pc",
        }
    }
}
