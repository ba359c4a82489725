//! The fuzz targets: each reads hostile bytes as a boot does, and checks the budget of the boot. The fuzzer calls them
//! with bytes of its own, and `tests/it/corpus.rs` with the committed corpus.

#![allow(dead_code, reason = "each fuzzer uses one of the targets")]

use fauxmetal::media::{
    Budget, CommandLine, Decision, Firmware, MAX_HELD_BYTES, MAX_PARAMETERS_BYTES, MediaError, NetworkHost,
    Progress, Sparse, inspect, network_boot,
};

/// Sectors 0 to 15 of an ISO, which no reader looks at. The fuzzer does not have to invent them.
const SYSTEM_AREA: usize = 16 * 2048;
/// The size of an image. The zeros at its end are not part of the input.
const IMAGE_BYTES: usize = 256 * 1024;
/// The longest boot configuration that is read, from the network or from a medium.
const MAX_SCRIPT_BYTES: usize = 256 << 10;

/// The most memory that reading one input may allocate: the parsed configuration, the known bytes of the image, the
/// copy that this file serves, and a directory or a file while it is read.
pub(crate) fn check_memory(bytes: usize) {
    let most = Budget::MAX_HELD_BYTES as usize + MAX_HELD_BYTES as usize + IMAGE_BYTES + (8 << 20);
    assert!(bytes <= most, "{bytes} bytes were allocated, and the limits add up to {most}");
}

pub(crate) fn iso(data: &[u8]) {
    let image = disc(data);
    for firmware in [Firmware::Uefi, Firmware::Bios] {
        // The result is of no interest, only its cost.
        let _ = read(&image, move |bytes| inspect(bytes, firmware));
    }
}

pub(crate) fn fat(data: &[u8]) {
    for firmware in [Firmware::Uefi, Firmware::Bios] {
        let _ = read(&padded(data), move |bytes| inspect(bytes, firmware));
    }
}

fn parameters_of(image: &[u8]) {
    if let Ok(found) = read(image, fauxmetal::media::parameters) {
        assert!(found.values.as_str().len() <= MAX_PARAMETERS_BYTES);
        let line = CommandLine::new("boot_method=vmedia").with_removable(&found.values);
        assert!(line.pairs().all(|(name, _)| line.get(name).is_some()));
    }
}

pub(crate) fn parameters(data: &[u8]) {
    parameters_of(&padded(data));
    parameters_of(&disc(data));
}

pub(crate) fn grub(data: &[u8]) {
    script("set x=y\n", data);
}

pub(crate) fn ipxe(data: &[u8]) {
    script("#!ipxe\n", data);
}

pub(crate) fn syslinux(data: &[u8]) {
    script("timeout 1\n", data);
}

fn disc(data: &[u8]) -> Vec<u8> {
    [vec![0; SYSTEM_AREA], padded(data)].concat()
}

fn padded(data: &[u8]) -> Vec<u8> {
    let mut image = data[..data.len().min(IMAGE_BYTES)].to_vec();
    image.resize(IMAGE_BYTES, 0);
    image
}

/// Boots a script until it neither fails nor leads to another one. Every second URL cannot be fetched; the others have
/// the same text again.
fn script(start: &str, data: &[u8]) {
    let text = format!("{start}{}", String::from_utf8_lossy(&data[..data.len().min(MAX_SCRIPT_BYTES / 4)]));
    let macs = ["52:54:00:aa:bb:01".to_owned(), "52:54:00:aa:bb:02".to_owned()];
    let (budget, mut failed) = (Budget::default(), Vec::new());
    for round in 0..4 {
        let host = NetworkHost { macs: &macs, uuid: "0f1e", firmware: Firmware::Uefi, failed: &failed };
        match network_boot(&text, &host, &budget) {
            Decision::Chain(next) if round % 2 == 0 => failed.push(next),
            Decision::Chain(_) => failed.clear(),
            Decision::Kernel(_)
            | Decision::LocalDisk
            | Decision::San(_)
            | Decision::Exit
            | Decision::Nothing(_) => break,
        }
    }
    check(&budget);
}

/// Reads an image from a server with range requests.
fn read<T>(
    image: &[u8],
    parse: impl Fn(&mut Sparse) -> Progress<Result<T, MediaError>>,
) -> Result<T, MediaError> {
    let budget = Budget::default();
    let mut object = Sparse::new(&budget);
    let result = loop {
        let range = match parse(&mut object) {
            Progress::Done(result) => break result,
            Progress::Need(range) => range,
        };
        let length = image.len() as u64;
        let end = range.end.min(length);
        object.set_length(length)?;
        if range.start < end {
            object.insert(range.start, &image[range.start as usize..end as usize])?;
        }
    };
    check(&budget);
    result
}

fn check(budget: &Budget) {
    assert!(budget.steps() <= Budget::MAX_STEPS, "{} steps", budget.steps());
    assert!(budget.most_held_bytes() <= Budget::MAX_HELD_BYTES, "{} bytes", budget.most_held_bytes());
}
