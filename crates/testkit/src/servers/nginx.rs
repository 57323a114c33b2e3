//! A private nginx.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use rustix::process::Signal;
use tokio::net::TcpStream;

use super::certificate::Certificate;
use super::certificate::chain_file;
use super::certificate::key_file;
use super::installation::Installation;
use super::installation::program;
use super::server::Kind;
use super::server::Server;

/// A running nginx.
pub type NginxServer = Server<Nginx>;

/// How to start an nginx.
#[derive(Debug, Clone)]
pub struct Nginx {
    /// Blocks for its context `http`; `PORT`, `CHAIN` and `KEY` stand for what the server gets.
    blocks: String,
    certificate: Arc<Certificate>,
}

impl Nginx {
    /// Makes one of blocks for the context `http`.
    ///
    /// In them `PORT` stands for a free port, and `CHAIN` and `KEY` for the files of the certificate.
    #[must_use]
    pub fn of(blocks: &str, certificate: &Arc<Certificate>) -> Self {
        Self { blocks: blocks.to_owned(), certificate: Arc::clone(certificate) }
    }

    /// Starts the server and waits until it takes connections.
    ///
    /// # Panics
    ///
    /// With its log when it does not within a minute.
    pub async fn start(self) -> NginxServer {
        Server::start_new(self).await
    }
}

impl Kind for Nginx {
    const NAME: &'static str = "nginx";
    const ACCOUNT: &'static str = "www-data";
    const STOP: Signal = Signal::TERM;

    async fn prepare(&self, installation: &Installation) {
        self.certificate.install(installation);
        let directory = installation.directory().display();
        let blocks = self.blocks.replace("PORT", &installation.port().to_string());
        let blocks = blocks.replace("CHAIN", &chain_file(installation).display().to_string());
        let blocks = blocks.replace("KEY", &key_file(installation).display().to_string());
        let paths: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|kind| format!("{kind}_temp_path {directory}/{kind};\n"))
            .concat();
        let text = format!(
            "daemon off;\npid {directory}/pid;\nerror_log stderr;\nworker_processes 1;\nevents {{}}\nhttp {{\naccess_log \
             off;\n{paths}{blocks}\n}}\n"
        );
        fs::write(configuration(installation), text).expect("the directory can be written");
    }

    fn command(&self, installation: &Installation) -> Command {
        let mut command = installation.command(&program("nginx", "nginx"));
        command.arg("-p").arg(installation.directory()).arg("-e").arg("stderr");
        command.arg("-c").arg(configuration(installation));
        command
    }

    async fn answers(&self, installation: &Installation) -> bool {
        TcpStream::connect(("127.0.0.1", installation.port())).await.is_ok()
    }
}

fn configuration(installation: &Installation) -> PathBuf {
    installation.directory().join("nginx.conf")
}
