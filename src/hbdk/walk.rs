//! The walk over the un-inlined graph (`horizon.md` 5.3): scopes, attributes, calls by name.
//!
//! ```text
//! input ─► placeholders ─┐
//! node ─► prim, object   ├─► values ─► layer ─► records, layers
//!      └► call ─► lower ─┘         └─► mark (what profile compares), problem
//! ```

mod args;
mod call;
mod float;
mod input;
mod layer;
mod mark;
mod node;
mod object;
mod prim;
mod problem;

use super::graph::{Graph, Known, Site, Tree};
use super::layout::Tensor;
use super::march::March;
use super::name::Names;
use super::value::Val;
use crate::ir::FuncId;
use crate::model::Model;
use smol_str::SmolStr;

pub(super) use args::Args;
pub use input::Input;
pub use mark::{Mark, MarkKind};
pub(super) use problem::Fail;
pub use problem::{Problem, Stage};

/// How to build.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// The march; by default the one that the file's calls name.
    pub march: Option<March>,
}

/// What came of a model.
#[derive(Debug)]
pub struct Build {
    /// Its layers; complete only without problems.
    pub graph: Graph,
    /// Nodes to compare.
    pub marks: Vec<Mark>,
    /// Everything the front end does not take.
    pub problems: Vec<Problem>,
    /// What it says on the way (5.6).
    pub warnings: Vec<String>,
}

/// The state of one build.
pub(super) struct Builder<'m> {
    pub(super) model: &'m Model,
    pub(super) graph: Graph,
    pub(super) tensors: Vec<Tensor>,
    pub(super) names: Names,
    pub(super) march: Option<March>,
    /// The name of the call being lowered.
    pub(super) annotation: SmolStr,
    /// Constants made for that call.
    pub(super) constants_of_call: usize,
    site: Option<Site>,
    known: Option<Known>,
    scopes: Vec<SmolStr>,
    marks: Vec<Mark>,
    pub(super) problems: Vec<Problem>,
    pub(super) warnings: Vec<String>,
    nodes: usize,
}

/// Builds the layers of `forward` for arguments of the given shapes.
pub fn build(model: &Model, inputs: &[Input], options: Options) -> Build {
    let mut builder = Builder::new(model, options);
    match model.method("forward") {
        Some((func, _)) => builder.root(func, inputs),
        None => builder.problem(
            Stage::UnsupportedNode,
            "forward",
            Fail::new("the model has no method `forward`"),
            None,
        ),
    }
    let march = builder.march();
    builder.graph.march = march;
    Build {
        graph: builder.graph,
        marks: builder.marks,
        problems: builder.problems,
        warnings: builder.warnings,
    }
}

impl<'m> Builder<'m> {
    fn new(model: &'m Model, options: Options) -> Builder<'m> {
        Builder {
            model,
            graph: Graph {
                march: March::Bayes,
                records: vec![],
                layers: vec![],
                inputs: vec![],
                outputs: vec![],
                result: Tree::None,
            },
            tensors: vec![],
            names: Names::default(),
            march: options.march,
            annotation: SmolStr::default(),
            constants_of_call: 0,
            site: None,
            known: None,
            // The function name, which is empty (5.4).
            scopes: vec![SmolStr::default()],
            marks: vec![],
            problems: vec![],
            warnings: vec![],
            nodes: 0,
        }
    }

    /// A builder of its own for the same model.
    pub(super) fn scratch(model: &'m Model, options: Options) -> Builder<'m> {
        Builder::new(model, options)
    }

    /// The march of the calls seen so far.
    pub(super) fn march(&self) -> March {
        self.march.unwrap_or(March::Bayes)
    }

    fn root(&mut self, func: FuncId, inputs: &[Input]) {
        let function = &self.model.program.functions[func];
        let params = function.params.len().saturating_sub(1);
        if params != inputs.len() {
            let fail = Fail::new(format!("expected {params} inputs, found {}", inputs.len()));
            return self.problem(Stage::UnsupportedNode, "forward", fail, function.span);
        }
        let mut args = vec![Val::Object(self.model.root(), SmolStr::default())];
        for (i, input) in inputs.iter().enumerate() {
            let arg = self.argument(format!("arg{i}"), input, 0);
            args.push(arg);
        }
        let result = self.method(func, args);
        self.graph.result = self.result(&result, 0);
        let has_output = !self.graph.outputs.is_empty();
        if !has_output && self.problems.is_empty() {
            let fail = Fail::new("no output tensor found. empty model!");
            self.problem(Stage::UnsupportedNode, "forward", fail, function.span);
        }
    }
}
