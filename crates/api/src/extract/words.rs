//! What serde complains about, in words for people who know JSON and not this program.
//!
//! serde hands its complaints over as texts, whose form follows from the methods of `serde::de::Error`. A text of any
//! other form is a complaint of our own and stays as it is.

use std::borrow::Cow;

use runbay_model::nearest_name;

/// What is wrong with a field.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Complaint<'a> {
    /// The member that is meant, where the complaint was raised for the object around it.
    pub(super) member: Option<&'a str>,
    /// What is wrong.
    pub(super) message: String,
}

/// Says in other words what serde complains about.
pub(super) fn complaint(text: &str) -> Complaint<'_> {
    if let Some(member) = text.strip_prefix("missing field `") {
        return Complaint { member: member.strip_suffix('`'), message: "is missing".to_owned() };
    }
    if let Some(member) = text.strip_prefix("duplicate field `") {
        return Complaint {
            member: member.strip_suffix('`'),
            message: "must be there once, under one name".to_owned(),
        };
    }
    Complaint { member: None, message: message(text) }
}

fn message(text: &str) -> String {
    // Names and texts of the client stand before what was expected, which is ours.
    if let Some((name, known)) = split(text, "unknown field `", "`, expected ") {
        return unknown("field", name, &quoted(known));
    }
    if let Some((word, known)) = split(text, "unknown variant `", "`, expected ") {
        let known = quoted(known);
        let meant = nearest_name(word, known.iter().copied());
        let question = meant.map(|meant| format!("; did you mean {meant}?"));
        return format!("must be {}{}", one_of(&known), question.unwrap_or_default());
    }
    if let Some((found, expected)) =
        split(text, "invalid type: ", ", expected ").or_else(|| split(text, "invalid value: ", ", expected "))
    {
        return format!("must be {}, not {}", wanted(expected), given(found));
    }
    text.to_owned()
}

/// Says that a name is none of those that are known, and which one was probably meant.
pub(crate) fn unknown(kind: &str, name: &str, known: &[&str]) -> String {
    match nearest_name(name, known.iter().copied()) {
        Some(meant) => format!("is no {kind} here; did you mean {meant}?"),
        None if known.is_empty() => format!("is no {kind} here; there are none"),
        None => format!("is no {kind} here; there are {}", known.join(", ")),
    }
}

/// Returns our words for what serde expected.
pub(super) fn wanted(expected: &str) -> Cow<'_, str> {
    match expected {
        "a boolean" => Cow::Borrowed("true or false"),
        "u8" | "u16" | "u32" | "u64" | "usize" => Cow::Borrowed("an integer from 0 on"),
        "a nonzero u32" | "a nonzero u64" => Cow::Borrowed("an integer from 1 on"),
        "a sequence" => Cow::Borrowed("a list"),
        "a map" => Cow::Borrowed("an object"),
        _ if expected.starts_with("struct ") => Cow::Borrowed("an object"),
        _ => Cow::Borrowed(expected),
    }
}

/// Returns our words for what serde found.
fn given(found: &str) -> &str {
    match found {
        "unit value" | "Option value" => "null",
        "sequence" => "a list",
        "map" => "an object",
        _ if found.starts_with("string ") => "a string",
        // Such as: integer `5`
        _ => found.split('`').nth(1).unwrap_or(found),
    }
}

fn split<'a>(text: &'a str, start: &str, middle: &str) -> Option<(&'a str, &'a str)> {
    text.strip_prefix(start)?.rsplit_once(middle)
}

/// Returns the names that serde lists, such as: one of `a`, `b`
fn quoted(names: &str) -> Vec<&str> {
    names.split('`').skip(1).step_by(2).collect()
}

fn one_of(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [word] => (*word).to_owned(),
        [words @ .., last] => format!("{} or {last}", words.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde::de::Error as _;
    use serde::de::Unexpected;
    use serde::de::value::Error;

    use super::*;

    const KNOWN: &[&str] = &["source_code", "files", "wait_ms"];

    fn said(error: &Error) -> String {
        complaint(&error.to_string()).message
    }

    #[test]
    fn every_complaint_of_serde_is_translated() {
        assert_eq!(said(&Error::unknown_field("souce_code", KNOWN)), "is no field here; did you mean source_code?");
        let listed = "is no field here; there are source_code, files, wait_ms";
        assert_eq!(said(&Error::unknown_field("x", KNOWN)), listed);
        assert_eq!(said(&Error::unknown_field("`, expected `y`", KNOWN)), listed);
        assert_eq!(said(&Error::unknown_field("x", &["a", "b"])), "is no field here; there are a, b");
        assert_eq!(said(&Error::unknown_variant("x", &["a"])), "must be a");
        assert_eq!(said(&Error::unknown_variant("x", &["a", "b", "c"])), "must be a, b or c");
        assert_eq!(said(&Error::unknown_variant("TEXT", &["text", "b"])), "must be text or b; did you mean text?");
        assert_eq!(said(&Error::invalid_type(Unexpected::Unsigned(5), &"a string")), "must be a string, not 5");
        assert_eq!(said(&Error::invalid_type(Unexpected::Float(1.5), &"u64")), "must be an integer from 0 on, not 1.5");
        assert_eq!(said(&Error::invalid_type(Unexpected::Unit, &"struct Body")), "must be an object, not null");
        assert_eq!(said(&Error::invalid_type(Unexpected::Seq, &"a boolean")), "must be true or false, not a list");
        let quoting = Unexpected::Str("a, expected b");
        assert_eq!(said(&Error::invalid_value(quoting, &"an object")), "must be an object, not a string");
        for (error, message) in [
            (Error::missing_field("content"), "is missing"),
            (Error::duplicate_field("content"), "must be there once, under one name"),
        ] {
            assert_eq!(
                complaint(&error.to_string()),
                Complaint { member: Some("content"), message: message.to_owned() }
            );
        }
    }

    #[test]
    fn complaints_of_our_own_stay() {
        assert_eq!(said(&Error::custom("must be high, normal or low")), "must be high, normal or low");
    }

    #[test]
    fn derived_code_complains_in_the_same_form() {
        #[derive(Debug, Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Body {
            #[expect(dead_code, reason = "only its type is of interest")]
            version: std::num::NonZeroU64,
        }
        for (text, message) in [
            (r#"{"versoin":1}"#, "is no field here; did you mean version?"),
            (r#"{"version":0}"#, "must be an integer from 1 on, not 0"),
            (r#"{"version":-1}"#, "must be an integer from 1 on, not -1"),
            ("5", "must be an object, not 5"),
        ] {
            let error = serde_json::from_str::<Body>(text).unwrap_err();
            let error = error.to_string();
            let said = complaint(error.split(" at line").next().unwrap()).message;
            assert_eq!(said, message, "{text}");
        }
    }
}
