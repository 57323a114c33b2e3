fn dig(depth: &mut u64) -> u64 {
    let mut deeper = *depth + 1;
    dig(&mut deeper) + *depth
}

fn main() {
    println!("{}", dig(&mut 0));
}
