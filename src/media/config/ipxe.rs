//! The interpreter of iPXE scripts, which runs a script until it boots (iPXE documentation, "Commands";
//! `src/core/exec.c`).
//!
//! It assumes that every fetch succeeds, except for URLs in [`NetworkHost::failed`].

use super::super::budget::{Budget, Exhausted};
use super::decision::{Decision, KernelBoot};
use super::error::LoaderError;
use super::ipxe_script::{Commands, Script};
use super::machine::NetworkHost;

/// The maximum number of commands that run for one script, which stops an endless loop.
const MAX_COMMANDS: usize = 10_000;
/// The maximum size of a command after the expansion of its settings.
const MAX_COMMAND_BYTES: usize = 64 * 1024;
/// Steps of a line or a command, beside one for each of its bytes.
const COMMAND_STEPS: usize = 32;
/// The memory of an image, beside its URL.
const IMAGE_BYTES: usize = 3 * size_of::<String>();

/// The effect of a command on the script.
enum Outcome {
    Success,
    Failure,
    Goto(String),
    Decided(Decision),
}

impl From<LoaderError> for Outcome {
    fn from(reason: LoaderError) -> Self {
        Outcome::Decided(Decision::Nothing(reason))
    }
}

impl From<Exhausted> for Outcome {
    fn from(reason: Exhausted) -> Self {
        LoaderError::Exhausted(reason).into()
    }
}

impl From<bool> for Outcome {
    fn from(success: bool) -> Self {
        if success { Outcome::Success } else { Outcome::Failure }
    }
}

/// What a script boots on a host.
pub(super) fn decide(text: &str, host: &NetworkHost<'_>, budget: &Budget) -> Decision {
    let _run = budget.run();
    run(text, host, budget).unwrap_or_else(|reason| Decision::Nothing(reason.into()))
}

fn run(text: &str, host: &NetworkHost<'_>, budget: &Budget) -> Result<Decision, Exhausted> {
    let script = Script::new(text, budget)?;
    let commands = Commands::new(host, budget);
    let (kernel, initrds, hooked) = (None, Vec::new(), None);
    let mut ipxe = Ipxe { host, budget, commands, kernel, initrds, hooked, count: 0 };
    let mut line = 0;
    while let Some(text) = script.line(line) {
        budget.spend(COMMAND_STEPS + text.len())?;
        line += 1;
        match ipxe.line(text)? {
            Outcome::Success => {}
            Outcome::Failure => {
                return Ok(Decision::Nothing(LoaderError::IpxeFails { line: text.to_owned() }));
            }
            Outcome::Decided(decision) => return Ok(decision),
            Outcome::Goto(label) => match script.label(&label) {
                Some(target) => line = target,
                None => return Ok(Decision::Nothing(LoaderError::IpxeNoLabel { label })),
            },
        }
    }
    Ok(Decision::Exit)
}

struct Ipxe<'h> {
    host: &'h NetworkHost<'h>,
    budget: &'h Budget,
    commands: Commands<'h>,
    /// The URL and the command line.
    kernel: Option<(String, String)>,
    initrds: Vec<String>,
    /// The volume that `sanhook` attached as drive 0x80.
    hooked: Option<String>,
    /// The number of commands so far.
    count: usize,
}

