mod greeting;
mod people;

fn main() {
    println!("{}", greeting::greet(people::names::FIRST));
}
