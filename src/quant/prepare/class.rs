//! Objects of the fake-quantised modules: classes with hyperparameters as attributes, and short bodies.

mod composite;
mod conv;
mod norm;
mod recurrent;

use super::constant::Tensors;
use super::fake_quant::fake_quantize;
use super::leaf::{Leaf, LeafKind};
use crate::emit::{ClassSpec, Emit, EmitError, Method, ObjectId, Role, Value};
use crate::quant::fuse::{ConstTensor, Pool};
use crate::quant::qconfig::{FakeQuantSpec, QConfig};
use rustc_hash::FxHashMap;

/// Where the plugin's fake-quantised modules live.
const QAT: &str = "__torch__.horizon_plugin_pytorch.nn.qat";

/// Writes modules.
pub(super) struct Writer<'e> {
    pub(super) emit: &'e mut Emit,
    pub(super) tensors: &'e mut Tensors,
    pub(super) qconfig: &'e QConfig,
    /// Fake quantisers that several modules have, by name.
    pub(super) shared: FxHashMap<String, ObjectId>,
}

/// A class in the making with the values of an object of it.
struct Draft {
    spec: ClassSpec,
    values: Vec<Value>,
    /// Attributes that are fake quantisers or have some: the state is handed on to them.
    states: Vec<String>,
}

impl Draft {
    fn new(file: &str, class: &str) -> Draft {
        Draft {
            spec: ClassSpec::module(&format!("{QAT}.{file}.{class}")),
            values: Vec::new(),
            states: Vec::new(),
        }
    }

    fn with(mut self, name: &str, ty: &str, value: Value) -> Draft {
        self.spec = self.spec.attribute(name, ty);
        self.values.push(value);
        self
    }

    fn role(mut self, name: &str, ty: &str, role: Role, value: Value) -> Draft {
        self.spec = self.spec.with(name, ty, role);
        self.values.push(value);
        self
    }

    fn method(mut self, method: Method) -> Draft {
        self.spec = self.spec.method(method);
        self
    }

    fn forward(self, body: &str) -> Draft {
        self.method(
            Method::new("forward", "Tensor")
                .param("x", "Tensor")
                .body(body),
        )
    }
}

/// The spelling of a result that is fake-quantised or not.
fn finished(value: &str, quantised: bool) -> String {
    match quantised {
        true => format!("return (self.activation_post_process).forward({value}, )"),
        false => format!("return {value}"),
    }
}

