//! What is refused, and how it is said: each a problem document with its code, naming the field.

mod bodies;
mod files;
mod heads;
mod limits;
mod paths;
mod queries;
mod test_cases;
mod watched;
