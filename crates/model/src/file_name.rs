//! Names of the files of a program.

use std::fmt;

/// The name of a file below the program's directory: words separated by slashes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileName(String);

/// Why a text is not a file name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidFileName {
    /// The name is empty or too long.
    #[error("must have 1 to {} bytes", FileName::LONGEST)]
    Length,
    /// One part is too long for the kernel.
    #[error("has a part of more than {} bytes", FileName::LONGEST_PART)]
    PartLength,
    /// The name has too many directories.
    #[error("has more than {} directories", FileName::DEEPEST)]
    Depth,
    /// The name starts with a slash.
    #[error("must not start with a slash: names are relative to the program's directory")]
    Absolute,
    /// The name has an empty part, `.` or `..`.
    #[error("must not have an empty part, \".\" or \"..\"")]
    Part,
    /// The name has a character that is not allowed.
    #[error("must not have control characters or backslashes")]
    Character,
    /// Compilers would take the name for an option.
    #[error("must not start with - or @, which compilers take for options")]
    Option,
}

impl FileName {
    /// The most bytes of a name.
    pub const LONGEST: usize = 512;

    /// The most bytes between two slashes (NAME_MAX of Linux).
    pub const LONGEST_PART: usize = 255;

    /// The most directories of a name.
    pub const DEEPEST: usize = 8;

    /// Checks a name as it was sent.
    ///
    /// # Errors
    ///
    /// [`InvalidFileName`] says what is wrong with it.
    pub fn parse(name: &str) -> Result<Self, InvalidFileName> {
        if !(1..=Self::LONGEST).contains(&name.len()) {
            return Err(InvalidFileName::Length);
        }
        if name.starts_with('/') {
            return Err(InvalidFileName::Absolute);
        }
        if name.chars().any(|character| character.is_control() || character == '\\') {
            return Err(InvalidFileName::Character);
        }
        if name.split('/').any(|part| matches!(part, "" | "." | "..")) {
            return Err(InvalidFileName::Part);
        }
        if name.split('/').any(|part| part.len() > Self::LONGEST_PART) {
            return Err(InvalidFileName::PartLength);
        }
        if name.matches('/').count() > Self::DEEPEST {
            return Err(InvalidFileName::Depth);
        }
        if name.starts_with(['-', '@']) {
            return Err(InvalidFileName::Option);
        }
        Ok(Self(name.to_owned()))
    }

    /// Returns the name as it was sent.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns what follows the last dot of the last part. Returns none when nothing does.
    #[must_use]
    pub fn extension(&self) -> Option<&str> {
        let last = self.0.rsplit('/').next().unwrap_or_default();
        last.rsplit_once('.').map(|(_, extension)| extension)
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_names_are_names() {
        for name in
            ["main.py", "a b.txt", "lib/..hidden/x", "Übung.java", "a-b@c", ".env", ".runbay/x", &"n".repeat(255)]
        {
            assert_eq!(FileName::parse(name).map(|name| name.to_string()), Ok(name.to_owned()));
        }
    }

    #[test]
    fn what_leads_elsewhere_is_none() {
        use InvalidFileName::*;
        for (name, problem) in [
            ("", Length),
            ("/etc/passwd", Absolute),
            ("../x", Part),
            ("a/../../x", Part),
            ("a//b", Part),
            ("a/", Part),
            ("./a", Part),
            ("a\nb", Character),
            ("a\0", Character),
            ("a\\b", Character),
            ("-o", Option),
            ("@args", Option),
            ("a/b/c/d/e/f/g/h/i/j", Depth),
        ] {
            assert_eq!(FileName::parse(name), Err(problem), "{name:?}");
        }
        assert_eq!(FileName::parse(&"n".repeat(256)), Err(PartLength));
        assert_eq!(FileName::parse(&"n/".repeat(300)), Err(Length));
    }

    #[test]
    fn an_extension_follows_the_last_dot() {
        let extension = |name| FileName::parse(name).unwrap().extension().map(str::to_owned);
        assert_eq!(extension("a.b/c.tar.gz").as_deref(), Some("gz"));
        assert_eq!(extension("a.b/c"), None);
    }
}
