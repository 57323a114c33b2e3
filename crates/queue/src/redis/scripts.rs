//! The scripts that run at the server.

use std::sync::Arc;

use redis::Script;

/// The scripts; their hashes are computed once.
#[derive(Clone)]
pub(super) struct Scripts {
    pub(super) push: Arc<Script>,
    pub(super) release: Arc<Script>,
    pub(super) depth: Arc<Script>,
    /// Returns the depth if entries can be written.
    pub(super) reserve: Arc<Script>,
}

impl Scripts {
    pub(super) fn new() -> Self {
        let (order, depth) = (include_str!("lua/order.lua"), include_str!("lua/depth.lua"));
        Self {
            push: Arc::new(Script::new(&format!("{order}{}", include_str!("lua/push.lua")))),
            release: Arc::new(Script::new(&format!("{order}{}", include_str!("lua/release.lua")))),
            depth: Arc::new(Script::new(depth)),
            reserve: Arc::new(Script::new(&format!("{}{depth}", include_str!("lua/writable.lua")))),
        }
    }
}
