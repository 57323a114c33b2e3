//! The columns that hold environment and limits of a request.

use std::collections::BTreeMap;

use runbay_model::Environment;
use runbay_model::LimitOverrides;

use super::document::damaged;
use super::document::document;
use super::document::read;
use crate::StoreError;

const ENVIRONMENT: &str = "executions.environment";
const LIMITS: &str = "executions.limits";

/// Returns the variables as a JSON object. Returns none when there are none.
pub(crate) fn environment_document(environment: &Environment) -> Option<String> {
    (!environment.is_empty()).then(|| document(environment.variables()))
}

/// Reads variables.
pub(crate) fn read_environment(text: Option<&str>) -> Result<Environment, StoreError> {
    let Some(text) = text else { return Ok(Environment::default()) };
    Environment::new(read(ENVIRONMENT, text)?).map_err(|error| damaged(ENVIRONMENT, error))
}

/// Returns the chosen limits as a JSON object. Returns none when none was chosen.
pub(crate) fn limits_document(limits: &LimitOverrides) -> Option<String> {
    let given: BTreeMap<_, _> = limits.given().collect();
    (!given.is_empty()).then(|| document(&given))
}

/// Reads limits. Fails on an unknown limit, because this program could not keep it.
pub(crate) fn read_limits(text: Option<&str>) -> Result<LimitOverrides, StoreError> {
    let mut limits = LimitOverrides::default();
    let Some(text) = text else { return Ok(limits) };
    for (name, value) in read::<BTreeMap<String, u64>>(LIMITS, text)? {
        if !limits.set(&name, value) {
            return Err(damaged(LIMITS, format_args!("{name:?} is no limit")));
        }
    }
    Ok(limits)
}
