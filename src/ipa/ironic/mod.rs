//! The requests of an agent to Ironic, and the reading of the responses.
//!
//! Requests and responses are those of `ironic_python_agent/ironic_api_client.py` and `inspector.py`. The room `effect`
//! sends them and does not interpret them.

mod request;
mod response;

pub use request::{ApiVersion, IronicRequest, VersionedRequest, heartbeat, inspection, lookup};
pub use response::{beat, discovered, inspected, looked_up};
