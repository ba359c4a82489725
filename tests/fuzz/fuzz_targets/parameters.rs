//! Fuzzes `targets::parameters`.

#![no_main]

#[macro_use]
mod fuzzer;

fuzz!(parameters);
