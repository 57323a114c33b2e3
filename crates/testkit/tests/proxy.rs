//! The bad network as tests use it.

use std::time::Duration;
use std::time::Instant;

use runbay_testkit::TcpProxy;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::time::timeout;

const LONG: Duration = Duration::from_secs(30);

const MOMENT: Duration = Duration::from_millis(100);

/// Starts a server that sends back what it is sent, and a proxy before it.
async fn echo() -> (TcpProxy, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let port = listener.local_addr().expect("a bound listener").port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (mut from, mut to) = stream.into_split();
            tokio::spawn(async move { tokio::io::copy(&mut from, &mut to).await });
        }
    });
    (TcpProxy::start(port).await, port)
}

async fn client(proxy: &TcpProxy) -> TcpStream {
    TcpStream::connect(("127.0.0.1", proxy.port())).await.expect("the proxy listens")
}

async fn read(stream: &mut TcpStream) -> u8 {
    timeout(LONG, stream.read_u8()).await.expect("an answer in time").expect("an answer")
}

#[tokio::test]
async fn a_silent_network_keeps_what_is_sent() {
    let (proxy, _) = echo().await;
    let mut stream = client(&proxy).await;
    stream.write_u8(1).await.unwrap();
    assert_eq!(read(&mut stream).await, 1);

    proxy.silence();
    stream.write_u8(2).await.unwrap();
    timeout(MOMENT, stream.read_u8()).await.unwrap_err();
    proxy.heal();
    assert_eq!(read(&mut stream).await, 2);
}

#[tokio::test]
async fn a_cut_ends_old_and_new_connections() {
    let (proxy, _) = echo().await;
    let mut old = client(&proxy).await;
    old.write_u8(1).await.unwrap();
    assert_eq!(read(&mut old).await, 1);

    proxy.cut();
    timeout(LONG, old.read_u8()).await.expect("the end of the connection").unwrap_err();
    let mut new = client(&proxy).await;
    timeout(LONG, new.read_u8()).await.expect("the end of the connection").unwrap_err();

    proxy.heal();
    let mut healed = client(&proxy).await;
    healed.write_u8(3).await.unwrap();
    assert_eq!(read(&mut healed).await, 3);
}

#[tokio::test]
async fn a_delay_counts_in_both_directions() {
    let (proxy, _) = echo().await;
    proxy.delay(MOMENT);
    let mut stream = client(&proxy).await;
    let start = Instant::now();
    stream.write_u8(1).await.unwrap();
    assert_eq!(read(&mut stream).await, 1);
    assert!(start.elapsed() >= 2 * MOMENT);
}

#[tokio::test]
async fn an_address_is_led_through_the_proxy() {
    let (proxy, port) = echo().await;
    let url = proxy.reroute(&format!("redis://:secret@127.0.0.1:{port}/1"));
    assert_eq!(url, format!("redis://:secret@127.0.0.1:{}/1", proxy.port()));
}

#[tokio::test]
async fn a_dropped_proxy_closes_its_port() {
    let (proxy, _) = echo().await;
    let mut stream = client(&proxy).await;
    let port = proxy.port();
    drop(proxy);
    timeout(LONG, stream.read_u8()).await.expect("the end of the connection").unwrap_err();
    TcpStream::connect(("127.0.0.1", port)).await.unwrap_err();
}
