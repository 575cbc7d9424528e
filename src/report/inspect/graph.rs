//! `--graph`: functions in torch's spelling.

use crate::ir::dataflow::{Dataflow, Edge as EdgeOf, Flow};
use crate::ir::text::{Options, print_graph, type_text};
use crate::ir::{FuncId, Graph, Node, NodeId, Op};
use crate::model::Model;
use crate::pass::{PassError, flat};
use petgraph::dot::{Config, Dot};
use petgraph::visit::{EdgeRef, NodeFiltered};
use serde::Serialize;

/// Graphs of functions.
#[derive(Debug, Serialize)]
pub struct Graphs {
    /// One for each function.
    pub functions: Vec<GraphText>,
}

/// One function.
#[derive(Debug, Serialize)]
pub struct GraphText {
    /// Qualified name.
    pub name: String,
    /// Its graph.
    pub graph: String,
}

/// The graphs of some functions.
pub fn graphs(model: &Model, functions: impl IntoIterator<Item = FuncId>) -> Graphs {
    let functions = functions.into_iter().map(|id| {
        let function = &model.program.functions[id];
        GraphText {
            name: function.name.to_string(),
            graph: graph(model, &function.graph),
        }
    });
    Graphs {
        functions: functions.collect(),
    }
}

/// A method as one graph, without locations: its nodes are from all over the source.
pub fn flat_graph(model: &Model, method: &str) -> Result<Graphs, PassError> {
    let flat = flat(model, method)?;
    Ok(Graphs {
        functions: vec![GraphText {
            name: flat.function.name.to_string(),
            graph: print_graph(flat.graph(), &Options::default()),
        }],
    })
}

/// A graph for Graphviz: operators with their modules, and what flows between them. Constants and the reading of
/// attributes are left out.
pub fn dot(graph: &Graph) -> String {
    let flow = Dataflow::of_function(graph);
    let shown = |id: NodeId| !matches!(graph.node(id).op, Op::Constant(_) | Op::GetAttr(_));
    let view = NodeFiltered::from_fn(&flow, shown);
    let edge = |_: &NodeFiltered<&Dataflow<'_>, _>, edge: EdgeOf<'_>| match edge.weight() {
        Flow::Value(value) => format!("tooltip=\"{}\"", type_text(graph.ty(*value))),
        Flow::Inside => "style=dotted".to_owned(),
    };
    let node = |_: &NodeFiltered<&Dataflow<'_>, _>, (_, node): (NodeId, &Node)| {
        let label = format!("{}\n{}", node.op.kind(), node.scope);
        format!("shape=box label={label:?}")
    };
    let config = [Config::NodeNoLabel, Config::EdgeNoLabel];
    let dot = Dot::with_attr_getters(&view, &config, &edge, &node);
    format!("{dot:?}")
}

/// One graph with locations.
pub fn graph(model: &Model, graph: &Graph) -> String {
    let options = Options {
        files: &model.program.files,
        ..Options::default()
    };
    print_graph(graph, &options)
}

impl Graphs {
    /// The listings; several with their names above them.
    pub fn text(&self) -> String {
        match self.functions.as_slice() {
            [one] => one.graph.clone(),
            many => {
                let parts: Vec<_> = many
                    .iter()
                    .map(|f| format!("# {}\n{}", f.name, f.graph))
                    .collect();
                parts.join("\n")
            }
        }
    }
}
