//! Reads a boot medium as firmware does: finds the file system, the boot image, the kernel that the boot loader starts,
//! and the files that the ramdisk copies.

use super::budget::Budget;
use super::cmdline::CommandLine;
use super::el_torito::{self, BootEntry, Platform};
use super::error::{MediaError, Stop};
use super::fat::Fat;
use super::firmware::Firmware;
use super::iso::Iso;
use super::loader::{bios_boot, uefi_boot};
use super::medium::{AgentFile, Boot, Medium, NoBoot, Parameters};
use super::sector::SECTOR_BYTES;
use super::sparse::{Progress, Sparse};
use super::tree::{Entry, Kind, Tree};

/// The size of the first range that is fetched. In an ISO of Ironic it contains the volume descriptors, the
/// directories, the boot catalog and the start of the EFI boot image; in a small FAT image, the boot sector, the
/// allocation table and the root directory.
const HEAD_BYTES: u64 = 128 * 1024;
/// The maximum number of files that the agent copies from a medium. Further files are ignored.
pub const MAX_AGENT_FILES: usize = 16;
/// The maximum size of the agent parameters of a virtual floppy. They are those of a kernel command line, which has at
/// most [`MAX_COMMAND_LINE_BYTES`](super::MAX_COMMAND_LINE_BYTES); a list of URLs can make them longer.
pub const MAX_PARAMETERS_BYTES: usize = 16 * 1024;

/// The volume labels by which the agent finds its configuration. It ignores case.
const AGENT_LABELS: [&str; 2] = ["config-2", "vmedia_boot_iso"];
/// The directories that the agent copies.
const AGENT_DIRECTORIES: [&str; 2] = ["etc/ironic-python-agent", "etc/ironic-python-agent.d"];
/// The static network configuration of the ramdisk, from Ironic's `network_data`.
const NETWORK_DATA: &str = "openstack/latest/network_data.json";
/// The file in which Ironic writes agent parameters (`create_vfat_image` in `ironic/common/images.py`).
const PARAMETERS: &str = "parameters.txt";

/// Reads a boot medium, an ISO 9660 or FAT image, as firmware does.
///
/// # Errors
/// If the image has neither format, a needed part of it is damaged, or it exceeds a limit. A sound medium that does not
/// boot is not an error; see [`Boot::No`].
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
                boot: fat_boot(&fat, firmware, image.budget())?,
                agent_files: Vec::new(),
            }),
            None => Err(MediaError::UnknownFormat.into()),
        }
    })
}

/// Reads the agent parameters of a virtual floppy, which is a FAT or ISO 9660 image with a file `parameters.txt`.
/// Ironic creates it if `driver_info` has `config_via_removable`.
///
/// # Errors
/// If the image has neither format, does not contain the file, or is damaged.
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
        if text.len() > MAX_PARAMETERS_BYTES {
            let (size, limit) = (text.len() as u64, MAX_PARAMETERS_BYTES as u64);
            return Err(MediaError::TooLarge { what: PARAMETERS.to_owned(), size, limit }.into());
        }
        Ok(Parameters { label, values: CommandLine::new(&text) })
    })
}

fn iso_medium(image: &Sparse, iso: &Iso<'_>, firmware: Firmware) -> Result<Medium, Stop> {
    let entries = match iso.boot_catalog {
        Some(sector) => el_torito::read(image, sector)?,
        None => Vec::new(),
    };
    let boot = match firmware {
        _ if iso.boot_catalog.is_none() => Boot::No(NoBoot::NoCatalog { label: iso.label.clone() }),
        _ if entries.is_empty() => Boot::No(NoBoot::NoBootableEntry { label: iso.label.clone() }),
        Firmware::Uefi => match efi_system_partition(image, &entries)? {
            Ok(partition) => uefi_boot(&[iso, &partition], image.budget())?,
            Err(reason) => Boot::No(reason),
        },
        Firmware::Bios if entries.iter().any(|entry| entry.platform == Platform::Bios) => {
            bios_boot(iso, image.budget())?
        }
        Firmware::Bios => Boot::No(NoBoot::UefiOnly),
    };
    let agent_files = agent_files(iso, &boot)?;
    Ok(Medium { label: iso.label.clone(), publisher: iso.publisher.clone(), boot, agent_files })
}

