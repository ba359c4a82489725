//! The changes of a node's state that the journal and the log know.

use serde::{Deserialize, Serialize};

/// Generates [`Event`] from the table below: a variant, and its text.
macro_rules! events {
    ($($(#[$why:meta])* $event:ident $text:literal;)+) => {
        /// A change of a node's state. Its name in JSON is the variant in lower case with dashes, such as `power-on`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        #[cfg_attr(feature = "cli", derive(utoipa::ToSchema))]
        pub enum Event { $(#[doc = $text] #[doc = ""] $(#[$why])* $event),+ }

        impl Event {
            pub const ALL: &'static [Self] = &[$(Self::$event),+];

            /// The event in a few words. A detail may follow.
            pub const fn text(self) -> &'static str {
                match self { $(Self::$event => $text),+ }
            }
        }
    };
}

events! {
    PowerOn "power on";
    Restart "restart";
    SelfTest "self test";
    /// The detail is the boot source.
    Reading "booting from";
    /// The detail is the content that is loaded.
    Loading "loading";
    NothingToBoot "nothing to boot; the machine stays on";
    /// The detail is the program that runs now.
    Booted "booted";
    Inspecting "agent sends its inspection data";
    LookingUp "agent looks its node up in Ironic";
    /// The detail is the UUID of the node in Ironic, if it is another one than the machine's.
    Found "agent found its node in Ironic";
    FirstHeartbeat "agent's first heartbeat accepted";
    /// The detail is the number of heartbeats that failed before.
    HeartbeatAgain "agent's heartbeat accepted again, failed before:";
    /// The detail is the name of the command.
    CommandStarted "agent begins command";
    /// The detail is the URL of the image. The command that writes the image ends after the download.
    Downloading "agent downloads image";
    CommandEnded "agent ended command";
    CommandFailed "agent failed in command";
    /// The detail is the reason.
    AgentStopped "agent stopped:";
    Deployed "deployed: the disk holds an operating system";
    DisksEmpty "the disks are empty";
    ShuttingDown "shutting down";
    PowerOff "power off";
    BmcRestarts "BMC restarts";
    BmcBack "BMC is back";
    MediaEjected "virtual media ejected";
    CablePulled "network cable pulled";
    CablePlugged "network cable plugged in";
    DrivePulled "drive pulled";
    DrivePlugged "drive plugged in";
    /// The detail is every part that has failed by then.
    PartFailed "a part failed; failed parts:";
    /// The detail is every part that is still failed.
    PartRepaired "a part works again; failed parts:";
    Labelled "labels changed";
    /// The detail is the name of the rule.
    FaultFired "fault:";
    /// The detail is the name of the rule.
    FaultEnded "fault ended:";
    Added "added to the fleet";
    Removed "removed from the fleet";
}
