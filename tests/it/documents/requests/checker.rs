//! Random sequences at random services, and every document of a site compared with its schema.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt::Debug;
use std::ops::Range;

use fauxmetal::redfish::check::{crawl, crawl_own};
use fauxmetal::schema::Schemas;
use proptest::prelude::*;

use super::super::{is_oem, json_schema};
use super::site::{New, OWN, Site};

/// Compares documents with their schemas. Most documents are the same after every sequence, and are compared once.
pub(super) struct Checker {
    json: Option<json_schema::Schemas>,
    known: BTreeSet<String>,
}

impl Checker {
    fn load() -> Self {
        Self { json: json_schema::load(), known: BTreeSet::new() }
    }

    /// Follows every link of both roots, and compares every document with its schema.
    pub(super) fn check(&mut self, site: &Site) -> Result<(), TestCaseError> {
        site.wait_for_controllers();
        for (pages, problems) in [crawl(&site.redfish), crawl_own(&site.redfish, OWN)] {
            prop_assert!(problems.is_empty(), "{problems:#?}");
            for (uri, document) in pages {
                if is_oem(&document) || !self.known.insert(document.to_string()) {
                    continue;
                }
                let mistakes = Schemas::get().mistakes(&document);
                prop_assert!(mistakes.is_empty(), "{uri}: {mistakes:?}");
                let mistakes = self.json.as_mut().map(|json| json.mistakes(&document)).unwrap_or_default();
                prop_assert!(mistakes.is_empty(), "{uri}: {mistakes:?}");
            }
        }
        Ok(())
    }
}

/// Runs random sequences, each at a new service: the name of its model, and the privileges of its guest. `PROPTEST_CASES` takes the
/// place of `cases`.
pub(super) fn sequences<S: Debug>(
    cases: u32,
    one: impl Strategy<Value = S>,
    length: Range<usize>,
    run: impl Fn(&mut Checker, (&str, &New, u8), &[S]) -> Result<(), TestCaseError>,
) {
    let cases = std::env::var("PROPTEST_CASES").map_or(cases, |text| text.parse().unwrap());
    let checker = RefCell::new(Checker::load());
    let new = ["generic", "hpe-dl380-gen11"].map(|model| (model, New::of(model)));
    // A case takes a tenth of a second, and a sequence that is nearly as short as possible says enough.
    let config = ProptestConfig { cases, max_shrink_iters: 200, ..ProptestConfig::default() };
    let sequence = prop::collection::vec(one, length);
    proptest!(config, |(sequence in sequence, model in 0_usize..2, guest in 0_u8..32)| {
        let (model, new) = &new[model];
        run(&mut checker.borrow_mut(), (model, new, guest), &sequence)?;
    });
}
