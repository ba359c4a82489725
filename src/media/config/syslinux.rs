//! ISOLINUX, SYSLINUX and PXELINUX configurations (SYSLINUX wiki, "Config"). All three have one grammar, with one
//! keyword per line.

use super::super::budget::Budget;
use super::super::error::Stop;
use super::decision::{Decision, KernelBoot};
use super::error::LoaderError;
use super::machine::{Files, MAX_INCLUDES, Machine};

/// The supported bits of `SYSAPPEND`. Bit 0 (`ip=`) is not supported, because it needs a DHCP lease.
const APPEND_BOOTIF: u32 = 2;
const APPEND_UUID: u32 = 4;

/// Steps of a line, beside one for each of its bytes.
const LINE_STEPS: usize = 16;
/// The memory of a label, beside its texts. A vector that grows takes up to three times its content.
const LABEL_BYTES: usize = 3 * size_of::<Label>();

/// The values of a label, or of the part before the first label.
#[derive(Debug, Clone, Default)]
struct Label {
    name: String,
    kernel: Option<String>,
    append: Option<String>,
    initrd: Option<String>,
    local_boot: bool,
    sys_append: Option<u32>,
}

#[derive(Debug)]
struct Config<'b> {
    budget: &'b Budget,
    default: Option<String>,
    on_timeout: Option<String>,
    menu_default: Option<usize>,
    /// Whether the configuration starts a menu program.
    menu: bool,
    global: Label,
    labels: Vec<Label>,
    includes: usize,
}

/// What a configuration boots.
pub(crate) fn decide(
    text: &str,
    machine: &Machine<'_>,
    files: &mut Files<'_>,
    budget: &Budget,
) -> Result<Decision, Stop> {
    let _run = budget.run();
    let mut config = Config::new(budget);
    config.read(text, files)?;
    // The search for a label, and the line of the kernel.
    budget.spend(config.labels.len() * LINE_STEPS + text.len())?;
    Ok(config.decide(machine))
}

impl<'b> Config<'b> {
    fn new(budget: &'b Budget) -> Self {
        Self {
            budget,
            default: None,
            on_timeout: None,
            menu_default: None,
            menu: false,
            global: Label::default(),
            labels: Vec::new(),
            includes: 0,
        }
    }

