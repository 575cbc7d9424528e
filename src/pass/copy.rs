//! One walk that copies a graph while a [`Rewrite`] says what becomes of each node.
//!
//! The new graph has dense ids in program order, so that copying twice gives the same graph. The walk keeps its own
//! stack: neither nested blocks nor entered callees recurse.

use super::PassError;
use crate::ir::entity::Entity;
use crate::ir::{BlockId, Constant, Graph, Node, NodeId, Op, Type, ValueId};
use smallvec::SmallVec;
use smol_str::SmolStr;

/// What becomes of a node.
pub(super) enum Action<'p> {
    /// It is copied.
    Keep,
    /// Another operation on other inputs stands for it; outputs keep their types.
    Replace(Op, SmallVec<[ValueId; 4]>),
    /// Its outputs are these values of the new graph.
    Values(SmallVec<[ValueId; 1]>),
    /// Its outputs are these constants.
    Constants(Vec<(Constant, Type)>),
    /// The body of a callee stands for it.
    Enter {
        /// The callee.
        graph: &'p Graph,
        /// Its parameters.
        args: Vec<ValueId>,
        /// The scope of its nodes.
        scope: SmolStr,
    },
    /// Only this block of an `If` is ever taken.
    Branch(usize),
    /// The body of a `Loop` is run exactly so many times.
    Unroll(i64),
}

/// A node about to be copied.
pub(super) struct Site<'a, 'p> {
    /// The new graph so far.
    pub out: &'a mut Graph,
    /// The block of the new graph that grows.
    pub target: BlockId,
    /// The graph the node is from.
    pub graph: &'p Graph,
    /// The node.
    pub id: NodeId,
    /// Its inputs in the new graph.
    pub inputs: SmallVec<[ValueId; 4]>,
    /// The scope of the function the node is from.
    pub scope: SmolStr,
    /// How many callees the walk is in.
    pub depth: usize,
}

impl Site<'_, '_> {
    /// Appends a node with one output in front of what becomes of this one.
    pub(super) fn emit(&mut self, op: Op, inputs: &[ValueId], ty: Type) -> ValueId {
        let (span, scope) = {
            let node = self.graph.node(self.id);
            (node.span, join(&self.scope, &node.scope))
        };
        let node = self.out.make_node(op, inputs.iter().copied(), [ty], span);
        self.out.node_mut(node).scope = scope;
        self.out.append(self.target, node);
        self.out.node(node).outputs[0]
    }
}

/// Decides node by node.
pub(super) trait Rewrite<'p> {
    /// What becomes of a node.
    fn action(&mut self, site: &mut Site<'_, 'p>) -> Action<'p>;

    /// A node was appended; `old` is the one of `from` that it stands for.
    fn emitted(&mut self, out: &Graph, new: NodeId, from: &Graph, old: NodeId) {
        let _ = (out, new, from, old);
    }

    /// A constant stands for a value.
    fn bound(&mut self, old: ValueId, new: ValueId) {
        let _ = (old, new);
    }

    /// The blocks of an appended node are complete.
    fn closed(&mut self, out: &Graph, node: NodeId) {
        let _ = (out, node);
    }
}

/// Copies everything.
pub(super) struct Plain;

impl Rewrite<'_> for Plain {
    fn action(&mut self, _: &mut Site<'_, '_>) -> Action<'static> {
        Action::Keep
    }
}

/// Parameter `index` of a copy: they are its first values.
pub(super) fn param(index: usize) -> ValueId {
    ValueId::new(index)
}

/// Copies a graph; parameters keep their order.
pub(super) fn copy<'p>(
    graph: &'p Graph,
    rewrite: &mut dyn Rewrite<'p>,
) -> Result<Graph, PassError> {
    copy_in(graph, SmolStr::default(), rewrite)
}

