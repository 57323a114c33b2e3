use std::env;
use std::io;

fn main() {
    for argument in env::args().skip(1) {
        println!("{argument}");
    }
    for line in io::stdin().lines() {
        println!("{}", line.unwrap());
    }
}
