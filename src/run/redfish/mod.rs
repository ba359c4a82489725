//! Drives BMCs by Redfish, without a control plane.

mod bmc;
mod client;
mod driver;
mod media;
mod power;
mod scope;
mod session;
#[cfg(test)]
mod tests;
mod walk;

pub use driver::RedfishDriver;
