//! Numbers that no sane file holds: the front end refuses them with a reason, or evaluates; it never panics.

use super::{case, fixtures, repository};
use crate::bpu::values::Rng;
use ptool::analysis::profile::describe;
use ptool::hbdk::{Options, Stage, build, check, eval};
use ptool::inputs::{Given, choose};
use ptool::ir::{Constant, NodeId, Op};
use ptool::model::Model;

const INTS: &[i64] = &[
    0,
    -1,
    1,
    2,
    3,
    7,
    65,
    255,
    65_536,
    i32::MAX as i64,
    i32::MIN as i64,
    1 << 32,
    i64::MAX,
    i64::MIN,
];
const FLOATS: &[f64] = &[
    0.0,
    -1.0,
    0.5,
    1e300,
    -1e300,
    1e-300,
    f64::NAN,
    f64::INFINITY,
];
/// Mutants of each fixture.
const MUTANTS: u64 = 12;
/// Results larger than this are built and not evaluated.
const MAX_ELEMENTS: usize = 20_000;

/// Changes constants inside of lists too.
fn change(constant: &mut Constant, rng: &mut Rng) {
    match constant {
        Constant::Int(value) => *value = rng.choose(INTS),
        Constant::Float(value) => *value = rng.choose(FLOATS),
        Constant::Bool(value) => *value = !*value,
        Constant::List(items) if !items.is_empty() => {
            let at = rng.next() as usize % items.len();
            change(&mut items[at], rng);
        }
        _ => {}
    }
}

/// Changes one to three constants of the model's methods.
fn mutate(model: &mut Model, rng: &mut Rng) {
    for _ in 0..rng.within(1, 3) {
        let count = model.program.functions.iter().count();
        let chosen = rng.next() as usize % count;
        let Some((_, function)) = model.program.functions.iter_mut().nth(chosen) else {
            continue;
        };
        let graph = &mut function.graph;
        let is_constant = |id: &NodeId| matches!(graph.node(*id).op, Op::Constant(_));
        let nodes = &graph.block(graph.root()).nodes;
        let constants: Vec<NodeId> = nodes.iter().copied().filter(is_constant).collect();
        if constants.is_empty() {
            continue;
        }
        let id = constants[rng.next() as usize % constants.len()];
        if let Op::Constant(constant) = &mut graph.node_mut(id).op {
            change(constant, rng);
        }
    }
}

#[test]
fn numbers_of_any_size_end_in_an_answer() {
    let (mut refused, mut evaluated) = (0, 0);
    for name in fixtures() {
        let inputs = case(&name).inputs;
        let path = repository(&format!("testdata/hbdk/{name}.pt"));
        for seed in 0..MUTANTS {
            let mut model = Model::open(&path).unwrap();
            let values = choose(&model, "forward", Given::Nothing, 0).unwrap().values;
            mutate(&mut model, &mut Rng(seed * 7919 + name.len() as u64));
            let made = build(&model, &describe(&values), Options::default());
            let reasons = check::diagnostics(&made);
            assert!(reasons.len() >= made.problems.len(), "{name}, seed {seed}");
            let is_limit = |stage: Stage| stage == Stage::Limit;
            if !made.problems.iter().all(|it| is_limit(it.stage)) {
                refused += 1;
                continue;
            }
            let size = |record: &ptool::hbdk::graph::Record| record.shape.iter().product::<usize>();
            if made.graph.records.iter().map(size).max() <= Some(MAX_ELEMENTS) {
                // What a layer cannot take is an error, which is an answer too.
                let _ = eval::run_live(&made.graph, &inputs);
                evaluated += 1;
            }
        }
    }
    assert!(refused > 10 && evaluated > 10, "{refused}, {evaluated}");
}
