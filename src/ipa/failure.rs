//! The errors of IPA's commands: class, status, message and details. Ironic shows them to its users.
//!
//! Classes, messages and statuses are those of `ironic_python_agent/errors.py`. Details that no program parses are
//! shorter than IPA's.

use serde_json::Value;

use super::python;
use crate::node::ipa::{ImageJob, IpaError};

/// The most bytes of details. They can quote parameters of megabytes, and each agent keeps 64 errors.
const MAX_DETAILS_BYTES: usize = 2048;

fn error(kind: &str, code: u16, message: &str, mut details: String) -> IpaError {
    let all = details.len();
    if all > MAX_DETAILS_BYTES {
        let end = (0..=MAX_DETAILS_BYTES).rev().find(|at| details.is_char_boundary(*at));
        details.truncate(end.unwrap_or_default());
        details += &format!("… ({all} bytes)");
    }
    IpaError { kind: kind.into(), code, message: message.into(), details: details.into() }
}

/// Any failure for which IPA has no class of its own.
pub fn execution(details: String) -> IpaError {
    error("CommandExecutionError", 500, "Command execution failed", details)
}

/// The parameters of a command are wrong.
pub(super) fn params(details: String) -> IpaError {
    error("InvalidCommandParamsError", 400, "Invalid command parameters", details)
}

/// The command does not exist, or this agent cannot run it.
pub(super) fn command(details: String) -> IpaError {
    error("InvalidCommandError", 400, "Invalid command", details)
}

pub(super) fn not_found(what: &str, id: &str) -> IpaError {
    error("RequestedObjectNotFoundError", 404, "Not found", format!("{what} with id {id} not found."))
}

/// No hardware manager has a method for the step.
pub(super) fn no_method(name: &str) -> IpaError {
    let message = "No HardwareManager found to handle method";
    error("HardwareManagerMethodNotFound", 500, message, format!("Could not find method: {name}"))
}

/// The version of the hardware managers has changed since they listed the steps.
pub(super) fn version_mismatch(ours: &Value, theirs: &Value) -> IpaError {
    let message = "Hardware managers version mismatch, reload agent with correct version";
    let (ours, theirs) = (python::repr(ours), python::repr(theirs));
    let details = format!("Current versions: {ours}, versions used by ironic: {theirs}");
    error("VersionMismatch", 409, message, details)
}

/// A step raised an unexpected exception. `class` is the error class of the kind of step.
pub(super) fn step(class: &str, message: &str, details: String) -> IpaError {
    error(class, 500, message, details)
}

/// Deployment failed at the disk or the config drive.
pub fn deployment(details: String) -> IpaError {
    error("DeploymentError", 500, "Deploy step failed", details)
}

pub(super) fn software_raid(details: String) -> IpaError {
    error("SoftwareRAIDError", 500, "Software RAID caused unknown error", details)
}

const NO_DEVICE: &str = "Error finding the disk or partition device to deploy the image onto";

pub fn no_device(details: String) -> IpaError {
    error("DeviceNotFound", 404, NO_DEVICE, details)
}

pub(super) fn no_root_disk(min_bytes: u64) -> IpaError {
    no_device(format!(
        "No suitable device was found for deployment - root device hints were not provided and all found block \
         devices are smaller than {min_bytes}B."
    ))
}

/// No disk matches the root device hints.
pub(super) fn no_disk_fits(hints: &Value) -> IpaError {
    let hints = python::repr(hints);
    no_device(format!("No suitable device was found for deployment using these hints {hints}"))
}

pub(super) fn invalid_hints(hints: &Value, why: &str) -> IpaError {
    let hints = python::repr(hints);
    no_device(format!(
        "No devices could be found using the root device hints {hints} because they failed to validate. Error: {why}"
    ))
}

/// The image cannot be verified, because its checksum or the algorithm is missing.
pub(super) fn unverifiable(details: String) -> IpaError {
    error("RESTError", 500, "An error occurred", details)
}

/// A download failed; a retry may succeed.
pub fn download(image: &str, why: &str) -> IpaError {
    error(
        "ImageDownloadError",
        500,
        "Error downloading image",
        format!("Download of image {image} failed: {why}"),
    )
}

/// A download failed with a status from 400 to 499; a retry would fail again.
pub fn download_fatal(image: &str, why: &str) -> IpaError {
    IpaError { kind: "ImageDownloadFatalError".into(), ..download(image, why) }
}

pub fn checksum(image: &ImageJob, location: &str, expected: &str, found: &str) -> IpaError {
    let details = format!(
        "Image failed to verify against checksum. location: {location}; image ID: {}; image checksum: {expected}; \
         verification checksum: {found}",
        image.id
    );
    error("ImageChecksumError", 500, "Error verifying image checksum", details)
}

pub fn image_write(device: &str, stderr: &str) -> IpaError {
    let details =
        format!("Writing image to device {device} failed with exit code 1. stdout: . stderr: {stderr}");
    error("ImageWriteError", 500, "Error writing image to device", details)
}

/// The format of the image is not allowed, or is not the one that Ironic gave.
pub fn invalid_image(details: String) -> IpaError {
    error("InvalidImage", 500, "The provided image is not valid for use", details)
}

pub fn root_too_small(image_mib: u64, root_mib: u64) -> IpaError {
    params(format!(
        "Root partition is too small for requested image. Image virtual size: {image_mib} MB, Root size: {root_mib} MB"
    ))
}
