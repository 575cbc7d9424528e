//! The rules of the graph (see [`crate::ir`]), checked one by one; every violation is reported, with the listing line
//! of the guilty node.

mod call;
mod node;
mod structure;

use super::text::{NodePrinter, Options};
use super::{Function, Graph, NodeId, Program};
use crate::diag::Diagnostic;

/// An id that names nothing.
pub(crate) const ID: &str = "E0501";
/// Blocks, nodes and values that disagree about where they belong.
pub(crate) const PLACE: &str = "E0502";
/// A value used where it is not defined.
pub(crate) const DOMINANCE: &str = "E0503";
/// A wrong number of inputs, outputs, blocks, parameters or results.
pub(crate) const COUNT: &str = "E0504";
/// A type that does not fit.
pub(crate) const TYPE: &str = "E0505";
/// An attribute that the class does not have.
pub(crate) const ATTRIBUTE: &str = "E0506";
/// A method, function or class that does not exist.
pub(crate) const CALLEE: &str = "E0507";
/// Results and parameters of the function that differ from its signature.
pub(crate) const SIGNATURE: &str = "E0508";
/// `prim::Enter` and `prim::Exit` that do not pair up.
pub(crate) const CONTEXT: &str = "E0509";

/// One violation.
struct Finding {
    code: &'static str,
    node: Option<NodeId>,
    message: String,
}

/// What is wrong with any function of a program. Functions without a body, such as those of interfaces, are skipped.
pub fn verify(program: &Program) -> Vec<Diagnostic> {
    let with_body = |f: &&Function| {
        let root = f.graph.block(f.graph.root());
        !root.nodes.is_empty() || !root.returns.is_empty()
    };
    (program.functions.values().filter(with_body))
        .flat_map(|function| verify_function(program, function))
        .collect()
}

/// What is wrong with one function of a program.
pub fn verify_function(program: &Program, function: &Function) -> Vec<Diagnostic> {
    let mut checker = Checker::new(program, &function.graph);
    checker.run(Some(function));
    checker.diagnostics(&function.name)
}

/// What is wrong with a graph that stands alone: classes and functions are taken on trust.
pub fn verify_graph(graph: &Graph) -> Vec<Diagnostic> {
    let program = Program::default();
    let mut checker = Checker::new(&program, graph);
    checker.run(None);
    checker.diagnostics("graph")
}

struct Checker<'a> {
    program: &'a Program,
    graph: &'a Graph,
    findings: Vec<Finding>,
}

impl<'a> Checker<'a> {
    fn new(program: &'a Program, graph: &'a Graph) -> Checker<'a> {
        Checker {
            program,
            graph,
            findings: Vec::new(),
        }
    }

    fn run(&mut self, function: Option<&Function>) {
        // Ids that lead nowhere would make every other rule panic.
        if !self.ids() {
            return;
        }
        self.structure();
        for node in self.graph.nodes_in_order() {
            self.node(node);
        }
        self.signature(function);
    }

    fn report(&mut self, code: &'static str, node: Option<NodeId>, message: String) {
        self.findings.push(Finding {
            code,
            node,
            message,
        });
    }

    fn diagnostics(self, function: &str) -> Vec<Diagnostic> {
        if self.findings.is_empty() {
            return Vec::new();
        }
        let ids_hold = self.findings.iter().all(|f| f.code != ID);
        let options = Options::default();
        let printer = ids_hold.then(|| NodePrinter::new(self.graph, &options));
        let diagnostic = |finding: Finding| {
            let node = finding.node;
            let excerpt = node.and_then(|id| Some(printer.as_ref()?.node(id)));
            let excerpt = excerpt.map_or(String::new(), |line| format!("\n    {}", line.trim()));
            let message = format!("{} in `{function}`{excerpt}", finding.message);
            let span = node.and_then(|id| self.graph.node(id).span);
            Diagnostic::error(finding.code, message, span)
        };
        self.findings.into_iter().map(diagnostic).collect()
    }
}
