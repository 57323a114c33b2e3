fn main() {
    let mut hoard = Vec::new();
    loop {
        hoard.push(vec![1_u8; 1_000_000]);
    }
}
