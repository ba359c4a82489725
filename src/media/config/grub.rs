//! The interpreter of GRUB scripts. It builds the menu and runs the default entry; the kernel that the entry loads is
//! the result.

use std::collections::HashMap;

use super::super::budget::{Budget, Exhausted};
use super::super::error::Stop;
use super::decision::{Decision, KernelBoot};
use super::error::LoaderError;
use super::grub_condition::condition;
use super::grub_parser::{Block, Statement, parse};
use super::grub_words::{Part, Word};
use super::machine::{Files, MAX_INCLUDES, Machine};

/// The maximum size of a command's arguments after the expansion of variables.
const MAX_COMMAND_BYTES: usize = 16 * 1024;
/// The maximum number of commands that run for one configuration.
const MAX_COMMANDS: usize = 50_000;
/// Steps of a command, or of an argument, beside one for each byte: its allocation and its interpretation.
const COMMAND_STEPS: usize = 32;
/// The memory of a variable or of a menu entry, beside its texts.
const ENTRY_BYTES: usize = 3 * size_of::<MenuEntry>();
/// The maximum depth of nested submenus.
const MAX_SUBMENUS: usize = 8;

/// What a GRUB configuration boots.
pub(crate) fn decide(
    text: &str,
    machine: &Machine<'_>,
    files: &mut Files<'_>,
    budget: &Budget,
) -> Result<Decision, Stop> {
    let _run = budget.run();
    let mut grub = Grub::new(machine, files, budget);
    match grub.file(text).and_then(|()| grub.menu(0)) {
        Ok(decision) => Ok(decision),
        Err(End::Stop(stop)) => Err(stop),
        Err(End::Error(LoaderError::Exhausted(reason))) => Err(reason.into()),
        Err(End::Error(reason)) => Ok(Decision::Nothing(reason)),
        Err(End::Decided(decision)) => Ok(decision),
    }
}

/// Why a script ends before its last statement.
#[derive(Debug)]
enum End {
    /// Reading an included file stopped.
    Stop(Stop),
    Error(LoaderError),
    Decided(Decision),
}

impl From<Stop> for End {
    fn from(stop: Stop) -> Self {
        End::Stop(stop)
    }
}

impl From<LoaderError> for End {
    fn from(error: LoaderError) -> Self {
        End::Error(error)
    }
}

impl From<Exhausted> for End {
    fn from(reason: Exhausted) -> Self {
        End::Error(reason.into())
    }
}

#[derive(Debug)]
struct MenuEntry {
    title: String,
    id: Option<String>,
    submenu: bool,
    block: Block,
}

struct Grub<'g, 'f> {
    files: &'g mut Files<'f>,
    variables: HashMap<String, String>,
    menu: Vec<MenuEntry>,
    kernel: Option<(String, String)>,
    initrds: Vec<String>,
    /// The first included file that does not exist. In a network boot the caller may fetch it.
    absent: Option<String>,
    includes: usize,
    commands: usize,
    budget: &'g Budget,
}

impl<'g, 'f> Grub<'g, 'f> {
    fn new(machine: &Machine<'_>, files: &'g mut Files<'f>, budget: &'g Budget) -> Self {
        let mut variables = HashMap::from([
            ("grub_platform".to_owned(), machine.platform.to_owned()),
            ("grub_cpu".to_owned(), "x86_64".to_owned()),
            ("feature_menuentry_id".to_owned(), "y".to_owned()),
            ("menuentry_id_option".to_owned(), "--id".to_owned()),
        ]);
        if let Some(mac) = machine.mac {
            variables.insert("net_default_mac".to_owned(), mac.to_ascii_lowercase());
        }
        Self {
            files,
            variables,
            menu: Vec::new(),
            kernel: None,
            initrds: Vec::new(),
            absent: None,
            includes: 0,
            commands: 0,
            budget,
        }
    }

    fn file(&mut self, text: &str) -> Result<(), End> {
        let block = parse(text, self.budget)?;
        self.run(&block).map(|_| ())
    }

