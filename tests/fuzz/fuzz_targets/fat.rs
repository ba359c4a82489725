//! Fuzzes `targets::fat`.

#![no_main]

#[macro_use]
mod fuzzer;

fuzz!(fat);
