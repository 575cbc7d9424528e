//! What the instruction of one node does.

use super::super::super::ffi::Form;
use super::{Do, Emitter, ExecError};
use crate::ir::{ClassKind, NodeId, Op, Type, ValueDef, ValueId};
use smol_str::{SmolStr, format_smolstr};

/// How long a chain of attributes is followed to name a module.
const MAX_PATH: usize = 64;

impl Emitter<'_, '_, '_> {
    pub(super) fn action(&mut self, id: NodeId) -> Result<Do, ExecError> {
        let node = self.graph.node(id);
        let form = |form| Do::Form { form, a: 0, b: 0 };
        let slot = |form, a| Do::Form { form, a, b: 0 };
        Ok(match &node.op {
            Op::ListConstruct => slot(Form::ListConstruct, self.output_type(id)?),
            Op::TupleConstruct => slot(Form::TupleConstruct, self.output_type(id)?),
            Op::DictConstruct => slot(Form::DictConstruct, self.output_type(id)?),
            Op::ListUnpack => form(Form::ListUnpack),
            Op::TupleUnpack => form(Form::TupleUnpack),
            Op::TupleIndex => self.operator("prim::TupleIndex", ""),
            Op::TupleSlice { begin, end } => Do::Form {
                form: Form::TupleSlice,
                a: clamp(*begin),
                b: clamp(*end),
            },
            Op::GetAttr(name) => slot(Form::GetAttr, self.slot(id, name)?),
            Op::SetAttr(name) => slot(Form::SetAttr, self.slot(id, name)?),
            Op::CreateObject => slot(Form::CreateObject, self.output_type(id)?),
            Op::UncheckedCast => form(Form::Move),
            Op::Uninitialized => form(Form::Uninitialized),
            Op::ToList => Do::ToList(self.output_type(id)?),
            Op::EnumName => form(Form::EnumName),
            Op::EnumValue => form(Form::EnumValue),
            Op::Print => Do::Print,
            Op::IsInstance(types) => {
                let ids = types
                    .iter()
                    .map(|ty| self.context.types.id(self.context.vm, ty))
                    .collect::<Result<_, _>>()?;
                Do::IsInstance(ids)
            }
            Op::Enter => self.method(id, self.first_input(id)?, "__enter__")?,
            Op::CallMethod(name) => self.method(id, self.first_input(id)?, name)?,
            Op::CallFunction(name) => {
                let callee = self.context.types.program.function_by_name.get(name);
                let callee =
                    *callee.ok_or_else(|| self.malformed(&format!("no function `{name}`")))?;
                Do::Call { callee, path: None }
            }
            Op::Operator(schema) => match schema.name() {
                "aten::wait" | "prim::awaitable_wait" => form(Form::Wait),
                "aten::warn" => Do::Warn,
                "prim::RaiseException" => Do::Raise,
                "aten::device" if schema.overload() == "with_index" => form(Form::DeviceWithIndex),
                name => self.operator(name, schema.overload()),
            },
            Op::Opaque(op) => Do::Missing(op.name.clone()),
            other => return Err(self.malformed(&format!("`{}` in a wrong place", other.kind()))),
        })
    }

    pub(super) fn method(
        &mut self,
        id: NodeId,
        receiver: ValueId,
        name: &str,
    ) -> Result<Do, ExecError> {
        let Type::Class(class) = self.graph.ty(receiver) else {
            return Err(self.malformed(&format!(
                "method `{name}` of a `{}`",
                self.graph.ty(receiver)
            )));
        };
        let path = self.path(receiver);
        let program = self.context.types.program;
        match program.class(class).map(|c| (&c.kind, c.method(name))) {
            Some((ClassKind::Interface | ClassKind::ModuleInterface, _)) => Ok(Do::CallInterface {
                method: name.into(),
                path,
            }),
            Some((ClassKind::Native, _)) | None => {
                let ty = self
                    .context
                    .types
                    .id(self.context.vm, self.graph.ty(receiver))?;
                let found = self.context.vm.find_method(ty, name);
                found.map(Do::Native).map_err(|f| ExecError::Operator {
                    site: Box::new(self.site(id)),
                    message: f.message,
                })
            }
            Some((_, Some(callee))) => Ok(Do::Call { callee, path }),
            Some((_, None)) => {
                Err(self.malformed(&format!("class `{class}` has no method `{name}`")))
            }
        }
    }

    /// The module path of a value from the function's own `self`, when it is a chain of attributes.
    pub(super) fn path(&self, mut value: ValueId) -> Option<SmolStr> {
        let own = self.graph.block(self.graph.root()).params.first();
        let mut names = Vec::new();
        for _ in 0..MAX_PATH {
            if Some(&value) == own {
                names.reverse();
                return Some(names.join(".").into());
            }
            let ValueDef::Output { node, .. } = self.graph.value(value).def else {
                return None;
            };
            let node = self.graph.node(node);
            match &node.op {
                Op::GetAttr(name) => names.push(name.as_str()),
                Op::UncheckedCast => {}
                _ => return None,
            }
            value = *node.inputs.first()?;
        }
        None
    }

    pub(super) fn slot(&self, id: NodeId, name: &str) -> Result<i32, ExecError> {
        let object = self.first_input(id)?;
        let class = self.graph.ty(object).class_name();
        let slot = class
            .and_then(|class| self.context.types.program.class(class))
            .and_then(|class| class.attributes.iter().position(|a| a.name == name));
        match slot {
            Some(slot) => Ok(slot as i32),
            None => Err(self.malformed(&format!(
                "`{}` has no attribute `{name}`",
                self.graph.ty(object)
            ))),
        }
    }

    pub(super) fn operator(&mut self, name: &str, overload: &str) -> Do {
        let key = (SmolStr::from(name), SmolStr::from(overload));
        if let Some(&op) = self.context.operators.get(&key) {
            return Do::Operator(op);
        }
        match self.context.vm.find_operator(name, overload) {
            Ok(op) => {
                self.context.operators.insert(key, op);
                Do::Operator(op)
            }
            Err(_) if overload.is_empty() => Do::Missing(name.into()),
            Err(_) => Do::Missing(format_smolstr!("{name}.{overload}")),
        }
    }
}

fn clamp(index: i64) -> i32 {
    index.clamp(i32::MIN.into(), i32::MAX.into()) as i32
}