    /// Runs statements. Returns whether the last one succeeded.
    fn run(&mut self, block: &[Statement]) -> Result<bool, End> {
        let mut success = true;
        for statement in block {
            self.budget.spend(1)?;
            success = match statement {
                Statement::Command { words, block } => self.command(words, block.as_ref())?,
                Statement::If { arms } => self.conditional(arms)?,
                Statement::Skipped => true,
            };
        }
        Ok(success)
    }

    fn conditional(&mut self, arms: &[(Option<Block>, Block)]) -> Result<bool, End> {
        for (condition, guarded) in arms {
            let holds = match condition {
                Some(condition) => self.run(condition)?,
                None => true,
            };
            if holds {
                return self.run(guarded);
            }
        }
        Ok(true)
    }

    /// Runs a command. Returns whether it succeeded.
    fn command(&mut self, words: &[Word], block: Option<&Block>) -> Result<bool, End> {
        self.commands += 1;
        if self.commands > MAX_COMMANDS {
            return Err(End::Error(LoaderError::GrubCommands { limit: MAX_COMMANDS }));
        }
        let arguments = self.expand(words)?;
        let Some((name, arguments)) = arguments.split_first() else { return Ok(true) };
        match name.split_once('=') {
            Some((variable, value)) if arguments.is_empty() => {
                self.set(variable, value)?;
                Ok(true)
            }
            Some(_) | None => self.named_command(name, arguments, block),
        }
    }

    fn named_command(
        &mut self,
        name: &str,
        arguments: &[String],
        block: Option<&Block>,
    ) -> Result<bool, End> {
        match name {
            "set" => {
                for (variable, value) in arguments.iter().filter_map(|argument| argument.split_once('=')) {
                    self.set(variable, value)?;
                }
            }
            "unset" => {
                for variable in arguments {
                    if let Some(value) = self.variables.remove(variable) {
                        self.budget.release(ENTRY_BYTES + variable.len() + value.len());
                    }
                }
            }
            "menuentry" | "submenu" => {
                if let Some(block) = block {
                    let (title, id) = (title(arguments), id(arguments));
                    self.budget.hold(ENTRY_BYTES + title.len() + id.as_ref().map_or(0, String::len))?;
                    self.menu.push(MenuEntry { title, id, submenu: name == "submenu", block: block.clone() });
                }
            }
            "!" => return Ok(!condition(arguments.iter().map(String::as_str))),
            "[" | "test" | "true" | "false" => {
                return Ok(condition(std::iter::once(name).chain(arguments.iter().map(String::as_str))));
            }
            "source" | "." => return self.include(arguments),
            "configfile" => return self.config_file(arguments),
            "linux" | "linuxefi" | "linux16" => return self.linux(arguments),
            "initrd" | "initrdefi" | "initrd16" => {
                self.initrds = arguments.iter().map(|path| without_device(path).to_owned()).collect();
            }
            "chainloader" => return Err(End::Decided(chain(arguments))),
            "boot" => return Err(End::Decided(self.loaded("the GRUB script".to_owned()))),
            "exit" => return Err(End::Decided(Decision::Exit)),
            "halt" | "reboot" | "fwsetup" => {
                return Err(End::Error(LoaderError::GrubStops { command: name.to_owned() }));
            }
            "multiboot" | "multiboot2" | "kernel" => {
                let program = arguments.first().map_or("", |path| without_device(path));
                return Err(End::Decided(Decision::Chain(program.to_owned())));
            }
            // Commands for modules, fonts, terminals and `search` do not change which kernel is started.
            _ => {}
        }
        Ok(true)
    }

    fn set(&mut self, variable: &str, value: &str) -> Result<(), Exhausted> {
        let released = self.variables.get(variable).map(|old| ENTRY_BYTES + variable.len() + old.len());
        self.budget.release(released.unwrap_or(0));
        self.budget.hold(ENTRY_BYTES + variable.len() + value.len())?;
        self.variables.insert(variable.to_owned(), value.to_owned());
        Ok(())
    }

