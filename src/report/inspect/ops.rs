//! `--ops`: how often each operator stands in a method.

use crate::analysis::attributes::classes;
use crate::analysis::walk::{Step, walk};
use crate::ir::{FuncId, Op};
use crate::model::Model;
use crate::report::table;
use rustc_hash::FxHashMap;
use serde::Serialize;

/// Operators of one method, the most frequent first.
#[derive(Debug, Serialize)]
pub struct Ops {
    /// The method.
    pub method: String,
    /// How many in all.
    pub total: usize,
    /// One for each overload.
    pub ops: Vec<OpCount>,
}

/// One overload of one operator.
#[derive(Debug, Serialize)]
pub struct OpCount {
    /// Such as `aten::add`.
    pub kind: String,
    /// Such as `Tensor`; often empty. None where the operator has no known schema.
    pub overload: Option<String>,
    /// How often, each function counted once for every module it is called on.
    pub count: usize,
}

/// Counts the operators that a method reaches; constants, attribute reads and the making and taking apart of lists
/// and tuples are left out.
pub fn ops(model: &Model, method: &str, func: FuncId) -> Ops {
    let program = &model.program;
    let mut counts: FxHashMap<(String, Option<String>), usize> = FxHashMap::default();
    for Step { func, node, .. } in walk(program, func, &classes(model)) {
        let op = &program.functions[func].graph.node(node).op;
        let overload = match op {
            Op::Constant(_) | Op::GetAttr(_) | Op::CallMethod(_) | Op::CallFunction(_) => continue,
            Op::ListConstruct | Op::TupleConstruct | Op::ListUnpack | Op::TupleUnpack => continue,
            Op::Operator(schema) => Some(schema.overload().to_owned()),
            Op::Opaque(_) => None,
            _ => Some(String::new()),
        };
        *counts.entry((op.kind().to_owned(), overload)).or_default() += 1;
    }
    let mut ops: Vec<_> = counts
        .into_iter()
        .map(|((kind, overload), count)| OpCount {
            kind,
            overload,
            count,
        })
        .collect();
    ops.sort_by(|a, b| (b.count, &a.kind, &a.overload).cmp(&(a.count, &b.kind, &b.overload)));
    Ops {
        method: method.to_owned(),
        total: ops.iter().map(|op| op.count).sum(),
        ops,
    }
}

impl OpCount {
    /// `aten::add.Tensor`.
    pub fn name(&self) -> String {
        match self.overload.as_deref() {
            None | Some("") => self.kind.clone(),
            Some(overload) => format!("{}.{overload}", self.kind),
        }
    }
}

impl Ops {
    /// A table.
    pub fn text(&self) -> String {
        let note = |op: &OpCount| {
            if op.overload.is_none() {
                "no known schema"
            } else {
                ""
            }
        };
        let row = |op: &OpCount| vec![op.count.to_string(), op.name(), note(op).to_owned()];
        let mut rows: Vec<_> = self.ops.iter().map(row).collect();
        rows.push(vec![
            self.total.to_string(),
            "in all".to_owned(),
            String::new(),
        ]);
        table(&["count", "operator", ""], &rows, &[0])
    }
}
