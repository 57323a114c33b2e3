//! `runbay serve` over servers instead of what it has in itself.

use runbay_testkit::Launch;

use crate::servers::Kind;
use crate::servers::backend;
use crate::servers::on_each_server;

on_each_server!(the_whole_service_can_use_servers_too);

async fn the_whole_service_can_use_servers_too(kind: Kind) {
    let (database, redis) = backend(kind).await;
    for launch in [
        Launch::default().database(&database).redis(&redis),
        // The queue in memory is filled from the rows.
        Launch::default().database(&database),
        Launch::default().redis(&redis),
    ] {
        let mut app = launch.start().await;
        assert_eq!(app.client.run_to_end("python", "print(7)").await["stdout"], "7\n");
        assert_eq!(app.client.get("/readyz").await.expect(200)["workers"], 1);
        assert!(app.terminate().await.status.success(), "{}", app.log);
    }
}
