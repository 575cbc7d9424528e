//! From the command line to an exit code.

use crate::args::{Cli, Command};
use crate::cmd::{self, Context, Exit};
use clap::{CommandFactory, FromArgMatches};
use std::io::{self, Write};
use std::process::ExitCode;

/// Runs a command that executes a model; the two binaries differ in this only.
pub(crate) type Execute = fn(Executing, &Context, &mut dyn Write) -> anyhow::Result<Exit>;

/// The commands that execute a model.
pub(crate) enum Executing {
    Run(cmd::run::Args),
    Compare(cmd::compare::Args),
    Quantize(Box<cmd::quantize::Args>),
    Profile(cmd::profile::Args),
    Calibrate(cmd::calibrate::Args),
}

/// Parses the command line, runs the command, prints what went wrong.
pub(crate) fn main(execute: Execute) -> ExitCode {
    let cli = match parse() {
        Ok(cli) => cli,
        Err(error) => {
            // `--help` and `--version` are errors that exit with 0.
            let _ = error.print();
            return ExitCode::from(error.exit_code() as u8);
        }
    };
    let context = Context::new(cli.color.into());
    let mut out = io::BufWriter::new(io::stdout().lock());
    let result = dispatch(cli.command, &context, &mut out, execute);
    let result = result.and_then(|exit| Ok(out.flush().map(|()| exit)?));
    match result {
        Ok(exit) => exit.into(),
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            context.error(&error);
            Exit::Error.into()
        }
    }
}

fn parse() -> Result<Cli, clap::Error> {
    let color = crate::args::color_on_the_command_line(std::env::args_os());
    let command = Cli::command().color(color);
    Cli::from_arg_matches(&command.try_get_matches()?)
}

fn dispatch(
    command: Command,
    context: &Context,
    out: &mut dyn Write,
    execute: Execute,
) -> anyhow::Result<Exit> {
    match command {
        Command::Inspect(args) => cmd::inspect::run(args, context, out),
        Command::Verify(args) => cmd::verify::run(args, context, out),
        Command::Diff(args) => cmd::diff::run(args, context, out),
        Command::Prepare(args) => cmd::prepare::run(args, context, out),
        Command::ToDevice(args) => cmd::to_device::run(args, context, out),
        Command::Run(args) if args.engine == cmd::run::Engine::Hbdk => {
            cmd::run_hbdk::run(args, context, out)
        }
        Command::Run(args) => execute(Executing::Run(args), context, out),
        Command::Quantize(args) => execute(Executing::Quantize(Box::new(args)), context, out),
        Command::Compare(args) => execute(Executing::Compare(args), context, out),
        Command::Convert(args) => cmd::convert::run(args, context, out),
        Command::Profile(args) => execute(Executing::Profile(args), context, out),
        Command::Calibrate(args) => execute(Executing::Calibrate(args), context, out),
        Command::Check(args) => cmd::check::run(args, context, out),
        Command::Completions(args) => cmd::completions::run(args, out),
    }
}

/// The reader of a pipe went away (`ptool inspect M | head`): nothing is wrong.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|cause| cause.kind() == io::ErrorKind::BrokenPipe)
}
