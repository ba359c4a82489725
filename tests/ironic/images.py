"""Makes small but valid files: the parts of boot images, a live ISO, and disk images."""

import hashlib
import random
import struct

import child

MIB = 1 << 20
DISK_BYTES = 4 * MIB
LIMIT_S = 60
SECTOR_BYTES = 512


def make(images, http, log, env):
    """Writes the parts of boot images into `images`, and the files that nodes download into `http`."""
    images.mkdir(parents=True)
    http.mkdir(parents=True)
    # Ironic packs this file into boot images as kernel and as ramdisk. Simulated nodes read only the kernel
    # parameters, so random bytes are enough.
    (http / "ramdisk.bin").write_bytes(random.Random("ramdisk").randbytes(64 * 1024))
    _boot_partition(images, log, env)
    _boot_iso(images, http, log, env, "live", "root=live:LABEL=LIVE quiet")
    # With the label and the kernel parameters of ironic-python-agent-builder (tools/iso-image-create).
    _boot_iso(images, http, log, env, "install_image", "boot_method=vmedia")
    _disks(http, log, env)


def _boot_partition(images, log, env):
    """Makes the EFI system partition that Ironic puts into every UEFI boot image."""
    partition, loader = images / "esp.img", images / "loader.efi"
    loader.write_bytes(b"MZ" + bytes(510))
    for argv in (["mkfs.vfat", "-C", partition, "512"],
                 ["mmd", "-i", partition, "::EFI", "::EFI/BOOT"],
                 ["mcopy", "-i", partition, loader, "::EFI/BOOT/BOOTX64.EFI"]):
        child.run(argv[0], argv, log, LIMIT_S, env)


def _boot_iso(images, http, log, env, name, parameters):
    """Makes an ISO as an operator provides it: a live system for a ramdisk deploy, or an agent (`deploy_iso`)."""
    tree = images / name
    (tree / "EFI/BOOT").mkdir(parents=True)
    (tree / "boot").mkdir()
    (tree / "boot/efiboot.img").write_bytes((images / "esp.img").read_bytes())
    (tree / "vmlinuz").write_bytes((http / "ramdisk.bin").read_bytes())
    (tree / "initrd").write_bytes((http / "ramdisk.bin").read_bytes())
    (tree / "EFI/BOOT/grub.cfg").write_text(
        "set default=0\nset timeout=1\nmenuentry 'boot' {\n"
        f"    linux /vmlinuz {parameters}\n    initrd /initrd\n}}\n")
    argv = ["mkisofs", "-quiet", "-r", "-J", "-V", name.upper(), "-e", "boot/efiboot.img", "-no-emul-boot",
            "-o", http / f"{name}.iso", tree]
    child.run("mkisofs", argv, log, LIMIT_S, env)


def _disks(http, log, env):
    """Makes one operating system disk as raw and as qcow2 image, each with its checksum file."""
    raw, qcow2 = http / "disk.raw", http / "disk.qcow2"
    raw.write_bytes(_partitioned_disk())
    argv = ["qemu-img", "convert", "-f", "raw", "-O", "qcow2", raw, qcow2]
    child.run("qemu-img", argv, log, LIMIT_S, env)
    for disk in (raw, qcow2):
        digest = hashlib.sha256(disk.read_bytes()).hexdigest()
        disk.with_name(disk.name + ".sha256").write_text(f"{digest}  {disk.name}\n")


def _partitioned_disk():
    """The bytes of a disk with an MBR partition table and one bootable Linux partition of random bytes."""
    sectors, first = DISK_BYTES // SECTOR_BYTES, 2048
    entry = struct.pack("<B3sB3sII", 0x80, b"\xfe\xff\xff", 0x83, b"\xfe\xff\xff", first, sectors - first)
    table = bytes(446) + entry + bytes(48) + b"\x55\xaa"
    gap = bytes(first * SECTOR_BYTES - len(table))
    return table + gap + random.Random("disk").randbytes(DISK_BYTES - first * SECTOR_BYTES)
