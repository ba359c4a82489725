//! Boot settings, and the order in which firmware tries the boot sources.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::sparse::{Part, Sparse};
use crate::dmtf::{BootMode, BootOverride, BootTarget};
use crate::profile::Profile;
use crate::profile::boot_source::BootSource;

/// The property `ComputerSystem.Boot`. Its fields are `BootSourceOverrideTarget`, `BootSourceOverrideEnabled`,
/// `BootSourceOverrideMode`, `HttpBootUri`, `BootOrder`, `UefiTargetBootSourceOverride` and `BootNext`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Boot {
    pub target: BootSource,
    pub enabled: BootOverride,
    /// A change of the mode takes effect immediately.
    pub mode: BootMode,
    pub http_uri: Sparse<HttpUri>,
    /// The order that a client has set.
    pub order: Sparse<Order>,
    /// The boot option that the target `UefiTarget` boots, as an index into `boot_order` of the profile.
    pub uefi_target: Option<u8>,
    /// The boot option that the target `UefiBootNext` boots, as an index into `boot_order` of the profile.
    pub boot_next: Option<u8>,
}

/// Indexes into `boot_order` of the profile; `None` is the order of the profile itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Order(Option<Box<[u8]>>);

impl Part for Order {
    fn of_new_machine() -> &'static Self {
        static NEW: Order = Order(None);
        &NEW
    }
}

/// `HttpBootUri`, if a client has set it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct HttpUri(Option<Box<str>>);

impl HttpUri {
    /// The URI, if a client has set one.
    pub fn as_deref(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

impl Part for HttpUri {
    fn of_new_machine() -> &'static Self {
        static NEW: HttpUri = HttpUri(None);
        &NEW
    }
}

impl Default for Boot {
    fn default() -> Self {
        Self {
            target: BootSource::NONE,
            enabled: BootOverride::Disabled,
            mode: BootMode::Uefi,
            http_uri: Sparse::NEW,
            order: Sparse::NEW,
            uefi_target: None,
            boot_next: None,
        }
    }
}

/// Changes of [`Boot`]; `None` leaves a property unchanged. `Some(None)` sets a property to null.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BootChange {
    pub target: Option<BootSource>,
    pub enabled: Option<BootOverride>,
    pub mode: Option<BootMode>,
    pub http_uri: Option<Option<Box<str>>>,
    pub order: Option<Box<[u8]>>,
    pub uefi_target: Option<Option<u8>>,
    pub boot_next: Option<Option<u8>>,
}

impl Boot {
    /// Maximum length of `HttpBootUri`, bytes.
    pub const MAX_URI_BYTES: usize = 2048;

    /// Applies a change.
    ///
    /// A target without `BootSourceOverrideEnabled` enables a disabled override for one boot. Ironic omits
    /// `BootSourceOverrideEnabled` if the property had the wanted value when Ironic read it. A boot may have consumed
    /// the override since then (`ironic/drivers/modules/redfish/management.py`, `_set_boot_device`).
    pub fn change(&mut self, change: BootChange) {
        if let Some(target) = change.target {
            self.target = target;
            if change.enabled.is_none() {
                self.enabled = match self.enabled {
                    _ if target == BootSource::NONE => BootOverride::Disabled,
                    BootOverride::Disabled => BootOverride::Once,
                    // UEFI knows it for one boot only (`Boot.BootNext`).
                    _ if target == BootTarget::UefiBootNext.into() => BootOverride::Once,
                    enabled @ (BootOverride::Once | BootOverride::Continuous) => enabled,
                };
            }
        }
        if let Some(enabled) = change.enabled {
            self.enabled = enabled;
            if enabled == BootOverride::Disabled && change.target.is_none() {
                self.target = BootSource::NONE;
            }
        }
        // An override without a target overrides nothing.
        if self.target == BootSource::NONE {
            self.enabled = BootOverride::Disabled;
        }
        if let Some(mode) = change.mode {
            self.mode = mode;
        }
        if let Some(uri) = change.http_uri {
            self.http_uri = HttpUri(uri).into();
        }
        if let Some(order) = change.order {
            self.order = Order(Some(order)).into();
        }
        self.uefi_target = change.uefi_target.unwrap_or(self.uefi_target);
        self.boot_next = change.boot_next.unwrap_or(self.boot_next);
    }

    /// The source that the override boots. Two targets only say which property names the boot option.
    fn overriding(&self, profile: &Profile) -> Option<BootSource> {
        let option = |number: Option<u8>| profile.boot_order.get(usize::from(number?)).copied();
        match self.target {
            BootSource::NONE => None,
            BootSource::Standard(BootTarget::UefiTarget) => option(self.uefi_target),
            BootSource::Standard(BootTarget::UefiBootNext) => option(self.boot_next),
            source @ (BootSource::Standard(_) | BootSource::UsbCd) => Some(source),
        }
    }

    /// The current boot order, as indexes into `boot_order` of the profile.
    pub fn order<'a>(&'a self, profile: &'a Profile) -> impl Iterator<Item = u8> + use<'a> {
        let own = self.order.0.as_deref();
        let count = own.map_or(profile.boot_order.len(), <[u8]>::len);
        (0..count).map(move |i| own.map_or(u8::try_from(i).unwrap_or(u8::MAX), |o| o[i]))
    }

    /// `ComputerSystem.SetDefaultBootOrder`: the order is that of a new machine.
    pub(super) fn reset_order(&mut self) {
        self.order = Sparse::NEW;
    }

