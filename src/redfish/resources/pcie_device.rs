//! `PCIeDevice`, `PCIeFunction` and `PCIeSlots`: the devices that the agent lists, too, and the slots that hold them.

use super::common;
use crate::profile::pcie::{Card, Function, Part, Slot};
use crate::redfish::context::{Model, NodeCx};
use crate::redfish::doc::Doc;

pub(super) fn members(cx: &NodeCx<'_>, each: &mut dyn FnMut(&str)) {
    (0..cx.profile().cards().len()).for_each(|number| each(&Card::id(number)));
}

pub(super) fn functions(cx: &NodeCx<'_>, each: &mut dyn FnMut(&str)) {
    of(cx).functions.iter().for_each(|function| each(function.number()));
}

pub(super) fn has_slots(model: &Model<'_>) -> bool {
    !model.profile.slots.is_empty()
}

/// The device in the URI.
fn of<'a>(cx: &NodeCx<'a>) -> Card<'a> {
    let wanted = cx.ids.first().expect("only a device and what is below it ask");
    let mut cards = cx.profile().cards().into_iter().enumerate();
    let found = cards.find(|(number, _)| Card::id(*number) == *wanted);
    found.expect("the device exists, or the request was refused").1
}

/// Links to the devices, if the model has them as resources. `is_meant` chooses among them.
pub(super) fn links(key: &str, model: &Model<'_>, is_meant: impl Fn(&Card<'_>) -> bool, d: &mut Doc<'_>) {
    if !model.has("Chassis/{}/PCIeDevices/{}") {
        return;
    }
    let [base, chassis] = model.chassis();
    d.array(key, |d| {
        for (number, _) in model.profile.cards().iter().enumerate().filter(|(_, card)| is_meant(card)) {
            d.item_link(&[base, chassis, "/PCIeDevices/", &Card::id(number)]);
        }
    });
}

/// A link to the function at a PCI address, if the model has it as a resource.
pub(super) fn link_to_function(cx: &NodeCx<'_>, address: &str, d: &mut Doc<'_>) {
    if !cx.model.has("Chassis/{}/PCIeDevices/{}/PCIeFunctions/{}") {
        return;
    }
    let [base, chassis] = cx.model.chassis();
    for (number, card) in cx.profile().cards().iter().enumerate() {
        if let Some(function) = card.functions.iter().find(|function| function.address == address) {
            let id = Card::id(number);
            let parts = [base, chassis, "/PCIeDevices/", &id, "/PCIeFunctions/", function.number()];
            d.link("PCIeFunction", &parts);
        }
    }
}

pub(super) fn get(cx: &NodeCx<'_>, d: &mut Doc<'_>) {
    let card = of(cx);
    let (profile, spec) = (cx.profile(), cx.spec());
    d.put("Id", cx.ids[0]);
    d.put("Name", card.name());
    match card.functions[0].of {
        Part::Nic(_, nic) => {
            d.put_some("Manufacturer", nic.manufacturer.as_deref());
            d.put("Model", nic.card_name());
            let adapter = profile.adapters().position(|ports| ports[0].card() == card.address);
            let number = adapter.and_then(|number| u8::try_from(number).ok()).unwrap_or(u8::MAX);
            d.put("SerialNumber", spec.part_serial('N', number));
            d.put_some("FirmwareVersion", cx.node.version_of_part(card.name()));
        }
        Part::Storage(number, storage) => {
            d.put("Manufacturer", &storage.manufacturer);
            d.put("Model", &storage.model);
            d.put("SerialNumber", spec.part_serial('S', number));
            let version = cx.node.version_of_part(&storage.name).unwrap_or(&storage.firmware_version);
            d.put("FirmwareVersion", version);
        }
        Part::Other(_) => d.put_some("FirmwareVersion", cx.node.version_of_part(card.name())),
    }
    d.put("DeviceType", if card.functions.len() > 1 { "MultiFunction" } else { "SingleFunction" });
    if let Some((number, slot)) = profile.slot_of(card.address) {
        d.object("PCIeInterface", |d| {
            d.put("PCIeType", &slot.pcie_type);
            d.put("MaxPCIeType", &slot.pcie_type);
            d.put("LanesInUse", slot.lanes);
            d.put("MaxLanes", slot.lanes);
        });
        d.object("Slot", |d| describe(number, slot, d));
    }
    d.object("Status", common::ok);
    d.object("Links", |d| d.one_link("Chassis", &cx.model.chassis()));
}

