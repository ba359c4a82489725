//! The style of a maker's answers, where it differs from DMTF's examples.

use serde::{Deserialize, Serialize};

/// The style of answers at a BMC's own root.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Answers {
    /// The answer to a change that has no document to show.
    pub success: Success,
    /// Paths as in `absent` of a profile. Changes of what is there and below are answered with 204 all the same.
    pub empty_at: Vec<String>,
    /// `error.code` of every error, and of a success that is a message. Without it, `error.code` is the first message.
    pub code: Option<String>,
    /// `error.message` that goes with [`Answers::code`].
    pub text: Option<String>,
    /// Messages of the maker that stand for messages of DMTF.
    #[serde(rename = "message")]
    pub messages: Vec<MakerMessage>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Success {
    /// 204, which has no body.
    #[default]
    Empty,
    /// 200 with a message.
    Message,
}

/// A message of the maker's registry.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct MakerMessage {
    /// The key of the message in DMTF's registry `Base` that it stands for.
    pub of: String,
    /// The action whose refusal it is: `ComputerSystem.Reset`.
    pub action: String,
    /// `MessageId`: prefix, version and key.
    pub id: String,
    pub text: String,
    #[serde(default)]
    pub args: Vec<String>,
    pub resolution: String,
    /// The status of the answer: 400 to 499.
    pub status: u16,
}

impl Answers {
    /// Maximum number of messages of the maker.
    const MAX_MESSAGES: usize = 64;

    /// Whether a change is answered with a message. `generic` is the path of the resource as in `absent` of a profile.
    pub fn has_message(&self, generic: &str) -> bool {
        let covers = |path: &String| {
            generic.strip_prefix(path.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        self.success == Success::Message && !self.empty_at.iter().any(covers)
    }

    pub(super) fn check(&self) -> Result<(), String> {
        if self.code.is_some() != self.text.is_some() {
            return Err("answers: code and text need each other".to_owned());
        }
        if self.messages.len() > Self::MAX_MESSAGES {
            return Err(format!("answers.message: at most {} are allowed", Self::MAX_MESSAGES));
        }
        for MakerMessage { of, id, status, .. } in &self.messages {
            if !(400..500).contains(status) {
                return Err(format!("answers.message of '{of}': status {status} must be from 400 to 499"));
            }
            // DSP0266, "MessageId format": prefix, major and minor version, key.
            if id.split('.').count() != 4 {
                return Err(format!("answers.message of '{of}': id '{id}' must be like 'Prefix.1.0.Key'"));
            }
        }
        Ok(())
    }
}
