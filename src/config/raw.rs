//! The settings as written: the texts from flags, environment and configuration file, each with its origin, not parsed yet.
//! A flag takes precedence over the environment, the environment over the file, and the file over an imported `conf.py`.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::error::{ConfigError, Origin, near, suggestion};
use super::file::{self, FileError};
use super::imported::{self, ImportedFile};
use super::layer::{Layer, RawValue};
use super::setting::{ALL, CONFIG, ENV_PREFIX, Kind, Setting, named};

/// The variables of the subcommands for a running daemon, which are no settings.
pub const CLIENT_VARIABLES: [&str; 2] = ["FAUXMETAL_SERVER", "FAUXMETAL_CACERT"];

/// The values of each setting on the command line, in the order written.
pub type Flags = Vec<(&'static Setting, Vec<String>)>;

/// For each setting the values from the source with the highest precedence.
pub struct RawSettings {
    layer: Layer,
    warnings: Vec<String>,
    /// The files of `--import`, in their order.
    pub(super) imported: Vec<ImportedFile>,
}

impl RawSettings {
    /// Merges flags, environment, the configuration file that they name, and the files of `--import`.
    ///
    /// `environment` holds all variables; variables without the prefix `FAUXMETAL_`, the variables that Kubernetes makes for
    /// a Service, and empty values are ignored. Other variables with the prefix that are no setting give a warning:
    /// another program may have set them.
    ///
    /// # Errors
    /// For a key that is not a setting, and for a file that cannot be read.
    pub fn gather(
        flags: Flags,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<Self, ConfigError> {
        let (mut layer, mut warnings) = variables(environment)?;
        for (setting, texts) in flags {
            let given = texts.into_iter().map(|text| RawValue { text, origin: Origin::Flag });
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
        let imported = imported::read(&mut layer, &mut warnings)?;
        Ok(Self { layer, warnings, imported })
    }

    /// The settings in a plan of a load run, at `path` in it. The environment has no influence on them.
    ///
    /// # Errors
    /// For a name that is no setting, and for a value of another kind.
    pub fn of_plan(path: &'static str, given: &BTreeMap<String, Value>) -> Result<Self, ConfigError> {
        let mut layer = Layer::new();
        for (name, value) in given {
            let Some(setting) = named(name).filter(|setting| setting.in_file) else {
                let known =
                    ALL.iter().filter(|setting| setting.in_file).map(|setting| setting.name.to_owned());
                let problem = format!("'{name}' is not a setting{}", suggestion(name, known));
                return Err(ConfigError::new(path, problem));
            };
            let raw = |text: String| RawValue { text, origin: Origin::Plan(path) };
            let scalar = |value: &Value| match value {
                Value::String(text) => Ok(text.clone()),
                Value::Number(number) => Ok(number.to_string()),
                Value::Bool(truth) => Ok(truth.to_string()),
                _ => Err(ConfigError::at(
                    setting,
                    &Origin::Plan(path),
                    "write a text, a number, true or false",
                )),
            };
            let texts: Vec<String> = match (value, setting.kind) {
                (Value::Array(list), Kind::Many | Kind::Pairs) => {
                    list.iter().map(scalar).collect::<Result<_, _>>()?
                }
                (Value::Object(map), Kind::Pairs) => {
                    let pair = |(key, value): (&String, &Value)| Ok(format!("{key}={}", scalar(value)?));
                    map.iter().map(pair).collect::<Result<_, ConfigError>>()?
                }
                (value, _) => vec![scalar(value)?],
            };
            layer.insert(setting.name, texts.into_iter().map(raw).collect());
        }
        let mut warnings = Vec::new();
        let imported = imported::read(&mut layer, &mut warnings)?;
        Ok(Self { layer, warnings, imported })
    }

    /// What was ignored, one sentence each.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Whether a flag, the environment or the file has the setting.
    pub fn is_given(&self, setting: &Setting) -> bool {
        self.first(setting).is_some()
    }

    /// The path that a setting names, if it is given.
    ///
    /// # Errors
    /// If it is empty.
    pub fn path(&self, setting: &Setting) -> Result<Option<PathBuf>, ConfigError> {
        self.optional(setting, super::value::path)
    }

    pub(super) fn all(&self, setting: &Setting) -> &[RawValue] {
        self.layer.get(setting.name).map_or(&[], Vec::as_slice)
    }

    /// The first written value.
    pub(super) fn first(&self, setting: &Setting) -> Option<&RawValue> {
        self.all(setting).first()
    }

    /// The precedence of the source that has the setting; 0 if no source has it.
    pub(super) fn precedence(&self, setting: &Setting) -> u8 {
        self.first(setting).map_or(0, |given| given.origin.precedence())
    }

    /// Of two settings that exclude each other: whether `one` has a higher precedence than `other`.
    ///
    /// # Errors
    /// If both come from the same source.
    pub(super) fn overrides(&self, one: &Setting, other: &Setting) -> Result<bool, ConfigError> {
        let (precedence, than) = (self.precedence(one), self.precedence(other));
        match self.first(one) {
            Some(value) if precedence == than => {
                let problem = format!("cannot be combined with {}; give only one of them", other.flag());
                Err(ConfigError::at(one, &value.origin, problem))
            }
            _ => Ok(precedence > than),
        }
    }

    pub(super) fn origin(&self, setting: &Setting) -> Origin {
        self.first(setting).map_or(Origin::Default, |value| value.origin.clone())
    }

    /// The parsed value or default; `None` if there is neither.
    pub(super) fn optional<T>(
        &self,
        setting: &Setting,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Option<T>, ConfigError> {
        let fallback =
            setting.default.map(|text| RawValue { text: text.to_owned(), origin: Origin::Default });
        self.first(setting)
            .or(fallback.as_ref())
            .map(|given| parse(&given.text).map_err(|e| ConfigError::at(setting, &given.origin, e)))
            .transpose()
    }

    /// The parsed value of a setting that has a default.
    pub(super) fn required<T>(
        &self,
        setting: &Setting,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<T, ConfigError> {
        Ok(self.optional(setting, parse)?.expect("the list of settings gives it a default"))
    }

    /// All parsed values with their origins, or the default alone.
    pub(super) fn list<T>(
        &self,
        setting: &Setting,
        max: usize,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Vec<(T, Origin)>, ConfigError> {
        self.list_or(setting, setting.default, max, parse)
    }

    /// Like [`list`](Self::list), with another default.
    pub(super) fn list_or<T>(
        &self,
        setting: &Setting,
        default: Option<&str>,
        max: usize,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Vec<(T, Origin)>, ConfigError> {
        let fallback: Vec<_> = default
            .map(|text| RawValue { text: text.to_owned(), origin: Origin::Default })
            .into_iter()
            .collect();
        let given = if self.all(setting).is_empty() { &fallback } else { self.all(setting) };
        if let Some(over) = given.get(max) {
            let problem = format!("{} values are given; at most {max} are allowed", given.len());
            return Err(ConfigError::at(setting, &over.origin, problem));
        }
        let read = |given: &RawValue| match parse(&given.text) {
            Ok(value) => Ok((value, given.origin.clone())),
            Err(problem) => Err(ConfigError::at(setting, &given.origin, problem)),
        };
        given.iter().map(read).collect()
    }
}

/// The settings in the environment, and warnings of variables that are none.
fn variables(
    environment: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<(Layer, Vec<String>), ConfigError> {
    let (mut layer, mut warnings) = (Layer::new(), Vec::new());
    for (name, value) in environment {
        let Some(name) = name.to_str().filter(|n| n.starts_with(ENV_PREFIX)) else { continue };
        let Some(setting) = ALL.iter().find(|s| s.variable() == name) else {
            if !CLIENT_VARIABLES.contains(&name) && !is_service_link(name, &value) {
                let known = ALL.iter().map(|s| s.variable()).chain(CLIENT_VARIABLES.map(str::to_owned));
                let near = near(name, known);
                warnings.push(format!("{name} is ignored: there is no such setting{near}"));
            }
            continue;
        };
        let not_utf8 = |_| ConfigError::new(name, "the value is not UTF-8; write it in UTF-8");
        let text = value.into_string().map_err(not_utf8)?;
        let given = |text: &str| RawValue { text: text.trim().to_owned(), origin: Origin::Environment };
        let values: Vec<_> = match setting.kind {
            Kind::One | Kind::Switch if setting.verbatim => {
                vec![RawValue { text, origin: Origin::Environment }]
            }
            Kind::One | Kind::Switch => vec![given(&text)],
            Kind::Many | Kind::Pairs => text.split(',').map(given).collect(),
        };
        if values.iter().any(|given| !given.text.is_empty()) {
            layer.insert(setting.name, values);
        }
    }
    warnings.sort_unstable();
    Ok((layer, warnings))
}

/// Whether Kubernetes has made the variable. Beside a Service whose name begins with `fauxmetal`, every pod gets
/// `FAUXMETAL_SERVICE_HOST`, `FAUXMETAL_SERVICE_PORT[_NAME]`, `FAUXMETAL_PORT` and `FAUXMETAL_PORT_80_TCP[_PROTO|_PORT|_ADDR]`
/// (`pkg/kubelet/envvars/envvars.go`, `FromServices` and `makeLinkVariables`), unless its `enableServiceLinks` is false.
fn is_service_link(name: &str, value: &OsStr) -> bool {
    let Some(value) = value.to_str() else { return false };
    let is_url = ["tcp://", "udp://", "sctp://"].iter().any(|scheme| value.starts_with(scheme));
    let is_ip = value.parse::<IpAddr>().is_ok();
    let is_number = value.parse::<u16>().is_ok();
    // `PORT_80_TCP`, and what comes after it.
    let link = name.rmatch_indices("_PORT_").find_map(|(at, between)| {
        let (port, rest) = name[at + between.len()..].split_once('_')?;
        let (protocol, part) = rest.split_once('_').unwrap_or((rest, ""));
        let known = ["TCP", "UDP", "SCTP"].contains(&protocol) && port.parse::<u16>().is_ok();
        known.then_some(part)
    });
    match link {
        Some("") => is_url,
        Some("PROTO") => ["tcp", "udp", "sctp"].contains(&value),
        Some("PORT") => is_number,
        Some("ADDR") => is_ip,
        Some(_) => false,
        None if name.ends_with("_SERVICE_HOST") => is_ip,
        None if name.ends_with("_SERVICE_PORT") || name.contains("_SERVICE_PORT_") => is_number,
        None => name.ends_with("_PORT") && is_url,
    }
}

#[cfg(test)]
mod tests {
    use super::super::setting::{IRONIC, NODES, PASSWORD, SPEED};
    use super::*;

    fn env(pairs: &[(&str, &str)]) -> Vec<(OsString, OsString)> {
        pairs.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect()
    }

    fn texts(raw: &RawSettings, setting: &Setting) -> Vec<String> {
        raw.all(setting).iter().map(|g| g.text.clone()).collect()
    }

    #[test]
    fn a_flag_overrides_the_environment_and_the_environment_overrides_the_file() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(&file, "nodes = 1\nspeed = 2.5\nironic = [\"http://f1\", \"http://f2\"]\n").unwrap();
        let path = file.path().to_str().unwrap().to_owned();
        let environment =
            env(&[("FAUXMETAL_NODES", "10"), ("FAUXMETAL_CONFIG", &path), ("HOME", "/nowhere")]);
        let raw = RawSettings::gather(vec![(&NODES, vec!["100".into()])], environment.clone()).unwrap();
        assert_eq!((texts(&raw, &NODES), raw.precedence(&NODES)), (vec!["100".to_owned()], 4));
        assert_eq!(texts(&raw, &SPEED), ["2.5"]);
        assert_eq!(texts(&raw, &IRONIC), ["http://f1", "http://f2"]);
        let raw = RawSettings::gather(vec![], environment).unwrap();
        assert_eq!((texts(&raw, &NODES), raw.precedence(&NODES)), (vec!["10".to_owned()], 3));
    }

    #[test]
    fn a_list_in_the_environment_is_comma_separated_and_replaces_the_list_of_the_file() {
        let raw = RawSettings::gather(vec![], env(&[("FAUXMETAL_IRONIC", "http://a, http://b")])).unwrap();
        assert_eq!(texts(&raw, &IRONIC), ["http://a", "http://b"]);
    }

    #[test]
    fn an_empty_variable_is_ignored_and_a_password_keeps_its_spaces() {
        let raw =
            RawSettings::gather(vec![], env(&[("FAUXMETAL_NODES", ""), ("FAUXMETAL_PASSWORD", " a,b ")]))
                .unwrap();
        assert_eq!((texts(&raw, &NODES), texts(&raw, &PASSWORD)), (vec![], vec![" a,b ".to_owned()]));
    }

    #[test]
    fn an_unknown_variable_is_ignored_with_a_warning_that_names_a_near_setting_only() {
        let names =
            [("FAUXMETAL_NODE", "x"), ("FAUXMETAL_ENTIRELY_DIFFERENT", "x"), ("FAUXMETAL_NODES", "7")];
        let raw = RawSettings::gather(vec![], env(&names)).unwrap();
        let expected = [
            "FAUXMETAL_ENTIRELY_DIFFERENT is ignored: there is no such setting",
            "FAUXMETAL_NODE is ignored: there is no such setting; did you mean FAUXMETAL_NODES?",
        ];
        assert_eq!(
            (raw.warnings(), texts(&raw, &NODES)),
            (&expected.map(str::to_owned)[..], vec!["7".to_owned()])
        );
    }

    #[test]
    fn variables_that_kubernetes_makes_for_a_service_are_ignored_in_silence() {
        let links = [
            ("FAUXMETAL_SERVICE_HOST", "10.96.0.7"),
            ("FAUXMETAL_SERVICE_PORT", "8443"),
            ("FAUXMETAL_SERVICE_PORT_REDFISH", "8443"),
            ("FAUXMETAL_PORT", "tcp://10.96.0.7:8443"),
            ("FAUXMETAL_PORT_8443_TCP", "tcp://10.96.0.7:8443"),
            ("FAUXMETAL_PORT_8443_TCP_PROTO", "tcp"),
            ("FAUXMETAL_PORT_8443_TCP_PORT", "8443"),
            ("FAUXMETAL_PORT_8443_TCP_ADDR", "10.96.0.7"),
            ("FAUXMETAL_AGENTS_SERVICE_HOST", "fd00::7"),
            ("FAUXMETAL_AGENTS_PORT_53_UDP_ADDR", "fd00::7"),
        ];
        let raw = RawSettings::gather(vec![], env(&links)).unwrap();
        assert_eq!(raw.warnings(), [""; 0]);
        let raw = RawSettings::gather(vec![], env(&CLIENT_VARIABLES.map(|name| (name, "x")))).unwrap();
        assert_eq!(raw.warnings(), [""; 0], "they are for other subcommands");
        let others = [
            ("FAUXMETAL_PORT", "8443"),
            ("FAUXMETAL_SERVICE_HOST", "not an address"),
            ("FAUXMETAL_PORT_8443_TCP_COLOUR", "1"),
            ("FAUXMETAL_PORT_X_TCP", "tcp://10.96.0.7:8443"),
        ];
        let raw = RawSettings::gather(vec![], env(&others)).unwrap();
        assert_eq!(raw.warnings().len(), others.len(), "{:?}", raw.warnings());
    }

    #[test]
    fn a_missing_file_is_named_with_the_setting_that_names_it() {
        let said =
            RawSettings::gather(vec![(&CONFIG, vec!["/nowhere/fleet.toml".into()])], vec![]).err().unwrap();
        assert_eq!(
            said.to_string(),
            "--config: cannot read /nowhere/fleet.toml: No such file or directory (os error 2)"
        );
    }
}