impl Ipxe<'_> {
    /// Runs the commands of a line from left to right. They are joined with `||` and `&&`.
    fn line(&mut self, text: &str) -> Result<Outcome, Exhausted> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let mut success = true;
        let mut run_next = true;
        for step in words.split_inclusive(|word| matches!(*word, "||" | "&&")) {
            let (command, joint) = match step.split_last() {
                Some((last @ (&"||" | &"&&"), command)) => (command, *last),
                Some(_) | None => (step, ""),
            };
            if run_next {
                match self.expanded(command)? {
                    Outcome::Success => success = true,
                    Outcome::Failure => success = false,
                    end @ (Outcome::Goto(_) | Outcome::Decided(_)) => return Ok(end),
                }
            }
            run_next = match joint {
                "||" => !success,
                "&&" => success,
                _ => break,
            };
        }
        // `command ||` at the end of a line ignores a failure.
        Ok(if words.last() == Some(&"||") { Outcome::Success } else { success.into() })
    }

    /// Expands the settings in a command and runs it.
    fn expanded(&mut self, words: &[&str]) -> Result<Outcome, Exhausted> {
        self.count += usize::from(!words.is_empty());
        if self.count > MAX_COMMANDS {
            return Ok(LoaderError::IpxeCommands { limit: MAX_COMMANDS }.into());
        }
        self.budget.spend(COMMAND_STEPS)?;
        let (mut arguments, mut bytes) = (Vec::new(), 0);
        for word in words {
            let argument = self.commands.expand(word)?;
            bytes += size_of::<String>() + argument.len();
            if bytes > MAX_COMMAND_BYTES {
                return Ok(LoaderError::IpxeArguments { limit: MAX_COMMAND_BYTES }.into());
            }
            arguments.push(argument);
        }
        self.command(&arguments)
    }

    fn command(&mut self, arguments: &[String]) -> Result<Outcome, Exhausted> {
        let Some((name, arguments)) = arguments.split_first() else { return Ok(Outcome::Success) };
        Ok(match name.as_str() {
            "goto" => Outcome::Goto(arguments.first().cloned().unwrap_or_default()),
            "kernel" | "imgselect" | "imgload" => self.kernel(arguments),
            "initrd" | "module" | "imgfetch" => self.initrd(arguments)?,
            "imgargs" => self.image_arguments(arguments),
            "imgfree" => {
                (self.kernel, self.initrds) = (None, Vec::new());
                Outcome::Success
            }
            "boot" | "imgexec" => self.boot(arguments),
            "chain" => self.chain(arguments),
            "sanhook" => {
                let (options, rest) = split_options(arguments, &SAN_OPTIONS);
                if option(&options, &["--drive", "-d"]).is_none_or(|drive| drive == "0x80") {
                    self.hooked = rest.first().cloned();
                }
                Outcome::Success
            }
            "sanboot" => self.san_boot(arguments),
            "exit" => Outcome::Decided(Decision::Exit),
            "poweroff" | "reboot" | "shell" | "config" | "login" | "autoboot" => {
                LoaderError::IpxeEnds { command: name.clone() }.into()
            }
            // There is no user: with a timeout the command fails; without a timeout it waits forever.
            "prompt" if arguments.iter().any(|word| word.starts_with("--timeout") || word == "-t") => {
                Outcome::Failure
            }
            "prompt" => LoaderError::IpxeWaits.into(),
            _ => self.commands.run(name, arguments)?.into(),
        })
    }

    fn failed(&self, url: &str) -> bool {
        self.host.failed.iter().any(|failed| failed == url)
    }

    fn kernel(&mut self, arguments: &[String]) -> Outcome {
        let (_, rest) = split_options(arguments, &IMAGE_OPTIONS);
        let Some((url, arguments)) = rest.split_first() else { return Outcome::Failure };
        if self.failed(url) {
            return Outcome::Failure;
        }
        self.kernel = Some((url.clone(), arguments.join(" ")));
        Outcome::Success
    }

    fn initrd(&mut self, arguments: &[String]) -> Result<Outcome, Exhausted> {
        let (_, rest) = split_options(arguments, &IMAGE_OPTIONS);
        let Some(url) = rest.first() else { return Ok(Outcome::Failure) };
        if self.failed(url) {
            return Ok(Outcome::Failure);
        }
        self.budget.hold(IMAGE_BYTES + url.len())?;
        self.initrds.push(url.clone());
        Ok(Outcome::Success)
    }

    /// Runs `imgargs <image> <arguments>`. The name of an image is the last part of its URL.
    fn image_arguments(&mut self, arguments: &[String]) -> Outcome {
        let Some((image, arguments)) = arguments.split_first() else { return Outcome::Failure };
        match &mut self.kernel {
            Some((url, line)) if url == image || url.rsplit('/').next() == Some(image) => {
                *line = arguments.join(" ");
                Outcome::Success
            }
            Some(_) | None => Outcome::Failure,
        }
    }

    fn boot(&mut self, arguments: &[String]) -> Outcome {
        let (_, rest) = split_options(arguments, &IMAGE_OPTIONS);
        let selected = |url: &str| {
            rest.first().is_none_or(|image| url == image || url.rsplit('/').next() == Some(image))
        };
        match self.kernel.take() {
            Some((url, line)) if selected(&url) => {
                Outcome::Decided(KernelBoot::decide(url, std::mem::take(&mut self.initrds), &line))
            }
            Some(_) | None => self.chain(arguments),
        }
    }

    fn chain(&mut self, arguments: &[String]) -> Outcome {
        let (_, rest) = split_options(arguments, &IMAGE_OPTIONS);
        match rest.first() {
            Some(url) if !self.failed(url) => Outcome::Decided(Decision::Chain(url.clone())),
            Some(_) | None => Outcome::Failure,
        }
    }

    /// Without a URL, `sanboot` boots the attached volume, or else the node's own disk.
    fn san_boot(&mut self, arguments: &[String]) -> Outcome {
        let (_, rest) = split_options(arguments, &SAN_OPTIONS);
        match rest.first().or(self.hooked.as_ref()) {
            Some(url) if self.failed(url) => Outcome::Failure,
            Some(url) => Outcome::Decided(Decision::San(url.clone())),
            None => Outcome::Decided(Decision::LocalDisk),
        }
    }
}

