//! Texts that an agent keeps for the results of its commands, and the bytes of all of them together.

use std::fmt::{Debug, Display, Formatter};
use std::ops::Deref;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

/// A JSON text: the result of a command, or the step that the result repeats.
///
/// A long text is shared, because a step can contain a configuration drive of megabytes: the agent, a response under
/// way and the writer of the state file hold the same bytes. It is also stored apart, once, so that a later change of its
/// node writes little. In the stored state, a note with the number of its bytes stands in its place.
#[derive(Clone)]
pub struct Text(Repr);

#[derive(Clone)]
enum Repr {
    Short(Box<str>),
    Long(Arc<Long>),
}

struct Long {
    text: Box<str>,
    held: OnceLock<Held>,
}

impl Text {
    /// A longer text is long, bytes. Results of steps and lists of steps are shorter.
    pub const SHORT_BYTES: usize = 4096;

    /// The number of bytes, if the text is long.
    pub fn long_bytes(&self) -> Option<u64> {
        match &self.0 {
            Repr::Short(_) => None,
            Repr::Long(long) => Some(long.text.len() as u64),
        }
    }

    /// Counts a long text in `total` for as long as it exists.
    ///
    /// # Errors
    /// If the total would be more than `limit`.
    pub fn hold(&self, total: &Arc<Total>, limit: u64) -> Result<(), OverTotal> {
        let Repr::Long(long) = &self.0 else { return Ok(()) };
        let held = total.take(long.text.len() as u64, limit)?;
        // A text that is counted already keeps its first count.
        let _ = long.held.set(held);
        Ok(())
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        match &self.0 {
            Repr::Short(text) => text,
            Repr::Long(long) => &long.text,
        }
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        let text = text.into_boxed_str();
        if text.len() <= Self::SHORT_BYTES {
            Self(Repr::Short(text))
        } else {
            Self(Repr::Long(Arc::new(Long { text, held: OnceLock::new() })))
        }
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        matches!((&self.0, &other.0), (Repr::Long(one), Repr::Long(other)) if Arc::ptr_eq(one, other))
            || **self == **other
    }
}

impl Eq for Text {}

impl Debug for Text {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        match self.long_bytes() {
            None => Debug::fmt(&**self, f),
            Some(bytes) => write!(f, "{bytes} bytes"),
        }
    }
}

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.long_bytes() {
            None => serializer.serialize_str(self),
            Some(bytes) => {
                serializer.collect_str(&format_args!(r#"{{"note":"{bytes} bytes, stored apart"}}"#))
            }
        }
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::from)
    }
}

/// The name of a long text of a node. The text of a name never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TextName {
    /// The command that the text belongs to.
    pub command: Uuid,
    pub part: Part,
}

/// What a text is to its command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    Result,
    Step,
}

impl Part {
    fn word(self) -> &'static str {
        match self {
            Self::Result => "result",
            Self::Step => "step",
        }
    }
}

impl Display for TextName {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.command, self.part.word())
    }
}

impl std::str::FromStr for TextName {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (command, word) = text.split_once('/').ok_or(())?;
        let part = [Part::Result, Part::Step].into_iter().find(|part| part.word() == word).ok_or(())?;
        Ok(Self { command: command.parse().map_err(drop)?, part })
    }
}

/// The bytes of the long texts of all agents. A text is counted once, however many hold it.
#[derive(Debug, Default)]
pub struct Total(AtomicU64);

/// The long texts of all agents would take more than the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OverTotal;

impl Total {
    pub fn bytes(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    fn take(self: &Arc<Self>, bytes: u64, limit: u64) -> Result<Held, OverTotal> {
        let more = |before: u64| before.checked_add(bytes).filter(|after| *after <= limit);
        match self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more) {
            Ok(_) => Ok(Held { total: Arc::clone(self), bytes }),
            Err(_) => Err(OverTotal),
        }
    }
}

/// Counted bytes, until it is dropped.
#[derive(Debug)]
struct Held {
    total: Arc<Total>,
    bytes: u64,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.total.0.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_stands_in_the_place_of_a_long_text() {
        let (short, long) = (Text::from("x".repeat(Text::SHORT_BYTES)), Text::from("x".repeat(5000)));
        let json = serde_json::to_string(&[short.clone(), long.clone()]).unwrap();
        let [read, note]: [Text; 2] = serde_json::from_str(&json).unwrap();
        assert_eq!((read, &*note), (short, r#"{"note":"5000 bytes, stored apart"}"#));
        let whole: Text = serde_json::from_str(&serde_json::to_string(&*long).unwrap()).unwrap();
        assert_eq!(
            (&whole, format!("{whole:?}")),
            (&long, "5000 bytes".to_owned()),
            "as earlier versions stored it"
        );
    }

    #[test]
    fn long_texts_are_counted_once_until_the_last_holder_is_gone() {
        let total = Arc::new(Total::default());
        let (short, long) = (Text::from("x"), Text::from("x".repeat(5000)));
        assert_eq!((short.hold(&total, 0), long.hold(&total, 4999)), (Ok(()), Err(OverTotal)));
        long.hold(&total, 5000).unwrap();
        let copy = long.clone();
        let _ = copy.hold(&total, u64::MAX);
        drop(long);
        assert_eq!(total.bytes(), 5000);
        drop(copy);
        assert_eq!(total.bytes(), 0);
    }

    #[test]
    fn the_name_of_a_text_can_be_read() {
        for part in [Part::Result, Part::Step] {
            let name = TextName { command: Uuid::max(), part };
            assert_eq!(name.to_string().parse(), Ok(name));
        }
        assert_eq!(("x/result".parse::<TextName>(), "".parse::<TextName>()), (Err(()), Err(())));
    }
}
