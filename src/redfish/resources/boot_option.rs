//! `BootOption`: the entries of the boot order.

use super::common;
use crate::dmtf::BootTarget;
use crate::node::command::Command;
use crate::node::host;
use crate::profile::boot_source::BootSource;
use crate::redfish::body::Body;
use crate::redfish::context::NodeCx;
use crate::redfish::doc::Doc;
use crate::redfish::resource::{Asked, OfNode};

pub(super) fn members(cx: &NodeCx<'_>, each: &mut dyn FnMut(&str)) {
    (0u8..)
        .zip(&cx.profile().boot_order)
        .for_each(|(number, _)| each(&common::boot_option_reference(number)));
}

pub(super) fn get(cx: &NodeCx<'_>, d: &mut Doc<'_>) {
    let (number, source) = of(cx);
    d.put("Id", cx.id());
    d.join("Name", &["Boot option ", source.as_str()]);
    d.put("BootOptionReference", cx.id());
    d.put("BootOptionEnabled", !cx.node.bmc().extras.disabled_boot_options.contains(&number));
    d.put("DisplayName", display_name(source));
    // `Alias` has only words of DMTF.
    d.put_some("Alias", source.standard());
    d.put_some("UefiDevicePath", device_path(cx, source));
}

/// The boot option in the URI: its number and its source.
fn of(cx: &NodeCx<'_>) -> (u8, BootSource) {
    let mut options = (0u8..).zip(&cx.profile().boot_order);
    let (number, source) = options
        .find(|(number, _)| common::boot_option_reference(*number) == cx.id())
        .expect("the boot option exists, or the request was refused");
    (number, *source)
}

pub(super) fn patch(cx: &NodeCx<'_>, body: &mut Body) -> Asked<OfNode> {
    let (number, _) = of(cx);
    let enabled = body.flag("BootOptionEnabled");
    Ok(enabled.map(|enabled| Command::Host(host::Command::EnableBootOption { number, enabled })))
}

/// The UEFI device path of a boot option (UEFI specification 2.10, 10.3), if its source has one.
pub(super) fn device_path(cx: &NodeCx<'_>, source: BootSource) -> Option<String> {
    let BootSource::Standard(target) = source else { return None };
    match target {
        BootTarget::Pxe | BootTarget::UefiHttp => {
            let port = super::ethernet_interface::device_path(cx.profile().nics.first()?, cx.spec().mac(0));
            let loader = if target == BootTarget::UefiHttp { "/Uri()" } else { "" };
            Some(format!("{port}/IPv4(0.0.0.0,0x0,DHCP,0.0.0.0,0.0.0.0,0.0.0.0){loader}"))
        }
        BootTarget::Hdd => {
            let drive = cx.node.drives().find(|(number, ..)| cx.node.is_usable(*number))?;
            Some(super::drive::device_path(cx, drive))
        }
        // Any USB device that can be booted (10.3.4.8).
        BootTarget::Usb => Some("UsbClass(0xFFFF,0xFFFF,0xFF,0xFF,0xFF)".to_owned()),
        _ => None,
    }
}

/// The device paths of all boot options that have one, each with the number of its option.
pub(super) fn device_paths(cx: &NodeCx<'_>) -> impl Iterator<Item = (u8, String)> {
    let options = (0u8..).zip(&cx.profile().boot_order);
    options.filter_map(|(number, source)| Some((number, device_path(cx, *source)?)))
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
