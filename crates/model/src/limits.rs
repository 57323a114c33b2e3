//! Limits of one execution.

use serde::Deserialize;
use serde::Serialize;

use crate::nearest_name;

/// The longest source code, in bytes.
pub const MAX_SOURCE_BYTES: usize = 64 * 1024;

/// The longest standard input, in bytes.
pub const MAX_STDIN_BYTES: usize = 1024 * 1024;

/// The most command line arguments of a run.
pub const MAX_ARGUMENTS: usize = 64;

/// The most bytes of all arguments of a run together.
pub const MAX_ARGUMENT_BYTES: usize = 16 * 1024;

/// The most files of a program.
pub const MAX_FILES: usize = 64;

/// The most bytes of all files of a program together, with their names and without the code of the entry.
///
/// That code has its own limit, so that any new code fits beside the other files.
pub const MAX_FILES_BYTES: usize = 1024 * 1024;

/// The most variables that a run adds to the environment.
pub const MAX_VARIABLES: usize = 64;

/// The most bytes of all these variables together, with their names.
pub const MAX_VARIABLE_BYTES: usize = 16 * 1024;

/// The most test cases of a run.
pub const MAX_TESTS: usize = 100;

/// The most bytes of all test cases of a run together.
pub const MAX_TEST_BYTES: usize = 2 * 1024 * 1024;

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;

