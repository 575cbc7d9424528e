//! Modules of the float model that the fake-quant file kept because their one operator keeps the scale: a relu, a
//! resize, a shuffle. In the fixed-point file they compute on integers in their own `forward`, so that the operator
//! keeps its scope. A module counts by what its method does, whatever its class.

use super::body::Body;
use super::dispatch;
use super::error::ConvertError;
use super::leaf::Leaf;
use super::lower::{Lowering, Made};
use super::read::Module;
use super::text;
use super::value::{Quantised, Val};
use crate::emit::Method;
use crate::ir::{Function, NodeId, Op, Param, Type, ValueId};
use smol_str::SmolStr;

/// Nodes of a method that is looked into.
const MAX_NODES: usize = 256;

/// Names of the parameters that a quantised tensor becomes.
const PARTS: [&str; 3] = ["data", "scale", "zero_point"];

/// A fixed-point method in the making.
struct Forward {
    function: Function,
    /// Which of [`PARTS`] it reads.
    reads: [bool; 3],
}

impl<'m> Lowering<'m> {
    /// Lowers a call of such a module on a quantised tensor; false if it is none, or has no integer form.
    pub(super) fn call_own(
        &mut self,
        id: NodeId,
        module: &Module<'m>,
        method: &str,
    ) -> Result<bool, ConvertError> {
        let node = self.old.node(id);
        let (Some(&x), Some(float)) = (node.inputs.get(1), method_of(self, module, method)) else {
            return Ok(false);
        };
        let Val::Quantised(input) = self.get(x)? else {
            return Ok(false);
        };
        let arguments = &node.inputs[2..];
        if !is_one_operator(float) || float.params.len() != node.inputs.len() {
            return Ok(false);
        }
        let steps = self.report.steps.len();
        let Some(forward) = self.own_forward(module, float, &input)? else {
            self.report.steps.truncate(steps);
            return Ok(false);
        };
        for step in &mut self.report.steps[steps..] {
            step.name = module.path.to_string();
        }
        let method = text::method(&self.model.program, &forward.function)?;
        let val = if self.own_object(module, method)? {
            let parts = [input.data, input.scale, input.zero_point];
            let parts = parts.into_iter().zip(forward.reads);
            let mut inputs: Vec<ValueId> = parts.filter_map(|(it, is)| is.then_some(it)).collect();
            for &argument in arguments {
                inputs.push(self.plain(argument)?);
            }
            let data = self.body.call(&module.path, &inputs, 1)[0];
            Val::Quantised(Quantised { data, ..input })
        } else {
            // A shared module whose integers differ from call to call: this call stands in the root.
            let arguments = arguments.iter().map(|&it| self.plain(it));
            let arguments = arguments.collect::<Result<Vec<_>, _>>()?;
            self.walk_own(module, float, input, &arguments)?
        };
        self.set(node.outputs[0], val);
        Ok(true)
    }

    /// The method on integers; none if the operator has to run in float.
    fn own_forward(
        &mut self,
        module: &Module<'m>,
        float: &'m Function,
        input: &Quantised,
    ) -> Result<Option<Forward>, ConvertError> {
        let class: SmolStr = module.plain_class().into();
        let outer = std::mem::replace(&mut self.body, Body::new(&class, ""));
        let floats = std::mem::take(&mut self.floats);
        let root = self.body.graph.root();
        let mut add = |name: &str, ty: &Type| {
            let graph = &mut self.body.graph;
            graph.add_param(root, ty.clone(), Some(name.into()))
        };
        let parts = PARTS.map(|name| add(name, &Type::Tensor));
        let more = float.params.iter().skip(2);
        let arguments: Vec<ValueId> = more.map(|it| add(&it.name, &it.ty)).collect();
        let x = Quantised {
            data: parts[0],
            scale: parts[1],
            zero_point: parts[2],
            grid: input.grid.clone(),
        };
        let result = self.walk_own(module, float, x, &arguments);
        let body = std::mem::replace(&mut self.body, outer);
        self.floats = floats;
        match result? {
            Val::Quantised(result) if result.grid == input.grid => {
                Ok(Some(finished(body, class, float, parts, result.data)))
            }
            _ => Ok(None),
        }
    }

