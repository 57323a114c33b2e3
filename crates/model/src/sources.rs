//! The files of a program.

mod change;

use std::collections::HashMap;

use crate::FileName;
use crate::InvalidFileName;
use crate::MAX_FILES;
use crate::MAX_FILES_BYTES;
use crate::MAX_SOURCE_BYTES;

pub use change::CodeChange;

/// The files of a program: the entry, which is run, and the files that it uses. The default is one empty file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sources {
    entry_name: Option<FileName>,
    source_code: SourceCode,
    others: Vec<SourceFile>,
}

/// What some editors put before a text to say that it is in UTF-8. Many compilers and interpreters stumble over it.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// The code of an entry: text of bounded length, without a byte order mark.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SourceCode(String);

/// A file of a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// The path below the program's directory.
    pub name: FileName,
    /// The content.
    pub content: Vec<u8>,
}

/// Why files are not a program.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSources {
    /// There are no files.
    #[error("there must be at least one file")]
    Empty,
    /// There are too many files.
    #[error("has {0} entries, at most {MAX_FILES} are allowed")]
    TooMany(usize),
    /// Names and contents together are too large, without the code of the entry.
    #[error("have {0} bytes together beside the code of the first, at most {MAX_FILES_BYTES} are allowed")]
    TooLarge(usize),
    /// A file cannot have this name.
    #[error("{name:?} {problem}")]
    Name {
        /// The index of the file, counted from 0.
        index: usize,
        /// The name as it was sent.
        name: String,
        /// What is wrong with it.
        problem: NameProblem,
    },
    /// The code of the entry is too large.
    #[error("has {0} bytes in UTF-8, at most {MAX_SOURCE_BYTES} are allowed")]
    SourceTooLarge(usize),
    /// The code of the entry is not text.
    #[error("must be UTF-8 without the character U+0000")]
    SourceNotText,
}

/// Why a file cannot have its name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameProblem {
    /// No file can have it.
    #[error(transparent)]
    Invalid(#[from] InvalidFileName),
    /// Another file has the same name, or one that differs only in case.
    #[error("is the same as {0:?}, upper and lower case aside")]
    Taken(String),
    /// One of two files would be a directory of the other.
    #[error("cannot be beside {0:?}: one would be a file and a directory at the same time")]
    Between(String),
}

impl SourceCode {
    /// Checks code as it was sent, and takes a byte order mark off.
    ///
    /// # Errors
    ///
    /// [`InvalidSources`] when it is too large or not text.
    pub fn new(code: impl Into<String>) -> Result<Self, InvalidSources> {
        let code = without_byte_order_mark(code.into());
        if code.len() > MAX_SOURCE_BYTES {
            return Err(InvalidSources::SourceTooLarge(code.len()));
        }
        if code.contains('\0') {
            return Err(InvalidSources::SourceNotText);
        }
        Ok(Self(code))
    }

    /// Returns the code.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Sources {
    /// Makes a program of one file. Its language names the file.
    ///
    /// # Errors
    ///
    /// [`InvalidSources`] when the code is too large or not text.
    pub fn single(source_code: impl Into<String>) -> Result<Self, InvalidSources> {
        Ok(Self { source_code: SourceCode::new(source_code)?, ..Self::default() })
    }

    /// Makes a program of files with the names that were sent. The first file is the entry.
    ///
    /// # Errors
    ///
    /// [`InvalidSources`] names the file and what is wrong with it.
    pub fn of_files(files: Vec<(String, Vec<u8>)>) -> Result<Self, InvalidSources> {
        if files.len() > MAX_FILES {
            return Err(InvalidSources::TooMany(files.len()));
        }
        let names: usize = files.iter().map(|(name, _)| name.len()).sum();
        let bytes = names + files.iter().skip(1).map(|(_, content)| content.len()).sum::<usize>();
        if bytes > MAX_FILES_BYTES {
            return Err(InvalidSources::TooLarge(bytes));
        }
        let mut taken = Taken::default();
        let mut parsed = Vec::with_capacity(files.len());
        for (index, (name, content)) in files.into_iter().enumerate() {
            match FileName::parse(&name).map_err(NameProblem::from).and_then(|name| taken.take(name)) {
                Ok(name) => parsed.push(SourceFile { name, content }),
                Err(problem) => return Err(InvalidSources::Name { index, name, problem }),
            }
        }
        let mut others = parsed.into_iter();
        let entry = others.next().ok_or(InvalidSources::Empty)?;
        let source_code = String::from_utf8(entry.content).map_err(|_| InvalidSources::SourceNotText)?;
        Ok(Self { entry_name: Some(entry.name), source_code: SourceCode::new(source_code)?, others: others.collect() })
    }

    /// Returns the code of the entry.
    #[must_use]
    pub fn source_code(&self) -> &str {
        self.source_code.as_str()
    }

    /// Returns the name of the entry. Returns none when its language names it.
    #[must_use]
    pub fn entry_name(&self) -> Option<&FileName> {
        self.entry_name.as_ref()
    }

    /// Returns all files but the entry.
    #[must_use]
    pub fn others(&self) -> &[SourceFile] {
        &self.others
    }

    /// Returns the size of all files together, without their names.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.source_code().len() + self.others.iter().map(|file| file.content.len()).sum::<usize>()
    }
}

