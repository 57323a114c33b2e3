//! A simulation of queue and workers with measured costs, which writes the tables of `docs/scale.md`.
//!
//! It needs neither servers nor a sandbox. It says what waiting times follow from a load and a number of machines,
//! which are more than a test can have; what one machine does in truth is for the load tests.
//!
//! `cargo run --package runbay-tests --example simulation` writes the tables, and `cargo test --package runbay-tests
//! --example simulation` checks the model. Neither is a part of `scripts/test`: the model does not read the product.

mod machine;
mod random;
mod scenario;
mod statistics;
mod tables;
mod world;

#[expect(clippy::print_stdout, reason = "the result of a program that is run by hand")]
fn main() {
    match tables::update().as_slice() {
        [] => println!("docs/scale.md has the tables of the simulation"),
        changed => println!("written to docs/scale.md: {}", changed.join(", ")),
    }
}
