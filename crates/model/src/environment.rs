//! Variables that a request adds to the environment of its program.

use std::collections::BTreeMap;

use crate::MAX_VARIABLE_BYTES;
use crate::MAX_VARIABLES;

/// Variables that a request adds to the environment of its program.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Environment(BTreeMap<String, String>);

/// Why variables cannot be in an environment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidEnvironment {
    /// There are too many.
    #[error("has {0} entries, at most {MAX_VARIABLES} are allowed")]
    TooMany(usize),
    /// Names and values together are too large.
    #[error("has {0} bytes, at most {MAX_VARIABLE_BYTES} are allowed")]
    TooLarge(usize),
    /// A name is not valid.
    #[error("{0:?} must have letters, digits and underscores only, and not start with a digit")]
    Name(String),
    /// A value has a NUL. It would end the value for every program.
    #[error("{0:?} must not have the character U+0000 in its value")]
    Value(String),
}

impl Environment {
    /// Checks variables as they were sent.
    ///
    /// # Errors
    ///
    /// [`InvalidEnvironment`] names the variable and what is wrong with it.
    pub fn new(variables: BTreeMap<String, String>) -> Result<Self, InvalidEnvironment> {
        if variables.len() > MAX_VARIABLES {
            return Err(InvalidEnvironment::TooMany(variables.len()));
        }
        let bytes = variables.iter().map(|(name, value)| name.len() + value.len()).sum();
        if bytes > MAX_VARIABLE_BYTES {
            return Err(InvalidEnvironment::TooLarge(bytes));
        }
        for (name, value) in &variables {
            if !is_name(name) {
                return Err(InvalidEnvironment::Name(name.clone()));
            }
            if value.contains('\0') {
                return Err(InvalidEnvironment::Value(name.clone()));
            }
        }
        Ok(Self(variables))
    }

    /// Returns the variables by name.
    #[must_use]
    pub fn variables(&self) -> &BTreeMap<String, String> {
        &self.0
    }

    /// Returns whether there are no variables.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Returns whether a name is one that all shells and libraries accept (POSIX, "Environment Variables").
fn is_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|first: char| first.is_ascii_digit())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(variables: &[(&str, &str)]) -> Result<Environment, InvalidEnvironment> {
        Environment::new(variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn ordinary_variables_are_kept() {
        let environment = of(&[("A_1", "x=y\n"), ("_", ""), ("lower", "ž")]).unwrap();
        assert_eq!(environment.variables().get("A_1").map(String::as_str), Some("x=y\n"));
    }

    #[test]
    fn what_no_program_can_have_is_named() {
        for name in ["", "1A", "A=B", "A B", "Ä", "A\0", "A-B"] {
            assert_eq!(of(&[("B", ""), (name, "")]), Err(InvalidEnvironment::Name(name.to_owned())));
        }
        assert_eq!(of(&[("A", "\0")]), Err(InvalidEnvironment::Value("A".to_owned())));
    }

    #[test]
    fn number_and_size_have_limits() {
        let many: Vec<_> = (0..=MAX_VARIABLES).map(|number| format!("V{number}")).collect();
        let many: Vec<_> = many.iter().map(|name| (name.as_str(), "")).collect();
        assert!(of(&many[1..]).is_ok());
        assert_eq!(of(&many), Err(InvalidEnvironment::TooMany(MAX_VARIABLES + 1)));
        let value = "v".repeat(MAX_VARIABLE_BYTES);
        assert_eq!(of(&[("A", &value)]), Err(InvalidEnvironment::TooLarge(MAX_VARIABLE_BYTES + 1)));
        assert!(of(&[("A", &value[1..])]).is_ok());
    }
}
