//! Results of two runs by the front end's names (`compare_script_models`).

use super::profile::{Row, differing, row, rows};
use super::{Paint, guide_table};
use crate::analysis::profile::{Results, compare};
use rustc_hash::FxHashSet;
use serde::Serialize;

/// Names without partner that are listed; JSON has all.
const MAX_ALONE: usize = 50;

/// Two runs by name.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Whether both have the same operators, and all are equal.
    pub is_equal: bool,
    /// What the models were run on.
    pub inputs: String,
    /// Operators of both, in the order of the first.
    pub ops: Vec<Row>,
    /// Names that only the first has.
    pub only_a: Vec<String>,
    /// Names that only the second has.
    pub only_b: Vec<String>,
}

/// Compares two runs.
pub fn report(a: &Results, b: &Results, inputs: String) -> Report {
    let ops: Vec<Row> = compare(a, b).iter().map(|it| row(it, None)).collect();
    let names = |r: &Results| -> FxHashSet<String> {
        r.tensors.iter().map(|(name, _)| name.clone()).collect()
    };
    let (in_a, in_b) = (names(a), names(b));
    let alone = |r: &Results, other: &FxHashSet<String>| -> Vec<String> {
        let names = r.tensors.iter().map(|(name, _)| name.clone());
        names.filter(|name| !other.contains(name)).collect()
    };
    let (only_a, only_b) = (alone(a, &in_b), alone(b, &in_a));
    Report {
        is_equal: only_a.is_empty() && only_b.is_empty() && ops.iter().all(|op| op.is_equal),
        inputs,
        ops,
        only_a,
        only_b,
    }
}

impl Report {
    /// The guide's table, then what differs.
    pub fn text(&self, paint: Paint) -> String {
        let mut out = rows(&self.ops, paint);
        if self.is_equal {
            out += &paint.added("All ops in two ScriptModules are same.");
            out.push('\n');
            return out;
        }
        if self.only_a.len() + self.only_b.len() > 0 {
            let (a, b) = (
                self.ops.len() + self.only_a.len(),
                self.ops.len() + self.only_b.len(),
            );
            out += &paint.removed(&format!(
                "Two ScriptModules ops num are not same. {a} != {b} Please make sure two ScriptModules are \
                 traced from the same model."
            ));
            out.push('\n');
            for (side, names) in [("a", &self.only_a), ("b", &self.only_b)] {
                for name in names.iter().take(MAX_ALONE) {
                    out += &format!("  only in {side}: {name}\n");
                }
                if names.len() > MAX_ALONE {
                    out += &format!("  … {} more\n", names.len() - MAX_ALONE);
                }
            }
        }
        let different: Vec<_> = self.ops.iter().filter(|op| !op.is_equal).collect();
        if !different.is_empty() {
            out += &paint.removed("The following ops results are different...");
            out.push('\n');
            let listed: Vec<_> = different
                .iter()
                .map(|op| (op.name.clone(), paint.removed("False").into_owned()))
                .collect();
            out += &guide_table(["name", "if equal"], &listed);
            out += &format!("\n{}", differing(&self.ops, ["a", "b"]));
        }
        out
    }
}
