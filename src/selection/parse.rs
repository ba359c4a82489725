//! Reads a selection from text.

use wildmatch::WildMatch;

use super::label::{is_key, is_value, not_a_value};
use super::{Field, Key, Matcher, Requirement, Selection, Test};

/// The key of a share of all nodes.
const SAMPLE: &str = "sample";
/// The beginning of a key that is a label, whatever its name.
pub(super) const LABEL: &str = "label.";

/// Maximum length of a selection, bytes.
const MAX_BYTES: usize = 64 << 10;
/// Maximum number of requirements, and of values of one requirement.
const MAX_LIST: usize = 1000;

/// Why a text is no selection.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at character {at}: {problem}")]
pub struct SelectionError {
    /// The place of the mistake, counted from 1.
    pub at: usize,
    /// What is wrong, and what is allowed.
    pub problem: String,
}

/// Whether a key names a field of every node and not a label.
pub(super) fn is_built_in(key: &str) -> bool {
    key == SAMPLE || key.starts_with(LABEL) || Field::ALL.iter().any(|field| field.as_str() == key)
}

pub(super) fn selection(text: &str) -> Result<Selection, SelectionError> {
    let mut reader = Reader { text, at: 0 };
    if text.len() > MAX_BYTES {
        return reader
            .fail(format!("a selection has at most {MAX_BYTES} bytes, and this one has {}", text.len()));
    }
    let mut requirements = Vec::new();
    loop {
        requirements.push(reader.requirement()?);
        if requirements.len() > MAX_LIST {
            return reader.fail(format!("a selection has at most {MAX_LIST} requirements"));
        }
        match reader.token() {
            "" => return Ok(Selection(requirements.into())),
            "," => {}
            other => {
                return reader.fail_at(
                    other,
                    format!("'{other}' follows a requirement; write ',' before the next one"),
                );
            }
        }
    }
}

/// The rest of a text.
struct Reader<'a> {
    text: &'a str,
    /// The bytes that have been read.
    at: usize,
}

