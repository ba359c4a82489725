//! Parsers of single values. An error says what is wrong and what is allowed.

use std::path::PathBuf;

use crate::clock::Clock;
use crate::effect::Images;
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
