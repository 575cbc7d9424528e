//! The walk over the un-inlined graph (`horizon.md` 5.3): scopes, attributes, calls by name.

mod args;
mod float;
mod object;
mod prim;

pub(super) use args::Args;

use super::array::{MAX_ELEMENTS, is_small};
use super::graph::{Graph, Kind, Known, Layer, Layout, Output, Record, RecordId, Site, Tree};
use super::layout::{Tensor, from_native, has_hardware_layout};
use super::march::March;
use super::name::{self, Names};
use super::value::{MAX_NESTING, TensorId, Val};
use super::{fold, lower};
use crate::diag::Span;
use crate::ir::{FuncId, Node, NodeId, Op};
use crate::model::Model;
use crate::tensor::DType;
use smol_str::{SmolStr, format_smolstr};

/// Methods that call one another deeper than this are refused; TorchScript forbids recursion.
const MAX_CALLS: usize = 128;
/// Nodes walked at most: a module may be called from many places.
const MAX_NODES: usize = 5_000_000;

/// An example argument: what the front end is told about it.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "the variants say it")]
pub enum Input {
    Tensor { shape: Vec<usize>, dtype: DType },
    Seq(Vec<Input>),
    Dict(Vec<(String, Input)>),
    Bool(bool),
    Int(i64),
    Float(f64),
    None,
}

/// How to build.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// The march; by default the one that the file's calls name.
    pub march: Option<March>,
}

/// Why a node could not become layers.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    /// What stage refused it.
    pub stage: Stage,
    /// Node kind or function, such as `aten::unbind`, `hz::softmax`.
    pub call: SmolStr,
    /// Why, unless the stage says it all.
    pub message: String,
    /// What to do instead.
    pub advice: Option<String>,
    /// Path of the module.
    pub scope: SmolStr,
    /// Where it was written.
    pub span: Option<Span>,
}

/// Where a node was refused (5.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the front end's texts")]
pub enum Stage {
    UnsupportedNode,
    UnsupportedFunction,
    ParsingNode,
    ParsingFunction,
    ConstantPropagation,
    /// The march's hardware cannot do it.
    Limit,
}

/// A node whose results `profile` compares (5.9), in the order of execution.
#[derive(Clone, Debug)]
pub struct Mark {
    /// Path of the module.
    pub scope: SmolStr,
    /// The method.
    pub func: FuncId,
    /// The node.
    pub node: NodeId,
    /// Which events to look for.
    pub kind: MarkKind,
    /// The record of each tensor in the result; none for constants.
    pub records: Vec<Option<RecordId>>,
}

/// What kind of node is marked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MarkKind {
    /// An operator: its outputs are produced.
    Operator,
    /// A call of a function by qualified name: its result is returned.
    Function(SmolStr),
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

/// A handler's refusal.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Fail {
    pub(super) message: String,
    pub(super) advice: Option<String>,
    /// Caused by a value whose problem is reported already.
    pub(super) silent: bool,
}

impl Fail {
    pub(super) fn new(message: impl Into<String>) -> Fail {
        Fail {
            message: message.into(),
            advice: None,
            silent: false,
        }
    }

    pub(super) fn advise(mut self, advice: impl Into<String>) -> Fail {
        self.advice = Some(advice.into());
        self
    }

    pub(super) fn silent() -> Fail {
        Fail {
            silent: true,
            ..Fail::new("")
        }
    }
}

impl From<String> for Fail {
    fn from(message: String) -> Fail {
        Fail::new(message)
    }
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

    /// A placeholder for each tensor of an argument (5.2).
    fn argument(&mut self, name: String, input: &Input, depth: usize) -> Val {
        if depth > MAX_NESTING {
            return Val::Unknown;
        }
        match input {
            Input::Tensor { shape, dtype } => self.placeholder(&name, shape, *dtype),
            Input::Seq(items) => {
                let items = items.iter().enumerate();
                Val::seq(
                    items
                        .map(|(k, it)| self.argument(format!("{name}[{k}]"), it, depth + 1))
                        .collect::<Vec<_>>(),
                )
            }
            Input::Dict(items) => {
                let mut sorted: Vec<_> = items.iter().collect();
                sorted.sort_by(|a, b| a.0.cmp(&b.0));
                let item = |(key, it): &(String, Input)| {
                    let value = self.argument(format!("{name}[{key}]"), it, depth + 1);
                    (Val::Str(key.as_str().into()), value)
                };
                Val::Dict(sorted.into_iter().map(item).collect())
            }
            Input::Bool(v) => Val::Bool(*v),
            Input::Int(v) => Val::Int(*v),
            Input::Float(v) => Val::Float(*v),
            Input::None => Val::None,
        }
    }

