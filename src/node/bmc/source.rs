//! Files on other servers, which the BMC fetches.

use serde::{Deserialize, Serialize};

use crate::node::call::Call;

/// Where a file is: the image of an update, or a license.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Source {
    /// A stored state calls it `image`, as the versions that fetched nothing else.
    #[serde(rename = "image")]
    pub uri: Box<str>,
    /// User name and password for the server of the file. The password is never shown.
    pub credentials: Option<Box<(Box<str>, Box<str>)>>,
}

/// A file that is still to be fetched.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fetch {
    pub source: Source,
    pub call: Call,
}
