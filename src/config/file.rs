//! The configuration file: TOML, read into texts with their lines, not parsed further.

use std::io::Read as _;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::error::{ConfigError, Origin, suggestion};
use super::layer::{Layer, RawValue};
use super::setting::{ALL, Kind, Setting, named};

const MAX_FILE_BYTES: u64 = 1 << 20;

/// Why the configuration file cannot be used.
pub(super) enum FileError {
    /// The file cannot be read. The caller adds the setting that names the file.
    Unreadable(String),
    /// A line is wrong.
    Wrong(ConfigError),
}

pub(super) fn read(path: &Path) -> Result<Layer, FileError> {
    let cannot = |e: std::io::Error| FileError::Unreadable(format!("cannot read {}: {e}", path.display()));
    let file = std::fs::File::open(path).map_err(cannot)?;
    let mut text = String::new();
    file.take(MAX_FILE_BYTES + 1).read_to_string(&mut text).map_err(cannot)?;
    if text.len() as u64 > MAX_FILE_BYTES {
        let problem = format!("{} is larger than the {MAX_FILE_BYTES} bytes allowed", path.display());
        return Err(FileError::Unreadable(problem));
    }
    Source { path: path.display().to_string(), text: &text }.settings().map_err(FileError::Wrong)
}

struct Source<'a> {
    path: String,
    text: &'a str,
}

