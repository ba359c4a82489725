//! The answer to `_bulk`, which has a result for each document.

use serde::Deserialize;
use serde_json::Value;

use crate::note::Note;

/// Statuses after which the same document may be accepted: too many requests, and a server or a gateway that is busy.
const MAY_PASS: [u16; 4] = [429, 502, 503, 504];

/// A document that the index does not take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    pub id: String,
    pub status: u16,
    /// The reason as the server gives it.
    pub why: String,
}

/// What became of the documents of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// The number of documents that the index has taken.
    pub taken: usize,
    /// The places in the body of those that are to be sent again.
    pub again: Vec<usize>,
    pub refused: Vec<Refused>,
}

impl Answer {
    /// Whether a request with this status may be sent again.
    pub fn may_pass(status: u16) -> bool {
        MAY_PASS.contains(&status)
    }

    /// Reads the body of an answer with status 200, for a request with these ids.
    ///
    /// # Errors
    /// If it is not the answer to such a request.
    pub fn read<'a>(body: &[u8], ids: impl Iterator<Item = &'a str>) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Document {
            items: Vec<serde_json::Map<String, Value>>,
        }
        let Document { items } = serde_json::from_slice(body)
            .map_err(|error| format!("the answer to _bulk is no answer of a search server: {error}"))?;
        let ids: Vec<&str> = ids.collect();
        if items.len() != ids.len() {
            return Err(format!(
                "the answer to _bulk has {} results for {} documents",
                items.len(),
                ids.len()
            ));
        }
        let mut answer = Self::default();
        for (place, (item, id)) in items.iter().zip(ids).enumerate() {
            let result = item.values().next().unwrap_or(&Value::Null);
            let status = result["status"].as_u64().and_then(|status| u16::try_from(status).ok()).unwrap_or(0);
            match status {
                200..300 => answer.taken += 1,
                status if Self::may_pass(status) => answer.again.push(place),
                status => {
                    let why = reason(&result["error"]);
                    answer.refused.push(Refused { id: id.to_owned(), status, why });
                }
            }
        }
        Ok(answer)
    }
}

/// The error of a document: its type and reason, or the whole of it.
fn reason(error: &Value) -> String {
    let text = match (error["type"].as_str(), error["reason"].as_str()) {
        (Some(kind), Some(reason)) => format!("{kind}: {reason}"),
        _ => error.to_string(),
    };
    Note::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_document_has_its_result() {
        let error = json!({"type": "mapper_parsing_exception", "reason": "failed to parse field [workers]"});
        let body = json!({"took": 3, "errors": true, "items": [
            {"index": {"_id": "a", "status": 201}},
            {"index": {"_id": "b", "status": 429, "error": {"type": "es_rejected_execution_exception"}}},
            {"index": {"_id": "c", "status": 400, "error": error}},
            {"index": {"_id": "d", "status": 200}},
        ]});
        let answer = Answer::read(body.to_string().as_bytes(), ["a", "b", "c", "d"].into_iter()).unwrap();
        let why = "mapper_parsing_exception: failed to parse field [workers]".to_owned();
        let refused = vec![Refused { id: "c".into(), status: 400, why }];
        assert_eq!(answer, Answer { taken: 2, again: vec![1], refused });
    }

    #[test]
    fn another_answer_is_an_error() {
        for (body, why) in [
            ("<html>", "is no answer of a search server"),
            (r#"{"items": []}"#, "has 0 results for 1 documents"),
        ] {
            let said = Answer::read(body.as_bytes(), ["a"].into_iter()).unwrap_err();
            assert!(said.contains(why), "{said}");
        }
    }
}
