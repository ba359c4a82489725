//! Selections of one node, the places of mistakes, and properties of random selections.

use std::collections::BTreeMap;

use proptest::prelude::*;
use wildmatch::WildMatch;

use super::*;

/// A node with two MAC addresses.
#[derive(Clone, Debug, Default)]
struct Node {
    index: u32,
    labels: BTreeMap<&'static str, &'static str>,
}

const MACS: [&str; 2] = ["02:00:00:00:00:0a", "02:00:00:00:00:0b"];

impl Subject for Node {
    fn any(&self, field: Field, test: &mut dyn FnMut(&str) -> bool) -> bool {
        match field {
            Field::Index => test(&self.index.to_string()),
            Field::Name => test(&format!("generic-{}", self.index)),
            Field::Uuid => test("c4761ce6-14fc-8f4f-bec3-9a057624dd62"),
            Field::Mac => MACS.into_iter().any(test),
            Field::Profile => test("generic"),
            Field::Power => test("on"),
            Field::State => test("agent-running"),
            Field::Agent => test("serving"),
        }
    }

    fn label(&self, key: &str) -> Option<&str> {
        self.labels.get(key).copied()
    }

    fn dice(&self, salt: &str) -> u64 {
        xxhash_rust::xxh3::xxh3_64_with_seed(salt.as_bytes(), self.index.into())
    }
}

fn node() -> Node {
    Node { index: 12, labels: BTreeMap::from([("rack", "r7"), ("row", "4"), ("index", "x"), ("empty", "")]) }
}

fn matches(text: &str, node: &Node) -> bool {
    text.parse::<Selection>().unwrap_or_else(|error| panic!("{text}: {error}")).matches(node)
}

#[test]
fn a_selection_matches_as_kubernetes_has_it_and_beyond() {
    for text in [
        "rack",
        "rack=r7",
        " rack == r7 , row in ( 3,4 )",
        "rack!=r8",
        "!slot",
        "slot!=1",
        "slot notin (1,2)",
        "row>3,row<5",
        "empty=",
        "empty in (,a)",
        "index=12",
        "index in (1,10..19)",
        "index>11,index<13",
        "name=generic-12",
        "name=GENERIC-?2",
        "name!=web-*,profile in (hpe-*,gen*)",
        "mac=02:00:00:00:00:0B",
        "mac in (*:0a)",
        "mac!=02:00:00:00:00:0c",
        "uuid=c4761ce6-*",
        "label.index=x",
        "label.index,!label.name",
        "name",
        "sample=100%",
    ] {
        assert!(matches(text, &node()), "{text}");
    }
    for text in [
        "slot",
        "rack=R7",
        "rack!=r7",
        "!rack",
        "rack notin (r7)",
        "row>4",
        "rack>1",
        "slot>1",
        "index=1",
        "index in (13..99)",
        "!name",
        "mac!=02:00:00:00:00:0a",
        "mac notin (*:0b)",
        "name=generic",
        "rack=r7,index=0",
        "sample=0%",
        "sample=0%:x",
    ] {
        assert!(!matches(text, &node()), "{text}");
    }
}

#[test]
fn a_sample_is_a_share_that_depends_on_its_salt() {
    let chosen = |text: &str| -> Vec<u32> {
        let selection: Selection = text.parse().unwrap();
        (0..10_000).filter(|index| selection.matches(&Node { index: *index, ..Node::default() })).collect()
    };
    let (five, other) = (chosen("sample=5%"), chosen("sample=5%:b"));
    assert!(
        five.len().abs_diff(500) < 100 && other.len().abs_diff(500) < 100,
        "{} {}",
        five.len(),
        other.len()
    );
    assert_ne!(five, other);
    assert_eq!(five, chosen("sample=5%"), "the same words always select the same nodes");
    let ten = chosen("sample=10%");
    assert!(five.iter().all(|index| ten.contains(index)), "a larger sample contains a smaller one");
    assert_eq!(chosen("sample=0.0001%").len(), 0);
}

#[test]
fn a_mistake_is_named_with_its_place() {
    for (text, at, problem) in [
        ("", 1, "the name of a field or a label is missing"),
        ("rack=r7,", 9, "the name of a field or a label is missing"),
        ("rack=r7 row=1", 9, "'row' follows a requirement; write ',' before the next one"),
        ("=r7", 1, "'=' stands where the name of a field or a label is needed"),
        (
            "ra*k=r7",
            1,
            "'ra*k' is neither a field (index, name, uuid, mac, profile, power, state, agent) nor a label",
        ),
        ("rack=r*", 6, "'r*' is not the value of a label"),
        ("rack in r7", 9, "a list of values is needed, such as (a, b)"),
        ("rack in (r7", 12, "a list of values ends with ')'"),
        ("rack in (r7 r8)", 13, "a list of values ends with ')'"),
        ("index=x", 7, "'x' is not an index; write a number or a range such as 10..19"),
        ("index in (9..1)", 11, "'9..1' is not an index"),
        ("index>x", 7, "'x' is not a number"),
        ("name=", 6, "a value is missing"),
        ("sample", 7, "sample is written as sample=5% or sample=5%:SALT"),
        ("sample=5", 8, "'5' is not a share"),
        ("sample=101%", 8, "'101%' is not a share"),
        ("sample=0.00001%", 8, "'0.00001%' is not a share"),
        ("sample=5%:*", 8, "'5%:*' is not a share"),
        ("!sample=5%", 2, "sample is written as"),
        ("ä=1,x=", 1, "'ä' is neither"),
        ("power=up", 7, "'up' is no value of power; allowed are off, powering-on, on, powering-off"),
        ("state notin (off,agent-runing)", 18, "'agent-runing' is no value of state; allowed are off, "),
        ("x=ä y", 3, "'ä' is not the value of a label"),
    ] {
        let error = text.parse::<Selection>().unwrap_err();
        assert!(error.at == at && error.problem.starts_with(problem), "{text}: {error}");
    }
    let long = format!("rack in ({})", vec!["a"; 1001].join(","));
    assert!(long.parse::<Selection>().unwrap_err().to_string().contains("at most 1000 values"));
    assert!(
        "a,".repeat(40_000).parse::<Selection>().unwrap_err().to_string().contains("at most 65536 bytes")
    );
}

