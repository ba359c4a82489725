//! Network boot: the file that Ironic publishes for a node, and what the file boots.

use super::super::budget::Budget;
use super::super::error::{MediaError, Stop};
use super::decision::Decision;
use super::error::LoaderError;
use super::machine::{Machine, NetworkHost};
use super::{grub, ipxe, syslinux};

/// The paths below the TFTP or HTTP root at which Ironic publishes the configuration of the node with this MAC address
/// (`_get_pxe_mac_path` and `_get_pxe_grub_mac_path` in `ironic/common/pxe_utils.py`).
///
/// They are in the order of the boot interfaces: `ipxe` and `http-ipxe`; `http` and `pxe` for UEFI (GRUB); `pxe` for
/// BIOS (PXELINUX).
pub fn network_config_paths(mac: &str) -> [String; 3] {
    let mac = mac.to_ascii_lowercase();
    let hyphens = mac.replace(':', "-");
    [format!("pxelinux.cfg/{hyphens}"), format!("{mac}.conf"), format!("pxelinux.cfg/01-{hyphens}")]
}

/// What a configuration from the network boots. Its text shows whether it is for iPXE, GRUB or PXELINUX.
///
/// For [`Decision::Chain`], the caller fetches the URL and calls this function again with the new text. If the URL
/// cannot be fetched, the caller adds it to [`NetworkHost::failed`] and calls again with the same text.
///
/// All calls for one boot get the same budget. A boot that is over it boots nothing.
pub fn network_boot(text: &str, host: &NetworkHost<'_>, budget: &Budget) -> Decision {
    if text.trim_start().starts_with("#!ipxe") || text.trim_start().starts_with("#!gpxe") {
        return ipxe::decide(text, host, budget);
    }
    let platform = host.firmware.grub_platform();
    let mac = host.macs.first().map(String::as_str);
    let machine = Machine { platform, mac, uuid: Some(host.uuid) };
    let mut no_files = |_: &str| Ok(None);
    let decision = budget.spend(text.len()).map_err(Stop::from).and_then(|()| {
        if is_grub(text) {
            grub::decide(text, &machine, &mut no_files, budget)
        } else {
            syslinux::decide(text, &machine, &mut no_files, budget)
        }
    });
    match decision {
        Ok(decision) => decision,
        Err(Stop::Bad(MediaError::Exhausted(reason))) => Decision::Nothing(LoaderError::Exhausted(reason)),
        Err(stop) => unreachable!("no file is included, so there is no other reason to stop: {stop:?}"),
    }
}

/// Whether a line starts with a keyword of GRUB. None of them starts a line of a PXELINUX configuration.
fn is_grub(text: &str) -> bool {
    text.lines().any(|line| {
        let word = line.split([' ', '\t', '"', '\'']).find(|word| !word.is_empty()).unwrap_or_default();
        matches!(word, "menuentry" | "submenu" | "set" | "source" | "configfile" | "insmod")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::firmware::Firmware;

    fn boots(text: &str) -> Decision {
        let macs = ["52:54:00:AA:BB:01".to_owned()];
        let host = NetworkHost { macs: &macs, uuid: "0F1E", firmware: Firmware::Uefi, failed: &[] };
        network_boot(text, &host, &Budget::default())
    }

    #[test]
    fn the_text_decides_which_boot_loader_reads_it() {
        let text = "#!ipxe\nkernel http://x/k a=${mac:hexhyp} initrd=r\ninitrd http://x/r\nboot\n";
        let Decision::Kernel(boot) = boots(text) else { panic!() };
        assert_eq!(boot.command_line.get("a"), Some("52-54-00-aa-bb-01"));

        let text = "set default=deploy\nset timeout=5\nmenuentry \"deploy\"  {\n    linuxefi n/kernel selinux=0 \
                    ipa-api-url=http://x boot_server=192.0.2.1\n    initrdefi n/ramdisk\n}\n\
                    menuentry \"boot_whole_disk\"  {\n    linuxefi chain.c32 mbr:(( DISK_IDENTIFIER ))\n}\n";
        let Decision::Kernel(boot) = boots(text) else { panic!() };
        assert_eq!(boot.kernel, "n/kernel");
        assert_eq!(boot.command_line.as_str(), "selinux=0 ipa-api-url=http://x boot_server=192.0.2.1");
        assert_eq!(boots(&text.replace("=deploy", "=boot_whole_disk")), Decision::LocalDisk);

        let text = "default deploy\nlabel deploy\nkernel n/kernel\nappend initrd=n/ramdisk ipa-api-url=http://x\n\
                    ipappend 2\nlabel boot_whole_disk\nCOM32 chain.c32\nappend mbr:{{ DISK_IDENTIFIER }}\n";
        let Decision::Kernel(boot) = boots(text) else { panic!() };
        assert_eq!(boot.command_line.get("BOOTIF"), Some("01-52-54-00-aa-bb-01"));
        assert_eq!(boots(&text.replace("default deploy", "default boot_whole_disk")), Decision::LocalDisk);
        assert!(matches!(boots("<html>404</html>"), Decision::Nothing(_)));
    }

    #[test]
    fn file_names_contain_the_mac_address() {
        assert_eq!(
            network_config_paths("52:54:00:AA:BB:01"),
            ["pxelinux.cfg/52-54-00-aa-bb-01", "52:54:00:aa:bb:01.conf", "pxelinux.cfg/01-52-54-00-aa-bb-01"]
        );
    }
}