/// As [`copy`], with `scope` in front of every node's.
pub(super) fn copy_in<'p>(
    graph: &'p Graph,
    scope: SmolStr,
    rewrite: &mut dyn Rewrite<'p>,
) -> Result<Graph, PassError> {
    let mut copier = Copier {
        out: Graph::new(),
        frames: Vec::new(),
        cursors: Vec::new(),
    };
    let root = copier.out.root();
    let mut map = vec![None; graph.value_count()];
    for &param in &graph.block(graph.root()).params {
        let value = graph.value(param);
        map[param.index()] = Some(
            copier
                .out
                .add_param(root, value.ty.clone(), value.name.clone()),
        );
    }
    copier.frames.push(Frame { graph, map, scope });
    copier.cursors.push(Cursor {
        frame: 0,
        block: graph.root(),
        position: 0,
        target: root,
        end: End::Block { closes: None },
    });
    copier.run(rewrite)?;
    Ok(copier.out)
}

/// `outer.inner`, either of which may be empty.
pub(super) fn join(outer: &SmolStr, inner: &SmolStr) -> SmolStr {
    match (outer.is_empty(), inner.is_empty()) {
        (true, _) => inner.clone(),
        (_, true) => outer.clone(),
        _ => smol_str::format_smolstr!("{outer}.{inner}"),
    }
}

struct Frame<'p> {
    graph: &'p Graph,
    map: Vec<Option<ValueId>>,
    scope: SmolStr,
}

/// What happens when a block is copied to its end.
enum End {
    /// It becomes the target block; it was the last one of `closes`.
    Block { closes: Option<NodeId> },
    /// Its results are the outputs of the call in the frame below.
    Call { node: NodeId },
    /// Its results are the outputs of the `If`.
    Branch { node: NodeId },
    /// Its results are the next round's parameters, or the outputs of the `Loop`.
    Round { node: NodeId, next: i64, count: i64 },
}

struct Cursor {
    frame: usize,
    block: BlockId,
    position: usize,
    target: BlockId,
    end: End,
}

struct Copier<'p> {
    out: Graph,
    frames: Vec<Frame<'p>>,
    cursors: Vec<Cursor>,
}

impl<'p> Copier<'p> {
    fn run(&mut self, rewrite: &mut dyn Rewrite<'p>) -> Result<(), PassError> {
        while let Some(cursor) = self.cursors.last_mut() {
            let graph = self.frames[cursor.frame].graph;
            match graph.block(cursor.block).nodes.get(cursor.position) {
                Some(&id) => {
                    cursor.position += 1;
                    let (frame, target) = (cursor.frame, cursor.target);
                    self.node(rewrite, frame, target, id)?;
                }
                None => self.end(rewrite)?,
            }
        }
        Ok(())
    }

    fn node(
        &mut self,
        rewrite: &mut dyn Rewrite<'p>,
        frame: usize,
        target: BlockId,
        id: NodeId,
    ) -> Result<(), PassError> {
        let graph = self.frames[frame].graph;
        let inputs = self.values(frame, &graph.node(id).inputs)?;
        let mut site = Site {
            target,
            graph,
            id,
            inputs: inputs.clone(),
            scope: self.frames[frame].scope.clone(),
            depth: self.frames.len() - 1,
            out: &mut self.out,
        };
        match rewrite.action(&mut site) {
            Action::Keep => self.keep(rewrite, frame, target, id, None, inputs),
            Action::Replace(op, inputs) => {
                self.keep(rewrite, frame, target, id, Some(op), inputs);
            }
            Action::Values(values) => self.bind(frame, target, id, &values)?,
            Action::Constants(constants) => {
                let mut values = Vec::with_capacity(constants.len());
                for (constant, ty) in constants {
                    let node = self.make(frame, target, id, Op::Constant(constant), &[]);
                    values.push(self.out.add_output(node, ty));
                }
                for (&old, &new) in graph.node(id).outputs.iter().zip(&values) {
                    rewrite.bound(old, new);
                }
                self.bind(frame, target, id, &values)?;
            }
            Action::Enter { graph, args, scope } => {
                self.enter(frame, target, id, graph, args, scope)?
            }
            Action::Branch(index) => {
                let block = graph.node(id).blocks.get(index).copied();
                let block = block.ok_or_else(|| malformed("an `If` lacks a block"))?;
                self.open(frame, block, target, End::Branch { node: id });
            }
            Action::Unroll(count) => self.unroll(frame, target, id, count)?,
        }
        Ok(())
    }

