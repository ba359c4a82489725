//! Images that agents write to disk: downloaded, hashed, and discarded.
//!
//! Mirrors the download of `ironic_python_agent/extensions/standby.py`, with its errors. IPA has two nested loops of
//! retries; here they are one.

mod checksum;
mod configdrive;
mod format;
mod transfer;
mod write;
