//! A command of the agent that fails.

use serde::{Deserialize, Serialize};

use crate::fault::{Act, Fault, Occasion, Seam};

/// A command that fails with an error of IPA. By default it is the one of an erase that fails.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[cfg_attr(feature = "cli", derive(utoipa::ToSchema))]
pub struct CommandFails {
    /// The class of the error: 1 to 64 ASCII letters, digits and underscores. `BlockDeviceEraseError` by default.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "cli", schema(example = "CleaningError", pattern = "^[A-Za-z0-9_]{1,64}$"))]
    pub kind: Option<String>,
    /// The status of the error, from 400 to 599. By default the one that IPA gives errors of this class.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "cli", schema(minimum = 400, maximum = 599))]
    pub code: Option<u16>,
    /// By default the one that IPA gives errors of this class. At most 2048 bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "cli", schema(max_length = 512))]
    pub message: Option<String>,
    /// Ironic shows the details as the `last_error` of the node. At most 2048 bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "cli", schema(max_length = 512))]
    pub details: Option<String>,
}

/// What IPA's `errors.py` gives errors of a class: status and message.
const CLASSES: [(&str, u16, &str); 16] = [
    ("BlockDeviceEraseError", 500, "Error erasing block device"),
    ("BlockDeviceError", 500, "Block device caused unknown error"),
    ("CleaningError", 500, "Clean step failed"),
    ("CommandExecutionError", 500, "Command execution failed"),
    ("DeploymentError", 500, "Deploy step failed"),
    ("DeviceNotFound", 404, "Error finding the disk or partition device to deploy the image onto"),
    ("ImageChecksumError", 500, "Error verifying image checksum"),
    ("ImageDownloadError", 500, "Error downloading image"),
    ("ImageWriteError", 500, "Error writing image to device"),
    ("IncompatibleHardwareMethodError", 500, "HardwareManager method is not compatible with hardware"),
    ("InvalidCommandError", 400, "Invalid command"),
    ("InvalidCommandParamsError", 400, "Invalid command parameters"),
    ("InvalidImage", 500, "The provided image is not valid for use"),
    ("ServicingError", 500, "Service step failed"),
    ("SoftwareRAIDError", 500, "Software RAID caused unknown error"),
    ("SystemRebootError", 500, "Error rebooting system"),
];

/// The details of an erase that fails: those of IPA's `erase_devices_metadata`, with the words of `wipefs`.
const ERASE: &str = "Failed to erase the metadata on the device(s): \"/dev/sda\": Unexpected error while running command.\n\
    Command: wipefs --force --all /dev/sda\nExit code: 1\nStdout: ''\n\
    Stderr: 'wipefs: error: /dev/sda: probing initialization failed: Device or resource busy\\n'";

impl CommandFails {
    /// The longest text, bytes. An agent keeps the errors of 64 commands.
    const MAX_TEXT: usize = 2048;
    /// The longest name of a class, characters.
    const MAX_KIND: usize = 64;

    pub fn kind(&self) -> &str {
        self.kind.as_deref().unwrap_or(CLASSES[0].0)
    }

    fn class(&self) -> Option<&'static (&'static str, u16, &'static str)> {
        CLASSES.iter().find(|(kind, ..)| *kind == self.kind())
    }

    pub fn code(&self) -> u16 {
        self.code.or_else(|| self.class().map(|(_, code, _)| *code)).unwrap_or(500)
    }

    pub fn message(&self) -> &str {
        let of_class = || self.class().map_or("An error occurred", |(.., message)| message);
        self.message.as_deref().unwrap_or_else(of_class)
    }

    pub fn details(&self) -> &str {
        let of_class = || if self.kind() == CLASSES[0].0 { ERASE } else { self.message() };
        self.details.as_deref().unwrap_or_else(of_class)
    }
}

impl Fault for CommandFails {
    const NAME: &'static str = "command-fails";
    const SEAM: Seam = Seam::Agent;
    const SEEN: &'static str = "command_status is FAILED after the time that the command takes, with the chosen command_error; a disk is left as it was";
    const ENDS: &'static str = "later commands succeed again";
    const STAYS: &'static str = "the command that has failed, and the state of the node in Ironic";
    const TEST: &'static str = "tests/it/faults/agent.rs, a_command_that_fails";

    fn occasion(&self) -> Occasion {
        Occasion::Command
    }

    fn act(&self) -> Act {
        Act::Agent(super::Act::Fail(Box::new(self.clone())))
    }

    fn check(&self) -> Result<(), String> {
        let is_part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        if let Some(kind) = &self.kind
            && !((1..=Self::MAX_KIND).contains(&kind.len()) && kind.bytes().all(is_part))
        {
            let most = Self::MAX_KIND;
            return Err(format!(
                "'type' is '{kind}'; allowed are 1 to {most} ASCII letters, digits and underscores"
            ));
        }
        if let Some(code) = self.code
            && !(400..=599).contains(&code)
        {
            return Err(format!("'code' is {code}; allowed are 400 to 599"));
        }
        for (name, text) in [("message", &self.message), ("details", &self.details)] {
            let bytes = text.as_ref().map_or(0, String::len);
            if bytes > Self::MAX_TEXT {
                return Err(format!("'{name}' has {bytes} bytes; at most {} are allowed", Self::MAX_TEXT));
            }
        }
        Ok(())
    }
}
