fn main() {
    let sum: i32 = 1 + 2;
    let text: String = sum;
    println!("{text}");
}
