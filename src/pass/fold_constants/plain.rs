//! What a run is taken to be when a model is calibrated ([`Plain`]): code that torch scripts asks for it before it
//! takes a fused kernel, and both ways compute the same.

use super::super::copy::{Action, Site};
use super::rank::{RECURRENT, follows};
use super::{Folder, boolean, integer};
use crate::archive::pickle::Value;
use crate::ir::schema::Schema;
use crate::ir::{Constant, Graph, Node, Op, Type, ValueId};
use crate::tensor::DType;

/// Where models are calibrated.
const DEVICE: &str = "cpu";

/// A run outside of autocast, with gradients on, over dense tensors on the CPU.
#[derive(Clone, Debug, Default)]
pub struct Plain {
    /// Types of the parameters after `self`; missing entries are unknown.
    pub input_dtypes: Vec<Option<DType>>,
}

/// Operators whose result has the type of their tensors, beside those whose rank follows from their inputs'.
const SAME_TYPE: &[&str] = &[
    "adaptive_avg_pool1d",
    "adaptive_avg_pool2d",
    "amax",
    "amin",
    "baddbmm",
    "bmm",
    "clamp",
    "expand",
    "flatten",
    "linear",
    "matmul",
    "mean",
    "mm",
    "reshape",
    "select",
    "squeeze",
    "sum",
    "unflatten",
    "unsqueeze",
    "view",
    "_native_multi_head_attention",
    "_transformer_encoder_layer_fwd",
];

/// Results that are truth values, or of a type that an argument names.
const OTHER_TYPE: &[&str] = &[
    "bitwise_and",
    "empty_like",
    "eq",
    "full_like",
    "ge",
    "gt",
    "le",
    "logical_and",
    "logical_not",
    "logical_or",
    "lt",
    "ne",
    "ones_like",
    "rand_like",
    "randn_like",
    "to",
    "type_as",
    "zeros_like",
];

impl<'m> Folder<'m> {
    /// Questions about the run.
    pub(super) fn about_the_run(&self, site: &Site<'_, 'm>, name: &str) -> Option<Action<'m>> {
        self.plain.as_ref()?;
        let first = site.inputs.first().copied();
        Some(match name {
            "aten::is_grad_enabled" => boolean(true),
            "aten::is_autocast_enabled" | "aten::is_autocast_cpu_enabled" | "prim::is_nested" => {
                boolean(false)
            }
            "prim::requires_grad" => boolean(self.wants_gradient(first?)?),
            "prim::dtype" => integer(self.dtypes[first?]?.code()),
            "aten::is_floating_point" => boolean(is_float(self.dtypes[first?]?)),
            "prim::type" if *site.out.ty(first?) == Type::Device => {
                Action::Constants(vec![(Constant::str(DEVICE), Type::Str)])
            }
            _ => return None,
        })
    }

    /// `any` and `all` of truth values or numbers, where those that are known decide.
    pub(super) fn quantified(&self, site: &Site<'_, 'm>, name: &str) -> Option<Action<'m>> {
        let list = *site.inputs.first()?;
        let node = site.out.node(site.out.producer(list)?);
        if node.op != Op::ListConstruct || !self.frozen[list] {
            return None;
        }
        let truth = |value: &ValueId| match site.out.constant(*value)? {
            Constant::Bool(it) => Some(*it),
            Constant::Int(it) => Some(*it != 0),
            _ => None,
        };
        let items: Vec<Option<bool>> = node.inputs.iter().map(truth).collect();
        let decides = name == "aten::any";
        if items.contains(&Some(decides)) {
            return Some(boolean(decides));
        }
        (!items.contains(&None)).then(|| boolean(!decides))
    }

    /// Whether two tensors are the same object, where that is sure.
    pub(super) fn same_object(&self, out: &Graph, a: ValueId, b: ValueId) -> Option<bool> {
        self.plain.as_ref()?;
        if *out.ty(a) != Type::Tensor || *out.ty(b) != Type::Tensor {
            return None;
        }
        if a == b {
            return Some(true);
        }
        (is_fresh(out, a) && is_fresh(out, b)).then_some(false)
    }

    /// Whether a gradient is wanted for a stored tensor.
    fn wants_gradient(&self, value: ValueId) -> Option<bool> {
        let stored = self.objects.value(value)?;
        match stored {
            Value::Parameter { requires_grad, .. } => Some(requires_grad),
            _ => Some(self.objects.tensor(value)?.requires_grad),
        }
    }

    /// The element type of an output of a node of the new graph, where all it reads has one type.
    pub(super) fn dtype_of(&self, out: &Graph, node: &Node, output: ValueId) -> Option<DType> {
        self.plain.as_ref()?;
        if let Some(tensor) = self.objects.tensor(output) {
            return Some(tensor.dtype);
        }
        let name = match &node.op {
            Op::UncheckedCast => return self.dtypes[*node.inputs.first()?],
            Op::ListUnpack => return self.listed_dtype(out, *node.inputs.first()?),
            Op::Operator(schema) => Schema::name(schema).strip_prefix("aten::")?,
            _ => return None,
        };
        let known = match follows(name) {
            Some(_) => !OTHER_TYPE.contains(&name),
            None => SAME_TYPE.contains(&name) || RECURRENT.contains(&name),
        };
        if matches!(name, "cat" | "concat" | "stack") {
            return self.listed_dtype(out, *node.inputs.first()?);
        }
        let tensors = node
            .inputs
            .iter()
            .filter(|it| *out.ty(**it) == Type::Tensor);
        let mut dtypes = tensors.map(|it| self.dtypes[*it]);
        let first = dtypes.next()??;
        // Numbers do not change a float's type.
        (known && is_float(first) && dtypes.all(|it| it == Some(first))).then_some(first)
    }

    /// The type of the tensors in a list.
    fn listed_dtype(&self, out: &Graph, list: ValueId) -> Option<DType> {
        let node = out.node(out.producer(list)?);
        match &node.op {
            Op::ListConstruct => {
                let mut dtypes = node.inputs.iter().map(|it| self.dtypes[*it]);
                let first = dtypes.next()??;
                dtypes.all(|it| it == Some(first)).then_some(first)
            }
            Op::Operator(schema) => match schema.name() {
                "aten::split" | "aten::chunk" | "aten::split_with_sizes" | "aten::unbind" => {
                    self.dtypes[*node.inputs.first()?]
                }
                _ => None,
            },
            _ => None,
        }
    }
}

fn is_float(dtype: DType) -> bool {
    matches!(dtype, DType::F16 | DType::BF16 | DType::F32 | DType::F64)
}

/// Whether a tensor is an input, or one that an operator made anew.
fn is_fresh(out: &Graph, value: ValueId) -> bool {
    match out.producer(value) {
        None => out.block(out.root()).params.contains(&value),
        Some(producer) => match out.node(producer).op {
            Op::Operator(schema) => schema.returns.iter().all(|it| it.alias.is_none()),
            _ => false,
        },
    }
}
