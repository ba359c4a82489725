//! Parts of documents and bodies that several types of resource have.

pub(super) use crate::address::is_http_uri;
use crate::dmtf::{Health, IndicatorLed};
use crate::node::health::{Redundancy, Scope};
pub(super) use crate::note::shown_uri;
use crate::profile::inventory::Drive;
use crate::redfish::body::Body;
use crate::redfish::context::{Model, NodeCx};
use crate::redfish::doc::Doc;
use crate::redfish::message::{BASE, GENERAL_ERROR};
use crate::time::SimTime;

/// The part with that id, and its position in the list. A request for a part that does not exist never gets here.
pub(super) fn part<'a, T>(parts: &'a [T], id_of: impl Fn(&T) -> &String, id: &str) -> (u8, &'a T) {
    let mut parts = (0u8..=u8::MAX).zip(parts);
    parts.find(|(_, part)| id_of(part) == id).expect("the part exists, or the request was refused")
}

/// `Conditions` of a `Status`, with one warning that arose at a moment. `text` is the message in parts.
pub(super) fn condition(cx: &NodeCx<'_>, d: &mut Doc<'_>, text: &[&str], since: Option<SimTime>) {
    d.array("Conditions", |d| {
        d.item_object(|d| {
            d.join("MessageId", &[BASE, ".", GENERAL_ERROR.key]);
            d.join("Message", text);
            d.put("Severity", "Warning");
            match since {
                Some(since) => d.put("Timestamp", cx.shown(since)),
                // An earlier version stored no moment, and DMTF's schema requires one. The ETag leaves it out.
                None => d.moving(|d| d.put("Timestamp", cx.shown(cx.now))),
            }
        });
    });
}

/// `Status` of a part without a problem.
pub(super) fn ok(d: &mut Doc<'_>) {
    d.put("State", "Enabled");
    d.put("Health", "OK");
}

/// `Status` of a part.
pub(super) fn status(cx: &NodeCx<'_>, part: Scope, d: &mut Doc<'_>) {
    d.object("Status", |d| {
        d.put("State", "Enabled");
        d.put("Health", cx.node.health(part));
    });
}

/// `Status` of a part that cannot be used once it has failed.
pub(super) fn usable_status(cx: &NodeCx<'_>, part: Scope, failed: bool, d: &mut Doc<'_>) {
    let state = if failed { "UnavailableOffline" } else { "Enabled" };
    state_and_health(state, cx.node.health(part), d);
}

pub(super) fn state_and_health(state: &str, health: Health, d: &mut Doc<'_>) {
    d.object("Status", |d| {
        d.put("State", state);
        d.put("Health", health);
    });
}

/// `Status` of a resource that contains others. Their worst health is its roll-up.
pub(super) fn container_status(cx: &NodeCx<'_>, all: Scope, d: &mut Doc<'_>) {
    d.object("Status", |d| {
        ok(d);
        d.put("HealthRollup", cx.node.health(all));
    });
}

/// `Redundancy` of the older resources: a set of parts of one kind. The set is its name, the place of its parts in the document,
/// and the scope of its health. A single part is not redundant.
pub(super) fn redundancy(
    cx: &NodeCx<'_>,
    redundancy: Redundancy,
    (name, below, scope): (&str, &str, Scope),
    parts: impl Iterator<Item = u8>,
    d: &mut Doc<'_>,
) {
    if redundancy.all < 2 {
        return;
    }
    d.array("Redundancy", |d| {
        d.item_object(|d| {
            d.join("@odata.id", &[cx.uri(), "#/Redundancy/0"]);
            d.put("MemberId", "0");
            d.put("Name", name);
            d.put("Mode", redundancy.kind.mode());
            d.put("MinNumNeeded", redundancy.needed);
            d.put("MaxNumSupported", redundancy.all);
            d.array("RedundancySet", |d| {
                for part in parts {
                    d.item_link(&[cx.uri(), below, itoa::Buffer::new().format(part)]);
                }
            });
            status(cx, scope, d);
        });
    });
}

