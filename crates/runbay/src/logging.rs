//! Log lines on standard error: for people on a terminal, JSON otherwise.

use std::io::IsTerminal;

use anyhow::Context;
use runbay_sandbox::Account;
use tracing_subscriber::EnvFilter;

/// Starts logging; `filter` is like `info` or `runbay=debug,warn` (the syntax of `RUST_LOG`).
pub(crate) fn start(filter: &str) -> anyhow::Result<()> {
    let mut filter = EnvFilter::builder().parse(filter).with_context(|| format!("{filter:?} is no log filter"))?;
    if Account::current().is_root() {
        // Servers do not stay root, and then cannot look for this file in the home of root.
        filter = filter.add_directive("sqlx_postgres::options::pgpass=error".parse()?);
    }
    // It would log every frame, and so what people type to their programs.
    filter = filter.add_directive("tungstenite=warn".parse()?).add_directive("tokio_tungstenite=warn".parse()?);
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if std::io::stderr().is_terminal() {
        builder.with_target(false).init();
    } else {
        // The span is the request, whose id answers carry too.
        builder.json().flatten_event(true).with_current_span(true).with_span_list(false).init();
    }
    Ok(())
}
