//! How fast terminals may be typed to.

use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;
use tokio::time::sleep_until;

/// The most bytes that one terminal is sent before others get their turn.
pub(super) const PIECE_BYTES: usize = 64;

/// The time that each byte takes, of all terminals together: 8 KiB a second.
///
/// Threads of the kernel process what is typed, in nobody's account, and one byte can make them look at a whole line of
/// 4,095. With as many as were taken, each of four terminals kept half a core busy with 10 KiB a second. So the mode of
/// the terminal does not matter, which the program may change in between.
const BYTE: Duration = Duration::from_micros(1_000_000 / 8_192);

/// What may be typed faster after a pause: a page that is pasted.
const BURST: Duration = Duration::from_secs(4);

/// The pace of all terminals of this process; who waits first goes on first.
static PACE: Mutex<Pace> = Mutex::const_new(Pace { typed_until: None });

/// Until when the time is used up by what was typed.
#[derive(Debug)]
struct Pace {
    typed_until: Option<Instant>,
}

/// Waits until this many bytes may be typed.
///
/// CANCEL: the bytes may count although they are not typed.
pub(super) async fn turn(bytes: usize) {
    let mut pace = PACE.lock().await;
    // Kept while it waits, so that everybody gets a turn.
    sleep_until(pace.next(Instant::now(), bytes)).await;
}

impl Pace {
    /// Counts some bytes, and returns when they may be typed.
    fn next(&mut self, now: Instant, bytes: usize) -> Instant {
        let count = u32::try_from(bytes).unwrap_or(u32::MAX);
        let from = self.typed_until.map_or(now, |until| until.max(now));
        let until = from + BYTE.saturating_mul(count);
        self.typed_until = Some(until);
        until.checked_sub(BURST).unwrap_or(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_comes_at_once_and_more_takes_its_time() {
        let now = Instant::now() + Duration::from_secs(3600);
        let mut pace = Pace { typed_until: None };
        assert!(pace.next(now, 32 * 1024) <= now);
        let second = Duration::from_millis(990)..Duration::from_millis(1010);
        assert!(second.contains(&(pace.next(now, 8 * 1024) - now)));
        let later = now + Duration::from_secs(10);
        assert!(pace.next(later, 32 * 1024) <= later, "after a pause");
        assert!(pace.next(later, PIECE_BYTES) > later);
    }
}
