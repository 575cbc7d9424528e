//! Every function call of every fixture: the evaluator's integers are those that numpy computed from the formulas.

use super::{Case, case, repository};
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

fn agrees(name: &str) {
    let case = case(name);
    assert!(
        case.build.problems.is_empty(),
        "{name}: {:#?}",
        case.build.problems
    );
    assert_eq!(differing(&case), [""; 0], "{name}");
}

#[test]
fn calls_of_the_guides_example() {
    agrees("guide_older");
    agrees("guide_newer");
}

#[test]
fn calls_of_convolutions() {
    agrees("convolutions_bayes");
    agrees("convolutions_bernoulli2");
}

#[test]
fn calls_of_arithmetic() {
    agrees("arithmetic_bayes");
    agrees("arithmetic_bernoulli2");
}

#[test]
fn calls_of_shapes() {
    agrees("shapes_bayes");
}

#[test]
fn every_fixture_is_in_a_test() {
    let mut count = 0;
    for entry in std::fs::read_dir(repository("testdata/hbdk")).unwrap() {
        let path = entry.unwrap().path();
        count += usize::from(path.extension().is_some_and(|e| e == "pt"));
    }
    assert_eq!(count, 12);
}
