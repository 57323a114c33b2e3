//! Several processes of the product over real database servers and Redis, and the container files for them.
//!
//! They need the binary (`cargo build`), root, and the servers that `scripts/install-packages` installs.

mod chaos;
mod deploy;
mod drain;
mod encryption;
mod events;
mod figures;
mod frozen;
mod interactive;
mod operations;
mod outages;
mod recovery;
mod refusals;
mod replicas;
mod serve;
mod servers;
mod start;
mod walk;
