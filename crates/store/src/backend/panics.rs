//! Panics of one future as errors.

use std::any::Any;
use std::future::Future;
use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;

use crate::StoreError;

/// Runs `future` and returns [`StoreError::Panicked`] when it panics.
///
/// The caller must throw away whatever the future may have left half done.
pub(crate) async fn caught<T>(future: impl Future<Output = T>) -> Result<T, StoreError> {
    let caught = AssertUnwindSafe(future).catch_unwind().await;
    caught.map_err(|panic| StoreError::Panicked(message(&*panic)))
}

fn message(panic: &(dyn Any + Send)) -> String {
    match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
        (Some(text), _) => (*text).to_owned(),
        (None, Some(text)) => text.clone(),
        (None, None) => "no message".to_owned(),
    }
}
