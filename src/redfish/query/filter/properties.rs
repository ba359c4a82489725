//! A filter on values that have no document: only certain properties can be named.

use super::{Filter, Literal, Term};

impl Filter {
    /// The filter over these properties. A word without quotes that is compared with one of them is a text (DSP0266 writes
    /// `EventType eq Alert`).
    ///
    /// # Errors
    /// The first path that is none of the properties.
    pub(in crate::redfish::query) fn over(self, properties: &[&str]) -> Result<Self, String> {
        let mut term = self.0;
        term.limit(properties)?;
        Ok(Self(term))
    }
}

impl Term {
    fn limit(&mut self, properties: &[&str]) -> Result<(), String> {
        match self {
            Self::Literal(_) => Ok(()),
            Self::Path(_) if self.is_one_of(properties) => Ok(()),
            Self::Path(names) => Err(names.join("/")),
            Self::Not(inner, _) => inner.limit(properties),
            Self::Join(_, left, right, _) => {
                left.limit(properties)?;
                right.limit(properties)
            }
            Self::Compare(_, left, right, _) => {
                match (left.is_one_of(properties), right.is_one_of(properties)) {
                    (true, false) => right.become_text(),
                    (false, true) => left.become_text(),
                    (true, true) | (false, false) => {}
                }
                left.limit(properties)?;
                right.limit(properties)
            }
        }
    }

    fn is_one_of(&self, properties: &[&str]) -> bool {
        matches!(self, Self::Path(names) if matches!(&names[..], [name] if properties.contains(&&**name)))
    }

    /// Turns a word without quotes into the text that it stands for.
    fn become_text(&mut self) {
        if let Self::Path(names) = self {
            *self = Self::Literal(Literal::Text(names.join("/").into()));
        }
    }
}