    fn placeholder(&mut self, name: &str, shape: &[usize], dtype: DType) -> Val {
        let dtype = match dtype {
            DType::I64 => DType::I32,
            other => other,
        };
        let rank = shape.len();
        let (layout, shape, name) = match has_hardware_layout(rank) {
            true => {
                let shape = from_native(rank).iter().map(|&p| shape[p]).collect();
                (Layout::Hardware, shape, name.into())
            }
            false => (Layout::Native, shape.to_vec(), name::native(name)),
        };
        let name = self.names.unique(name);
        let record = self.add_record(Record {
            name,
            shape,
            layout,
            dtype,
        });
        self.add_layer(Kind::Input(None), vec![], vec![record]);
        self.graph.inputs.push(record);
        self.manager(record)
    }

    /// Outputs in the order of the result.
    fn result(&mut self, value: &Val, depth: usize) -> Tree {
        match value {
            Val::Tensor(id) => {
                let dequantise = self.tensor(*id).dequantise.clone();
                let record = self.primary(*id);
                self.graph.outputs.push(Output { record, dequantise });
                Tree::Tensor(self.graph.outputs.len() - 1)
            }
            Val::Const(array) => Tree::Constant(array.clone()),
            Val::Seq(items) if depth < MAX_NESTING => {
                Tree::Seq(items.iter().map(|v| self.result(v, depth + 1)).collect())
            }
            Val::Dict(items) if depth < MAX_NESTING => {
                let mut sorted: Vec<_> = items.iter().collect();
                sorted.sort_by_key(|(key, _)| key.text());
                Tree::Seq(
                    sorted
                        .into_iter()
                        .map(|(_, v)| self.result(v, depth + 1))
                        .collect(),
                )
            }
            _ => Tree::None,
        }
    }

    // --- making layers ---------------------------------------------------------------------------------------

    /// A new record; one that is too large is a problem.
    pub(super) fn add_record(&mut self, mut record: Record) -> RecordId {
        if !is_small(&record.shape) {
            let text = format!(
                "a tensor of shape {:?} has more than {MAX_ELEMENTS} elements",
                record.shape
            );
            self.limit(text, "use smaller inputs");
            record.shape = vec![1; record.shape.len()];
        }
        self.graph.records.push(record);
        RecordId(self.graph.records.len() as u32 - 1)
    }

    /// A new layer.
    pub(super) fn add_layer(&mut self, kind: Kind, inputs: Vec<RecordId>, outputs: Vec<RecordId>) {
        self.graph.layers.push(Layer {
            kind,
            inputs,
            outputs,
            site: self.site.clone(),
            known: self.known.take(),
        });
    }

    /// Says that the next layer is one where plugin and front end disagree.
    pub(super) fn mark_known(&mut self, known: Known) {
        self.known = Some(known);
    }

    /// A layer with one output of the call's name.
    pub(super) fn layer(
        &mut self,
        kind: Kind,
        inputs: &[RecordId],
        shape: Vec<usize>,
        dtype: DType,
    ) -> RecordId {
        let name = self.annotation.clone();
        self.named_layer(&name, kind, inputs, shape, dtype)
    }

    /// A layer with one output, in the layout of its first input; the name gets that layout's suffix.
    pub(super) fn named_layer(
        &mut self,
        name: &str,
        kind: Kind,
        inputs: &[RecordId],
        shape: Vec<usize>,
        dtype: DType,
    ) -> RecordId {
        let layout = inputs
            .first()
            .map_or(Layout::Native, |&r| self.graph.record(r).layout);
        let record = self.named_record(name, layout, shape, dtype);
        self.add_layer(kind, inputs.to_vec(), vec![record]);
        record
    }

    /// A record whose name says its layout.
    pub(super) fn named_record(
        &mut self,
        name: &str,
        layout: Layout,
        shape: Vec<usize>,
        dtype: DType,
    ) -> RecordId {
        let name = match layout {
            Layout::Native => name::native(name),
            Layout::Hardware => name.into(),
        };
        self.add_record(Record {
            name,
            shape,
            layout,
            dtype,
        })
    }

    /// A new tensor with one record.
    pub(super) fn manager(&mut self, record: RecordId) -> Val {
        let is_native = self.graph.record(record).layout == Layout::Native;
        self.tensors.push(Tensor {
            first: record,
            native: is_native.then_some(record),
            hardware: (!is_native).then_some(record),
            dequantise: None,
        });
        Val::Tensor(TensorId(self.tensors.len() - 1))
    }

    // --- nodes -----------------------------------------------------------------------------------------------

