//! Boot media as firmware, a boot loader and the agent's ramdisk read them, without downloading a whole image.
//!
//! Pure and synchronous: a question about a [`Sparse`] object is either answered or says which bytes to fetch first.

mod cmdline;
mod config;
mod el_torito;
mod error;
mod fat;
mod iso;
mod sparse;
#[cfg(test)]
mod tests;
mod tree;

pub use cmdline::CommandLine;
pub use config::{Decision, KernelBoot, NetworkHost, network_boot, network_config_paths};
pub use error::{MediaError, ObjectError};
pub use sparse::{Progress, Sparse};

use config::Machine;
use el_torito::Platform;
use error::Stop;
use fat::Fat;
use iso::{Iso, SECTOR_BYTES};
use tree::Tree;

/// How a machine's firmware boots.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Firmware {
    /// `BootSourceOverrideMode` `UEFI`.
    Uefi,
    /// `BootSourceOverrideMode` `Legacy`.
    Bios,
}

impl Firmware {
    /// What GRUB calls the platform.
    fn grub_platform(self) -> &'static str {
        match self {
            Self::Uefi => "efi",
            Self::Bios => "pc",
        }
    }
}

/// What a boot medium holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Medium {
    /// Volume label.
    pub label: String,
    /// What its boot loader does.
    pub boot: Decision,
}

/// The start of an image that is asked for at once: volume descriptors and, on small images, all directories.
const HEAD_BYTES: u64 = 64 * 1024;
/// Where GRUB's configuration is on media for UEFI: Ironic's own default first (`[DEFAULT]grub_config_path`), then
/// Metal3's, then what installers write.
const GRUB_PATHS: [&str; 5] = [
    "EFI/BOOT/grub.cfg",
    "EFI/centos/grub.cfg",
    "boot/grub/grub.cfg",
    "boot/grub2/grub.cfg",
    "grub/grub.cfg",
];
/// Where the configuration of ISOLINUX and its kin is.
const SYSLINUX_PATHS: [&str; 6] = [
    "isolinux/isolinux.cfg",
    "boot/isolinux/isolinux.cfg",
    "isolinux.cfg",
    "syslinux/syslinux.cfg",
    "boot/syslinux/syslinux.cfg",
    "syslinux.cfg",
];
/// Programs that UEFI starts from removable media (UEFI specification, 3.5.1.1).
const EFI_PROGRAMS: [&str; 2] = ["EFI/BOOT/BOOTX64.EFI", "EFI/BOOT/BOOTAA64.EFI"];
/// The file with an agent's parameters (`ironic/common/images.py`, `create_vfat_image`).
const PARAMETERS: &str = "parameters.txt";

/// What a machine with that firmware boots from the image.
///
/// # Errors
/// When the image is none, or is broken. An image that is sound but holds nothing for this firmware is
/// [`Decision::Nothing`], with the reason.
pub fn inspect(image: &mut Sparse, firmware: Firmware) -> Progress<Result<Medium, MediaError>> {
    image.drive(|image| {
        image.require_head(HEAD_BYTES)?;
        if let Some(iso) = Iso::open(image)? {
            let boot = boot_iso(image, &iso, firmware)?;
            return Ok(Medium { label: iso.label.clone(), boot });
        }
        let Some(fat) = Fat::open(image, 0)? else { return Err(MediaError::UnknownFormat.into()) };
        Ok(Medium { label: fat.label()?, boot: boot_disk(&fat, firmware)? })
    })
}

/// The agent's parameters on a removable medium.
///
/// # Errors
/// When the image is none, is broken, or holds none.
pub fn parameters(image: &mut Sparse) -> Progress<Result<CommandLine, MediaError>> {
    image.drive(|image| {
        let text = match (Iso::open(image)?, Fat::open(image, 0)?) {
            (Some(iso), _) => iso.read_text(PARAMETERS)?,
            (None, Some(fat)) => fat.read_text(PARAMETERS)?,
            (None, None) => return Err(MediaError::UnknownFormat.into()),
        };
        let text = text.ok_or_else(|| MediaError::NoSuchFile { path: PARAMETERS.to_owned() })?;
        Ok(CommandLine::new(&text))
    })
}

