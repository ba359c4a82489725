//! The credentials of every BMC: user name and password.

use std::fmt;
use std::io::Read as _;

use zeroize::{Zeroize as _, Zeroizing};

use super::error::ConfigError;
use super::raw::RawSettings;
use super::setting::{HTPASSWD, PASSWORD, PASSWORD_FILE, USER};
use crate::import::htpasswd::Htpasswd;
use crate::redfish::auth::Account;

/// A password. `Debug` does not print it, and it is wiped from memory when it is dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(Zeroizing<String>);

impl Password {
    /// The value of `--password`, or the first line of the file that `--password-file` names.
    pub(super) fn new(raw: &RawSettings) -> Result<Self, ConfigError> {
        let from_file = raw.first(&PASSWORD_FILE).is_some()
            && (raw.first(&PASSWORD).is_none() || raw.overrides(&PASSWORD_FILE, &PASSWORD)?);
        let password = if from_file {
            raw.optional(&PASSWORD_FILE, |path| credential(&first_line(path)?))?.unwrap_or_default()
        } else {
            raw.required(&PASSWORD, credential)?
        };
        Ok(Self(password.into()))
    }

    /// A password or token from a file.
    ///
    /// # Errors
    /// If it is too long, or has control characters.
    pub(super) fn checked(text: &str) -> Result<Self, String> {
        credential(text).map(|text| Self(text.into()))
    }

    /// The default password, which the help shows.
    pub fn public() -> Self {
        Self(PASSWORD.default.unwrap_or_default().to_owned().into())
    }

    /// No password: a file has its hash.
    pub(super) fn none() -> Self {
        Self(String::new().into())
    }

    /// Whether it is the default password.
    pub fn is_public(&self) -> bool {
        PASSWORD.default == Some(self.reveal())
    }

    /// Wipes the password, once its hash has been made.
    pub fn wipe(&mut self) {
        self.0.zeroize();
    }

    /// The password in clear text.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(***)")
    }
}

pub(super) fn user(raw: &RawSettings) -> Result<String, ConfigError> {
    raw.required(&USER, |text| Account::check_user(text).map(|()| text.to_owned()))
}

/// The user and the hash of `--htpasswd`, unless user or password come from a source of higher precedence.
pub(super) fn htpasswd(raw: &RawSettings) -> Result<Option<Htpasswd>, ConfigError> {
    if !raw.is_given(&HTPASSWD) {
        return Ok(None);
    }
    for other in [&PASSWORD, &PASSWORD_FILE, &USER] {
        if raw.is_given(other) && !raw.overrides(&HTPASSWD, other)? {
            return Ok(None);
        }
    }
    raw.optional(&HTPASSWD, |path| {
        let account = Htpasswd::read(&super::value::path(path)?)?;
        Account::check_user(&account.user).map(|()| account)
    })
}

/// The first line of a file, without its line end.
pub(super) fn first_line(path: &str) -> Result<Zeroizing<String>, String> {
    let mut bytes = Zeroizing::new(Vec::new());
    let read = std::fs::File::open(path).and_then(|file| {
        // One byte more than any password with its line end, so that a wrong file is not read whole.
        file.take(Account::MAX_BYTES as u64 + 3).read_to_end(&mut bytes)
    });
    read.map_err(|error| format!("cannot read '{path}': {error}"))?;
    let line = bytes.split(|b| *b == b'\n').next().unwrap_or_default();
    let line = std::str::from_utf8(line).map_err(|_| format!("the first line of '{path}' is not UTF-8"))?;
    Ok(Zeroizing::new(line.strip_suffix('\r').unwrap_or(line).to_owned()))
}

fn credential(text: &str) -> Result<String, String> {
    Account::check_password(text).map(|()| text.to_owned())
}
