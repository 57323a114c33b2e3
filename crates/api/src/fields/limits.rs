//! `limits`

use std::collections::HashSet;
use std::fmt;

use runbay_model::LimitOverrides;
use runbay_model::LimitRanges;
use serde::Deserialize;
use serde::Deserializer;
use serde::de::Error;
use serde::de::IgnoredAny;
use serde::de::MapAccess;
use serde::de::SeqAccess;
use serde::de::Visitor;

use super::shortened::shortened;
use crate::problem::Code;
use crate::problem::Problem;

/// The most entries that are read: more than there are limits, so that each wrong one is named, and few enough for one
/// answer.
const MAX_ENTRIES: usize = 32;

/// Limits as they were sent, right or wrong.
#[derive(Debug, Default)]
pub(crate) struct ChosenLimits(Vec<(String, Choice)>);

impl ChosenLimits {
    /// Checks the limits; the problem names every wrong one.
    pub(crate) fn read(self, ranges: &LimitRanges) -> Result<LimitOverrides, Problem> {
        let mut overrides = LimitOverrides::default();
        let mut seen = HashSet::new();
        let mut wrong = Vec::new();
        for (name, Choice(value)) in &self.0 {
            let field = format!("limits.{}", shortened(name));
            if !seen.insert(name) {
                wrong.push((field, "must be there once".to_owned()));
                continue;
            }
            match ranges.check(name, *value) {
                Ok(value) => {
                    overrides.set(name, value);
                }
                Err(error) => wrong.push((field, error.to_string())),
            }
        }
        if wrong.is_empty() {
            return Ok(overrides);
        }
        let problem = Problem::new(Code::InvalidBody);
        Err(wrong.into_iter().fold(problem, |problem, (field, error)| problem.field(&field, error)))
    }
}

impl<'de> Deserialize<'de> for ChosenLimits {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Reading)
    }
}

struct Reading;

impl<'de> Visitor<'de> for Reading {
    type Value = ChosenLimits;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of limits")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<ChosenLimits, A::Error> {
        let mut limits = Vec::new();
        while let Some(entry) = members.next_entry()? {
            if limits.len() == MAX_ENTRIES {
                return Err(A::Error::custom(format_args!("has more than {MAX_ENTRIES} entries")));
            }
            limits.push(entry);
        }
        Ok(ChosenLimits(limits))
    }
}

/// A value of any kind; none if it is not an integer from 0 on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Choice(Option<u64>);

impl<'de> Deserialize<'de> for Choice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Choosing)
    }
}

struct Choosing;

impl<'de> Visitor<'de> for Choosing {
    type Value = Choice;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_u64<E>(self, value: u64) -> Result<Choice, E> {
        Ok(Choice(Some(value)))
    }

    fn visit_i64<E>(self, _value: i64) -> Result<Choice, E> {
        Ok(Choice(None))
    }

    fn visit_f64<E>(self, _value: f64) -> Result<Choice, E> {
        Ok(Choice(None))
    }

    fn visit_bool<E>(self, _value: bool) -> Result<Choice, E> {
        Ok(Choice(None))
    }

    fn visit_str<E>(self, _value: &str) -> Result<Choice, E> {
        Ok(Choice(None))
    }

    fn visit_unit<E>(self) -> Result<Choice, E> {
        Ok(Choice(None))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Choice, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Choice(None))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Choice, A::Error> {
        while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Choice(None))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<LimitOverrides, Vec<String>> {
        let limits: ChosenLimits = serde_json::from_str(text).unwrap();
        limits.read(&LimitRanges::default()).map_err(|problem| {
            assert_eq!(problem.code(), Code::InvalidBody);
            problem.details().to_vec()
        })
    }

    #[test]
    fn limits_in_their_ranges_are_taken() {
        let overrides = read(r#"{"wall_time_ms":100,"memory_bytes":1073741824}"#).unwrap();
        assert_eq!(overrides.given().collect::<Vec<_>>(), [("wall_time_ms", 100), ("memory_bytes", 1_073_741_824)]);
        assert_eq!(read("{}"), Ok(LimitOverrides::default()));
    }

    #[test]
    fn whatever_is_no_integer_in_the_range_is_refused() {
        for value in [
            "0",
            "-1",
            "99",
            "30001",
            "5.5",
            "5000.0",
            "1e3",
            "1e308",
            "-1e308",
            "18446744073709551615",
            "18446744073709551616",
            "\"5\"",
            "\"\"",
            "null",
            "true",
            "[]",
            "[5000]",
            "{}",
            r#"{"a":[1]}"#,
        ] {
            let complaint = "limits.wall_time_ms: must be an integer from 100 to 30000".to_owned();
            assert_eq!(read(&format!(r#"{{"wall_time_ms":{value}}}"#)), Err(vec![complaint]), "{value}");
        }
    }

    #[test]
    fn all_that_is_wrong_is_named() {
        let wrong = read(r#"{"inodes":0,"wall_time_ms":500,"speed":1,"wall_time_ms":500,"processes":257}"#);
        let wrong = wrong.unwrap_err();
        assert_eq!(wrong[0], "limits.inodes: must be an integer from 256 to 16384");
        assert!(wrong[1].starts_with("limits.speed: is no limit; there are wall_time_ms, "), "{wrong:?}");
        assert_eq!(wrong[2], "limits.wall_time_ms: must be there once");
        assert_eq!(wrong[3], "limits.processes: must be an integer from 1 to 256");
        assert_eq!(wrong.len(), 4);
    }

    #[test]
    fn endless_lists_end_early() {
        let entries: Vec<_> = (0..1000).map(|number| format!(r#""l{number}":1"#)).collect();
        let error = serde_json::from_str::<ChosenLimits>(&format!("{{{}}}", entries.join(","))).unwrap_err();
        assert!(error.to_string().starts_with("has more than 32 entries"), "{error}");
    }
}
