//! `ptool`: everything that needs no execution; commands that execute are handed over to `ptool-torch`.

#![allow(
    dead_code,
    reason = "the arguments of commands that execute are handed over unread"
)]

mod app;
mod args;
mod cmd;
mod hand_over;

fn main() -> std::process::ExitCode {
    app::main(hand_over::run)
}