impl Writer<'_> {
    /// The object of a module.
    pub(super) fn leaf(&mut self, leaf: &Leaf) -> Result<ObjectId, EmitError> {
        let (file, class) = leaf.kind.class();
        let draft = Draft::new(file, &class);
        let activation = leaf.activation.as_ref();
        match &leaf.kind {
            LeafKind::QuantStub => {
                let draft = self.activation(draft, leaf)?;
                let body = finished("x", activation.is_some());
                self.object(draft.forward(&body))
            }
            LeafKind::DeQuantStub => self.object(draft.forward("return x")),
            LeafKind::Conv { conv, add, act } => self.conv(draft, leaf, conv, *add, *act),
            LeafKind::Linear { linear, add, act } => self.linear(draft, leaf, linear, *add, *act),
            LeafKind::BatchNorm { norm, .. } => self.batch_norm(draft, leaf, norm),
            LeafKind::FloatFunctional => self.functional(draft, leaf),
            LeafKind::MaxPool(pool) => {
                let draft = window(draft, pool).with("dilation", PAIR, pair(pool.dilation));
                let draft = draft.with("ceil_mode", "bool", Value::Bool(pool.ceil_mode));
                self.object(draft.forward(MAX_POOL))
            }
            LeafKind::AvgPool(pool) => {
                let draft = window(draft, pool)
                    .with("ceil_mode", "bool", Value::Bool(pool.ceil_mode))
                    .with(
                        "count_include_pad",
                        "bool",
                        Value::Bool(pool.count_include_pad),
                    )
                    .with("divisor_override", "Optional[int]", Value::None);
                let draft = self.activation(draft, leaf)?;
                self.object(draft.forward(&format!(
                    "{AVG_POOL}\n{}",
                    finished("y", activation.is_some())
                )))
            }
            LeafKind::AdaptiveAvgPool(size) => {
                let draft = draft.with("output_size", PAIR, pair(*size));
                let draft = self.activation(draft, leaf)?;
                let pooled = "y = torch.adaptive_avg_pool2d(x, self.output_size)";
                self.object(draft.forward(&format!(
                    "{pooled}\n{}",
                    finished("y", activation.is_some())
                )))
            }
            LeafKind::Lut { op, args } => self.lut(draft, op, args, leaf),
            LeafKind::Softmax { dim } => self.softmax(draft, leaf, *dim),
            LeafKind::FloatSoftmax { dim } => {
                let draft = draft.with("dim", "int", Value::Int(*dim));
                self.object(draft.forward("return torch.softmax(x, self.dim)"))
            }
            LeafKind::LayerNorm(norm) => self.layer_norm(draft, leaf, norm),
            LeafKind::Cell(cell) => self.cell(draft, leaf, cell),
            LeafKind::PRelu(weight) => self.prelu(draft, leaf, weight),
            LeafKind::Own { class, forward } => self.object(Draft {
                spec: ClassSpec::module(class).method(forward.clone()),
                ..draft
            }),
        }
    }

    /// An object whose state is set through its parts.
    fn object(&mut self, draft: Draft) -> Result<ObjectId, EmitError> {
        let mut spec = draft.spec;
        if !draft.states.is_empty() {
            spec = spec.method(hand_on(draft.states.iter().map(String::as_str)));
        }
        let class = self.emit.class(spec)?;
        self.emit.object(class, draft.values)
    }

    /// Adds `activation_post_process`, if the result is fake-quantised.
    fn activation(&mut self, draft: Draft, leaf: &Leaf) -> Result<Draft, EmitError> {
        const NAME: &str = "activation_post_process";
        let Some(spec) = &leaf.activation else {
            return Ok(draft);
        };
        let Some(shares) = &leaf.shares else {
            return self.fake_quant(draft, NAME, spec, 1);
        };
        let object = match self.shared.get(shares) {
            Some(object) => *object,
            None => fake_quantize(self.emit, spec, 1, self.qconfig)?,
        };
        self.shared.insert(shares.clone(), object);
        Ok(self.child(draft, NAME, object))
    }

    fn fake_quant(
        &mut self,
        draft: Draft,
        name: &str,
        spec: &FakeQuantSpec,
        channels: usize,
    ) -> Result<Draft, EmitError> {
        let object = fake_quantize(self.emit, spec, channels, self.qconfig)?;
        Ok(self.child(draft, name, object))
    }

    /// Adds a submodule with fake quantisers.
    fn child(&mut self, mut draft: Draft, name: &str, object: ObjectId) -> Draft {
        let class = self.emit.class_name(self.emit.class_of(object)).to_owned();
        draft.states.push(name.to_owned());
        draft.with(name, &class, Value::Object(object))
    }

    /// Adds a tensor that is trained, or `None` in its place.
    fn parameter(
        &mut self,
        draft: Draft,
        name: &str,
        tensor: Option<&ConstTensor>,
    ) -> Result<Draft, EmitError> {
        let value = match tensor {
            Some(tensor) => self.tensors.tensor(self.emit, tensor)?,
            None => Value::None,
        };
        Ok(draft.role(name, "Optional[Tensor]", Role::Parameter, value))
    }

    fn functional(&mut self, draft: Draft, leaf: &Leaf) -> Result<ObjectId, EmitError> {
        let mut draft = self.activation(draft, leaf)?;
        let end = finished("r", leaf.activation.is_some());
        for (name, params, call) in FUNCTIONAL {
            let mut method = Method::new(name, "Tensor");
            for (param, ty) in *params {
                method = method.param(param, ty);
            }
            draft = draft.method(method.body(format!("r = {call}\n{end}")));
        }
        self.object(draft)
    }

    fn lut(
        &mut self,
        draft: Draft,
        op: &str,
        args: &[f64],
        leaf: &Leaf,
    ) -> Result<ObjectId, EmitError> {
        let draft = draft.with("op", "str", Value::str(op)).with(
            "args",
            "List[float]",
            Value::floats(args),
        );
        let draft = self.activation(draft, leaf)?;
        let body = format!(
            "r = {}\n{}",
            lut_call(op, args),
            finished("r", leaf.activation.is_some())
        );
        self.object(draft.forward(&body))
    }
}

