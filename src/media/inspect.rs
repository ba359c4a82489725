//! From the bytes of a medium to what would be booted from it, as firmware sees it: which file system, which boot
//! image; then what its boot loader starts, and what the ramdisk takes along.

use super::el_torito::{self, BootEntry, Platform};
use super::error::{MediaError, Stop};
use super::fat::Fat;
use super::iso::{Iso, SECTOR_BYTES};
use super::loader::{bios_boot, uefi_boot};
use super::sparse::{Progress, Sparse};
use super::tree::{Entry, Kind, Tree};
use super::{AgentFile, Boot, Firmware, Medium, Parameters};

/// Asked for first, in one range: volume descriptors, directories, boot catalog and the start of the EFI boot image of
/// an ISO as Ironic makes it, or the boot sector, allocation table and root directory of a small FAT.
const HEAD_BYTES: u64 = 128 * 1024;
/// Files that are taken from a medium for the agent; further ones are left.
pub const MAX_AGENT_FILES: usize = 16;

/// Volume labels by which the agent finds its configuration; it ignores case.
const AGENT_LABELS: [&str; 2] = ["config-2", "vmedia_boot_iso"];
/// The directories it copies.
const AGENT_DIRECTORIES: [&str; 2] = ["etc/ironic-python-agent", "etc/ironic-python-agent.d"];
/// Static network configuration for the ramdisk, from Ironic's `network_data`.
const NETWORK_DATA: &str = "openstack/latest/network_data.json";
/// What Ironic calls the file with agent parameters (`create_vfat_image` in `ironic/common/images.py`).
const PARAMETERS: &str = "parameters.txt";

/// Reads a boot medium, an ISO 9660 or FAT image, as this firmware would.
///
/// # Errors
/// If it is neither, or if what is needed of it is damaged, or past a limit. A sound medium that does not boot is no
/// error but [`Boot::No`].
pub fn inspect(image: &mut Sparse, firmware: Firmware) -> Progress<Result<Medium, MediaError>> {
    image.drive(|image| {
        image.require_head(HEAD_BYTES)?;
        if let Some(iso) = Iso::open(image)? {
            return iso_medium(image, &iso, firmware);
        }
        match Fat::open(image, 0)? {
            Some(fat) => Ok(Medium {
                label: fat.label()?,
                publisher: String::new(),
                boot: fat_boot(&fat, firmware)?,
                agent_files: Vec::new(),
            }),
            None => Err(MediaError::UnknownFormat.into()),
        }
    })
}

/// Reads the agent parameters of a virtual floppy, FAT or ISO 9660: `parameters.txt`, as Ironic makes it when
/// `driver_info` has `config_via_removable`.
///
/// # Errors
/// If the image is neither, holds no such file, or is damaged.
pub fn parameters(image: &mut Sparse) -> Progress<Result<Parameters, MediaError>> {
    image.drive(|image| {
        image.require_head(HEAD_BYTES)?;
        let (label, text) = if let Some(iso) = Iso::open(image)? {
            (iso.label.clone(), iso.read_text(PARAMETERS)?)
        } else if let Some(fat) = Fat::open(image, 0)? {
            (fat.label()?, fat.read_text(PARAMETERS)?)
        } else {
            return Err(MediaError::UnknownFormat.into());
        };
        let text = text.ok_or_else(|| MediaError::NoSuchFile { path: PARAMETERS.to_owned() })?;
        Ok(Parameters { label, values: super::CommandLine::new(&text) })
    })
}