    /// Lowers the nodes of a method at the end of the body; what it returns.
    fn walk_own(
        &mut self,
        module: &Module<'m>,
        float: &'m Function,
        x: Quantised,
        arguments: &[ValueId],
    ) -> Result<Val<'m>, ConvertError> {
        let outer = self.enter(&float.graph);
        let block = float.graph.block(float.graph.root());
        self.set(block.params[0], Val::Module(module.clone()));
        self.set(block.params[1], Val::Quantised(x));
        for (&param, &argument) in block.params[2..].iter().zip(arguments) {
            self.set(param, Val::Plain(argument));
        }
        let nodes = block.nodes.iter().try_for_each(|&id| self.node(id, 0));
        let result = nodes.and_then(|()| self.get(block.returns[0]));
        self.leave(outer);
        result
    }

    /// The module's object with this method; false if an earlier call gave it another one.
    fn own_object(&mut self, module: &Module<'m>, method: Method) -> Result<bool, ConvertError> {
        if let Some(known) = self.own_methods.get(&module.id) {
            return Ok(*known == method);
        }
        let mut leaf = Leaf::named(&module.plain_class());
        leaf.method(method.clone());
        let made = Made {
            object: leaf.finish(&mut self.emit)?,
            inputs: Vec::new(),
            output: None,
        };
        self.objects.insert(module.id, made);
        self.own_methods.insert(module.id, method);
        Ok(true)
    }
}

/// The body as a function of the parts that it reads.
fn finished(
    body: Body,
    class: SmolStr,
    float: &Function,
    parts: [ValueId; 3],
    data: ValueId,
) -> Forward {
    let mut graph = body.graph;
    let root = graph.root();
    let nodes = graph.nodes_in_order();
    let reads = parts.map(|part| {
        nodes
            .iter()
            .any(|it| graph.node(*it).inputs.contains(&part))
    });
    let unread = |value: &ValueId| parts.iter().zip(reads).any(|(it, is)| it == value && !is);
    graph.block_mut(root).params.retain(|it| !unread(it));
    graph.block_mut(root).returns = vec![data];
    let param = |name: &str, ty: Type| Param {
        name: name.into(),
        ty,
        default: None,
        kwarg_only: false,
    };
    let mut params = vec![param("self", Type::Class(class.clone()))];
    let read = PARTS.into_iter().zip(reads).filter(|it| it.1);
    params.extend(read.map(|(name, _)| param(name, Type::Tensor)));
    params.extend(float.params.iter().skip(2).cloned());
    let function = Function {
        name: format!("{class}.forward").into(),
        params,
        returns: Type::Tensor,
        graph,
        span: None,
    };
    Forward { function, reads }
}

fn method_of<'m>(low: &Lowering<'m>, module: &Module<'m>, method: &str) -> Option<&'m Function> {
    let program = &low.model.program;
    let class = program.class(&module.class())?;
    let (_, id) = class.methods.iter().find(|it| it.0 == method)?;
    program.functions.get(*id)
}

/// Whether a method is one operator on its first tensor: constants beside it, no other tensor, no attribute, no block.
fn is_one_operator(function: &Function) -> bool {
    let graph = &function.graph;
    let block = graph.block(graph.root());
    let mut operators = 0;
    for &id in &block.nodes {
        match &graph.node(id).op {
            Op::Constant(_) | Op::ListConstruct => {}
            Op::Operator(_) => operators += 1,
            _ => return false,
        }
    }
    let others = function.params.iter().skip(2);
    let tensors = others.filter(|it| dispatch::holds_tensor(&it.ty)).count();
    let first = function
        .params
        .get(1)
        .is_some_and(|it| it.ty == Type::Tensor);
    let returns = block.returns.len() == 1 && function.returns == Type::Tensor;
    operators == 1 && first && tensors == 0 && returns && block.nodes.len() <= MAX_NODES
}
