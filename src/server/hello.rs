//! The first message of a TLS client, and the answers of servers that cannot go on: an alert, or a version that is too old.

use std::io;

use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;

use crate::seed;
use crate::wire::Alert;

/// The numbers of the versions (RFC 2246, 4346 and 5246).
pub(super) const TLS_1_0: u16 = 0x0301;
pub(super) const TLS_1_1: u16 = 0x0302;
const TLS_1_2: u16 = 0x0303;

/// The types of records (RFC 8446, section 5.1).
const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;

/// The types of handshake messages (RFC 8446, section 4).
const CLIENT_HELLO: u8 = 1;
const SERVER_HELLO: u8 = 2;

const FATAL: u8 = 2;

/// The extension in which clients of TLS 1.3 list their versions (RFC 8446, section 4.2.1).
const SUPPORTED_VERSIONS: u16 = 43;

/// The extension and the cipher suite by which a client asks for secure renegotiation (RFC 5746, section 3.3).
const RENEGOTIATION_INFO: u16 = 0xff01;
const RENEGOTIATION_SUITE: u16 = 0x00ff;

/// The longest `ClientHello` that is read, in bytes. Those with post-quantum keys have about 2,000.
const LONGEST_HELLO: usize = 64 << 10;

/// The longest record (RFC 5246, section 6.2.3).
const LONGEST_RECORD: usize = (16 << 10) + 2048;

/// The cipher suites of TLS 1.0 that an old server would choose from, the most wanted first.
const OLD_SUITES: [u16; 6] = [
    0xc014, // TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA
    0xc013, // TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA
    0xc00a, // TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA
    0xc009, // TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA
    0x0035, // TLS_RSA_WITH_AES_256_CBC_SHA
    0x002f, // TLS_RSA_WITH_AES_128_CBC_SHA
];

/// Reads the first handshake message of a client. `None` if the client sends something else, of which nothing is read.
pub(super) async fn read(stream: &mut TcpStream) -> io::Result<Option<Vec<u8>>> {
    let mut first = [0];
    match stream.peek(&mut first).await? {
        0 => return Err(io::ErrorKind::NotConnected.into()),
        _ if first[0] != HANDSHAKE => return Ok(None),
        _ => {}
    }
    let mut message = Vec::new();
    while length(&message).is_none_or(|length| message.len() < length) {
        let [kind, _, _, high, low] = {
            let mut head = [0; 5];
            stream.read_exact(&mut head).await?;
            head
        };
        let bytes = usize::from(u16::from_be_bytes([high, low]));
        if kind != HANDSHAKE || bytes > LONGEST_RECORD || message.len() + bytes > LONGEST_HELLO {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let start = message.len();
        message.resize(start + bytes, 0);
        stream.read_exact(&mut message[start..]).await?;
    }
    Ok(Some(message))
}

/// The length of a handshake message with its head, once its head is complete.
fn length(message: &[u8]) -> Option<usize> {
    let head: [u8; 4] = message.get(..4)?.try_into().ok()?;
    Some(4 + (u32::from_be_bytes(head) & 0x00ff_ffff) as usize)
}

/// A fatal alert, as a server of TLS 1.2 or 1.3 sends it.
pub(super) fn alert(alert: Alert) -> Vec<u8> {
    alert_of(TLS_1_2, alert)
}

fn alert_of(version: u16, alert: Alert) -> Vec<u8> {
    record(ALERT, version, &[FATAL, alert as u8])
}

/// The answer of a server that speaks one old version only, to a `ClientHello`.
///
/// It refuses a client that lists other versions, as OpenSSL does that is limited to one version. A client that only tells its latest
/// version is not refused: the server chooses its own version (RFC 5246, appendix E.1), and the client refuses that. A client that
/// would accept it reads the alert behind it, because this server cannot speak that version.
pub(super) fn answer(hello: &[u8], version: u16) -> Vec<u8> {
    let Some(hello) = Hello::parse(hello) else { return alert_of(version, Alert::DecodeError) };
    if !hello.may_speak(version) {
        return alert_of(version, Alert::ProtocolVersion);
    }
    let Some(suite) = OLD_SUITES.into_iter().find(|suite| hello.offers(*suite)) else {
        return alert_of(version, Alert::HandshakeFailure);
    };
    let mut body = version.to_be_bytes().to_vec();
    // Without randomness from the system, this value is as good: no keys follow from it.
    body.extend(seed::secret::<32>().unwrap_or([1; 32]));
    let no_session = 0;
    body.push(no_session);
    body.extend(suite.to_be_bytes());
    let no_compression = 0;
    body.push(no_compression);
    if hello.offers(RENEGOTIATION_SUITE) || hello.extension(RENEGOTIATION_INFO).is_some() {
        // A server without it has a security hole, which would be another fault (RFC 5746, section 3.6).
        body.extend([0, 5]);
        body.extend(RENEGOTIATION_INFO.to_be_bytes());
        body.extend([0, 1, 0]);
    }
    let mut message = (body.len() as u32 | u32::from(SERVER_HELLO) << 24).to_be_bytes().to_vec();
    message.extend(body);
    let mut reply = record(HANDSHAKE, version, &message);
    reply.extend(alert_of(version, Alert::HandshakeFailure));
    reply
}

fn record(kind: u8, version: u16, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap_or(u16::MAX);
    let mut record = vec![kind];
    record.extend(version.to_be_bytes());
    record.extend(length.to_be_bytes());
    record.extend(content);
    record
}

/// What a server reads of a `ClientHello` to choose a version (RFC 5246, section 7.4.1.2).
#[derive(Debug)]
struct Hello<'b> {
    /// The latest version of the client. A client of TLS 1.3 says 1.2 here.
    version: u16,
    suites: &'b [u8],
    extensions: &'b [u8],
}

