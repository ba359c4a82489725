//! The refusals of a query, and the page that it asks for.

use serde_json::Value;

use super::filter::Filter;
use crate::redfish::error::Problem;
use crate::redfish::message::{
    Message, QUERY_PARAMETER_OUT_OF_RANGE, QUERY_PARAMETER_VALUE_FORMAT_ERROR,
    QUERY_PARAMETER_VALUE_TYPE_ERROR,
};

/// A page of a collection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::redfish) struct Page {
    pub(in crate::redfish) skip: usize,
    pub(in crate::redfish) top: usize,
}

impl Page {
    pub(in crate::redfish) const WHOLE: Self = Self { skip: 0, top: usize::MAX };
}

pub(super) fn wrong_format(value: &str, parameter: &str) -> Problem {
    Message::new(&QUERY_PARAMETER_VALUE_FORMAT_ERROR, [value, parameter]).into()
}

/// A part of a filter has values of types that do not go together.
pub(super) fn wrong_type(part: &str) -> Problem {
    Message::new(&QUERY_PARAMETER_VALUE_TYPE_ERROR, [part, "$filter"]).into()
}

pub(super) fn filter_range() -> String {
    let (bytes, operands, depth) = (Filter::MAX_BYTES, Filter::MAX_OPERANDS, Filter::MAX_DEPTH);
    format!("of at most {bytes} bytes, {operands} operands and {depth} levels")
}

pub(super) fn out_of_range(value: &str, parameter: &str, range: &str) -> Problem {
    Message::new(&QUERY_PARAMETER_OUT_OF_RANGE, [value, parameter, range]).into()
}

/// Whether a collection shows its members as whole documents, and not as links.
pub(super) fn has_whole_members(collection: &Value) -> bool {
    collection["Members"][0].as_object().is_some_and(|member| member.len() > 1)
}
