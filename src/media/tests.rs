//! Whole images, made here: what a machine boots from them, and how little of them is fetched.

use proptest::prelude::*;

use super::*;

const SECTOR: usize = 2048;

/// A directory record.
fn record(name: &[u8], sector: u32, size: u32, directory: bool) -> Vec<u8> {
    let length = 33 + name.len() + usize::from(name.len() % 2 == 0);
    let mut r = vec![0; length];
    r[0] = length as u8;
    r[2..6].copy_from_slice(&sector.to_le_bytes());
    r[10..14].copy_from_slice(&size.to_le_bytes());
    r[25] = if directory { 2 } else { 0 };
    r[32] = name.len() as u8;
    r[33..33 + name.len()].copy_from_slice(name);
    r
}

/// An ISO with one file three folders deep, a boot catalog for that platform, and `padding` sectors before its files.
fn iso(path: [&str; 3], text: &str, platform: u8, padding: u32) -> Vec<u8> {
    let first = 20 + padding;
    let mut image = vec![0; (first as usize + 8) * SECTOR];
    let put = |image: &mut Vec<u8>, sector: u32, at: usize, bytes: &[u8]| {
        let start = sector as usize * SECTOR + at;
        image[start..start + bytes.len()].copy_from_slice(bytes);
    };
    let folder = |name: &str, sector: u32| record(name.as_bytes(), sector, SECTOR as u32, true);
    let directory = |own: u32, parent: u32, entry: Vec<u8>| {
        [record(&[0], own, SECTOR as u32, true), record(&[1], parent, SECTOR as u32, true), entry].concat()
    };
    put(&mut image, 16, 0, b"\x01CD001\x01");
    put(&mut image, 16, 40, &[b' '; 32]);
    put(&mut image, 16, 40, b"VMEDIA_BOOT_ISO");
    put(&mut image, 16, 128, &[0, 8]);
    put(&mut image, 16, 156, &record(&[0], first, SECTOR as u32, true));
    put(&mut image, 17, 0, b"\x00CD001\x01EL TORITO SPECIFICATION");
    put(&mut image, 17, 71, &19u32.to_le_bytes());
    put(&mut image, 18, 0, b"\xffCD001\x01");
    let mut catalog = vec![0; 64];
    catalog[0] = 1;
    catalog[1] = platform;
    catalog[30..32].copy_from_slice(&[0x55, 0xaa]);
    let sum: u16 =
        (0..16).map(|w| u16::from_le_bytes([catalog[w * 2], catalog[w * 2 + 1]])).fold(0, u16::wrapping_add);
    catalog[28..30].copy_from_slice(&0u16.wrapping_sub(sum).to_le_bytes());
    catalog[32] = 0x88;
    catalog[40..44].copy_from_slice(&(first + 7).to_le_bytes());
    put(&mut image, 19, 0, &catalog);
    put(&mut image, first, 0, &directory(first, first, folder(path[0], first + 1)));
    put(&mut image, first + 1, 0, &directory(first + 1, first, folder(path[1], first + 2)));
    let file = record(path[2].as_bytes(), first + 3, text.len() as u32, false);
    put(&mut image, first + 2, 0, &directory(first + 2, first + 1, file));
    put(&mut image, first + 3, 0, text.as_bytes());
    image
}

/// Answers a parser's questions from `image`; how many bytes it asked for.
fn fetch<T>(
    image: &[u8],
    mut ask: impl FnMut(&mut Sparse) -> Progress<Result<T, MediaError>>,
) -> (Result<T, MediaError>, u64) {
    let mut sparse = Sparse::new();
    sparse.set_length(image.len() as u64).unwrap();
    let mut fetched = 0;
    loop {
        match ask(&mut sparse) {
            Progress::Done(answer) => return (answer, fetched),
            Progress::Need(range) => {
                fetched += range.end - range.start;
                sparse.insert(range.start, &image[range.start as usize..range.end as usize]).unwrap();
            }
        }
    }
}