/// The properties of a slot that `PCIeDevice.Slot` and `PCIeSlots` share.
fn describe(number: usize, slot: &Slot, d: &mut Doc<'_>) {
    d.put("SlotType", &slot.kind);
    d.put("PCIeType", &slot.pcie_type);
    d.put("Lanes", slot.lanes);
    d.put("HotPluggable", false);
    d.object("Location", |d| {
        d.object("PartLocation", |d| {
            d.put("ServiceLabel", &slot.label);
            d.put("LocationType", "Slot");
            d.put("LocationOrdinalValue", number);
        });
    });
}

pub(super) fn get_function(cx: &NodeCx<'_>, d: &mut Doc<'_>) {
    let card = of(cx);
    let found = card.functions.iter().find(|function| function.number() == cx.id());
    let function: &Function<'_> = found.expect("the function exists, or the request was refused");
    let mut numbers = function.address.split([':', '.']);
    let mut hex = || ["0x", numbers.next().unwrap_or_default()].concat();
    d.put("Id", function.number());
    d.join("Name", &["Function ", function.number(), " of ", card.name()]);
    d.put("FunctionId", function.number().parse::<u32>().unwrap_or_default());
    d.put("FunctionType", "Physical");
    d.put("FunctionProtocol", "PCIe");
    d.put("SegmentNumber", hex());
    d.put("BusNumber", hex());
    d.put("DeviceNumber", hex());
    d.put("FunctionNumber", hex());
    for (key, digits) in [
        ("VendorId", function.vendor),
        ("DeviceId", function.product),
        ("ClassCode", function.class),
        ("RevisionId", function.revision),
    ] {
        d.join(key, &["0x", digits]);
    }
    d.put("DeviceClass", device_class(function.class));
    d.object("Status", common::ok);
    d.object("Links", |d| {
        let [chassis, key] = cx.model.chassis();
        let [systems, system] = cx.model.system();
        d.link("PCIeDevice", &[chassis, key, "/PCIeDevices/", cx.ids[0]]);
        match function.of {
            Part::Nic(_, nic) => {
                if cx.model.has("Systems/{}/EthernetInterfaces/{}") {
                    d.one_link("EthernetInterfaces", &[systems, system, "/EthernetInterfaces/", &nic.id]);
                }
                if cx.model.has("Chassis/{}/NetworkAdapters/{}/NetworkDeviceFunctions/{}") {
                    let adapter = cx.profile().adapter_id(nic);
                    let below =
                        [chassis, key, "/NetworkAdapters/", &adapter, "/NetworkDeviceFunctions/", &nic.id];
                    d.one_link("NetworkDeviceFunctions", &below);
                }
            }
            // The link to a controller leads to the embedded `StorageController` of old services, which no longer exists here.
            Part::Storage(..) | Part::Other(_) => {}
        }
    });
}

/// `DeviceClass` of a class code (PCI Code and ID Assignment Specification 1.17, 1).
fn device_class(code: &str) -> &'static str {
    match code.get(..2).and_then(|class| u8::from_str_radix(class, 16).ok()) {
        Some(0x00) => "UnclassifiedDevice",
        Some(0x01) => "MassStorageController",
        Some(0x02) => "NetworkController",
        Some(0x03) => "DisplayController",
        Some(0x04) => "MultimediaController",
        Some(0x05) => "MemoryController",
        Some(0x06) => "Bridge",
        Some(0x07) => "CommunicationController",
        Some(0x08) => "GenericSystemPeripheral",
        Some(0x09) => "InputDeviceController",
        Some(0x0a) => "DockingStation",
        Some(0x0b) => "Processor",
        Some(0x0c) => "SerialBusController",
        Some(0x0d) => "WirelessController",
        Some(0x0e) => "IntelligentController",
        Some(0x0f) => "SatelliteCommunicationsController",
        Some(0x10) => "EncryptionController",
        Some(0x11) => "SignalProcessingController",
        Some(0x12) => "ProcessingAccelerators",
        Some(0x13) => "NonEssentialInstrumentation",
        Some(0x40) => "Coprocessor",
        Some(0xff) => "UnassignedClass",
        _ => "Other",
    }
}

pub(super) fn get_slots(cx: &NodeCx<'_>, d: &mut Doc<'_>) {
    let profile = cx.profile();
    d.put("Id", "PCIeSlots");
    d.put("Name", "PCIe Slots");
    d.array("Slots", |d| {
        for (number, slot) in profile.slots.iter().enumerate() {
            d.item_object(|d| {
                describe(number, slot, d);
                d.object("Status", |d| {
                    d.put("State", if slot.card.is_some() { "Enabled" } else { "Absent" });
                });
                if slot.card.is_some() {
                    d.object("Links", |d| {
                        links("PCIeDevice", &cx.model, |card| slot.card.as_deref() == Some(card.address), d);
                    });
                }
            });
        }
    });
}
