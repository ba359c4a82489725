//! `BootOption`: the entries of the boot order.

use super::common;
use crate::dmtf::BootTarget;
use crate::profile::boot_source::BootSource;
use crate::redfish::context::NodeCx;
use crate::redfish::doc::Doc;

pub(super) fn members(cx: &NodeCx<'_>, each: &mut dyn FnMut(&str)) {
    (0u8..)
        .zip(&cx.profile().boot_order)
        .for_each(|(number, _)| each(&common::boot_option_reference(number)));
}

pub(super) fn get(cx: &NodeCx<'_>, d: &mut Doc<'_>) {
    let mut options = (0u8..).zip(&cx.profile().boot_order);
    let (_, source) = options
        .find(|(number, _)| common::boot_option_reference(*number) == cx.id())
        .expect("the boot option exists, or the request was refused");
    d.put("Id", cx.id());
    d.join("Name", &["Boot option ", source.as_str()]);
    d.put("BootOptionReference", cx.id());
    d.put("BootOptionEnabled", true);
    d.put("DisplayName", display_name(*source));
    // `Alias` has only words of DMTF.
    d.put_some("Alias", source.standard());
    if matches!(source, BootSource::Standard(BootTarget::Pxe | BootTarget::UefiHttp))
        && let Some(nic) = cx.profile().nics.first()
    {
        let port = super::ethernet_interface::device_path(nic, cx.spec().mac(0));
        let loader = if *source == BootTarget::UefiHttp.into() { "/Uri()" } else { "" };
        d.join("UefiDevicePath", &[&port, "/IPv4(0.0.0.0,0x0,DHCP,0.0.0.0,0.0.0.0,0.0.0.0)", loader]);
    }
}

fn display_name(source: BootSource) -> &'static str {
    let target = match source {
        BootSource::Standard(target) => target,
        BootSource::UsbCd => BootTarget::Cd,
    };
    match target {
        BootTarget::Pxe => "Network boot (PXE)",
        BootTarget::UefiHttp => "Network boot (HTTP)",
        BootTarget::Hdd => "Hard disk",
        BootTarget::Cd => "Optical drive",
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
