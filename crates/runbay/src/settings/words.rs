//! Values as people write them: in flags and variables as text, in a file as text or as what TOML has for them.

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;
use serde::Deserializer;
use serde::de;

/// Reads a whole number in a flag or variable; an error says so in words.
pub(super) fn whole_number<T: FromStr>(text: &str) -> Result<T, String> {
    let text = text.trim();
    text.parse().map_err(|_| {
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            "it must be a whole number, such as 8".to_owned()
        } else {
            "the number is too large".to_owned()
        }
    })
}

/// Reads a list in a file: `["a", "b"]`, or `"a,b"` as in a variable.
pub(super) fn list<'de, D: Deserializer<'de>, T: FromStr<Err: fmt::Display>>(file: D) -> Result<Vec<T>, D::Error> {
    let written = match OneOrMany::deserialize(file)? {
        OneOrMany::One(text) => text.split(',').map(str::to_owned).collect(),
        OneOrMany::Many(entries) => entries,
    };
    let entries = written.iter().map(|entry| entry.trim()).filter(|entry| !entry.is_empty());
    entries.map(|entry| entry.parse().map_err(de::Error::custom)).collect()
}

/// Returns the entries of a list without blanks around them, and without those that are blank.
pub(super) fn trimmed(entries: Vec<String>) -> Vec<String> {
    let entries = entries.into_iter().map(|entry| entry.trim().to_owned());
    entries.filter(|entry| !entry.is_empty()).collect()
}

/// Reads a list in a file that may be left out.
pub(super) fn optional_list<'de, D: Deserializer<'de>>(file: D) -> Result<Option<Vec<String>>, D::Error> {
    list(file).map(Some)
}

/// Reads what is on or off in a file: `true`, or `"yes"` as in a variable.
pub(super) fn switch<'de, D: Deserializer<'de>>(file: D) -> Result<bool, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "true, false, \"yes\" or \"no\"")]
    enum Written {
        Plain(bool),
        Word(String),
    }
    let word = match Written::deserialize(file)? {
        Written::Plain(on) => return Ok(on),
        Written::Word(word) => word,
    };
    match word.trim().to_ascii_lowercase().as_str() {
        "yes" | "y" | "true" | "t" | "on" | "1" => Ok(true),
        "no" | "n" | "false" | "f" | "off" | "0" => Ok(false),
        _ => Err(de::Error::custom("expected true, false, \"yes\" or \"no\"")),
    }
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "a list of texts, such as [\"a\", \"b\"], or a text with commas")]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

/// Returns what a TOML reader says about a value, in the words of the documentation.
pub(super) fn plain(message: &str) -> String {
    let wrong = message.strip_prefix("invalid type: ").or_else(|| message.strip_prefix("invalid value: "));
    let Some((found, expected)) = wrong.and_then(|rest| rest.rsplit_once(", expected ")) else {
        return match message.strip_prefix("expected ") {
            Some(expected) => format!("must be {expected}"),
            None => message.to_owned(),
        };
    };
    let expected = match expected {
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number from 0 on",
        "a string" | "path string" => "a text in quotes",
        "a boolean" => "true or false",
        other => other,
    };
    // The value itself stays out of it: it may be a password.
    let found = found.split([' ', '`', '"']).next().unwrap_or_default();
    let found = match found {
        "string" => "a text",
        "integer" | "floating" => "this number",
        "boolean" => "true or false",
        "sequence" => "a list",
        "map" => "a table",
        other => other,
    };
    format!("must be {expected}, not {found}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    struct Written {
        #[serde(default, deserialize_with = "list")]
        names: Vec<String>,
        #[serde(default, deserialize_with = "switch")]
        on: bool,
    }

    fn written(text: &str) -> Result<Written, String> {
        toml::from_str(text).map_err(|error| plain(error.message()))
    }

    #[test]
    fn a_list_has_two_forms() {
        for text in ["names = [\"a\", \"b\"]", "names = \"a,b\"", "names = \" a , b, \""] {
            assert_eq!(written(text).unwrap().names, ["a", "b"], "{text}");
        }
        assert!(written("names = \"\"").unwrap().names.is_empty());
        assert!(written("names = 3").unwrap_err().contains("a list of texts"));
    }

    #[test]
    fn a_switch_is_on_or_off_in_both_forms() {
        for text in ["true", "\"yes\"", "\"on\"", "\"TRUE\"", "\"1\""] {
            assert!(written(&format!("on = {text}")).unwrap().on, "{text}");
        }
        for text in ["false", "\"no\"", "\"off\""] {
            assert!(!written(&format!("on = {text}")).unwrap().on, "{text}");
        }
        assert_eq!(written("on = \"maybe\"").unwrap_err(), "must be true, false, \"yes\" or \"no\"");
    }

    #[test]
    fn a_number_that_is_none_is_said_to_be_none() {
        assert_eq!(whole_number::<usize>(" 8 "), Ok(8));
        for text in ["", "-1", "1.5", "ten", "1e3"] {
            assert_eq!(whole_number::<usize>(text).unwrap_err(), "it must be a whole number, such as 8", "{text}");
        }
        assert_eq!(whole_number::<u32>("99999999999").unwrap_err(), "the number is too large");
    }

    #[test]
    fn words_of_the_reader_become_words_of_the_documentation() {
        for (message, words) in [
            ("invalid type: boolean `true`, expected usize", "must be a whole number from 0 on, not true or false"),
            ("invalid value: integer `-3`, expected u32", "must be a whole number from 0 on, not this number"),
            ("invalid type: string \"a, expected b\", expected a boolean", "must be true or false, not a text"),
            ("invalid type: sequence, expected a string", "must be a text in quotes, not a list"),
            ("unknown field `a`", "unknown field `a`"),
        ] {
            assert_eq!(plain(message), words);
        }
    }
}
