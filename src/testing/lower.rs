//! Lowering never panics, and what it makes is a well-formed graph or an error.

use crate::ir::{BlockId, Graph, Op, Type, ValueId};
use crate::torchscript::lower::{Input, lower};
use rustc_hash::FxHashSet;

/// Lowers bytes as the one source record of a model of class `M`; file versions 3 and 10 by the first byte's parity.
pub fn lower_source(data: &[u8]) {
    let version = if data.first().is_some_and(|byte| byte % 2 == 0) {
        3
    } else {
        10
    };
    let lowered = lower(&Input {
        source: &|record| (record == "code/__torch__.py").then(|| data.to_vec()),
        constants: &[Type::Tensor, Type::Str],
        version,
        roots: &["__torch__.M".into()],
    });
    for function in lowered.program.functions.values() {
        check(&function.graph);
    }
}

/// Every value is defined before it is used, and blocks fit their nodes.
fn check(graph: &Graph) {
    let mut defined = FxHashSet::default();
    check_block(graph, graph.root(), &mut defined);
}

fn check_block(graph: &Graph, block: BlockId, defined: &mut FxHashSet<ValueId>) {
    crate::torchscript::deep(|| {
        let mut own: Vec<ValueId> = graph.block(block).params.clone();
        defined.extend(own.iter().copied());
        for &id in &graph.block(block).nodes {
            let node = graph.node(id);
            assert!(
                node.inputs.iter().all(|value| defined.contains(value)),
                "{id} reads ahead"
            );
            let carried = match node.op {
                Op::If => 0,
                Op::Loop => 1,
                _ => 0,
            };
            for &inner in &node.blocks {
                check_block(graph, inner, defined);
                if matches!(node.op, Op::If | Op::Loop) {
                    let returns = graph.block(inner).returns.len();
                    assert_eq!(returns, node.outputs.len() + carried, "{id}");
                }
            }
            own.extend(node.outputs.iter().copied());
            defined.extend(node.outputs.iter().copied());
        }
        assert!(
            graph
                .block(block)
                .returns
                .iter()
                .all(|value| defined.contains(value))
        );
        for value in own {
            defined.remove(&value);
        }
    });
}
