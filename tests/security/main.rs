//! Attacks on the sandbox by programs in real bays, one file for each family.
//!
//! Each test says what becomes of the program; [`arena::Arena::close`] says for all of them that nothing of it is left
//! on the host. The promises are those of the design's section on the sandbox.

mod arena;
mod attack;
mod cleanup;
mod fairness;
mod files;
mod memory;
mod namespaces;
mod neighbours;
mod output;
mod privileges;
mod processes;
mod time;
mod traces;