impl<'b> Hello<'b> {
    fn parse(message: &'b [u8]) -> Option<Self> {
        let (head, body) = message.split_at_checked(4)?;
        if head[0] != CLIENT_HELLO {
            return None;
        }
        let (version, rest) = number(body)?;
        let (_random, rest) = rest.split_at_checked(32)?;
        let (session, rest) = rest.split_first()?;
        let rest = rest.get(usize::from(*session)..)?;
        let (suites, rest) = list(rest)?;
        let (compressions, rest) = rest.split_first()?;
        let rest = rest.get(usize::from(*compressions)..)?;
        // Old clients send no extensions.
        let extensions = if rest.is_empty() { rest } else { list(rest)?.0 };
        Some(Self { version, suites, extensions })
    }

    fn offers(&self, suite: u16) -> bool {
        self.suites.chunks_exact(2).any(|offered| offered == suite.to_be_bytes())
    }

    fn extension(&self, wanted: u16) -> Option<&'b [u8]> {
        let mut rest = self.extensions;
        loop {
            let (kind, content, others) = number(rest).and_then(|(kind, rest)| {
                let (content, others) = list(rest)?;
                Some((kind, content, others))
            })?;
            if kind == wanted {
                return Some(content);
            }
            rest = others;
        }
    }

    /// Whether the client does not rule out the version.
    fn may_speak(&self, version: u16) -> bool {
        match self.extension(SUPPORTED_VERSIONS) {
            // Its first byte is the length of the list.
            Some(versions) => {
                versions.get(1..).unwrap_or_default().chunks_exact(2).any(|one| one == version.to_be_bytes())
            }
            None => self.version >= version,
        }
    }
}

/// A number of two bytes, and what follows.
fn number(bytes: &[u8]) -> Option<(u16, &[u8])> {
    let (number, rest) = bytes.split_first_chunk()?;
    Some((u16::from_be_bytes(*number), rest))
}

/// Bytes with their length in two bytes before them, and what follows.
fn list(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = number(bytes)?;
    rest.split_at_checked(usize::from(length))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hello(version: u16, suites: &[u16], extensions: &[u8]) -> Vec<u8> {
        let mut body = version.to_be_bytes().to_vec();
        body.extend([7; 32]);
        body.extend([2, 9, 9]);
        body.extend((2 * suites.len() as u16).to_be_bytes());
        body.extend(suites.iter().flat_map(|suite| suite.to_be_bytes()));
        body.extend([1, 0]);
        if !extensions.is_empty() {
            body.extend((extensions.len() as u16).to_be_bytes());
            body.extend(extensions);
        }
        let mut message = (body.len() as u32 | 1 << 24).to_be_bytes().to_vec();
        message.extend(body);
        message
    }

    #[test]
    fn an_old_server_chooses_its_version_and_a_suite_of_the_client() {
        let reply = answer(&hello(TLS_1_2, &[0x1301, 0xc02f, 0x002f, 0xc013], &[]), TLS_1_0);
        assert_eq!(reply[..11], [22, 3, 1, 0, 42, 2, 0, 0, 38, 3, 1]);
        assert_eq!(reply[43..], [0, 0xc0, 0x13, 0, 21, 3, 1, 0, 2, 2, 40]);
        let again = answer(&hello(TLS_1_2, &[0x002f], &[]), TLS_1_0);
        assert_ne!(again[11..43], reply[11..43], "random bytes");
        for secure in [hello(TLS_1_2, &[0x002f, 0x00ff], &[]), hello(TLS_1_2, &[0x002f], &[0xff, 1, 0, 1, 0])]
        {
            let reply = answer(&secure, TLS_1_1);
            assert_eq!(reply[..11], [22, 3, 2, 0, 49, 2, 0, 0, 45, 3, 2]);
            assert_eq!(reply[44..54], [0, 0x2f, 0, 0, 5, 0xff, 1, 0, 1, 0]);
        }
    }

    #[test]
    fn an_old_server_refuses_a_hello_that_it_cannot_answer() {
        let of = |hello: &[u8]| answer(hello, TLS_1_1);
        let alert_70 = [21, 3, 2, 0, 2, 2, 70];
        assert_eq!(of(&hello(TLS_1_0, &[0x002f], &[])), alert_70);
        // An unknown extension, and a list of TLS 1.3 and 1.2, or of TLS 1.1.
        let listed = |minor: [u8; 2]| [0, 9, 0, 1, 1, 0, 43, 0, 5, 4, 3, minor[0], 3, minor[1]];
        assert_eq!(of(&hello(TLS_1_2, &[0x002f], &listed([4, 3]))), alert_70);
        assert_eq!(of(&hello(TLS_1_2, &[0x002f], &listed([3, 2])))[..3], [22, 3, 2]);
        assert_eq!(of(&hello(TLS_1_2, &[0x1301], &[])), [21, 3, 2, 0, 2, 2, 40]);
        let whole = hello(TLS_1_2, &[0x002f], &[]);
        for end in 0..whole.len() {
            assert_eq!(of(&whole[..end]), [21, 3, 2, 0, 2, 2, 50], "cut at {end}");
        }
        assert_eq!(alert(Alert::InternalError), [21, 3, 3, 0, 2, 2, 80]);
    }
}
