//! The thread that starts all servers.

use std::io;
use std::process::Child;
use std::process::Command;
use std::sync::LazyLock;
use std::sync::mpsc;
use std::thread;

type Order = (Command, mpsc::Sender<io::Result<Child>>);

static STARTER: LazyLock<mpsc::Sender<Order>> = LazyLock::new(|| {
    let (orders, inbox) = mpsc::channel::<Order>();
    let starter = thread::Builder::new().name("servers".to_owned());
    starter
        .spawn(move || {
            for (mut command, answer) in inbox {
                // Only at the very end of the process nobody waits for the answer.
                answer.send(command.spawn()).ok();
            }
        })
        .expect("a thread can be started");
    orders
});

/// Starts a process from a thread that lives as long as this process.
///
/// The kernel sends the parent death signal when the *thread* that started the child ends (prctl(2)), and the thread of
/// a test ends long before the process.
pub(super) fn start(command: Command) -> io::Result<Child> {
    let (answer, started) = mpsc::channel();
    STARTER.send((command, answer)).expect("the starter never ends");
    started.recv().expect("the starter answers every order")
}
