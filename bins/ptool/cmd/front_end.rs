//! The front end over a file: built once, with what it refuses as an error.

use crate::args::InputArgs;
use crate::cmd::Context;
use anyhow::{Context as _, anyhow, bail};
use ptool::analysis::profile::{arrays, describe};
use ptool::diag::{Severity, render};
use ptool::exec::Value;
use ptool::hbdk::{Array, Build, March, Options, Stage, build, check};
use ptool::inputs::{Chosen, Given, choose};
use ptool::model::Model;

/// What the front end makes of a model and its inputs.
pub(crate) struct FrontEnd {
    /// The layers.
    pub(crate) build: Build,
    /// The arguments, as the model takes them.
    pub(crate) chosen: Chosen,
}

/// The inputs a user chose.
pub(crate) fn inputs(model: &Model, args: &InputArgs) -> anyhow::Result<Chosen> {
    let given = match (&args.inputs, args.shape.as_slice()) {
        (Some(path), _) => Given::File(path),
        (None, []) => Given::Nothing,
        (None, shapes) => Given::Shapes(shapes),
    };
    Ok(choose(model, "forward", given, args.seed)?)
}

impl FrontEnd {
    /// Walks the model; what it refuses is in the build's problems.
    pub(crate) fn new(
        model: &Model,
        args: &InputArgs,
        march: Option<March>,
    ) -> anyhow::Result<FrontEnd> {
        let chosen = inputs(model, args)?;
        let build = build(model, &describe(&chosen.values), Options { march });
        Ok(FrontEnd { build, chosen })
    }

    /// An error that lists everything the front end refuses. Layers beyond the hardware's limits are only reported:
    /// they are complete, and their arithmetic is known.
    pub(crate) fn require(&self, model: &Model, context: &Context) -> anyhow::Result<()> {
        let found = check::diagnostics(&self.build);
        let errors = found.iter().filter(|d| d.severity == Severity::Error);
        let errors: Vec<_> = errors.cloned().collect();
        if errors.is_empty() {
            return Ok(());
        }
        let text = render::render_all(&errors, &model.program, context.paint_err.is_on());
        context.note(text.trim_end());
        if self
            .build
            .problems
            .iter()
            .all(|it| it.stage == Stage::Limit)
        {
            context.note(
                "the compiler refuses these layers; their integers are evaluated all the same",
            );
            return Ok(());
        }
        bail!(
            "the front end refuses {} of the model's nodes; `ptool check --deploy` lists them with what to do",
            errors.len()
        )
    }

    /// The arguments as plain numbers.
    pub(crate) fn arrays(&self) -> anyhow::Result<Vec<Array>> {
        arrays(&self.chosen.values)
            .map_err(|e| anyhow!(e))
            .context("inputs")
    }

    /// The arguments.
    pub(crate) fn values(&self) -> &[Value] {
        &self.chosen.values
    }
}

/// `--march`
pub(crate) fn march(text: &str) -> Result<March, String> {
    March::parse(text)
        .ok_or_else(|| format!("unrecognized march {text}; expected bernoulli2 or bayes"))
}
