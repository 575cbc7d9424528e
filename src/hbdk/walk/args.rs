//! Arguments of a node with checked access.

use super::super::array::{Array, is_integer};
use super::super::march::qtype;
use super::super::value::{TensorId, Val};
use super::Fail;
use crate::tensor::DType;
use smol_str::SmolStr;
use std::rc::Rc;

/// Kernels, strides, paddings, counts larger than this are refused.
const MAX_SIZE: usize = 1 << 24;

/// The values of a node's inputs.
pub(in super::super) struct Args {
    values: Vec<Val>,
    names: Vec<SmolStr>,
}

impl Args {
    pub(in super::super) fn new(values: Vec<Val>, names: Vec<SmolStr>) -> Args {
        Args { values, names }
    }

    pub(in super::super) fn len(&self) -> usize {
        self.values.len()
    }

    pub(in super::super) fn is_constant(&self) -> bool {
        self.values.iter().all(Val::is_constant)
    }

    /// Whether all would be constants, had no computation failed.
    pub(in super::super) fn is_lost(&self) -> bool {
        self.values.iter().all(Val::is_lost)
    }

    pub(in super::super) fn is_unknown(&self) -> bool {
        self.values.iter().any(Val::is_unknown)
    }

    pub(in super::super) fn values(&self) -> &[Val] {
        &self.values
    }

    /// The argument at a position; `None` where it is missing.
    pub(in super::super) fn at(&self, at: usize) -> &Val {
        self.values.get(at).unwrap_or(&Val::None)
    }

    /// The argument with a name in the operator's schema.
    pub(in super::super) fn named(&self, name: &str) -> Option<&Val> {
        let at = self.names.iter().position(|n| n == name)?;
        self.values.get(at)
    }

    fn wrong(&self, at: usize, expected: &str) -> Fail {
        let found = self.at(at).kind();
        Fail::new(format!("argument {at}: expected {expected}, found {found}"))
    }

    pub(in super::super) fn tensor(&self, at: usize) -> Result<TensorId, Fail> {
        match self.at(at) {
            Val::Tensor(id) => Ok(*id),
            Val::Unknown | Val::Lost => Err(Fail::silent()),
            _ => Err(self.wrong(at, "a tensor")),
        }
    }

    pub(in super::super) fn constant(&self, at: usize) -> Result<Rc<Array>, Fail> {
        match self.at(at) {
            Val::Const(array) => Ok(array.clone()),
            Val::Unknown | Val::Lost => Err(Fail::silent()),
            _ => Err(self.wrong(at, "a constant tensor")),
        }
    }

    /// A constant tensor of floats.
    pub(in super::super) fn scale(&self, at: usize) -> Result<Vec<f32>, Fail> {
        let scale = self.constant(at)?.to_f32();
        match scale.is_empty() {
            true => Err(self.wrong(at, "a scale of at least one element")),
            false => Ok(scale),
        }
    }

    /// A scale that is the same for all channels.
    pub(in super::super) fn one_scale(&self, at: usize) -> Result<f32, Fail> {
        let scale = self.scale(at)?;
        match scale.iter().all(|s| *s == scale[0]) {
            true => Ok(scale[0]),
            false => Err(Fail::new("only per-tensor quantize is supported")),
        }
    }

    /// Zero points must be 0.
    pub(in super::super) fn zero_point(&self, at: usize) -> Result<(), Fail> {
        match self.at(at) {
            Val::Const(array) if array.to_reals().iter().any(|&z| z != 0.0) => {
                Err(Fail::new("zero points must be 0"))
            }
            _ => Ok(()),
        }
    }

    pub(in super::super) fn int(&self, at: usize) -> Result<i64, Fail> {
        int(self.at(at)).ok_or_else(|| self.wrong(at, "an int"))
    }

    pub(in super::super) fn size(&self, at: usize) -> Result<usize, Fail> {
        let value = self.int(at)?;
        usize::try_from(value)
            .ok()
            .filter(|&v| v <= MAX_SIZE)
            .ok_or_else(|| Fail::new(format!("argument {at}: expected a size, found {value}")))
    }

    pub(in super::super) fn float(&self, at: usize) -> Result<f64, Fail> {
        match self.at(at) {
            Val::Float(v) => Ok(*v),
            other => int(other)
                .map(|v| v as f64)
                .ok_or_else(|| self.wrong(at, "a float")),
        }
    }

    /// A truth value; `None` counts as false.
    pub(in super::super) fn flag(&self, at: usize) -> Result<bool, Fail> {
        match self.at(at) {
            Val::None => Ok(false),
            other => int(other)
                .map(|v| v != 0)
                .ok_or_else(|| self.wrong(at, "a bool")),
        }
    }

    pub(in super::super) fn text(&self, at: usize) -> Result<&str, Fail> {
        match self.at(at) {
            Val::Str(text) => Ok(text),
            _ => Err(self.wrong(at, "a string")),
        }
    }

    /// A quantised dtype by name.
    pub(in super::super) fn qtype(&self, at: usize) -> Result<DType, Fail> {
        let text = self.text(at)?;
        qtype(text).ok_or_else(|| Fail::new(format!("unsupported dtype: {text}")))
    }

    pub(in super::super) fn ints(&self, at: usize) -> Result<Vec<i64>, Fail> {
        ints(self.at(at)).ok_or_else(|| self.wrong(at, "a list of ints"))
    }

    /// Two sizes, or one for both.
    pub(in super::super) fn pair(&self, at: usize) -> Result<[usize; 2], Fail> {
        let sizes = self.sizes(at, 2)?;
        Ok([sizes[0], sizes[1]])
    }

    /// As many sizes as asked for, or one for all.
    pub(in super::super) fn sizes(&self, at: usize, count: usize) -> Result<Vec<usize>, Fail> {
        let mut list = self.ints(at)?;
        if list.len() == 1 {
            list = vec![list[0]; count];
        }
        let sizes: Option<Vec<usize>> = list
            .iter()
            .map(|&v| usize::try_from(v).ok().filter(|&v| v <= MAX_SIZE))
            .collect();
        sizes.filter(|s| s.len() == count).ok_or_else(|| {
            Fail::new(format!(
                "argument {at}: expected {count} sizes, found {list:?}"
            ))
        })
    }

    pub(in super::super) fn is_none(&self, at: usize) -> bool {
        matches!(self.at(at), Val::None)
    }

    pub(in super::super) fn list(&self, at: usize) -> Result<&[Val], Fail> {
        match self.at(at) {
            Val::Seq(items) => Ok(items),
            Val::Unknown | Val::Lost => Err(Fail::silent()),
            _ => Err(self.wrong(at, "a list")),
        }
    }
}

/// A value as an integer.
pub(in super::super) fn int(value: &Val) -> Option<i64> {
    match value {
        Val::Int(v) => Some(*v),
        Val::Bool(v) => Some(i64::from(*v)),
        Val::Const(array) if array.numel() == 1 && is_integer(array.dtype) => {
            Some(array.at(0) as i64)
        }
        _ => None,
    }
}

/// A value as a list of integers.
pub(in super::super) fn ints(value: &Val) -> Option<Vec<i64>> {
    match value {
        Val::Seq(items) => items.iter().map(int).collect(),
        other => int(other).map(|v| vec![v]),
    }
}
