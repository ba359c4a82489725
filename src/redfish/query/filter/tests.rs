//! Filters on a document: which are true, which are refused.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn system() -> Value {
    json!({
        "@odata.id": "/redfish/v1/Systems/1", "Name": "it's", "PowerState": "On", "AssetTag": null,
        "ProcessorSummary": {"Count": 2, "Ghz": 2.5}, "Enabled": true, "Status": {"Health": "OK"},
        "BootOrder": ["Boot0001", "Boot0002"], "Empty": [], "Parts": [{"Size": 1}, {"Size": 7}],
        "LastResetTime": "2025-01-01T12:00:00+02:00", "Big": u64::MAX
    })
}

fn holds(text: &str) -> bool {
    let filter = Filter::parse(text).unwrap_or_else(|fault| panic!("{text}: {fault:?}"));
    filter.matches(&system(), &mut 1000).unwrap_or_else(|stop| panic!("{text}: {stop:?}"))
}

#[test]
fn true_filters_are_true() {
    for text in [
        "PowerState eq 'On'",
        "Name eq 'it''s'",
        "ProcessorSummary/Count eq 2",
        "ProcessorSummary/Count eq 2.0 and ProcessorSummary/Ghz gt 2",
        "ProcessorSummary/Count lt 1e1",
        "3 gt ProcessorSummary/Count",
        "(ProcessorSummary/Count eq 9) or (Status/Health ne 'Critical')",
        "Enabled",
        "Enabled eq true and not (PowerState eq 'Off')",
        "not PowerState eq 'Off'",
        "not not Enabled",
        "AssetTag eq null",
        "Missing/Deep eq null",
        "Missing ne 'x'",
        "Status ne null",
        "BootOrder eq 'Boot0002'",
        "Parts/Size gt 5",
        "Empty eq null",
        "LastResetTime eq '2025-01-01T10:00:00Z'",
        "LastResetTime gt 2025-01-01T09:59:59Z",
        "Big gt 18446744073709551614 and Big eq 18446744073709551615",
        "@odata.id eq '/redfish/v1/Systems/1'",
        "  PowerState   eq\t'On'  ",
        "PowerState eq 'x' or PowerState eq 'On' and Enabled",
        "PowerState ge 'On' eq true",
    ] {
        assert!(holds(text), "{text}");
    }
}

#[test]
fn false_filters_are_false() {
    for text in [
        "PowerState eq 'on'",
        "(PowerState eq 'On' or Enabled) and ProcessorSummary/Count eq 3",
        "Missing gt 3",
        "Missing",
        "null eq PowerState",
        "Parts/Size gt 7",
        "ProcessorSummary/Ghz lt 2.5",
        "Enabled eq false",
        "not Enabled",
        "Name/First eq 'x'",
    ] {
        assert!(!holds(text), "{text}");
    }
}

#[test]
fn texts_that_are_no_filters_are_refused() {
    for text in [
        "",
        " ",
        "eq",
        "Name eq",
        "eq 'x'",
        "Name eq 'x",
        "Name = 'x'",
        "(Name eq 'x'",
        "Name eq 'x')",
        "Name eq 'x' and",
        "and Name eq 'x'",
        "Name 'x'",
        "Name eq 'x' Id eq 'y'",
        "A//B eq 1",
        "/A eq 1",
        "A/ eq 1",
        "Name eq \"x\"",
        "Name eq 1x",
        "Name eq 2025-99-01T00:00:00Z",
        "not",
        "contains(Name,'x')",
        "Name EQ 'x'",
        "Name eq é",
        "()",
    ] {
        assert_eq!(Filter::parse(text), Err(Fault::Form), "{text}");
    }
}

#[test]
fn values_of_the_wrong_type_are_refused() {
    for text in ["5", "'x'", "null", "not 5", "Enabled and 5", "'x' eq 5", "true gt false", "Name lt null"] {
        assert!(matches!(Filter::parse(text), Err(Fault::Type(_))), "{text}");
    }
    for (text, part) in [
        ("Enabled and ProcessorSummary/Count eq '2'", "ProcessorSummary/Count eq '2'"),
        ("PowerState gt 5", "PowerState gt 5"),
        ("Status eq 'OK'", "Status eq 'OK'"),
        ("Name", "Name"),
        ("Enabled and Name", "Enabled and Name"),
        ("Enabled gt Enabled", "Enabled gt Enabled"),
    ] {
        let filter = Filter::parse(text).unwrap();
        assert_eq!(filter.matches(&system(), &mut 1000), Err(Stop::Type(part.into())), "{text}");
    }
}

#[test]
fn the_size_of_a_filter_has_limits() {
    let nested = |depth| format!("{}Enabled{}", "(".repeat(depth), ")".repeat(depth));
    assert!(Filter::parse(&nested(Filter::MAX_DEPTH)).is_ok());
    assert_eq!(Filter::parse(&nested(Filter::MAX_DEPTH + 1)), Err(Fault::Size));
    assert_eq!(Filter::parse(&"not ".repeat(1000)), Err(Fault::Size));
    let joined = |operands| vec!["Enabled"; operands].join(" or ");
    assert!(Filter::parse(&joined(Filter::MAX_OPERANDS)).is_ok());
    assert_eq!(Filter::parse(&joined(Filter::MAX_OPERANDS + 1)), Err(Fault::Size));
    assert_eq!(Filter::parse(&format!("Name eq '{}'", "x".repeat(Filter::MAX_BYTES))), Err(Fault::Size));
}

#[test]
fn the_steps_of_a_test_have_a_limit() {
    let filter = Filter::parse("BootOrder eq BootOrder").unwrap();
    assert_eq!(filter.matches(&system(), &mut 3), Err(Stop::Exhausted));
    let mut steps = 1000;
    assert_eq!((filter.matches(&system(), &mut steps), steps < 1000), (Ok(true), true));
}

/// A filter of the grammar, with parentheses around each operation.
fn any_filter() -> impl Strategy<Value = String> {
    let comparison = (
        prop::sample::select(vec!["PowerState", "Missing", "Status/Health", "BootOrder"]),
        prop::sample::select(vec!["eq", "ne", "gt", "ge", "lt", "le"]),
        prop::sample::select(vec!["'On'", "'O''K'", "PowerState", "'Boot0001'"]),
    );
    let leaf = comparison.prop_map(|(left, operator, right)| format!("{left} {operator} {right}"));
    leaf.prop_recursive(4, 24, 2, |inner| {
        prop_oneof![
            inner.clone().prop_map(|inner| format!("not ({inner})")),
            (inner.clone(), prop::sample::select(vec!["and", "or"]), inner)
                .prop_map(|(left, join, right)| format!("({left}) {join} ({right})")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_the_reader_panic(text in "[ ()'/a-zA-Z0-9@.:+-]{0,60}|(not |\\(|Name eq 'x' (and|or) ){0,40}") {
        if let Ok(filter) = Filter::parse(&text) {
            let _ = filter.matches(&system(), &mut 100);
        }
    }

    #[test]
    fn a_filter_and_its_negation_exclude_each_other(text in any_filter()) {
        let (not, both) = (format!("not ({text})"), format!("({text}) and ({text})"));
        prop_assert!(holds(&text) != holds(&not));
        prop_assert_eq!(holds(&both), holds(&text));
    }
}
