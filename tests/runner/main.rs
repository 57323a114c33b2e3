//! Compile stage, compile cache, test cases, checks, limits and live runs, in real bays.
//!
//! The languages are made for these tests: what compiles, checks and runs is a shell script that the test writes, so
//! that it can do whatever a hostile one could.

mod cache;
mod check;
mod compile;
mod host;
mod limits;
mod live;
mod stop;
mod test_cases;
