//! Which requests a rule is about.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use wildmatch::WildMatch;

/// The requests that a rule is about. Without members, all requests are.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[cfg_attr(feature = "cli", derive(utoipa::ToSchema))]
pub struct Requests {
    /// The methods, such as `GET` and `POST`. Without any, all methods.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "cli", schema(example = json!(["POST"])))]
    pub methods: Vec<String>,
    /// A pattern for the path, with `*` and `?`, such as `*/Actions/ComputerSystem.Reset`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "cli", schema(example = "*/Actions/ComputerSystem.Reset"))]
    pub path: Option<String>,
    /// Members that the body has with exactly these values.
    #[serde(skip_serializing_if = "Map::is_empty")]
    #[cfg_attr(feature = "cli", schema(value_type = Object, example = json!({"ResetType": "On"})))]
    pub body: Map<String, Value>,
}

/// A request that a rule is asked about.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'r> {
    pub method: &'r str,
    pub path: &'r str,
    pub body: &'r [u8],
}

impl Asked<'_> {
    /// The number of the operation, which is the method with the path.
    pub(super) fn operation(&self) -> u32 {
        let hash = xxhash_rust::xxh3::xxh3_64(&[self.method.as_bytes(), self.path.as_bytes()].concat());
        (hash as u32).max(1)
    }
}

impl Requests {
    /// Methods that a client can use.
    pub const METHODS: [&'static str; 6] = ["GET", "HEAD", "POST", "PATCH", "PUT", "DELETE"];

    pub(super) fn is_all(&self) -> bool {
        *self == Self::default()
    }

    /// # Errors
    /// The field, its value, and what is allowed.
    pub(super) fn check(&self) -> Result<(), String> {
        match self.methods.iter().find(|method| !Self::METHODS.contains(&&***method)) {
            Some(method) => Err(format!(
                "'when.requests.methods' has '{method}'; allowed are {}",
                Self::METHODS.join(", ")
            )),
            None => Ok(()),
        }
    }

    /// Whether a request is one of them.
    pub fn contain(&self, asked: &Asked<'_>) -> bool {
        if !self.methods.is_empty() && !self.methods.iter().any(|method| method == asked.method) {
            return false;
        }
        if let Some(pattern) = &self.path
            && !WildMatch::new(pattern).matches(asked.path)
        {
            return false;
        }
        if self.body.is_empty() {
            return true;
        }
        let body: Map<String, Value> = serde_json::from_slice(asked.body).unwrap_or_default();
        self.body.iter().all(|(name, value)| body.get(name) == Some(value))
    }
}
