//! Fuzzes `requests::body`.

#![no_main]

#[macro_use]
mod fuzzer;

fuzz!(requests, body);