/// The redundancy of the newer resources: a group of members of a collection below the resource. The group is its key, the path
/// of the collection, and the scope of its health. A single part is not redundant.
pub(super) fn redundant_group<'a>(
    cx: &NodeCx<'_>,
    redundancy: Redundancy,
    (key, below, scope): (&str, &str, Scope),
    members: impl Iterator<Item = &'a str>,
    d: &mut Doc<'_>,
) {
    if redundancy.all < 2 {
        return;
    }
    d.array(key, |d| {
        d.item_object(|d| {
            d.put("RedundancyType", redundancy.kind.as_str());
            d.put("MinNeededInGroup", redundancy.needed);
            d.put("MaxSupportedInGroup", redundancy.all);
            d.array("RedundancyGroup", |d| {
                for member in members {
                    d.item_link(&[cx.uri(), below, member]);
                }
            });
            status(cx, scope, d);
        });
    });
}

/// `Identifiers` with one worldwide name. `name` is written as Linux writes it.
pub(super) fn durable_name(name: &str, d: &mut Doc<'_>) {
    d.array("Identifiers", |d| {
        d.item_object(|d| match name.strip_prefix("eui.") {
            Some(eui) => {
                d.put("DurableName", separated(eui));
                d.put("DurableNameFormat", "EUI");
            }
            None => {
                d.put("DurableName", name.trim_start_matches("0x"));
                d.put("DurableNameFormat", "NAA");
            }
        });
    });
}

/// An EUI-64 as its format requires (`DurableNameFormat` of `Resource`, DSP0268): `00-25-38-00-24-43-FF-71`.
fn separated(eui: &str) -> String {
    let mut text = String::with_capacity(eui.len() * 3 / 2);
    for (at, digit) in eui.chars().enumerate() {
        if at > 0 && at % 2 == 0 {
            text.push('-');
        }
        text.push(digit.to_ascii_uppercase());
    }
    text
}

/// Links to the power supplies, if the model has them as resources.
pub(super) fn links_to_supplies(key: &str, model: &Model<'_>, d: &mut Doc<'_>) {
    if model.has("Chassis/{}/PowerSubsystem/PowerSupplies/{}") {
        let [base, chassis] = model.chassis();
        d.array(key, |d| {
            for supply in &model.profile.power_supplies {
                d.item_link(&[base, chassis, "/PowerSubsystem/PowerSupplies/", &supply.id]);
            }
        });
    }
}

/// A link to a drive, in parts.
pub(super) fn drive_link<'a>(cx: &NodeCx<'a>, drive: &'a Drive) -> [&'a str; 4] {
    let [base, key] = cx.model.chassis();
    [base, key, "/Drives/", &drive.id]
}

/// `BootOptionReference` of the boot option with that number.
pub(in crate::redfish) fn boot_option_reference(number: u8) -> String {
    let digit = |nibble: u8| char::from(b"0123456789ABCDEF"[usize::from(nibble & 0xf)]);
    let mut reference = String::with_capacity(8);
    reference.push_str("Boot00");
    reference.push(digit(number >> 4));
    reference.push(digit(number));
    reference
}

/// The indicator LED that a body asks for, by `IndicatorLED` or by the newer `LocationIndicatorActive`.
pub(super) fn led(body: &mut Body) -> Option<IndicatorLed> {
    let led = body.word("IndicatorLED", IndicatorLed::parse, IndicatorLed::ALL);
    let active = body.flag("LocationIndicatorActive");
    led.or(active.map(|on| if on { IndicatorLed::Blinking } else { IndicatorLed::Off }))
}

/// The beginning of a UEFI device path: the device at a PCI address such as `0000:17:00.0`.
pub(super) fn pci_path(address: &str) -> String {
    let mut numbers = address.split([':', '.']).skip(1).map(|part| part.trim_start_matches('0'));
    let mut next = || numbers.next().filter(|part| !part.is_empty()).unwrap_or("0");
    let (bus, device, function) = (next(), next(), next());
    format!("PciRoot(0x{bus})/Pci(0x{device},0x{function})")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_eui_64_has_eight_pairs_of_digits() {
        assert_eq!(separated("002538002443ff71"), "00-25-38-00-24-43-FF-71");
    }

    #[test]
    fn a_password_in_a_uri_is_never_shown() {
        for (uri, shown) in [
            ("http://user:secret@a:8080/b?c=d:e@f", "http://user@a:8080/b?c=d:e@f"),
            ("https://user:se:cr@et@a", "https://user@a"),
            ("http://:secret@a/b", "http://@a/b"),
            ("http://user@a/b:c@d", "http://user@a/b:c@d"),
            ("http://[::1]:80/b", "http://[::1]:80/b"),
        ] {
            assert_eq!(shown_uri(uri), shown, "{uri}");
        }
    }
}
