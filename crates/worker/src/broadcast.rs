//! What a running program writes, on its way to those who watch.

use std::time::Duration;

use runbay_engine::Broadcast;
use runbay_runner::LiveOutput;
use runbay_runner::OutputReceiver;
use runbay_runner::told_stream;
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

/// How much time is between two events of one program, so that one that writes much in small pieces costs little.
const PAUSE: Duration = Duration::from_millis(5);

/// The same once there were [`MANY_EVENTS`]: with it, not even a program that writes for ten minutes has more events than
/// are kept.
const LATER_PAUSE: Duration = Duration::from_millis(50);
const MANY_EVENTS: u32 = 2_000;

/// Tells watchers what a program writes, until its end.
pub(crate) fn broadcast(to: Broadcast, from: OutputReceiver) -> AbortOnDropHandle<()> {
    AbortOnDropHandle::new(tokio::spawn(tell(to, from)))
}

async fn tell(mut to: Broadcast, mut from: OutputReceiver) {
    let mut events = 0_u32;
    while let Some(output) = from.next().await {
        match output {
            LiveOutput::Chunk(chunk) => to.output(told_stream(chunk.stream), chunk.bytes).await,
            LiveOutput::Test { index, result } => to.test(index, result).await,
            // The bus was slow. Watchers get all with the result.
            LiveOutput::Gap { .. } => {}
        }
        events = events.saturating_add(1);
        let pause = if events < MANY_EVENTS { PAUSE } else { LATER_PAUSE };
        from.rest(Instant::now() + pause).await;
    }
    to.end().await;
}
