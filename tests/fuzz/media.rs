//! The readers of boot media and boot configurations, without the rest of the program.

#[path = "../../src/media/mod.rs"]
pub mod media;