impl<'a> Reader<'a> {
    /// The next token: an operator, a word, or the empty text at the end.
    fn token(&mut self) -> &'a str {
        let rest = self.text[self.at..].trim_start();
        let start = self.text.len() - rest.len();
        let operator =
            ["==", "!=", "=", "!", ">", "<", ",", "(", ")"].into_iter().find(|o| rest.starts_with(o));
        let end = operator.map_or_else(|| rest.find(is_special).unwrap_or(rest.len()), str::len);
        self.at = start + end;
        &rest[..end]
    }

    /// Whether the next token is `token`, which is then read.
    fn takes(&mut self, token: &str) -> bool {
        let before = self.at;
        let found = self.token() == token;
        if !found {
            self.at = before;
        }
        found
    }

    fn requirement(&mut self) -> Result<Requirement, SelectionError> {
        if self.takes("!") {
            let key = self.key()?;
            return Ok(Requirement::Of(key, Test::Missing));
        }
        if self.takes(SAMPLE) {
            return self.sample();
        }
        let key = self.key()?;
        let before = self.at;
        let test = match self.token() {
            "=" | "==" => Test::In([self.value(&key)?].into()),
            "!=" => Test::NotIn([self.value(&key)?].into()),
            "in" => Test::In(self.values(&key)?),
            "notin" => Test::NotIn(self.values(&key)?),
            ">" => Test::Above(self.number()?),
            "<" => Test::Below(self.number()?),
            _ => {
                self.at = before;
                Test::Exists
            }
        };
        Ok(Requirement::Of(key, test))
    }

    fn key(&mut self) -> Result<Key, SelectionError> {
        let word = self.word("the name of a field or a label")?;
        if let Some(field) = Field::ALL.into_iter().find(|field| field.as_str() == word) {
            return Ok(Key::Field(field));
        }
        if word == SAMPLE {
            return self.fail_at(word, "sample is written as sample=5% or sample=5%:SALT".to_owned());
        }
        let label = word.strip_prefix(LABEL).unwrap_or(word);
        if !is_key(label) {
            let fields = Field::ALL.map(Field::as_str).join(", ");
            return self.fail_at(
                word,
                format!("'{word}' is neither a field ({fields}) nor a label: letters, digits, '-', '_' and '.', such as rack or example.com/rack"),
            );
        }
        Ok(Key::Label(label.into()))
    }

    /// The rest of a sample after its key: `=5%` or `=5%:SALT`.
    fn sample(&mut self) -> Result<Requirement, SelectionError> {
        if !self.takes("=") && !self.takes("==") {
            let next = self.token();
            return self.fail_at(next, "sample is written as sample=5% or sample=5%:SALT".to_owned());
        }
        let word = self.word("a share such as 5%")?;
        let (share, salt) = word.split_once(':').unwrap_or((word, ""));
        let parts = share.strip_suffix('%').and_then(parts_of_million);
        match parts {
            Some(parts) if is_value(salt) => Ok(Requirement::Sample(parts, salt.into())),
            _ => self.fail_at(
                word,
                format!("'{word}' is not a share; write 0% to 100%, with at most four decimal places, and a word after ':' if another sample is needed"),
            ),
        }
    }

    /// A list of values in parentheses.
    fn values(&mut self, key: &Key) -> Result<Box<[Matcher]>, SelectionError> {
        let open = self.token();
        if open != "(" {
            return self.fail_at(open, "a list of values is needed, such as (a, b)".to_owned());
        }
        let mut values = Vec::new();
        loop {
            values.push(self.value(key)?);
            if values.len() > MAX_LIST {
                return self.fail(format!("a list has at most {MAX_LIST} values"));
            }
            match self.token() {
                "," => {}
                ")" => return Ok(values.into()),
                other => return self.fail_at(other, "a list of values ends with ')'".to_owned()),
            }
        }
    }

    fn value(&mut self, key: &Key) -> Result<Matcher, SelectionError> {
        let before = self.at;
        let word = self.token();
        let empty = word.is_empty() || word.starts_with(is_special);
        match key {
            // Kubernetes allows an empty value: `rack=` and `rack in (,a)`.
            Key::Label(_) if empty => {
                self.at = before;
                Ok(Matcher::Word("".into()))
            }
            Key::Label(_) if is_value(word) => Ok(Matcher::Word(word.into())),
            Key::Label(_) => self.fail_at(word, not_a_value(word)),
            Key::Field(_) if empty => self.fail_at(word, "a value is missing".to_owned()),
            Key::Field(Field::Index) => match range(word) {
                Some((first, last)) => Ok(Matcher::Range(first, last)),
                None => self.fail_at(
                    word,
                    format!("'{word}' is not an index; write a number or a range such as 10..19"),
                ),
            },
            Key::Field(field) => {
                let pattern = WildMatch::new_case_insensitive(word);
                match field.words() {
                    Some(words) if !words.iter().any(|value| pattern.matches(value)) => self.fail_at(
                        word,
                        format!(
                            "'{word}' is no value of {}; allowed are {}",
                            field.as_str(),
                            words.join(", ")
                        ),
                    ),
                    Some(_) | None => Ok(Matcher::Pattern(pattern)),
                }
            }
        }
    }

    fn number(&mut self) -> Result<u64, SelectionError> {
        let word = self.word("a number")?;
        match word.parse() {
            Ok(number) => Ok(number),
            Err(_) => self.fail_at(word, format!("'{word}' is not a number")),
        }
    }

    /// A token that is no operator. `what` says what it stands for.
    fn word(&mut self, what: &str) -> Result<&'a str, SelectionError> {
        match self.token() {
            "" => self.fail(format!("{what} is missing")),
            word if word.starts_with(is_special) => {
                self.fail_at(word, format!("'{word}' stands where {what} is needed"))
            }
            word => Ok(word),
        }
    }

    fn fail<T>(&self, problem: String) -> Result<T, SelectionError> {
        self.fail_at("", problem)
    }

    /// A mistake in the token that was read last.
    fn fail_at<T>(&self, token: &str, problem: String) -> Result<T, SelectionError> {
        let before = &self.text[..self.at - token.len()];
        Err(SelectionError { at: before.chars().count() + 1, problem })
    }
}

fn is_special(c: char) -> bool {
    matches!(c, '=' | '!' | '>' | '<' | ',' | '(' | ')') || c.is_whitespace()
}

/// A number, or two with `..` between them.
fn range(word: &str) -> Option<(u64, u64)> {
    let (first, last) = word.split_once("..").unwrap_or((word, word));
    let (first, last) = (first.parse().ok()?, last.parse().ok()?);
    (first <= last).then_some((first, last))
}

/// A percentage in parts of a million.
fn parts_of_million(percent: &str) -> Option<u32> {
    let (whole, decimals) = percent.split_once('.').unwrap_or((percent, ""));
    if whole.len() > 3
        || decimals.len() > 4
        || !whole.bytes().chain(decimals.bytes()).all(|b| b.is_ascii_digit())
    {
        return None;
    }
    let decimals: u32 = format!("{decimals:0<4}").parse().ok()?;
    let parts = whole.parse::<u32>().ok()? * 10_000 + decimals;
    (parts <= 1_000_000).then_some(parts)
}