    /// A node without outputs at the end of the target block, in the old one's place.
    fn make(
        &mut self,
        frame: usize,
        target: BlockId,
        id: NodeId,
        op: Op,
        inputs: &[ValueId],
    ) -> NodeId {
        let Frame { graph, scope, .. } = &self.frames[frame];
        let old = graph.node(id);
        let node = self.out.make_node(op, inputs.iter().copied(), [], old.span);
        self.out.node_mut(node).scope = join(scope, &old.scope);
        self.out.append(target, node);
        node
    }

    fn keep(
        &mut self,
        rewrite: &mut dyn Rewrite<'p>,
        frame: usize,
        target: BlockId,
        id: NodeId,
        op: Option<Op>,
        inputs: SmallVec<[ValueId; 4]>,
    ) {
        let graph = self.frames[frame].graph;
        let old = graph.node(id);
        let op = op.unwrap_or_else(|| old.op.clone());
        let node = self.make(frame, target, id, op, &inputs);
        for &output in &old.outputs {
            let value = graph.value(output);
            let new = self.out.add_output(node, value.ty.clone());
            self.out.value_mut(new).name.clone_from(&value.name);
            self.frames[frame].map[output.index()] = Some(new);
        }
        rewrite.emitted(&self.out, node, graph, id);
        let blocks: Vec<(BlockId, BlockId)> = old
            .blocks
            .iter()
            .map(|&block| (block, self.out.add_block(node)))
            .collect();
        for (index, (block, target)) in blocks.into_iter().enumerate().rev() {
            for &param in &graph.block(block).params {
                let value = graph.value(param);
                let new = self
                    .out
                    .add_param(target, value.ty.clone(), value.name.clone());
                self.frames[frame].map[param.index()] = Some(new);
            }
            let closes = (index + 1 == old.blocks.len()).then_some(node);
            self.open(frame, block, target, End::Block { closes });
        }
    }

    fn enter(
        &mut self,
        frame: usize,
        target: BlockId,
        id: NodeId,
        graph: &'p Graph,
        args: Vec<ValueId>,
        scope: SmolStr,
    ) -> Result<(), PassError> {
        let params = &graph.block(graph.root()).params;
        if params.len() != args.len() {
            return Err(malformed("a call has a wrong number of inputs"));
        }
        debug_assert_eq!(frame + 1, self.frames.len());
        let map = vec![None; graph.value_count()];
        self.frames.push(Frame { graph, map, scope });
        let caller = self.frames[frame].graph.node(id);
        for (&param, arg) in params.iter().zip(args) {
            self.stand_for(frame + 1, target, caller, param, arg);
        }
        self.open(frame + 1, graph.root(), target, End::Call { node: id });
        Ok(())
    }

    fn unroll(
        &mut self,
        frame: usize,
        target: BlockId,
        id: NodeId,
        count: i64,
    ) -> Result<(), PassError> {
        let graph = self.frames[frame].graph;
        let node = graph.node(id);
        let carried = self.values(frame, node.inputs.get(2..).unwrap_or_default())?;
        if count <= 0 {
            return self.bind(frame, target, id, &carried);
        }
        self.round(frame, target, id, 0, &carried)?;
        let end = End::Round {
            node: id,
            next: 1,
            count,
        };
        self.open(frame, node.blocks[0], target, end);
        Ok(())
    }

