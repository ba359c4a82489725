//! What an agent sends to Ironic, and how it reads the responses.
//!
//! Requests and responses are those of `ironic_python_agent/ironic_api_client.py` and `inspector.py`. The room `effect`
//! transfers them and knows none of their contents.

mod request;
mod response;

pub use request::{ApiVersion, IronicRequest, VersionedRequest, heartbeat, inspection, lookup};
pub use response::{beat, discovered, inspected, looked_up};