    fn include(&mut self, arguments: &[String]) -> Result<bool, End> {
        let path = arguments.first().map_or("", |path| without_device(path)).to_owned();
        self.includes += 1;
        if self.includes > MAX_INCLUDES {
            return Err(End::Error(LoaderError::GrubIncludes { limit: MAX_INCLUDES }));
        }
        let Some(text) = (self.files)(&path)? else {
            self.absent.get_or_insert(path);
            return Ok(false);
        };
        self.file(&text)?;
        Ok(true)
    }

    /// Continues with another configuration, whose menu replaces this one.
    fn config_file(&mut self, arguments: &[String]) -> Result<bool, End> {
        if !self.include(arguments)? {
            return Ok(false);
        }
        let decision = self.menu(0)?;
        Err(End::Decided(decision))
    }

    fn linux(&mut self, arguments: &[String]) -> Result<bool, End> {
        let Some((path, arguments)) = arguments.split_first() else { return Ok(false) };
        if path.rsplit('/').next() == Some("chain.c32") {
            // Ironic's `boot_whole_disk` entry, which starts the disk that its arguments name.
            return Err(End::Decided(Decision::LocalDisk));
        }
        let line: Vec<String> = arguments.iter().map(|argument| loader_quoted(argument)).collect();
        self.kernel = Some((without_device(path).to_owned(), line.join(" ")));
        Ok(true)
    }

    /// Runs the default entry of the menu.
    fn menu(&mut self, depth: usize) -> Result<Decision, End> {
        self.budget.spend(COMMAND_STEPS * self.menu.len())?;
        if self.menu.is_empty() {
            return Ok(self.loaded("the GRUB configuration".to_owned()));
        }
        let default = self.variables.get("default").cloned().unwrap_or_default();
        // `outer>inner` is an entry of a submenu.
        let (wanted, inner) = default.split_once('>').unwrap_or((&default, ""));
        let wanted = wanted.trim();
        let by_name = |entry: &MenuEntry| entry.title == wanted || entry.id.as_deref() == Some(wanted);
        let named = wanted.parse().ok().or_else(|| self.menu.iter().position(by_name));
        // Without a valid default, GRUB takes the first entry.
        let index = named.filter(|index| *index < self.menu.len()).unwrap_or(0);
        let entry = self.menu.swap_remove(index);
        if entry.submenu && depth < MAX_SUBMENUS {
            self.menu.clear();
            self.variables.insert("default".to_owned(), inner.trim().to_owned());
            self.run(&entry.block)?;
            return self.menu(depth + 1);
        }
        self.run(&entry.block)?;
        Ok(self.loaded(format!("the GRUB menu entry {:?}", entry.title)))
    }

    /// What the command `boot` starts. `part` is the part of the script that should have loaded a kernel.
    fn loaded(&mut self, part: String) -> Decision {
        match (self.kernel.take(), self.absent.take()) {
            (Some((kernel, line)), _) => KernelBoot::decide(kernel, std::mem::take(&mut self.initrds), &line),
            (None, Some(absent)) => Decision::Chain(absent),
            (None, None) => Decision::Nothing(LoaderError::GrubNoKernel { part }),
        }
    }

    fn expand(&self, words: &[Word]) -> Result<Vec<String>, End> {
        let mut arguments = Vec::new();
        let mut bytes = 0;
        self.budget.spend(COMMAND_STEPS)?;
        for word in words {
            let mut argument = String::new();
            let mut present = word.quoted;
            for part in &word.parts {
                let (value, split) = match part {
                    Part::Literal(text) => (text.as_str(), false),
                    Part::Variable { name, quoted } => {
                        (self.variables.get(name).map_or("", String::as_str), !quoted)
                    }
                };
                bytes += value.len();
                if bytes > MAX_COMMAND_BYTES {
                    return Err(End::Error(LoaderError::GrubArguments { limit: MAX_COMMAND_BYTES }));
                }
                self.budget.spend(COMMAND_STEPS + value.len())?;
                for (index, piece) in value.split(|c| split && c == ' ').enumerate() {
                    if index > 0 && present {
                        self.budget.spend(COMMAND_STEPS)?;
                        arguments.push(std::mem::take(&mut argument));
                        present = false;
                    }
                    present |= !piece.is_empty();
                    argument.push_str(piece);
                }
            }
            if present {
                arguments.push(argument);
            }
        }
        Ok(arguments)
    }
}

