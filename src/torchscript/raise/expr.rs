//! The right side of one node (`torchscript.md` 3.8).

use super::RaiseError;
use super::args::written;
use super::body::Body;
use super::build::{
    annotate, attribute, call, expr, is_identifier, list, name, paren, path, subscript, tuple,
    user_call,
};
use super::constant::{is_inferred, literal, new_object};
use super::types::annotation;
use crate::ir::op::OpaqueOp;
use crate::ir::schema::Schema;
use crate::ir::{Constant, Node, NodeId, Op, Type};
use crate::torchscript::ast::{Expr, ExprKind};
use smol_str::SmolStr;

impl Body<'_> {
    /// The expression a node computes; takes the expressions of its inlined inputs.
    pub(super) fn rhs(&mut self, id: NodeId) -> Result<Expr, RaiseError> {
        let graph = self.graph;
        let node = graph.node(id);
        let mut made = self.plain_rhs(node)?;
        made.range = self.range(node);
        Ok(made)
    }

    fn plain_rhs(&mut self, node: &Node) -> Result<Expr, RaiseError> {
        Ok(match &node.op {
            Op::Constant(constant) => {
                literal(self.program, constant, self.graph.ty(self.output(node)?))
            }
            Op::GetAttr(field) => {
                let object = self.input(node, 0)?;
                get_attribute(object, field)
            }
            Op::CallMethod(method) => {
                let object = paren(self.input(node, 0)?);
                let args = self.inputs(node, 1)?;
                user_call(attribute(object, method.clone()), args)
            }
            Op::CallFunction(function) => {
                let func = self.function_value(function);
                user_call(func, self.inputs(node, 0)?)
            }
            Op::CreateObject => new_object(self.output_type(node)?),
            Op::ListConstruct => self.list_construct(node)?,
            Op::TupleConstruct => self.tuple_construct(node)?,
            Op::DictConstruct => self.dict_construct(node)?,
            Op::TupleIndex => {
                let base = paren(self.input(node, 0)?);
                subscript(base, vec![self.input(node, 1)?])
            }
            Op::TupleSlice { begin, end } => {
                let bound = |i: i64| Some(literal(self.program, &Constant::Int(i), &Type::Int));
                let slice = ExprKind::Slice(Box::new([bound(*begin), bound(*end), None]));
                subscript(paren(self.input(node, 0)?), vec![expr(slice)])
            }
            Op::IsInstance(types) => {
                let value = self.input(node, 0)?;
                let types = match &types[..] {
                    [single] => annotation(single),
                    several => tuple(several.iter().map(annotation).collect()),
                };
                call(name("isinstance"), vec![value, types], vec![])
            }
            Op::UncheckedCast => {
                let ty = annotation(self.output_type(node)?);
                call(
                    name("unchecked_cast"),
                    vec![ty, self.input(node, 0)?],
                    vec![],
                )
            }
            Op::Uninitialized => {
                let ty = annotation(self.output_type(node)?);
                call(name("uninitialized"), vec![ty], vec![])
            }
            Op::ToList => {
                let method = attribute(self.input(node, 0)?, "tolist");
                annotate(
                    annotation(self.output_type(node)?),
                    call(method, vec![], vec![]),
                )
            }
            Op::Print => call(name("print"), self.inputs(node, 0)?, vec![]),
            Op::EnumName => attribute(paren(self.input(node, 0)?), "name"),
            Op::EnumValue => attribute(paren(self.input(node, 0)?), "value"),
            Op::Operator(schema) => self.operator(node, schema)?,
            Op::Opaque(op) => self.opaque(node, op)?,
            Op::If
            | Op::Loop
            | Op::SetAttr(_)
            | Op::ListUnpack
            | Op::TupleUnpack
            | Op::Enter
            | Op::Exit
            | Op::Fork
            | Op::Awaitable => return Err(self.malformed(node, "it is a statement")),
        })
    }

    fn list_construct(&mut self, node: &Node) -> Result<Expr, RaiseError> {
        let ty = self.output_type(node)?.clone();
        let made = list(self.inputs(node, 0)?);
        let inferred = match &ty {
            Type::List(element) => is_inferred(self.program, element),
            _ => return Err(self.malformed(node, "its result is no list")),
        };
        match node.inputs.is_empty() || !inferred {
            true => Ok(annotate(annotation(&ty), made)),
            false => Ok(made),
        }
    }

    fn tuple_construct(&mut self, node: &Node) -> Result<Expr, RaiseError> {
        let named = match self.output_type(node)? {
            Type::Class(class) => Some(class.clone()),
            _ => None,
        };
        let items = self.inputs(node, 0)?;
        Ok(match named {
            Some(class) => call(path(&class), items, vec![]),
            None => tuple(items),
        })
    }

    fn dict_construct(&mut self, node: &Node) -> Result<Expr, RaiseError> {
        let ty = self.output_type(node)?.clone();
        let Type::Dict(kv) = &ty else {
            return Err(self.malformed(node, "its result is no dict"));
        };
        if !node.inputs.len().is_multiple_of(2) {
            return Err(self.malformed(node, "a key has no value"));
        }
        let inferred = is_inferred(self.program, &kv.0) && is_inferred(self.program, &kv.1);
        let mut items = self.inputs(node, 0)?.into_iter();
        let mut entries = Vec::new();
        while let (Some(key), Some(value)) = (items.next(), items.next()) {
            entries.push((key, value));
        }
        let made = expr(ExprKind::Dict(entries));
        match node.inputs.is_empty() || !inferred {
            true => Ok(annotate(annotation(&ty), made)),
            false => Ok(made),
        }
    }

    fn operator(&mut self, node: &Node, schema: &Schema) -> Result<Expr, RaiseError> {
        let builtin = match schema.name() {
            "aten::Int" => "int",
            "aten::Float" => "float",
            "aten::Bool" => "bool",
            "aten::str" => "str",
            "aten::sorted" => "sorted",
            "aten::ScalarImplicit" | "aten::FloatImplicit" | "aten::IntImplicit" => {
                let ty = annotation(self.output_type(node)?);
                return Ok(annotate(ty, self.input(node, 0)?));
            }
            "aten::__getitem__" => {
                let base = self.input(node, 0)?;
                let base = match base.kind {
                    ExprKind::Name(_) => base,
                    _ => paren(base),
                };
                return Ok(subscript(base, vec![self.input(node, 1)?]));
            }
            "aten::_unwrap_optional" => return self.unwrap_optional(node),
            _ => return self.schema_call(node, schema),
        };
        Ok(call(name(builtin), self.inputs(node, 0)?, vec![]))
    }

    /// The type of `_unwrap_optional(None)` cannot be matched from the argument.
    fn unwrap_optional(&mut self, node: &Node) -> Result<Expr, RaiseError> {
        let value =
            *(node.inputs.first()).ok_or_else(|| self.malformed(node, "it has no input"))?;
        let is_none = *self.graph.ty(value) == Type::None
            || self.graph.constant(value) == Some(&Constant::None);
        let mut arg = self.use_of(value)?;
        if is_none {
            let ty = Type::optional(self.output_type(node)?.clone());
            arg = annotate(annotation(&ty), arg);
        }
        Ok(call(
            operator_path("aten::_unwrap_optional"),
            vec![arg],
            vec![],
        ))
    }

    fn schema_call(&mut self, node: &Node, schema: &Schema) -> Result<Expr, RaiseError> {
        let count = schema.args.len();
        if node.inputs.len() < count {
            return Err(self.malformed(node, "an argument is missing"));
        }
        let shown = written(self.graph, schema, &node.inputs);
        let mut args = Vec::new();
        let mut keywords = Vec::new();
        let trailing = (count - shown.out..count).filter(|_| shown.necessary <= count - shown.out);
        for index in (0..shown.necessary).chain(trailing) {
            let value = self.input(node, index)?;
            match schema.args.get(index) {
                Some(arg) if arg.kwarg_only => keywords.push((arg.name.clone(), value)),
                _ => args.push(value),
            }
        }
        Ok(call(operator_path(schema.name()), args, keywords))
    }

    fn opaque(&mut self, node: &Node, op: &OpaqueOp) -> Result<Expr, RaiseError> {
        let mut args = self.inputs(node, 0)?;
        let Some(positional) = args.len().checked_sub(op.keywords.len()) else {
            return Err(self.malformed(node, "it has more keywords than inputs"));
        };
        let named = args.split_off(positional);
        let keywords: Vec<(SmolStr, Expr)> = op.keywords.iter().cloned().zip(named).collect();
        Ok(call(operator_path(&op.name), args, keywords))
    }
}

fn get_attribute(object: Expr, field: &SmolStr) -> Expr {
    if is_identifier(field) {
        return attribute(object, field.clone());
    }
    let field = expr(ExprKind::Str(field.as_bytes().into()));
    call(name("getattr"), vec![object, field], vec![])
}

/// `torch.add`, `ops.torchvision.nms`
fn operator_path(qualified: &str) -> Expr {
    match qualified.split_once("::") {
        Some(("aten", "backward" | "grad")) => {
            path(&qualified.replace("aten::", "torch.autograd."))
        }
        Some(("aten", plain)) => attribute(name("torch"), plain),
        Some((space, plain)) => attribute(attribute(name("ops"), space), plain),
        None => path(qualified),
    }
}
