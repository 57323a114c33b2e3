//! Clients that come back in the middle.

use runbay_testkit::Followed;
use runbay_testkit::TestApp;
use serde_json::json;

use super::submit;
use super::until;

const VISITS: usize = 200;

/// Writes for three seconds, in pieces of all sizes, to both streams.
const WRITER: &str = "import sys, time\nfor number in range(600):\n    \
    print(f'{number} ' + '🦀ž' * (number % 7), flush=True)\n    \
    if number % 5 == 0: print(number, file=sys.stderr, flush=True)\n    time.sleep(0.005)\n";

fn expected() -> (String, String) {
    let stdout = (0..600).map(|number| format!("{number} {}\n", "🦀ž".repeat(number % 7))).collect();
    let stderr = (0..600).step_by(5).map(|number| format!("{number}\n")).collect();
    (stdout, stderr)
}

#[tokio::test]
async fn who_comes_back_again_and_again_gets_every_byte_once() {
    let app = TestApp::start().await;
    let execution = submit(&app, WRITER, json!({})).await;
    let mut seed = 7_u64;
    let mut followed = Followed::default();
    let mut visits = 0;
    while followed.result.is_none() {
        let mut stream = app.client.events_after(&execution, followed.last_id).await;
        visits += 1;
        // As many as a generator with constants of Knuth says.
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let stay = if visits < VISITS { (seed >> 33) % 4 } else { u64::MAX };
        for _ in 0..stay {
            let Some(event) = stream.next().await else { break };
            followed.take(&event);
        }
    }
    assert!(visits >= VISITS, "it came {visits} times only");
    let (stdout, stderr) = expected();
    assert_eq!((followed.stdout(), followed.stderr()), (stdout.as_str(), stderr.as_str()));
    assert_eq!(followed.resets, 0);
    followed.assert_is(&app.client.execution(&execution).await);
    // The result once more, and the end.
    let again = app.client.events_after(&execution, followed.last_id).await.all().await;
    assert_eq!(
        again.iter().map(|event| (event.id, event.kind.as_str())).collect::<Vec<_>>(),
        [(followed.last_id, "result")]
    );
}

#[tokio::test]
async fn who_comes_back_to_a_server_that_was_killed_gets_the_new_attempt() {
    let mut app = TestApp::start().await;
    let marker = "import os, time\nos.write(1, f'{time.time_ns()}\\n'.encode())\ntime.sleep(1.5)\nprint('end')\n";
    let execution = submit(&app, marker, json!({})).await;
    let mut followed = Followed::default();
    let mut stream = app.client.events(&execution).await;
    followed.take(&until(&mut stream, "stdout").await);
    let first = followed.stdout().to_owned();
    app.kill().await;
    followed.follow(&mut stream).await.ok();
    app.restart().await;
    let mut stream = app.client.events_after(&execution, followed.last_id).await;
    followed.follow(&mut stream).await.expect("the stream does not break");
    let row = app.client.execution(&execution).await;
    assert_eq!((&row["status"], &row["attempt"]), (&json!("COMPLETED"), &json!(2)), "{row:#}");
    followed.assert_is(&row);
    assert!(followed.resets >= 1 && !followed.stdout().contains(&first), "{followed:#?}");
}
