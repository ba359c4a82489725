//! Fuzzes `targets::syslinux`.

#![no_main]

#[path = "../targets.rs"]
mod targets;

#[global_allocator]
static ALLOCATOR: peak_alloc::PeakAlloc = peak_alloc::PeakAlloc;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let before = ALLOCATOR.current_usage();
    ALLOCATOR.reset_peak_usage();
    targets::syslinux(data);
    targets::check_memory(ALLOCATOR.peak_usage().saturating_sub(before));
});
