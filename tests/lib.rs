//! Tests of the whole product: see the `[[test]]` entries in Cargo.toml.
