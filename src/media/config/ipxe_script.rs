//! The lines, labels and settings of an iPXE script, and the commands that affect settings only.

use std::collections::HashMap;

use super::super::budget::{Budget, Exhausted};
use super::super::firmware::Firmware;
use super::machine::NetworkHost;

/// A value, or a word after the expansion of its settings, is cut off after this many bytes.
const MAX_VALUE_BYTES: usize = 8 * 1024;
/// The maximum number of references that are expanded in one word. Values can contain further references.
const MAX_REFERENCES: usize = 64;
/// The maximum number of settings of a script, and of the items of a menu.
const MAX_SETTINGS: usize = 256;
/// The memory of a line, a label, a setting or an item, beside its texts: a place in a table, and allocations.
const ENTRY_BYTES: usize = 128;
/// Steps of a line, beside one for each of its bytes.
const LINE_STEPS: usize = 16;

/// The lines of a script. Lines that end with a backslash are joined with the next line.
pub(super) struct Script {
    lines: Vec<String>,
    /// The index of the first line with each label.
    labels: HashMap<String, usize>,
}

impl Script {
    pub(super) fn new(text: &str, budget: &Budget) -> Result<Self, Exhausted> {
        let mut lines = Vec::new();
        let mut joined = String::new();
        for line in text.lines() {
            budget.spend(LINE_STEPS + line.len())?;
            budget.hold(ENTRY_BYTES + 2 * line.len())?;
            match line.trim_end().strip_suffix('\\') {
                Some(start) => joined.push_str(start),
                None => lines.push(std::mem::take(&mut joined) + line),
            }
        }
        lines.push(joined);
        let mut labels = HashMap::new();
        for (index, line) in lines.iter().enumerate() {
            if let Some(label) = line.trim().strip_prefix(':') {
                budget.spend(LINE_STEPS + label.len())?;
                budget.hold(ENTRY_BYTES + label.len())?;
                labels.entry(label.trim().to_owned()).or_insert(index);
            }
        }
        Ok(Self { lines, labels })
    }

    /// The command of a line; empty if the line is a comment or a label. `None` after the last line.
    pub(super) fn line(&self, index: usize) -> Option<&str> {
        let line = self.lines.get(index)?.trim();
        Some(if line.starts_with(['#', ':']) { "" } else { line })
    }

    /// The index of the line with a label.
    pub(super) fn label(&self, name: &str) -> Option<usize> {
        self.labels.get(name).copied()
    }
}

/// The settings of a script, and the commands that use them.
pub(super) struct Commands<'b> {
    budget: &'b Budget,
    settings: HashMap<String, String>,
    /// The labels of the current menu.
    items: Vec<String>,
}

impl<'b> Commands<'b> {
    pub(super) fn new(host: &NetworkHost<'_>, budget: &'b Budget) -> Self {
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
        Self { budget, settings, items: Vec::new() }
    }

    /// Expands `${name}` and `${name:type}`, innermost first.
    pub(super) fn expand(&self, word: &str) -> Result<String, Exhausted> {
        self.budget.spend(LINE_STEPS + word.len())?;
        let mut text = word.to_owned();
        for _ in 0..MAX_REFERENCES {
            let Some(end) = text.find('}') else { break };
            let Some(start) = text[..end].rfind("${") else { break };
            self.budget.spend(LINE_STEPS + text.len())?;
            let value = self.value(&text[start + 2..end]);
            self.budget.spend(value.len())?;
            text.replace_range(start..=end, &value);
            if text.len() > MAX_VALUE_BYTES {
                return Ok(cut(text));
            }
        }
        Ok(text)
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

    fn set(&mut self, name: &str, value: String) -> Result<bool, Exhausted> {
        let name = name.split(':').next().unwrap_or_default();
        if self.settings.len() >= MAX_SETTINGS && !self.settings.contains_key(name) {
            return Ok(false);
        }
        let value = cut(value);
        self.clear(name);
        self.budget.hold(ENTRY_BYTES + name.len() + value.len())?;
        self.settings.insert(name.to_owned(), value);
        Ok(true)
    }

    /// Removes a setting. Returns whether it existed.
    fn clear(&mut self, name: &str) -> bool {
        let removed = self.settings.remove(name);
        if let Some(value) = &removed {
            self.budget.release(ENTRY_BYTES + name.len() + value.len());
        }
        removed.is_some()
    }

    /// Runs a command. Returns whether it succeeded. An unknown command fails, as in iPXE.
    pub(super) fn run(&mut self, name: &str, arguments: &[String]) -> Result<bool, Exhausted> {
        Ok(match (name, arguments) {
            ("set", [name, value @ ..]) => self.set(name, value.join(" "))?,
            ("clear", [name]) => self.clear(name.split(':').next().unwrap_or_default()),
            ("isset", [value]) => !value.is_empty(),
            ("iseq", [a, b]) => a == b,
            ("inc", [name]) => self.increment(name, "1")?,
            ("inc", [name, by]) => self.increment(name, by)?,
            ("menu", _) => {
                self.items.clear();
                true
            }
            ("item", arguments) => {
                let gap = arguments.iter().any(|word| matches!(word.as_str(), "--gap" | "-g"));
                let label = arguments.iter().find(|word| !word.starts_with('-')).filter(|_| !gap);
                if let Some(label) = label.filter(|_| self.items.len() < MAX_SETTINGS) {
                    self.budget.hold(ENTRY_BYTES + label.len())?;
                    self.items.push(label.clone());
                }
                true
            }
            ("choose", arguments) => self.choose(arguments)?,
            // All simulated processors have 64 bits.
            ("cpuid", _) => true,
            (
                "echo" | "sleep" | "dhcp" | "ifopen" | "ifclose" | "ifconf" | "ifstat" | "route" | "imgstat"
                | "imgtrust" | "imgverify" | "sanunhook" | "console" | "colour" | "cpair" | "sync" | "ntp"
                | "nslookup" | "time" | "params" | "param" | "vcreate" | "vdestroy" | "show" | "true",
                _,
            ) => true,
            _ => false,
        })
    }

    fn increment(&mut self, name: &str, by: &str) -> Result<bool, Exhausted> {
        let number = |text: &str| text.parse::<i32>().unwrap_or(0);
        let key = name.split(':').next().unwrap_or_default();
        let sum = number(self.settings.get(key).map_or("", String::as_str)).wrapping_add(number(by));
        self.set(key, sum.to_string())
    }

    /// Chooses the default, or else the first item, because there is no user.
    fn choose(&mut self, arguments: &[String]) -> Result<bool, Exhausted> {
        let after = |names: [&str; 2]| {
            let joined = arguments.iter().find_map(|word| word.strip_prefix(names[0])?.strip_prefix('='));
            let pair = arguments.windows(2).find(|pair| names.contains(&pair[0].as_str()));
            joined.or(pair.map(|pair| pair[1].as_str()))
        };
        let chosen = after(["--default", "-d"]).or(self.items.first().map(String::as_str));
        match (chosen.map(str::to_owned), arguments.last()) {
            (Some(chosen), Some(setting)) => self.set(setting, chosen),
            _ => Ok(false),
        }
    }
}

fn cut(mut text: String) -> String {
    let end = (0..=MAX_VALUE_BYTES.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    text.truncate(end.unwrap_or(0));
    text
}
