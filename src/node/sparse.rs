//! A part of the state that takes memory only once it differs from that of a new machine.

use std::fmt;
use std::ops::Deref;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A part of the state of which most nodes never use anything.
pub trait Part: Clone + PartialEq + 'static {
    /// The part of a new machine.
    fn of_new_machine() -> &'static Self;
}

/// A part of the state. As long as it is that of a new machine, it has the size of a pointer. On disk it is the part itself.
#[derive(Clone)]
pub struct Sparse<T>(Option<Box<T>>);

impl<T> Sparse<T> {
    pub(super) const NEW: Self = Self(None);

    /// The part, unless it is that of a new machine. For changes that a new machine does not need.
    pub(super) fn get_mut(&mut self) -> Option<&mut T> {
        self.0.as_deref_mut()
    }
}

impl<T: Part> Sparse<T> {
    /// Changes the part. A change that leaves a new part as it is, such as one that is refused, allocates nothing.
    pub(super) fn change<R>(&mut self, change: impl FnOnce(&mut T) -> R) -> R {
        if let Some(part) = &mut self.0 {
            return change(part);
        }
        let mut part = T::of_new_machine().clone();
        let result = change(&mut part);
        *self = part.into();
        result
    }

    /// For the state of a node, whose BMC is stored as `null` as long as it is new.
    pub(super) fn or_null<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error>
    where
        T: Serialize,
    {
        self.0.serialize(serializer)
    }
}

impl<T: Part> From<T> for Sparse<T> {
    fn from(part: T) -> Self {
        Self((part != *T::of_new_machine()).then(|| Box::new(part)))
    }
}

impl<T> Default for Sparse<T> {
    fn default() -> Self {
        Self::NEW
    }
}

impl<T: Part> Deref for Sparse<T> {
    type Target = T;

    fn deref(&self) -> &T {
        match &self.0 {
            Some(part) => part,
            None => T::of_new_machine(),
        }
    }
}

impl<T: Part> PartialEq for Sparse<T> {
    fn eq(&self, other: &Self) -> bool {
        // Most parts are those of a new machine, in one place.
        std::ptr::eq::<T>(&**self, &**other) || **self == **other
    }
}

impl<T: Part + Eq> Eq for Sparse<T> {}

impl<T: Part + fmt::Debug> fmt::Debug for Sparse<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: Part + Serialize> Serialize for Sparse<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (**self).serialize(serializer)
    }
}

impl<'de, T: Part + Deserialize<'de>> Deserialize<'de> for Sparse<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::<T>::deserialize(deserializer)?.map_or(Self::NEW, Self::from))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Part for String {
        fn of_new_machine() -> &'static Self {
            static NEW: String = String::new();
            &NEW
        }
    }

    #[test]
    fn only_a_part_that_differs_from_a_new_one_takes_memory() {
        let mut part = Sparse::<String>::NEW;
        assert_eq!(part.change(|text| text.len()), 0);
        assert!(part.get_mut().is_none() && part.is_empty());
        part.change(|text| text.push('a'));
        assert_eq!(part.get_mut().as_deref().map(String::as_str), Some("a"));
        part.change(String::clear);
        assert_eq!(part, Sparse::NEW, "it is compared by its value");
    }

    #[test]
    fn a_part_is_stored_as_itself() {
        for (json, allocates) in [(r#""a""#, true), (r#""""#, false), ("null", false)] {
            let mut part: Sparse<String> = serde_json::from_str(json).unwrap();
            assert_eq!(part.get_mut().is_some(), allocates, "{json}");
            let stored = serde_json::to_string(&part).unwrap();
            assert_eq!(stored, json.replace("null", r#""""#));
        }
    }
}
