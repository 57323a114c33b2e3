//! Languages that workers offer.

use std::fmt;

use serde::Deserialize;
use serde::Serialize;

use crate::Limits;
use crate::nearest_word;

/// The exact, lower-case name of a language, such as `python`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LanguageId(String);

impl LanguageId {
    /// Wraps an id that comes from a recipe or a row.
    #[must_use]
    pub fn new(id: impl Into<String>) -> Self {
        Self(id.into())
    }

    /// Returns the id as written in answers.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for LanguageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A language that this host can run, as clients need to know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Language {
    /// The id that answers carry.
    pub id: LanguageId,
    /// The name for people, such as `Python`.
    pub name: String,
    /// Other exact names that requests may use.
    pub aliases: Vec<String>,
    /// The version found on this host, such as `3.11.2`.
    pub version: String,
    /// The code of a session that was opened without code.
    pub template: String,
    /// The name of a program's first file when the client gives it none.
    pub entry: String,
    /// Whether its code is compiled before it is run.
    pub is_compiled: bool,
    /// Whether its code can be checked without running it.
    pub has_checker: bool,
    /// Whether it has a prompt of its own.
    pub has_repl: bool,
    /// The limits of a run in this language when the request chooses no others.
    pub limits: Limits,
}

/// The languages that are offered, in the order in which they are listed.
#[derive(Debug, Clone, Default)]
pub struct Catalog(Vec<Language>);

impl Catalog {
    /// Collects languages in the given order.
    #[must_use]
    pub fn new(languages: Vec<Language>) -> Self {
        Self(languages)
    }

    /// Returns all languages.
    #[must_use]
    pub fn languages(&self) -> &[Language] {
        &self.0
    }

    /// Finds a language by its exact id or alias.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&Language> {
        self.0
            .iter()
            .find(|language| language.id.as_str() == name || language.aliases.iter().any(|alias| alias == name))
    }

    /// Returns the id of the language that somebody probably meant: its name in other letters, or with a version.
    #[must_use]
    pub fn nearest(&self, name: &str) -> Option<&LanguageId> {
        let without_version =
            name.trim_end_matches(|character: char| character.is_ascii_digit() || " .-v".contains(character));
        let names = self.0.iter().flat_map(|language| {
            let names = [language.id.as_str(), language.name.as_str()].into_iter();
            names.chain(language.aliases.iter().map(String::as_str)).map(|name| (name, &language.id))
        });
        [name, without_version].into_iter().find_map(|name| {
            let nearest = nearest_word(name, names.clone().map(|(name, _)| name))?;
            names.clone().find(|(known, _)| *known == nearest).map(|(_, id)| id)
        })
    }

    /// Returns the language of a session that names none: Python, or the first when there is no Python.
    #[must_use]
    pub fn default_language(&self) -> Option<&Language> {
        self.find("python").or(self.0.first())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn language(id: &str, aliases: &[&str]) -> Language {
        Language {
            id: LanguageId::new(id),
            name: id.to_owned(),
            aliases: aliases.iter().map(ToString::to_string).collect(),
            version: "1".to_owned(),
            template: String::new(),
            entry: "main".to_owned(),
            is_compiled: false,
            has_checker: false,
            has_repl: false,
            limits: Limits::default(),
        }
    }

    #[test]
    fn names_are_exact() {
        let catalog = Catalog::new(vec![language("javascript", &["js", "node"])]);
        assert!(catalog.find("js").is_some());
        assert!(catalog.find("JS").is_none());
        assert!(catalog.find("").is_none());
    }

    #[test]
    fn near_misses_lead_to_the_language() {
        let mut cpp = language("cpp", &["c++"]);
        cpp.name = "C++".to_owned();
        let catalog = Catalog::new(vec![language("python", &["py", "python3"]), language("javascript", &["js"]), cpp]);
        for (name, id) in [
            ("Python", "python"),
            ("pyton", "python"),
            ("pythno", "python"),
            ("python3.11", "python"),
            ("Python 3", "python"),
            ("PY", "python"),
            ("JS", "javascript"),
            ("java-script", "javascript"),
            ("C++", "cpp"),
            ("C++17", "cpp"),
        ] {
            assert_eq!(catalog.nearest(name).map(LanguageId::as_str), Some(id), "{name}");
        }
        for name in ["", "java", "cobol", "c", "3.11", "ruby", &"python".repeat(100_000)] {
            assert_eq!(catalog.nearest(name), None, "{name:.20}");
        }
    }

    #[test]
    fn python_is_the_default_where_it_exists() {
        let both = Catalog::new(vec![language("javascript", &[]), language("python", &[])]);
        assert_eq!(both.default_language().map(|language| language.id.as_str()), Some("python"));
        let one = Catalog::new(vec![language("javascript", &[])]);
        assert_eq!(one.default_language().map(|language| language.id.as_str()), Some("javascript"));
        assert!(Catalog::default().default_language().is_none());
    }
}
