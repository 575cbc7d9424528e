//! `ptool inspect`.

use super::front_end::FrontEnd;
use crate::args::InputArgs;
use crate::cmd::{Context, Exit, open};
use anyhow::bail;
use ptool::analysis::resolve;
use ptool::archive::Archive;
use ptool::ir::FuncId;
use ptool::model::Model;
use ptool::pass::flat;
use ptool::report::{inspect, json};
use serde::Serialize;
use std::io::Write;
use std::path::PathBuf;

/// Show what is in a TorchScript file.
///
/// Without a flag: producer, versions, root class, sizes, methods, operators and example inputs.
/// One flag shows one thing in full.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The TorchScript file.
    model: PathBuf,
    #[command(flatten)]
    what: What,
    /// The function: `forward`, `layer1.0.forward`, or a qualified name.
    #[arg(long, value_name = "NAME")]
    method: Option<String>,
    #[command(flatten)]
    inputs: InputArgs,
    /// How to print the result; `dot` draws the graph of `--graph` or `--flat` for Graphviz.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,
}

/// How the result is printed.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For people.
    Text,
    /// For programs; `schema_version` says which layout.
    Json,
    /// A graph for Graphviz.
    Dot,
}

/// What is shown in full.
#[derive(clap::Args)]
#[group(multiple = false)]
struct What {
    /// The graph of a method in torch's spelling, calls as they are.
    #[arg(long)]
    graph: bool,
    /// The method as one graph: calls inlined, constants folded, every node with its module.
    #[arg(long)]
    flat: bool,
    /// The serialised source, and the user's Python lines where the file records them.
    #[arg(long)]
    code: bool,
    /// Every tensor: path, dtype, shape, strides, storage, bytes, device, what it is shared with.
    #[arg(long)]
    tensors: bool,
    /// The zip records: offsets, sizes, methods, checksums.
    #[arg(long)]
    entries: bool,
    /// How often each operator stands in a method.
    #[arg(long)]
    ops: bool,
    /// The layers that the compiler's front end makes of a fixed-point model, for its inputs' shapes.
    #[arg(long)]
    hbir: bool,
}

const EXAMPLES: &str = "\
Examples:
  ptool inspect resnet18.pt
  ptool inspect resnet18.pt --graph --method layer1.0.forward
  ptool inspect resnet18.pt --flat                              what runs, with the module of every operator
  ptool inspect resnet18.pt --flat --format dot | dot -Tsvg > resnet18.svg
  ptool inspect resnet18.pt --tensors --format json | jq '.tensors[] | select(.dtype == \"int64\")'
  ptool inspect quantized.pt --hbir --shape 1x3x224x224
  ptool inspect broken.pt --entries        works on every zip, whatever is in it";

/// Prints one report.
pub(crate) fn run(args: Args, context: &Context, out: &mut dyn Write) -> anyhow::Result<Exit> {
    if args.format == Format::Dot {
        return draw(&args, out);
    }
    let json = args.format == Format::Json;
    if args.what.entries {
        let archive = open::named(&args.model, Archive::open(&args.model))?;
        let entries = inspect::entries(&archive);
        return print(out, json, &entries, || entries.text());
    }
    let model = open::model(&args.model)?;
    let method = args.method.as_deref();
    if args.what.graph {
        let func = function(&model, method.unwrap_or("forward"))?;
        let graphs = inspect::graphs(&model, [func]);
        print(out, json, &graphs, || graphs.text())
    } else if args.what.flat {
        let graphs = inspect::flat_graph(&model, method.unwrap_or("forward"))?;
        print(out, json, &graphs, || graphs.text())
    } else if args.what.code {
        let func = method.map(|name| function(&model, name)).transpose()?;
        let code = open::named(&args.model, inspect::code(&model, func))?;
        print(out, json, &code, || code.text(context.paint))
    } else if args.what.ops {
        let name = method.unwrap_or("forward");
        let ops = inspect::ops(&model, name, function(&model, name)?);
        print(out, json, &ops, || ops.text())
    } else if args.what.hbir {
        let front = FrontEnd::new(&model, &args.inputs, None)?;
        front.require(&model, context)?;
        let hbir = inspect::hbir(&front.build.graph);
        print(out, json, &hbir, || hbir.text.clone())
    } else if args.what.tensors {
        let tensors = open::named(&args.model, inspect::tensors(&model))?;
        print(out, json, &tensors, || tensors.text())
    } else {
        let name = args.model.file_name().unwrap_or(args.model.as_os_str());
        let summary = inspect::summary(&model, &name.to_string_lossy());
        let summary = open::named(&args.model, summary)?;
        print(out, json, &summary, || summary.text(context.paint))
    }
}

/// `--format dot`.
fn draw(args: &Args, out: &mut dyn Write) -> anyhow::Result<Exit> {
    let name = args.method.as_deref().unwrap_or("forward");
    if !args.what.graph && !args.what.flat {
        bail!("`--format dot` draws a graph: add `--flat`, or `--graph` for one with its calls");
    }
    let model = open::model(&args.model)?;
    let text = match args.what.flat {
        true => inspect::dot(flat(&model, name)?.graph()),
        false => inspect::dot(&model.program.functions[function(&model, name)?].graph),
    };
    out.write_all(text.as_bytes())?;
    Ok(Exit::Ok)
}

fn print<T: Serialize>(
    out: &mut dyn Write,
    json: bool,
    body: &T,
    text: impl FnOnce() -> String,
) -> anyhow::Result<Exit> {
    match json {
        true => json::write(out, "inspect", body)?,
        false => out.write_all(text().as_bytes())?,
    }
    Ok(Exit::Ok)
}

/// The function a user means, or what there is instead.
fn function(model: &Model, name: &str) -> anyhow::Result<FuncId> {
    match resolve::function(model, name) {
        Some(func) => Ok(func),
        None => {
            let methods = resolve::method_names(model).join("`, `");
            bail!(
                "no function `{name}`; the root module has `{methods}`, those of others are named \
                 by path (`layer1.0.forward`) or in full (`__torch__.net.Net.forward`)"
            )
        }
    }
}
