//! One file per command.

pub(crate) mod calibrate;
pub(crate) mod check;
pub(crate) mod compare;
pub(crate) mod completions;
pub(crate) mod convert;
pub(crate) mod diff;
pub(crate) mod front_end;
pub(crate) mod inspect;
pub(crate) mod open;
pub(crate) mod prepare;
pub(crate) mod profile;
pub(crate) mod quantize;
pub(crate) mod run;
pub(crate) mod run_hbdk;
pub(crate) mod save;
pub(crate) mod to_device;
pub(crate) mod verify;

use ptool::report::Paint;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

/// What a command answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Yes, or done.
    Ok,
    /// The answer is no: differs, invalid, found something.
    No,
    /// Could not answer.
    Error,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(match exit {
            Exit::Ok => 0,
            Exit::No => 1,
            Exit::Error => 2,
        })
    }
}

/// What every command knows about the terminal.
pub(crate) struct Context {
    /// Colours of standard output.
    pub(crate) paint: Paint,
    /// Colours of standard error.
    pub(crate) paint_err: Paint,
}

impl Context {
    /// Decides about colours once.
    pub(crate) fn new(color: clap::ColorChoice) -> Context {
        let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let decide = |is_terminal: bool| match color {
            clap::ColorChoice::Always => Paint::on(),
            clap::ColorChoice::Never => Paint::off(),
            clap::ColorChoice::Auto if is_terminal && !no_color => Paint::on(),
            clap::ColorChoice::Auto => Paint::off(),
        };
        Context {
            paint: decide(io::stdout().is_terminal()),
            paint_err: decide(io::stderr().is_terminal()),
        }
    }

    /// Prints an error with its causes, in one line.
    pub(crate) fn error(&self, error: &anyhow::Error) {
        let mut text = error.to_string();
        for cause in error.chain().skip(1).map(ToString::to_string) {
            // Wrapping errors often repeat what they wrap.
            if !text.ends_with(&cause) {
                text += &format!(": {cause}");
            }
        }
        let text = format!("{} {text}\n", self.paint_err.error("error:"));
        let _ = io::stderr().write_all(text.as_bytes());
    }

    /// Tells something that is not part of the result.
    pub(crate) fn note(&self, text: impl std::fmt::Display) {
        let line = format!("{}\n", self.paint_err.dim(&text.to_string()));
        let _ = io::stderr().write_all(line.as_bytes());
    }
}
