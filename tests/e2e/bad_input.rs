//! What is refused, and how it is said: each a problem document with its code, naming the field.

mod bodies;
mod heads;
mod paths;
mod queries;
mod watched;
