//! Where plugin and front end really disagree: shown as known, with what to change in the model.

use super::{case, repository};
use ptool::analysis::profile::{Results, names, profile};
use ptool::hbdk::MarkKind;
use ptool::hbdk::graph::Known;
use ptool::model::Model;
use ptool::model::origin::Origins;
use ptool::report::{Paint, profile as report};

/// The disagreement that a fixture shows: only in that operator, by at most `most`.
#[track_caller]
fn shown(name: &str, operator: &str, known: Known, most: f64) {
    let case = case(name);
    assert!(case.build.problems.is_empty(), "{:#?}", case.build.problems);
    let graph = &case.build.graph;
    let mut results = Results::default();
    let marks = case.build.marks.iter();
    let calls = marks.filter(|mark| matches!(mark.kind, MarkKind::Function(_)));
    for (n, mark) in calls.enumerate() {
        for (i, record) in mark.records.iter().enumerate() {
            let key =
                |k: &str| k.starts_with(&format!("call/{n:03}/")) && k.ends_with(&format!("/{i}"));
            let tensor = case.recorded.iter().find(|(k, _)| key(k));
            if let (Some(record), Some((_, tensor))) = (record, tensor) {
                results
                    .tensors
                    .push((graph.record(*record).name.to_string(), tensor.clone()));
            }
        }
    }
    let found = profile(graph, &names(&case.build), &case.inputs, &results).unwrap();
    let own: Vec<_> = found.rows.iter().filter(|row| row.by_itself).collect();
    assert_eq!(own.len(), 1, "{own:#?}");
    assert_eq!(
        (own[0].name.as_str(), own[0].known),
        (operator, Some(known))
    );
    let model = Model::open(repository(&format!("testdata/hbdk/{name}.pt"))).unwrap();
    let origins = Origins::new(&model);
    let report = report::report(&found, graph.march.name(), String::new(), &origins);
    let row = report.ops.iter().find(|row| row.name == operator).unwrap();
    assert!(
        row.atol.unwrap() <= most && row.atol.unwrap() > 0.0,
        "{row:#?}"
    );
    let text = report.text(Paint::off());
    assert!(
        text.contains("known disagreement of the tool chain"),
        "{text}"
    );
    assert!(text.contains(known.advice()), "{text}");
}

#[test]
fn requantise_of_an_accumulator() {
    shown(
        "known_requantize",
        "_hz_requantize",
        Known::RequantizeAccumulator,
        1.0,
    );
}

#[test]
fn matmul_on_bernoulli2() {
    let name = "_hz_matmul_torch_native";
    shown("known_matmul_bernoulli2", name, Known::MatmulRounding, 1.0);
}

#[test]
fn ceil_and_floor_at_odd_scales() {
    shown("known_ceil", "_hz_ceil", Known::Ceil, 255.0);
    shown("known_floor", "_hz_floor", Known::Floor, 3.0);
}
