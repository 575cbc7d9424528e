//! The walk over the fake-quant root's `forward`: every value becomes what the fixed-point graph carries for it.

use super::body::{Body, operator};
use super::check::{self, Checks, FIXED};
use super::error::ConvertError;
use super::grid::{Channels, Grid};
use super::read::Module;
use super::report::{Place, Report, Step};
use super::value::{Quantised, Val};
use super::writer::Writer;
use super::{Options, dispatch};
use crate::archive::pickle;
use crate::emit::{Emit, Method, ObjectId};
use crate::ir::{BlockId, FuncId, Graph, NodeId, Op, SideMap, Type, ValueId};
use crate::model::Model;
use rustc_hash::{FxHashMap, FxHashSet};
use smol_str::SmolStr;

/// Nesting of `If` and `Loop` that is followed.
const MAX_DEPTH: usize = 64;

/// State of one conversion.
#[derive(Debug)]
pub(super) struct Lowering<'m> {
    pub(super) model: &'m Model,
    pub(super) options: Options,
    pub(super) root: Module<'m>,
    pub(super) old: &'m Graph,
    pub(super) body: Body,
    pub(super) emit: Writer,
    pub(super) report: Report,
    values: SideMap<ValueId, Option<Val<'m>>>,
    /// Fixed-point objects by the fake-quant object they stand for, with the grids of the inputs they were made for.
    pub(super) objects: FxHashMap<pickle::ObjectId, Made>,
    /// Float tensors by the integers and the scale they were made from.
    pub(super) floats: FxHashMap<(ValueId, ValueId), ValueId>,
    /// Values of the old graph that depend on what the inputs hold, not only on their sizes.
    live: SideMap<ValueId, bool>,
    march: Option<String>,
    /// Operations compared with their fake-quant ones; none when the file is not for checking.
    pub(super) checks: Option<Checks>,
    /// Free functions copied so far.
    pub(super) functions: FxHashSet<FuncId>,
    /// Methods of float modules that compute on integers.
    pub(super) own_methods: FxHashMap<pickle::ObjectId, Method>,
}

/// What belongs to one graph of the fake-quant file.
#[derive(Debug)]
pub(super) struct Outer<'m> {
    old: &'m Graph,
    values: SideMap<ValueId, Option<Val<'m>>>,
    live: SideMap<ValueId, bool>,
}

/// A fixed-point leaf.
#[derive(Clone, Debug)]
pub(super) struct Made {
    pub(super) object: ObjectId,
    pub(super) inputs: Vec<Grid>,
    pub(super) output: Option<Grid>,
}

