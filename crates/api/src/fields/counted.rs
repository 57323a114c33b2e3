//! Lists of bounded length.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::Deserializer;
use serde::de::IgnoredAny;
use serde::de::SeqAccess;
use serde::de::Visitor;

/// A list that keeps its first `KEPT` entries and counts the others.
///
/// An entry can take fifty times as much memory as its text, and a body has room for millions of them.
#[derive(Debug)]
pub(crate) struct Counted<T, const KEPT: usize> {
    /// The first entries.
    pub(crate) entries: Vec<T>,
    /// How many entries were sent.
    pub(crate) count: usize,
}

impl<T, const KEPT: usize> Default for Counted<T, KEPT> {
    fn default() -> Self {
        Self { entries: Vec::new(), count: 0 }
    }
}

impl<'de, T: Deserialize<'de>, const KEPT: usize> Deserialize<'de> for Counted<T, KEPT> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(Counting(PhantomData))
    }
}

struct Counting<T, const KEPT: usize>(PhantomData<T>);

impl<'de, T: Deserialize<'de>, const KEPT: usize> Visitor<'de> for Counting<T, KEPT> {
    type Value = Counted<T, KEPT>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut entries = Vec::new();
        while entries.len() < KEPT {
            let Some(entry) = list.next_element()? else {
                return Ok(Counted { count: entries.len(), entries });
            };
            entries.push(entry);
        }
        let mut count = KEPT;
        while list.next_element::<IgnoredAny>()?.is_some() {
            count += 1;
        }
        Ok(Counted { entries, count })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_kept_is_counted() {
        for (text, kept, count) in [("[]", 0, 0), ("[1,2]", 2, 2), ("[1,2,3]", 2, 3), (r#"[1,2,"x",{}]"#, 2, 4)] {
            let list: Counted<u8, 2> = serde_json::from_str(text).unwrap();
            assert_eq!((list.entries.len(), list.count), (kept, count), "{text}");
        }
        assert!(serde_json::from_str::<Counted<u8, 2>>(r#"[1,"x"]"#).is_err());
        assert!(serde_json::from_str::<Counted<u8, 2>>("[1,2,3").is_err());
    }
}
