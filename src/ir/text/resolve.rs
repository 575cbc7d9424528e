//! Node kinds of a text to operations.

use super::TextError;
use crate::ir::op::OpaqueOp;
use crate::ir::schema::{self, Schema};
use crate::ir::{Constant, Op, Program, Type, fits};
use smol_str::SmolStr;

/// What stands in the brackets after a node kind.
#[derive(Default)]
pub(super) struct Attributes {
    pub(super) name: Option<SmolStr>,
    pub(super) value: Option<Constant>,
    pub(super) begin: Option<i64>,
    pub(super) end: Option<i64>,
    pub(super) types: Option<Vec<Type>>,
    pub(super) keywords: Option<Vec<SmolStr>>,
}

/// A node as written, with the types around it.
pub(super) struct Written<'a> {
    pub(super) kind: &'a str,
    pub(super) attributes: Attributes,
    pub(super) inputs: Vec<&'a Type>,
    pub(super) outputs: Vec<&'a Type>,
    pub(super) line: usize,
}

/// Whether `name` alone would be read as an operator of the schema table.
pub(super) fn is_known(name: &str) -> bool {
    !schema::overloads(name).is_empty()
}

impl Written<'_> {
    fn missing(&self, needs: &'static str) -> TextError {
        TextError::Attribute {
            line: self.line,
            op: self.kind.to_owned(),
            needs,
        }
    }

    fn name(&mut self) -> Result<SmolStr, TextError> {
        let name = self.attributes.name.take();
        name.ok_or_else(|| self.missing("an attribute `name`"))
    }

    pub(super) fn op(mut self) -> Result<Op, TextError> {
        Ok(match self.kind {
            "prim::Constant" => Op::Constant(self.constant()),
            "prim::If" => Op::If,
            "prim::Loop" => Op::Loop,
            "prim::GetAttr" => Op::GetAttr(self.name()?),
            "prim::SetAttr" => Op::SetAttr(self.name()?),
            "prim::CallMethod" => Op::CallMethod(self.name()?),
            "prim::CallFunction" => Op::CallFunction(self.name()?),
            "prim::CreateObject" => Op::CreateObject,
            "prim::ListConstruct" => Op::ListConstruct,
            "prim::TupleConstruct" => Op::TupleConstruct,
            "prim::DictConstruct" => Op::DictConstruct,
            "prim::ListUnpack" => Op::ListUnpack,
            "prim::TupleUnpack" => Op::TupleUnpack,
            "prim::TupleIndex" => Op::TupleIndex,
            "prim::TupleSlice" => self.slice()?,
            "prim::isinstance" => {
                let types = self.attributes.types.take();
                Op::IsInstance(types.ok_or_else(|| self.missing("an attribute `types`"))?)
            }
            "prim::unchecked_cast" => Op::UncheckedCast,
            "prim::Uninitialized" => Op::Uninitialized,
            "prim::Enter" => Op::Enter,
            "prim::Exit" => Op::Exit,
            "prim::fork" => Op::Fork,
            "prim::awaitable" => Op::Awaitable,
            "prim::tolist" => Op::ToList,
            "prim::Print" => Op::Print,
            "prim::EnumName" => Op::EnumName,
            "prim::EnumValue" => Op::EnumValue,
            _ => self.operator()?,
        })
    }

    /// No value at all is `None`; a function's constant has a name.
    fn constant(&mut self) -> Constant {
        match (self.attributes.value.take(), self.attributes.name.take()) {
            (Some(value), _) => {
                super::constant::settle(value, self.outputs.first().copied().unwrap_or(&Type::Any))
            }
            (None, Some(name)) => Constant::Function(name),
            (None, None) => Constant::None,
        }
    }

    fn slice(&mut self) -> Result<Op, TextError> {
        match (self.attributes.begin, self.attributes.end) {
            (Some(begin), Some(end)) => Ok(Op::TupleSlice { begin, end }),
            _ => Err(self.missing("the attributes `beg` and `end`")),
        }
    }

    fn operator(&mut self) -> Result<Op, TextError> {
        if let Some(keywords) = self.attributes.keywords.take() {
            return Ok(opaque(self.kind, keywords));
        }
        let (space, rest) = self.kind.split_once("::").unwrap_or(("", self.kind));
        let (name, overload) = match rest.split_once('.') {
            Some((name, overload)) => (&self.kind[..space.len() + 2 + name.len()], Some(overload)),
            None => (self.kind, None),
        };
        let overloads = schema::overloads(name);
        match (overload, overloads) {
            (_, []) => Ok(opaque(self.kind, Vec::new())),
            (None, [single]) => Ok(Op::Operator(single)),
            (None, several) => self.choose(several),
            (Some(overload), _) => schema::find(name, overload)
                .or_else(|| schema::find(name, "").filter(|_| overload == "default"))
                .map(Op::Operator)
                .ok_or_else(|| self.no_overload()),
        }
    }

    /// The first overload whose arguments and results fit, else the first whose arguments fit.
    fn choose(&self, overloads: &[&'static Schema]) -> Result<Op, TextError> {
        let program = Program::default();
        let check = |s: &Schema| fits::check(&program, s, &self.inputs, &self.outputs);
        overloads
            .iter()
            .find(|s| check(s).is_ok())
            .or_else(|| {
                overloads.iter().find(|s| {
                    let misfit = check(s).err();
                    matches!(
                        misfit,
                        Some(fits::Misfit::Output(_) | fits::Misfit::OutputCount)
                    )
                })
            })
            .map(|schema| Op::Operator(schema))
            .ok_or_else(|| self.no_overload())
    }

    fn no_overload(&self) -> TextError {
        let types: Vec<_> = self.inputs.iter().map(|ty| super::type_text(ty)).collect();
        TextError::NoOverload {
            line: self.line,
            op: self.kind.to_owned(),
            inputs: types.join(", "),
        }
    }
}

fn opaque(name: &str, keywords: Vec<SmolStr>) -> Op {
    Op::Opaque(Box::new(OpaqueOp {
        name: name.into(),
        keywords,
    }))
}
