//! Use cases that the api and the worker share.
