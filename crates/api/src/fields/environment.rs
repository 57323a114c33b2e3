//! `env`

use std::collections::BTreeMap;
use std::fmt;

use runbay_model::Environment;
use runbay_model::InvalidEnvironment;
use runbay_model::MAX_VARIABLES;
use serde::Deserialize;
use serde::Deserializer;
use serde::de::Error;
use serde::de::IgnoredAny;
use serde::de::MapAccess;
use serde::de::Visitor;

use super::shortened::shortened;
use crate::problem::Code;
use crate::problem::Problem;

/// Variables as they were sent.
#[derive(Debug, Default)]
pub(crate) struct Variables {
    /// The first variables, up to one more than the limit allows.
    kept: BTreeMap<String, String>,
    /// How many variables were sent.
    count: usize,
}

impl Variables {
    /// Checks the variables.
    pub(crate) fn read(self) -> Result<Environment, Problem> {
        let refuse = |code, error| Err(Problem::new(code).field("env", error));
        if self.count > MAX_VARIABLES {
            return refuse(Code::EnvironmentTooLarge, InvalidEnvironment::TooMany(self.count));
        }
        Environment::new(self.kept).or_else(|error| match error {
            InvalidEnvironment::TooMany(_) | InvalidEnvironment::TooLarge(_) => {
                refuse(Code::EnvironmentTooLarge, error)
            }
            InvalidEnvironment::Name(name) => refuse(Code::InvalidBody, InvalidEnvironment::Name(shortened(&name))),
            InvalidEnvironment::Value(name) => refuse(Code::InvalidBody, InvalidEnvironment::Value(shortened(&name))),
        })
    }
}

impl<'de> Deserialize<'de> for Variables {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Reading)
    }
}

struct Reading;

impl<'de> Visitor<'de> for Reading {
    type Value = Variables;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object whose members are strings")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Variables, A::Error> {
        let mut variables = Variables::default();
        while variables.count <= MAX_VARIABLES {
            let Some((name, value)) = members.next_entry::<String, String>()? else {
                return Ok(variables);
            };
            if variables.kept.contains_key(&name) {
                return Err(A::Error::custom(format_args!("must have {:?} once", shortened(&name))));
            }
            variables.kept.insert(name, value);
            variables.count += 1;
        }
        while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {
            variables.count += 1;
        }
        Ok(variables)
    }
}

#[cfg(test)]
mod tests {
    use runbay_model::MAX_VARIABLE_BYTES;
    use serde_json::json;

    use super::*;

    fn refusal(env: &serde_json::Value) -> (Code, String) {
        let variables: Variables = serde_json::from_value(env.clone()).unwrap();
        let problem = variables.read().unwrap_err();
        (problem.code(), problem.details()[0].clone())
    }

    #[test]
    fn variables_are_kept_by_name() {
        let variables: Variables = serde_json::from_str(r#"{"A":"1","B":""}"#).unwrap();
        let environment = variables.read().unwrap();
        assert_eq!(environment.variables().get("A").map(String::as_str), Some("1"));
        assert_eq!(environment.variables().len(), 2);
    }

    #[test]
    fn a_wrong_name_is_quoted_but_not_in_full() {
        let rule = "must have letters, digits and underscores only, and not start with a digit";
        assert_eq!(refusal(&json!({"1A": ""})), (Code::InvalidBody, format!(r#"env: "1A" {rule}"#)));
        assert_eq!(refusal(&json!({"A\nB": ""})).1, format!(r#"env: "A\nB" {rule}"#));
        let long = format!("{}-", "A".repeat(9_000));
        assert_eq!(refusal(&json!({long: ""})).1, format!(r#"env: "{}…" {rule}"#, "A".repeat(80)));
        assert_eq!(refusal(&json!({"A": "\0"})).1, r#"env: "A" must not have the character U+0000 in its value"#);
    }

    #[test]
    fn number_and_size_have_limits() {
        let many = |count| (0..count).map(|number| (format!("V{number}"), json!(""))).collect();
        let (code, complaint) = refusal(&serde_json::Value::Object(many(MAX_VARIABLES + 1)));
        assert_eq!(
            (code, complaint.as_str()),
            (Code::EnvironmentTooLarge, "env: has 65 entries, at most 64 are allowed")
        );
        assert_eq!(refusal(&serde_json::Value::Object(many(5_000))).1, "env: has 5000 entries, at most 64 are allowed");
        let (code, complaint) = refusal(&json!({"A": "v".repeat(MAX_VARIABLE_BYTES)}));
        assert_eq!(
            (code, complaint.as_str()),
            (Code::EnvironmentTooLarge, "env: has 16385 bytes, at most 16384 are allowed")
        );
    }

    #[test]
    fn a_name_is_there_once() {
        let error = serde_json::from_str::<Variables>(r#"{"A":"1","A":"1"}"#).unwrap_err().to_string();
        assert!(error.starts_with(r#"must have "A" once"#), "{error}");
    }
}
