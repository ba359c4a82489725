//! What is measured besides the items.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::http_url::HttpUrl;
use crate::fault::Period;

/// What is measured besides the items.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Watch {
    /// Time between two samples; `5s` by default.
    #[serde(default = "five_seconds")]
    #[schema(value_type = String, example = "5s")]
    pub every: Period,
    /// Processes by name: files with the number of each. CPU and memory include all descendants.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(value_type = Object)]
    pub pids: BTreeMap<String, PathBuf>,
    /// URLs of metrics in the format of Prometheus, which become part of each sample.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<String>)]
    pub scrape: Vec<HttpUrl>,
}

impl Watch {
    /// The name of the process of the run itself.
    pub const OWN: &str = "fauxmetal";
    /// The most processes, and the most URLs.
    pub const MAX: usize = 64;
}

impl Default for Watch {
    fn default() -> Self {
        Self { every: five_seconds(), pids: BTreeMap::new(), scrape: Vec::new() }
    }
}

fn five_seconds() -> Period {
    Period::from_ms(5000)
}
