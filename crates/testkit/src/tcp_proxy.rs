//! A network between two programs that can be made bad.

use std::io;
use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicU16;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedReadHalf;
use tokio::net::tcp::OwnedWriteHalf;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::task::JoinSet;

/// The most clients at one time; further ones are turned away.
const CONNECTIONS: usize = 512;

const BUFFER_BYTES: usize = 16 * 1024;

/// A port on 127.0.0.1 that leads to another one until a test changes that; closed when dropped.
#[derive(Debug)]
pub struct TcpProxy {
    port: u16,
    target: Arc<AtomicU16>,
    weather: watch::Sender<Weather>,
    acceptor: JoinHandle<()>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Weather {
    Fine,
    Delayed(Duration),
    Silent,
    Cut,
}

impl TcpProxy {
    /// Starts a proxy to a port on 127.0.0.1, on which nobody need listen yet.
    ///
    /// # Panics
    ///
    /// When no loopback port is free.
    pub async fn start(target: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a loopback port is free");
        let port = listener.local_addr().expect("the listener is bound").port();
        let (weather, seen) = watch::channel(Weather::Fine);
        let target = Arc::new(AtomicU16::new(target));
        let acceptor = tokio::spawn(accept(listener, Arc::clone(&target), seen));
        Self { port, target, weather, acceptor }
    }

    /// Returns the proxy's port on 127.0.0.1.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Returns a URL of the target, with the proxy's port in it.
    ///
    /// # Panics
    ///
    /// When the URL leads elsewhere.
    #[must_use]
    pub fn reroute(&self, url: &str) -> String {
        let target = format!("127.0.0.1:{}", self.target.load(Ordering::Relaxed));
        assert!(url.contains(&target), "the proxy leads to {target}, not to {url}");
        url.replace(&target, &format!("127.0.0.1:{}", self.port))
    }

    /// Leads new connections to another port on 127.0.0.1, like an address that follows the primary server.
    pub fn lead_to(&self, target: u16) {
        self.target.store(target, Ordering::Relaxed);
    }

    /// Closes all connections, and each new one at once.
    pub fn cut(&self) {
        self.weather.send_replace(Weather::Cut);
    }

    /// Keeps old and new connections open, and holds back all that is sent until [`TcpProxy::heal`].
    pub fn silence(&self) {
        self.weather.send_replace(Weather::Silent);
    }

    /// Delays everything that is sent by this time, in both directions.
    pub fn delay(&self, time: Duration) {
        self.weather.send_replace(Weather::Delayed(time));
    }

    /// Lets everything through again, beginning with what was held back.
    pub fn heal(&self) {
        self.weather.send_replace(Weather::Fine);
    }
}

impl Drop for TcpProxy {
    fn drop(&mut self) {
        self.acceptor.abort();
    }
}

async fn accept(listener: TcpListener, target: Arc<AtomicU16>, weather: watch::Receiver<Weather>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((client, _)) = accepted else { return };
                if *weather.borrow() != Weather::Cut && connections.len() < CONNECTIONS {
                    connections.spawn(serve(client, target.load(Ordering::Relaxed), weather.clone()));
                }
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn serve(client: TcpStream, target: u16, mut weather: watch::Receiver<Weather>) {
    let seen = weather.clone();
    tokio::select! {
        _ = weather.wait_for(|weather| *weather == Weather::Cut) => {}
        // One end has closed the connection; the other learns it from the drop.
        _ = connect(client, target, seen) => {}
    }
}

async fn connect(client: TcpStream, target: u16, weather: watch::Receiver<Weather>) -> io::Result<()> {
    let server = TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, target))).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    tokio::try_join!(forward(from_client, to_server, weather.clone()), forward(from_server, to_client, weather))?;
    Ok(())
}

async fn forward(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut weather: watch::Receiver<Weather>,
) -> io::Result<()> {
    let mut buffer = [0; BUFFER_BYTES];
    loop {
        let length = from.read(&mut buffer).await?;
        pass(&mut weather).await;
        if length == 0 {
            return to.shutdown().await;
        }
        to.write_all(&buffer[..length]).await?;
    }
}

/// Waits until a piece may go on.
async fn pass(weather: &mut watch::Receiver<Weather>) {
    loop {
        let now = *weather.borrow_and_update();
        let changed = async { weather.changed().await.is_ok() };
        let goes_on = match now {
            Weather::Fine => return,
            Weather::Delayed(time) => tokio::select! {
                () = tokio::time::sleep(time) => return,
                changed = changed => changed,
            },
            Weather::Silent | Weather::Cut => changed.await,
        };
        if !goes_on {
            return;
        }
    }
}
