//! The settings as flags of a subcommand.

use std::ffi::OsStr;

use clap::builder::{PossibleValue, StringValueParser, TypedValueParser, ValueHint};
use clap::{Arg, ArgAction, ArgMatches, Args, Command};

use crate::config::setting::{ALL, Completes, Kind, Setting};
use crate::config::{ConfigError, Flags, RawSettings};

/// All settings, for `serve`.
pub(super) type ServeFlags = SettingFlags<true>;
/// The settings that determine the nodes, for `export`.
pub(super) type FleetFlags = SettingFlags<false>;

/// The settings on the command line.
pub(super) struct SettingFlags<const EVERY: bool>(Flags);

impl<const EVERY: bool> SettingFlags<EVERY> {
    fn settings() -> impl Iterator<Item = &'static Setting> {
        ALL.iter().copied().filter(|s| EVERY || s.of_fleet)
    }

    /// Adds the settings of the environment and the configuration file.
    pub(super) fn gather(self) -> Result<RawSettings, ConfigError> {
        RawSettings::gather(self.0, std::env::vars_os())
    }
}

impl<const EVERY: bool> Args for SettingFlags<EVERY> {
    fn augment_args(command: Command) -> Command {
        command.args(Self::settings().map(flag))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl<const EVERY: bool> clap::FromArgMatches for SettingFlags<EVERY> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let written = |s: &'static Setting| Some((s, matches.get_many::<String>(s.name)?.cloned().collect()));
        Ok(Self(Self::settings().filter_map(written).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

fn flag(setting: &'static Setting) -> Arg {
    let arg = Arg::new(setting.name)
        .long(setting.name)
        .value_name(setting.value)
        .help(setting.help())
        .long_help(setting.long_help())
        .help_heading(setting.heading);
    let arg = match setting.completes {
        Completes::Nothing => arg,
        // The words are for completions; the help explains them, and the configuration checks the value.
        Completes::Words(words) => arg.value_parser(Suggested(words())).hide_possible_values(true),
        Completes::File => arg.value_hint(ValueHint::FilePath),
        Completes::Directory => arg.value_hint(ValueHint::DirPath),
    };
    match setting.kind {
        Kind::One => arg.action(ArgAction::Set),
        Kind::Many | Kind::Pairs => arg.action(ArgAction::Append),
        Kind::Switch => {
            arg.action(ArgAction::Set).num_args(0..=1).require_equals(true).default_missing_value("true")
        }
    }
}

/// Takes any text, and names some for completions.
#[derive(Clone)]
struct Suggested(Vec<&'static str>);

impl TypedValueParser for Suggested {
    type Value = String;

    fn parse_ref(&self, command: &Command, arg: Option<&Arg>, value: &OsStr) -> Result<String, clap::Error> {
        StringValueParser::new().parse_ref(command, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(self.0.iter().copied().map(PossibleValue::new)))
    }
}
