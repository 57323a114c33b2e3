//! Pages of lists, newest first.

use uuid::Uuid;

use crate::Timestamp;

/// The position of an entry in a list that is ordered by time of creation, then id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// When the entry was created.
    pub created_at: Timestamp,
    /// The entry's id.
    pub id: Uuid,
}

/// A request for one page of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageRequest {
    /// The position of the last entry of the previous page. None for the first page.
    pub after: Option<Position>,
    /// The most entries on the page.
    pub limit: usize,
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The entries, newest first.
    pub entries: Vec<T>,
    /// The position of the last entry. None when there are no older entries.
    pub last: Option<Position>,
}

impl<T> Page<T> {
    /// Makes a page of `entries`. One entry more than `limit` means that there are older ones.
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