    /// The sources that firmware tries at this boot: the override, then the boot order without its disabled options. An override
    /// boots a disabled option, too (UEFI specification 2.10, 3.1.3). This consumes an override with
    /// `Once`, even if the source later proves not bootable, as on hardware.
    pub fn plan(&mut self, profile: &Profile, disabled: &BTreeSet<u8>) -> Vec<BootSource> {
        let mut plan = Vec::with_capacity(4);
        if self.enabled != BootOverride::Disabled {
            plan.extend(self.overriding(profile));
        }
        if self.enabled == BootOverride::Once {
            self.enabled = BootOverride::Disabled;
            self.target = BootSource::NONE;
            (self.uefi_target, self.boot_next) = (None, None);
        }
        plan.extend(self.ordered(profile, disabled));
        plan
    }

    /// The sources of the boot order, without the disabled options.
    pub(super) fn ordered(&self, profile: &Profile, disabled: &BTreeSet<u8>) -> Vec<BootSource> {
        let enabled = self.order(profile).filter(|number| !disabled.contains(number));
        enabled.filter_map(|i| profile.boot_order.get(usize::from(i)).copied()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::built_in;

    const CD: BootSource = BootSource::Standard(BootTarget::Cd);
    const HDD: BootSource = BootSource::Standard(BootTarget::Hdd);
    const PXE: BootSource = BootSource::Standard(BootTarget::Pxe);

    #[test]
    fn a_plan_consumes_an_override_for_one_boot() {
        let profile = built_in("generic").unwrap();
        let mut boot = Boot::default();
        boot.change(BootChange {
            target: Some(CD),
            enabled: Some(BootOverride::Once),
            ..BootChange::default()
        });
        assert_eq!(boot.plan(&profile, &BTreeSet::new()), [CD, HDD, PXE]);
        assert_eq!((boot.target, boot.enabled), (BootSource::NONE, BootOverride::Disabled));
        assert_eq!(boot.plan(&profile, &BTreeSet::new()), [HDD, PXE]);
    }

    #[test]
    fn a_continuous_override_stays() {
        let profile = built_in("generic").unwrap();
        let mut boot = Boot::default();
        boot.change(BootChange {
            target: Some(HDD),
            enabled: Some(BootOverride::Continuous),
            ..BootChange::default()
        });
        boot.plan(&profile, &BTreeSet::new());
        assert_eq!(boot.plan(&profile, &BTreeSet::new())[0], HDD);
    }

    #[test]
    fn a_target_alone_enables_a_disabled_override() {
        let mut boot = Boot::default();
        boot.change(BootChange { target: Some(CD), ..BootChange::default() });
        assert_eq!(boot.enabled, BootOverride::Once);
        boot.enabled = BootOverride::Continuous;
        boot.change(BootChange { target: Some(HDD), ..BootChange::default() });
        assert_eq!(boot.enabled, BootOverride::Continuous);
        boot.change(BootChange { target: Some(BootSource::NONE), ..BootChange::default() });
        assert_eq!(boot.enabled, BootOverride::Disabled);
    }

    #[test]
    fn an_override_can_name_a_boot_option() {
        let profile = built_in("generic").unwrap();
        let network = Some(Some(1));
        for (target, change) in [
            (BootTarget::UefiTarget, BootChange { uefi_target: network, ..BootChange::default() }),
            (BootTarget::UefiBootNext, BootChange { boot_next: network, ..BootChange::default() }),
        ] {
            let mut boot = Boot::default();
            boot.change(BootChange { target: Some(target.into()), ..BootChange::default() });
            assert_eq!(boot.clone().plan(&profile, &BTreeSet::new()), [HDD, PXE], "no boot option is named");
            boot.change(change);
            assert_eq!(boot.plan(&profile, &BTreeSet::new()), [PXE, HDD, PXE]);
            assert_eq!(boot, Boot::default(), "the override was for one boot");
        }
    }

    #[test]
    fn an_override_without_a_target_is_disabled() {
        for enabled in [BootOverride::Once, BootOverride::Continuous] {
            let mut boot = Boot::default();
            boot.change(BootChange { enabled: Some(enabled), ..BootChange::default() });
            assert_eq!(
                (boot.target, boot.enabled),
                (BootSource::NONE, BootOverride::Disabled),
                "no target yet"
            );
            boot.change(BootChange { target: Some(CD), enabled: Some(enabled), ..BootChange::default() });
            assert_eq!((boot.target, boot.enabled), (CD, enabled));
            let none = BootChange {
                target: Some(BootSource::NONE),
                enabled: Some(enabled),
                ..BootChange::default()
            };
            boot.change(none);
            assert_eq!((boot.target, boot.enabled), (BootSource::NONE, BootOverride::Disabled));
        }
    }

    #[test]
    fn a_client_can_reverse_the_boot_order() {
        let profile = built_in("generic").unwrap();
        let mut boot = Boot::default();
        boot.change(BootChange { order: Some([1, 0].into()), ..BootChange::default() });
        assert_eq!(boot.plan(&profile, &BTreeSet::new()), [PXE, HDD]);
    }

    #[test]
    fn a_disabled_option_is_skipped_unless_an_override_names_it() {
        let profile = built_in("generic").unwrap();
        let disabled = BTreeSet::from([1]);
        let mut boot = Boot::default();
        assert_eq!(boot.plan(&profile, &disabled), [HDD]);
        let next = BootTarget::UefiBootNext.into();
        boot.enabled = BootOverride::Continuous;
        boot.change(BootChange { target: Some(next), boot_next: Some(Some(1)), ..BootChange::default() });
        assert_eq!(boot.enabled, BootOverride::Once, "UEFI has no other");
        assert_eq!(boot.plan(&profile, &disabled), [PXE, HDD]);
        assert_eq!((boot.plan(&profile, &disabled), boot.boot_next), (vec![HDD], None));
        boot.change(BootChange { order: Some([1, 0].into()), ..BootChange::default() });
        boot.reset_order();
        assert_eq!(boot, Boot::default());
    }
}