    fn method(&mut self, func: FuncId, args: Vec<Val>) -> Val {
        if self.scopes.len() > MAX_CALLS {
            let fail = Fail::new(format!(
                "methods call one another more than {MAX_CALLS} deep"
            ));
            self.problem(Stage::UnsupportedNode, "prim::CallMethod", fail, None);
            return Val::Unknown;
        }
        let graph = &self.model.program.functions[func].graph;
        let mut values = vec![Val::Unknown; graph.value_count()];
        let index = crate::ir::entity::Entity::index;
        for (&param, arg) in graph.block(graph.root()).params.iter().zip(args) {
            values[index(param)] = arg;
        }
        for &id in &graph.block(graph.root()).nodes {
            self.nodes += 1;
            if self.nodes > MAX_NODES {
                let fail = Fail::new(format!("more than {MAX_NODES} nodes"));
                self.problem(Stage::UnsupportedNode, "forward", fail, None);
                return Val::Unknown;
            }
            let node = graph.node(id);
            let inputs = node.inputs.iter().map(|&v| values[index(v)].clone());
            let args: Vec<Val> = inputs.collect();
            let results = self.node(func, id, node, args);
            for (&output, value) in node.outputs.iter().zip(results) {
                values[index(output)] = value;
            }
        }
        let returns = graph.block(graph.root()).returns.first();
        returns.map_or(Val::None, |&v| values[index(v)].clone())
    }

    /// The values of a node's outputs; unknown ones after a problem.
    fn node(&mut self, func: FuncId, id: NodeId, node: &Node, args: Vec<Val>) -> Vec<Val> {
        let found = match &node.op {
            Op::CallMethod(name) => self.call_method(node, name, args).map(|v| vec![v]),
            Op::CallFunction(name) => {
                let value = self.call_function(node, name, args);
                let kind = MarkKind::Function(name.clone());
                self.mark(func, id, kind, value.as_slice());
                Some(value)
            }
            Op::Operator(schema) => {
                let names = schema.args.iter().map(|a| a.name.clone()).collect();
                let args = Args::new(args, names);
                Some(self.operator(func, id, node, schema.name(), args))
            }
            Op::Opaque(op) => {
                let args = Args::new(args, vec![]);
                Some(self.operator(func, id, node, &op.name, args))
            }
            op => match self.prim(node, op, args) {
                Ok(values) => Some(values),
                Err(fail) => {
                    self.problem(Stage::UnsupportedNode, op.kind(), fail, node.span);
                    None
                }
            },
        };
        found.unwrap_or_else(|| vec![Val::Unknown; node.outputs.len()])
    }

    fn call_method(&mut self, node: &Node, name: &str, args: Vec<Val>) -> Option<Val> {
        let Some(Val::Object(object, path)) = args.first().cloned() else {
            let fail = match args.first() {
                Some(Val::Unknown | Val::Lost) => Fail::silent(),
                other => Fail::new(format!(
                    "a method of {}",
                    other.map_or("nothing", Val::kind)
                )),
            };
            self.problem(Stage::UnsupportedNode, "prim::CallMethod", fail, node.span);
            return None;
        };
        let Some(func) = self.method_of(object, name) else {
            let fail = Fail::new(format!("`{path}` has no method `{name}`"));
            self.problem(Stage::UnsupportedNode, "prim::CallMethod", fail, node.span);
            return None;
        };
        let mut args = args;
        args[0] = Val::Object(object, SmolStr::default());
        self.scopes.push(path);
        let value = self.method(func, args);
        self.scopes.pop();
        Some(value)
    }

    fn call_function(&mut self, node: &Node, name: &str, args: Vec<Val>) -> Vec<Val> {
        let short = name.rsplit('.').next().unwrap_or(name);
        let call = format_smolstr!("hz::{short}");
        let Some(function) = lower::function(name) else {
            let fail = Fail::new("").advise(lower::function_advice(short));
            self.problem(Stage::UnsupportedFunction, &call, fail, node.span);
            return vec![unknown_result(short)];
        };
        let args = Args::new(args, vec![]);
        if args.is_unknown() {
            return vec![match args.is_lost() {
                true => Val::Lost,
                false => unknown_result(short),
            }];
        }
        let is_constant = args.is_constant();
        if !is_constant {
            self.annotate(&format_smolstr!("hz_{}", short.trim_start_matches('_')));
        }
        self.begin(&call, node.span);
        let lowered = lower::call(self, function, &args, is_constant);
        match lowered {
            Ok(value) => vec![value],
            Err(fail) => {
                let stage = match is_constant {
                    true => Stage::ConstantPropagation,
                    false => Stage::ParsingFunction,
                };
                self.problem(stage, &call, fail, node.span);
                vec![match is_constant {
                    true => Val::Lost,
                    false => unknown_result(short),
                }]
            }
        }
    }

