//! The table of resources: one row each, in the order of the tree. Adding a resource is a file here and its row below.

mod bios;
mod computer_system;
mod service_root;
mod session;
mod virtual_media;

use super::body::Body;
use super::doc::Doc;
use super::resource::Resource;
use crate::dmtf::IndicatorLed;

/// All resources of the service.
pub(in crate::redfish) static RESOURCES: &[Resource] = &[
    Resource::at("/redfish/v1", "ServiceRoot.v1_19_0.ServiceRoot", service_root::get),
    Resource::at("/redfish/v1/SessionService", "SessionService.v1_2_0.SessionService", session::get_service)
        .patched_by(session::patch_service),
    Resource::at("/redfish/v1/SessionService/Sessions/{Session}", "Session.v1_8_0.Session", session::get)
        .many("Session Collection", session::members)
        .created_by(session::create)
        .deleted_by(session::delete),
    Resource::at(
        "/redfish/v1/Systems/{System}",
        "ComputerSystem.v1_26_0.ComputerSystem",
        computer_system::get,
    )
    .one_a_node("Computer System Collection")
    .patched_by(computer_system::patch)
    .with_actions(computer_system::ACTIONS),
    Resource::at("/redfish/v1/Systems/{System}/Bios", "Bios.v1_2_3.Bios", bios::get)
        .with_actions(bios::ACTIONS),
    Resource::at("/redfish/v1/Systems/{System}/Bios/Settings", "Bios.v1_2_3.Bios", bios::get_settings)
        .linked_as("")
        .patched_by(bios::patch_settings),
    Resource::at(
        "/redfish/v1/Systems/{System}/VirtualMedia/{Slot}",
        "VirtualMedia.v1_6_5.VirtualMedia",
        virtual_media::get,
    )
    .many("Virtual Media Collection", virtual_media::members)
    .with_actions(virtual_media::ACTIONS),
    Resource::at(
        "/redfish/v1/Managers/{Manager}/VirtualMedia/{Slot}",
        "VirtualMedia.v1_6_5.VirtualMedia",
        virtual_media::get,
    )
    .many("Virtual Media Collection", virtual_media::members)
    .with_actions(virtual_media::ACTIONS),
];

/// `Status` of a part that is well.
fn ok(d: &mut Doc<'_>) {
    d.put("State", "Enabled");
    d.put("Health", "OK");
}

/// `BootOptionReference` of the boot option with that number.
fn boot_option_reference(number: u8) -> String {
    format!("Boot{number:04X}")
}

/// Whether a text is a URI that a controller can fetch from over HTTP.
fn is_http_uri(text: &str) -> bool {
    let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/')) && text.parse::<http::Uri>().is_ok()
}

/// A light as a client sets it: by `IndicatorLED`, or by the newer `LocationIndicatorActive`.
fn led(body: &mut Body) -> Option<IndicatorLed> {
    let led = body.word("IndicatorLED", IndicatorLed::parse, IndicatorLed::ALL);
    let active = body.flag("LocationIndicatorActive");
    led.or(active.map(|on| if on { IndicatorLed::Blinking } else { IndicatorLed::Off }))
}
