//! `ptool completions SHELL`.

use crate::args::Cli;
use crate::cmd::Exit;
use clap::CommandFactory;
use std::io::Write;

/// Print a completion script for a shell.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The shell.
    shell: clap_complete::Shell,
}

const EXAMPLES: &str = "\
Examples:
  ptool completions bash > ~/.local/share/bash-completion/completions/ptool
  ptool completions zsh > ~/.zfunc/_ptool
  ptool completions fish > ~/.config/fish/completions/ptool.fish";

/// Writes the script.
pub(crate) fn run(args: Args, out: &mut dyn Write) -> anyhow::Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "ptool", &mut script);
    out.write_all(&script)?;
    Ok(Exit::Ok)
}