impl<'m> Lowering<'m> {
    pub(super) fn new(
        model: &'m Model,
        graph: &'m Graph,
        emit: Emit,
        options: Options,
        checking: bool,
    ) -> Result<Lowering<'m>, ConvertError> {
        Ok(Lowering {
            model,
            options,
            root: Module::root(model.archive.data()?, model.root()),
            old: graph,
            body: Body::new(&model.root_class, if checking { FIXED } else { "" }),
            emit: Writer::new(emit),
            report: Report::default(),
            values: SideMap::new(),
            objects: FxHashMap::default(),
            floats: FxHashMap::default(),
            live: SideMap::new(),
            march: None,
            checks: checking.then(Checks::default),
            functions: FxHashSet::default(),
            own_methods: FxHashMap::default(),
        })
    }

    /// Goes into another graph of the fake-quant file.
    pub(super) fn enter(&mut self, graph: &'m Graph) -> Outer<'m> {
        Outer {
            old: std::mem::replace(&mut self.old, graph),
            values: std::mem::take(&mut self.values),
            live: std::mem::take(&mut self.live),
        }
    }

    /// Goes back to where [`Lowering::enter`] was called.
    pub(super) fn leave(&mut self, outer: Outer<'m>) {
        self.old = outer.old;
        self.values = outer.values;
        self.live = outer.live;
    }

    /// Walks the whole method; the new graph returns what the old one does.
    pub(super) fn run(&mut self) -> Result<(), ConvertError> {
        let root = self.old.root();
        let params = &self.old.block(root).params;
        for (index, &param) in params.iter().enumerate() {
            let val = if index == 0 {
                Val::Module(self.root.clone())
            } else {
                let (ty, name) = (
                    self.old.ty(param).clone(),
                    self.old.value(param).name.clone(),
                );
                let root = self.body.graph.root();
                Val::Plain(self.body.graph.add_param(root, ty, name))
            };
            self.live[param] = dispatch::holds_tensor(self.old.ty(param));
            self.set(param, val);
        }
        let returns = self.block(root, 0)?;
        let root = self.body.graph.root();
        self.body.graph.block_mut(root).returns = returns;
        Ok(())
    }

    /// The nodes of a block, at the end of the body's current one; what it returns, in float.
    fn block(&mut self, block: BlockId, depth: usize) -> Result<Vec<ValueId>, ConvertError> {
        if depth > MAX_DEPTH {
            return Err(self.refuse("prim::If", format!("nested deeper than {MAX_DEPTH} levels")));
        }
        let old = self.old;
        for &node in &old.block(block).nodes {
            self.spread_life(node);
            self.node(node, depth)?;
            check::check(self, node)?;
        }
        let returns = &old.block(block).returns;
        returns.iter().map(|&value| self.plain(value)).collect()
    }

    pub(super) fn node(&mut self, id: NodeId, depth: usize) -> Result<(), ConvertError> {
        let old = self.old;
        let node = old.node(id);
        match &node.op {
            Op::GetAttr(name) => self.get_attr(id, name),
            Op::CallMethod(method) => self.call_method(id, method),
            Op::ListConstruct | Op::TupleConstruct if self.reads_quantised(id) => {
                let items = node
                    .inputs
                    .iter()
                    .map(|&v| self.get(v))
                    .collect::<Result<_, _>>()?;
                let ty = old.ty(node.outputs[0]).clone();
                self.set(node.outputs[0], Val::Group { items, ty });
                Ok(())
            }
            Op::ListUnpack | Op::TupleUnpack if self.reads_quantised(id) => self.unpack(id),
            Op::TupleIndex if self.reads_quantised(id) => {
                let index = self.int(node.inputs[1]).unwrap_or(-1);
                let item = self.item(node.inputs[0], index, "prim::TupleIndex")?;
                self.set(node.outputs[0], item);
                Ok(())
            }
            Op::Operator(_) if self.reads_quantised(id) => {
                if !dispatch::dispatch(self, id)? {
                    self.copy(id, depth)?;
                }
                Ok(())
            }
            _ => self.copy(id, depth),
        }
    }

    /// Tensors made from live values are live.
    fn spread_life(&mut self, id: NodeId) {
        let node = self.old.node(id);
        if node.inputs.iter().any(|&v| self.live[v]) {
            for &output in &node.outputs {
                self.live[output] = dispatch::holds_tensor(self.old.ty(output));
            }
        }
    }

    fn get_attr(&mut self, id: NodeId, name: &SmolStr) -> Result<(), ConvertError> {
        let node = self.old.node(id);
        let output = node.outputs[0];
        let Val::Module(owner) = self.get(node.inputs[0])? else {
            return self.copy(id, 0);
        };
        let val = match owner.child(name) {
            Some(child) => Val::Module(child),
            None => {
                let owner = self.body.module(&owner.path);
                let ty = self.old.ty(output).clone();
                Val::Plain(self.body.value(Op::GetAttr(name.clone()), &[owner], ty))
            }
        };
        self.set(output, val);
        Ok(())
    }

    fn unpack(&mut self, id: NodeId) -> Result<(), ConvertError> {
        let node = self.old.node(id);
        match self.get(node.inputs[0])? {
            Val::Split(list) => {
                let types = vec![Type::Tensor; node.outputs.len()];
                let unpacked = self.body.push(node.op.clone(), &[list.data], &types);
                let items = self.body.graph.node(unpacked).outputs.to_vec();
                for (&output, data) in node.outputs.iter().zip(items) {
                    let item = Quantised {
                        data,
                        ..list.clone()
                    };
                    self.set(output, Val::Quantised(item));
                }
            }
            Val::Group { items, .. } => {
                for (&output, item) in node.outputs.iter().zip(items) {
                    self.set(output, item);
                }
            }
            _ => return self.copy(id, 0),
        }
        Ok(())
    }

    /// One element of a list or tuple with quantised tensors.
    pub(super) fn item(
        &mut self,
        list: ValueId,
        index: i64,
        op: &str,
    ) -> Result<Val<'m>, ConvertError> {
        match self.get(list)? {
            Val::Split(list) => {
                let index = self.body.int(index);
                let data = self
                    .body
                    .aten("aten::__getitem__", "t", &[list.data, index]);
                Ok(Val::Quantised(Quantised { data, ..list }))
            }
            Val::Group { items, .. } => {
                let len = items.len() as i64;
                let index = if index < 0 { index + len } else { index };
                let item = usize::try_from(index)
                    .ok()
                    .and_then(|i| items.get(i).cloned());
                item.ok_or_else(|| self.refuse(op, format!("element {index} of {len}")))
            }
            _ => Err(self.refuse(op, "expected a list or tuple")),
        }
    }

    /// A node as it is, on float inputs.
    pub(super) fn copy(&mut self, id: NodeId, depth: usize) -> Result<(), ConvertError> {
        let old = self.old;
        let node = old.node(id);
        self.make_plain_inside(id)?;
        let inputs = (node.inputs.iter().map(|&v| self.plain(v))).collect::<Result<Vec<_>, _>>()?;
        let types: Vec<Type> = node.outputs.iter().map(|&v| old.ty(v).clone()).collect();
        let (op, span) = (node.op.clone(), self.body.span);
        let made = self.body.graph.make_node(op, inputs, types, span);
        for &block in &node.blocks {
            let inner = self.body.graph.add_block(made);
            for &param in &old.block(block).params {
                let (ty, name) = (old.ty(param).clone(), old.value(param).name.clone());
                let value = self.body.graph.add_param(inner, ty, name);
                self.set(param, Val::Plain(value));
            }
            let outer = std::mem::replace(&mut self.body.block, inner);
            let returns = self.block(block, depth + 1)?;
            self.body.graph.block_mut(inner).returns = returns;
            self.body.block = outer;
        }
        self.body.graph.append(self.body.block, made);
        let outputs = self.body.graph.node(made).outputs.to_vec();
        for (&output, value) in node.outputs.iter().zip(&outputs) {
            self.set(output, Val::Plain(*value));
            let name = old.value(output).name.clone();
            self.body.graph.value_mut(*value).name = name;
        }
        self.note_float(id);
        Ok(())
    }

    /// What nested blocks read must be made in front of them: made inside, it would be unknown behind.
    fn make_plain_inside(&mut self, id: NodeId) -> Result<(), ConvertError> {
        let old = self.old;
        let mut blocks: Vec<BlockId> = old.node(id).blocks.to_vec();
        while let Some(block) = blocks.pop() {
            let block = old.block(block);
            let mut read = block.returns.clone();
            for &node in &block.nodes {
                read.extend(old.node(node).inputs.iter().copied());
                blocks.extend(old.node(node).blocks.iter().copied());
            }
            for value in read {
                if matches!(
                    self.values[value],
                    Some(Val::Quantised(_) | Val::Group { .. })
                ) {
                    self.plain(value)?;
                }
            }
        }
        Ok(())
    }

    /// Counts an operator on float tensors that depend on the inputs' elements.
    fn note_float(&mut self, id: NodeId) {
        let node = self.old.node(id);
        let makes_tensor = node
            .outputs
            .iter()
            .any(|&v| *self.old.ty(v) == Type::Tensor);
        let reads_tensor = node.inputs.iter().any(|&v| self.live[v]);
        let kind = node.op.kind();
        let computes = matches!(node.op, Op::Operator(_) | Op::Opaque(_));
        if computes && makes_tensor && reads_tensor && !dispatch::moves_data(kind) {
            self.note(kind, kind, Place::Float, None);
        }
    }

    /// Adds an operation to the report.
    pub(super) fn note(&mut self, name: &str, op: &str, place: Place, grid: Option<&Grid>) {
        self.report.steps.push(Step {
            name: name.to_owned(),
            op: op.to_owned(),
            place,
            dtype: grid.map(|g| g.dtype.to_string()),
            scale: grid.and_then(Grid::scale),
        });
    }

    /// What a value has become.
    pub(super) fn get(&self, value: ValueId) -> Result<Val<'m>, ConvertError> {
        let val = self.values[value].clone();
        val.ok_or_else(|| self.refuse("prim::Return", "a value is used before it is made"))
    }

    /// What a value has become, if it has been lowered.
    pub(super) fn known(&self, value: ValueId) -> Option<Val<'m>> {
        self.values[value].clone()
    }

    pub(super) fn set(&mut self, value: ValueId, val: Val<'m>) {
        self.values[value] = Some(val);
    }

    /// Whether an input is quantised or holds something that is.
    fn reads_quantised(&self, id: NodeId) -> bool {
        let quantised = |&value: &ValueId| {
            matches!(
                self.values[value],
                Some(Val::Quantised(_) | Val::Split(_) | Val::Group { .. })
            )
        };
        self.old.node(id).inputs.iter().any(quantised)
    }

    /// A value in float: quantised tensors are dequantised.
    pub(super) fn plain(&mut self, value: ValueId) -> Result<ValueId, ConvertError> {
        let val = self.get(value)?;
        self.plain_val(&val)
    }

    fn plain_val(&mut self, val: &Val<'m>) -> Result<ValueId, ConvertError> {
        match val {
            Val::Plain(value) => Ok(*value),
            Val::Quantised(it) => self.dequantised(it),
            Val::Module(module) => Ok(self.body.module(&module.path)),
            Val::Split(_) => Err(self.refuse(
                "aten::split",
                "a list of quantised tensors is read as a whole by an operator without integer form",
            )),
            Val::Group { items, ty } => {
                let items = items.iter().map(|it| self.plain_val(it));
                let items = items.collect::<Result<Vec<_>, _>>()?;
                let op = match ty {
                    Type::List(_) => Op::ListConstruct,
                    _ => Op::TupleConstruct,
                };
                Ok(self.body.value(op, &items, ty.clone()))
            }
        }
    }

    pub(super) fn dequantised(&mut self, it: &Quantised) -> Result<ValueId, ConvertError> {
        if let Some(&known) = self.floats.get(&(it.data, it.scale)) {
            return Ok(known);
        }
        let axis = self.axis(it);
        let march = self.march()?;
        let march = self.body.str(&march);
        let inputs = [it.data, it.scale, it.zero_point, axis, march];
        let value = self.body.functional("dequantize", &inputs);
        if self.body.block == self.body.graph.root() {
            self.floats.insert((it.data, it.scale), value);
        }
        Ok(value)
    }

    /// The axis of the channels, for `dequantize`.
    fn axis(&mut self, it: &Quantised) -> ValueId {
        match it.grid.axis() {
            Channels::At(axis) => self.body.int(axis),
            Channels::Last => {
                let body = &mut self.body;
                let rank = body.value(operator("aten::dim", ""), &[it.data], Type::Int);
                let one = body.int(1);
                body.value(operator("aten::sub", "int"), &[rank, one], Type::Int)
            }
        }
    }

    /// The integer that a value of the old graph is.
    pub(super) fn int(&self, value: ValueId) -> Option<i64> {
        match self.old.constant(value)? {
            crate::ir::Constant::Int(value) => Some(*value),
            _ => None,
        }
    }

    /// The number that a value of the old graph is.
    pub(super) fn number(&self, value: ValueId) -> Option<f64> {
        match self.old.constant(value)? {
            crate::ir::Constant::Int(value) => Some(*value as f64),
            crate::ir::Constant::Float(value) => Some(*value),
            _ => None,
        }
    }

    /// The march of the file: that of its first quantiser.
    pub(super) fn march(&self) -> Result<String, ConvertError> {
        let march = self.march.clone();
        march.ok_or_else(|| self.refuse("forward", "nothing is quantised"))
    }

    /// Notes the march of a quantiser; all must agree.
    pub(super) fn set_march(&mut self, march: &str) -> Result<(), ConvertError> {
        match &self.march {
            Some(known) if known != march => Err(self.refuse(
                "forward",
                format!("quantisers for `{known}` and for `{march}`"),
            )),
            _ => {
                self.march = Some(march.to_owned());
                Ok(())
            }
        }
    }

    /// The error that an operator cannot be converted.
    pub(super) fn refuse(&self, op: &str, what: impl Into<String>) -> ConvertError {
        ConvertError::Op {
            op: op.to_owned(),
            place: format!("{}.forward", self.root.plain_class()),
            what: what.into(),
        }
    }
}
