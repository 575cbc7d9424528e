//! Graphs as petgraph sees them: toposort, dominators, isomorphism and dot come from there.
//!
//! Nodes are nodes; an edge says that the target reads a value of the source. Either of one block, where a node with
//! nested blocks reads what they read, or of the whole function, where such a node has an edge to every node in it and
//! the readers of its outputs have edges from what its blocks return. What a loop carries to its next round makes no
//! edge, so both are acyclic, and program order is one of their topological orders.

use super::{BlockId, Graph, Node, NodeId, SideMap, ValueDef, ValueId};
use petgraph::Direction;
use petgraph::visit::{
    Data, EdgeCount, EdgeRef, GetAdjacencyMatrix, GraphBase, GraphProp, IntoEdgeReferences,
    IntoEdges, IntoEdgesDirected, IntoNeighbors, IntoNeighborsDirected, IntoNodeIdentifiers,
    IntoNodeReferences, NodeCompactIndexable, NodeCount, NodeIndexable, Visitable,
};
use rustc_hash::FxHashSet;
use smallvec::SmallVec;
use std::iter::Copied;
use std::slice::Iter;

/// Why two nodes are connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Flow {
    /// The target reads this value.
    Value(ValueId),
    /// The target stands in a block of the source.
    Inside,
}

/// One edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlowRef {
    id: u32,
    source: NodeId,
    target: NodeId,
    flow: Flow,
}

/// The nodes of a block or a function with the values that flow between them.
#[derive(Clone, Debug)]
pub struct Dataflow<'g> {
    graph: &'g Graph,
    nodes: Vec<NodeId>,
    /// Place in `nodes`, plus one.
    places: SideMap<NodeId, u32>,
    edges: Vec<FlowRef>,
    outgoing: SideMap<NodeId, SmallVec<[u32; 4]>>,
    incoming: SideMap<NodeId, SmallVec<[u32; 4]>>,
    successors: SideMap<NodeId, SmallVec<[NodeId; 4]>>,
    predecessors: SideMap<NodeId, SmallVec<[NodeId; 4]>>,
}

impl<'g> Dataflow<'g> {
    /// The nodes of one block, without those nested in it.
    pub fn of_block(graph: &'g Graph, block: BlockId) -> Dataflow<'g> {
        let mut flow = Dataflow::empty(graph, graph.block(block).nodes.clone());
        for &target in &graph.block(block).nodes {
            for value in reads(graph, target) {
                let source = graph.producer(value);
                if let Some(source) = source.filter(|&s| graph.node(s).parent == Some(block)) {
                    flow.connect(source, target, Flow::Value(value));
                }
            }
        }
        flow
    }

    /// Every node of a function.
    pub fn of_function(graph: &'g Graph) -> Dataflow<'g> {
        let mut flow = Dataflow::empty(graph, graph.nodes_in_order());
        for target in flow.nodes.clone() {
            let owner = graph.node(target).parent;
            if let Some(owner) = owner.and_then(|block| graph.block(block).owner) {
                flow.connect(owner, target, Flow::Inside);
            }
            for &value in &graph.node(target).inputs {
                flow.read(target, value);
            }
        }
        flow
    }

    fn empty(graph: &'g Graph, nodes: Vec<NodeId>) -> Dataflow<'g> {
        let mut places = SideMap::new();
        for (place, &node) in nodes.iter().enumerate() {
            places[node] = place as u32 + 1;
        }
        Dataflow {
            graph,
            nodes,
            places,
            edges: Vec::new(),
            outgoing: SideMap::new(),
            incoming: SideMap::new(),
            successors: SideMap::new(),
            predecessors: SideMap::new(),
        }
    }

    /// The graph behind it.
    pub fn graph(&self) -> &'g Graph {
        self.graph
    }

    /// Edges from all that a value may come from: its producer, and the producers of what blocks of that return.
    fn read(&mut self, target: NodeId, value: ValueId) {
        let mut pending: SmallVec<[ValueId; 4]> = SmallVec::from_slice(&[value]);
        let mut seen = FxHashSet::default();
        while let Some(value) = pending.pop() {
            let ValueDef::Output { node, index } = self.graph.value(value).def else {
                continue;
            };
            if !seen.insert(value) {
                continue;
            }
            self.connect(node, target, Flow::Value(value));
            let blocks = self.graph.node(node).blocks.iter();
            // A loop returns its condition first.
            let shift = usize::from(self.graph.node(node).op == super::Op::Loop);
            pending.extend(blocks.filter_map(|&block| {
                let returns = &self.graph.block(block).returns;
                returns.get(index as usize + shift).copied()
            }));
        }
    }

    fn connect(&mut self, source: NodeId, target: NodeId, flow: Flow) {
        let id = self.edges.len() as u32;
        self.edges.push(FlowRef {
            id,
            source,
            target,
            flow,
        });
        self.outgoing[source].push(id);
        self.incoming[target].push(id);
        if !self.predecessors[target].contains(&source) {
            self.predecessors[target].push(source);
            self.successors[source].push(target);
        }
    }
}

/// Every value that a node or a node nested in it reads, each once, in order.
fn reads(graph: &Graph, node: NodeId) -> Vec<ValueId> {
    let mut seen = FxHashSet::default();
    let mut values = Vec::new();
    let mut pending = vec![node];
    while let Some(id) = pending.pop() {
        let node = graph.node(id);
        let returns = node.blocks.iter().flat_map(|&b| &graph.block(b).returns);
        let new = node.inputs.iter().chain(returns).copied();
        values.extend(new.filter(|v| seen.insert(*v)));
        let nested = node.blocks.iter().rev();
        pending.extend(nested.flat_map(|&b| graph.block(b).nodes.iter().rev()));
    }
    values
}

impl GraphBase for Dataflow<'_> {
    type NodeId = NodeId;
    type EdgeId = u32;
}

impl Data for Dataflow<'_> {
    type NodeWeight = Node;
    type EdgeWeight = Flow;
}

