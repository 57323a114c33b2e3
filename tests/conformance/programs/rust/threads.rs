use std::thread;
use std::time::Duration;

fn main() {
    let threads: Vec<_> = (0..50).map(|_| thread::spawn(|| thread::sleep(Duration::from_millis(200)))).collect();
    let finished = threads.into_iter().filter_map(|thread| thread.join().ok()).count();
    println!("{finished}");
}