const GRUB: &str = "set default=0\nmenuentry \"install\" {\n linux /vmlinuz ipa-api-url=http://ironic ipa-agent-token=t --\n}\n";

#[test]
fn a_large_image_is_read_in_a_few_small_parts() {
    let image = iso(["EFI", "BOOT", "GRUB.CFG;1"], GRUB, 0xef, 40_000);
    let (medium, fetched) = fetch(&image, |s| inspect(s, Firmware::Uefi));
    let medium = medium.unwrap();
    assert_eq!(medium.label, "VMEDIA_BOOT_ISO");
    let Decision::Kernel(boot) = medium.boot else { panic!("{:?}", medium.boot) };
    assert_eq!(boot.command_line.get("ipa-agent-token"), Some("t"));
    assert!(image.len() > 80_000_000 && fetched <= 160 * 1024, "{fetched} of {}", image.len());
}

#[test]
fn a_bios_boots_by_isolinux_and_not_by_what_is_for_uefi() {
    let text = "default vmlinuz\nlabel vmlinuz\nkernel /vmlinuz\nappend initrd=/initrd text ipa-api-url=http://x --\n";
    let image = iso(["BOOT", "ISOLINUX", "ISOLINUX.CFG;1"], text, 0, 0);
    let (medium, _) = fetch(&image, |s| inspect(s, Firmware::Bios));
    assert!(
        matches!(medium.unwrap().boot, Decision::Kernel(boot) if boot.command_line.get("ipa-api-url").is_some())
    );
    let (medium, _) = fetch(&image, |s| inspect(s, Firmware::Uefi));
    let Decision::Nothing(why) = medium.unwrap().boot else { panic!() };
    assert!(why.contains("Bios") && why.contains("Efi"), "{why}");
}

#[test]
fn a_bootable_image_without_a_known_configuration_is_a_program() {
    let image = iso(["A", "B", "README.;1"], "hello", 0xef, 0);
    let (medium, _) = fetch(&image, |s| inspect(s, Firmware::Uefi));
    assert_eq!(medium.unwrap().boot, Decision::Program);
}

#[test]
fn what_is_no_image_is_named() {
    let (medium, _) = fetch(&[7; 100_000], |s| inspect(s, Firmware::Uefi));
    assert_eq!(medium, Err(MediaError::UnknownFormat));
}

#[test]
fn parameters_are_read_from_a_floppy() {
    let mut image = std::io::Cursor::new(vec![0; 1_474_560]);
    fatfs::format_volume(&mut image, fatfs::FormatVolumeOptions::new().volume_label(*b"ir-vfd-dev "))
        .unwrap();
    {
        use std::io::Write as _;
        let floppy = fatfs::FileSystem::new(&mut image, fatfs::FsOptions::new()).unwrap();
        let mut file = floppy.root_dir().create_file("parameters.txt").unwrap();
        file.write_all(b"ipa-api-url=http://ironic\nipa-agent-token=t\n").unwrap();
    }
    let (found, _) = fetch(image.get_ref(), parameters);
    assert_eq!(found.unwrap().get("ipa-agent-token"), Some("t"));
    let (found, _) = fetch(&iso(["A", "B", "C.;1"], "x", 0, 0), parameters);
    assert_eq!(found, Err(MediaError::NoSuchFile { path: "parameters.txt".into() }));
}

proptest! {
    /// Whatever bytes an image has, in the places that are looked at: an answer, and soon.
    #[test]
    fn hostile_images_are_answered(changes in proptest::collection::vec((0usize..28 * SECTOR, any::<u8>()), 0..200)) {
        let mut image = iso(["EFI", "BOOT", "GRUB.CFG;1"], GRUB, 0xef, 0);
        for (at, byte) in changes {
            image[at] = byte;
        }
        for firmware in [Firmware::Uefi, Firmware::Bios] {
            let (_, fetched) = fetch(&image, |s| inspect(s, firmware));
            prop_assert!(fetched <= image.len() as u64);
        }
    }
}
