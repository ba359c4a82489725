//! A BMC that answers with an error.

use serde::{Deserialize, Serialize};

use crate::fault::{Act, Fault, Occasion, Period, Seam};

/// An answer with an error.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[cfg_attr(feature = "cli", derive(utoipa::ToSchema))]
pub struct Status {
    /// The status, from 400 to 599.
    #[cfg_attr(feature = "cli", schema(minimum = 400, maximum = 599, example = 503))]
    pub code: u16,
    /// The key of the message in DMTF's Base registry, such as `ServiceTemporarilyUnavailable`. By default the one that goes with
    /// the status.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "cli", schema(example = "ResourceInUse"))]
    pub message: Option<String>,
    /// The arguments of the message, as many as its text has.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<String>,
    /// The header `Retry-After`, rounded up to whole seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<Period>,
    /// Whether the BMC does what the request asks for, and answers with the error all the same.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub apply: bool,
}

impl Default for Status {
    fn default() -> Self {
        Self { code: 503, message: None, args: Vec::new(), retry_after: None, apply: false }
    }
}

impl Status {
    /// The largest number of arguments of a message.
    pub const MAX_ARGS: usize = 9;

    /// The key of the message.
    pub fn key(&self) -> &str {
        self.message.as_deref().unwrap_or(match self.code {
            400 => "GeneralError",
            401 => "NoValidSession",
            403 => "InsufficientPrivilege",
            409 => "ResourceInUse",
            503 => "ServiceTemporarilyUnavailable",
            _ => "InternalError",
        })
    }
}

impl Fault for Status {
    const NAME: &'static str = "status";
    const SEAM: Seam = Seam::Bmc;
    const SEEN: &'static str = "the chosen status, with a message of DMTF's registry and Retry-After";
    const ENDS: &'static str = "requests are answered again";
    const STAYS: &'static str = "nothing; with `apply`, the change";
    const TEST: &'static str = "tests/it/faults/bmc.rs, a_status";

    fn occasion(&self) -> Occasion {
        Occasion::Request
    }

    fn act(&self) -> Act {
        Act::Bmc(super::Act::Refuse(Box::new(self.clone())))
    }

    fn check(&self) -> Result<(), String> {
        if !(400..=599).contains(&self.code) {
            return Err(format!("'code' is {}; allowed are 400 to 599", self.code));
        }
        if self.args.len() > Self::MAX_ARGS {
            return Err(format!(
                "'args' has {} texts; at most {} are allowed",
                self.args.len(),
                Self::MAX_ARGS
            ));
        }
        Ok(())
    }
}
