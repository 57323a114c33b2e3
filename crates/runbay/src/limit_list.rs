//! Limits as an operator writes them: `wall_time_ms=60000,memory_bytes=1073741824`, or a table in a file.

use std::fmt;
use std::str::FromStr;

use runbay_model::LimitOverrides;
use runbay_model::LimitRanges;
use runbay_model::Limits;
use serde::Deserialize;
use serde::Deserializer;
use serde::de;
use serde::de::MapAccess;
use serde::de::Visitor;
use serde::de::value::MapAccessDeserializer;

/// By which factor an operator may raise the highest value of a limit.
const HIGHEST_FACTOR: u64 = 100;

/// Some limits by name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct LimitList(pub(crate) LimitOverrides);

/// What an operator decides about limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LimitSettings {
    /// The limits where neither language nor request has others.
    pub(crate) default: Limits,
    /// The values that requests may choose.
    pub(crate) ranges: LimitRanges,
}

impl FromStr for LimitList {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut limits = LimitOverrides::default();
        for setting in text.split(',') {
            let (name, value) = setting.split_once('=').ok_or_else(|| format!("{setting:?} is not like name=value"))?;
            let name = name.trim();
            let value = value.trim().parse().map_err(|_| format!("{name} must be an integer from 0 on"))?;
            if limits.given().any(|(given, _)| given == name) {
                return Err(format!("{name} is given twice"));
            }
            if !limits.set(name, value) {
                return Err(format!("there is no limit {name:?}; there are {}", Limits::NAMES.join(", ")));
            }
        }
        Ok(Self(limits))
    }
}

impl<'de> Deserialize<'de> for LimitList {
    fn deserialize<D: Deserializer<'de>>(file: D) -> Result<Self, D::Error> {
        file.deserialize_any(Written)
    }
}

/// Reads a list in a file: a table, or the text of a flag.
struct Written;

impl<'de> Visitor<'de> for Written {
    type Value = LimitList;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table of limits, or a text such as \"wall_time_ms=2000,processes=32\"")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<LimitList, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_map<A: MapAccess<'de>>(self, table: A) -> Result<LimitList, A::Error> {
        LimitOverrides::deserialize(MapAccessDeserializer::new(table)).map(LimitList)
    }
}

impl LimitList {
    /// Checks that these limits are in their ranges; `what` names the setting in errors.
    pub(crate) fn check(self, what: &str, ranges: &LimitRanges) -> anyhow::Result<LimitOverrides> {
        for (name, value) in self.0.given() {
            if let Err(problem) = ranges.check(name, Some(value)) {
                anyhow::bail!("{what}: {name} {problem}");
            }
        }
        Ok(self.0)
    }
}

impl LimitSettings {
    /// Checks what an operator chose.
    pub(crate) fn new(default: LimitList, most: LimitList) -> anyhow::Result<Self> {
        let most = most.check("max_limits", &LimitRanges { least: Limits::LEAST, most: highest() })?;
        let ranges = LimitRanges { most: Limits::MOST.overridden_by(&most), ..LimitRanges::default() };
        let default = default.check("default_limits", &ranges)?;
        Ok(Self { default: Limits::default().overridden_by(&default), ranges })
    }
}

/// Returns the values that no operator may exceed, as kernels refuse numbers that are far out.
fn highest() -> Limits {
    let mut highest = LimitOverrides::default();
    for (name, most) in Limits::NAMES.iter().filter_map(|name| Some((name, Limits::MOST.get(name)?))) {
        highest.set(name, most.saturating_mul(HIGHEST_FACTOR));
    }
    Limits::MOST.overridden_by(&highest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(default: &str, most: &str) -> Result<LimitSettings, String> {
        let parse = |text: &str| if text.is_empty() { Ok(LimitList::default()) } else { text.parse() };
        LimitSettings::new(parse(default)?, parse(most)?).map_err(|error| format!("{error:#}"))
    }

    #[test]
    fn a_list_sets_what_it_names() {
        let settings = settings("wall_time_ms=60000", "wall_time_ms=60000, inodes=300").unwrap();
        assert_eq!(settings.default, Limits { wall_time_ms: 60_000, ..Limits::default() });
        assert_eq!(settings.ranges.most, Limits { wall_time_ms: 60_000, inodes: 300, ..Limits::MOST });
    }

    #[test]
    fn mistakes_are_named() {
        for (default, most, problem) in [
            ("wall_time_ms", "", "\"wall_time_ms\" is not like name=value"),
            ("wall_time_ms=1e9", "", "wall_time_ms must be an integer from 0 on"),
            ("wall_time_ms=-5", "", "wall_time_ms must be an integer from 0 on"),
            ("inodes=300,inodes=300", "", "inodes is given twice"),
            ("", "inodes=0", "max_limits: inodes must be an integer from 256 to 1638400"),
            ("", "processes=18446744073709551615", "max_limits: processes must be an integer from 1 to 25600"),
            ("inodes=400", "inodes=300", "default_limits: inodes must be an integer from 256 to 300"),
        ] {
            assert_eq!(settings(default, most), Err(problem.to_owned()));
        }
        assert!(
            settings("wall=5", "").unwrap_err().starts_with("there is no limit \"wall\"; there are wall_time_ms, ")
        );
    }
}
