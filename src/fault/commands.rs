//! Which commands of the agent a rule is about.

use serde::{Deserialize, Serialize};
use wildmatch::WildMatch;

/// The commands of the agent that a rule is about. Without members, all commands are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[cfg_attr(feature = "cli", derive(utoipa::ToSchema))]
pub struct Commands {
    /// A pattern for the name, with `*` and `?`, such as `clean.execute_clean_step` or `standby.*`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "cli", schema(example = "clean.execute_clean_step", min_length = 1))]
    pub name: Option<String>,
    /// A pattern for the step that the command executes, such as `erase_devices*`. Other commands have no step.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "cli", schema(example = "erase_devices_metadata", min_length = 1))]
    pub step: Option<String>,
}

/// A command that a rule is asked about.
#[derive(Clone, Copy, Debug)]
pub struct AskedCommand<'r> {
    /// The name with the extension.
    pub name: &'r str,
    /// The name of the step, if the command executes one.
    pub step: Option<&'r str>,
}

impl Commands {
    pub(super) fn is_all(&self) -> bool {
        *self == Self::default()
    }

    /// # Errors
    /// The field, its value, and what is allowed.
    pub(super) fn check(&self) -> Result<(), String> {
        for (field, pattern, example) in
            [("name", &self.name, "clean.execute_clean_step"), ("step", &self.step, "erase_devices*")]
        {
            if pattern.as_deref() == Some("") {
                return Err(format!(
                    "'when.commands.{field}' is ''; write a name or a pattern, such as {example}"
                ));
            }
        }
        Ok(())
    }

    /// Whether a command is one of them.
    pub fn contain(&self, asked: &AskedCommand<'_>) -> bool {
        let fits = |pattern: &Option<String>, text: Option<&str>| {
            let Some(pattern) = pattern else { return true };
            text.is_some_and(|text| WildMatch::new(pattern).matches(text))
        };
        fits(&self.name, Some(asked.name)) && fits(&self.step, asked.step)
    }
}
