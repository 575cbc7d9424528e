//! Every operator a method can reach, module by module, without running it.

use crate::ir::{BlockId, ClassKind, FuncId, Graph, NodeId, Op, Program, Type, ValueId};
use rustc_hash::{FxHashMap, FxHashSet};
use smol_str::{SmolStr, format_smolstr};

/// Operators listed at most: classes that hold one another could name exponentially many modules.
const MAX_STEPS: usize = 5_000_000;
/// Calls nested deeper than this are not followed; TorchScript forbids recursion.
const MAX_CALLS: usize = 1000;

/// One operator of one module.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Step {
    /// Path of the module whose method it stands in, such as `layer1.0.conv1`; empty for the root.
    pub scope: SmolStr,
    /// The function.
    pub func: FuncId,
    /// The node.
    pub node: NodeId,
}

/// The nodes that `func` reaches, in program order, calls followed; each function of each module once.
///
/// `classes` tells the class of the module at a path, where a value of an interface type stands for it.
pub fn walk(program: &Program, func: FuncId, classes: &FxHashMap<String, String>) -> Vec<Step> {
    let mut walker = Walker {
        program,
        classes,
        steps: Vec::new(),
        seen: FxHashSet::default(),
        frames: Vec::new(),
    };
    walker.enter(SmolStr::default(), func);
    while walker.step() {}
    walker.steps
}

struct Frame {
    scope: SmolStr,
    func: FuncId,
    /// Blocks under way: the block and the next node.
    blocks: Vec<(BlockId, usize)>,
}

struct Walker<'p> {
    program: &'p Program,
    classes: &'p FxHashMap<String, String>,
    steps: Vec<Step>,
    seen: FxHashSet<(SmolStr, FuncId)>,
    frames: Vec<Frame>,
}

impl Walker<'_> {
    fn enter(&mut self, scope: SmolStr, func: FuncId) {
        if self.frames.len() < MAX_CALLS && self.seen.insert((scope.clone(), func)) {
            let root = self.program.functions[func].graph.root();
            self.frames.push(Frame {
                scope,
                func,
                blocks: vec![(root, 0)],
            });
        }
    }

    /// One node further; false at the end.
    fn step(&mut self) -> bool {
        let Some(frame) = self.frames.last_mut() else {
            return false;
        };
        let graph = &self.program.functions[frame.func].graph;
        let Some((block, position)) = frame.blocks.last_mut() else {
            self.frames.pop();
            return true;
        };
        let Some(&node) = graph.block(*block).nodes.get(*position) else {
            frame.blocks.pop();
            return true;
        };
        *position += 1;
        let nested = &graph.node(node).blocks;
        frame
            .blocks
            .extend(nested.iter().rev().map(|&block| (block, 0)));
        let (scope, func) = (frame.scope.clone(), frame.func);
        if let Some((scope, callee)) = self.callee(graph, &scope, node) {
            self.enter(scope, callee);
        }
        let scope = join(&scope, &graph.node(node).scope);
        self.steps.push(Step { scope, func, node });
        self.steps.len() < MAX_STEPS
    }

    fn callee(&self, graph: &Graph, scope: &SmolStr, node: NodeId) -> Option<(SmolStr, FuncId)> {
        let node = graph.node(node);
        match &node.op {
            Op::CallFunction(name) => {
                Some((scope.clone(), *self.program.function_by_name.get(name)?))
            }
            Op::CallMethod(name) => {
                let object = *node.inputs.first()?;
                let path = module_path(graph, scope, object);
                let mut class = self.program.class(graph.ty(object).class_name()?)?;
                if matches!(
                    class.kind,
                    ClassKind::Interface | ClassKind::ModuleInterface
                ) {
                    class = self.program.class(self.classes.get(path.as_str())?)?;
                }
                Some((path, class.method(name)?))
            }
            _ => None,
        }
    }
}

/// The path of the module that a value is: attributes of the function's own `self` from the scope on. Other objects
/// (locals, elements of lists) count to the module that calls them, as in [`crate::exec::Event::scope`].
fn module_path(graph: &Graph, scope: &SmolStr, object: ValueId) -> SmolStr {
    let own = graph.block(graph.root()).params.first();
    let mut names = Vec::new();
    let mut value = object;
    while Some(&value) != own {
        let Some(producer) = graph.producer(value) else {
            return scope.clone();
        };
        let node = graph.node(producer);
        match (&node.op, node.inputs.first()) {
            (Op::GetAttr(name), Some(&owner)) => {
                names.push(name.as_str());
                value = owner;
            }
            (Op::UncheckedCast, Some(&same)) => value = same,
            _ => return scope.clone(),
        }
    }
    names.reverse();
    join(scope, &names.join("."))
}

fn join(scope: &SmolStr, path: &str) -> SmolStr {
    match (scope.is_empty(), path.is_empty()) {
        (_, true) => scope.clone(),
        (true, false) => path.into(),
        (false, false) => format_smolstr!("{scope}.{path}"),
    }
}

/// Whether a node computes something, rather than moving values about.
pub fn is_operator(op: &Op) -> bool {
    matches!(op, Op::Operator(_) | Op::Opaque(_))
}

/// Whether a type is, or contains, a tensor.
pub fn has_tensor(ty: &Type) -> bool {
    match ty {
        Type::Tensor => true,
        Type::Optional(inner) | Type::List(inner) => has_tensor(inner),
        Type::Tuple(items) => items.iter().any(has_tensor),
        Type::Dict(types) => has_tensor(&types.1),
        _ => false,
    }
}
