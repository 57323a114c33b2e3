//! What a bus and its subscriptions share.

use std::sync::Arc;

use super::known::Known;
use super::listener::Listener;
use super::stream::Streams;

/// What a bus and its subscriptions share.
pub(super) struct Shared {
    pub(super) streams: Streams,
    pub(super) known: Arc<Known>,
    pub(super) listener: Listener,
}
