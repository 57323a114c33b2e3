//! A simulation of queue and workers with measured costs, and the tables that it prints for `docs/scale.md`.
//!
//! It needs neither servers nor a sandbox. It says what waiting times follow from a load and a number of machines,
//! which are more than a test can have; what one machine does in truth is for the load tests.

mod machine;
mod random;
mod scenario;
mod statistics;
mod tables;
mod world;
