//! The lines, labels and settings of an iPXE script, and the commands that affect settings only.

use std::collections::HashMap;

use super::super::firmware::Firmware;
use super::machine::NetworkHost;

/// A value, or a word after the expansion of its settings, is cut off after this many bytes.
const MAX_VALUE_BYTES: usize = 8 * 1024;
/// The maximum number of references that are expanded in one word. Values can contain further references.
const MAX_REFERENCES: usize = 64;
/// The maximum number of settings of a script.
const MAX_SETTINGS: usize = 256;

/// The lines of a script. Lines that end with a backslash are joined with the next line.
pub(super) struct Script {
    lines: Vec<String>,
}

impl Script {
    pub(super) fn new(text: &str) -> Self {
        let mut lines = Vec::new();
        let mut joined = String::new();
        for line in text.lines() {
            match line.trim_end().strip_suffix('\\') {
                Some(start) => joined.push_str(start),
                None => lines.push(std::mem::take(&mut joined) + line),
            }
        }
        lines.push(joined);
        Self { lines }
    }

    /// The command of a line; empty if the line is a comment or a label. `None` after the last line.
    pub(super) fn line(&self, index: usize) -> Option<&str> {
        let line = self.lines.get(index)?.trim();
        Some(if line.starts_with(['#', ':']) { "" } else { line })
    }

    /// The index of the line with a label.
    pub(super) fn label(&self, name: &str) -> Option<usize> {
        let is_label =
            |line: &String| line.trim().strip_prefix(':').is_some_and(|label| label.trim() == name);
        self.lines.iter().position(is_label)
    }
}

/// The settings of a script, and the commands that use them.
pub(super) struct Commands {
    settings: HashMap<String, String>,
    /// The labels of the current menu.
    items: Vec<String>,
}

impl Commands {
    pub(super) fn new(host: &NetworkHost<'_>) -> Self {
        let platform = match host.firmware {
            Firmware::Uefi => "efi",
            Firmware::Bios => "pcbios",
        };
        let mut settings = HashMap::from([
            ("uuid".to_owned(), host.uuid.to_owned()),
            ("platform".to_owned(), platform.to_owned()),
            ("buildarch".to_owned(), "x86_64".to_owned()),
        ]);
        for (index, mac) in host.macs.iter().enumerate() {
            let mac = mac.to_ascii_lowercase();
            if index == 0 {
                settings.insert("mac".to_owned(), mac.clone());
                settings.insert("netX/mac".to_owned(), mac.clone());
            }
            settings.insert(format!("net{index}/mac"), mac);
        }
        Self { settings, items: Vec::new() }
    }

    /// Expands `${name}` and `${name:type}`, innermost first.
    pub(super) fn expand(&self, word: &str) -> String {
        let mut text = word.to_owned();
        for _ in 0..MAX_REFERENCES {
            let Some(end) = text.find('}') else { break };
            let Some(start) = text[..end].rfind("${") else { break };
            let value = self.value(&text[start + 2..end]);
            text.replace_range(start..=end, &value);
            if text.len() > MAX_VALUE_BYTES {
                return cut(text);
            }
        }
        text
    }

    fn value(&self, reference: &str) -> String {
        let (name, kind) = reference.split_once(':').unwrap_or((reference, ""));
        let value = self.settings.get(name).map_or("", String::as_str);
        match kind {
            "hexhyp" => value.replace(':', "-"),
            "hexraw" => value.replace(':', ""),
            _ => value.to_owned(),
        }
    }

    fn set(&mut self, name: &str, value: String) -> bool {
        let name = name.split(':').next().unwrap_or_default();
        if self.settings.len() >= MAX_SETTINGS && !self.settings.contains_key(name) {
            return false;
        }
        self.settings.insert(name.to_owned(), cut(value));
        true
    }

    /// Runs a command. Returns whether it succeeded. An unknown command fails, as in iPXE.
    pub(super) fn run(&mut self, name: &str, arguments: &[String]) -> bool {
        match (name, arguments) {
            ("set", [name, value @ ..]) => self.set(name, value.join(" ")),
            ("clear", [name]) => self.settings.remove(name.split(':').next().unwrap_or_default()).is_some(),
            ("isset", [value]) => !value.is_empty(),
            ("iseq", [a, b]) => a == b,
            ("inc", [name]) => self.increment(name, "1"),
            ("inc", [name, by]) => self.increment(name, by),
            ("menu", _) => {
                self.items.clear();
                true
            }
            ("item", arguments) => {
                let gap = arguments.iter().any(|word| matches!(word.as_str(), "--gap" | "-g"));
                let label = arguments.iter().find(|word| !word.starts_with('-')).filter(|_| !gap);
                self.items.extend(label.filter(|_| self.items.len() < MAX_SETTINGS).cloned());
                true
            }
            ("choose", arguments) => self.choose(arguments),
            // All simulated processors have 64 bits.
            ("cpuid", _) => true,
            (
                "echo" | "sleep" | "dhcp" | "ifopen" | "ifclose" | "ifconf" | "ifstat" | "route" | "imgstat"
                | "imgtrust" | "imgverify" | "sanunhook" | "console" | "colour" | "cpair" | "sync" | "ntp"
                | "nslookup" | "time" | "params" | "param" | "vcreate" | "vdestroy" | "show" | "true",
                _,
            ) => true,
            _ => false,
        }
    }

    fn increment(&mut self, name: &str, by: &str) -> bool {
        let number = |text: &str| text.parse::<i32>().unwrap_or(0);
        let key = name.split(':').next().unwrap_or_default();
        let sum = number(self.settings.get(key).map_or("", String::as_str)).wrapping_add(number(by));
        self.set(key, sum.to_string())
    }

    /// Chooses the default, or else the first item, because there is no user.
    fn choose(&mut self, arguments: &[String]) -> bool {
        let after = |names: [&str; 2]| {
            let joined = arguments.iter().find_map(|word| word.strip_prefix(names[0])?.strip_prefix('='));
            let pair = arguments.windows(2).find(|pair| names.contains(&pair[0].as_str()));
            joined.or(pair.map(|pair| pair[1].as_str()))
        };
        let chosen = after(["--default", "-d"]).or(self.items.first().map(String::as_str));
        match (chosen.map(str::to_owned), arguments.last()) {
            (Some(chosen), Some(setting)) => self.set(setting, chosen),
            _ => false,
        }
    }
}

fn cut(mut text: String) -> String {
    let end = (0..=MAX_VALUE_BYTES.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    text.truncate(end.unwrap_or(0));
    text
}
