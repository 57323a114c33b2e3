fn main() {
    let größe = "Grüße, 世界 🦀";
    println!("{größe}");
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).unwrap();
    println!("{}", line.trim_end().chars().rev().collect::<String>());
}
