//! What one execution may use.

use serde::Deserialize;
use serde::Serialize;

/// The longest source code, in bytes.
pub const MAX_SOURCE_BYTES: usize = 64 * 1024;

/// The longest standard input, in bytes.
pub const MAX_STDIN_BYTES: usize = 1024 * 1024;

/// The most command line arguments of a run.
pub const MAX_ARGUMENTS: usize = 64;

/// The most bytes that all arguments of a run have together.
pub const MAX_ARGUMENT_BYTES: usize = 16 * 1024;

const MIB: u64 = 1024 * 1024;

macro_rules! limits {
    ($($(#[$doc:meta])* $name:ident = $default:expr;)*) => {
        /// What one execution may use; every value has a unit in its name and is more than zero.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        pub struct Limits {
            $($(#[$doc])* pub $name: u64,)*
        }

        /// Limits that replace the defaults where they are given.
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct LimitOverrides {
            $($(#[$doc])* #[serde(skip_serializing_if = "Option::is_none")] pub $name: Option<u64>,)*
        }

        impl Default for Limits {
            fn default() -> Self {
                Self { $($name: $default,)* }
            }
        }

        impl Limits {
            /// Returns these limits with the given ones replaced.
            #[must_use]
            pub fn overridden_by(self, overrides: &LimitOverrides) -> Self {
                Self { $($name: overrides.$name.unwrap_or(self.$name),)* }
            }
        }
    };
}

limits! {
    /// Time on the wall clock for the run stage, in milliseconds.
    wall_time_ms = 5_000;
    /// CPU time of all processes together, in milliseconds.
    cpu_time_ms = 5_000;
    /// Memory of all processes and in-memory files together, in bytes.
    memory_bytes = 128 * MIB;
    /// Bytes kept of standard output; a program that writes more is stopped.
    stdout_bytes = MIB;
    /// Bytes kept of standard error; a program that writes more is stopped.
    stderr_bytes = MIB;
    /// Processes and threads alive at one time.
    processes = 64;
    /// Open files of one process.
    open_files = 256;
    /// Size of one file, in bytes.
    file_bytes = 16 * MIB;
    /// Size of all files together, in bytes.
    disk_bytes = 64 * MIB;
    /// Number of files and directories.
    inodes = 4_096;
    /// Time on the wall clock for the compile stage, in milliseconds.
    compile_time_ms = 10_000;
    /// Memory of the compile stage, in bytes.
    compile_memory_bytes = 512 * MIB;
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
}
