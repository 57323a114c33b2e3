//! Messages that another process could have made, right and wrong.

use std::fmt::Debug;

use proptest::prelude::*;
use proptest::sample::Index;
use runbay_testkit::Damage;
use runbay_testkit::damage;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::artefact::ArtefactFault;
use crate::bay::File;
use crate::bay::Job;
use crate::bay::Runtime;
use crate::bay::WindowSize;
use crate::packet;
use crate::wire::BayId;
use crate::wire::BayLimits;
use crate::wire::BayMessage;
use crate::wire::BayReport;
use crate::wire::Isolation;
use crate::wire::ProgramEnd;
use crate::wire::Refusal;
use crate::wire::Reply;
use crate::wire::Request;
use crate::wire::ServiceMessage;
use crate::wire::Signal;
use crate::wire::Usage;
use crate::wire::decode;
use crate::wire::encode;

fn limits() -> impl Strategy<Value = BayLimits> {
    any::<([u64; 8], Option<u64>, bool)>().prop_map(|(numbers, data_bytes, terminal)| {
        let [memory_bytes, processes, cpu_time_ms, open_files, file_bytes, disk_bytes, inodes, stack_bytes] = numbers;
        BayLimits {
            memory_bytes,
            processes,
            cpu_time_ms,
            open_files,
            file_bytes,
            disk_bytes,
            inodes,
            stack_bytes,
            data_bytes,
            terminal,
        }
    })
}

fn usage() -> impl Strategy<Value = Usage> {
    any::<([Option<u64>; 3], [u64; 3])>().prop_map(|(measured, counted)| {
        let [wall_us, cpu_us, memory_peak_bytes] = measured;
        let [memory_kills, foreign_memory_kills, process_refusals] = counted;
        Usage { wall_us, cpu_us, memory_peak_bytes, memory_kills, foreign_memory_kills, process_refusals }
    })
}

fn request() -> impl Strategy<Value = Request> {
    prop_oneof![
        (any::<u64>(), limits()).prop_map(|(bay, limits)| Request::Make { bay: BayId(bay), limits }),
        (any::<u64>(), limits()).prop_map(|(bay, limits)| Request::Limit { bay: BayId(bay), limits }),
        any::<u64>().prop_map(|bay| Request::Kill { bay: BayId(bay) }),
    ]
}

fn reply() -> impl Strategy<Value = Reply> {
    prop_oneof![
        ".{0,40}".prop_map(|cgroups| Reply::Ready { isolation: Isolation::Full, cgroups }),
        any::<u64>().prop_map(|bay| Reply::Made { bay: BayId(bay) }),
        any::<u64>().prop_map(|bay| Reply::Limited { bay: BayId(bay), refusal: None }),
        (any::<u64>(), any::<u32>())
            .prop_map(|(bay, most)| Reply::Refused { bay: BayId(bay), error: Refusal::NoFreeBay(most) }),
        (any::<u64>(), any::<i32>(), usage()).prop_map(|(bay, code, usage)| Reply::Ended {
            bay: BayId(bay),
            end: ProgramEnd::Exited(code),
            usage
        }),
    ]
}

fn report() -> impl Strategy<Value = BayReport> {
    let ended = |(signal, usage)| BayReport::Ended { end: ProgramEnd::Signalled(signal), usage };
    prop_oneof![
        Just(()).prop_map(|()| BayReport::Parked),
        Just(()).prop_map(|()| BayReport::Unparked),
        (any::<i32>(), usage()).prop_map(ended),
    ]
}

fn runtime() -> impl Strategy<Value = Runtime> {
    any::<(Vec<String>, Vec<(String, String)>)>().prop_map(|(argv, environment)| Runtime {
        argv,
        environment,
        ..Runtime::default()
    })
}

fn job() -> impl Strategy<Value = Job> {
    let file = ("[a-z/.]{0,20}", any::<Vec<u8>>());
    let file = file.prop_map(|(name, content)| File { name: name.into(), content });
    let terminal = any::<Option<(u16, u16)>>();
    let terminal = terminal.prop_map(|size| size.map(|(columns, rows)| WindowSize { columns, rows }));
    (proptest::collection::vec(file, 0..4), proptest::collection::vec(".{0,8}", 0..4), terminal)
        .prop_map(|(files, arguments, terminal)| Job { files, arguments, terminal, ..Job::default() })
}

/// Whatever is sent: a message is read back, one that was cut is an error, and what was damaged is an error or a message
/// that holds no more than was sent.
fn survives<T: Serialize + DeserializeOwned + Debug>(message: &T, damage: &Damage, cut: Index) {
    let sent = encode(message);
    let read: T = decode(&sent).expect("what was encoded can be decoded");
    assert_eq!(format!("{read:?}"), format!("{message:?}"));
    assert!(decode::<T>(&sent[..cut.index(sent.len())]).is_err(), "{message:?} was cut");
    let damaged = damage.of(&sent);
    if let Ok(read) = decode::<T>(&damaged) {
        let sent = encode(&read);
        assert!(sent.len() <= damaged.len(), "{read:?} is longer than {damaged:?}");
        assert_eq!(format!("{:?}", decode::<T>(&sent).expect("it is a message")), format!("{read:?}"));
    }
}

proptest! {
    #[test]
    fn requests_survive(message in request(), damage in damage(), cut in any::<Index>()) {
        survives(&message, &damage, cut);
    }

    #[test]
    fn replies_survive(message in reply(), damage in damage(), cut in any::<Index>()) {
        survives(&message, &damage, cut);
    }

    #[test]
    fn reports_survive(message in report(), damage in damage(), cut in any::<Index>()) {
        survives(&message, &damage, cut);
    }

    #[test]
    fn jobs_survive(message in job(), damage in damage(), cut in any::<Index>()) {
        survives(&message, &damage, cut);
    }

    #[test]
    fn runtimes_survive(message in runtime(), damage in damage(), cut in any::<Index>()) {
        survives(&message, &damage, cut);
    }

    #[test]
    fn messages_of_the_service_survive(damage in damage()) {
        let message = ServiceMessage::Signal(Signal::Interrupt);
        let reread = |bytes: &[u8]| decode::<ServiceMessage>(bytes).ok().map(ServiceMessage::encode);
        prop_assert_eq!(reread(&message.encode()), Some(message.encode()));
        if let Some(read) = reread(&damage.of(&message.encode())) {
            prop_assert_eq!(reread(&read), Some(read));
        }
    }

    #[test]
    fn messages_of_a_bay_survive(damage in damage()) {
        let message = BayMessage::Packed(Err(ArtefactFault::TooLarge));
        prop_assert_eq!(decode::<BayMessage>(&message.encode()).ok(), Some(message));
        if let Ok(read) = decode::<BayMessage>(&damage.of(&message.encode())) {
            prop_assert_eq!(decode::<BayMessage>(&read.encode()).ok(), Some(read));
        }
    }

    #[test]
    fn packets_arrive_whole_or_not_at_all(bytes in prop::collection::vec(any::<u8>(), 1..2048)) {
        let (left, right) = packet::pair().expect("sockets can be made");
        packet::send(&left, &bytes, &[]).expect("the socket has room");
        let packet = packet::receive(&right).expect("it is there").expect("the other end is open");
        prop_assert_eq!(packet.bytes, bytes);
    }
}
