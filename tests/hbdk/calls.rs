//! Every function call of every fixture: the evaluator's integers are those that numpy computed from the formulas.

use super::{Case, case, fixtures};
use ptool::analysis::profile::to_array;
use ptool::hbdk::eval::{self, Watch};
use ptool::hbdk::graph::RecordId;
use ptool::hbdk::{Array, MarkKind};
use std::collections::HashMap;

/// Keeps every tensor in the framework's layout.
struct All<'c>(&'c Case, HashMap<RecordId, Array>);

impl Watch for All<'_> {
    fn computed(&mut self, id: RecordId, value: &Array) -> Option<Array> {
        let layout = self.0.build.graph.record(id).layout;
        self.1.insert(id, eval::to_framework(value, layout));
        None
    }
}

/// What differs between the evaluator and the recorded calls.
fn differing(case: &Case) -> Vec<String> {
    let mut all = All(case, HashMap::new());
    eval::run(&case.build.graph, &case.inputs, &mut all).unwrap();
    let calls: Vec<_> = case
        .build
        .marks
        .iter()
        .filter(|mark| matches!(mark.kind, MarkKind::Function(_)))
        .collect();
    let mut wrong = Vec::new();
    let mut compared = 0;
    for (key, tensor) in &case.recorded {
        let Some(rest) = key.strip_prefix("call/") else {
            continue;
        };
        let parts: Vec<&str> = rest.split('/').collect();
        let [call, _, result] = parts[..] else {
            panic!("{key}");
        };
        let mark = calls[call.parse::<usize>().unwrap()];
        let Some(record) = mark.records[result.parse::<usize>().unwrap()] else {
            continue;
        };
        compared += 1;
        let (ours, theirs) = (&all.1[&record], to_array(tensor).unwrap());
        if ours.shape != theirs.shape || ours.to_reals() != theirs.to_reals() {
            wrong.push(case.build.graph.record(record).name.to_string());
        }
    }
    assert!(compared > 0);
    wrong
}

/// Fixtures named `known_…` show disagreements of the tool chain, `refused_…` what is not taken at all.
#[test]
fn calls_of_every_fixture() {
    let mut count = 0;
    for name in fixtures() {
        if name.starts_with("known_") || name.starts_with("refused_") {
            continue;
        }
        let case = case(&name);
        let problems = &case.build.problems;
        assert!(problems.is_empty(), "{name}: {problems:#?}");
        assert_eq!(differing(&case), [""; 0], "{name}");
        count += 1;
    }
    assert!(count >= 7);
}
