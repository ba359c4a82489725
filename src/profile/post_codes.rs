//! POST codes: what firmware reports, step by step, while it tests the hardware.

use serde::{Deserialize, Serialize};

use super::logs::LogService;

/// A POST code: an entry `[[post_code]]` of `profile.toml`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PostCode {
    /// The number that firmware writes to its port.
    pub code: u32,
    /// What firmware does from then on.
    pub text: String,
    /// The duration of the step as a share of the whole POST: parts of the sum of all shares. 0 is a step of less than a
    /// millisecond.
    pub share: u16,
}

impl PostCode {
    /// The largest number of codes of one POST: an entry's number has 6 bits for it.
    pub const MOST: usize = 63;

    /// The codes of a model without `[[post_code]]`. The shares follow `BootProgress`: a third of POST for processors, a third
    /// for memory, a sixth for PCI, a sixth for the rest.
    ///
    /// Source of the numbers: the checkpoints of AMI's Aptio firmware.
    pub(super) fn usual() -> Vec<Self> {
        let code = |code, text: &str, share| Self { code, text: text.to_owned(), share };
        vec![
            code(0x01, "Power on", 0),
            code(0x06, "Microcode is loaded", 0),
            code(0x11, "Processors are initialized", 12),
            code(0x2B, "Memory modules are identified", 2),
            code(0x2D, "Memory timing is set", 7),
            code(0x31, "Memory is installed", 1),
            code(0x60, "Drivers of the firmware start", 2),
            code(0x92, "PCI buses are initialized", 1),
            code(0x94, "PCI devices are enumerated", 3),
            code(0x96, "PCI resources are assigned", 2),
            code(0x97, "Console output is connected", 1),
            code(0x9A, "USB is initialized", 2),
            code(0xA0, "Drives are initialized", 2),
            code(0xAD, "Ready to boot", 1),
        ]
    }

    /// The moment of the code with this index in a POST that lasts `post_ms`, ms after its beginning.
    pub fn offset_ms(all: &[Self], index: usize, post_ms: u64) -> u64 {
        let sum = |codes: &[Self]| codes.iter().map(|code| u64::from(code.share)).sum::<u64>();
        post_ms * sum(&all[..index.min(all.len())]) / sum(all).max(1)
    }

    /// # Errors
    /// The key that is wrong, and what is allowed.
    pub(super) fn check(all: &[Self], logs: &[LogService]) -> Result<(), String> {
        let most = Self::MOST;
        if all.len() > most {
            return Err(format!("post_code: there are {}; at most {most} are allowed", all.len()));
        }
        if all.is_empty() && logs.iter().any(LogService::holds_post_codes) {
            return Err("post_code: there is none; a log that holds post-codes needs at least one".to_owned());
        }
        if !all.is_empty() && all.iter().all(|code| code.share == 0) {
            return Err(
                "post_code: all shares are 0; at least one code needs a share of 1 or more".to_owned()
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_divide_the_time_of_post_by_their_shares() {
        let all = PostCode::usual();
        let offsets: Vec<_> = (0..all.len()).map(|index| PostCode::offset_ms(&all, index, 3600)).collect();
        assert_eq!(offsets, [0, 0, 0, 1200, 1400, 2100, 2200, 2400, 2500, 2800, 3000, 3100, 3300, 3500]);
    }

    #[test]
    fn codes_that_cannot_be_used_are_refused() {
        let logs = LogService::usual();
        assert!(PostCode::check(&PostCode::usual(), &logs).is_ok());
        assert!(PostCode::check(&[], &logs).unwrap_err().contains("needs at least one"));
        assert!(PostCode::check(&[], &[]).is_ok(), "no log shows them");
        let code = |share| PostCode { code: 1, text: "x".into(), share };
        assert!(PostCode::check(&[code(0)], &logs).unwrap_err().contains("shares are 0"));
        assert!(PostCode::check(&vec![code(1); 64], &logs).unwrap_err().contains("there are 64"));
    }
}