/// Options that take a value.
const IMAGE_OPTIONS: [&str; 4] = ["--timeout", "-t", "--name", "-n"];
const SAN_OPTIONS: [&str; 10] =
    ["--drive", "-d", "--filename", "-f", "--extra", "-e", "--label", "-l", "--uuid", "-u"];

/// Splits arguments into the leading options and the remaining arguments.
fn split_options<'a>(
    arguments: &'a [String],
    with_value: &[&str],
) -> (Vec<(&'a str, &'a str)>, &'a [String]) {
    let mut options = Vec::new();
    let mut rest = arguments;
    while let Some((word, after)) = rest.split_first().filter(|(word, _)| word.starts_with('-')) {
        rest = after;
        match (word.split_once('='), after.split_first()) {
            (Some((name, value)), _) => options.push((name, value)),
            (None, Some((value, after))) if with_value.contains(&word.as_str()) => {
                options.push((word, value));
                rest = after;
            }
            (None, _) => options.push((word, "")),
        }
    }
    (options, rest)
}

fn option<'a>(options: &[(&'a str, &'a str)], names: &[&str]) -> Option<&'a str> {
    options.iter().find(|(name, _)| names.contains(name)).map(|(_, value)| *value)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::media::firmware::Firmware;

    fn boots_with(text: &str, failed: &[String]) -> Decision {
        let macs = ["52:54:00:AA:BB:01".to_owned(), "52:54:00:aa:bb:02".to_owned()];
        let host = NetworkHost { macs: &macs, uuid: "0f1e", firmware: Firmware::Uefi, failed };
        decide(text, &host, &Budget::default())
    }

    fn boots(text: &str) -> Decision {
        boots_with(text, &[])
    }

    /// Why a script boots nothing.
    fn reason(text: &str) -> String {
        match boots(text) {
            Decision::Nothing(reason) => reason.to_string(),
            other => panic!("{other:?}"),
        }
    }

    /// A script like Ironic's script for a node.
    fn node_script(first: &str) -> String {
        format!(
            "#!ipxe\n\nset attempts:int32 3\nset i:int32 0\n\ngoto {first}\n\n:deploy\nimgfree\n\
             kernel --timeout 60 http://192.0.2.1/n/kernel selinux=0 text ipa-api-url=http://192.0.2.1:6385 \
             BOOTIF=${{mac}} initrd=ramdisk || goto retry\n\ninitrd http://192.0.2.1/n/ramdisk || goto retry\nboot\n\n\
             :retry\niseq ${{i}} ${{attempts}} && goto fail ||\ninc i\necho again in ${{i}}\nsleep ${{i}}\n\
             goto deploy\n\n:fail\necho gave up\npoweroff\n\n:boot_anaconda\nimgfree\nkernel http://x/k text \
             inst.ks=http://x/ks initrd=ramdisk || goto boot_anaconda\ninitrd http://x/r || goto boot_anaconda\nboot\n\
             \n:boot_ramdisk\nimgfree\nsanboot http://192.0.2.1/live.iso\n\n:boot_iscsi\nimgfree\n\nset username u\n\
             sanhook --drive 0x80 iscsi:192.0.2.9::::t || goto bad\nsanhook --drive 0x81 iscsi:other || goto bad\n\
             sanboot --no-describe || goto bad\n\n:boot_whole_disk\nsanboot --no-describe || exit 0\n"
        )
    }

    #[test]
    fn the_section_after_the_label_of_goto_is_booted() {
        let Decision::Kernel(boot) = boots(&node_script("deploy")) else { panic!() };
        assert_eq!(boot.kernel, "http://192.0.2.1/n/kernel");
        assert_eq!(boot.initrds, ["http://192.0.2.1/n/ramdisk"]);
        assert_eq!(
            boot.command_line.as_str(),
            "selinux=0 text ipa-api-url=http://192.0.2.1:6385 BOOTIF=52:54:00:aa:bb:01 initrd=ramdisk"
        );
        let Decision::Kernel(boot) = boots(&node_script("boot_anaconda")) else { panic!() };
        assert_eq!(boot.command_line.get("inst.ks"), Some("http://x/ks"));
        assert_eq!(boots(&node_script("boot_ramdisk")), Decision::San("http://192.0.2.1/live.iso".into()));
        assert_eq!(boots(&node_script("boot_iscsi")), Decision::San("iscsi:192.0.2.9::::t".into()));
        assert_eq!(boots(&node_script("boot_whole_disk")), Decision::LocalDisk);
        assert_eq!(reason(&node_script("boot_partition")), "the iPXE script has no label \"boot_partition\"");
    }

    #[test]
    fn a_script_ends_after_retries_if_a_ramdisk_cannot_be_fetched() {
        let failed = ["http://192.0.2.1/n/ramdisk".to_owned()];
        let expected = LoaderError::IpxeEnds { command: "poweroff".into() };
        assert_eq!(expected.to_string(), "the iPXE script ends in \"poweroff\"");
        assert_eq!(boots_with(&node_script("deploy"), &failed), Decision::Nothing(expected));
    }

    #[test]
    fn the_common_script_tries_each_interface() {
        let text = "#!ipxe\nset netid:int32 -1\n:loop\ninc netid || chain http://x/${mac:hexhyp} || goto old\n\
                    isset ${net${netid}/mac} || goto loop_done\n\
                    chain http://x/${net${netid}/mac:hexhyp} || goto loop\nexit 0\n\
                    :loop_done\nchain http://x/inspector.ipxe | goto boot_failed\n:boot_failed\nprompt --timeout 180\n\
                    reboot\n";
        let first = "http://x/52-54-00-aa-bb-01".to_owned();
        let second = "http://x/52-54-00-aa-bb-02".to_owned();
        assert_eq!(boots(text), Decision::Chain(first.clone()));
        assert_eq!(boots_with(text, std::slice::from_ref(&first)), Decision::Chain(second.clone()));
        assert_eq!(boots_with(text, &[first, second]), Decision::Chain("http://x/inspector.ipxe".into()));
    }

    #[test]
    fn a_failure_ends_a_script_unless_it_is_handled() {
        assert_eq!(reason("#!ipxe\nfrobnicate\nboot"), "the iPXE script fails at \"frobnicate\"");
        assert_eq!(reason("#!ipxe\nprompt"), "the iPXE script waits for a key");
        assert_eq!(boots("#!ipxe\nfalse ||\nexit"), Decision::Exit);
        assert_eq!(boots("#!ipxe\nisset ${nothing} && shell || sanboot"), Decision::LocalDisk);
        assert_eq!(boots("#!ipxe\necho done"), Decision::Exit);
        assert_eq!(reason("#!ipxe\n:a\ngoto a"), "the iPXE script runs more than 10000 commands");
    }

    #[test]
    fn imgargs_replaces_arguments_and_menus_take_their_default() {
        let text = "#!ipxe\nkernel http://x/vmlinuz one=1\nimgargs vmlinuz two=2 \\\n  three=${uuid}\nboot";
        let Decision::Kernel(boot) = boots(text) else { panic!() };
        assert_eq!(boot.command_line.as_str(), "two=2 three=0f1e");
        let text = "#!ipxe\nmenu Choose\nitem disk From disk\nitem exit Leave\n\
                    choose --default exit --timeout 50 target && goto ${target}\n:disk\nsanboot\n:exit\nexit";
        assert_eq!(boots(text), Decision::Exit);
    }

    proptest! {
        #[test]
        fn any_text_is_decided(
            text in "((goto|:a|set|kernel|boot|inc|isset|choose|\\$\\{a|\\}|chain|-t|[|][|]|.{0,3})[ \n]){0,24}"
        ) {
            boots(&text);
        }
    }
}
