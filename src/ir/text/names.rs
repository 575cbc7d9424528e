//! How values are called in a listing.

use crate::ir::{BlockId, Graph, NodeId, SideMap, ValueId};
use rustc_hash::FxHashMap;
use smol_str::{SmolStr, format_smolstr};

/// A name for every value: `x` where one value has that name in the source, `x.1`, `x.2` where several have,
/// and a number where none was given, all in the order of definition.
pub struct ValueNames {
    names: SideMap<ValueId, SmolStr>,
}

impl ValueNames {
    /// Names by order of definition, so that equal graphs get equal names.
    pub fn new(graph: &Graph) -> ValueNames {
        ValueNames::build(graph, false)
    }

    /// Values without a name are called by their id.
    pub fn by_id(graph: &Graph) -> ValueNames {
        ValueNames::build(graph, true)
    }

    fn build(graph: &Graph, by_id: bool) -> ValueNames {
        let order = definitions(graph);
        let mut total: FxHashMap<SmolStr, u32> = FxHashMap::default();
        for &value in &order {
            if let Some(base) = base_name(graph, value) {
                *total.entry(base).or_default() += 1;
            }
        }
        let mut seen: FxHashMap<SmolStr, u32> = FxHashMap::default();
        let mut names = SideMap::new();
        let mut unnamed = 0;
        for &value in &order {
            names[value] = match base_name(graph, value) {
                Some(base) if total[&base] == 1 => base,
                Some(base) => {
                    let count = seen.entry(base.clone()).or_default();
                    *count += 1;
                    format_smolstr!("{base}.{count}")
                }
                None if by_id => id_name(value),
                None => {
                    unnamed += 1;
                    format_smolstr!("{unnamed}")
                }
            };
        }
        ValueNames { names }
    }

    /// The name without `%`; a value that the graph uses but nowhere defines is called `undefinedN`.
    pub fn get(&self, value: ValueId) -> SmolStr {
        let name = &self.names[value];
        if name.is_empty() {
            format_smolstr!("undefined{}", id_name(value))
        } else {
            name.clone()
        }
    }
}

fn id_name(value: ValueId) -> SmolStr {
    format_smolstr!("{value}")[1..].into()
}

/// The value's source name as an identifier.
fn base_name(graph: &Graph, value: ValueId) -> Option<SmolStr> {
    let name = graph.value(value).name.as_ref()?;
    if name.is_empty() {
        return None;
    }
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    if name.bytes().all(is_plain) && !name.as_bytes()[0].is_ascii_digit() {
        return Some(name.clone());
    }
    let mapped = name
        .bytes()
        .map(|b| if is_plain(b) { b as char } else { '_' });
    Some(
        std::iter::once('_')
            .chain(mapped)
            .collect::<String>()
            .into(),
    )
}

/// Every value in the order a listing defines them; outputs of a node before its blocks' values.
fn definitions(graph: &Graph) -> Vec<ValueId> {
    let mut order = graph.block(graph.root()).params.clone();
    let mut stack: Vec<Step> = vec![Step::Block(graph.root())];
    while let Some(step) = stack.pop() {
        match step {
            Step::Block(block) => {
                if block != graph.root() {
                    order.extend(&graph.block(block).params);
                }
                stack.extend(
                    graph
                        .block(block)
                        .nodes
                        .iter()
                        .rev()
                        .map(|&n| Step::Node(n)),
                );
            }
            Step::Node(node) => {
                order.extend(&graph.node(node).outputs);
                stack.extend(
                    graph
                        .node(node)
                        .blocks
                        .iter()
                        .rev()
                        .map(|&b| Step::Block(b)),
                );
            }
        }
    }
    order
}

enum Step {
    Block(BlockId),
    Node(NodeId),
}