fn iso_medium(image: &Sparse, iso: &Iso<'_>, firmware: Firmware) -> Result<Medium, Stop> {
    let entries = match iso.boot_catalog {
        Some(sector) => el_torito::read(image, sector)?,
        None => Vec::new(),
    };
    let boot = match firmware {
        _ if entries.is_empty() => {
            let lacks = if iso.boot_catalog.is_some() { "bootable entry in its" } else { "El Torito" };
            Boot::No(format!("the ISO {:?} has no {lacks} boot catalog", iso.label))
        }
        Firmware::Uefi => match efi_system_partition(image, &entries)? {
            Ok(partition) => uefi_boot(&[iso, &partition])?,
            Err(reason) => Boot::No(reason),
        },
        Firmware::Bios if entries.iter().any(|entry| entry.platform == Platform::Bios) => bios_boot(iso)?,
        Firmware::Bios => Boot::No("the ISO has a boot image for UEFI only, none for x86 BIOS".to_owned()),
    };
    let agent_files = agent_files(iso, &boot)?;
    Ok(Medium { label: iso.label.clone(), publisher: iso.publisher.clone(), boot, agent_files })
}

/// Finds the EFI boot image that UEFI would start a program from: FAT, with the program for removable media in it
/// (UEFI section 3.5.1.1). Or else says why there is none. As in EDK II the platform of an entry does not matter, only
/// what it holds; entries for EFI are looked at first.
fn efi_system_partition<'a>(
    image: &'a Sparse,
    entries: &[BootEntry],
) -> Result<Result<Fat<'a>, String>, Stop> {
    let mut reason = None;
    let (efi, other): (Vec<BootEntry>, Vec<BootEntry>) =
        entries.iter().copied().partition(|entry| entry.platform == Platform::Efi);
    for entry in efi.into_iter().chain(other).filter(|entry| entry.no_emulation) {
        match Fat::open(image, u64::from(entry.sector) * SECTOR_BYTES)? {
            Some(partition) if has_efi_program(&partition)? => return Ok(Ok(partition)),
            Some(_) => {
                reason = Some("the EFI boot image of the ISO has no program EFI/BOOT/BOOT*.EFI".to_owned());
            }
            None if entry.platform == Platform::Efi => {
                reason.get_or_insert("the EFI boot image of the ISO is no FAT file system".to_owned());
            }
            None => {}
        }
    }
    Ok(Err(reason.unwrap_or_else(|| "the ISO has a boot image for x86 BIOS only, none for UEFI".to_owned())))
}

/// `BOOTX64.EFI`, `BOOTAA64.EFI` and the like.
fn has_efi_program(tree: &dyn Tree) -> Result<bool, Stop> {
    let is_program = |entry: &Entry| {
        let name = entry.name.to_ascii_uppercase();
        entry.node.kind == Kind::File && name.starts_with("BOOT") && name.ends_with(".EFI")
    };
    Ok(tree.list_path("EFI/BOOT")?.iter().any(is_program))
}

fn fat_boot(fat: &Fat<'_>, firmware: Firmware) -> Result<Boot, Stop> {
    match firmware {
        Firmware::Uefi if has_efi_program(fat)? => uefi_boot(&[fat]),
        Firmware::Uefi => Ok(Boot::No("the FAT image has no program EFI/BOOT/BOOT*.EFI".to_owned())),
        Firmware::Bios if fat.find("ldlinux.sys")?.is_some() => bios_boot(fat),
        Firmware::Bios => Ok(Boot::No("the FAT image has no boot loader ldlinux.sys".to_owned())),
    }
}

