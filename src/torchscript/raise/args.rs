//! Arguments of operators: what need not be written (`torchscript.md` 4.7).

use crate::ir::schema::{Arg, Schema};
use crate::ir::{Constant, Graph, ValueId};

/// Which inputs of a call are written: the first `necessary`, then the last `out` ones by name.
pub(super) struct Written {
    pub(super) necessary: usize,
    pub(super) out: usize,
}

/// Trailing arguments that equal their default are left out; `out=` arguments at the end are looked through.
pub(super) fn written(graph: &Graph, schema: &Schema, inputs: &[ValueId]) -> Written {
    let args = &schema.args;
    let is_out = |arg: &&Arg| arg.kwarg_only && arg.is_write;
    let out = args.iter().rev().take_while(is_out).count();
    if args.len() < inputs.len() {
        return Written {
            necessary: inputs.len(),
            out,
        };
    }
    let mut necessary = args.len() - out;
    while let Some(last) = necessary.checked_sub(1) {
        let actual = inputs.get(last).and_then(|&value| graph.constant(value));
        match (&args[last].default, actual) {
            (Some(default), Some(actual)) if is_default(&args[last], default, actual) => {
                necessary = last;
            }
            _ => break,
        }
    }
    Written { necessary, out }
}

/// Whether a constant is the default; one value stands for `N` in a list of fixed size.
fn is_default(arg: &Arg, default: &Constant, actual: &Constant) -> bool {
    match (default, actual) {
        (Constant::List(_), Constant::List(_)) => default == actual,
        (single, Constant::List(items)) => {
            arg.fixed_size == Some(items.len() as u32) && items.iter().all(|item| item == single)
        }
        _ => default == actual,
    }
}
