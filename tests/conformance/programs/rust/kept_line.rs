fn main() {
    println!("before the loop");
    loop {}
}
