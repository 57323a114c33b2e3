use tokio::task::JoinHandle;
use tokio::task::yield_now;

use super::*;

const LONG: Duration = Duration::from_secs(3_600);

fn client(last: u8, share: Share) -> Client {
    Client::of_address([10, 0, 0, last].into(), share)
}

/// Begins to wait on a task of its own.
async fn begin(turns: &Turns, client: Client) -> JoinHandle<Result<Turn, NoTurn>> {
    let turns = turns.clone();
    let waiting = tokio::spawn(async move { turns.take(client, LONG).await });
    yield_now().await;
    waiting
}

#[tokio::test(start_paused = true)]
async fn whoever_comes_after_the_many_of_another_is_next() {
    let (turns, many, one) = (Turns::new(2, 16), client(1, Share::Bulk), client(2, Share::Ordinary));
    let first = turns.take(many, LONG).await.unwrap();
    let _second = turns.take(many, LONG).await.unwrap();
    let mut waiting = Vec::new();
    for _ in 0..20 {
        waiting.push(begin(&turns, many).await);
    }
    let single = begin(&turns, one).await;
    assert!(!single.is_finished());
    drop(first);
    yield_now().await;
    // The first in line came before it, and the second does not.
    drop(waiting.remove(0).await.unwrap().unwrap());
    assert!(single.await.unwrap().is_ok());
    assert!(waiting.iter().skip(1).all(|other| !other.is_finished()));
}

#[tokio::test(start_paused = true)]
async fn an_ordinary_client_leaves_a_slot() {
    let (turns, many, one) = (Turns::new(2, 16), client(1, Share::Ordinary), client(2, Share::Ordinary));
    let _first = turns.take(many, LONG).await.unwrap();
    assert_eq!(turns.take(many, Duration::ZERO).await.unwrap_err(), NoTurn::Busy);
    assert!(turns.take(one, Duration::ZERO).await.is_ok());
    let single = Turns::new(1, 16);
    assert!(single.take(many, Duration::ZERO).await.is_ok(), "the only slot is for everybody");
}

#[tokio::test(start_paused = true)]
async fn the_line_has_a_bound_and_each_client_a_share_of_it() {
    let (turns, many, one) = (Turns::new(1, 7), client(1, Share::Ordinary), client(2, Share::Ordinary));
    let mut present = Vec::new();
    for _ in 0..4 {
        present.push(begin(&turns, many).await);
    }
    assert_eq!(turns.take(many, LONG).await.unwrap_err(), NoTurn::Share { waiting: 3, max: 8 });
    for last in 10..14 {
        present.push(begin(&turns, client(last, Share::Ordinary)).await);
    }
    assert_eq!(turns.take(one, LONG).await.unwrap_err(), NoTurn::Busy);
}

#[tokio::test(start_paused = true)]
async fn whoever_leaves_gives_up_its_place_and_its_slot() {
    let (turns, one) = (Turns::new(1, 1), client(1, Share::Ordinary));
    for _ in 0..3 {
        let turn = turns.take(one, LONG).await.unwrap();
        assert_eq!(turns.take(client(2, Share::Ordinary), Duration::ZERO).await.unwrap_err(), NoTurn::Busy);
        let waiting = begin(&turns, client(2, Share::Ordinary)).await;
        waiting.abort();
        drop(turn);
        assert!(waiting.await.unwrap_err().is_cancelled());
    }
    let state = lock(&turns.state);
    assert_eq!((state.taken, state.taken_by.len()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn more_slots_are_handed_out_at_once() {
    let (turns, bulk) = (Turns::new(1, 16), client(1, Share::Bulk));
    let _first = turns.take(bulk, LONG).await.unwrap();
    let waiting = begin(&turns, bulk).await;
    assert!(!waiting.is_finished());
    turns.set_slots(2);
    assert!(waiting.await.unwrap().is_ok());
}
