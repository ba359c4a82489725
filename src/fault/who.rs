//! The nodes of a rule.

use serde::{Deserialize, Serialize};

use crate::selection::{Field, Selection};

/// The nodes of a rule: exactly one of `selector`, `names` and `all`, and how many of them.
///
/// Nodes that are added later, or get other labels, join and leave a rule with the mode `all` or `percent`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[cfg_attr(feature = "cli", derive(utoipa::ToSchema))]
pub struct Who {
    /// A selection, such as `rack=r7,index in (0..99)`. What changes by itself (`power`, `state`, `agent`) is not allowed here.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "cli", schema(example = "rack=r7"))]
    pub selector: Option<String>,
    /// Names or UUIDs, at most 10,000. Each must exist.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "cli", schema(example = json!(["generic-3"])))]
    pub names: Vec<String>,
    /// All nodes of the fleet.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub all: bool,
    #[serde(skip_serializing_if = "Mode::is_all")]
    pub mode: Mode,
}

/// How many of the selected nodes. The seed and the name of the rule decide which ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "cli", derive(utoipa::ToSchema))]
pub enum Mode {
    #[default]
    All,
    One,
    /// So many of them, at least 1; all, if they are fewer.
    Number(u32),
    /// So many percent of them, above 0 and at most 100, rounded up.
    Percent(f64),
}

impl Mode {
    fn is_all(&self) -> bool {
        *self == Self::All
    }

    /// The number of nodes out of `selected`.
    pub fn count(self, selected: usize) -> usize {
        match self {
            Self::All => selected,
            Self::One => selected.min(1),
            Self::Number(number) => selected.min(number as usize),
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a part of a number of nodes, which is not negative"
            )]
            Self::Percent(percent) => ((selected as f64 * percent / 100.0).ceil() as usize).min(selected),
        }
    }
}

impl Who {
    /// The largest number of names.
    pub const MAX_NAMES: usize = 10_000;

    /// All nodes of the fleet.
    pub fn everybody() -> Self {
        Self { all: true, ..Self::default() }
    }

    /// Whether every node of the fleet is meant.
    pub fn is_everybody(&self) -> bool {
        self.all && self.mode.is_all()
    }

    /// Checks the nodes, and returns the selection.
    ///
    /// # Errors
    /// The field, its value, and what is allowed.
    pub(super) fn check(&self) -> Result<Option<Selection>, String> {
        let given = [self.selector.is_some(), !self.names.is_empty(), self.all];
        if given.iter().filter(|given| **given).count() != 1 {
            return Err("'who' needs exactly one of 'selector', 'names' and 'all: true'".to_owned());
        }
        if self.names.len() > Self::MAX_NAMES {
            let (count, most) = (self.names.len(), Self::MAX_NAMES);
            return Err(format!("'who.names' has {count} names; at most {most} are allowed"));
        }
        match self.mode {
            Mode::Number(0) => return Err("'who.mode.number' is 0; at least 1 is allowed".to_owned()),
            Mode::Percent(percent) if !(percent > 0.0 && percent <= 100.0) => {
                return Err(format!(
                    "'who.mode.percent' is {percent}; a number above 0 and at most 100 is allowed"
                ));
            }
            Mode::All | Mode::One | Mode::Number(_) | Mode::Percent(_) => {}
        }
        let Some(text) = &self.selector else { return Ok(None) };
        let selection: Selection = text
            .parse()
            .map_err(|error| format!("'who.selector' is '{text}': the selection is wrong {error}"))?;
        match selection.live_field() {
            None => Ok(Some(selection)),
            Some(field @ (Field::Power | Field::State | Field::Agent)) => Err(format!(
                "'who.selector' asks for '{}', which changes by itself; write 'when: {{after: {{state: …}}}}' in its place",
                field.as_str()
            )),
            Some(Field::Index | Field::Name | Field::Uuid | Field::Mac | Field::Profile) => {
                Ok(Some(selection))
            }
        }
    }
}
