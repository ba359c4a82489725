//! Decides whether a boot source starts an Ironic Python Agent or another system, and says why.
//!
//! Ironic publishes the image of an operator (`deploy_iso`) as `boot-<node>.iso` and adds nothing to it
//! (`image_utils.py`, `prepare_remote_image`), so only its content tells.

use url::Url;

use super::kernel;
use super::pattern::Pattern;
use super::settings::Settings;
use crate::media::{CommandLine, KernelBoot};
use crate::node::effect::Bootable;

/// What is known of a boot source.
#[derive(Debug, Default)]
pub(super) struct Clues<'a> {
    /// Of the kernel; empty if the boot loader's configuration cannot be read.
    pub(super) line: CommandLine,
    /// The volume label of an image.
    pub(super) label: &'a str,
    /// The last part of the URL of an image.
    pub(super) file_name: &'a str,
    /// Paths or URLs of the kernel and of its initial ramdisks.
    pub(super) files: Vec<&'a str>,
}

/// The system that a boot source starts, and the reason for the decision.
#[derive(Debug)]
pub(super) struct System {
    pub(super) bootable: Bootable,
    pub(super) because: String,
}

impl<'a> Clues<'a> {
    /// The kernel's part of the clues, with the command line that it gets.
    pub(super) fn kernel(kernel: &'a KernelBoot, line: CommandLine) -> Self {
        let files = std::iter::once(&kernel.kernel).chain(&kernel.initrds).map(String::as_str).collect();
        Self { line, files, ..Self::default() }
    }

    /// The system. `ironic` are the API endpoints of the settings.
    ///
    /// An agent could do nothing without an endpoint, or without a listener for Ironic's commands, so its image counts as a
    /// live system.
    pub(super) fn system(&self, ironic: &[Url], settings: &Settings) -> System {
        let has_url = ["ipa-api-url", "ipa-inspection-callback-url"]
            .iter()
            .any(|name| self.line.get(name).is_some_and(|url| !url.is_empty()));
        match self.agent(&settings.agent_isos) {
            Some(because) if settings.agent_urls.is_none() => {
                let because = format!("{because}, but --agent-listen is off");
                System { bootable: Bootable::Live, because }
            }
            Some(because) if has_url || !ironic.is_empty() => {
                System { bootable: Bootable::Ipa(Box::new(kernel::params(&self.line, ironic))), because }
            }
            Some(because) => {
                let because =
                    format!("{because}, but neither the image nor --ironic has the URL of Ironic's API");
                System { bootable: Bootable::Live, because }
            }
            None => System {
                bootable: Bootable::Live,
                because: "no parameter, path, label or --agent-iso names an agent".to_owned(),
            },
        }
    }

    /// Why the source starts an agent, if it does.
    fn agent(&self, patterns: &[Pattern]) -> Option<String> {
        self.by_parameter()
            .or_else(|| {
                let file = self.files.iter().find(|file| names_agent(path(file), true))?;
                Some(format!("its kernel or ramdisk is {}", path(file)))
            })
            .or_else(|| names_agent(self.label, true).then(|| format!("its label is {:?}", self.label)))
            .or_else(|| names_agent(self.file_name, true).then(|| format!("its name is {}", self.file_name)))
            .or_else(|| self.by_pattern(patterns))
    }

    fn by_parameter(&self) -> Option<String> {
        let given = || self.line.pairs().filter(|(_, value)| !value.is_empty());
        // The names of `ironic_python_agent/config.py`.
        let of_agent = given().find(|(name, _)| name.starts_with("ipa-"));
        // `ir_pub_id` of `image_utils.py`, and the parameter that makes the agent read its virtual media (`utils.py`,
        // `get_agent_params`), which ironic-python-agent-builder writes alone.
        let of_ironic = || {
            given().find(|parameter| parameter.0 == "ir_pub_id" || *parameter == ("boot_method", "vmedia"))
        };
        // CoreOS starts the agent by a file of that name.
        let by_value = || given().find(|(_, value)| names_agent(value, false));
        let found = of_agent.or_else(of_ironic).or_else(by_value);
        found.map(|(name, _)| format!("its kernel has the parameter {name}"))
    }

    fn by_pattern(&self, patterns: &[Pattern]) -> Option<String> {
        let words = self.line.as_str().split_whitespace();
        let clues = [("label", self.label), ("name", self.file_name)].into_iter();
        let clues = clues.chain(self.files.iter().map(|file| ("kernel or ramdisk", path(file))));
        let clues = clues.chain(words.map(|word| ("kernel command line", word)));
        for (kind, text) in clues.filter(|(_, text)| !text.is_empty()) {
            if let Some(pattern) = patterns.iter().find(|pattern| pattern.matches(text)) {
                return Some(format!("--agent-iso {pattern} matches its {kind}"));
            }
        }
        None
    }
}

/// The path of a file that a boot loader names. A server may be called `ipa`.
fn path(file: &str) -> &str {
    match file.split_once("://") {
        Some((_, rest)) => rest.find('/').map_or("", |at| &rest[at..]).split(['?', '#']).next().unwrap_or(""),
        None => file,
    }
}

