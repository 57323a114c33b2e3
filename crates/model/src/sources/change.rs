//! Changes that a save makes to the files of a session.

use crate::SourceCode;
use crate::Sources;

/// A change that a save makes to the files of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CodeChange {
    /// Replaces the code of the entry and keeps everything else.
    SourceCode(SourceCode),
    /// Replaces all files.
    Files(Sources),
}

impl CodeChange {
    /// Returns whether the change makes `before` different.
    #[must_use]
    pub fn changes(&self, before: &Sources) -> bool {
        match self {
            Self::SourceCode(code) => code.as_str() != before.source_code(),
            Self::Files(sources) => sources != before,
        }
    }

    /// Returns the files after the change.
    #[must_use]
    pub fn applied_to(self, before: Sources) -> Sources {
        match self {
            Self::SourceCode(source_code) => Sources { source_code, ..before },
            Self::Files(sources) => sources,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MAX_FILES_BYTES;
    use crate::MAX_SOURCE_BYTES;

    fn files(names: &[&str]) -> Sources {
        Sources::of_files(names.iter().map(|name| ((*name).to_owned(), b"x".to_vec())).collect()).unwrap()
    }

    #[test]
    fn source_code_alone_keeps_the_other_files() {
        let before = files(&["app.py", "lib.py"]);
        let change = CodeChange::SourceCode(SourceCode::new("new").unwrap());
        assert!(change.changes(&before));
        let after = change.clone().applied_to(before.clone());
        assert_eq!(
            (after.source_code(), after.entry_name(), after.others()),
            ("new", before.entry_name(), before.others())
        );
        assert!(!change.changes(&after));
    }

    #[test]
    fn the_longest_code_fits_beside_the_largest_files() {
        let largest = vec![("a".to_owned(), Vec::new()), ("b".to_owned(), vec![0; MAX_FILES_BYTES - 2])];
        let before = Sources::of_files(largest).unwrap();
        let longest = "x".repeat(MAX_SOURCE_BYTES);
        let after = CodeChange::SourceCode(SourceCode::new(longest.clone()).unwrap()).applied_to(before);
        let same = vec![("a".to_owned(), longest.into_bytes()), ("b".to_owned(), vec![0; MAX_FILES_BYTES - 2])];
        assert_eq!(Sources::of_files(same), Ok(after));
    }

    #[test]
    fn files_replace_all() {
        let before = files(&["app.py", "lib.py"]);
        for after in [files(&["app.py"]), files(&["main.py", "lib.py"]), Sources::single("x").unwrap()] {
            let change = CodeChange::Files(after.clone());
            assert!(change.changes(&before));
            assert_eq!(change.applied_to(before.clone()), after);
        }
        assert!(!CodeChange::Files(before.clone()).changes(&before));
    }
}
