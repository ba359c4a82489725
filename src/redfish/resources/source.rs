//! Files that an action fetches from another server.

use super::common;
use crate::dmtf::TransferProtocol;
use crate::node::bmc::source::Source;
use crate::redfish::body::Body;

/// The limit of a URI, a user name and a password, characters.
const MAX_TEXT: usize = 2048;
/// The values of `TransferProtocol`.
pub(super) const PROTOCOLS: &[TransferProtocol] = &[TransferProtocol::Http, TransferProtocol::Https];

/// Reads where the file is: its URI, which is the parameter `key`, and the login at its server. The scheme of the URI decides
/// on the protocol.
pub(super) fn read(body: &mut Body, key: &str) -> Option<Source> {
    body.require(key);
    let uri = body.text(key, MAX_TEXT);
    if let Some(uri) = &uri
        && !common::is_http_uri(uri)
    {
        body.wrong_format(key, &common::shown_uri(uri));
    }
    body.word("TransferProtocol", TransferProtocol::parse, PROTOCOLS);
    let user = body.text("Username", MAX_TEXT);
    let password = body.text("Password", MAX_TEXT);
    let credentials = user.map(|user| Box::new((user, password.unwrap_or_default())));
    uri.map(|uri| Source { uri, credentials })
}
