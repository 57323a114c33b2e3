fn fail() {
    panic!("the flux is low");
}

fn main() {
    fail();
}
