//! `--import`: the nodes of other simulators' files, and the settings that a `conf.py` of sushy-tools and fake-ipa stands for.

use std::path::Path;
use std::sync::Arc;

use super::error::{ConfigError, Origin};
use super::layer::{Layer, RawValue};
use super::raw::RawSettings;
use super::setting::{
    ADVERTISE, AGENT_LISTEN, BOOT_TIME, HTPASSWD, IMPORT, INSECURE, IRONIC, IRONIC_CA, LISTEN, Setting,
    TLS_CERT, TLS_KEY,
};
use crate::address::Layout;
use crate::import::{self, Assigned, Value};
use crate::profile::identities::Identity;

/// The largest number of files.
const MAX_FILES: usize = 64;

/// A file of another simulator with its systems.
#[derive(Clone, Debug)]
pub(super) struct ImportedFile {
    pub(super) path: String,
    pub(super) origin: Origin,
    pub(super) systems: Arc<[Identity]>,
}

const LISTEN_IP: &str = "SUSHY_EMULATOR_LISTEN_IP";
const LISTEN_PORT: &str = "SUSHY_EMULATOR_LISTEN_PORT";
const SSL_CERT: &str = "SUSHY_EMULATOR_SSL_CERT";
const SSL_KEY: &str = "SUSHY_EMULATOR_SSL_KEY";
const AUTH_FILE: &str = "SUSHY_EMULATOR_AUTH_FILE";
const API_URL: &str = "FAKE_IPA_API_URL";
const CAFILE: &str = "FAKE_IPA_CAFILE";
const IS_INSECURE: &str = "FAKE_IPA_INSECURE";
const MIN_BOOT: &str = "FAKE_IPA_MIN_BOOT_TIME";
const MAX_BOOT: &str = "FAKE_IPA_MAX_BOOT_TIME";
const AGENT_IP: &str = "SUSHY_FAKE_IPA_LISTEN_IP";
const AGENT_PORT: &str = "SUSHY_FAKE_IPA_LISTEN_PORT";
const ADVERTISE_IP: &str = "FAKE_IPA_ADVERTISE_ADDRESS_IP";
const AGENT_CERT: &str = "FAKE_IPA_CERTFILE";
const AGENT_KEY: &str = "FAKE_IPA_KEYFILE";

/// The keys that stand for settings.
const USED: &[&str] = &[
    LISTEN_IP,
    LISTEN_PORT,
    SSL_CERT,
    SSL_KEY,
    AUTH_FILE,
    API_URL,
    CAFILE,
    IS_INSECURE,
    MIN_BOOT,
    MAX_BOOT,
    AGENT_IP,
    AGENT_PORT,
    ADVERTISE_IP,
    AGENT_CERT,
    AGENT_KEY,
];
/// Switches of the drivers whose work fauxmetal does in any case.
const SILENT: &[&str] = &["SUSHY_EMULATOR_FAKE_DRIVER", "SUSHY_EMULATOR_FAKE_IPA"];

/// The ports that the two programs have by default, and the longest boot in seconds that is read: a day.
const SUSHY_PORT: i64 = 8000;
const FAKE_IPA_PORT: i64 = 9999;
const MAX_BOOT_S: i64 = 86_400;

/// Whether a key of a `conf.py` stands for a setting.
pub fn is_setting(key: &str) -> bool {
    USED.contains(&key)
}

/// Reads the files, puts the settings of a `conf.py` below all others, and adds warnings of what is ignored.
pub(super) fn read(layer: &mut Layer, warnings: &mut Vec<String>) -> Result<Vec<ImportedFile>, ConfigError> {
    let given = layer.get(IMPORT.name).cloned().unwrap_or_default();
    if let Some(over) = given.get(MAX_FILES) {
        let problem = format!("{} files are given; at most {MAX_FILES} are allowed", given.len());
        return Err(ConfigError::at(&IMPORT, &over.origin, problem));
    }
    let mut files = Vec::with_capacity(given.len());
    let mut conf: Option<&str> = None;
    for RawValue { text: path, origin } in &given {
        let wrong = |problem: String| ConfigError::at(&IMPORT, origin, problem);
        let read = import::read(Path::new(path), is_setting)
            .map_err(|problem| wrong(format!("{path}: {problem}")))?;
        warnings.extend(read.warnings.iter().map(|warning| format!("{path}: {warning}")));
        if let Some(assigned) = &read.settings {
            if let Some(earlier) = conf.replace(path) {
                return Err(wrong(format!("{earlier} and {path} both have settings; give one conf.py")));
            }
            let conf = Conf { path, assigned, warnings };
            for (setting, value) in conf.settings()? {
                layer.entry(setting.name).or_insert_with(|| vec![value]);
            }
        }
        if !read.systems.is_empty() {
            files.push(ImportedFile {
                path: path.clone(),
                origin: origin.clone(),
                systems: read.systems.into(),
            });
        }
    }
    if let (Some(first), true) = (given.first(), files.is_empty()) {
        let problem = format!(
            "{} has no systems; add a nodes.json with a second {}, or SUSHY_EMULATOR_FAKE_SYSTEMS",
            first.text,
            IMPORT.flag()
        );
        return Err(ConfigError::at(&IMPORT, &first.origin, problem));
    }
    Ok(files)
}

