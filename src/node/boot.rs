//! Boot settings, and which source wins.

use serde::{Deserialize, Serialize};

use crate::dmtf::{BootMode, BootOverride, BootTarget};
use crate::profile::Profile;

/// What `ComputerSystem.Boot` says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Boot {
    /// `BootSourceOverrideTarget`.
    pub target: BootTarget,
    /// `BootSourceOverrideEnabled`.
    pub enabled: BootOverride,
    /// `BootSourceOverrideMode`, in force at once.
    pub mode: BootMode,
    /// `HttpBootUri`; `None` is null.
    pub http_uri: Option<Box<str>>,
    /// `BootOrder` as numbers into the profile's order; `None` is the profile's own.
    pub order: Option<Box<[u8]>>,
}

impl Default for Boot {
    fn default() -> Self {
        Self {
            target: BootTarget::None,
            enabled: BootOverride::Disabled,
            mode: BootMode::Uefi,
            http_uri: None,
            order: None,
        }
    }
}

/// What a client changes of [`Boot`]; `None` leaves a property as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BootChange {
    /// `BootSourceOverrideTarget`.
    pub target: Option<BootTarget>,
    /// `BootSourceOverrideEnabled`.
    pub enabled: Option<BootOverride>,
    /// `BootSourceOverrideMode`.
    pub mode: Option<BootMode>,
    /// `HttpBootUri`; the inner `None` is null.
    pub http_uri: Option<Option<Box<str>>>,
    /// `BootOrder`.
    pub order: Option<Box<[u8]>>,
}

impl Boot {
    /// The longest `HttpBootUri`, bytes.
    pub const MAX_URI_BYTES: usize = 2048;

    /// Makes the change.
    ///
    /// A target given alone arms an override that is disabled, once: Ironic leaves `Enabled` out when it equals what it
    /// wants, and an override that has been used up must fire again (`ironic-contract.md` 1.8, first rule).
    pub fn change(&mut self, change: BootChange) {
        if let Some(target) = change.target {
            self.target = target;
            if change.enabled.is_none() {
                self.enabled = match (target, self.enabled) {
                    (BootTarget::None, _) => BootOverride::Disabled,
                    (_, BootOverride::Disabled) => BootOverride::Once,
                    (_, armed) => armed,
                };
            }
        }
        if let Some(enabled) = change.enabled {
            self.enabled = enabled;
            if enabled == BootOverride::Disabled && change.target.is_none() {
                self.target = BootTarget::None;
            }
        }
        if let Some(mode) = change.mode {
            self.mode = mode;
        }
        if let Some(uri) = change.http_uri {
            self.http_uri = uri;
        }
        if let Some(order) = change.order {
            self.order = Some(order);
        }
    }

    /// The boot order now, as numbers into the profile's.
    pub fn order<'a>(&'a self, profile: &'a Profile) -> impl Iterator<Item = u8> + use<'a> {
        let own = self.order.as_deref();
        let count = own.map_or(profile.boot_order.len(), <[u8]>::len);
        (0..count).map(move |i| own.map_or(u8::try_from(i).unwrap_or(u8::MAX), |o| o[i]))
    }

    /// What firmware tries now, first to last: the override, then the order. An override that is for once is used up
    /// by this, before the source has proven good, as on hardware.
    pub fn plan(&mut self, profile: &Profile) -> Vec<BootTarget> {
        let mut plan = Vec::with_capacity(4);
        if self.enabled != BootOverride::Disabled && self.target != BootTarget::None {
            plan.push(self.target);
        }
        if self.enabled == BootOverride::Once {
            self.enabled = BootOverride::Disabled;
            self.target = BootTarget::None;
        }
        let order: Vec<_> = self.order(profile).collect();
        plan.extend(order.iter().filter_map(|i| profile.boot_order.get(usize::from(*i))));
        plan
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::built_in;

    #[test]
    fn once_is_used_up_by_planning() {
        let profile = built_in("generic").unwrap();
        let mut boot = Boot::default();
        boot.change(BootChange {
            target: Some(BootTarget::Cd),
            enabled: Some(BootOverride::Once),
            ..BootChange::default()
        });
        assert_eq!(boot.plan(&profile), [BootTarget::Cd, BootTarget::Hdd, BootTarget::Pxe]);
        assert_eq!((boot.target, boot.enabled), (BootTarget::None, BootOverride::Disabled));
        assert_eq!(boot.plan(&profile), [BootTarget::Hdd, BootTarget::Pxe]);
    }

    #[test]
    fn continuous_stays() {
        let profile = built_in("generic").unwrap();
        let mut boot = Boot::default();
        boot.change(BootChange {
            target: Some(BootTarget::Hdd),
            enabled: Some(BootOverride::Continuous),
            ..BootChange::default()
        });
        boot.plan(&profile);
        assert_eq!(boot.plan(&profile)[0], BootTarget::Hdd);
    }

    #[test]
    fn a_target_alone_arms_an_override_again() {
        let mut boot = Boot::default();
        boot.change(BootChange { target: Some(BootTarget::Cd), ..BootChange::default() });
        assert_eq!(boot.enabled, BootOverride::Once);
        boot.enabled = BootOverride::Continuous;
        boot.change(BootChange { target: Some(BootTarget::Hdd), ..BootChange::default() });
        assert_eq!(boot.enabled, BootOverride::Continuous);
    }

    #[test]
    fn the_order_can_be_turned_round() {
        let profile = built_in("generic").unwrap();
        let mut boot = Boot::default();
        boot.change(BootChange { order: Some([1, 0].into()), ..BootChange::default() });
        assert_eq!(boot.plan(&profile), [BootTarget::Pxe, BootTarget::Hdd]);
    }
}
