//! `--graph`: functions in torch's spelling.

use crate::ir::text::{Options, print_graph};
use crate::ir::{FuncId, Graph};
use crate::model::Model;
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
