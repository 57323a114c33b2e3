//! The runbay binary.

fn main() {}