impl GraphProp for Dataflow<'_> {
    type EdgeType = petgraph::Directed;
}

impl Visitable for Dataflow<'_> {
    type Map = FxHashSet<NodeId>;

    fn visit_map(&self) -> Self::Map {
        FxHashSet::default()
    }

    fn reset_map(&self, map: &mut Self::Map) {
        map.clear();
    }
}

impl NodeCount for Dataflow<'_> {
    fn node_count(&self) -> usize {
        self.nodes.len()
    }
}

impl EdgeCount for Dataflow<'_> {
    fn edge_count(&self) -> usize {
        self.edges.len()
    }
}

impl NodeIndexable for Dataflow<'_> {
    fn node_bound(&self) -> usize {
        self.nodes.len()
    }

    fn to_index(&self, node: NodeId) -> usize {
        (self.places[node] as usize).saturating_sub(1)
    }

    fn from_index(&self, place: usize) -> NodeId {
        self.nodes[place]
    }
}

impl NodeCompactIndexable for Dataflow<'_> {}

impl GetAdjacencyMatrix for Dataflow<'_> {
    type AdjMatrix = FxHashSet<(NodeId, NodeId)>;

    fn adjacency_matrix(&self) -> Self::AdjMatrix {
        self.edges.iter().map(|e| (e.source, e.target)).collect()
    }

    fn is_adjacent(&self, matrix: &Self::AdjMatrix, a: NodeId, b: NodeId) -> bool {
        matrix.contains(&(a, b))
    }
}

impl<'a> IntoNodeIdentifiers for &'a Dataflow<'_> {
    type NodeIdentifiers = Copied<Iter<'a, NodeId>>;

    fn node_identifiers(self) -> Self::NodeIdentifiers {
        self.nodes.iter().copied()
    }
}

/// Nodes with their ids.
#[derive(Clone)]
pub struct Nodes<'a> {
    graph: &'a Graph,
    ids: Copied<Iter<'a, NodeId>>,
}

impl<'a> Iterator for Nodes<'a> {
    type Item = (NodeId, &'a Node);

    fn next(&mut self) -> Option<Self::Item> {
        self.ids.next().map(|id| (id, self.graph.node(id)))
    }
}

impl<'a> IntoNodeReferences for &'a Dataflow<'_> {
    type NodeRef = (NodeId, &'a Node);
    type NodeReferences = Nodes<'a>;

    fn node_references(self) -> Self::NodeReferences {
        Nodes {
            graph: self.graph,
            ids: self.nodes.iter().copied(),
        }
    }
}

impl<'a> IntoNeighbors for &'a Dataflow<'_> {
    type Neighbors = Copied<Iter<'a, NodeId>>;

    fn neighbors(self, node: NodeId) -> Self::Neighbors {
        self.successors[node].iter().copied()
    }
}

impl<'a> IntoNeighborsDirected for &'a Dataflow<'_> {
    type NeighborsDirected = Copied<Iter<'a, NodeId>>;

    fn neighbors_directed(self, node: NodeId, direction: Direction) -> Self::NeighborsDirected {
        match direction {
            Direction::Outgoing => self.successors[node].iter().copied(),
            Direction::Incoming => self.predecessors[node].iter().copied(),
        }
    }
}

/// An edge as petgraph sees it.
#[derive(Clone, Copy, Debug)]
pub struct Edge<'a>(&'a FlowRef);

impl EdgeRef for Edge<'_> {
    type NodeId = NodeId;
    type EdgeId = u32;
    type Weight = Flow;

    fn source(&self) -> NodeId {
        self.0.source
    }

    fn target(&self) -> NodeId {
        self.0.target
    }

    fn weight(&self) -> &Flow {
        &self.0.flow
    }

    fn id(&self) -> u32 {
        self.0.id
    }
}

/// All edges.
#[derive(Clone)]
pub struct Edges<'a>(Iter<'a, FlowRef>);

