//! Project tasks; see `cargo xtask help`.

mod codegen;

use std::path::Path;

fn main() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let python = std::env::var("PYTHON").unwrap_or_else(|_| "python3".into());
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["codegen"] => codegen::codegen(&root, &python, false),
        ["codegen", "--check"] => codegen::codegen(&root, &python, true),
        _ => anyhow::bail!("usage: cargo xtask codegen [--check]"),
    }
}