    /// Parameters of a loop's body for one round.
    fn round(
        &mut self,
        frame: usize,
        target: BlockId,
        id: NodeId,
        index: i64,
        carried: &[ValueId],
    ) -> Result<(), PassError> {
        let graph = self.frames[frame].graph;
        let body = graph.node(id).blocks.first().copied();
        let body = body.ok_or_else(|| malformed("a `Loop` lacks its body"))?;
        let Some((&trip, params)) = graph.block(body).params.split_first() else {
            return Err(malformed("a `Loop` lacks its trip counter"));
        };
        if params.len() != carried.len() {
            return Err(malformed("a `Loop` carries a wrong number of values"));
        }
        let node = self.make(frame, target, id, Op::Constant(Constant::Int(index)), &[]);
        let counter = self.out.add_output(node, Type::Int);
        self.frames[frame].map[trip.index()] = Some(counter);
        for (&param, &value) in params.iter().zip(carried) {
            self.stand_for(frame, target, graph.node(id), param, value);
        }
        Ok(())
    }

    fn open(&mut self, frame: usize, block: BlockId, target: BlockId, end: End) {
        self.cursors.push(Cursor {
            frame,
            block,
            position: 0,
            target,
            end,
        });
    }

    fn end(&mut self, rewrite: &mut dyn Rewrite<'p>) -> Result<(), PassError> {
        let Some(cursor) = self.cursors.pop() else {
            return Ok(());
        };
        let Cursor {
            frame,
            block,
            target,
            ..
        } = cursor;
        let graph = self.frames[frame].graph;
        let results = self.values(frame, &graph.block(block).returns)?;
        match cursor.end {
            End::Block { closes } => {
                self.out.block_mut(target).returns = results.into_vec();
                if let Some(node) = closes {
                    rewrite.closed(&self.out, node);
                }
                Ok(())
            }
            End::Call { node } => {
                self.frames.pop();
                self.bind(frame - 1, target, node, &results)
            }
            End::Branch { node } => self.bind(frame, target, node, &results),
            End::Round { node, next, count } => {
                let carried = results.get(1..).unwrap_or_default();
                if next == count {
                    return self.bind(frame, target, node, carried);
                }
                self.round(frame, target, node, next, carried)?;
                let end = End::Round {
                    node,
                    next: next + 1,
                    count,
                };
                self.open(frame, block, target, end);
                Ok(())
            }
        }
    }

    /// Lets values stand for a node's outputs.
    fn bind(
        &mut self,
        frame: usize,
        target: BlockId,
        id: NodeId,
        values: &[ValueId],
    ) -> Result<(), PassError> {
        let graph = self.frames[frame].graph;
        let outputs = &graph.node(id).outputs;
        if outputs.len() != values.len() {
            return Err(malformed("a node has a wrong number of outputs"));
        }
        for (&output, &value) in outputs.iter().zip(values) {
            self.stand_for(frame, target, graph.node(id), output, value);
        }
        Ok(())
    }

    /// Lets a value of the new graph stand for an old one. Where an object is expected, a union of classes is cast:
    /// methods are called on it.
    fn stand_for(
        &mut self,
        frame: usize,
        target: BlockId,
        place: &Node,
        old: ValueId,
        mut new: ValueId,
    ) {
        let expected = self.frames[frame].graph.ty(old);
        if expected.class_name().is_some() && self.out.ty(new).class_name().is_none() {
            let op = Op::UncheckedCast;
            let node = self
                .out
                .make_node(op, [new], [expected.clone()], place.span);
            self.out.node_mut(node).scope = join(&self.frames[frame].scope, &place.scope);
            self.out.append(target, node);
            new = self.out.node(node).outputs[0];
        }
        self.frames[frame].map[old.index()] = Some(new);
    }

    fn values(
        &self,
        frame: usize,
        values: &[ValueId],
    ) -> Result<SmallVec<[ValueId; 4]>, PassError> {
        let map = &self.frames[frame].map;
        let found = values.iter().map(|v| map.get(v.index()).copied().flatten());
        found
            .collect::<Option<_>>()
            .ok_or_else(|| malformed("a value is used before it is defined"))
    }
}

fn malformed(what: &'static str) -> PassError {
    PassError::Malformed(what)
}