fn title(arguments: &[String]) -> String {
    arguments.first().cloned().unwrap_or_default()
}

/// The value of `--id x` or `--id=x`.
fn id(arguments: &[String]) -> Option<String> {
    let after = |pair: &[String]| (pair[0] == "--id").then(|| pair[1].clone());
    let joined = arguments.iter().find_map(|argument| argument.strip_prefix("--id=").map(str::to_owned));
    joined.or_else(|| arguments.windows(2).find_map(after))
}

/// The target of `chainloader`: `+1` is the boot sector of a disk; any other path is a boot program.
fn chain(arguments: &[String]) -> Decision {
    let target = arguments.iter().find(|argument| !argument.starts_with("--")).map_or("", String::as_str);
    let path = without_device(target);
    if path.starts_with('+') { Decision::LocalDisk } else { Decision::Chain(path.to_owned()) }
}

/// A path without a leading `(device)`.
fn without_device(path: &str) -> &str {
    match path.strip_prefix('(') {
        Some(rest) => rest.split_once(')').map_or(path, |(_, path)| path),
        None => path,
    }
}

/// An argument as GRUB writes it to the kernel command line: quotes and backslashes are escaped with a backslash, and
/// an argument with a space is enclosed in quotes.
fn loader_quoted(argument: &str) -> String {
    let mut text = String::with_capacity(argument.len());
    for c in argument.chars() {
        if matches!(c, '\\' | '\'' | '"') {
            text.push('\\');
        }
        text.push(c);
    }
    if argument.contains(' ') { format!("\"{text}\"") } else { text }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MACHINE: Machine<'static> = Machine { platform: "efi", mac: Some("52:54:00:AA:BB:01"), uuid: None };

    fn boots(text: &str) -> Decision {
        decide_with(text, &mut |_| Ok(None))
    }

    fn decide_with(text: &str, files: &mut Files<'_>) -> Decision {
        decide(text, &MACHINE, files, &Budget::default()).unwrap()
    }

    /// Why a configuration boots nothing.
    fn reason(text: &str) -> String {
        match boots(text) {
            Decision::Nothing(reason) => reason.to_string(),
            other => panic!("{other:?}"),
        }
    }

    fn line(text: &str) -> String {
        match boots(text) {
            Decision::Kernel(boot) => boot.command_line.as_str().to_owned(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_one_entry_of_a_ramdisk_iso_is_booted() {
        let text = "set default=0\nset timeout=3\n\nmenuentry \"ramdisk\" {\nlinux /vmlinuz nofb \
                    ipa-api-url=https://192.0.2.1:6385 ipa-agent-token=t boot_method=vmedia --\ninitrd /initrd\n}\n";
        let Decision::Kernel(boot) = boots(text) else { panic!() };
        assert_eq!(boot.kernel, "/vmlinuz");
        assert_eq!(boot.initrds, ["/initrd"]);
        assert_eq!(boot.command_line.get("ipa-api-url"), Some("https://192.0.2.1:6385"));
        assert!(boot.command_line.as_str().ends_with("boot_method=vmedia --"));
    }

    #[test]
    fn the_default_may_be_a_number_a_title_an_id_or_inside_a_submenu() {
        let menu = "menuentry 'One two' --class x --id=one { linux /k n=1 }\n\
                    submenu More --id more { menuentry a { linux /k n=2 }; menuentry b --id bb { linux /k n=3 } }\n\
                    menuentry last $menuentry_id_option last-id { linux /k n=4 }\n";
        let cases = [
            ("", "n=1"),
            ("0", "n=1"),
            ("2", "n=4"),
            ("'One two'", "n=1"),
            ("last-id", "n=4"),
            ("1", "n=2"),
            ("'more>bb'", "n=3"),
            ("'1>1'", "n=3"),
            ("9", "n=1"),
            ("nothing", "n=1"),
        ];
        for (default, expected) in cases {
            assert_eq!(line(&format!("set default={default}\n{menu}")), expected, "{default}");
        }
    }

    #[test]
    fn variables_conditions_and_continuations_are_followed() {
        let text = "set opts=\"a=1 b=2\"\nif [ \"${next_entry}\" ]; then\n set default=x\nelse\n set default=1\nfi\n\
                    if [ x$grub_platform = xefi -a ! -z \"$opts\" ]; then extra=efi; else extra=bios; fi\n\
                    menuentry first { linux /no }\nmenuentry second {\n  insmod gzio\n  linux ($root)/k $opts \\\n\
                    c=$extra $nothing\"d=$opts\" e='q u'\n}\n";
        // The quoted words contain spaces, so GRUB quotes each completely.
        assert_eq!(line(text), "a=1 b=2 c=efi \"d=a=1 b=2\" \"e=q u\"");
    }

    #[test]
    fn a_disk_a_program_and_an_exit_are_distinguished() {
        assert_eq!(boots("set default=d\nmenuentry d { linux chain.c32 mbr:0x12 }"), Decision::LocalDisk);
        assert_eq!(boots("menuentry d { set root=(hd0); chainloader +1 }"), Decision::LocalDisk);
        assert_eq!(
            boots("menuentry d { chainloader (hd0,1)/EFI/x.efi }"),
            Decision::Chain("/EFI/x.efi".into())
        );
        assert_eq!(boots("menuentry d { exit }"), Decision::Exit);
        assert_eq!(reason("menuentry d { halt }"), "GRUB was told to halt");
        assert_eq!(reason("menuentry d { echo x }"), "the GRUB menu entry \"d\" loads no kernel");
        assert_eq!(reason("echo x"), "the GRUB configuration loads no kernel");
    }

    #[test]
    fn other_files_are_included_or_returned_for_fetching() {
        let text = "echo hello\nsource /tftp/$net_default_mac.conf\n";
        assert_eq!(boots(text), Decision::Chain("/tftp/52:54:00:aa:bb:01.conf".into()));
        let mut files = |path: &str| {
            Ok((path == "/boot/grub/grub.cfg").then(|| "menuentry a { linux /k $prefix }".to_owned()))
        };
        let text = "search --file --set=root /.disk/info\nset prefix=($root)/boot/grub\nconfigfile $prefix/grub.cfg\n";
        let Decision::Kernel(boot) = decide_with(text, &mut files) else { panic!() };
        assert_eq!(boot.command_line.as_str(), "()/boot/grub");
    }

    #[test]
    fn endless_scripts_are_stopped() {
        let text = "source me";
        let decision = decide_with(text, &mut |_| Ok(Some(text.to_owned())));
        let expected = LoaderError::GrubIncludes { limit: 16 };
        assert_eq!(expected.to_string(), "the GRUB script includes more than 16 files");
        assert_eq!(decision, Decision::Nothing(expected));
        let mut text = "set a=0123456789\n".to_owned();
        text.push_str(&"set a=\"$a$a\"\n".repeat(60));
        assert_eq!(reason(&text), "a GRUB command has more than 16384 bytes of arguments");
        let long = format!("menuentry a {{ linux /k x={} }}", "y".repeat(5000));
        assert_eq!(reason(&long), "the kernel command line is 5002 bytes long, Linux takes at most 4096");
    }

    #[test]
    fn a_syntax_error_is_the_reason() {
        assert_eq!(
            reason("menuentry a {\nlinux /k u=http://x/?a=1&b=2\n}"),
            "GRUB syntax error in line 2: '&' must be quoted"
        );
    }

    proptest! {
        #[test]
        fn any_text_is_decided(
            text in "((menuentry|submenu|if|then|fi|linux|set|\\[|\\{|\\}|;|\\$a|'|\"|source|.{0,3})[ \n]){0,24}"
        ) {
            boots(&text);
        }
    }
}
