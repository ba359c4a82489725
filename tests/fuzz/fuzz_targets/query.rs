//! Fuzzes `requests::query`.

#![no_main]

#[macro_use]
mod fuzzer;

fuzz!(requests, query);
