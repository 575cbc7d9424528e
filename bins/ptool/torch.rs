//! `ptool-torch`: the same commands with libtorch linked in.
fn main() {}
