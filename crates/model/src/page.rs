//! Lists that are read page by page, newest first.

use uuid::Uuid;

use crate::Timestamp;

/// Where an entry stands in a list that is ordered by time of creation, then id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// When the entry was created.
    pub created_at: Timestamp,
    /// The entry's id.
    pub id: Uuid,
}

/// Which page of a list is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageRequest {
    /// The last entry of the page before; none for the first page.
    pub after: Option<Position>,
    /// The most entries of the page.
    pub limit: usize,
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The entries, newest first.
    pub entries: Vec<T>,
    /// The position of the last entry when there are older ones.
    pub last: Option<Position>,
}

impl<T> Page<T> {
    /// Makes a page of `entries`, which has one more than `limit` exactly when there are older ones.
    #[must_use]
    pub fn cut(mut entries: Vec<T>, limit: usize, position: impl Fn(&T) -> Position) -> Self {
        let more = entries.len() > limit;
        entries.truncate(limit);
        let last = entries.last().filter(|_| more).map(position);
        Self { entries, last }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn position(number: &u8) -> Position {
        Position { created_at: Timestamp::from_micros(i64::from(*number)), id: Uuid::nil() }
    }

    #[test]
    fn a_page_ends_with_its_last_entry_if_there_are_older_ones() {
        let page = Page::cut(vec![9, 8, 7], 2, position);
        assert_eq!((page.entries, page.last), (vec![9, 8], Some(position(&8))));
        let page = Page::cut(vec![9, 8], 2, position);
        assert_eq!((page.entries, page.last), (vec![9, 8], None));
        assert_eq!(Page::cut(Vec::new(), 2, position).last, None);
    }
}
