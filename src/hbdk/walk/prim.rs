//! Nodes that move values about (`horizon.md` 5.6, prim).

use super::super::value::Val;
use super::args::int;
use super::{Builder, Fail};
use crate::ir::{Node, Op};

impl Builder<'_> {
    /// The outputs of a node that is neither call nor operator.
    pub(super) fn prim(&self, node: &Node, op: &Op, args: Vec<Val>) -> Result<Vec<Val>, Fail> {
        let value = match op {
            Op::Constant(constant) => self.literal(constant, 0)?,
            Op::GetAttr(name) => match args.first() {
                Some(Val::Object(object, path)) => self.attribute(*object, path, name)?,
                Some(Val::Unknown | Val::Lost) | None => return Err(Fail::silent()),
                Some(other) => {
                    return Err(Fail::new(format!("attribute `{name}` of {}", other.kind())));
                }
            },
            Op::ListConstruct | Op::TupleConstruct => match Val::is_flat(&args) {
                true => Val::seq(args),
                false => return Err(Fail::new("lists are nested too deep")),
            },
            Op::ListUnpack | Op::TupleUnpack => {
                let items = match args.first() {
                    Some(Val::Seq(items)) => items.to_vec(),
                    Some(lost @ (Val::Unknown | Val::Lost)) => {
                        vec![lost.clone(); node.outputs.len()]
                    }
                    other => {
                        let found = other.map_or("nothing", Val::kind);
                        return Err(Fail::new(format!("expected a list, found {found}")));
                    }
                };
                if items.len() != node.outputs.len() {
                    let (expected, found) = (node.outputs.len(), items.len());
                    return Err(Fail::new(format!(
                        "expected {expected} items, found {found}"
                    )));
                }
                return Ok(items);
            }
            Op::TupleIndex => item(&args)?,
            Op::TupleSlice { begin, end } => match args.first() {
                Some(Val::Seq(items)) => {
                    let (begin, end) = (*begin as usize, *end as usize);
                    let part = items.get(begin..end);
                    Val::seq(
                        part.ok_or_else(|| Fail::new("slice out of range"))?
                            .to_vec(),
                    )
                }
                _ => return Err(Fail::silent()),
            },
            Op::UncheckedCast => args.into_iter().next().unwrap_or(Val::None),
            Op::If | Op::Loop => {
                return Err(Fail::new("").advise(
                    "trace the model (torch.jit.trace), so that branches and loops are gone",
                ));
            }
            _ => return Err(Fail::new("")),
        };
        Ok(vec![value])
    }
}

/// `(tuple)[index]`
fn item(args: &[Val]) -> Result<Val, Fail> {
    let (Some(Val::Seq(items)), Some(index)) = (args.first(), args.get(1).and_then(int)) else {
        return Err(Fail::silent());
    };
    let at = if index < 0 {
        index + items.len() as i64
    } else {
        index
    };
    let at = usize::try_from(at).ok();
    at.and_then(|at| items.get(at))
        .cloned()
        .ok_or_else(|| Fail::new(format!("index {index} of {} items", items.len())))
}