/// Hands the state on to fake quantisers below.
pub(super) fn hand_on<'n>(names: impl Iterator<Item = &'n str>) -> Method {
    let call = |(at, name): (usize, &str)| {
        let object = crate::emit::attribute("self", name);
        format!("_{at} = ({object}).set_fake_quantize(state, )\n")
    };
    let mut body: String = names.enumerate().map(call).collect();
    body.push_str("return None");
    Method::new("set_fake_quantize", "NoneType")
        .param("state", "str")
        .body(body)
}

const PAIR: &str = "Tuple[int, int]";

const MAX_POOL: &str = "return torch.max_pool2d(x, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode)";

const AVG_POOL: &str = "y = torch.avg_pool2d(x, self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad, self.divisor_override)";

fn pair(values: [i64; 2]) -> Value {
    Value::int_tuple(&values)
}

fn window(draft: Draft, pool: &Pool) -> Draft {
    draft
        .with("kernel_size", PAIR, pair(pool.kernel_size))
        .with("stride", PAIR, pair(pool.stride))
        .with("padding", PAIR, pair(pool.padding))
}

type Params = &'static [(&'static str, &'static str)];

/// Two tensors.
const XY: Params = &[("x", "Tensor"), ("y", "Tensor")];

/// One tensor.
const X: Params = &[("x", "Tensor")];

/// Methods of `FloatFunctional`.
const FUNCTIONAL: &[(&str, Params, &str)] = &[
    ("add", XY, "torch.add(x, y)"),
    ("sub", XY, "torch.sub(x, y)"),
    ("mul", XY, "torch.mul(x, y)"),
    ("matmul", XY, "torch.matmul(x, y)"),
    ("maximum", XY, "torch.maximum(x, y)"),
    ("minimum", XY, "torch.minimum(x, y)"),
    ("ceil", X, "torch.ceil(x)"),
    ("floor", X, "torch.floor(x)"),
    (
        "mul_scalar",
        &[("x", "Tensor"), ("c", "float")],
        "torch.mul(x, c)",
    ),
    (
        "add_scalar",
        &[("x", "Tensor"), ("c", "float")],
        "torch.add(x, c)",
    ),
    (
        "cat",
        &[("xs", "List[Tensor]"), ("dim", "int")],
        "torch.cat(xs, dim)",
    ),
    (
        "sum",
        &[("x", "Tensor"), ("dim", "int"), ("keepdim", "bool")],
        "torch.sum(x, [dim], keepdim)",
    ),
    (
        "mean",
        &[("x", "Tensor"), ("dim", "int"), ("keepdim", "bool")],
        "torch.mean(x, [dim], keepdim)",
    ),
];

/// The operator of a look-up table in float.
fn lut_call(op: &str, args: &[f64]) -> String {
    let arg = |at: usize| format!("torch.__getitem__(self.args, {at})");
    match op {
        "gelu" if args.first() == Some(&1.0) => "torch.gelu(x, approximate=\"tanh\")".into(),
        "elu" => format!("torch.elu(x, {}, {}, {})", arg(0), arg(1), arg(2)),
        "celu" => format!("torch.celu(x, {})", arg(0)),
        "leaky_relu" => format!("torch.leaky_relu(x, {})", arg(0)),
        "softplus" => format!("torch.softplus(x, {}, {})", arg(0), arg(1)),
        // The small number that keeps a norm's root from zero.
        "rsqrt" if !args.is_empty() => format!("torch.rsqrt(torch.add(x, {}))", arg(0)),
        "pow" => format!("torch.pow(x, {})", arg(0)),
        _ => format!("torch.{op}(x)"),
    }
}
