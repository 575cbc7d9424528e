//! Arguments of a call, and typed access to them.

use std::borrow::Cow;
use std::str::FromStr;

use super::view::TensorRef;
use super::{Data, OpError};
use crate::bpu::dtype::QType;
use crate::bpu::march::March;

/// One argument, borrowed from the caller.
#[derive(Clone, Copy, Debug)]
pub enum Arg<'a> {
    /// `None` of an optional type.
    None,
    /// `bool`.
    Bool(bool),
    /// `int`; accepted for a float or `Scalar` too.
    Int(i64),
    /// `float`; accepted for a `Scalar` too if it is a whole number.
    Float(f64),
    /// `str`.
    Str(&'a str),
    /// `int[]`.
    Ints(&'a [i64]),
    /// `float[]`.
    Floats(&'a [f64]),
    /// `Tensor`.
    Tensor(TensorRef<'a>),
    /// `Tensor[]`.
    Tensors(&'a [TensorRef<'a>]),
}

impl Arg<'_> {
    fn kind(&self) -> String {
        match self {
            Arg::None => "None".to_owned(),
            Arg::Bool(_) => "a bool".to_owned(),
            Arg::Int(v) => format!("the int {v}"),
            Arg::Float(v) => format!("the float {v}"),
            Arg::Str(v) => format!("the string `{v}`"),
            Arg::Ints(v) => format!("a list of {} ints", v.len()),
            Arg::Floats(v) => format!("a list of {} floats", v.len()),
            Arg::Tensor(t) => format!("a tensor {} {:?}", t.dtype.name(), t.shape),
            Arg::Tensors(v) => format!("a list of {} tensors", v.len()),
        }
    }
}

/// The arguments of one call, with the operator's name for messages.
#[derive(Clone, Copy, Debug)]
pub struct Args<'a> {
    /// The operator.
    pub op: &'static str,
    args: &'a [Arg<'a>],
}

impl<'a> Args<'a> {
    pub(super) fn new(op: &'static str, args: &'a [Arg<'a>]) -> Self {
        Self { op, args }
    }

    /// How many arguments there are.
    #[allow(clippy::len_without_is_empty, reason = "no operator has no arguments")]
    pub fn len(&self) -> usize {
        self.args.len()
    }

    fn get(&self, index: usize) -> &'a Arg<'a> {
        self.args.get(index).unwrap_or(&Arg::None)
    }

    /// An error about argument `index`.
    pub fn wrong(&self, index: usize, expected: &'static str) -> OpError {
        OpError::Argument {
            op: self.op,
            index,
            expected,
            found: self.get(index).kind(),
        }
    }

    /// An error about shapes.
    pub fn shape_error(&self, message: impl Into<String>) -> OpError {
        OpError::Shape {
            op: self.op,
            message: message.into(),
        }
    }

    /// An error about a value.
    pub fn value_error(&self, message: impl Into<String>) -> OpError {
        OpError::Value {
            op: self.op,
            message: message.into(),
        }
    }

    /// A tensor, checked so that its strides stay inside its data where it has any.
    pub fn tensor(&self, index: usize) -> Result<TensorRef<'a>, OpError> {
        let Arg::Tensor(tensor) = self.get(index) else {
            return Err(self.wrong(index, "a tensor"));
        };
        tensor
            .check()
            .map_err(|message| self.shape_error(format!("argument {index}: {message}")))?;
        Ok(*tensor)
    }

