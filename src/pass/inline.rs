//! Calls replaced by the bodies of their callees.
//!
//! Every node gets the path of the module whose method it is from, by the object that is called, so that two instances
//! of one class stay apart. Free functions run in their caller's scope. What stays a call: methods of C++ classes, of
//! interfaces whose object is not known, functions without a body, and everything beyond the limits.

use super::PassError;
use super::copy::{Action, Rewrite, Site, copy_in};
use super::objects::{Objects, names_set_anywhere};
use super::scene::Scene;
use crate::ir::{Class, ClassKind, FuncId, Graph, NodeId, Op, Program, Type, ValueId};
use smol_str::SmolStr;

/// Calls nested deeper than this stay calls; real models nest under 30.
pub const MAX_DEPTH: usize = 128;

/// A graph of so many nodes grows no further; a large detector has 30,000.
pub const MAX_NODES: usize = 2_000_000;

/// A graph with all callees in it. Scopes are paths from the root module.
pub fn inline(scene: &Scene<'_>, graph: &Graph) -> Result<Graph, PassError> {
    let program = scene.program;
    let mut inliner = Inliner {
        program,
        objects: Objects::new(scene, names_set_anywhere(program)),
    };
    let scope = scene.receiver.as_ref().map(|own| own.path.clone());
    copy_in(graph, scope.unwrap_or_default(), &mut inliner)
}

struct Inliner<'m> {
    program: &'m Program,
    objects: Objects<'m>,
}

impl<'m> Rewrite<'m> for Inliner<'m> {
    fn action(&mut self, site: &mut Site<'_, 'm>) -> Action<'m> {
        if site.depth >= MAX_DEPTH || site.out.node_count() >= MAX_NODES {
            return Action::Keep;
        }
        match &site.graph.node(site.id).op {
            Op::CallMethod(name) => self.method(site, name).unwrap_or(Action::Keep),
            Op::CallFunction(name) => {
                let callee = self.program.function_by_name.get(name);
                let Some(graph) = callee.and_then(|&id| self.body(id)) else {
                    return Action::Keep;
                };
                Action::Enter {
                    graph,
                    args: site.inputs.to_vec(),
                    scope: site.scope.clone(),
                }
            }
            _ => Action::Keep,
        }
    }

    fn emitted(&mut self, out: &Graph, new: NodeId, _: &Graph, _: NodeId) {
        self.objects.learn(out.node(new));
    }
}

impl<'m> Inliner<'m> {
    fn body(&self, id: FuncId) -> Option<&'m Graph> {
        let graph = &self.program.functions[id].graph;
        (graph.block(graph.root()).returns.len() == 1).then_some(graph)
    }

    fn method(&mut self, site: &mut Site<'_, 'm>, name: &str) -> Option<Action<'m>> {
        let receiver = *site.inputs.first()?;
        let class = self.receiver_class(site.out, receiver)?;
        let graph = self.body(class.method(name)?)?;
        let mut args = site.inputs.to_vec();
        if site.out.ty(receiver).class_name() != Some(&class.name) {
            args[0] = site.emit(
                Op::UncheckedCast,
                &[receiver],
                Type::Class(class.name.clone()),
            );
            let node = site.out.producer(args[0])?;
            self.objects.learn(site.out.node(node));
        }
        let scope = self.scope(receiver).unwrap_or_else(|| site.scope.clone());
        Some(Action::Enter { graph, args, scope })
    }

    /// The class whose method runs: the stored object's, else the static type's, if no subtype can hide behind it.
    fn receiver_class(&self, out: &Graph, receiver: ValueId) -> Option<&'m Class> {
        let stored = self.objects.get(receiver);
        let class = match stored.and_then(|stored| self.objects.class(stored)) {
            Some(class) => class,
            None => self.program.class(out.ty(receiver).class_name()?)?,
        };
        let open = [
            ClassKind::Interface,
            ClassKind::ModuleInterface,
            ClassKind::Native,
        ];
        (!open.contains(&class.kind)).then_some(class)
    }

    fn scope(&self, receiver: ValueId) -> Option<SmolStr> {
        Some(self.objects.get(receiver)?.path.clone())
    }
}