/// Whether a text contains `ironic-python-agent` or, if `short`, `ipa` as a word.
fn names_agent(text: &str, short: bool) -> bool {
    let text = text.to_ascii_lowercase();
    let words: Vec<_> = text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|w| !w.is_empty()).collect();
    short && words.contains(&"ipa") || words.windows(3).any(|w| w == ["ironic", "python", "agent"])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ironic() -> Vec<Url> {
        vec![Url::parse("http://ironic").unwrap()]
    }

    fn settings() -> Settings {
        let agent_urls = Some(crate::address::Urls::Same("https://agents".into()));
        Settings { agent_urls, ..Settings::default() }
    }

    fn system(line: &str, clues: Clues<'_>, patterns: &[&str]) -> (bool, String) {
        let agent_isos = patterns.iter().map(|p| Pattern::parse(p).unwrap()).collect();
        let settings = Settings { agent_isos, ..settings() };
        let System { bootable, because } =
            Clues { line: CommandLine::new(line), ..clues }.system(&ironic(), &settings);
        (matches!(bootable, Bootable::Ipa(_)), because)
    }

    #[test]
    fn the_content_of_an_image_tells_whether_it_is_an_agents() {
        for (line, because) in [
            ("quiet ipa-debug=1", "its kernel has the parameter ipa-debug"),
            ("ir_pub_id=8d0a boot_method=vmedia ipa-api-url=x", "its kernel has the parameter ipa-api-url"),
            ("ir_pub_id=8d0a", "its kernel has the parameter ir_pub_id"),
            ("boot_method=vmedia --", "its kernel has the parameter boot_method"),
            (
                "coreos.live.rootfs_url=http://h/images/ironic-python-agent.rootfs ignition.firstboot",
                "its kernel has the parameter coreos.live.rootfs_url",
            ),
        ] {
            assert_eq!(system(line, Clues::default(), &[]), (true, because.to_owned()), "{line}");
        }
        for line in [
            "root=live:CDLABEL=x",
            "ipa-debug=",
            "boot_method=pxe",
            "inst.repo=http://ipa.example/ipa/os",
            "",
        ] {
            assert!(!system(line, Clues::default(), &[]).0, "{line}");
        }
        let files = |file| Clues { files: vec!["/vmlinuz", file], ..Clues::default() };
        for (file, agent) in [
            ("/ironic-python-agent.initramfs", true),
            ("http://host/x/ipa.initramfs?token=x", true),
            ("/images/ipa/initrd", true),
            ("http://ipa.example/initrd?ipa", false),
            ("http://ipa", false),
            ("/participant", false),
        ] {
            let (is_agent, because) = system("quiet", files(file), &[]);
            assert_eq!(is_agent, agent, "{file}: {because}");
            assert!(!because.contains("token"), "{because}");
        }
    }

    #[test]
    fn label_and_file_name_tell_too() {
        for name in ["IPA", "ipa-centos9.iso", "my-ironic-python-agent.iso", "Ironic_Python_Agent"] {
            let label = system("quiet", Clues { label: name, ..Clues::default() }, &[]);
            assert_eq!(label, (true, format!("its label is {name:?}")));
            let file = system("quiet", Clues { file_name: name, ..Clues::default() }, &[]);
            assert_eq!(file, (true, format!("its name is {name}")));
        }
        for name in ["participant.iso", "ironic.iso", "boot-6d85703a.iso", ""] {
            assert!(
                !system("quiet", Clues { label: name, file_name: name, ..Clues::default() }, &[]).0,
                "{name}"
            );
        }
    }

    #[test]
    fn a_pattern_marks_an_image_that_says_nothing() {
        let clues = || Clues {
            label: "fedora-coreos-39",
            file_name: "boot-1.iso",
            files: vec!["/a/vmlinuz"],
            ..Clues::default()
        };
        for (pattern, kind) in [
            ("Fedora-CoreOS-*", "label"),
            ("boot-?.iso", "name"),
            ("/a/*", "kernel or ramdisk"),
            ("coreos.liveiso=*", "kernel command line"),
        ] {
            let found = system("quiet coreos.liveiso=x", clues(), &["nothing", pattern]);
            assert_eq!(found, (true, format!("--agent-iso {pattern} matches its {kind}")));
        }
        for pattern in ["fedora", "boot-??.iso", "quiet coreos.liveiso=x"] {
            assert!(!system("quiet coreos.liveiso=x", clues(), &[pattern]).0, "{pattern}");
        }
    }

    #[test]
    fn an_agent_without_an_api_is_a_live_system() {
        let clues = Clues { label: "ipa", ..Clues::default() };
        let System { bootable, because } = clues.system(&[], &settings());
        assert_eq!(bootable, Bootable::Live);
        assert!(because.contains("its label is") && because.contains("--ironic"), "{because}");
        let line = CommandLine::new("ipa-api-url=http://x");
        let System { bootable, .. } = Clues { line, ..Clues::default() }.system(&[], &settings());
        assert!(matches!(bootable, Bootable::Ipa(_)));
    }

    #[test]
    fn an_agent_without_a_listener_is_a_live_system() {
        let clues = Clues { label: "ipa", ..Clues::default() };
        let System { bootable, because } = clues.system(&ironic(), &Settings::default());
        assert_eq!(
            (bootable, &*because),
            (Bootable::Live, r#"its label is "ipa", but --agent-listen is off"#)
        );
    }
}
