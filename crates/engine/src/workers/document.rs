//! The document in which a worker lists the languages that it serves.
//!
//! Programs of other versions read and write it as well: missing members have a default, and unknown ones are ignored.

use runbay_model::Catalog;
use runbay_model::Language;
use runbay_model::LanguageId;
use runbay_model::Limits;
use serde::Deserialize;
use serde::Serialize;
use serde_json::Map;
use serde_json::Value;

#[derive(Serialize, Deserialize)]
struct Entry {
    id: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    aliases: Vec<String>,
    #[serde(default)]
    version: String,
    #[serde(default)]
    template: String,
    #[serde(default)]
    entry: String,
    #[serde(default)]
    is_compiled: bool,
    #[serde(default)]
    has_checker: bool,
    #[serde(default)]
    has_repl: bool,
    #[serde(default)]
    limits: Map<String, Value>,
}

/// Writes the document.
pub(crate) fn document(catalog: &Catalog) -> String {
    let entries: Vec<_> = catalog.languages().iter().map(Entry::from).collect();
    serde_json::to_string(&entries).expect("texts and numbers can be written")
}

/// Reads a document. Leaves out what it cannot understand.
pub(crate) fn languages(document: &str) -> Vec<Language> {
    let entries: Vec<Value> = serde_json::from_str(document).unwrap_or_default();
    entries.into_iter().filter_map(|entry| serde_json::from_value(entry).ok()).map(Entry::into_language).collect()
}

impl From<&Language> for Entry {
    fn from(language: &Language) -> Self {
        Self {
            id: language.id.as_str().to_owned(),
            name: language.name.clone(),
            aliases: language.aliases.clone(),
            version: language.version.clone(),
            template: language.template.clone(),
            entry: language.entry.clone(),
            is_compiled: language.is_compiled,
            has_checker: language.has_checker,
            has_repl: language.has_repl,
            limits: numbers(&language.limits),
        }
    }
}

impl Entry {
    fn into_language(self) -> Language {
        Language {
            name: if self.name.is_empty() { self.id.clone() } else { self.name },
            id: LanguageId::new(self.id),
            aliases: self.aliases,
            version: self.version,
            template: self.template,
            entry: self.entry,
            is_compiled: self.is_compiled,
            has_checker: self.has_checker,
            has_repl: self.has_repl,
            limits: limits(self.limits),
        }
    }
}

fn numbers(limits: &Limits) -> Map<String, Value> {
    match serde_json::to_value(limits) {
        Ok(Value::Object(numbers)) => numbers,
        _ => Map::new(),
    }
}

/// Replaces the defaults by the given members.
fn limits(given: Map<String, Value>) -> Limits {
    let mut all = numbers(&Limits::default());
    all.extend(given);
    serde_json::from_value(Value::Object(all)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn python() -> Language {
        Language {
            id: LanguageId::new("python"),
            name: "Python".to_owned(),
            aliases: vec!["py".to_owned()],
            version: "3.11.2".to_owned(),
            template: "print(\"ž\")\n".to_owned(),
            entry: "main.py".to_owned(),
            is_compiled: true,
            has_checker: true,
            has_repl: true,
            limits: Limits { wall_time_ms: 7, ..Limits::default() },
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let catalog = Catalog::new(vec![python(), Language { id: LanguageId::new("go"), ..python() }]);
        assert_eq!(languages(&document(&catalog)), catalog.languages());
    }

    #[test]
    fn documents_of_other_versions_are_read_as_far_as_they_go() {
        let read =
            languages(r#"[{"id": "a", "colour": 1, "limits": {"wall_time_ms": 7, "smells": 8}}, {"name": "b"}, 3]"#);
        let expected = Language {
            id: LanguageId::new("a"),
            name: "a".to_owned(),
            aliases: Vec::new(),
            version: String::new(),
            template: String::new(),
            entry: String::new(),
            is_compiled: false,
            has_checker: false,
            has_repl: false,
            limits: Limits { wall_time_ms: 7, ..Limits::default() },
        };
        assert_eq!(read, [expected]);
        for damaged in ["", "{}", "[", "null"] {
            assert_eq!(languages(damaged), [], "{damaged}");
        }
    }
}
