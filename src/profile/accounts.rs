//! The rules that a BMC has for its accounts, as it comes from its maker.

use serde::{Deserialize, Serialize};

/// The rules of a model for its accounts. The keys stand in `profile.toml` below `[accounts]`. A client can change the rules that
/// are properties of `AccountService`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct AccountRules {
    /// `MinPasswordLength`: the shortest password, characters.
    pub min_password_length: u16,
    /// `MaxPasswordLength`, characters; at most [`AccountRules::LONGEST_PASSWORD`].
    pub max_password_length: u16,
    /// `AccountLockoutThreshold`: failed logins until an account is locked. With 0, no account is ever locked.
    pub lockout_threshold: u16,
    /// `AccountLockoutDuration`, seconds. With 0, an account stays locked until an administrator unlocks it.
    pub lockout_duration_s: u32,
    /// `AccountLockoutCounterResetAfter`: the failed logins are forgotten after so many seconds.
    pub lockout_counter_reset_s: u32,
    /// A fixed number of members in the collection of accounts, most of them empty. Without it, the collection has the accounts
    /// that exist.
    pub slots: Option<u16>,
    /// The `Id` of the first account.
    pub first: u32,
}

impl AccountRules {
    /// The rules of a model without `[accounts]`.
    pub const DEFAULT: Self = Self {
        min_password_length: 8,
        max_password_length: Self::LONGEST_PASSWORD,
        lockout_threshold: 0,
        lockout_duration_s: 60,
        lockout_counter_reset_s: 60,
        slots: None,
        first: 1,
    };
    /// The largest `MaxPasswordLength`, characters.
    pub const LONGEST_PASSWORD: u16 = 256;
    /// The largest number of slots.
    const MOST_SLOTS: u16 = 64;

    /// # Errors
    /// The key that is wrong, and what is allowed.
    pub(super) fn check(&self) -> Result<(), String> {
        let (min, max) = (self.min_password_length, self.max_password_length);
        if max > Self::LONGEST_PASSWORD || min > max {
            let most = Self::LONGEST_PASSWORD;
            return Err(format!(
                "accounts: min_password_length is {min} and max_password_length is {max}; allowed are 0 to {most}, the \
                 smaller one first"
            ));
        }
        if self.lockout_duration_s > 0 && self.lockout_counter_reset_s > self.lockout_duration_s {
            return Err(format!(
                "accounts: lockout_counter_reset_s is {}; allowed are 0 to lockout_duration_s, which is {}",
                self.lockout_counter_reset_s, self.lockout_duration_s
            ));
        }
        let last = self.slots.map_or(u32::from(Self::MOST_SLOTS), u32::from);
        if self.slots.is_some_and(|slots| !(1..=Self::MOST_SLOTS).contains(&slots)) {
            return Err(format!("accounts: slots is {last}; allowed are 1 to {}", Self::MOST_SLOTS));
        }
        if !(1..=last).contains(&self.first) {
            return Err(format!("accounts: first is {}; allowed are 1 to {last}", self.first));
        }
        Ok(())
    }
}

impl Default for AccountRules {
    fn default() -> Self {
        Self::DEFAULT
    }
}
