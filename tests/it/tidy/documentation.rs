//! The documentation: its links lead somewhere, README stays short, every page is listed.

use std::fs;
use std::path::{Path, PathBuf};

/// The most lines of README, of which each fits on a screen.
const MAX_README_LINES: usize = 80;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The Markdown files that people read, with their texts.
fn pages() -> Vec<(PathBuf, String)> {
    let mut files = vec![];
    for folder in ["docs", "docs/reference"] {
        files.extend(fs::read_dir(root().join(folder)).unwrap().map(|entry| entry.unwrap().path()));
    }
    for page in [
        "README.md",
        "ARCHITECTURE.md",
        "CHANGELOG.md",
        "nodes/README.md",
        "tests/README.md",
        "benches/README.md",
    ] {
        files.push(root().join(page));
    }
    files.sort();
    let pages = files.into_iter().filter(|file| file.extension().is_some_and(|ending| ending == "md"));
    pages.map(|file| (file.clone(), fs::read_to_string(file).unwrap())).collect()
}

/// The targets of the links and pictures of a page: `[text](target)`.
fn links(text: &str) -> Vec<String> {
    // An example in a block of code is no link.
    let mut in_block = false;
    let prose = text.lines().filter(|line| {
        let is_fence = line.trim_start().starts_with("```");
        in_block ^= is_fence;
        !in_block && !is_fence && !line.starts_with("    ")
    });
    let targets = prose.flat_map(|line| line.split("](").skip(1).filter_map(|rest| rest.split_once(')')));
    targets.map(|(target, _)| target.to_owned()).collect()
}

/// Whether a file is a part of the book.
fn of_book(file: &Path) -> bool {
    let mut plain = PathBuf::new();
    for part in file.components() {
        match part {
            std::path::Component::ParentDir => _ = plain.pop(),
            part => plain.push(part),
        }
    }
    plain.starts_with(root().join("docs"))
}

/// The anchor that a renderer gives a heading.
fn anchor(heading: &str) -> String {
    let kept = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = kept.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

#[test]
fn every_link_of_the_documentation_leads_somewhere() {
    let mut wrong = Vec::new();
    let mut checked = 0;
    for (file, text) in pages() {
        for link in links(&text).into_iter().filter(|link| !link.contains("://")) {
            checked += 1;
            let (path, part) = link.split_once('#').map_or((&*link, None), |(path, part)| (path, Some(part)));
            let target = if path.is_empty() { file.clone() } else { file.parent().unwrap().join(path) };
            let has_part = |part: &str| {
                let text = fs::read_to_string(&target).unwrap_or_default();
                text.lines().any(|line| line.starts_with('#') && anchor(line) == part)
            };
            // The book has the pages of docs/ only.
            let leaves_book = of_book(&file) && !of_book(&target);
            if leaves_book || !target.exists() || part.is_some_and(|part| !has_part(part)) {
                wrong.push(format!("{}: {link}", file.display()));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "links that lead nowhere, or from docs/ to a file that is not in the book:\n{}",
        wrong.join("\n")
    );
    assert!(checked > 20, "only {checked} links were found");
}

#[test]
fn every_page_is_listed_and_readme_is_short() {
    let listed = |list: &str| {
        let list = links(&fs::read_to_string(root().join("docs").join(list)).unwrap());
        list.into_iter().filter(|link| link.ends_with(".md") && link != "README.md").collect::<Vec<_>>()
    };
    let mut pages: Vec<_> = pages()
        .into_iter()
        .filter_map(|(file, _)| Some(file.strip_prefix(root().join("docs")).ok()?.to_str()?.to_owned()))
        .filter(|name| !["README.md", "SUMMARY.md"].contains(&&**name))
        .collect();
    let mut once = listed("SUMMARY.md");
    once.sort();
    pages.sort();
    assert_eq!(once, pages, "left: the pages in docs/SUMMARY.md; right: the pages in docs/");
    // The first page says more about each of them, in the same order.
    assert_eq!(listed("README.md"), listed("SUMMARY.md"), "left: docs/README.md; right: docs/SUMMARY.md");
    let lines = fs::read_to_string(root().join("README.md")).unwrap().lines().count();
    assert!(lines <= MAX_README_LINES, "README.md has {lines} lines: move what is no first step to docs/");
}

#[test]
fn a_link_and_an_anchor_are_read_as_a_renderer_reads_them() {
    assert_eq!(
        links("see [a](b.md#c-d), ![p](q.svg)\n    [no](x)\n```sh\n[no](x)\n```\n"),
        ["b.md#c-d", "q.svg"]
    );
    assert_eq!(anchor("## Why not `VMs`, then?"), "why-not-vms-then");
}
