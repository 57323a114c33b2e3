pub const FIRST: &str = "Ada";