macro_rules! limits {
    ($($(#[$doc:meta])* $name:ident = $default:expr, from $least:expr, to $most:expr;)*) => {
        /// The limits of one execution. Every name has the unit in it, and every value is more than zero.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        pub struct Limits {
            $($(#[$doc])* pub $name: u64,)*
        }

        /// Limits that replace the defaults where they are given.
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct LimitOverrides {
            $($(#[$doc])* #[serde(default, skip_serializing_if = "Option::is_none")] pub $name: Option<u64>,)*
        }

        impl Default for Limits {
            fn default() -> Self {
                Self { $($name: $default,)* }
            }
        }

        impl Limits {
            /// The names of all limits, in the order in which they are listed.
            pub const NAMES: &[&str] = &[$(stringify!($name),)*];

            /// The least value of each limit. With less, not even an empty program would start.
            pub const LEAST: Self = Self { $($name: $least,)* };

            /// The highest value of each limit that a request may choose, unless the operator sets another.
            pub const MOST: Self = Self { $($name: $most,)* };

            /// Returns these limits, with the given ones in place of their own.
            #[must_use]
            pub fn overridden_by(self, overrides: &LimitOverrides) -> Self {
                Self { $($name: overrides.$name.unwrap_or(self.$name),)* }
            }

            /// Returns the limit with this name.
            #[must_use]
            pub fn get(&self, name: &str) -> Option<u64> {
                match name {
                    $(stringify!($name) => Some(self.$name),)*
                    _ => None,
                }
            }
        }

        impl LimitOverrides {
            /// Sets the limit with this name. Returns whether there is such a limit.
            pub fn set(&mut self, name: &str, value: u64) -> bool {
                match name {
                    $(stringify!($name) => self.$name = Some(value),)*
                    _ => return false,
                }
                true
            }

            /// Returns the limits that are given, in the order in which they are listed.
            pub fn given(&self) -> impl Iterator<Item = (&'static str, u64)> {
                [$((stringify!($name), self.$name),)*].into_iter().filter_map(|(name, value)| Some((name, value?)))
            }
        }
    };
}

limits! {
    /// Time on the wall clock for the run stage, in milliseconds.
    wall_time_ms = 5_000, from 100, to 30_000;
    /// CPU time of all processes together, in milliseconds.
    cpu_time_ms = 5_000, from 100, to 30_000;
    /// Memory of all processes and in-memory files together, in bytes.
    memory_bytes = 128 * MIB, from 16 * MIB, to 1024 * MIB;
    /// Stack of the first thread, in bytes, and of others that ask for none of their own; it counts as memory where it is
    /// used.
    stack_bytes = 8 * MIB, from 256 * KIB, to 1024 * MIB;
    /// Bytes kept of standard output; a program that writes more is stopped.
    stdout_bytes = MIB, from 1, to 4 * MIB;
    /// Bytes kept of standard error; a program that writes more is stopped.
    stderr_bytes = MIB, from 1, to 4 * MIB;
    /// Processes and threads alive at one time.
    processes = 64, from 1, to 256;
    /// Open files of one process.
    open_files = 256, from 16, to 1_024;
    /// Size of one file, in bytes.
    file_bytes = 16 * MIB, from 4 * KIB, to 256 * MIB;
    /// Size of all files together, in bytes.
    disk_bytes = 64 * MIB, from 2 * MIB, to 256 * MIB;
    /// Number of files and directories.
    inodes = 4_096, from 256, to 16_384;
    /// Time on the wall clock for the compile stage, in milliseconds.
    compile_time_ms = 10_000, from 500, to 30_000;
    /// Memory of the compile stage, in bytes.
    compile_memory_bytes = 512 * MIB, from 64 * MIB, to 1024 * MIB;
    /// Time on the wall clock for the run stage of an interactive run, in place of `wall_time_ms`, in milliseconds.
    interactive_time_ms = 600_000, from 1_000, to 3_600_000;
    /// Time in which an interactive run neither reads nor writes before it is ended, in milliseconds.
    idle_time_ms = 60_000, from 1_000, to 3_600_000;
}

/// The range of each limit that a request may choose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LimitRanges {
    /// The least value of each limit.
    pub least: Limits,
    /// The highest value of each limit.
    pub most: Limits,
}

/// Why a request may not choose a limit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidLimit {
    /// No limit has this name, but one has a similar one.
    #[error("is no limit; did you mean {0}?")]
    Misspelt(&'static str),
    /// No limit has this name.
    #[error("is no limit; there are {}", Limits::NAMES.join(", "))]
    Unknown,
    /// The value is out of its range.
    #[error("must be an integer from {least} to {most}")]
    OutOfRange {
        /// The least value.
        least: u64,
        /// The highest value.
        most: u64,
    },
}

impl Default for LimitRanges {
    fn default() -> Self {
        Self { least: Limits::LEAST, most: Limits::MOST }
    }
}

impl LimitRanges {
    /// Checks one limit of a request. `value` is none when the request has anything but an integer from 0 on.
    ///
    /// # Errors
    ///
    /// [`InvalidLimit`] says which values are allowed.
    pub fn check(&self, name: &str, value: Option<u64>) -> Result<u64, InvalidLimit> {
        let (Some(least), Some(most)) = (self.least.get(name), self.most.get(name)) else {
            let nearest = nearest_name(name, Limits::NAMES.iter().copied());
            return Err(nearest.map_or(InvalidLimit::Unknown, InvalidLimit::Misspelt));
        };
        value.filter(|value| (least..=most).contains(value)).ok_or(InvalidLimit::OutOfRange { least, most })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_given_is_replaced() {
        let overrides = LimitOverrides { memory_bytes: Some(MIB), ..LimitOverrides::default() };
        let limits = Limits::default().overridden_by(&overrides);
        assert_eq!(limits, Limits { memory_bytes: MIB, ..Limits::default() });
    }

    #[test]
    fn every_default_is_in_its_range() {
        let ranges = LimitRanges::default();
        for name in Limits::NAMES {
            assert!(ranges.check(name, Limits::default().get(name)).is_ok(), "{name}");
        }
    }

    #[test]
    fn what_is_out_of_range_is_refused_with_the_range() {
        let refusal = |name, value| LimitRanges::default().check(name, value).unwrap_err().to_string();
        for value in [None, Some(0), Some(99), Some(30_001), Some(u64::MAX)] {
            assert_eq!(refusal("wall_time_ms", value), "must be an integer from 100 to 30000", "{value:?}");
        }
        assert!(refusal("speed", Some(1)).starts_with("is no limit; there are wall_time_ms, cpu_time_ms"));
        assert_eq!(refusal("wall_time", Some(1)), "is no limit; did you mean wall_time_ms?");
    }

    #[test]
    fn limits_are_set_by_name() {
        let mut overrides = LimitOverrides::default();
        assert!(overrides.set("inodes", 300) && overrides.set("wall_time_ms", 5));
        assert!(!overrides.set("wall", 5));
        assert_eq!(overrides.given().collect::<Vec<_>>(), [("wall_time_ms", 5), ("inodes", 300)]);
    }
}
