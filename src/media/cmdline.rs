//! The kernel command line, parsed as the Ironic Python Agent parses `/proc/cmdline` and `parameters.txt`.

use std::fmt;

/// The maximum length of a command line that Linux accepts on any architecture (`COMMAND_LINE_SIZE`; 2048 on x86-64).
pub const MAX_COMMAND_LINE_BYTES: usize = 4096;

/// Parameters with secret values, which `Debug` does not print.
const SECRETS: [&str; 1] = ["ipa-agent-token"];

/// `key=value` parameters separated by white space, stored as one text.
///
/// They are parsed as by `_read_params_from_file` in `ironic_python_agent/utils.py`: quotes do not protect white space,
/// a word without `=` is not a parameter, a value starts after the first `=`, and the last value of a repeated name
/// wins.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct CommandLine(Box<str>);

impl CommandLine {
    /// Takes the text of `/proc/cmdline` or `parameters.txt`.
    pub fn new(text: &str) -> Self {
        Self(text.trim().into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The value of a parameter. Names are case sensitive.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.pairs().rev().find_map(|(key, value)| (key == name).then_some(value))
    }

    /// All parameters in the order of the text, including repeated ones.
    pub fn pairs(&self) -> impl DoubleEndedIterator<Item = (&str, &str)> {
        self.0.split(is_python_space).filter_map(|word| word.split_once('='))
    }

    /// The parameters of an agent that finds the parameters `removable` in `parameters.txt` on a virtual floppy. The
    /// agent reads them only if the command line has `boot_method=vmedia`, and then they take precedence
    /// (`get_agent_params` in `ironic_python_agent/utils.py`).
    #[must_use]
    pub fn with_removable(&self, removable: &CommandLine) -> CommandLine {
        if self.get("boot_method") == Some("vmedia") {
            // The last value of a repeated name wins, so it is enough to append them.
            CommandLine(format!("{} {}", self.0, removable.0).into())
        } else {
            self.clone()
        }
    }
}

/// Whether Python's `str.split()` treats a character as white space: Unicode white space and four ASCII separators.
fn is_python_space(c: char) -> bool {
    c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c)
}

impl fmt::Debug for CommandLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CommandLine(\"")?;
        for (index, word) in self.0.split_whitespace().enumerate() {
            let space = if index == 0 { "" } else { " " };
            match word.split_once('=') {
                Some((key, _)) if SECRETS.contains(&key) => write!(f, "{space}{key}=***")?,
                Some(_) | None => write!(f, "{space}{word}")?,
            }
        }
        write!(f, "\")")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn values_start_after_the_first_equals_sign_and_the_last_one_wins() {
        let line = CommandLine::new(" nofb ipa-api-url=http://a/?x=1 ipa-debug=0\n\tipa-debug=1 empty= --\n");
        assert_eq!(line.get("ipa-api-url"), Some("http://a/?x=1"));
        assert_eq!(line.get("ipa-debug"), Some("1"));
        assert_eq!(line.get("empty"), Some(""));
        assert_eq!(line.get("nofb"), None);
        assert_eq!(line.get("IPA-DEBUG"), None);
        assert_eq!(line.pairs().count(), 4);
    }

    #[test]
    fn quotes_do_not_protect_white_space() {
        let line = CommandLine::new("note=\"two words\" \"other=one two\"");
        assert_eq!(line.get("note"), Some("\"two"));
        assert_eq!(line.get("\"other"), Some("one"));
    }

    #[test]
    fn removable_parameters_apply_only_after_a_virtual_media_boot() {
        let floppy = CommandLine::new("ipa-agent-token=new\nipa-debug=1");
        let booted = CommandLine::new("boot_method=vmedia ipa-agent-token=old");
        assert_eq!(booted.with_removable(&floppy).get("ipa-agent-token"), Some("new"));
        assert_eq!(booted.with_removable(&floppy).get("ipa-debug"), Some("1"));
        let network = CommandLine::new("ipa-agent-token=old");
        assert_eq!(network.with_removable(&floppy), network);
    }

    #[test]
    fn debug_output_hides_the_token() {
        let line = CommandLine::new("a=1 ipa-agent-token=s3cret quiet");
        assert_eq!(format!("{line:?}"), "CommandLine(\"a=1 ipa-agent-token=*** quiet\")");
    }

    proptest! {
        #[test]
        fn any_text_is_a_command_line(text in ".*", name in ".*") {
            let line = CommandLine::new(&text);
            prop_assert!(line.get(&name).is_none_or(|value| text.contains(value)));
        }
    }
}
