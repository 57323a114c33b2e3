//! The living workers, and the languages that they offer.

pub(crate) mod document;
pub(crate) mod offer;
pub(crate) mod offered;
