//! Bodies of `_bulk`.

use std::io;

use serde_json::{Value, json};

use super::normalise::Rules;
use crate::report::item::Item;

/// The most documents of a request, and the most bytes unless one document alone is longer. Elasticsearch advises some megabytes,
/// and refuses more than 100 MB.
const MAX_DOCUMENTS: usize = 1000;
const MAX_BYTES: usize = 4 << 20;

/// Documents that are sent in one request. Each is an action and the document, on a line each.
#[derive(Clone, Debug, Default)]
pub struct Bulk {
    /// The id and the two lines of each document.
    documents: Vec<(String, Vec<u8>)>,
    bytes: usize,
}

impl Bulk {
    /// Adds the document of an item, which replaces a document of the same id when it is sent again.
    ///
    /// # Errors
    /// If it cannot be written as JSON.
    pub fn push(&mut self, index: &str, rules: &Rules, item: &Item) -> io::Result<()> {
        let mut lines = serde_json::to_vec(&json!({"index": {"_index": index, "_id": item.id}}))?;
        lines.push(b'\n');
        if let Value::Object(fields) = serde_json::to_value(item)? {
            serde_json::to_writer(&mut lines, &rules.apply(fields))?;
        }
        lines.push(b'\n');
        self.bytes += lines.len();
        self.documents.push((item.id.clone(), lines));
        Ok(())
    }

    /// Whether it is time to send them.
    pub fn is_full(&self) -> bool {
        self.documents.len() >= MAX_DOCUMENTS || self.bytes >= MAX_BYTES
    }

    pub fn is_empty(&self) -> bool {
        self.documents.is_empty()
    }

    pub fn len(&self) -> usize {
        self.documents.len()
    }

    /// The ids in the order of the body.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.documents.iter().map(|(id, _)| id.as_str())
    }

    /// The body of the request, of the type `application/x-ndjson`.
    pub fn body(&self) -> Vec<u8> {
        let mut body = Vec::with_capacity(self.bytes);
        self.documents.iter().for_each(|(_, lines)| body.extend_from_slice(lines));
        body
    }

    /// Keeps the documents at these places of the body.
    pub fn keep(&mut self, places: &[usize]) {
        let mut place = 0;
        self.documents.retain(|_| {
            place += 1;
            places.contains(&(place - 1))
        });
        self.bytes = self.documents.iter().map(|(_, lines)| lines.len()).sum();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::testing::items;

    #[test]
    fn a_body_has_two_lines_for_each_document() {
        let mut bulk = Bulk::default();
        for item in items("r1", 0..2) {
            bulk.push("timings", &Rules::default(), &item).unwrap();
        }
        let body = String::from_utf8(bulk.body()).unwrap();
        let lines: Vec<Value> = body.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 12);
        assert_eq!(lines[0], json!({"index": {"_index": "timings", "_id": "r1-0000-0"}}));
        assert_eq!((&lines[1]["duration"], &lines[1]["workers"]), (&json!(0), &json!(20)));
        assert!(body.ends_with("}\n"));
        let ids: Vec<String> = bulk.ids().map(str::to_owned).collect();
        bulk.keep(&[1, 3]);
        assert_eq!(bulk.ids().collect::<Vec<_>>(), [&ids[1], &ids[3]]);
        assert_eq!(bulk.body().len(), bulk.bytes);
    }

    #[test]
    fn a_body_is_bounded() {
        let item = items("r1", 0..1).remove(0);
        let mut bulk = Bulk::default();
        while !bulk.is_full() {
            bulk.push("x", &Rules::default(), &item).unwrap();
        }
        assert_eq!(bulk.len(), MAX_DOCUMENTS);
        let long = Item { error: Some("x".repeat(MAX_BYTES)), ..item };
        let mut bulk = Bulk::default();
        bulk.push("x", &Rules::default(), &long).unwrap();
        assert!(bulk.is_full());
    }
}
