//! Saved results, and fixed-point files: compared by the front end's names.

use super::super::profile;
use crate::args::Format;
use crate::cmd::compare::Args;
use crate::cmd::front_end::FrontEnd;
use crate::cmd::{Context, Exit, open, save};
use anyhow::bail;
use ptool::analysis::profile::Results;
use ptool::archive::torch_save;
use ptool::exec::Value;
use ptool::hbdk;
use ptool::inputs::Arrays;
use ptool::report::{by_name, json};
use std::io::Write;
use std::path::Path;

/// One side of the comparison.
enum Side {
    Saved(Results),
    Model(Box<ptool::model::Model>, Box<FrontEnd>),
}

/// Compares by name where that is possible: `None` for models that the front end does not read.
pub(super) fn run(
    args: &Args,
    context: &Context,
    out: &mut dyn Write,
) -> anyhow::Result<Option<Exit>> {
    let a = side(&args.a, args)?;
    let b = side(&args.b, args)?;
    let (Some(a), Some(b)) = (a, b) else {
        return match is_results(&args.a) || is_results(&args.b) {
            true => {
                bail!("saved results are compared with saved results or a fixed-point model only")
            }
            false => Ok(None),
        };
    };
    let mut inputs = None;
    let mut results = |side: Side| -> anyhow::Result<Results> {
        match side {
            Side::Saved(results) => Ok(results),
            Side::Model(model, front) => {
                context.note(&front.chosen.source);
                inputs = Some(front.chosen.source.clone());
                profile::results(&model, &front, &args.exec)
            }
        }
    };
    let (a, b) = (results(a)?, results(b)?);
    if let Some(path) = &args.save {
        let sides = [("a", &a), ("b", &b)];
        let all = sides.into_iter().flat_map(|(side, results)| {
            let tensors = results.tensors.iter();
            tensors.map(move |(name, tensor)| (format!("{side}/{name}"), tensor.clone()))
        });
        save::results(path, &all.collect::<Vec<_>>())?;
        context.note(format_args!("wrote {}", path.display()));
    }
    let inputs = inputs.unwrap_or_else(|| "saved results".to_owned());
    let report = by_name::report(&a, &b, inputs);
    match args.format.format {
        Format::Json => json::write(out, "compare", &report)?,
        Format::Text => out.write_all(report.text(context.paint).as_bytes())?,
    }
    Ok(Some(if report.is_equal { Exit::Ok } else { Exit::No }))
}

/// Results of an earlier run rather than a model.
fn is_results(path: &Path) -> bool {
    match path.extension().and_then(|e| e.to_str()) {
        Some("safetensors" | "npz") => true,
        Some("pt" | "pth") => torch_save::open(path).is_ok(),
        _ => false,
    }
}

fn side(path: &Path, args: &Args) -> anyhow::Result<Option<Side>> {
    if is_results(path) {
        return Ok(Some(Side::Saved(saved(path)?)));
    }
    let model = open::runnable(path)?;
    if args.exec.method != "forward" || !hbdk::is_fixed_point(&model) {
        return Ok(None);
    }
    let front = FrontEnd::new(&model, &args.inputs, None)?;
    Ok(match front.build.problems.is_empty() {
        true => Some(Side::Model(Box::new(model), Box::new(front))),
        false => None,
    })
}

fn saved(path: &Path) -> anyhow::Result<Results> {
    let mut results = Results::default();
    for item in Arrays::read(path)?.items {
        match (item.name, item.value) {
            (Some(name), Value::Tensor(tensor)) => results.tensors.push((name, tensor)),
            _ => bail!("`{}` is no dict of tensors", path.display()),
        }
    }
    Ok(results)
}
