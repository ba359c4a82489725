//! `$filter` of the stream of events (DSP0266, "Server-sent events stream").

use serde_json::Value;

use super::filter::{Fault, Filter};
use super::{decode, filter_range, out_of_range, shown, wrong_format, wrong_type};
use crate::redfish::error::Problem;
use crate::redfish::message::{Message, QUERY_COMBINATION_INVALID, QUERY_PARAMETER_UNSUPPORTED};

const NAME: &str = "$filter";
/// The properties that a filter can name (DSP0266, "Server-sent events stream").
const PROPERTIES: [&str; 9] = [
    "EventFormatType",
    "EventType",
    "MessageId",
    "MetricReportDefinition",
    "OriginResource",
    "RegistryPrefix",
    "ResourceType",
    "Severity",
    "SubordinateResources",
];
/// The steps of one event.
const STEPS: u64 = 10_000;

/// The filter of a client of the stream.
#[derive(Debug, Default)]
pub(in crate::redfish) struct EventFilter {
    filter: Option<Filter>,
    /// The filter asks for resources below `OriginResource`, too.
    pub(in crate::redfish) below: bool,
    /// The filter can pass metric reports.
    pub(in crate::redfish) reports: bool,
}

impl EventFilter {
    /// Reads the query of a request for the stream.
    ///
    /// # Errors
    /// When the filter is wrong or names another property, or there is another parameter of the specification.
    pub(in crate::redfish) fn parse(query: Option<&str>) -> Result<Self, Problem> {
        let mut parsed = Self::default();
        for pair in query.unwrap_or_default().split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            match &*decode(name) {
                NAME if parsed.filter.is_some() => return Err((&QUERY_COMBINATION_INVALID).into()),
                NAME => {
                    let value = decode(&value.replace('+', " ")).into_owned();
                    parsed.reports = value.contains("MetricReport");
                    parsed.below = value.contains("SubordinateResources eq true");
                    let filter = Filter::parse(&value).map_err(|fault| match fault {
                        Fault::Form => wrong_format(&value, NAME),
                        Fault::Type(part) => wrong_type(&part),
                        Fault::Size => out_of_range(&shown(&value), NAME, &filter_range()),
                    })?;
                    let unknown = |path: String| {
                        let allowed = format!("of the properties {}", PROPERTIES.join(", "));
                        out_of_range(&shown(&path), NAME, &allowed)
                    };
                    parsed.filter = Some(filter.over(&PROPERTIES).map_err(unknown)?);
                }
                other if other.starts_with('$') => {
                    return Err(Message::new(&QUERY_PARAMETER_UNSUPPORTED, [other]).into());
                }
                _ => {}
            }
        }
        Ok(parsed)
    }

    /// Whether there is no filter.
    pub(in crate::redfish) fn is_none(&self) -> bool {
        self.filter.is_none()
    }

    /// Whether an event with these facts passes. One that cannot be compared does not.
    pub(in crate::redfish) fn passes(&self, facts: &Value) -> bool {
        let Some(filter) = &self.filter else { return true };
        filter.matches(facts, &mut { STEPS }).unwrap_or(false)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn passes(filter: &str) -> bool {
        let facts = json!({"EventType": "Alert", "Severity": "Critical", "MessageId": ["A.1.0.B", "B"]});
        EventFilter::parse(Some(&format!("$filter={filter}"))).unwrap().passes(&facts)
    }

    #[test]
    fn words_need_no_quotes() {
        for filter in
            ["EventType eq Alert", "'Alert' eq EventType", "Severity+eq+Critical", "MessageId eq A.1.0.B"]
        {
            assert!(passes(filter), "{filter}");
        }
        assert!(passes("not (EventType eq Other) and MetricReportDefinition eq null"));
        assert!(!passes("EventType eq Other") && !passes("Severity eq EventType"));
    }

    #[test]
    fn a_property_that_is_not_there_is_refused() {
        for (filter, wrong) in [
            ("Mood eq 'x'", "Mood"),
            ("EventType eq Alert and (not Status/Health eq OK)", "Status/Health"),
            ("EventType eq Alert or Enabled", "Enabled"),
            ("eventtype eq Alert", "eventtype"),
        ] {
            let problem = EventFilter::parse(Some(&format!("$filter={filter}"))).unwrap_err();
            let text = problem.messages[0].text();
            assert_eq!(problem.messages[0].entry.key, "QueryParameterOutOfRange", "{filter}");
            assert!(
                text.contains(&format!("'{wrong}'")) && text.contains("Severity, SubordinateResources"),
                "{text}"
            );
        }
    }
}
