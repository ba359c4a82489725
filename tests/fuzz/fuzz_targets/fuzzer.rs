//! The main function of a fuzzer: it calls one of the targets, and measures the memory that the target really allocates.

#[path = "../requests.rs"]
pub mod requests;
#[path = "../targets.rs"]
pub mod targets;

pub use ::service;

#[global_allocator]
pub static ALLOCATOR: peak_alloc::PeakAlloc = peak_alloc::PeakAlloc;

/// Fuzzes the target of that name, in `targets` or in another file.
macro_rules! fuzz {
    ($target:ident) => {
        fuzz!(targets, $target);
    };
    ($file:ident, $target:ident) => {
        libfuzzer_sys::fuzz_target!(|data: &[u8]| {
            let before = fuzzer::ALLOCATOR.current_usage();
            fuzzer::ALLOCATOR.reset_peak_usage();
            fuzzer::$file::$target(data);
            fuzzer::targets::check_memory(fuzzer::ALLOCATOR.peak_usage().saturating_sub(before));
        });
    };
}
