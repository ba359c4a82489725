//! Parsers of single values. An error says what is wrong and what is allowed.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::address::Prefix;
use crate::clock::Clock;
use crate::effect::Images;
use crate::time::{Span, SpanError};
use crate::tls::MinVersion;

pub(super) fn path(text: &str) -> Result<PathBuf, String> {
    match text {
        "" => Err("the path is empty; write a path".to_owned()),
        text => Ok(PathBuf::from(text)),
    }
}

pub(super) fn switch(text: &str) -> Result<bool, String> {
    match text {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        other => Err(format!("'{other}' is neither true nor false")),
    }
}

/// `None` for `off`, by which the user leaves a part out, and otherwise the value that `parse` reads.
pub(super) fn unless_off<T>(
    text: &str,
    parse: impl FnOnce(&str) -> Result<T, String>,
) -> Result<Option<T>, String> {
    if text == "off" { Ok(None) } else { parse(text).map(Some) }
}

/// A block of addresses of interfaces.
pub(super) fn host_network(text: &str) -> Result<Prefix, String> {
    let parts =
        text.split_once('/').and_then(|(address, bits)| Some((address.parse().ok()?, bits.parse().ok()?)));
    let (address, bits): (IpAddr, u8) = parts
        .ok_or_else(|| format!("'{text}' is not a network; write ADDRESS/LENGTH, as 10.0.0.0/8, or off"))?;
    if address.is_multicast() || address.is_unspecified() || address.is_loopback() {
        return Err(format!(
            "'{text}' is not a network that interfaces can have; write another, as 10.0.0.0/8, or off"
        ));
    }
    Prefix::new(address, bits).map_err(|error| format!("'{text}' is not a network: {error}"))
}

pub(super) fn images(text: &str) -> Result<Images, String> {
    match text {
        "verify" => Ok(Images::Verify),
        "probe" => Ok(Images::Probe),
        "skip" => Ok(Images::Skip),
        other => Err(format!("'{other}' is not a way to treat images; allowed are verify, probe and skip")),
    }
}

pub(super) fn tls_min(text: &str) -> Result<MinVersion, String> {
    match text {
        "1.2" => Ok(MinVersion::Tls12),
        "1.3" => Ok(MinVersion::Tls13),
        other => Err(format!("'{other}' is not a supported TLS version; allowed are 1.2 and 1.3")),
    }
}

pub(super) fn speed(text: &str) -> Result<f64, String> {
    let (slowest, fastest) = (Clock::SPEED.start(), Clock::SPEED.end());
    let speed = text.parse().ok().filter(|speed| Clock::SPEED.contains(speed));
    speed.ok_or_else(|| format!("'{text}' is not a speed; allowed are {slowest} to {fastest}"))
}

pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let Span { min_ms, max_ms } = text.parse().map_err(|error: SpanError| error.to_string())?;
    if min_ms != max_ms {
        return Err(format!("'{text}' is a range; write one duration, such as 10s"));
    }
    Ok(Duration::from_millis(u64::from(min_ms)))
}