/// Finds the EFI boot image that UEFI boots: a FAT file system with the program for removable media (UEFI section
/// 3.5.1.1). The inner error says why there is none. As in EDK II, the content of an entry matters and its platform
/// does not; entries for EFI are tried first.
fn efi_system_partition<'a>(
    image: &'a Sparse,
    entries: &[BootEntry],
) -> Result<Result<Fat<'a>, NoBoot>, Stop> {
    let mut reason = None;
    let (efi, other): (Vec<BootEntry>, Vec<BootEntry>) =
        entries.iter().copied().partition(|entry| entry.platform == Platform::Efi);
    for entry in efi.into_iter().chain(other).filter(|entry| entry.no_emulation) {
        match Fat::open(image, u64::from(entry.sector) * SECTOR_BYTES)? {
            Some(partition) if has_efi_program(&partition)? => return Ok(Ok(partition)),
            Some(_) => reason = Some(NoBoot::BootImageWithoutProgram),
            None if entry.platform == Platform::Efi => {
                reason.get_or_insert(NoBoot::BootImageNotFat);
            }
            None => {}
        }
    }
    Ok(Err(reason.unwrap_or(NoBoot::BiosOnly)))
}

/// Whether a file system has `BOOTX64.EFI`, `BOOTAA64.EFI` or a program for another architecture.
fn has_efi_program(tree: &dyn Tree) -> Result<bool, Stop> {
    let is_program = |entry: &Entry| {
        let name = entry.name.to_ascii_uppercase();
        entry.node.kind == Kind::File && name.starts_with("BOOT") && name.ends_with(".EFI")
    };
    Ok(tree.list_path("EFI/BOOT")?.iter().any(is_program))
}

fn fat_boot(fat: &Fat<'_>, firmware: Firmware, budget: &Budget) -> Result<Boot, Stop> {
    match firmware {
        Firmware::Uefi if has_efi_program(fat)? => uefi_boot(&[fat], budget),
        Firmware::Uefi => Ok(Boot::No(NoBoot::FatWithoutProgram)),
        Firmware::Bios if fat.find("ldlinux.sys")?.is_some() => bios_boot(fat, budget),
        Firmware::Bios => Ok(Boot::No(NoBoot::FatWithoutLoader)),
    }
}

/// The files that the agent copies from a medium with one of its labels, after a boot by virtual media.
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

    use super::*;
    use crate::media::config::KernelBoot;
    use crate::media::error::ObjectError;
    use crate::media::sparse::{CHUNK_BYTES, MAX_ROUNDS};
    use crate::media::testing::{IsoWriter, Names, Server, efi_image, fat};

    const GRUB: &str = "set default=0\nmenuentry 'ramdisk' {\nlinux /vmlinuz nofb ipa-api-url=http://192.0.2.1:6385 \
                        ipa-agent-token=t boot_method=vmedia --\ninitrd /initrd\n}\n";
    const ISOLINUX: &str = "default go\nlabel go\nkernel /vmlinuz\nappend initrd=/initrd text boot_method=vmedia \
                            ipa-api-url=http://192.0.2.1:6385 --\n";

    /// An ISO with the layout that mkisofs gives Ironic's UEFI images: boot image and ramdisk first, the configuration
    /// last.
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
            Boot::No(reason) => reason.to_string(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_ramdisk_iso_boots_with_its_own_kind_of_firmware_only() {
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
    fn only_a_few_chunks_of_a_large_image_are_fetched() {
        let image = uefi_iso(24 * 1024 * 1024).build();
        let mut server = Server::new(&image);
        let medium = server.run(|object| inspect(object, Firmware::Uefi)).unwrap();
        assert!(matches!(medium.boot, Boot::Kernel { .. }));
        // Four chunks for the head and one for the configuration at the end.
        assert!(server.chunks.len() <= 5, "{:?} of {}", server.chunks, image.len() as u64 / CHUNK_BYTES);
        assert_eq!(server.rounds, 2);
    }

    #[test]
    fn an_image_can_be_read_from_a_server_without_ranges() {
        let image = uefi_iso(200_000).build();
        let mut object = Sparse::new(&Budget::default());
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
    fn a_server_that_sends_nothing_is_an_error_after_the_maximum_of_fetches() {
        let mut object = Sparse::new(&Budget::default());
        let mut rounds = 0;
        let error = loop {
            match inspect(&mut object, Firmware::Uefi) {
                Progress::Done(answer) => break answer.unwrap_err(),
                Progress::Need(_) => rounds += 1,
            }
        };
        assert_eq!(rounds, MAX_ROUNDS);
        assert!(matches!(error, MediaError::Object(ObjectError::TooManyRounds { .. })));
    }

    #[test]
    fn agent_files_are_copied_only_from_a_medium_with_the_right_label() {
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
    fn a_medium_that_does_not_boot_has_a_reason() {
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
    fn the_configuration_is_found_in_every_place_where_loaders_look() {
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
    fn parameters_are_read_from_a_virtual_floppy() {
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
        fn any_bytes_have_a_result(bytes in prop::collection::vec(any::<u8>(), 0..4096), at in 0..6usize) {
            // Placed after each signature, so that they are read as a file system.
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
