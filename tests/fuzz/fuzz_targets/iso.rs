//! Fuzzes `targets::iso`.

#![no_main]

#[macro_use]
mod fuzzer;

fuzz!(iso);