/// # Errors
/// If nodes are reached by their names, and an imported name is no label of a host name.
pub(super) fn check_names(raw: &RawSettings, layout: Layout) -> Result<(), ConfigError> {
    for file in raw.imported.iter().filter(|_| layout == Layout::Host) {
        import::are_host_labels(&file.systems)
            .map_err(|problem| ConfigError::at(&IMPORT, &file.origin, format!("{}: {problem}", file.path)))?;
    }
    Ok(())
}

/// The settings of a `conf.py`.
struct Conf<'a> {
    path: &'a str,
    assigned: &'a [Assigned],
    warnings: &'a mut Vec<String>,
}

impl Conf<'_> {
    fn settings(mut self) -> Result<Vec<(&'static Setting, RawValue)>, ConfigError> {
        let mut found = Vec::new();
        let mut add = |setting: &'static Setting, text: String, at: &Assigned| {
            let origin = Origin::Import { path: self.path.to_owned(), line: at.line };
            found.push((setting, RawValue { text, origin }));
        };
        if let Some(any) = self.any("SUSHY_EMULATOR_") {
            let certificate = self.text(SSL_CERT)?.zip(self.text(SSL_KEY)?);
            add(&LISTEN, self.url(LISTEN_IP, LISTEN_PORT, SUSHY_PORT, certificate.is_some())?, any);
            if let Some(((certificate, at), (key, key_at))) = certificate {
                add(&TLS_CERT, certificate.to_owned(), at);
                add(&TLS_KEY, key.to_owned(), key_at);
            }
        }
        if let Some((file, at)) = self.text(AUTH_FILE)? {
            add(&HTPASSWD, file.to_owned(), at);
        }
        if let Some((url, at)) = self.text(API_URL)? {
            add(&IRONIC, url.to_owned(), at);
        }
        let insecure = self.switch(IS_INSECURE)?.filter(|(on, _)| *on);
        if let Some((_, at)) = insecure {
            add(&INSECURE, "true".to_owned(), at);
        } else if let Some((file, at)) = self.text(CAFILE)? {
            add(&IRONIC_CA, file.to_owned(), at);
        }
        if let Some(any) = self.any("FAKE_IPA_").or_else(|| self.any("SUSHY_FAKE_IPA_")) {
            let tls = self.text(AGENT_CERT)?.zip(self.text(AGENT_KEY)?).is_some();
            add(&AGENT_LISTEN, self.url(AGENT_IP, AGENT_PORT, FAKE_IPA_PORT, tls)?, any);
        }
        if let Some((host, at)) = self.text(ADVERTISE_IP)? {
            add(&ADVERTISE, host.to_owned(), at);
        }
        if let Some((text, at)) = self.boot_time()? {
            add(&BOOT_TIME, text, at);
        }
        self.warn(insecure.is_some());
        Ok(found)
    }

    fn warn(&mut self, insecure: bool) {
        let path = self.path;
        let given = |name: &str| self.assigned.iter().any(|set| set.name == name && set.value != Value::None);
        let is_used = |name: &str| USED.contains(&name) || SILENT.contains(&name);
        let ignored: Vec<_> =
            self.assigned.iter().map(|set| set.name.as_str()).filter(|name| !is_used(name)).collect();
        let mut warnings = Vec::new();
        if !ignored.is_empty() {
            warnings.push(format!("{path}: these keys are ignored: {}", ignored.join(", ")));
        }
        if given(CAFILE) && insecure {
            warnings.push(format!("{path}: {CAFILE} is ignored, because {IS_INSECURE} is True"));
        }
        if given(AGENT_CERT) || given(AGENT_KEY) {
            warnings.push(format!(
                "{path}: {AGENT_CERT} and {AGENT_KEY} only switch on TLS; agents have a certificate of the development CA, which \
                 they send to Ironic with each heartbeat"
            ));
        }
        if self.any("SUSHY_EMULATOR_").is_some() && !given(AUTH_FILE) {
            warnings.push(format!(
                "{path}: without {AUTH_FILE} sushy-tools asks for no password; these BMCs ask for that of --user and --password"
            ));
        }
        self.warnings.extend(warnings);
    }

    /// The first assignment to a name that begins so.
    fn any(&self, prefix: &str) -> Option<&Assigned> {
        self.assigned.iter().find(|set| set.name.starts_with(prefix))
    }

    /// The assignment of a value other than `None`.
    fn given(&self, name: &str) -> Option<&Assigned> {
        self.assigned.iter().find(|set| set.name == name && set.value != Value::None)
    }

    fn wrong(&self, at: &Assigned, problem: &str) -> ConfigError {
        let place = format!("{}:{}: {}", self.path, at.line, at.name);
        ConfigError::new(place, problem)
    }

    fn text(&self, name: &str) -> Result<Option<(&str, &Assigned)>, ConfigError> {
        let Some(at) = self.given(name) else { return Ok(None) };
        match &at.value {
            Value::Text(text) => Ok(Some((text, at))),
            other => Err(self.wrong(at, &format!("it is {}; allowed is a text", other.kind()))),
        }
    }

    fn switch(&self, name: &str) -> Result<Option<(bool, &Assigned)>, ConfigError> {
        let Some(at) = self.given(name) else { return Ok(None) };
        match &at.value {
            Value::Bool(on) => Ok(Some((*on, at))),
            other => Err(self.wrong(at, &format!("it is {}; allowed are True and False", other.kind()))),
        }
    }

    fn number(
        &self,
        name: &str,
        range: std::ops::RangeInclusive<i64>,
    ) -> Result<Option<(i64, &Assigned)>, ConfigError> {
        let Some(at) = self.given(name) else { return Ok(None) };
        let number = match &at.value {
            Value::Int(number) => Some(*number),
            // Published scripts write ports in quotes.
            Value::Text(text) => text.parse().ok(),
            Value::None | Value::Bool(_) | Value::Float(_) | Value::List(_) | Value::Dict(_) => None,
        };
        match number.filter(|number| range.contains(number)) {
            Some(number) => Ok(Some((number, at))),
            None => {
                let allowed = format!("allowed is a number from {} to {}", range.start(), range.end());
                Err(self.wrong(at, &allowed))
            }
        }
    }

    /// The URL of a listener. Both programs listen on all addresses of the host by default, as their help says.
    fn url(&self, ip: &str, port: &str, usual: i64, tls: bool) -> Result<String, ConfigError> {
        let ip = match self.text(ip)? {
            Some((ip, _)) if ip.contains(':') => format!("[{ip}]"),
            Some((ip, _)) => ip.to_owned(),
            None => "0.0.0.0".to_owned(),
        };
        let port = self.number(port, 1..=u16::MAX.into())?.map_or(usual, |(port, _)| port);
        Ok(format!("{}://{ip}:{port}", if tls { "https" } else { "http" }))
    }

    /// The range of boot times, if the file has one of its ends.
    fn boot_time(&self) -> Result<Option<(String, &Assigned)>, ConfigError> {
        let (least, most) = (self.number(MIN_BOOT, 0..=MAX_BOOT_S)?, self.number(MAX_BOOT, 0..=MAX_BOOT_S)?);
        let Some((_, at)) = least.or(most) else { return Ok(None) };
        // The defaults of fake-ipa (`fake_agent.py`, `initialize`).
        let (least, most) = (least.map_or(180, |(s, _)| s), most.map_or(240, |(s, _)| s));
        if least > most {
            return Err(self.wrong(
                at,
                &format!("the range of boot times is {least} to {most}; write the lower one first"),
            ));
        }
        Ok(Some((format!("{least}s..{most}s"), at)))
    }
}