    fn read(&mut self, text: &str, files: &mut Files<'_>) -> Result<(), Stop> {
        for line in text.lines() {
            self.budget.spend(LINE_STEPS + line.len())?;
            self.budget.hold(line.len())?;
            let line = line.trim();
            let (keyword, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
            let rest = rest.trim();
            match keyword.to_ascii_lowercase().as_str() {
                "include" => self.include(rest, files)?,
                "menu" => self.menu_line(rest, files)?,
                keyword => self.line(keyword, rest)?,
            }
        }
        Ok(())
    }

    fn include(&mut self, path: &str, files: &mut Files<'_>) -> Result<(), Stop> {
        self.includes += 1;
        if self.includes <= MAX_INCLUDES
            && let Some(text) = files(path.split_whitespace().next().unwrap_or_default())?
        {
            self.read(&text, files)?;
        }
        Ok(())
    }

    fn menu_line(&mut self, rest: &str, files: &mut Files<'_>) -> Result<(), Stop> {
        let (word, argument) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        match word.to_ascii_lowercase().as_str() {
            "default" if !self.labels.is_empty() => self.menu_default = Some(self.labels.len() - 1),
            "include" => self.include(argument.trim(), files)?,
            _ => {}
        }
        Ok(())
    }

    fn line(&mut self, keyword: &str, rest: &str) -> Result<(), Stop> {
        let value = || Some(rest.to_owned());
        match keyword {
            "default" => {
                self.menu |= is_menu(rest);
                self.default = value();
                return Ok(());
            }
            "ui" => {
                self.menu |= is_menu(rest);
                return Ok(());
            }
            "ontimeout" => {
                self.on_timeout = value();
                return Ok(());
            }
            "label" => {
                self.budget.hold(LABEL_BYTES)?;
                self.labels.push(Label { name: rest.to_owned(), ..Label::default() });
                return Ok(());
            }
            _ => {}
        }
        let label = self.labels.last_mut().unwrap_or(&mut self.global);
        match keyword {
            "kernel" | "linux" | "com32" | "config" | "boot" | "pxe" => label.kernel = value(),
            "append" => label.append = value(),
            "initrd" => label.initrd = value(),
            "localboot" => label.local_boot = true,
            "ipappend" | "sysappend" => label.sys_append = rest.parse().ok(),
            _ => {}
        }
        Ok(())
    }

    fn decide(&self, machine: &Machine<'_>) -> Decision {
        // With a menu, the menu's own default is booted after the timeout. Without a menu, `default` is a command line.
        let menu_default = self.menu_default.map(|index| self.labels[index].name.clone());
        let typed = if self.menu {
            self.on_timeout.clone().or(menu_default)
        } else {
            self.default.clone().or_else(|| self.on_timeout.clone())
        };
        let typed = typed.unwrap_or_else(|| {
            let linux = self.labels.iter().find(|label| label.name.eq_ignore_ascii_case("linux"));
            linux.or(self.labels.first()).map_or_else(String::new, |label| label.name.clone())
        });
        let (name, extra) = typed.trim().split_once(char::is_whitespace).unwrap_or((typed.trim(), ""));
        if name.is_empty() {
            return Decision::Nothing(LoaderError::SyslinuxEmpty);
        }
        match self.labels.iter().find(|label| label.name.eq_ignore_ascii_case(name)) {
            Some(label) => self.boot(label, extra, machine),
            // A name without a label is the path of a kernel.
            None => self.boot(&Label { kernel: Some(name.to_owned()), ..Label::default() }, extra, machine),
        }
    }

    fn boot(&self, label: &Label, extra: &str, machine: &Machine<'_>) -> Decision {
        if label.local_boot {
            return Decision::LocalDisk;
        }
        let Some(kernel) = label.kernel.clone().filter(|kernel| !kernel.is_empty()) else {
            return Decision::Nothing(LoaderError::SyslinuxNoKernel { label: label.name.clone() });
        };
        let program = kernel.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
        if program == "chain.c32" {
            // Ironic's `boot_whole_disk`, which boots the disk with the given MBR signature.
            return Decision::LocalDisk;
        }
        if program.ends_with(".c32") || program == "memdisk" {
            return Decision::Chain(kernel);
        }
        let append = label.append.as_ref().or(self.global.append.as_ref()).map_or("", String::as_str);
        let mut line = if append == "-" { String::new() } else { append.to_owned() };
        if !extra.is_empty() {
            line = format!("{line} {}", extra.trim());
        }
        if let Some(initrd) = &label.initrd {
            line = format!("{line} initrd={initrd}");
        }
        let sys_append = label.sys_append.or(self.global.sys_append).unwrap_or_default();
        if let Some(mac) = machine.mac.filter(|_| sys_append & APPEND_BOOTIF != 0) {
            line = format!("{line} BOOTIF=01-{}", mac.to_ascii_lowercase().replace(':', "-"));
        }
        if let Some(uuid) = machine.uuid.filter(|_| sys_append & APPEND_UUID != 0) {
            line = format!("{line} SYSUUID={}", uuid.to_ascii_lowercase());
        }
        let mut initrds = line.split_whitespace().filter_map(|word| word.strip_prefix("initrd="));
        let initrds = initrds.next_back().unwrap_or_default().split(',').filter(|path| !path.is_empty());
        let initrds = initrds.map(str::to_owned).collect();
        KernelBoot::decide(kernel, initrds, &line)
    }
}

fn is_menu(program: &str) -> bool {
    let program = program.split_whitespace().next().unwrap_or_default();
    program.to_ascii_lowercase().ends_with("menu.c32")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MACHINE: Machine<'static> =
        Machine { platform: "pc", mac: Some("52:54:00:AA:BB:01"), uuid: Some("0F1E") };

    fn boots(text: &str) -> Decision {
        decide_with(text, &mut |_| Ok(None))
    }

    fn decide_with(text: &str, files: &mut Files<'_>) -> Decision {
        decide(text, &MACHINE, files, &Budget::default()).unwrap()
    }

    fn kernel(text: &str) -> (String, Vec<String>, String) {
        match boots(text) {
            Decision::Kernel(boot) => (boot.kernel, boot.initrds, boot.command_line.as_str().to_owned()),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_default_label_of_a_cd_is_booted_with_its_append_line() {
        let text = "default one\n\nlabel zero\n kernel /no\nlabel one\nkernel /vmlinuz\n\
                    append initrd=/initrd text ipa-api-url=http://192.0.2.1:6385 --\n";
        let (path, initrds, line) = kernel(text);
        assert_eq!(path, "/vmlinuz");
        assert_eq!(initrds, ["/initrd"]);
        assert_eq!(line, "initrd=/initrd text ipa-api-url=http://192.0.2.1:6385 --");
    }

    #[test]
    fn ipappend_adds_the_interface_that_booted() {
        let text = "DEFAULT deploy\nLABEL deploy\nKERNEL http://x/k\nAPPEND initrd=http://x/r selinux=0\nIPAPPEND 2\n";
        assert_eq!(kernel(text).2, "initrd=http://x/r selinux=0 BOOTIF=01-52-54-00-aa-bb-01");
        let text = text.replace("IPAPPEND 2", "SYSAPPEND 6");
        assert!(kernel(&text).2.ends_with("BOOTIF=01-52-54-00-aa-bb-01 SYSUUID=0f1e"));
    }

    #[test]
    fn chain_and_localboot_boot_the_disk() {
        let text = "default boot_whole_disk\nlabel boot_whole_disk\nCOM32 chain.c32\nappend mbr:0x1234\n";
        assert_eq!(boots(text), Decision::LocalDisk);
        assert_eq!(boots("default d\nlabel d\nlocalboot 0\n"), Decision::LocalDisk);
        assert_eq!(
            boots("default m\nlabel m\nkernel memdisk\nappend iso\n"),
            Decision::Chain("memdisk".into())
        );
    }

    #[test]
    fn a_menu_boots_its_own_default_and_includes_are_read() {
        let mut files = |path: &str| {
            Ok((path == "live.cfg").then(|| {
                "label rescue\nkernel /r\nlabel live\nmenu default\nlinux /live/vmlinuz\ninitrd /live/initrd\n\
                 append boot=live\n"
                    .to_owned()
            }))
        };
        let text = "include gone.cfg\nmenu include live.cfg\ndefault vesamenu.c32\ntimeout 50\n";
        let Decision::Kernel(boot) = decide_with(text, &mut files) else { panic!() };
        assert_eq!(boot.command_line.as_str(), "boot=live initrd=/live/initrd");
        assert_eq!(boot.initrds, ["/live/initrd"]);
    }

    #[test]
    fn a_default_without_a_label_is_a_kernel_with_arguments() {
        let (path, _, line) = kernel("append quiet\ndefault /boot/linux root=/dev/sr0\n");
        assert_eq!((path.as_str(), line.as_str()), ("/boot/linux", "quiet root=/dev/sr0"));
        let (_, _, line) = kernel("append quiet\ndefault a\nlabel a\nkernel k\nappend -\n");
        assert_eq!(line, "");
    }

    #[test]
    fn a_configuration_without_a_kernel_is_an_error() {
        let Decision::Nothing(reason) = boots("default a\nlabel a\nappend x\n") else { panic!() };
        assert_eq!(reason.to_string(), "the label \"a\" of the boot configuration has no kernel");
        let Decision::Nothing(reason) = boots("# empty\n") else { panic!() };
        assert_eq!(reason.to_string(), "the boot configuration has neither a default nor a label");
    }

    #[test]
    fn a_file_that_includes_itself_ends() {
        let text = "include me\ndefault a\nlabel a\nkernel k\n";
        let decision = decide_with(text, &mut |_| Ok(Some(text.to_owned())));
        assert!(matches!(decision, Decision::Kernel(_)));
    }

    proptest! {
        #[test]
        fn any_text_is_decided(
            text in "((default|label|menu default|kernel|append|include|ui|.{0,4}) ?.{0,8}\n){0,12}"
        ) {
            boots(&text);
        }
    }
}
