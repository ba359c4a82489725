//! The boot loader on a medium: where its configuration is, and what comes of it.

use super::config::{self, Decision, KernelBoot, Machine};
use super::error::Stop;
use super::tree::{Kind, Tree};
use super::{Boot, Firmware};

/// Subdirectories of `EFI` and entries of `loader/entries` that are looked into.
const MAX_CANDIDATES: usize = 16;

/// Where ISOLINUX and SYSLINUX look, in their order.
const SYSLINUX_CONFIGS: [&str; 8] = [
    "boot/isolinux/isolinux.cfg",
    "isolinux/isolinux.cfg",
    "isolinux.cfg",
    "boot/isolinux/syslinux.cfg",
    "isolinux/syslinux.cfg",
    "boot/syslinux/syslinux.cfg",
    "syslinux/syslinux.cfg",
    "syslinux.cfg",
];
const GRUB_CONFIGS: [&str; 2] = ["boot/grub/grub.cfg", "boot/grub2/grub.cfg"];

/// What the boot loader of a UEFI medium starts. Its configuration is looked for on the medium first, where Ironic and
/// most distributions put it, then in the EFI boot image, which often only points to the other.
pub(super) fn uefi_boot(trees: &[&dyn Tree]) -> Result<Boot, Stop> {
    let machine = Machine::without_network(Firmware::Uefi.grub_platform());
    let mut loader = Loader { trees, found: None };
    for tree in trees {
        let mut paths = vec!["EFI/BOOT/grub.cfg".to_owned()];
        let directories =
            tree.list_path("EFI")?.into_iter().filter(|entry| entry.node.kind == Kind::Directory);
        let others =
            directories.filter(|entry| !entry.name.eq_ignore_ascii_case("BOOT")).take(MAX_CANDIDATES);
        paths.extend(others.map(|entry| format!("EFI/{}/grub.cfg", entry.name)));
        paths.extend(GRUB_CONFIGS.map(str::to_owned));
        for path in paths {
            if let Some(text) = tree.read_text(&path)? {
                let decision = config::grub(&text, &machine, &mut |path| read_first(trees, path))?;
                if let Some(boot) = loader.consider(decision, path)? {
                    return Ok(boot);
                }
            }
        }
        if let Some(decision) = boot_loader_entries(*tree)?
            && let Some(boot) = loader.consider(decision, "loader/entries".to_owned())?
        {
            return Ok(boot);
        }
    }
    Ok(loader.finish())
}

/// What the boot loader of a BIOS medium starts: ISOLINUX or SYSLINUX, or else GRUB.
pub(super) fn bios_boot(tree: &dyn Tree) -> Result<Boot, Stop> {
    let machine = Machine::without_network(Firmware::Bios.grub_platform());
    let trees = [tree];
    let mut loader = Loader { trees: &trees, found: None };
    for path in SYSLINUX_CONFIGS {
        if let Some(text) = tree.read_text(path)? {
            let directory = path.rsplit_once('/').map_or("", |(directory, _)| directory);
            let mut include = |path: &str| tree.read_text(&below(directory, path));
            let mut decision = config::syslinux(&text, &machine, &mut include)?;
            if let Decision::Kernel(boot) = &mut decision {
                boot.kernel = below(directory, &boot.kernel);
            }
            if let Some(boot) = loader.consider(decision, path.to_owned())? {
                return Ok(boot);
            }
        }
    }
    for path in GRUB_CONFIGS {
        if let Some(text) = tree.read_text(path)? {
            let decision = config::grub(&text, &machine, &mut |path| tree.read_text(path))?;
            if let Some(boot) = loader.consider(decision, path.to_owned())? {
                return Ok(boot);
            }
        }
    }
    Ok(loader.finish())
}

fn boot_loader_entries(tree: &dyn Tree) -> Result<Option<Decision>, Stop> {
    let mut entries = Vec::new();
    for entry in tree.list_path("loader/entries")?.into_iter().take(MAX_CANDIDATES) {
        if let Some(name) = entry.name.strip_suffix(".conf")
            && let Some(text) = tree.read_text(&format!("loader/entries/{}", entry.name))?
        {
            entries.push((name.to_owned(), text));
        }
    }
    if entries.is_empty() {
        return Ok(None);
    }
    let conf = tree.read_text("loader/loader.conf")?.unwrap_or_default();
    Ok(config::loader_entries(&conf, &entries))
}

/// The configurations of a medium, looked at one after the other until one of them boots something.
struct Loader<'t> {
    trees: &'t [&'t dyn Tree],
    /// What the first configuration comes to, if it boots nothing known here.
    found: Option<Boot>,
}

impl Loader<'_> {
    /// Takes a configuration into account; an answer is final.
    fn consider(&mut self, decision: Decision, config: String) -> Result<Option<Boot>, Stop> {
        let boot = match decision {
            Decision::Kernel(kernel) => match self.lacks(&kernel)? {
                None => return Ok(Some(Boot::Kernel { kernel, config })),
                Some(path) => Boot::No(format!("{config} starts {path}, which is not on the medium")),
            },
            Decision::LocalDisk => return Ok(Some(Boot::LocalDisk)),
            Decision::San(_) | Decision::Chain(_) => Boot::Unknown,
            Decision::Exit => Boot::No(format!("{config} gives the boot back to the firmware")),
            Decision::Nothing(reason) => Boot::No(format!("{config}: {reason}")),
        };
        self.found.get_or_insert(boot);
        Ok(None)
    }

    /// The first file the boot loader would not find.
    fn lacks(&self, boot: &KernelBoot) -> Result<Option<String>, Stop> {
        for tree in self.trees {
            if tree.find(&boot.kernel)?.is_some() {
                return Ok(None);
            }
        }
        Ok(Some(boot.kernel.clone()))
    }

    fn finish(self) -> Boot {
        // A boot program without a configuration that can be read here may well boot something.
        self.found.unwrap_or(Boot::Unknown)
    }
}

fn read_first(trees: &[&dyn Tree], path: &str) -> Result<Option<String>, Stop> {
    for tree in trees {
        if let Some(text) = tree.read_text(path)? {
            return Ok(Some(text));
        }
    }
    Ok(None)
}

/// SYSLINUX paths are relative to the directory of its configuration.
fn below(directory: &str, path: &str) -> String {
    if path.starts_with('/') || directory.is_empty() {
        path.to_owned()
    } else {
        format!("/{directory}/{path}")
    }
}
