//! The boot loader of a medium: finds its configuration and determines what it boots.

use super::budget::Budget;
use super::config::{self, Decision, KernelBoot, Machine};
use super::error::Stop;
use super::firmware::Firmware;
use super::medium::{Boot, NoBoot};
use super::tree::{Kind, Tree};

/// The maximum number of subdirectories of `EFI`, and of files in `loader/entries`, that are read.
const MAX_CANDIDATES: usize = 16;

/// The configurations of ISOLINUX and SYSLINUX, in the order in which they look for them.
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

/// What the boot loader of a UEFI medium boots. `trees` are the file systems in which its configuration is searched, in
/// order: first the medium, where Ironic and most distributions put it, then the EFI boot image, whose configuration
/// often only refers to the one on the medium.
pub(super) fn uefi_boot(trees: &[&dyn Tree], budget: &Budget) -> Result<Boot, Stop> {
    let machine = Machine::without_network(Firmware::Uefi);
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
                let decision = config::grub(&text, &machine, &mut |path| read_first(trees, path), budget)?;
                if let Some(boot) = loader.consider(decision, path)? {
                    return Ok(boot);
                }
            }
        }
        if let Some(decision) = boot_loader_entries(*tree, budget)?
            && let Some(boot) = loader.consider(decision, "loader/entries".to_owned())?
        {
            return Ok(boot);
        }
    }
    Ok(loader.finish())
}

/// What the boot loader of a BIOS medium boots: ISOLINUX or SYSLINUX, or else GRUB.
pub(super) fn bios_boot(tree: &dyn Tree, budget: &Budget) -> Result<Boot, Stop> {
    let machine = Machine::without_network(Firmware::Bios);
    let trees = [tree];
    let mut loader = Loader { trees: &trees, found: None };
    for path in SYSLINUX_CONFIGS {
        if let Some(text) = tree.read_text(path)? {
            let directory = path.rsplit_once('/').map_or("", |(directory, _)| directory);
            let mut include = |path: &str| tree.read_text(&below(directory, path));
            let mut decision = config::syslinux(&text, &machine, &mut include, budget)?;
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
            let decision = config::grub(&text, &machine, &mut |path| tree.read_text(path), budget)?;
            if let Some(boot) = loader.consider(decision, path.to_owned())? {
                return Ok(boot);
            }
        }
    }
    Ok(loader.finish())
}

fn boot_loader_entries(tree: &dyn Tree, budget: &Budget) -> Result<Option<Decision>, Stop> {
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
    Ok(config::loader_entries(&conf, &entries, budget)?)
}

/// Evaluates the configurations of a medium one after the other until one of them boots.
struct Loader<'t> {
    trees: &'t [&'t dyn Tree],
    /// The result of the first configuration that does not boot.
    found: Option<Boot>,
}

impl Loader<'_> {
    /// Evaluates the decision of a configuration. If it boots, the returned value is the final result.
    fn consider(&mut self, decision: Decision, config: String) -> Result<Option<Boot>, Stop> {
        let boot = match decision {
            Decision::Kernel(kernel) if self.has(&kernel)? => {
                return Ok(Some(Boot::Kernel { kernel, config }));
            }
            Decision::Kernel(KernelBoot { kernel, .. }) => Boot::No(NoBoot::KernelMissing { config, kernel }),
            Decision::LocalDisk => return Ok(Some(Boot::LocalDisk)),
            Decision::San(_) | Decision::Chain(_) => Boot::Unknown,
            Decision::Exit => Boot::No(NoBoot::Exit { config }),
            Decision::Nothing(reason) => Boot::No(NoBoot::Loader { config, reason }),
        };
        self.found.get_or_insert(boot);
        Ok(None)
    }

    /// Whether the boot loader would find the kernel.
    fn has(&self, boot: &KernelBoot) -> Result<bool, Stop> {
        for tree in self.trees {
            if tree.find(&boot.kernel)?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn finish(self) -> Boot {
        // Without a configuration that can be read here, the boot program may still boot something.
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

/// A path in a SYSLINUX configuration, which is relative to the directory of the configuration.
fn below(directory: &str, path: &str) -> String {
    if path.starts_with('/') || directory.is_empty() {
        path.to_owned()
    } else {
        format!("/{directory}/{path}")
    }
}
