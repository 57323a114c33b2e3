//! Bytes that are almost right.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::Strategy;
use proptest::prelude::any;
use proptest::sample::Index;

/// What a broken or hostile sender makes of a message: some bytes changed, the end cut off, others added, or all of it
/// replaced.
#[derive(Debug, Clone)]
pub struct Damage {
    changes: Vec<(Index, u8)>,
    end: Option<Index>,
    added: Vec<u8>,
    replaced: Option<Vec<u8>>,
}

/// Chooses a damage.
pub fn damage() -> impl Strategy<Value = Damage> {
    let changes = vec((any::<Index>(), any::<u8>()), 0..6);
    let added = vec(any::<u8>(), 0..8);
    let replaced = option::weighted(0.2, vec(any::<u8>(), 0..256));
    (changes, any::<Option<Index>>(), added, replaced).prop_map(|(changes, end, added, replaced)| Damage {
        changes,
        end,
        added,
        replaced,
    })
}

impl Damage {
    /// Returns what becomes of a message.
    #[must_use]
    pub fn of(&self, message: &[u8]) -> Vec<u8> {
        let mut bytes = self.replaced.clone().unwrap_or_else(|| message.to_vec());
        for (place, byte) in &self.changes {
            let place = place.index(bytes.len().max(1));
            bytes.get_mut(place).into_iter().for_each(|old| *old = *byte);
        }
        bytes.truncate(self.end.map_or(usize::MAX, |end| end.index(message.len().max(1))));
        bytes.extend(&self.added);
        bytes
    }

    /// Returns what becomes of a text, in which what is no UTF-8 is replaced.
    #[must_use]
    pub fn of_text(&self, text: &str) -> String {
        String::from_utf8_lossy(&self.of(text.as_bytes())).into_owned()
    }
}
