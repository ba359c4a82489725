//! What can go wrong on the wire, as data: with a connection before its first request, and with one answer.
//!
//! A [`Face`](crate::face::Face) decides, and the server does it. This module is a leaf, so that both depend on it and not on each
//! other. All durations follow wall time.

use std::num::NonZeroU32;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The longest time for which a fault delays or holds a connection, and the longest time that a slowed answer of known length
/// takes. The server shortens longer durations, and resets the connection of an answer that takes longer.
pub const LONGEST: Duration = Duration::from_secs(3600);

/// What happens to a connection before its first request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opening {
    /// The server resets the connection as soon as it is accepted, before it reads a byte. The client's `connect` succeeds, and its
    /// first read or write fails with `ECONNRESET`: the kernel has completed the TCP handshake by then.
    Reset,
    /// The server reads nothing and sends nothing. The kernel still acknowledges what the client sends, until its buffer is full.
    BlackHole,
    /// As if the machine had lost its network: not even the kernel acknowledges what the client sends.
    HalfOpen,
    /// The server reads nothing and sends nothing for so long, and then serves the connection.
    Delay(Duration),
    /// The server answers the client's first TLS message with a fatal alert.
    Alert(Alert),
    /// The server presents a certificate that the client must refuse.
    Certificate(Certificate),
    /// The server speaks one old version of TLS only.
    Only(Protocol),
}

/// What a listener needs for an opening.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    Nothing,
    Tls,
    /// TLS with a certificate that fauxmetal made, because only then it has the key that signs another one.
    OwnCa,
}

impl Opening {
    /// What a listener needs for it. Without that, the server serves the connection as usual.
    pub fn need(self) -> Need {
        match self {
            Self::Reset | Self::BlackHole | Self::HalfOpen | Self::Delay(_) => Need::Nothing,
            Self::Alert(_) | Self::Only(_) => Need::Tls,
            Self::Certificate(_) => Need::OwnCa,
        }
    }
}

/// A certificate that a client must refuse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "cli", derive(utoipa::ToSchema))]
pub enum Certificate {
    /// It has the right names and signature, and expired before the daemon started.
    Expired,
    /// It has the right signature, and the name of another host.
    OtherHost,
}

impl Certificate {
    pub const ALL: [Self; 2] = [Self::Expired, Self::OtherHost];
}

/// An old version of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(utoipa::ToSchema))]
pub enum Protocol {
    #[serde(rename = "1.0")]
    Tls10,
    #[serde(rename = "1.1")]
    Tls11,
    #[serde(rename = "1.2")]
    Tls12,
}

/// A fatal alert, by its name in the registry of IANA.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "cli", derive(utoipa::ToSchema))]
#[repr(u8)]
pub enum Alert {
    UnexpectedMessage = 10,
    HandshakeFailure = 40,
    BadCertificate = 42,
    UnsupportedCertificate = 43,
    CertificateRevoked = 44,
    CertificateExpired = 45,
    CertificateUnknown = 46,
    IllegalParameter = 47,
    UnknownCa = 48,
    AccessDenied = 49,
    DecodeError = 50,
    DecryptError = 51,
    ProtocolVersion = 70,
    InsufficientSecurity = 71,
    InternalError = 80,
    UnrecognizedName = 112,
    CertificateRequired = 116,
    NoApplicationProtocol = 120,
}

/// A response extension: what happens to one answer, and to the connection that carries it.
///
/// The bytes of an answer are those of its head and its body, before they are encrypted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    /// The time between the request and the first byte of the answer, besides the time that the answer takes anyway.
    pub delay: Duration,
    pub pace: Option<Pace>,
    pub garble: Option<Garble>,
    pub end: Option<End>,
}

/// How slowly an answer is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// The answer is sent in pieces of so many bytes.
    pub piece_bytes: NonZeroU32,
    /// The time after each piece.
    pub pause: Duration,
}

impl Pace {
    /// The pieces of a bandwidth in one second. Smaller pieces would cost more, and larger ones would be bursts.
    const PIECES_PER_S: u32 = 50;

    /// The pace of a bandwidth, in pieces that come about fifty times in a second.
    pub fn bytes_per_s(bytes: NonZeroU32) -> Self {
        let piece_bytes = NonZeroU32::new(bytes.get() / Self::PIECES_PER_S).unwrap_or(NonZeroU32::MIN);
        Self { piece_bytes, pause: Duration::from_secs(1) * piece_bytes.get() / bytes.get() }
    }
}

/// Changes bytes of the body. Its length stays, and so do the headers, the chunks and the TLS records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Garble {
    /// Decides which bytes change and how: the same seed changes the same body in the same way.
    pub seed: u64,
    /// One byte of each so many is changed.
    pub one_of: NonZeroU32,
}

/// How the connection of an answer ends, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End {
    pub at: At,
    pub how: How,
}

/// A place in the bytes of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// Before the first byte.
    Before,
    /// After so many bytes. An answer that is not longer is complete, and its end is the place.
    Within(u64),
    /// After the complete answer.
    After,
}

/// How a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// With a TCP reset. What the client's kernel has not received by then is lost.
    Reset,
    /// In an orderly way: TLS `close_notify`, then FIN.
    Close,
    /// In an orderly way, so much later than `connection: close` in a complete answer promised. The connection is silent until then.
    CloseLate(Duration),
    /// As [`Opening::BlackHole`]: nothing more is read or sent, while the kernel acknowledges what the client sends.
    BlackHole,
    /// As [`Opening::HalfOpen`]: not even the kernel acknowledges what the client sends.
    HalfOpen,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bandwidth_is_sent_in_small_pieces() {
        for (rate, piece_bytes, pause) in [
            (1, 1, Duration::from_secs(1)),
            (30, 1, Duration::from_secs(1) / 30),
            (50, 1, Duration::from_millis(20)),
            (9600, 192, Duration::from_millis(20)),
            (u32::MAX, u32::MAX / 50, Duration::from_millis(20)),
        ] {
            let pace = Pace::bytes_per_s(NonZeroU32::new(rate).unwrap());
            assert_eq!(pace.piece_bytes.get(), piece_bytes, "{rate}");
            assert!(pace.pause.abs_diff(pause) < Duration::from_micros(1), "{rate}: {pace:?}");
        }
    }

    #[test]
    fn the_names_in_rules_are_those_of_the_standards() {
        let name = |value: serde_json::Value| value.as_str().unwrap().to_owned();
        assert_eq!(name(serde_json::to_value(Alert::HandshakeFailure).unwrap()), "handshake_failure");
        assert_eq!(name(serde_json::to_value(Alert::UnknownCa).unwrap()), "unknown_ca");
        assert_eq!(name(serde_json::to_value(Protocol::Tls10).unwrap()), "1.0");
        assert_eq!(name(serde_json::to_value(Certificate::OtherHost).unwrap()), "other-host");
    }
}