impl<'a> Iterator for Edges<'a> {
    type Item = Edge<'a>;

    fn next(&mut self) -> Option<Edge<'a>> {
        self.0.next().map(Edge)
    }
}

/// The edges of one node.
#[derive(Clone)]
pub struct NodeEdges<'a> {
    edges: &'a [FlowRef],
    ids: Iter<'a, u32>,
}

impl<'a> Iterator for NodeEdges<'a> {
    type Item = Edge<'a>;

    fn next(&mut self) -> Option<Edge<'a>> {
        let id = *self.ids.next()?;
        Some(Edge(&self.edges[id as usize]))
    }
}

impl<'a> IntoEdgeReferences for &'a Dataflow<'_> {
    type EdgeRef = Edge<'a>;
    type EdgeReferences = Edges<'a>;

    fn edge_references(self) -> Self::EdgeReferences {
        Edges(self.edges.iter())
    }
}

impl<'a> IntoEdges for &'a Dataflow<'_> {
    type Edges = NodeEdges<'a>;

    fn edges(self, node: NodeId) -> Self::Edges {
        self.edges_directed(node, Direction::Outgoing)
    }
}

impl<'a> IntoEdgesDirected for &'a Dataflow<'_> {
    type EdgesDirected = NodeEdges<'a>;

    fn edges_directed(self, node: NodeId, direction: Direction) -> Self::EdgesDirected {
        let ids = match direction {
            Direction::Outgoing => &self.outgoing[node],
            Direction::Incoming => &self.incoming[node],
        };
        NodeEdges {
            edges: &self.edges,
            ids: ids.iter(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::Op;
    use crate::ir::text::parse_graph;
    use petgraph::algo::{dominators, is_isomorphic, toposort};

    const BRANCHES: &str = r#"
graph(%x : Tensor, %c : bool):
  %a : Tensor = aten::relu(%x)
  %b : Tensor = prim::If(%c)
    block0():
      %t : Tensor = aten::neg(%a)
      -> (%t)
    block1():
      -> (%a)
  %d : Tensor = aten::relu(%b)
  %e : Tensor = aten::mul(%d, %a)
  return (%e)
"#;

    fn kinds(graph: &Graph, ids: &[NodeId]) -> Vec<String> {
        let kind = |&id: &NodeId| graph.node(id).op.kind().to_owned();
        ids.iter().map(kind).collect()
    }

    #[test]
    fn a_block_sorts_and_a_branch_reads_what_its_nodes_read() {
        let graph = parse_graph(BRANCHES).unwrap();
        let flow = Dataflow::of_block(&graph, graph.root());
        let order = toposort(&flow, None).unwrap();
        let sorted = kinds(&graph, &order);
        assert_eq!(
            sorted,
            ["aten::relu", "prim::If", "aten::relu", "aten::mul"]
        );
        let readers: Vec<NodeId> = flow.neighbors(order[0]).collect();
        assert_eq!(kinds(&graph, &readers), ["prim::If", "aten::mul"]);
        let back: Vec<NodeId> = flow
            .neighbors_directed(order[3], Direction::Incoming)
            .collect();
        assert_eq!(kinds(&graph, &back), ["aten::relu", "aten::relu"]);
    }

    #[test]
    fn a_function_connects_readers_with_what_blocks_return() {
        let graph = parse_graph(BRANCHES).unwrap();
        let flow = Dataflow::of_function(&graph);
        assert_eq!(flow.node_count(), 5);
        let neg = flow
            .node_identifiers()
            .find(|&n| graph.node(n).op.kind() == "aten::neg");
        let readers: Vec<NodeId> = flow.neighbors(neg.unwrap()).collect();
        assert_eq!(kinds(&graph, &readers), ["aten::relu"]);
        let first = flow.from_index(0);
        let tree = dominators::simple_fast(&flow, first);
        let last = flow.from_index(4);
        assert_eq!(tree.immediate_dominator(last), Some(first));
        let order = toposort(&flow, None).unwrap();
        assert_eq!(order.len(), 5);
        let place = |n: NodeId| order.iter().position(|&m| m == n).unwrap();
        for edge in flow.edge_references() {
            assert!(place(edge.source()) < place(edge.target()));
        }
    }

    #[test]
    fn the_same_shape_is_isomorphic() {
        let (a, b) = (
            parse_graph(BRANCHES).unwrap(),
            parse_graph(BRANCHES).unwrap(),
        );
        let mut c = b.clone();
        let last = *c.block(c.root()).nodes.last().unwrap();
        let first = c.node(last).inputs[0];
        c.node_mut(last).inputs[1] = first;
        assert_eq!(c.node(last).op, b.node(last).op);
        assert!(!matches!(c.node(last).op, Op::If));
        let [a, b, c] = [&a, &b, &c].map(Dataflow::of_function);
        assert!(is_isomorphic(&&a, &&b));
        assert!(!is_isomorphic(&&a, &&c));
    }
}
