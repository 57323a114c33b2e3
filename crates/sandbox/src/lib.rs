//! Linux mechanisms that build, run and destroy bays.
