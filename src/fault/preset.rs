//! Rules that are asked for often, as data.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::rule::{Name, Rule};
use super::what::What;
use super::when::When;
use super::who::Who;

/// Rules that are asked for often. `presets.json` has all of them.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preset {
    pub name: Name,
    /// What it does, in one or two sentences.
    pub about: String,
    /// What each of its rules has beside a name and nodes.
    pub rules: Vec<Part>,
}

/// A rule of a preset.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    #[serde(default)]
    pub when: When,
    pub what: What,
}

pub fn presets() -> &'static [Preset] {
    static ALL: LazyLock<Vec<Preset>> =
        LazyLock::new(|| serde_json::from_str(include_str!("presets.json")).expect("the presets are rules"));
    &ALL
}

impl Preset {
    /// The preset of that name.
    pub fn named(name: &str) -> Option<&'static Self> {
        presets().iter().find(|preset| preset.name.as_str() == name)
    }

    /// The rules of the preset for these nodes. The first one has the name `name`, others `name-2` and so on.
    ///
    /// # Errors
    /// If the name has no room for a number.
    pub fn rules(&self, name: &Name, who: &Who) -> Result<Vec<Rule>, String> {
        let rule = |(number, part): (usize, &Part)| {
            let name = if number == 0 { name.clone() } else { format!("{name}-{}", number + 1).parse()? };
            let (who, Part { when, what }) = (who.clone(), part.clone());
            Ok(Rule { name, who, when, what, paused: false })
        };
        self.rules.iter().enumerate().map(rule).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_has_rules_that_can_be_used() {
        assert!(presets().len() >= 10);
        for preset in presets() {
            let rules = preset.rules(&preset.name, &Who::everybody()).unwrap();
            assert!(!rules.is_empty() && preset.about.ends_with('.'), "{}", preset.name);
            for rule in rules {
                rule.check().unwrap();
            }
        }
    }
}
