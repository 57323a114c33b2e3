//! Attacks on the sandbox by programs in real bays, one file for each family.
//!
//! Each test says what becomes of the program; [`arena::Arena::close`] says for all of them that nothing of it is left
//! on the host. The promises are those of the design's section on the sandbox.

mod arena;
mod artefacts;
mod attack;
mod cleanup;
mod compiler_host;
mod compilers;
mod crowd;
mod fairness;
mod files;
mod first_process;
mod host;
mod host_memory;
mod host_wide;
mod information;
mod jobs;
mod kernel_memory;
mod memory;
mod namespaces;
mod neighbours;
mod output;
mod parked;
mod prelude;
mod privileges;
mod processes;
mod running;
mod shared_files;
mod strange_files;
mod terminal;
mod time;
mod traces;
