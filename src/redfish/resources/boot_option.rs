//! `BootOption`: the entries of the boot order.

use super::common;
use crate::dmtf::BootTarget;
use crate::redfish::context::NodeCx;
use crate::redfish::doc::Doc;

pub(super) fn members(cx: &NodeCx<'_>, each: &mut dyn FnMut(&str)) {
    (0u8..)
        .zip(&cx.profile().boot_order)
        .for_each(|(number, _)| each(&common::boot_option_reference(number)));
}

pub(super) fn get(cx: &NodeCx<'_>, d: &mut Doc<'_>) {
    let mut options = (0u8..).zip(&cx.profile().boot_order);
    let (_, target) = options
        .find(|(number, _)| common::boot_option_reference(*number) == cx.id())
        .expect("the boot option exists, or the request was refused");
    d.put("Id", cx.id());
    d.join("Name", &["Boot option ", target.as_str()]);
    d.put("BootOptionReference", cx.id());
    d.put("BootOptionEnabled", true);
    d.put("DisplayName", display_name(*target));
    // `UsbCd` is not a word of the schema.
    d.put_some("Alias", Some(*target).filter(|t| *t != BootTarget::UsbCd));
    if matches!(target, BootTarget::Pxe | BootTarget::UefiHttp)
        && let Some(nic) = cx.profile().nics.first()
    {
        let port = super::ethernet_interface::device_path(nic, cx.spec().mac(0));
        let loader = if *target == BootTarget::UefiHttp { "/Uri()" } else { "" };
        d.join("UefiDevicePath", &[&port, "/IPv4(0.0.0.0,0x0,DHCP,0.0.0.0,0.0.0.0,0.0.0.0)", loader]);
    }
}

fn display_name(target: BootTarget) -> &'static str {
    match target {
        BootTarget::Pxe => "Network boot (PXE)",
        BootTarget::UefiHttp => "Network boot (HTTP)",
        BootTarget::Hdd => "Hard disk",
        BootTarget::Cd | BootTarget::UsbCd => "Optical drive",
        BootTarget::Usb => "USB device",
        BootTarget::Floppy => "Floppy drive",
        BootTarget::SdCard => "SD card",
        BootTarget::RemoteDrive => "Remote drive",
        BootTarget::BiosSetup => "Firmware setup",
        BootTarget::Utilities => "Utilities",
        BootTarget::Diags => "Diagnostics",
        BootTarget::UefiShell => "UEFI shell",
        BootTarget::UefiTarget | BootTarget::UefiBootNext => "UEFI device",
        BootTarget::Recovery => "Recovery",
        BootTarget::None => "None",
    }
}
