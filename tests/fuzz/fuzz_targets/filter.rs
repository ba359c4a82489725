//! Fuzzes `requests::filter`.

#![no_main]

#[macro_use]
mod fuzzer;

fuzz!(requests, filter);
