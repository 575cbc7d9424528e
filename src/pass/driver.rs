//! Passes in order: run, verified, timed.

use super::PassError;
use super::build_lists::build_lists;
use super::clean_aliases::clean_aliases;
use super::common_subexpressions::common_subexpressions;
use super::copy::{Plain, copy};
use super::dead_code::dead_code;
use super::fold_constants::{Assumptions, fold_constants};
use super::inline::inline;
use super::scene::Scene;
use crate::ir::Function;
use crate::ir::text::{Options, print_graph};
use crate::ir::verify::verify_function;
use std::time::{Duration, Instant};

/// Rounds of the simplifying passes after which a graph is taken as it is; real ones settle in two or three.
const MAX_ROUNDS: usize = 12;

/// One pass over a function's graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pass {
    /// Calls become their callees' bodies.
    Inline,
    /// Constants, attributes and branches.
    FoldConstants,
    /// Lists that are appended to become lists.
    BuildLists,
    /// Operators that hand on their input.
    CleanAliases,
    /// Equal nodes become one.
    CommonSubexpressions,
    /// What nobody reads goes.
    DeadCode,
    /// Dense ids in program order.
    Renumber,
}

impl Pass {
    /// The pass's name, that of its file.
    pub fn name(self) -> &'static str {
        match self {
            Pass::Inline => "inline",
            Pass::FoldConstants => "fold_constants",
            Pass::BuildLists => "build_lists",
            Pass::CleanAliases => "clean_aliases",
            Pass::CommonSubexpressions => "common_subexpressions",
            Pass::DeadCode => "dead_code",
            Pass::Renumber => "renumber",
        }
    }
}

/// How long a pass took, and what it left.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// The pass.
    pub pass: Pass,
    /// Its time, without verifying.
    pub took: Duration,
    /// Nodes of the graph after it.
    pub nodes: usize,
}

/// Runs passes over one function.
pub struct Driver<'m> {
    scene: Scene<'m>,
    /// What folding may take for granted.
    pub assumptions: Assumptions,
    /// Whether the graph is verified after each pass; on in debug builds.
    pub verify: bool,
    timings: Vec<Timing>,
}

impl<'m> Driver<'m> {
    /// A driver for a function of the scene.
    pub fn new(scene: Scene<'m>) -> Driver<'m> {
        Driver {
            scene,
            assumptions: Assumptions::default(),
            verify: cfg!(debug_assertions),
            timings: Vec::new(),
        }
    }

    /// What ran so far.
    pub fn timings(&self) -> &[Timing] {
        &self.timings
    }

    /// Runs one pass.
    pub fn run(&mut self, pass: Pass, function: &mut Function) -> Result<(), PassError> {
        let start = Instant::now();
        let (scene, graph) = (&self.scene, &function.graph);
        let graph = match pass {
            Pass::Inline => inline(scene, graph)?,
            Pass::FoldConstants => fold_constants(scene, graph, &self.assumptions)?,
            Pass::CleanAliases => clean_aliases(scene, graph)?,
            Pass::CommonSubexpressions => common_subexpressions(scene.program, graph)?,
            Pass::Renumber => copy(graph, &mut Plain)?,
            Pass::BuildLists => {
                build_lists(&mut function.graph);
                std::mem::take(&mut function.graph)
            }
            Pass::DeadCode => {
                dead_code(&mut function.graph);
                std::mem::take(&mut function.graph)
            }
        };
        function.graph = graph;
        self.timings.push(Timing {
            pass,
            took: start.elapsed(),
            nodes: function.graph.nodes_in_order().len(),
        });
        match self.verify {
            true => self.check(pass, function),
            false => Ok(()),
        }
    }

    /// Inlines, then simplifies until nothing changes.
    pub fn flatten(&mut self, function: &mut Function) -> Result<(), PassError> {
        self.run(Pass::Inline, function)?;
        let mut before = None;
        for _ in 0..MAX_ROUNDS {
            self.run(Pass::FoldConstants, function)?;
            self.run(Pass::BuildLists, function)?;
            self.run(Pass::CleanAliases, function)?;
            self.run(Pass::CommonSubexpressions, function)?;
            self.run(Pass::DeadCode, function)?;
            self.run(Pass::Renumber, function)?;
            let after = Some(print_graph(&function.graph, &Options::default()));
            if before == after {
                break;
            }
            before = after;
        }
        Ok(())
    }

    fn check(&self, pass: Pass, function: &Function) -> Result<(), PassError> {
        match verify_function(self.scene.program, function)
            .into_iter()
            .next()
        {
            None => Ok(()),
            Some(first) => Err(PassError::Broken {
                pass: pass.name(),
                message: first.message,
            }),
        }
    }
}
