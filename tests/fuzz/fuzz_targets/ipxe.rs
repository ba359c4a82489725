//! Fuzzes `targets::ipxe`.

#![no_main]

#[macro_use]
mod fuzzer;

fuzz!(ipxe);
