//! Entries of a stream that another version, or somebody else, could have written.

use std::collections::HashMap;
use std::sync::Arc;

use proptest::prelude::*;
use redis::Value;
use runbay_model::Attempt;
use runbay_model::Status;
use runbay_model::TestResult;
use runbay_model::Timestamp;
use runbay_testkit::damage;

use super::codec::decode;
use super::codec::encode;
use crate::EventKind;
use crate::OutputStream;

fn event() -> impl Strategy<Value = EventKind> {
    let at = -1_000_000_000_000_i64..10_000_000_000_000_000;
    prop_oneof![
        (any::<u32>(), at).prop_map(|(attempt, at)| EventKind::Status {
            status: Status::Running,
            attempt: Attempt(attempt),
            at: Timestamp::from_micros(at),
        }),
        (any::<u32>(), any::<Vec<u8>>()).prop_map(|(attempt, data)| EventKind::Output {
            attempt: Attempt(attempt),
            stream: OutputStream::Stderr,
            data: data.as_slice().into(),
        }),
        (any::<u32>(), any::<usize>(), any::<String>()).prop_map(|(attempt, index, name)| EventKind::Test {
            attempt: Attempt(attempt),
            index,
            result: Arc::new(TestResult::skipped(Some(name))),
        }),
        any::<u32>().prop_map(|attempt| EventKind::Reset { attempt: Attempt(attempt) }),
        Just(EventKind::Result),
    ]
}

fn fields(encoded: &[Vec<u8>]) -> HashMap<String, Value> {
    let pairs = encoded.chunks_exact(2);
    pairs.map(|pair| (String::from_utf8_lossy(&pair[0]).into(), Value::BulkString(pair[1].clone()))).collect()
}

proptest! {
    #[test]
    fn a_damaged_event_is_none_or_an_event(event in event(), which in any::<prop::sample::Index>(), damage in damage()) {
        let mut encoded = encode(&event);
        prop_assert_eq!(decode(&fields(&encoded)), Some(event));
        let which = which.index(encoded.len());
        encoded[which] = damage.of(&encoded[which]);
        if let Some(event) = decode(&fields(&encoded)) {
            prop_assert_eq!(decode(&fields(&encode(&event))), Some(event));
        }
    }
}
