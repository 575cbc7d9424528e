//! `ptool-torch`: the same commands with libtorch linked in.

mod app;
mod args;
mod cmd;
mod execute;

fn main() -> std::process::ExitCode {
    app::main(execute::run)
}