fn boot_iso(image: &Sparse, iso: &Iso<'_>, firmware: Firmware) -> Result<Decision, Stop> {
    let entries = match iso.boot_catalog {
        Some(sector) => el_torito::read(image, sector)?,
        None => Vec::new(),
    };
    let wanted = match firmware {
        Firmware::Uefi => Platform::Efi,
        Firmware::Bios => Platform::Bios,
    };
    let entry = entries.iter().find(|entry| entry.platform == wanted);
    if let Some(decision) = configured(iso, firmware, entry.is_some())? {
        return Ok(decision);
    }
    let Some(entry) = entry else {
        let platforms: Vec<_> = entries.iter().map(|e| format!("{:?}", e.platform)).collect();
        let offered = if platforms.is_empty() { "nothing".to_owned() } else { platforms.join(", ") };
        return Ok(Decision::Nothing(format!("its boot catalog offers {offered}, and {wanted:?} is wanted")));
    };
    // For UEFI the entry is a file system of its own; the configuration can lie in there.
    if firmware == Firmware::Uefi
        && entry.no_emulation
        && let Some(fat) = Fat::open(image, u64::from(entry.sector) * SECTOR_BYTES)?
        && let Some(decision) = configured(&fat, firmware, true)?
    {
        return Ok(decision);
    }
    Ok(Decision::Program)
}

/// A disk image, as on a USB stick: bootable where there is a program for UEFI, or a boot loader's configuration.
fn boot_disk(fat: &Fat<'_>, firmware: Firmware) -> Result<Decision, Stop> {
    let program = has_efi_program(fat)?;
    if let Some(decision) = configured(fat, firmware, program || firmware == Firmware::Bios)? {
        return Ok(decision);
    }
    Ok(match (firmware, program) {
        (Firmware::Uefi, true) => Decision::Program,
        _ => Decision::Nothing("the disk holds no boot program for this firmware".to_owned()),
    })
}

fn has_efi_program(tree: &impl Tree) -> Result<bool, Stop> {
    for path in EFI_PROGRAMS {
        if tree.find(path)?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What the boot loader's configuration in this file system says; none if it is not bootable, or there is no
/// configuration in a language known here.
fn configured(tree: &impl Tree, firmware: Firmware, bootable: bool) -> Result<Option<Decision>, Stop> {
    if !bootable && !(firmware == Firmware::Uefi && has_efi_program(tree)?) {
        return Ok(None);
    }
    let machine = Machine::without_network(firmware.grub_platform());
    let mut files = |path: &str| tree.read_text(path);
    if firmware == Firmware::Bios {
        for path in SYSLINUX_PATHS {
            if let Some(text) = tree.read_text(path)? {
                return config::syslinux(&text, &machine, &mut files).map(Some);
            }
        }
    }
    for path in GRUB_PATHS {
        if let Some(text) = tree.read_text(path)? {
            return config::grub(&text, &machine, &mut files).map(Some);
        }
    }
    // Distributions keep theirs under their own name.
    for entry in tree.list_path("EFI")? {
        if let Some(text) = tree.read_text(&format!("EFI/{}/grub.cfg", entry.name))? {
            return config::grub(&text, &machine, &mut files).map(Some);
        }
    }
    let mut entries = Vec::new();
    for entry in tree.list_path("loader/entries")? {
        if let Some(name) = entry.name.strip_suffix(".conf")
            && let Some(text) = tree.read_text(&format!("loader/entries/{}", entry.name))?
        {
            entries.push((name.to_owned(), text));
        }
    }
    let loader = tree.read_text("loader/loader.conf")?.unwrap_or_default();
    Ok(config::loader_entries(&loader, &entries))
}
