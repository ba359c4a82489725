//! What was typed: the texts of all settings from flags, environment and file, each with its origin, and nothing of
//! what they mean. A flag wins over the environment, the environment over the file.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

use super::error::{ConfigError, Origin, suggestion};
use super::file::{self, FileError};
use super::setting::{ALL, CONFIG, ENV_PREFIX, Kind, Setting};

/// A value as somebody wrote it. No `Debug`: it may be a password.
#[derive(Clone)]
pub(super) struct Given {
    pub(super) text: String,
    pub(super) origin: Origin,
}

/// Values from one place, by the name of their setting.
pub(super) type Layer = BTreeMap<&'static str, Vec<Given>>;

/// What the command line says of each setting, in the order written.
pub type Flags = Vec<(&'static Setting, Vec<String>)>;

/// What was typed, once it is known which place wins.
pub struct Typed(Layer);

impl Typed {
    /// Puts together what flags, environment and the file that they name say.
    ///
    /// `environment` is all of it; what does not begin with `FAUXMETAL_` is passed over, and an empty value is as good
    /// as none.
    ///
    /// # Errors
    /// For a variable or key that is no setting, and a file that cannot be read.
    pub fn gather(
        flags: Flags,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<Self, ConfigError> {
        let mut layer = variables(environment)?;
        for (setting, texts) in flags {
            let given = texts.into_iter().map(|text| Given { text, origin: Origin::Flag });
            layer.insert(setting.name, given.collect());
        }
        if let Some(path) = layer.get(CONFIG.name).and_then(|given| given.first()) {
            let from_file = file::read(Path::new(&path.text)).map_err(|error| match error {
                FileError::Unreadable(problem) => ConfigError::at(&CONFIG, &path.origin, problem),
                FileError::Wrong(error) => error,
            })?;
            for (name, given) in from_file {
                layer.entry(name).or_insert(given);
            }
        }
        Ok(Self(layer))
    }

    /// The values of a setting; empty when nobody wrote any.
    pub(super) fn all(&self, setting: &Setting) -> &[Given] {
        self.0.get(setting.name).map_or(&[], Vec::as_slice)
    }

    /// The value of a setting that has one.
    pub(super) fn first(&self, setting: &Setting) -> Option<&Given> {
        self.all(setting).first()
    }

    /// How strong the place is where a setting was written; zero when it was not.
    pub(super) fn rank(&self, setting: &Setting) -> u8 {
        self.first(setting).map_or(0, |given| given.origin.rank())
    }

    /// What a setting means, or its default does; `None` when it has neither.
    pub(super) fn maybe<T>(
        &self,
        setting: &Setting,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Option<T>, ConfigError> {
        let fallback = setting.default.map(|text| Given { text: text.to_owned(), origin: Origin::Default });
        self.first(setting)
            .or(fallback.as_ref())
            .map(|given| parse(&given.text).map_err(|e| ConfigError::at(setting, &given.origin, e)))
            .transpose()
    }

    /// What a setting with a default means.
    pub(super) fn one<T>(
        &self,
        setting: &Setting,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<T, ConfigError> {
        Ok(self.maybe(setting, parse)?.expect("the list of settings gives it a default"))
    }

    /// What all values of a setting mean, with where they stand; or its default alone.
    pub(super) fn many<T>(
        &self,
        setting: &Setting,
        max: usize,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Vec<(T, Origin)>, ConfigError> {
        self.many_or(setting, setting.default, max, parse)
    }

    /// The same, with another default.
    pub(super) fn many_or<T>(
        &self,
        setting: &Setting,
        default: Option<&str>,
        max: usize,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Vec<(T, Origin)>, ConfigError> {
        let fallback: Vec<_> = default
            .map(|text| Given { text: text.to_owned(), origin: Origin::Default })
            .into_iter()
            .collect();
        let given = if self.all(setting).is_empty() { &fallback } else { self.all(setting) };
        if let Some(over) = given.get(max) {
            let problem = format!("{} values; allowed are at most {max}", given.len());
            return Err(ConfigError::at(setting, &over.origin, problem));
        }
        let read = |given: &Given| match parse(&given.text) {
            Ok(value) => Ok((value, given.origin.clone())),
            Err(problem) => Err(ConfigError::at(setting, &given.origin, problem)),
        };
        given.iter().map(read).collect()
    }
}

fn variables(environment: impl IntoIterator<Item = (OsString, OsString)>) -> Result<Layer, ConfigError> {
    let mut layer = Layer::new();
    for (name, value) in environment {
        let Some(name) = name.to_str().filter(|n| n.starts_with(ENV_PREFIX)) else { continue };
        let Some(setting) = ALL.iter().find(|s| s.variable() == name) else {
            let near = suggestion(name, ALL.iter().map(|s| s.variable()));
            return Err(ConfigError::new(name, format!("there is no such setting{near}")));
        };
        let text = value.into_string().map_err(|_| ConfigError::new(name, "the value is not UTF-8"))?;
        let given = |text: &str| Given { text: text.trim().to_owned(), origin: Origin::Environment };
        let values: Vec<_> = match setting.kind {
            Kind::One | Kind::Switch if setting.secret => vec![Given { text, origin: Origin::Environment }],
            Kind::One | Kind::Switch => vec![given(&text)],
            Kind::Many | Kind::Pairs => text.split(',').map(given).collect(),
        };
        if values.iter().any(|given| !given.text.is_empty()) {
            layer.insert(setting.name, values);
        }
    }
    Ok(layer)
}

#[cfg(test)]
mod tests {
    use super::super::setting::{IRONIC, NODES, PASSWORD, SPEED};
    use super::*;

    fn env(pairs: &[(&str, &str)]) -> Vec<(OsString, OsString)> {
        pairs.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect()
    }

    fn texts(typed: &Typed, setting: &Setting) -> Vec<String> {
        typed.all(setting).iter().map(|g| g.text.clone()).collect()
    }

    #[test]
    fn a_flag_wins_over_the_environment_and_that_over_the_file() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(&file, "nodes = 1\nspeed = 2.5\nironic = [\"http://f1\", \"http://f2\"]\n").unwrap();
        let path = file.path().to_str().unwrap().to_owned();
        let environment =
            env(&[("FAUXMETAL_NODES", "10"), ("FAUXMETAL_CONFIG", &path), ("HOME", "/nowhere")]);
        let typed = Typed::gather(vec![(&NODES, vec!["100".into()])], environment.clone()).unwrap();
        assert_eq!((texts(&typed, &NODES), typed.rank(&NODES)), (vec!["100".to_owned()], 3));
        assert_eq!(texts(&typed, &SPEED), ["2.5"]);
        assert_eq!(texts(&typed, &IRONIC), ["http://f1", "http://f2"]);
        let typed = Typed::gather(vec![], environment).unwrap();
        assert_eq!((texts(&typed, &NODES), typed.rank(&NODES)), (vec!["10".to_owned()], 2));
    }

    #[test]
    fn a_list_in_the_environment_is_comma_separated_and_replaces_the_files() {
        let typed = Typed::gather(vec![], env(&[("FAUXMETAL_IRONIC", "http://a, http://b")])).unwrap();
        assert_eq!(texts(&typed, &IRONIC), ["http://a", "http://b"]);
    }

    #[test]
    fn an_empty_variable_is_none_and_a_password_keeps_its_spaces() {
        let typed =
            Typed::gather(vec![], env(&[("FAUXMETAL_NODES", ""), ("FAUXMETAL_PASSWORD", " a,b ")])).unwrap();
        assert_eq!((texts(&typed, &NODES), texts(&typed, &PASSWORD)), (vec![], vec![" a,b ".to_owned()]));
    }

    #[test]
    fn an_unknown_variable_is_refused_with_the_nearest_known_or_all() {
        let said = |name: &str| Typed::gather(vec![], env(&[(name, "x")])).err().unwrap().to_string();
        assert_eq!(
            said("FAUXMETAL_NODE"),
            "FAUXMETAL_NODE: there is no such setting; did you mean FAUXMETAL_NODES?"
        );
        let all = said("FAUXMETAL_ENTIRELY_DIFFERENT");
        assert!(all.contains("known are FAUXMETAL_NODES, FAUXMETAL_PROFILE, "), "{all}");
    }

    #[test]
    fn a_file_that_is_not_there_is_named_with_who_asked_for_it() {
        let said = Typed::gather(vec![(&CONFIG, vec!["/nowhere/fleet.toml".into()])], vec![]).err().unwrap();
        assert_eq!(
            said.to_string(),
            "--config: cannot read /nowhere/fleet.toml: No such file or directory (os error 2)"
        );
    }
}
