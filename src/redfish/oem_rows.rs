//! The rows of the resources that models add. They are no rows of the table: a file of the model says what stands there.

use super::access::Access;
use super::body::Body;
use super::context::NodeCx;
use super::oem;
use super::resource::{Asked, OfNode, Resource};
use crate::profile::oem::Below;

/// The rows of OEM resources: for each part of the service one that can be read and one that can be changed.
pub(super) static ROWS: [Resource<OfNode>; 8] = [
    row("/redfish/v1/{Oem}", Access::MANAGER),
    row("/redfish/v1/{Oem}", Access::MANAGER).patched_by(patch),
    row("/redfish/v1/Systems/{System}/{Oem}", Access::COMPONENTS),
    row("/redfish/v1/Systems/{System}/{Oem}", Access::COMPONENTS).patched_by(patch),
    row("/redfish/v1/Managers/{Manager}/{Oem}", Access::MANAGER),
    row("/redfish/v1/Managers/{Manager}/{Oem}", Access::MANAGER).patched_by(patch),
    row("/redfish/v1/Chassis/{Chassis}/{Oem}", Access::COMPONENTS),
    row("/redfish/v1/Chassis/{Chassis}/{Oem}", Access::COMPONENTS).patched_by(patch),
];

/// The type of [`ROWS`]: a file of the profile says which it is.
pub(super) const KIND: &str = "Oem";

const fn row(path: &'static str, access: Access) -> Resource<OfNode> {
    Resource::of_node(path, KIND, oem::get).allowed_by(access)
}

/// The number in [`ROWS`].
pub(super) fn number(below: Below, is_writable: bool) -> usize {
    let pair = match below {
        Below::Root => 0,
        Below::System => 1,
        Below::Manager => 2,
        Below::Chassis => 3,
    };
    2 * pair + usize::from(is_writable)
}

/// A PATCH of an OEM resource: what `extended` has not taken is no property that a client can change.
fn patch(_: &NodeCx<'_>, _: &mut Body) -> Asked<OfNode> {
    Ok(None)
}
