//! Commands that execute a model.

mod calibrate;
mod compare;
mod profile;
mod quantize;
mod run;

use crate::app::Executing;
use crate::args::{ExecArgs, InputArgs};
use crate::cmd::{Context, Exit};
use ptool::exec::torch::{self, Message, Options, Sink};
use ptool::inputs::{Chosen, Given, choose};
use ptool::model::Model;
use std::io::Write;

/// Runs the command in this process.
pub(crate) fn run(
    command: Executing,
    context: &Context,
    out: &mut dyn Write,
) -> anyhow::Result<Exit> {
    match command {
        Executing::Run(args) => run::run(args, context, out),
        Executing::Compare(args) => compare::run(args, context, out),
        Executing::Quantize(args) => quantize::run(*args, context, out),
        Executing::Profile(args) => profile::run(args, context, out),
        Executing::Calibrate(args) => calibrate::run(args, context, out),
    }
}

/// Loads libraries and sets threads, before any model is opened.
fn prepare(args: &ExecArgs) -> anyhow::Result<()> {
    torch::configure_allocator();
    for library in &args.library {
        torch::load_library(&library.to_string_lossy())?;
    }
    if let Some(threads) = args.threads {
        torch::set_threads(threads.get().into())?;
    }
    Ok(())
}

fn options(args: &ExecArgs) -> Options {
    Options {
        method: args.method.as_str().into(),
        sink: Some(sink()),
        ..Options::default()
    }
}

/// What a model prints is no result of ours.
fn sink() -> Sink {
    Box::new(|message| {
        let text = match message {
            Message::Printed(text) => text,
            Message::Warned(text) => format!("the model warns: {text}\n"),
        };
        let _ = std::io::stderr().write_all(text.as_bytes());
    })
}

fn inputs(model: &Model, method: &str, args: &InputArgs) -> anyhow::Result<Chosen> {
    let given = match (&args.inputs, args.shape.as_slice()) {
        (Some(path), _) => Given::File(path),
        (None, []) => Given::Nothing,
        (None, shapes) => Given::Shapes(shapes),
    };
    Ok(choose(model, method, given, args.seed)?)
}
