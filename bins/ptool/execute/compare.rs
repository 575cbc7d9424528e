//! `ptool compare`.

mod by_name;

use super::{inputs, options, prepare};
use crate::args::Format;
use crate::cmd::compare::Args;
use crate::cmd::{Context, Exit, open, save};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use ptool::analysis::Tolerance;
use ptool::analysis::align::Side;
use ptool::analysis::compare::{
    Compared, Leaf, Observer, Origin, Produced, Results, Sequence, compare, compare_owned,
};
use ptool::analysis::walk::is_operator;
use ptool::exec::torch::{Run, TorchEngine};
use ptool::exec::{ExecError, Value, ValueRef};
use ptool::ir::Program;
use ptool::model::Model;
use ptool::model::origin::Origins;
use ptool::report::spool::Spool;
use ptool::report::{compare as report, json};
use std::io::Write;

/// Runs both models in lockstep and reports what differs.
pub(crate) fn run(args: Args, context: &Context, out: &mut dyn Write) -> anyhow::Result<Exit> {
    if let Some(path) = &args.save {
        save::check(path, args.force, &[&args.a, &args.b])?;
    }
    prepare(&args.exec)?;
    if let Some(exit) = by_name::run(&args, context, out)? {
        return Ok(exit);
    }
    let (model_a, model_b) = (open::runnable(&args.a)?, open::runnable(&args.b)?);
    let chosen = inputs(&model_a, &args.exec.method, &args.inputs)?;
    context.note(&chosen.source);
    let (a, b) = (
        Subject::new(&model_a, &args)?,
        Subject::new(&model_b, &args)?,
    );
    let tolerance = Tolerance {
        rtol: args.rtol,
        atol: args.atol,
    };
    let mut watch = Watch::new(args.save.is_some())?;
    let comparison = a.with(b, &chosen.values, tolerance, &mut watch)?;
    watch.bar.finish_and_clear();
    let (origins_a, origins_b) = (Origins::new(&model_a), Origins::new(&model_b));
    let subject = report::Subject {
        origins_a: &origins_a,
        origins_b: &origins_b,
        arguments: arguments(&chosen.values, tolerance),
        inputs: chosen.source.clone(),
        tolerance,
    };
    let report = report::report(&comparison, &subject);
    if let (Some(path), Some(spool)) = (&args.save, watch.spool) {
        let skipped = spool.skipped();
        save::write(path, |file| Ok(spool.finish(file)?))?;
        context.note(format_args!("wrote {}", path.display()));
        if skipped > 0 {
            context.note(format_args!(
                "{skipped} results have a dtype .safetensors has not"
            ));
        }
    }
    match args.format.format {
        Format::Json => json::write(out, "compare", &report)?,
        Format::Text => out.write_all(report.text(context.paint).as_bytes())?,
    }
    Ok(if report.is_equal { Exit::Ok } else { Exit::No })
}

/// One of the two models, loaded.
struct Subject<'m> {
    model: &'m Model,
    engine: TorchEngine<'m>,
    sequence: Sequence,
}

impl<'m> Subject<'m> {
    fn new(model: &'m Model, args: &Args) -> anyhow::Result<Subject<'m>> {
        let engine = TorchEngine::new(model, options(&args.exec))?;
        let func = model.method(&args.exec.method).map(|(func, _)| func);
        let func = func.ok_or_else(|| ExecError::NoMethod(args.exec.method.as_str().into()))?;
        Ok(Subject {
            model,
            engine,
            sequence: Sequence::new(model, func),
        })
    }

    fn with(
        mut self,
        mut other: Subject<'m>,
        inputs: &[Value],
        tolerance: Tolerance,
        watch: &mut Watch,
    ) -> anyhow::Result<ptool::analysis::compare::Comparison> {
        let mut a = Stream {
            program: &self.model.program,
            run: self.engine.start(inputs)?,
        };
        let mut b = Stream {
            program: &other.model.program,
            run: other.engine.start(inputs)?,
        };
        let a = (&self.sequence, &mut a as &mut dyn Results);
        let b = (&other.sequence, &mut b as &mut dyn Results);
        Ok(compare(a, b, tolerance, watch)?)
    }
}

/// The inputs as rows of the table: both models get the same.
fn arguments(values: &[Value], tolerance: Tolerance) -> Vec<(String, Vec<Leaf>)> {
    let argument = |(i, value): (usize, &Value)| {
        let leaves = compare_owned(value, value, tolerance);
        (format!("arg{i}"), leaves)
    };
    values.iter().enumerate().map(argument).collect()
}

/// Results of operators as a model runs.
struct Stream<'e, 'm> {
    program: &'m Program,
    run: Run<'e, 'm>,
}

impl Results for Stream<'_, '_> {
    fn next(&mut self) -> Result<Option<Produced>, ExecError> {
        while let Some(step) = self.run.advance()? {
            let event = step.event()?;
            if event.kind == ptool::exec::torch::RETURN {
                continue;
            }
            let node = self.program.functions[event.func].graph.node(event.node);
            let tensors = event.value.tensors();
            if !is_operator(&node.op) || tensors.is_empty() {
                continue;
            }
            let bytes = |t: &&ptool::exec::TensorRef| t.numel().saturating_mul(t.dtype.size());
            return Ok(Some(Produced {
                scope: event.scope.into(),
                func: event.func,
                node: event.node,
                kind: event.kind.into(),
                output: (node.outputs.len() > 1).then_some(event.output),
                span: event.span,
                bytes: tensors.iter().map(bytes).sum(),
                value: event.keep()?,
            }));
        }
        Ok(None)
    }
}

/// Progress on a terminal, and results for `--save`.
struct Watch {
    bar: ProgressBar,
    spool: Option<Spool>,
}

impl Watch {
    fn new(is_saving: bool) -> anyhow::Result<Watch> {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(10));
        let style = ProgressStyle::with_template("comparing {bar:30} {pos}/{len} {wide_msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        Ok(Watch {
            bar,
            spool: is_saving.then(Spool::new).transpose()?,
        })
    }
}

impl Observer for Watch {
    fn compared(&mut self, pair: &Compared, done: usize, expected: usize) {
        self.bar.set_length(expected.max(done) as u64);
        self.bar.set_position(done as u64);
        self.bar.set_message(pair.a.name.clone());
    }

    fn result(
        &mut self,
        side: Side,
        origin: &Origin,
        value: &ValueRef<'_>,
    ) -> Result<(), ExecError> {
        let Some(spool) = &mut self.spool else {
            return Ok(());
        };
        let model = match side {
            Side::A => "a",
            Side::B => "b",
        };
        let tensors = value.tensors();
        for (i, tensor) in tensors.iter().enumerate() {
            let suffix = if tensors.len() == 1 {
                String::new()
            } else {
                format!(".{i}")
            };
            let name = format!("{model}/{}{suffix}", origin.name);
            let pushed = spool.push(&name, &tensor.to_host()?);
            pushed.map_err(|error| ExecError::Tap(Box::new(error)))?;
        }
        Ok(())
    }

    fn wants_results(&self) -> bool {
        self.spool.is_some()
    }
}
