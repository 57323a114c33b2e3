//! Conversion between column values and values of the model.

use std::str::FromStr;
use std::time::Duration;

use runbay_model::Timestamp;
use runbay_model::UnknownWord;

use crate::StoreError;

/// Returns the column value of a duration: whole microseconds.
pub(crate) fn micros(duration: Duration) -> i64 {
    number(duration.as_micros())
}

/// Returns the column value of a count. A count that no column can hold becomes the largest value of the column.
pub(crate) fn number(count: impl TryInto<i64>) -> i64 {
    count.try_into().unwrap_or(i64::MAX)
}

/// Reads a duration from a column.
pub(crate) fn duration(micros: i64) -> Duration {
    Duration::from_micros(u64::try_from(micros).unwrap_or(0))
}

/// Reads a count from a column.
pub(crate) fn count<T: TryFrom<i64>>(column: &str, value: i64) -> Result<T, StoreError> {
    T::try_from(value).map_err(|_| StoreError::Damaged(format!("{column} is {value}")))
}

/// Reads a point in time from a column.
pub(crate) fn moment(micros: Option<i64>) -> Option<Timestamp> {
    micros.map(Timestamp::from_micros)
}

/// Reads a word of a fixed list from a column.
pub(crate) fn word<T: FromStr<Err = UnknownWord>>(column: &str, text: &str) -> Result<T, StoreError> {
    text.parse().map_err(|error: UnknownWord| StoreError::Damaged(format!("{column}: {error}")))
}