/// Returns a text without the byte order mark before it.
#[must_use]
pub fn without_byte_order_mark(mut text: String) -> String {
    if text.starts_with(BYTE_ORDER_MARK) {
        text.drain(..BYTE_ORDER_MARK.len_utf8());
    }
    text
}

/// The names of files and of the directories that they need, in lower case.
#[derive(Default)]
struct Taken {
    files: HashMap<String, String>,
    /// Each directory with one of the files that need it.
    directories: HashMap<String, String>,
}

impl Taken {
    fn take(&mut self, name: FileName) -> Result<FileName, NameProblem> {
        let folded = name.as_str().to_lowercase();
        if let Some(other) = self.files.get(&folded) {
            return Err(NameProblem::Taken(other.clone()));
        }
        if let Some(other) = self.directories.get(&folded) {
            return Err(NameProblem::Between(other.clone()));
        }
        for (end, _) in folded.match_indices('/') {
            let directory = &folded[..end];
            if let Some(other) = self.files.get(directory) {
                return Err(NameProblem::Between(other.clone()));
            }
            self.directories.entry(directory.to_owned()).or_insert_with(|| name.as_str().to_owned());
        }
        self.files.insert(folded, name.as_str().to_owned());
        Ok(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(names: &[&str]) -> Result<Sources, InvalidSources> {
        Sources::of_files(names.iter().map(|name| ((*name).to_owned(), b"x".to_vec())).collect())
    }

    fn refusal(names: &[&str]) -> String {
        of(names).unwrap_err().to_string()
    }

    #[test]
    fn the_first_file_is_the_entry() {
        let sources = of(&["app.py", "lib/a.py", "lib/b.py", "data.txt"]).unwrap();
        assert_eq!(sources.entry_name().map(FileName::as_str), Some("app.py"));
        assert_eq!(sources.source_code(), "x");
        assert_eq!(
            sources.others().iter().map(|file| file.name.as_str()).collect::<Vec<_>>(),
            ["lib/a.py", "lib/b.py", "data.txt"]
        );
        assert_eq!(sources.bytes(), 4);
    }

    #[test]
    fn two_files_never_share_a_name() {
        assert_eq!(refusal(&["a", "b", "a"]), r#""a" is the same as "a", upper and lower case aside"#);
        assert_eq!(refusal(&["a/B.py", "A/b.py"]), r#""A/b.py" is the same as "a/B.py", upper and lower case aside"#);
        assert_eq!(refusal(&["É", "é"]), r#""é" is the same as "É", upper and lower case aside"#);
    }

    #[test]
    fn no_file_is_a_directory_as_well() {
        for names in [["a", "a/b"], ["a/b/c", "A"], ["a/b", "a/B/c"]] {
            assert!(refusal(&names).contains("a file and a directory"), "{names:?}");
        }
    }

    #[test]
    fn a_bad_name_comes_with_its_place() {
        assert!(matches!(of(&["a", "../b"]), Err(InvalidSources::Name { index: 1, name, .. }) if name == "../b"));
    }

    #[test]
    fn number_and_size_have_limits() {
        let names: Vec<_> = (0..=MAX_FILES).map(|number| number.to_string()).collect();
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        assert!(of(&names[1..]).is_ok());
        assert_eq!(of(&names), Err(InvalidSources::TooMany(MAX_FILES + 1)));
        assert_eq!(of(&[]), Err(InvalidSources::Empty));
        let large = |bytes| Sources::of_files(vec![("a".to_owned(), b"x".to_vec()), ("b".to_owned(), vec![0; bytes])]);
        assert!(large(MAX_FILES_BYTES - 2).is_ok());
        assert_eq!(large(MAX_FILES_BYTES - 1), Err(InvalidSources::TooLarge(MAX_FILES_BYTES + 1)));
    }

    #[test]
    fn the_entry_has_no_byte_order_mark() {
        let marked = "\u{feff}print('\u{feff}')";
        let code = "print('\u{feff}')";
        assert_eq!(Sources::single(marked).unwrap().source_code(), code);
        let files = vec![("a".to_owned(), marked.as_bytes().to_vec()), ("b".to_owned(), marked.as_bytes().to_vec())];
        let sources = Sources::of_files(files).unwrap();
        assert_eq!(sources.source_code(), code);
        assert_eq!(sources.others()[0].content, marked.as_bytes(), "whoever sends bytes means them");
        let longest = format!("\u{feff}{}", "a".repeat(MAX_SOURCE_BYTES));
        assert_eq!(Sources::single(longest).map(|sources| sources.bytes()), Ok(MAX_SOURCE_BYTES));
    }

    #[test]
    fn the_entry_is_text() {
        let entry = |content: &[u8]| Sources::of_files(vec![("a".to_owned(), content.to_vec())]);
        assert_eq!(entry(b"\xff"), Err(InvalidSources::SourceNotText));
        assert_eq!(entry(b"a\0"), Err(InvalidSources::SourceNotText));
        assert_eq!(Sources::single("a\0"), Err(InvalidSources::SourceNotText));
        let long = "a".repeat(MAX_SOURCE_BYTES + 1);
        assert_eq!(Sources::single(&long[1..]).map(|sources| sources.bytes()), Ok(MAX_SOURCE_BYTES));
        assert_eq!(Sources::single(long), Err(InvalidSources::SourceTooLarge(MAX_SOURCE_BYTES + 1)));
    }
}
