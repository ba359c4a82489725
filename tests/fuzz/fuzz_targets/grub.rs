//! Fuzzes `targets::grub`.

#![no_main]

#[macro_use]
mod fuzzer;

fuzz!(grub);
