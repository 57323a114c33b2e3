//! Standard input of this command on its way to the program.

use std::io::ErrorKind;
use std::io::Read;

use runbay_client::InputClosed;
use runbay_client::InputSender;
use tokio::runtime::Handle;

/// How much is read at one time.
const PIECE_BYTES: usize = 16 * 1024;

/// Passes standard input on until its end or that of the program.
///
/// A thread of its own does it, which nothing can wake up while nobody types: it ends with the process.
pub(super) fn pass_on(input: InputSender) {
    let runtime = Handle::current();
    std::thread::spawn(move || runtime.block_on(copy(&input)));
}

async fn copy(input: &InputSender) -> Result<(), InputClosed> {
    let mut buffer = vec![0; PIECE_BYTES];
    loop {
        match std::io::stdin().lock().read(&mut buffer) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            // Input that cannot be read has ended.
            Ok(0) | Err(_) => return input.eof().await,
            Ok(length) => input.stdin(&buffer[..length]).await?,
        }
    }
}
