//! The errors that IPA's commands end with: class, status, message and details, as Ironic shows them to its users.
//!
//! Classes, messages and statuses are those of `ironic_python_agent/errors.py`; the details say the same in fewer words
//! where nobody parses them.

use serde_json::Value;

use super::python;
use crate::node::ipa::{ImageJob, IpaError};

fn error(kind: &str, code: u16, message: &str, details: String) -> IpaError {
    IpaError { kind: kind.into(), code, message: message.into(), details: details.into() }
}

/// A command's own failure, and any that IPA has no class for.
pub fn execution(details: String) -> IpaError {
    error("CommandExecutionError", 500, "Command execution failed", details)
}

/// Parameters that a command does not take.
pub(super) fn params(details: String) -> IpaError {
    error("InvalidCommandParamsError", 400, "Invalid command parameters", details)
}

/// A command that does not exist, or not here.
pub(super) fn command(details: String) -> IpaError {
    error("InvalidCommandError", 400, "Invalid command", details)
}

/// Something that was asked for by its id.
pub(super) fn not_found(what: &str, id: &str) -> IpaError {
    error("RequestedObjectNotFoundError", 404, "Not found", format!("{what} with id {id} not found."))
}

/// A step that no hardware manager has.
pub(super) fn no_method(name: &str) -> IpaError {
    let message = "No HardwareManager found to handle method";
    error("HardwareManagerMethodNotFound", 500, message, format!("Could not find method: {name}"))
}

/// Steps were listed by hardware managers of another version than ours.
pub(super) fn version_mismatch(ours: &Value, theirs: &Value) -> IpaError {
    let message = "Hardware managers version mismatch, reload agent with correct version";
    let (ours, theirs) = (python::repr(ours), python::repr(theirs));
    let details = format!("Current versions: {ours}, versions used by ironic: {theirs}");
    error("VersionMismatch", 409, message, details)
}

/// A step that failed in a way that its method does not foresee; `class` is that of the kind of step.
pub(super) fn step(class: &str, message: &str, details: String) -> IpaError {
    error(class, 500, message, details)
}

/// Deployment failed, on the disk or in the config drive.
pub fn deployment(details: String) -> IpaError {
    error("DeploymentError", 500, "Deploy step failed", details)
}

/// A RAID configuration that cannot be made.
pub(super) fn software_raid(details: String) -> IpaError {
    error("SoftwareRAIDError", 500, "Software RAID caused unknown error", details)
}

const NO_DEVICE: &str = "Error finding the disk or partition device to deploy the image onto";

/// No disk or partition of that description.
pub(super) fn no_device(details: String) -> IpaError {
    error("DeviceNotFound", 404, NO_DEVICE, details)
}

/// All disks are too small for a root disk.
pub(super) fn no_root_disk(min_bytes: u64) -> IpaError {
    no_device(format!(
        "No suitable device was found for deployment - root device hints were not provided and all found block \
         devices are smaller than {min_bytes}B."
    ))
}

/// No disk has what the hints ask for.
pub(super) fn no_disk_fits(hints: &Value) -> IpaError {
    let hints = python::repr(hints);
    no_device(format!("No suitable device was found for deployment using these hints {hints}"))
}

/// Root device hints that are wrong.
pub(super) fn invalid_hints(hints: &Value, why: &str) -> IpaError {
    let hints = python::repr(hints);
    no_device(format!(
        "No devices could be found using the root device hints {hints} because they failed to validate. Error: {why}"
    ))
}

/// An image that cannot be verified, for want of a checksum or of its algorithm.
pub(super) fn unverifiable(details: String) -> IpaError {
    error("RESTError", 500, "An error occurred", details)
}

/// A download that failed, and may go well another time.
pub fn download(image: &str, why: &str) -> IpaError {
    error(
        "ImageDownloadError",
        500,
        "Error downloading image",
        format!("Download of image {image} failed: {why}"),
    )
}

/// A download that would fail again (a status of 400 to 499).
pub fn download_fatal(image: &str, why: &str) -> IpaError {
    IpaError { kind: "ImageDownloadFatalError".into(), ..download(image, why) }
}

/// An image that hashes to something else.
pub fn checksum(image: &ImageJob, location: &str, expected: &str, found: &str) -> IpaError {
    let details = format!(
        "Image failed to verify against checksum. location: {location}; image ID: {}; image checksum: {expected}; \
         verification checksum: {found}",
        image.id
    );
    error("ImageChecksumError", 500, "Error verifying image checksum", details)
}

/// An image that a disk cannot take.
pub fn image_write(device: &str, stderr: &str) -> IpaError {
    let details =
        format!("Writing image to device {device} failed with exit code 1. stdout: . stderr: {stderr}");
    error("ImageWriteError", 500, "Error writing image to device", details)
}

/// An image of a format that is not allowed, or not the one that was promised.
pub fn invalid_image(details: String) -> IpaError {
    error("InvalidImage", 500, "The provided image is not valid for use", details)
}

/// A partition that is too small for its image.
pub fn root_too_small(image_mib: u64, root_mib: u64) -> IpaError {
    params(format!(
        "Root partition is too small for requested image. Image virtual size: {image_mib} MB, Root size: {root_mib} MB"
    ))
}
