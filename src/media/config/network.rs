//! Network boot: which file Ironic has left for a node, and what the file boots.

use super::super::Firmware;
use super::{Decision, Machine, grub, ipxe, syslinux};

/// The node that boots, as far as a boot loader asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NetworkHost<'h> {
    /// MAC addresses of its interfaces, `aa:bb:cc:dd:ee:ff`; the first is the one it boots from.
    pub macs: &'h [String],
    /// SMBIOS UUID.
    pub uuid: &'h str,
    /// How the node boots.
    pub firmware: Firmware,
    /// URLs that could not be fetched when the script was run before: there its `||` branches are taken.
    pub failed: &'h [String],
}

/// Where Ironic leaves the configuration of the node with this MAC address, below its TFTP or HTTP root, in the order
/// of the boot interfaces `ipxe` and `http-ipxe`, `http` and `pxe` for UEFI (GRUB), `pxe` for BIOS (PXELINUX).
/// (`_get_pxe_mac_path` and `_get_pxe_grub_mac_path` in `ironic/common/pxe_utils.py`.)
pub fn network_config_paths(mac: &str) -> [String; 3] {
    let mac = mac.to_ascii_lowercase();
    let hyphens = mac.replace(':', "-");
    [format!("pxelinux.cfg/{hyphens}"), format!("{mac}.conf"), format!("pxelinux.cfg/01-{hyphens}")]
}

/// What a configuration or script fetched from the network boots. Which language it is in is seen from its text:
/// iPXE, GRUB or PXELINUX.
///
/// A [`Decision::Chain`] is to be fetched and given to this function again; if it cannot be fetched, run this text
/// again with its URL among [`NetworkHost::failed`].
pub fn network_boot(text: &str, host: &NetworkHost<'_>) -> Decision {
    if text.trim_start().starts_with("#!ipxe") || text.trim_start().starts_with("#!gpxe") {
        return ipxe::decide(text, host);
    }
    let platform = host.firmware.grub_platform();
    let mac = host.macs.first().map(String::as_str);
    let machine = Machine { platform, mac, uuid: Some(host.uuid) };
    let mut no_files = |_: &str| Ok(None);
    let decision = if is_grub(text) {
        grub(text, &machine, &mut no_files)
    } else {
        syslinux(text, &machine, &mut no_files)
    };
    decision.expect("only reading other files can stop, and there are none")
}

/// GRUB's own words, none of which starts a line of a PXELINUX configuration.
fn is_grub(text: &str) -> bool {
    text.lines().any(|line| {
        let word = line.split([' ', '\t', '"', '\'']).find(|word| !word.is_empty()).unwrap_or_default();
        matches!(word, "menuentry" | "submenu" | "set" | "source" | "configfile" | "insmod")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boots(text: &str) -> Decision {
        let macs = ["52:54:00:AA:BB:01".to_owned()];
        let host = NetworkHost { macs: &macs, uuid: "0F1E", firmware: Firmware::Uefi, failed: &[] };
        network_boot(text, &host)
    }

    #[test]
    fn the_language_is_seen_from_the_text() {
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
    fn ironics_file_names_follow_the_mac_address() {
        assert_eq!(
            network_config_paths("52:54:00:AA:BB:01"),
            ["pxelinux.cfg/52-54-00-aa-bb-01", "52:54:00:aa:bb:01.conf", "pxelinux.cfg/01-52-54-00-aa-bb-01"]
        );
    }
}
