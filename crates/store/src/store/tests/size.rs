use super::*;

async fn the_size_is_known(database: TestDatabase) {
    let store = database.open().await;
    for _ in 0..4 {
        session(&store).await;
    }
    let bytes = store.stored_bytes().await.unwrap();
    assert!((4_096..1 << 30).contains(&bytes), "{bytes}");
}

on_all_databases! {
    the_size_is_known,
}
