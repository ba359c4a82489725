//! PCI functions, the cards that they belong to, and the slots of the cards. The agent lists the same functions.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::inventory::{Nic, PciDevice, Storage};

/// A PCIe slot of the chassis.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Slot {
    /// The name that is printed on the chassis, such as `PCIe Slot 1`.
    pub label: String,
    /// `SlotType`, such as `FullLength` or `OCP3Small`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Generation: `Gen3`, `Gen4` or `Gen5`.
    pub pcie_type: String,
    pub lanes: u32,
    /// PCI address of the card in the slot without its function, such as `0000:31:00`. Without it, the slot is empty.
    #[serde(default)]
    pub card: Option<String>,
}

/// A function of a PCI device. All numbers are hex digits without a prefix.
#[derive(Clone, Copy, Debug)]
pub struct Function<'a> {
    /// PCI address, such as `0000:31:00.0`.
    pub address: &'a str,
    pub vendor: &'a str,
    pub product: &'a str,
    pub class: &'a str,
    pub revision: &'a str,
    pub of: Part<'a>,
}

/// The part of the machine that has a PCI function.
#[derive(Clone, Copy, Debug)]
pub enum Part<'a> {
    /// The host interface with this number.
    Nic(u8, &'a Nic),
    /// The storage controller with this number.
    Storage(u8, &'a Storage),
    Other(&'a PciDevice),
}

/// The functions at one PCI address: a card, or a device of the board.
#[derive(Clone, Debug)]
pub struct Card<'a> {
    /// PCI address without the function, such as `0000:31:00`.
    pub address: &'a str,
    pub functions: Vec<Function<'a>>,
}

/// The PCI address without its function.
pub(super) fn card(address: &str) -> &str {
    address.rsplit_once('.').map_or(address, |(card, _)| card)
}

impl Card<'_> {
    /// `Id` of the `PCIeDevice` with this number.
    pub fn id(number: usize) -> String {
        format!("PCIe{}", number + 1)
    }

    pub fn name(&self) -> &str {
        match self.functions[0].of {
            Part::Nic(_, nic) => nic.card_name(),
            Part::Storage(_, storage) => &storage.name,
            Part::Other(device) => device.name.as_deref().unwrap_or("PCI device"),
        }
    }
}

impl Function<'_> {
    /// The number of the function on its card: the last digit of the address.
    pub fn number(&self) -> &str {
        self.address.rsplit_once('.').map_or("0", |(_, number)| number)
    }
}

/// The PCI functions in the order of the agent's collector `pci-devices`: host interfaces, then the others.
pub(super) fn functions<'a>(
    nics: &'a [Nic],
    devices: &'a [PciDevice],
    storage: &'a [Storage],
) -> impl Iterator<Item = Function<'a>> {
    let nics = (0u8..).zip(nics).map(|(number, nic)| Function {
        address: &nic.pci_address,
        vendor: nic.vendor.trim_start_matches("0x"),
        product: nic.product.trim_start_matches("0x"),
        class: "020000",
        revision: "02",
        of: Part::Nic(number, nic),
    });
    let others = devices.iter().map(|device| Function {
        address: &device.bus,
        vendor: &device.vendor_id,
        product: &device.product_id,
        class: &device.class,
        revision: &device.revision,
        of: controller_at(storage, &device.bus).unwrap_or(Part::Other(device)),
    });
    nics.chain(others)
}

/// The storage controller at a PCI address, which the paths of its drives name.
fn controller_at<'a>(storage: &'a [Storage], address: &str) -> Option<Part<'a>> {
    let has = |storage: &&Storage| {
        storage.drives.iter().any(|drive| {
            let rest = drive.by_path.strip_prefix("pci-").and_then(|path| path.strip_prefix(address));
            rest.is_some_and(|rest| rest.starts_with('-'))
        })
    };
    let found = (0u8..).zip(storage).find(|(_, storage)| has(storage));
    found.map(|(number, storage)| Part::Storage(number, storage))
}

/// The cards in the order of their first functions.
pub(super) fn cards<'a>(functions: impl Iterator<Item = Function<'a>>) -> Vec<Card<'a>> {
    let mut cards: Vec<Card<'_>> = Vec::new();
    for function in functions {
        let address = card(function.address);
        match cards.iter_mut().find(|card| card.address == address) {
            Some(card) => card.functions.push(function),
            None => cards.push(Card { address, functions: vec![function] }),
        }
    }
    cards
}