    /// A tensor whose data is needed.
    pub fn filled(&self, index: usize) -> Result<TensorRef<'a>, OpError> {
        let tensor = self.tensor(index)?;
        if tensor.has_data() {
            Ok(tensor)
        } else {
            Err(self.wrong(index, "a tensor with data"))
        }
    }

    /// A list of tensors, each checked as [`Self::tensor`] does.
    pub fn tensors(&self, index: usize) -> Result<&'a [TensorRef<'a>], OpError> {
        let Arg::Tensors(list) = self.get(index) else {
            return Err(self.wrong(index, "a list of tensors"));
        };
        for (at, tensor) in list.iter().enumerate() {
            tensor.check().map_err(|message| {
                self.shape_error(format!("argument {index}, tensor {at}: {message}"))
            })?;
        }
        Ok(list)
    }

    /// An int.
    pub fn int(&self, index: usize) -> Result<i64, OpError> {
        match self.get(index) {
            Arg::Int(v) => Ok(*v),
            Arg::Float(v) if v.fract() == 0.0 && v.abs() < 9e15 => Ok(*v as i64),
            _ => Err(self.wrong(index, "an int")),
        }
    }

    /// An int that counts or indexes: not negative and of at most 31 bits.
    pub fn size(&self, index: usize) -> Result<usize, OpError> {
        u32::try_from(self.int(index)?)
            .ok()
            .filter(|v| *v <= i32::MAX as u32)
            .map(|v| v as usize)
            .ok_or_else(|| self.wrong(index, "an int from 0 to 2147483647"))
    }

    /// An int of 32 bits.
    pub fn int32(&self, index: usize) -> Result<i32, OpError> {
        i32::try_from(self.int(index)?).map_err(|_| self.wrong(index, "an int of 32 bits"))
    }

    /// A float.
    pub fn float(&self, index: usize) -> Result<f64, OpError> {
        match self.get(index) {
            Arg::Float(v) => Ok(*v),
            Arg::Int(v) => Ok(*v as f64),
            _ => Err(self.wrong(index, "a float")),
        }
    }

    /// A bool.
    pub fn bool(&self, index: usize) -> Result<bool, OpError> {
        match self.get(index) {
            Arg::Bool(v) => Ok(*v),
            Arg::Int(v @ (0 | 1)) => Ok(*v == 1),
            _ => Err(self.wrong(index, "a bool")),
        }
    }

    /// A string.
    pub fn str(&self, index: usize) -> Result<&'a str, OpError> {
        match self.get(index) {
            Arg::Str(v) => Ok(v),
            _ => Err(self.wrong(index, "a string")),
        }
    }

    /// A list of ints.
    pub fn ints(&self, index: usize) -> Result<&'a [i64], OpError> {
        match self.get(index) {
            Arg::Ints(v) => Ok(v),
            Arg::Floats([]) => Ok(&[]),
            _ => Err(self.wrong(index, "a list of ints")),
        }
    }

    /// A list of `n` ints of 32 bits; a list of one stands for `n` equal ones.
    pub fn ints_of(&self, index: usize, n: usize) -> Result<Vec<i64>, OpError> {
        let list = self.ints(index)?;
        let list = if list.len() == 1 {
            vec![list[0]; n]
        } else {
            list.to_vec()
        };
        let fits = list.len() == n && list.iter().all(|v| i32::try_from(*v).is_ok());
        if fits {
            Ok(list)
        } else {
            Err(self.wrong(index, "a list of one small int per spatial dimension"))
        }
    }

    /// A march name.
    pub fn march(&self, index: usize) -> Result<March, OpError> {
        self.parsed(index)
    }

    /// A quantised type name.
    pub fn qtype(&self, index: usize) -> Result<QType, OpError> {
        self.parsed(index)
    }

    /// A string that names something.
    pub fn parsed<T: FromStr<Err: std::fmt::Display>>(&self, index: usize) -> Result<T, OpError> {
        let text = self.str(index)?;
        text.parse()
            .map_err(|e: T::Err| self.value_error(e.to_string()))
    }

    /// The elements of a small tensor of integers as 32 bits.
    pub fn ints32(&self, index: usize) -> Result<Vec<i32>, OpError> {
        let tensor = self.filled(index)?;
        match tensor.to_data() {
            Some(Data::Bool(v) | Data::U8(v)) => Ok(v.iter().map(|v| i32::from(*v)).collect()),
            Some(Data::I8(v)) => Ok(v.iter().map(|v| i32::from(*v)).collect()),
            Some(Data::I16(v)) => Ok(v.iter().map(|v| i32::from(*v)).collect()),
            Some(Data::I32(v)) => Ok(v),
            Some(Data::I64(v)) => v
                .iter()
                .map(|v| {
                    i32::try_from(*v).map_err(|_| {
                        self.value_error(format!("argument {index}: {v} does not fit 32 bits"))
                    })
                })
                .collect(),
            _ => Err(self.wrong(index, "a tensor of integers")),
        }
    }

    /// The elements of a small float tensor (float32 or float64), or of an integer one such as the scale 1 of a boolean.
    pub fn floats(&self, index: usize) -> Result<Vec<f64>, OpError> {
        let tensor = self.filled(index)?;
        match tensor.to_data() {
            Some(Data::F32(v)) => Ok(v.iter().map(|v| f64::from(*v)).collect()),
            Some(Data::F64(v)) => Ok(v),
            Some(Data::I64(v)) => Ok(v.iter().map(|v| *v as f64).collect()),
            _ => Err(self.wrong(index, "a tensor of floats")),
        }
    }

    /// Elements of a dense tensor of the wanted type, in its own memory order.
    pub fn float_data(&self, index: usize) -> Result<Cow<'a, [f32]>, OpError> {
        let tensor = self.filled(index)?;
        tensor
            .contiguous::<f32>()
            .ok_or_else(|| self.wrong(index, "a float32 tensor"))
    }
}
