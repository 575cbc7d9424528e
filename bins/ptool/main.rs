//! `ptool`: everything that needs no execution.
fn main() {}