fn agent_files(iso: &Iso<'_>, boot: &Boot) -> Result<Vec<AgentFile>, Stop> {
    let mut files = Vec::new();
    let by_virtual_media = match boot {
        Boot::Kernel { kernel, .. } => kernel.command_line.get("boot_method") == Some("vmedia"),
        Boot::LocalDisk | Boot::Unknown | Boot::No(_) => false,
    };
    if !by_virtual_media || !AGENT_LABELS.iter().any(|label| iso.label.eq_ignore_ascii_case(label)) {
        return Ok(files);
    }
    let mut paths = vec![NETWORK_DATA.to_owned()];
    for directory in AGENT_DIRECTORIES {
        paths
            .extend(iso.list_path(directory)?.into_iter().map(|entry| format!("{directory}/{}", entry.name)));
    }
    for path in paths.into_iter().take(MAX_AGENT_FILES) {
        if let Some(content) = iso.read_path(&path)? {
            files.push(AgentFile { path, content });
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testing::{IsoWriter, Names, Server, efi_image, fat};
    use super::super::{CHUNK_BYTES, KernelBoot, ObjectError};
    use super::*;

    const GRUB: &str = "set default=0\nmenuentry 'ramdisk' {\nlinux /vmlinuz nofb ipa-api-url=http://192.0.2.1:6385 \
                        ipa-agent-token=t boot_method=vmedia --\ninitrd /initrd\n}\n";
    const ISOLINUX: &str = "default go\nlabel go\nkernel /vmlinuz\nappend initrd=/initrd text boot_method=vmedia \
                            ipa-api-url=http://192.0.2.1:6385 --\n";

    /// Laid out as Ironic's images for UEFI come out of mkisofs: boot image and ramdisk first, the configuration last.
    fn uefi_iso(ramdisk_bytes: usize) -> IsoWriter {
        IsoWriter::new("VMEDIA_BOOT_ISO")
            .file("boot/grub/efiboot.img", efi_image(&[]))
            .file("initrd", vec![0x5a; ramdisk_bytes])
            .file("vmlinuz", vec![0x11; 300_000])
            .file("EFI/BOOT/grub.cfg", GRUB)
            .boot(0xef, "boot/grub/efiboot.img")
    }

    fn bios_iso() -> IsoWriter {
        let mut writer = IsoWriter::new("config-2")
            .file("isolinux/isolinux.bin", vec![0xeb; 3000])
            .file("initrd", vec![0x5a; 100_000])
            .file("vmlinuz", "k")
            .file("isolinux/isolinux.cfg", ISOLINUX)
            .boot(0, "isolinux/isolinux.bin");
        writer.names = Names::Joliet;
        writer
    }

    fn look(image: &[u8], firmware: Firmware) -> Medium {
        Server::new(image).run(|object| inspect(object, firmware)).unwrap()
    }

    fn kernel(image: &[u8], firmware: Firmware) -> (KernelBoot, String) {
        match look(image, firmware).boot {
            Boot::Kernel { kernel, config } => (kernel, config),
            other => panic!("{other:?}"),
        }
    }

    fn refusal(image: &[u8], firmware: Firmware) -> String {
        match look(image, firmware).boot {
            Boot::No(reason) => reason,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_ramdisk_iso_gives_its_command_line_to_the_firmware_it_was_made_for() {
        let image = uefi_iso(50_000).build();
        let (boot, config) = kernel(&image, Firmware::Uefi);
        assert_eq!((boot.kernel.as_str(), config.as_str()), ("/vmlinuz", "EFI/BOOT/grub.cfg"));
        assert_eq!(boot.initrds, ["/initrd"]);
        assert_eq!(boot.command_line.get("ipa-agent-token"), Some("t"));
        assert_eq!(look(&image, Firmware::Uefi).publisher, "a publisher");
        assert_eq!(
            refusal(&image, Firmware::Bios),
            "the ISO has a boot image for UEFI only, none for x86 BIOS"
        );

        let image = bios_iso().build();
        let (boot, config) = kernel(&image, Firmware::Bios);
        assert_eq!(config, "isolinux/isolinux.cfg");
        assert_eq!(boot.command_line.get("ipa-api-url"), Some("http://192.0.2.1:6385"));
        assert_eq!(look(&image, Firmware::Bios).label, "config-2");
        assert_eq!(
            refusal(&image, Firmware::Uefi),
            "the ISO has a boot image for x86 BIOS only, none for UEFI"
        );
    }

    #[test]
    fn of_many_megabytes_only_a_few_chunks_are_fetched() {
        let image = uefi_iso(24 * 1024 * 1024).build();
        let mut server = Server::new(&image);
        let medium = server.run(|object| inspect(object, Firmware::Uefi)).unwrap();
        assert!(matches!(medium.boot, Boot::Kernel { .. }));
        // The head, and the configuration at the end.
        assert!(server.chunks.len() <= 5, "{:?} of {}", server.chunks, image.len() as u64 / CHUNK_BYTES);
        assert_eq!(server.rounds, 2);
    }

    #[test]
    fn a_server_without_ranges_is_read_from_the_start_to_its_end() {
        let image = uefi_iso(200_000).build();
        let mut object = Sparse::new();
        let mut sent = 0;
        let medium = loop {
            match inspect(&mut object, Firmware::Uefi) {
                Progress::Done(answer) => break answer.unwrap(),
                Progress::Need(range) => {
                    while sent < image.len() && (sent as u64) < range.end {
                        let piece = &image[sent..(sent + 1000).min(image.len())];
                        object.insert(sent as u64, piece).unwrap();
                        sent += piece.len();
                    }
                    if sent == image.len() {
                        object.set_length(sent as u64).unwrap();
                    }
                }
            }
        };
        assert!(matches!(medium.boot, Boot::Kernel { .. }));
    }

    #[test]
    fn a_server_that_sends_nothing_is_given_up() {
        let mut object = Sparse::new();
        let mut rounds = 0;
        let error = loop {
            match inspect(&mut object, Firmware::Uefi) {
                Progress::Done(answer) => break answer.unwrap_err(),
                Progress::Need(_) => rounds += 1,
            }
        };
        assert_eq!(rounds, super::super::MAX_ROUNDS);
        assert!(matches!(error, MediaError::Object(ObjectError::TooManyRounds { .. })));
    }

    #[test]
    fn configuration_for_the_agent_is_taken_only_from_a_medium_it_would_look_at() {
        let files = [
            ("openstack/latest/network_data.json", "{}"),
            ("etc/ironic-python-agent/ironic.crt", "certificate"),
            ("etc/ironic-python-agent.d/ironic-tls.conf", "[DEFAULT]\ncafile = /x\n"),
        ];
        let add =
            |writer: IsoWriter| files.iter().fold(writer, |writer, (path, text)| writer.file(path, text));
        let mut writer = add(uefi_iso(5000));
        let found = look(&writer.build(), Firmware::Uefi).agent_files;
        let expected = files.map(|(path, text)| AgentFile { path: path.into(), content: text.into() });
        assert_eq!(found, expected);
        writer.label = "SOMETHING_ELSE";
        assert_eq!(look(&writer.build(), Firmware::Uefi).agent_files, []);
    }

    #[test]
    fn a_medium_that_does_not_boot_says_why() {
        let plain = IsoWriter::new("BOOT").file("kernel", "k").build();
        assert_eq!(refusal(&plain, Firmware::Uefi), "the ISO \"BOOT\" has no El Torito boot catalog");

        let not_fat = IsoWriter::new("X").file("efi.img", vec![1; 1000]).boot(0xef, "efi.img").build();
        assert_eq!(refusal(&not_fat, Firmware::Uefi), "the EFI boot image of the ISO is no FAT file system");
        let empty = fat(160, fatfs::FatType::Fat12, "EFI", &[]);
        let no_program = IsoWriter::new("X").file("efi.img", &empty).boot(0xef, "efi.img").build();
        assert_eq!(
            refusal(&no_program, Firmware::Uefi),
            "the EFI boot image of the ISO has no program EFI/BOOT/BOOT*.EFI"
        );

        let mut gone = uefi_iso(100);
        gone.files.retain(|(path, _)| path != "vmlinuz");
        assert_eq!(
            refusal(&gone.build(), Firmware::Uefi),
            "EFI/BOOT/grub.cfg starts /vmlinuz, which is not on the medium"
        );
        let mut broken = uefi_iso(100);
        broken.files.retain(|(path, _)| path != "EFI/BOOT/grub.cfg");
        let live = broken.build();
        let broken = broken.file("boot/grub/grub.cfg", "menuentry a { linux /vmlinuz x=1&y }");
        assert_eq!(
            refusal(&broken.build(), Firmware::Uefi),
            "boot/grub/grub.cfg: GRUB syntax error in line 1: '&' must be quoted"
        );
        assert_eq!(look(&live, Firmware::Uefi).boot, Boot::Unknown);
    }

    #[test]
    fn the_configuration_may_be_anywhere_loaders_look() {
        let efi = |files: &[(&str, &[u8])]| {
            IsoWriter::new("LIVE")
                .file("efi.img", efi_image(files))
                .file("vmlinuz", "k")
                .boot(0xef, "efi.img")
        };
        let inner = efi(&[("EFI/distro/grub.cfg", GRUB.as_bytes())]).build();
        assert_eq!(kernel(&inner, Firmware::Uefi).1, "EFI/distro/grub.cfg");
        let outer = efi(&[]).file("EFI/distro/grub.cfg", GRUB).build();
        assert_eq!(kernel(&outer, Firmware::Uefi).1, "EFI/distro/grub.cfg");
        let pointer: &[u8] = b"set prefix=($root)/boot/grub\nconfigfile $prefix/real.cfg\n";
        let pointed = efi(&[("EFI/BOOT/grub.cfg", pointer)]).file("boot/grub/real.cfg", GRUB).build();
        assert_eq!(kernel(&pointed, Firmware::Uefi).0.command_line.get("boot_method"), Some("vmedia"));
        let entry = "title Live\nlinux /vmlinuz\noptions quiet a=1\n";
        let entries = efi(&[("loader/entries/live.conf", entry.as_bytes())]).build();
        assert_eq!(kernel(&entries, Firmware::Uefi).0.command_line.as_str(), "quiet a=1");
        let stick = efi_image(&[("EFI/BOOT/grub.cfg", GRUB.as_bytes()), ("vmlinuz", b"k")]);
        assert_eq!(kernel(&stick, Firmware::Uefi).1, "EFI/BOOT/grub.cfg");
        assert_eq!(refusal(&stick, Firmware::Bios), "the FAT image has no boot loader ldlinux.sys");
        let relative = "default a\nlabel a\nkernel linux\nappend x=1\n";
        let bios =
            IsoWriter::new("X").file("boot/isolinux/isolinux.cfg", relative).file("boot/isolinux/linux", "k");
        let bios = bios.file("l.bin", "l").boot(0, "l.bin").build();
        assert_eq!(kernel(&bios, Firmware::Bios).0.kernel, "/boot/isolinux/linux");
    }

    #[test]
    fn parameters_come_from_a_virtual_floppy() {
        let read = |image: &[u8]| Server::new(image).run(parameters);
        let text = b"ipa-api-url=http://192.0.2.1:6385\nipa-agent-token=t";
        let floppy = fat(1440, fatfs::FatType::Fat12, "ir-vfd-dev", &[("parameters.txt", text)]);
        let found = read(&floppy).unwrap();
        assert_eq!(found.label, "ir-vfd-dev");
        assert_eq!(found.values.get("ipa-agent-token"), Some("t"));
        let iso = IsoWriter::new("ir-vfd-dev").file("parameters.txt", text).build();
        assert_eq!(read(&iso).unwrap(), found);
        let empty = fat(1440, fatfs::FatType::Fat12, "x", &[]);
        assert_eq!(read(&empty).unwrap_err().to_string(), "the image holds no parameters.txt");
        assert_eq!(read(b"<html></html>"), Err(MediaError::UnknownFormat));
        assert_eq!(read(b""), Err(MediaError::UnknownFormat));
    }

    proptest! {
        #[test]
        fn any_bytes_are_an_answer(bytes in prop::collection::vec(any::<u8>(), 0..4096), at in 0..6usize) {
            // Behind each signature, so that they are taken for a file system.
            let mut image = uefi_iso(100).build();
            let at = [0, 32_768 + 7, 34_816 + 7, 40_960, 45_056, 49_152][at];
            image[at..at + bytes.len()].copy_from_slice(&bytes);
            for firmware in [Firmware::Uefi, Firmware::Bios] {
                let _ = Server::new(&image).run(|object| inspect(object, firmware));
                let _ = Server::new(&bytes).run(|object| inspect(object, firmware));
            }
            let _ = Server::new(&image).run(parameters);
        }
    }
}