    fn operator(
        &mut self,
        func: FuncId,
        id: NodeId,
        node: &Node,
        kind: &str,
        args: Args,
    ) -> Vec<Val> {
        let outputs = node.outputs.len();
        let unknown = vec![Val::Unknown; outputs];
        let kind = stripped(kind);
        if args.is_constant() {
            return match fold::eval(kind, &args) {
                Ok(value) => spread(value, outputs),
                Err(message) => {
                    let fail = Fail::new(message);
                    self.problem(Stage::ConstantPropagation, kind, fail, node.span);
                    vec![Val::Lost; outputs]
                }
            };
        }
        if args.is_lost() {
            return vec![Val::Lost; outputs];
        }
        let Some(op) = lower::operator(kind) else {
            let fail = Fail::new("").advise(lower::operator_advice(kind));
            self.problem(Stage::UnsupportedNode, kind, fail, node.span);
            return unknown;
        };
        if args.is_unknown() {
            // Shapes are constants, had the tensor been made.
            return match kind {
                "aten::size" | "aten::zeros_like" | "aten::ones_like" => vec![Val::Lost; outputs],
                _ => unknown,
            };
        }
        self.annotate(&kind.replace("::", "_"));
        self.begin(kind, node.span);
        let made = op(self, &args).and_then(|value| self.carry_scale(kind, &args, value));
        match made {
            Ok(value) => {
                let values = spread(value, outputs);
                if kind != "aten::alias" {
                    self.mark(func, id, MarkKind::Operator, &values);
                }
                values
            }
            Err(fail) => {
                self.problem(Stage::ParsingNode, kind, fail, node.span);
                unknown
            }
        }
    }

    fn annotate(&mut self, call: &str) {
        self.annotation = self.names.annotate(&self.scopes, call);
        self.constants_of_call = 0;
    }

    fn begin(&mut self, call: &str, span: Option<Span>) {
        self.known = None;
        self.site = Some(Site {
            scope: self.scope(),
            call: call.into(),
            span,
        });
    }

    /// Path of the module under way.
    fn scope(&self) -> SmolStr {
        let parts: Vec<&str> = self
            .scopes
            .iter()
            .map(SmolStr::as_str)
            .filter(|s| !s.is_empty())
            .collect();
        parts.join(".").into()
    }

    fn mark(&mut self, func: FuncId, node: NodeId, kind: MarkKind, values: &[Val]) {
        let mut records = Vec::new();
        values.iter().for_each(|v| self.leaves(v, &mut records));
        self.marks.push(Mark {
            scope: self.scope(),
            func,
            node,
            kind,
            records,
        });
    }

    /// The first record of every tensor in a value, depth first; none for constants.
    fn leaves(&self, value: &Val, out: &mut Vec<Option<RecordId>>) {
        let mut stack = vec![value];
        while let Some(value) = stack.pop() {
            match value {
                Val::Tensor(id) => {
                    let tensor = self.tensor(*id);
                    out.push(tensor.dequantise.is_none().then_some(tensor.first));
                }
                Val::Const(_) => out.push(None),
                Val::Seq(items) => stack.extend(items.iter().rev()),
                _ => {}
            }
        }
    }

    /// Reports something the hardware cannot do; the layer is made all the same, to go on.
    pub(super) fn limit(&mut self, message: impl Into<String>, advice: impl Into<String>) {
        let fail = Fail::new(message).advise(advice);
        let (call, span) = match &self.site {
            Some(site) => (site.call.clone(), site.span),
            None => (SmolStr::default(), None),
        };
        self.problem(Stage::Limit, &call, fail, span);
    }

    fn problem(&mut self, stage: Stage, call: &str, fail: Fail, span: Option<Span>) {
        if fail.silent {
            return;
        }
        self.problems.push(Problem {
            stage,
            call: call.into(),
            message: fail.message,
            advice: fail.advice,
            scope: self.scope(),
            span,
        });
    }
}

/// What stands for a function's result after a problem: some give a tensor and its scale, a constant.
fn unknown_result(function: &str) -> Val {
    match function {
        "conv2d" | "conv3d" | "conv_transpose2d" | "linear" | "avg_pool2d" | "deform_conv2d" => {
            Val::seq([Val::Unknown, Val::Lost])
        }
        _ => Val::Unknown,
    }
}

/// `aten::relu_` is `aten::relu`; `aten::__and__` stays (5.3).
fn stripped(kind: &str) -> &str {
    match kind.strip_suffix('_') {
        Some(rest) if kind.starts_with("aten::") && !kind.ends_with("__") => rest,
        _ => kind,
    }
}

/// One value for each output.
fn spread(value: Val, outputs: usize) -> Vec<Val> {
    match value {
        Val::Seq(items) if outputs > 1 => {
            let mut items = items.to_vec();
            items.resize(outputs, Val::Unknown);
            items
        }
        value => vec![value],
    }
}