impl Source<'_> {
    fn settings(&self) -> Result<Layer, ConfigError> {
        let table = DeTable::parse(self.text).map_err(|e| {
            // The whole message of the `toml` crate quotes the line, which may contain a password.
            let line = e.span().map_or(1, |span| self.line(span.start));
            ConfigError::new(
                format!("{}:{line}", self.path),
                format!("the file is not valid TOML: {}", e.message()),
            )
        })?;
        table.get_ref().iter().map(|(key, value)| self.setting(key, value)).collect()
    }

    fn line(&self, at: usize) -> usize {
        1 + self.text.bytes().take(at).filter(|b| *b == b'\n').count()
    }

    fn setting(
        &self,
        key: &Spanned<DeString<'_>>,
        value: &Spanned<DeValue<'_>>,
    ) -> Result<(&'static str, Vec<RawValue>), ConfigError> {
        let place = format!("{}:{}", self.path, self.line(key.span().start));
        let Some(setting) = named(key.get_ref()) else {
            let known = ALL.iter().filter(|s| s.in_file).map(|s| s.name.to_owned());
            let problem = format!("'{}' is not a setting{}", key.get_ref(), suggestion(key.get_ref(), known));
            return Err(ConfigError::new(place, problem));
        };
        if !setting.in_file {
            let problem = format!(
                "'{}' cannot be set in a file; use {} or {}",
                setting.name,
                setting.flag(),
                setting.variable()
            );
            return Err(ConfigError::new(place, problem));
        }
        Ok((setting.name, self.values(setting, value)?))
    }

    fn values(&self, setting: &Setting, value: &Spanned<DeValue<'_>>) -> Result<Vec<RawValue>, ConfigError> {
        match (value.get_ref(), setting.kind) {
            (DeValue::Array(items), Kind::Many | Kind::Pairs) => {
                items.iter().map(|v| self.scalar(setting, v)).collect()
            }
            (DeValue::Table(table), Kind::Pairs) => {
                // The parser sorts the keys, but nodes are numbered in the order written.
                let mut pairs: Vec<_> = table.iter().collect();
                pairs.sort_by_key(|(key, _)| key.span().start);
                let pair = |(key, value): (&Spanned<DeString<'_>>, &Spanned<DeValue<'_>>)| {
                    let right = self.scalar(setting, value)?;
                    Ok(RawValue { text: format!("{}={}", key.get_ref(), right.text), ..right })
                };
                pairs.into_iter().map(pair).collect()
            }
            _ => Ok(vec![self.scalar(setting, value)?]),
        }
    }

    fn scalar(&self, setting: &Setting, value: &Spanned<DeValue<'_>>) -> Result<RawValue, ConfigError> {
        let origin = Origin::File { path: self.path.clone(), line: self.line(value.span().start) };
        let text = match value.get_ref() {
            DeValue::String(text) => text.to_string(),
            DeValue::Integer(number) => number.to_string(),
            DeValue::Float(number) => number.to_string(),
            DeValue::Boolean(truth) => truth.to_string(),
            DeValue::Datetime(_) | DeValue::Array(_) | DeValue::Table(_) => {
                let allowed = match setting.kind {
                    Kind::One => "a string or a number",
                    Kind::Switch => "true or false",
                    Kind::Many => "a string or an array of strings",
                    Kind::Pairs => "a string, an array of strings or a table",
                };
                return Err(ConfigError::at(setting, &origin, format!("write {allowed}")));
            }
        };
        Ok(RawValue { text, origin })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(text: &str) -> Result<Layer, String> {
        Source { path: "fleet.toml".into(), text }.settings().map_err(|e| e.to_string())
    }

    fn texts(layer: &Layer, name: &str) -> Vec<(String, String)> {
        let setting = named(name).unwrap();
        layer[name].iter().map(|g| (g.text.clone(), g.origin.place(setting))).collect()
    }

    #[test]
    fn values_keep_their_lines() {
        let layer =
            settings("seed = \"ci\"\n\nnodes = 1_000\nlisten = [\n \"http://a\",\n \"http://b\",\n]\n")
                .unwrap();
        assert_eq!(texts(&layer, "nodes"), [("1000".into(), "fleet.toml:3: nodes".into())]);
        assert_eq!(texts(&layer, "listen")[1], ("http://b".into(), "fleet.toml:6: listen".into()));
    }

    #[test]
    fn pairs_can_be_a_table() {
        let layer =
            settings("insecure = true\n[timing]\npost = \"1s\"\nboot_os = \"2s\"\n[profile]\nz = 3\na = 4\n")
                .unwrap();
        assert_eq!(texts(&layer, "timing")[0], ("post=1s".into(), "fleet.toml:3: timing".into()));
        assert_eq!(texts(&layer, "profile")[0], ("z=3".into(), "fleet.toml:6: profile".into()));
        assert_eq!(texts(&layer, "profile")[1], ("a=4".into(), "fleet.toml:7: profile".into()));
        assert_eq!(texts(&layer, "insecure")[0].0, "true");
    }

    #[test]
    fn errors_name_file_line_and_what_is_allowed() {
        for (text, said) in [
            ("\nnodez = 1\n", "fleet.toml:2: 'nodez' is not a setting; did you mean nodes?"),
            (
                "config = \"x\"\n",
                "fleet.toml:1: 'config' cannot be set in a file; use --config or FAUXMETAL_CONFIG",
            ),
            ("nodes = [1, 2]\n", "fleet.toml:1: nodes: write a string or a number"),
            ("\n[seed]\nx = 1\n", "fleet.toml:2: seed: write a string or a number"),
            ("listen = [[\"a\"]]\n", "fleet.toml:1: listen: write a string or an array of strings"),
            ("insecure = 1979-05-27\n", "fleet.toml:1: insecure: write true or false"),
        ] {
            assert_eq!(settings(text).err().as_deref(), Some(said));
        }
        let all = settings("color = \"red\"\n").err().unwrap();
        assert!(
            all.contains("'color' is not a setting; the known names are nodes, profile, ")
                && !all.contains("config"),
            "{all}"
        );
    }

    #[test]
    fn an_error_in_the_syntax_names_its_line_and_quotes_nothing() {
        let said = settings("nodes = 1\npassword = \"hunter2\n").err().unwrap();
        assert!(
            said.starts_with("fleet.toml:2: the file is not valid TOML: ") && !said.contains("hunter2"),
            "{said}"
        );
    }

    #[test]
    fn a_file_that_is_too_large_is_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(&file, "# ".repeat(1 << 20)).unwrap();
        let Some(FileError::Unreadable(problem)) = read(file.path()).err() else { panic!("it was read") };
        assert!(problem.ends_with("is larger than the 1048576 bytes allowed"), "{problem}");
    }
}
