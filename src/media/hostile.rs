//! Boot configurations and images that are made to take much work or memory. Each is refused within the budget of its
//! boot. Without a budget, those of 120 to 250 KB took minutes, or all memory.

use super::budget::{Budget, Exhausted};
use super::config::{Decision, LoaderError, NetworkHost, network_boot};
use super::error::MediaError;
use super::firmware::Firmware;
use super::inspect::{inspect, parameters};
use super::testing::{IsoWriter, Server, efi_image, fat};

fn boots(text: &str, budget: &Budget) -> Decision {
    assert!(text.len() <= 256 << 10, "longer than a configuration from the network may be");
    let macs = ["52:54:00:aa:bb:01".to_owned()];
    let host = NetworkHost { macs: &macs, uuid: "0f1e", firmware: Firmware::Uefi, failed: &[] };
    network_boot(text, &host, budget)
}

#[test]
fn a_configuration_that_takes_much_work_is_refused() {
    let word = "x".repeat(100);
    let texts = [
        // `test` with thousands of words.
        format!("set v=\"{}\"\n{}", "! ".repeat(8000), "[ $v ]\n".repeat(15_000)),
        // Many commands in a line, each with many settings.
        format!(
            "#!ipxe\nset v {word}\n:a\n{}\ngoto a\n",
            format!("isset {} && ", "${v}".repeat(60)).repeat(500) + "true"
        ),
        // A setting that is longer than most of the settings that it is made of.
        format!("#!ipxe\nset v {}\n:a\nset w {}\ngoto a\n", "y".repeat(8000), "${v} ".repeat(7)),
        // A search for a label in each command.
        format!("#!ipxe\n:go\ngoto x\n{}:x\ngoto go\n", ":l\n".repeat(80_000)),
        // A variable of the largest size in each command.
        format!("set v=\"{}\"\n{}", "x".repeat(16_000), "echo $v $v\n".repeat(15_000)),
    ];
    for text in texts {
        let budget = Budget::default();
        let decision = boots(&text, &budget);
        let expected = [
            Decision::Nothing(LoaderError::Exhausted(Exhausted::Steps)),
            Decision::Nothing(LoaderError::Exhausted(Exhausted::Bytes)),
            Decision::Nothing(LoaderError::IpxeCommands { limit: 10_000 }),
            Decision::Nothing(LoaderError::GrubArguments { limit: 16 * 1024 }),
        ];
        assert!(expected.contains(&decision), "{}: {decision:?}", &text[..40]);
        assert!(budget.steps() <= Budget::MAX_STEPS);
    }
}

#[test]
fn a_configuration_that_holds_much_memory_is_refused() {
    let texts = [
        format!("#!ipxe\nset v {}\n:a\n{}true\ngoto a\n", "A".repeat(8000), "initrd ${v} && ".repeat(9000)),
        format!(
            "set v=\"{}\"\n{}",
            "x".repeat(16_000),
            (0..15_000).map(|n| format!("set N{n}=\"$v\"\n")).collect::<String>()
        ),
        format!("#!ipxe\n{}", "\n".repeat(250_000)),
        "a ".repeat(125_000),
        ";a".repeat(125_000),
        "$a".repeat(125_000),
        format!("insmod x\n{}", "menuentry a{b}\n".repeat(15_000)),
        "label a\n".repeat(30_000),
    ];
    for text in texts {
        let budget = Budget::default();
        boots(&text, &budget);
        assert!(budget.steps() <= Budget::MAX_STEPS && budget.most_held_bytes() <= Budget::MAX_HELD_BYTES);
    }
}

#[test]
fn all_scripts_of_a_boot_have_one_budget() {
    let text = format!("#!ipxe\n{}chain http://x/next\n", "echo a long line\n".repeat(6000));
    let budget = Budget::default();
    assert_eq!(boots(&text, &budget), Decision::Chain("http://x/next".into()));
    let (once, mut count) = (budget.steps(), 1);
    while boots(&text, &budget) == Decision::Chain("http://x/next".into()) {
        count += 1;
    }
    assert_eq!(count, Budget::MAX_STEPS / once);
    assert_eq!(boots("#!ipxe\nexit\n", &budget), Decision::Nothing(LoaderError::Exhausted(Exhausted::Steps)));
}

#[test]
fn a_directory_that_contains_itself_is_read_within_the_budget() {
    let path = "/a".repeat(7900);
    let grub = format!("{}menuentry x {{ linux /k }}\n", format!("source {path}\n").repeat(7));
    let efi = efi_image(&[("EFI/BOOT/grub.cfg", grub.as_bytes())]);
    let mut image = IsoWriter::new("X").file("a/b", "x").file("efi.img", efi).boot(0xef, "efi.img").build();
    // The record of the directory `a` gets the place of the root directory.
    let root = 20 * 2048;
    let name = image[root..root + 2048].windows(2).position(|bytes| bytes == [1, b'A']).unwrap();
    let record = root + name - 32;
    image[record + 2..record + 6].copy_from_slice(&20u32.to_le_bytes());
    let result = Server::new(&image).run(|object| inspect(object, Firmware::Uefi));
    assert_eq!(result, Err(MediaError::Exhausted(Exhausted::Steps)));
}

#[test]
fn parameters_of_any_size_are_not_taken() {
    let text = "a=b ".repeat(5000);
    let image = fat(1440, fatfs::FatType::Fat12, "x", &[("parameters.txt", text.as_bytes())]);
    let error = Server::new(&image).run(parameters).unwrap_err();
    assert_eq!(error.to_string(), "parameters.txt is 20000 bytes long, at most 16384 are read");
}

#[test]
fn an_ordinary_boot_takes_a_small_part_of_the_budget() {
    let grub = "menuentry 'ramdisk' {\nlinux /vmlinuz nofb ipa-api-url=http://192.0.2.1:6385 boot_method=vmedia\n\
                initrd /initrd\n}\n";
    let image = IsoWriter::new("config-2")
        .file("vmlinuz", vec![1; 9 << 20])
        .file("initrd", "i")
        .file("EFI/BOOT/grub.cfg", grub)
        .file("efi.img", efi_image(&[("EFI/BOOT/grub.cfg", grub.as_bytes())]))
        .boot(0xef, "efi.img")
        .build();
    let mut server = Server::new(&image);
    server.run(|object| inspect(object, Firmware::Uefi)).unwrap();
    assert!(server.budget.steps() < Budget::MAX_STEPS / 20, "{}", server.budget.steps());

    // As long as the menus of distributions.
    let menu = "menuentry 'Linux, with Linux 6.1' --class gnu-linux --class os $menuentry_id_option 'gnulinux' {\n\
                load_video\nif [ x$grub_platform = xxen ]; then insmod xzio; insmod lzopio; fi\n\
                search --no-floppy --fs-uuid --set=root 2a5f\nlinux /vmlinuz root=UUID=2a5f ro quiet splash\n\
                initrd /initrd.img\n}\n";
    let budget = Budget::default();
    assert!(matches!(boots(&menu.repeat(300), &budget), Decision::Kernel(_)));
    assert!(budget.steps() < Budget::MAX_STEPS / 8, "{}", budget.steps());
    assert!(budget.most_held_bytes() < Budget::MAX_HELD_BYTES / 2, "{}", budget.most_held_bytes());
}
