//! Operators that keep the scale and are all that a float module computes: the module stays, with the operator in its
//! `forward`, so that the scope under which tools know it stays too. Written as functions, they stay in the root.

use super::Rewriter;
use crate::emit::Method;
use crate::ir::{Constant, Function, Graph, NodeId, Op, Param, Type, ValueId};
use crate::quant::fuse::{FloatOp, Net, demangled, has_no_scale, holds_tensor};
use crate::quant::prepare::leaf::{Leaf, LeafKind};
use crate::quant::prepare::plan::Planned;
use crate::torchscript::raise::{self, Counters};
use rustc_hash::FxHashMap;
use smol_str::SmolStr;

/// Nesting of constant lists that is followed.
const MAX_LISTS: usize = 4;

/// The float module of an operator.
#[derive(Clone, Debug)]
pub(super) struct Own {
    path: String,
    class: String,
}

/// A module's method with what its call passes beside the tensor.
struct Forward {
    method: Method,
    arguments: Vec<ValueId>,
}

/// Operators that have a float module for themselves: one of torch's, which may be called several times, or one of the
/// user's with this operator alone.
pub(super) fn own_modules(net: &Net<'_>, planned: &Planned) -> FxHashMap<NodeId, Own> {
    let mut kinds: FxHashMap<&SmolStr, Vec<&str>> = FxHashMap::default();
    let nodes = net.nodes();
    for &id in &nodes {
        let counts = !matches!(
            planned.ops.get(&id),
            None | Some(FloatOp::Meta | FloatOp::Other)
        );
        if counts {
            let node = net.node(id);
            kinds.entry(&node.scope).or_default().push(node.op.kind());
        }
    }
    let mut own = FxHashMap::default();
    for id in nodes {
        let node = net.node(id);
        let keeps = matches!(
            planned.ops.get(&id),
            Some(FloatOp::Relu(_) | FloatOp::Relu6(_) | FloatOp::Keep(_) | FloatOp::Move(_))
        );
        let fused = planned.absorbed.contains(&id) || planned.groups.contains_key(&id);
        let Some(class) = net.class_at(&node.scope) else {
            continue;
        };
        if !keeps || fused || !is_simple(net, id) || net.has_children(&node.scope) {
            continue;
        }
        let all = kinds.get(&node.scope).map_or(&[][..], Vec::as_slice);
        let of_torch = class.starts_with("__torch__.torch.nn.modules.");
        if all.len() == 1 || of_torch && all.iter().all(|it| *it == node.op.kind()) {
            let (path, class) = (node.scope.to_string(), demangled(class));
            own.insert(id, Own { path, class });
        }
    }
    own
}

/// Whether a node in a module below the root makes one tensor of the same scale.
fn is_simple(net: &Net<'_>, id: NodeId) -> bool {
    let node = net.node(id);
    let one = matches!(node.outputs[..], [output] if *net.graph().ty(output) == Type::Tensor);
    let no_scale = net.aten(id).is_some_and(has_no_scale);
    one && !no_scale && !node.scope.is_empty() && matches!(node.op, Op::Operator(_))
}

impl Rewriter<'_, '_> {
    /// Lets the module of an operator stay; false where it has none, or one that computes something else elsewhere.
    pub(super) fn own(&mut self, id: NodeId, x: ValueId) -> bool {
        let Some(own) = self.facts.own.get(&id).cloned() else {
            return false;
        };
        let Some(forward) = self.own_forward(id, x, &own) else {
            return false;
        };
        match self.own_methods.get(&own.path) {
            Some(known) if *known != forward.method => return false,
            Some(_) => {}
            None => {
                let method = forward.method.clone();
                self.own_methods.insert(own.path.clone(), method.clone());
                self.leaves.push(Leaf {
                    path: own.path.clone(),
                    kind: LeafKind::Own {
                        class: own.class.clone(),
                        forward: method,
                    },
                    activation: None,
                    weight: self.stub.weight.clone(),
                    shares: None,
                });
            }
        }
        let x = self.quantise(x, id);
        let mut inputs = vec![self.object(&own.path), x];
        inputs.extend(forward.arguments.iter().map(|it| self.newest(*it)));
        let op = Op::CallMethod(SmolStr::new_static("forward"));
        let made = self.builder.value(op, &inputs, Type::Tensor);
        let output = self.builder.graph.node(id).outputs[0];
        self.set(output, made);
        true
    }

    /// The method with the operator: constants go into it, what else is no tensor becomes a parameter.
    fn own_forward(&self, id: NodeId, x: ValueId, own: &Own) -> Option<Forward> {
        let old = &*self.builder.graph;
        let node = old.node(id);
        let mut graph = Graph::new();
        let block = graph.root();
        let mut params = Vec::new();
        let mut param = |graph: &mut Graph, name: SmolStr, ty: Type| {
            params.push(Param {
                name: name.clone(),
                ty: ty.clone(),
                default: None,
                kwarg_only: false,
            });
            graph.add_param(block, ty, Some(name))
        };
        param(&mut graph, "self".into(), Type::Class((&own.class).into()));
        let data = param(&mut graph, "x".into(), Type::Tensor);
        let (mut inputs, mut arguments) = (Vec::new(), Vec::new());
        for &input in &node.inputs {
            inputs.push(match constant(old, &mut graph, input, 0) {
                _ if input == x => data,
                Some(copied) => copied,
                None if holds_tensor(old.ty(input)) => return None,
                None => {
                    arguments.push(input);
                    let name = format!("argument_{}", arguments.len());
                    param(&mut graph, name.into(), old.ty(input).clone())
                }
            });
        }
        let made = graph.make_node(node.op.clone(), inputs, [Type::Tensor], None);
        graph.append(block, made);
        let result = graph.node(made).outputs.to_vec();
        graph.block_mut(block).returns = result;
        let function = Function {
            name: format!("{}.forward", own.class).into(),
            params,
            returns: Type::Tensor,
            graph,
            span: None,
        };
        let mut counters = Counters::default();
        let tree = raise::function(self.program, &function, 1, &mut counters).ok()?;
        Some(Forward {
            method: Method::from_tree(&tree),
            arguments,
        })
    }
}

/// A constant, or a list of some, in another graph.
fn constant(old: &Graph, new: &mut Graph, value: ValueId, depth: usize) -> Option<ValueId> {
    let node = old.node(old.producer(value)?);
    let inputs = match &node.op {
        Op::Constant(Constant::Table(_)) => return None,
        Op::Constant(_) => Vec::new(),
        Op::ListConstruct if depth < MAX_LISTS => {
            let items = node.inputs.iter();
            items
                .map(|it| constant(old, new, *it, depth + 1))
                .collect::<Option<Vec<_>>>()?
        }
        _ => return None,
    };
    let made = new.make_node(node.op.clone(), inputs, [old.ty(value).clone()], None);
    new.append(new.root(), made);
    Some(new.node(made).outputs[0])
}