/// Checks the slots, and the addresses that documents show.
pub(super) fn check(slots: &[Slot], cards: &[Card<'_>]) -> Result<(), String> {
    const KINDS: [&str; 9] =
        ["FullLength", "HalfLength", "LowProfile", "Mini", "M2", "OEM", "OCP3Small", "OCP3Large", "U2"];
    const GENERATIONS: [&str; 6] = ["Gen1", "Gen2", "Gen3", "Gen4", "Gen5", "Gen6"];
    let mut addresses = BTreeSet::new();
    for function in cards.iter().flat_map(|card| &card.functions) {
        let address = function.address;
        let digits: Vec<usize> = address.split([':', '.']).map(str::len).collect();
        let hex = address.chars().all(|c| c.is_ascii_hexdigit() || matches!(c, ':' | '.'));
        if digits != [4, 2, 2, 1] || !hex || function.number() > "7" {
            return Err(format!("PCI address '{address}': it must be written as 0000:31:00.0"));
        }
        if !addresses.insert(address) {
            return Err(format!("PCI address '{address}': two devices have it; each needs one of its own"));
        }
        for (what, id, length) in [
            ("vendor", function.vendor, 4),
            ("product", function.product, 4),
            ("class", function.class, 6),
            ("revision", function.revision, 2),
        ] {
            if id.len() != length || !id.chars().all(|c| c.is_ascii_hexdigit()) {
                return Err(format!(
                    "{what} '{id}' of the PCI device at {address}: it must have {length} hex digits"
                ));
            }
        }
    }
    let mut taken = BTreeSet::new();
    for slot in slots {
        let label = &slot.label;
        let word = |key: &str, word: &str, allowed: &[&str]| {
            let known = allowed.contains(&word);
            let allowed = allowed.join(", ");
            if known {
                Ok(())
            } else {
                Err(format!("pcie_slot '{label}': {key} '{word}' must be one of {allowed}"))
            }
        };
        word("type", &slot.kind, &KINDS)?;
        word("pcie_type", &slot.pcie_type, &GENERATIONS)?;
        if !(1..=32).contains(&slot.lanes) {
            return Err(format!("pcie_slot '{label}': lanes is {}; 1 to 32 are allowed", slot.lanes));
        }
        let Some(address) = &slot.card else { continue };
        if !cards.iter().any(|card| card.address == address) {
            return Err(format!(
                "pcie_slot '{label}': there is no device at card '{address}'; name the address of a nic or pci_device \
                 without its function"
            ));
        }
        if !taken.insert(address) {
            return Err(format!("pcie_slot '{label}': card '{address}' is in another slot, too"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::{Profile, built_in};

    #[test]
    fn cards_have_the_functions_of_their_address_and_the_name_of_their_part() {
        let profile = built_in("generic").unwrap();
        let cards = profile.cards();
        let shown: Vec<_> =
            cards.iter().map(|card| (card.address, card.functions.len(), card.name())).collect();
        assert_eq!(shown[0], ("0000:31:00", 2, "Network adapter 1"));
        assert_eq!(shown[1], ("0000:00:17", 1, "SATA controller"));
        assert_eq!(profile.slot_of("0000:31:00").map(|(_, slot)| slot.lanes), Some(16));
        assert_eq!(cards[0].functions[1].number(), "1");
    }

    #[test]
    fn a_slot_holds_a_card_that_exists_and_an_address_is_written_in_one_way() {
        let changed = |change: fn(&mut Profile)| {
            let mut profile = Profile::clone(&built_in("generic").unwrap());
            change(&mut profile);
            check(&profile.slots, &profile.cards()).unwrap_err()
        };
        for (change, words) in [
            ((|p| p.slots[0].card = Some("0000:99:00".to_owned())) as fn(&mut Profile), "no device at card"),
            (|p| p.slots[0].kind = "Big".to_owned(), "type 'Big' must be one of"),
            (|p| p.slots[0].lanes = 0, "lanes is 0"),
            (|p| p.slots[1].card = p.slots[0].card.clone(), "is in another slot"),
            (|p| p.nics[0].pci_address = "31:00.0".to_owned(), "must be written as"),
            (|p| p.nics[0].pci_address = p.nics[1].pci_address.clone(), "two devices have it"),
            (|p| p.nics[0].vendor = "0x80861".to_owned(), "must have 4 hex digits"),
        ] {
            let error = changed(change);
            assert!(error.contains(words), "{error}");
        }
    }
}
