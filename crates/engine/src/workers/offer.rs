//! The languages that are offered.

use std::sync::Arc;

use runbay_model::Catalog;
use tokio::sync::watch;

/// The languages that are offered: those of this process, or those of the workers.
///
/// They are cheap to read and replaced as a whole.
#[derive(Debug)]
pub struct Offer {
    catalog: watch::Sender<Arc<Catalog>>,
    source: Source,
}

/// The source of the offered languages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    ThisProcess,
    Workers,
}

impl Offer {
    /// Offers the languages that this process runs.
    #[must_use]
    pub fn fixed(catalog: Catalog) -> Self {
        Self { catalog: watch::Sender::new(Arc::new(catalog)), source: Source::ThisProcess }
    }

    /// Offers the languages that the workers of the database run.
    ///
    /// Offers nothing until [`Engine::refresh_offer`](crate::Engine::refresh_offer) has read their rows.
    #[must_use]
    pub fn of_workers() -> Self {
        Self { catalog: watch::Sender::default(), source: Source::Workers }
    }

    /// Returns the languages that are offered at present.
    #[must_use]
    pub fn catalog(&self) -> Arc<Catalog> {
        Arc::clone(&self.catalog.borrow())
    }

    pub(crate) fn source(&self) -> Source {
        self.source
    }

    pub(crate) fn replace(&self, catalog: Catalog) {
        self.catalog.send_replace(Arc::new(catalog));
    }
}
