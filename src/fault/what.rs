//! The list of all faults. A new fault is a file below this folder, and a line here.

use std::fmt;

use serde::de::value::{MapAccessDeserializer, MapDeserializer};
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::act::{Act, Fault, Occasion};
use super::table::Row;
use super::{agent, bmc, host, wire};

/// Generates [`What`] from the list below.
macro_rules! faults {
    ($($(#[doc = $doc:literal])* $name:literal $variant:ident = $type:ty;)+) => {
        /// The fault of a rule, with its parameters: an object whose only member is the name of the fault. A fault without
        /// parameters is its name alone.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(remote = "Self")]
        pub enum What { $($(#[doc = $doc])* #[serde(rename = $name)] $variant($type)),+ }

        impl What {
            /// The names of all faults.
            pub const NAMES: &'static [&'static str] = &[$($name),+];

            /// The rows of the table of faults.
            pub const ROWS: &'static [Row] = &[$(Row::of::<$type>()),+];

            /// The parameters of a fault, as an example.
            #[cfg(test)]
            pub(crate) fn example(name: &str) -> serde_json::Value {
                match name {
                    $($name => <$type as Fault>::example(),)+
                    _ => serde_json::Value::Null,
                }
            }

            /// The name of the fault.
            pub fn name(&self) -> &'static str {
                match self { $(Self::$variant(_) => <$type as Fault>::NAME),+ }
            }

            /// The occasion at which the rule is asked whether it fires.
            pub fn occasion(&self) -> Occasion {
                match self { $(Self::$variant(fault) => fault.occasion()),+ }
            }

            /// What happens when it fires.
            pub fn act(&self) -> Act {
                match self { $(Self::$variant(fault) => fault.act()),+ }
            }

            /// What happens when it fires, where 64 random bits decide.
            pub fn act_with(&self, roll: u64) -> Act {
                match self { $(Self::$variant(fault) => fault.act_with(roll)),+ }
            }

            /// Checks the parameters of the fault.
            ///
            /// # Errors
            /// The parameter, its value, and what is allowed.
            pub fn check(&self) -> Result<(), String> {
                match self { $(Self::$variant(fault) => fault.check()),+ }
            }
        }

        #[cfg(feature = "cli")]
        mod schema {
            use utoipa::openapi::schema::{AdditionalProperties, ObjectBuilder, OneOfBuilder, Schema, Type};
            use utoipa::openapi::{Ref, RefOr};
            use utoipa::{PartialSchema, ToSchema};

            use crate::fault::what::*;

            impl PartialSchema for What {
                fn schema() -> RefOr<Schema> {
                    let text = "The fault, with its parameters: an object whose only member is the name of the fault. A fault \
                                without parameters is its name alone.";
                    let mut alone = vec![$(<$type as Fault>::NAME),+];
                    alone.retain(|name| !NEEDS_PARAMETERS.contains(name));
                    let alone = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(alone));
                    let mut all = OneOfBuilder::new().description(Some(text)).item(alone);
                    $({
                        let name = <$type as Fault>::NAME;
                        let parameters = Ref::from_schema_name(<$type as ToSchema>::name());
                        let fault = ObjectBuilder::new().property(name, parameters).required(name);
                        all = all.item(fault.additional_properties(Some(AdditionalProperties::FreeForm(false))));
                    })+
                    all.into()
                }
            }

            impl ToSchema for What {
                fn name() -> std::borrow::Cow<'static, str> {
                    "RuleFault".into()
                }

                fn schemas(all: &mut Vec<(String, RefOr<Schema>)>) {
                    $({
                        all.push((<$type as ToSchema>::name().into(), <$type as PartialSchema>::schema()));
                        <$type as ToSchema>::schemas(all);
                    })+
                }
            }
        }

        #[cfg(test)]
        mod names {
            use super::*;

            #[test]
            fn a_fault_is_listed_under_its_own_name() {
                $(assert_eq!($name, <$type as Fault>::NAME);)+
            }
        }
    };
}

/// The faults that have no defaults for all of their parameters.
#[cfg(feature = "cli")]
const NEEDS_PARAMETERS: &[&str] = &["document", "timing"];

faults! {
    /// Delays answers, always or by chance.
    "latency" Latency = wire::latency::Latency;
    /// Sends answers at a low rate.
    "bandwidth" Bandwidth = wire::bandwidth::Bandwidth;
    /// Resets each connection at once.
    "connection-refused" Refused = wire::refused::Refused;
    /// Accepts connections and stays silent.
    "connection-silent" Silent = wire::silent::Silent;
    /// Resets connections around an answer.
    "reset" Reset = wire::reset::Reset;
    /// Reads requests and never answers.
    "black-hole" BlackHole = wire::black_hole::BlackHole;
    /// Leaves connections without a word.
    "half-open" HalfOpen = wire::half_open::HalfOpen;
    /// Ends answers before their end.
    "truncated" Truncated = wire::truncated::Truncated;
    /// Changes bytes in bodies of answers.
    "garbled" Garbled = wire::garbled::Garbled;
    /// Closes connections late, after an answer.
    "slow-close" SlowClose = wire::slow_close::SlowClose;
    /// Ends TLS handshakes with an alert.
    "tls-alert" TlsAlert = wire::tls_alert::TlsAlert;
    /// Presents certificates that clients must refuse.
    "wrong-certificate" WrongCertificate = wire::certificate::Certificate;
    /// Speaks an old version of TLS only.
    "old-tls" OldTls = wire::old_tls::OldTls;
    /// Answers requests with an error.
    "status" Status = bmc::status::Status;
    /// Acknowledges changes and does not make them.
    "lost-change" LostChange = bmc::lost_change::LostChange;
    /// Changes documents in answers.
    "document" Document = bmc::document::Document;
    /// Shows documents of an earlier moment.
    "stale-reads" StaleReads = bmc::stale_reads::StaleReads;
    /// Holds tasks for ever.
    "task-hangs" TaskHangs = bmc::task::TaskHangs;
    /// Lets tasks fail in the middle.
    "task-fails" TaskFails = bmc::task::TaskFails;
    /// Refuses the password of the account.
    "password-changed" PasswordChanged = bmc::password_changed::PasswordChanged;
    /// Refuses the account as locked.
    "account-locked" AccountLocked = bmc::account_locked::AccountLocked;
    /// Refuses sessions beyond a limit.
    "session-limit" SessionLimit = bmc::session_limit::SessionLimit;
    /// Restarts the BMC in the middle of a request.
    "bmc-restart" BmcRestart = bmc::restart::BmcRestart;
    /// Shows a wrong time.
    "wrong-clock" WrongClock = bmc::wrong_clock::WrongClock;
    /// The power-on takes long, or never completes.
    "power-on-hangs" PowerOnHangs = host::power_on_hangs::PowerOnHangs;
    /// The machine stays on.
    "power-off-ignored" PowerOffIgnored = host::power_off_ignored::PowerOffIgnored;
    /// The machine restarts by itself.
    "spontaneous-reset" SpontaneousReset = host::spontaneous_reset::SpontaneousReset;
    /// A disk, DIMM, fan or power supply fails.
    "part-fails" PartFails = host::part_fails::PartFails;
    /// The mains power is gone.
    "power-lost" PowerLost = host::power_lost::PowerLost;
    /// The firmware forgets the boot override.
    "boot-override-forgotten" OverrideForgotten = host::override_forgotten::OverrideForgotten;
    /// The firmware boots another source.
    "wrong-boot-source" WrongSource = host::wrong_source::WrongSource;
    /// A boot source cannot be read.
    "media-unreadable" MediaUnreadable = host::media_unreadable::MediaUnreadable;
    /// The self test takes long, or never ends.
    "post-hangs" PostHangs = host::post_hangs::PostHangs;
    /// Phases take other times than those of the profile.
    "timing" Timing = host::timing::OtherTiming;
    /// The agent makes no call.
    "agent-never-calls" NeverCalls = agent::never_calls::NeverCalls;
    /// The first call of the agent comes late.
    "agent-calls-late" CallsLate = agent::calls_late::CallsLate;
    /// Heartbeats are lost on their way.
    "heartbeats-lost" HeartbeatsLost = agent::heartbeats_lost::HeartbeatsLost;
    /// Heartbeats come later than they should.
    "heartbeats-late" HeartbeatsLate = agent::heartbeats_late::HeartbeatsLate;
    /// Heartbeats are sent twice.
    "heartbeats-doubled" HeartbeatsDoubled = agent::heartbeats_doubled::HeartbeatsDoubled;
    /// The agent has forgotten its token.
    "token-lost" TokenLost = agent::token_lost::TokenLost;
    /// The agent has a wrong token.
    "token-wrong" TokenWrong = agent::token_wrong::TokenWrong;
    /// The agent reports a wrong certificate.
    "agent-certificate-mismatch" CertificateMismatch = agent::certificate_mismatch::CertificateMismatch;
    /// A command of the agent fails.
    "command-fails" CommandFails = agent::command_fails::CommandFails;
    /// A command of the agent never ends.
    "command-hangs" CommandHangs = agent::command_hangs::CommandHangs;
    /// A command takes the agent down.
    "agent-crashes" AgentCrashes = agent::crashes::AgentCrashes;
    /// The agent finds other hardware.
    "other-hardware" OtherHardware = agent::other_hardware::OtherHardware;
    /// Images have wrong checksums.
    "checksum-mismatch" ChecksumMismatch = agent::checksum_mismatch::ChecksumMismatch;
    /// Images arrive more slowly than usual.
    "slow-download" SlowDownload = agent::slow_download::SlowDownload;
    /// Downloads of images break.
    "cut-download" CutDownload = agent::cut_download::CutDownload;
}

impl Serialize for What {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Self::serialize(self, serializer)
    }
}

impl<'de> Deserialize<'de> for What {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NameOrObject;

        impl<'de> Visitor<'de> for NameOrObject {
            type Value = What;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a fault, or an object with it and its parameters")
            }

            fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<What, E> {
                // Without parameters, every fault has its defaults.
                let nothing: MapDeserializer<'_, std::iter::Empty<(&str, &str)>, E> =
                    MapDeserializer::new(std::iter::empty());
                let named = std::iter::once((name, Nothing(nothing)));
                What::deserialize(MapAccessDeserializer::new(MapDeserializer::new(named)))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<What, A::Error> {
                What::deserialize(MapAccessDeserializer::new(map))
            }
        }

        deserializer.deserialize_any(NameOrObject)
    }
}

/// An object without members.
struct Nothing<D>(D);

impl<'de, E, D> serde::de::IntoDeserializer<'de, E> for Nothing<D>
where
    E: serde::de::Error,
    D: Deserializer<'de, Error = E>,
{
    type Deserializer = D;

    fn into_deserializer(self) -> D {
        self.0
    }
}
