//! The model's arguments as placeholders, and its results (`horizon.md` 5.2).

use super::super::graph::{Kind, Layout, Output, Record, Tree};
use super::super::layout::{from_native, has_hardware_layout};
use super::super::name;
use super::super::value::{MAX_NESTING, Val};
use super::Builder;
use crate::tensor::DType;

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

impl Builder<'_> {
    /// A placeholder for each tensor of an argument (5.2).
    pub(super) fn argument(&mut self, name: String, input: &Input, depth: usize) -> Val {
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
            loose: false,
        });
        self.add_layer(Kind::Input(None), vec![], vec![record]);
        self.graph.inputs.push(record);
        self.manager(record)
    }

    /// Outputs in the order of the result.
    pub(super) fn result(&mut self, value: &Val, depth: usize) -> Tree {
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
}
