//! `ptool`: everything that needs no execution; commands that execute are handed over to `ptool-torch`.

mod app;
mod args;
mod cmd;
mod hand_over;

fn main() -> std::process::ExitCode {
    app::main(hand_over::run)
}
