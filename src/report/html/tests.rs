//! The page of a run: whole, bounded, and without anything from outside.

use super::*;
use crate::report::testing::{items, samples, summary};

fn page(count: u64, every: f64) -> String {
    let items = items("r1", 0..count);
    let samples = samples("r1", &items, every);
    let mut charts = Charts::new();
    items.iter().for_each(|item| charts.item(item));
    samples.iter().for_each(|sample| charts.sample(sample));
    render(&summary("r1", &items, &samples), &charts).into_string()
}

#[test]
fn a_page_is_well_formed_and_loads_nothing() {
    let page = page(40, 5.0);
    let body = page.split_once("<body>").unwrap().1;
    let body = format!("<body>{}", body.strip_suffix("</html>").unwrap());
    let document = roxmltree::Document::parse(&body).unwrap();
    for node in document.descendants().filter(roxmltree::Node::is_element) {
        for attribute in node.attributes() {
            assert!(!["href", "src", "style", "onload"].contains(&attribute.name()), "{attribute:?}");
            assert!(!attribute.value().contains("NaN"), "{attribute:?}");
        }
        assert!(!["script", "img", "link", "iframe", "use"].contains(&node.tag_name().name()), "{node:?}");
    }
    let headings: Vec<_> = document
        .descendants()
        .filter(|node| node.has_tag_name("h2"))
        .filter_map(|node| node.text())
        .collect();
    insta::assert_snapshot!(headings.join("\n"));
}

#[test]
fn the_length_of_a_page_does_not_depend_on_the_items() {
    let (few, many) = (page(400, 5.0), page(3000, 30.0));
    assert!(few.contains("Items from start to end") && !many.contains("Items from start to end"));
    assert!(few.len() < 600_000, "{}", few.len());
    assert!(many.len() < 200_000, "{}", many.len());
}

#[test]
fn text_from_outside_is_escaped() {
    let mut item = items("r1", 7..8).pop().unwrap();
    let evil = "<script>alert(1)</script>";
    (item.name, item.error, item.conductor) = (evil.into(), Some(format!("{evil}\"'")), Some(evil.into()));
    let mut charts = Charts::new();
    charts.item(&item);
    let mut figures = summary("r1", &[item], &[]);
    figures.warn(evil);
    let page = render(&figures, &charts).into_string();
    assert!(!page.contains("<script") && page.matches("&lt;script&gt;").count() > 3);
}

#[test]
fn a_run_without_items_has_a_page() {
    let page = render(&summary("r1", &[], &[]), &Charts::new()).into_string();
    assert!(page.contains("Run r1") && !page.contains("<polygon"));
}
