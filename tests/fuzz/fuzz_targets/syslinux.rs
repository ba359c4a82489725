//! Fuzzes `targets::syslinux`.

#![no_main]

#[macro_use]
mod fuzzer;

fuzz!(syslinux);