fn word() -> impl Strategy<Value = Box<str>> {
    "[a-z]([a-z.-]{0,3}[a-z0-9])?|r7|4".prop_map(Box::from)
}

fn pattern(text: &str) -> WildMatch {
    WildMatch::new_case_insensitive(text)
}

fn matchers(key: &Key) -> BoxedStrategy<Box<[Matcher]>> {
    let one = match key {
        Key::Label(_) => word().prop_map(Matcher::Word).boxed(),
        Key::Field(Field::Index) => {
            (0u64..30, 0u64..9).prop_map(|(first, more)| Matcher::Range(first, first + more)).boxed()
        }
        Key::Field(field) => match field.words() {
            Some(words) => proptest::sample::select(words.to_vec())
                .prop_map(|word| Matcher::Pattern(pattern(word)))
                .boxed(),
            None => "[a-z0-9*?:.-]{1,8}".prop_map(|text| Matcher::Pattern(pattern(&text))).boxed(),
        },
    };
    proptest::collection::vec(one, 1..4).prop_map(Into::into).boxed()
}

fn requirement() -> impl Strategy<Value = Requirement> {
    let label =
        prop_oneof![word(), Just("rack".into()), Just("index".into()), Just("example.com/rack".into())];
    let key = prop_oneof![
        label.prop_map(Key::Label),
        proptest::sample::select(Field::ALL.to_vec()).prop_map(Key::Field),
    ];
    let of_key = key.prop_flat_map(|key| {
        let test = prop_oneof![
            Just(Test::Exists),
            Just(Test::Missing),
            matchers(&key).prop_map(Test::In),
            matchers(&key).prop_map(Test::NotIn),
            (0u64..30).prop_map(Test::Above),
            (0u64..30).prop_map(Test::Below),
        ];
        test.prop_map(move |test| Requirement::Of(key.clone(), test))
    });
    let sample = (0u32..=1_000_000, prop_oneof![Just("".into()), word()])
        .prop_map(|(parts, salt)| Requirement::Sample(parts, salt));
    prop_oneof![9 => of_key, 1 => sample]
}

proptest! {
    /// What is shown is read as the same selection, spaces do not matter, and a list of requirements is met if each of them is.
    #[test]
    fn a_selection_is_read_as_it_is_shown(requirements in proptest::collection::vec(requirement(), 1..5)) {
        let selection = Selection(requirements.clone().into());
        let text = selection.to_string();
        prop_assert_eq!(text.parse::<Selection>(), Ok(selection.clone()), "{}", text);
        let spaced = text.replace(',', " , ").replace('(', "( ").replace(')', " ) ");
        prop_assert_eq!(spaced.parse::<Selection>(), Ok(selection.clone()), "{}", spaced);
        let each = requirements.into_iter().map(|one| Selection([one].into()).matches(&node()));
        prop_assert_eq!(selection.matches(&node()), each.fold(true, |all, one| all & one));
    }

    /// A node outside the bounds of the index is never selected.
    #[test]
    fn the_bounds_of_the_index_leave_no_node_out(requirements in proptest::collection::vec(requirement(), 1..5)) {
        let selection = Selection(requirements.into());
        let (first, last) = selection.indexes();
        prop_assert!(!selection.matches(&node()) || (first..=last).contains(&u64::from(node().index)), "{}", selection);
    }

    /// A requirement and its negation never agree, whatever the node has.
    #[test]
    fn a_negation_is_the_opposite(requirement in requirement()) {
        let Requirement::Of(key, test) = requirement else { return Ok(()) };
        let opposite = match test.clone() {
            Test::Exists => Test::Missing,
            Test::Missing => Test::Exists,
            Test::In(values) => Test::NotIn(values),
            Test::NotIn(values) => Test::In(values),
            Test::Above(_) | Test::Below(_) => return Ok(()),
        };
        prop_assert_ne!(test.is_met(&key, &node()), opposite.is_met(&key, &node()));
    }

    /// No text makes the reader panic.
    #[test]
    fn any_text_is_read_or_refused(text in "[a-z0-9=!<>(), %:*.ä/-]{0,40}") {
        let _ = text.parse::<Selection>();
    }
}
