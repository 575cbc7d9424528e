//! Calls and attributes.

use super::{ATTRIBUTE, CALLEE, COUNT, Checker};
use crate::ir::fits::{self, Misfit};
use crate::ir::schema::Schema;
use crate::ir::text::type_text;
use crate::ir::{Class, ClassKind, FuncId, Node, NodeId, Type};

impl<'a> Checker<'a> {
    /// The class of the object in input 0; nothing if the class is not known, which is reported where it matters.
    fn receiver(&mut self, id: NodeId, node: &Node) -> Option<&'a Class> {
        let ty = self.input(node, 0);
        let Some(name) = ty.class_name() else {
            self.mismatch(id, "input 0", "an object", ty);
            return None;
        };
        let class = self.program.class(name);
        if class.is_none() && !self.program.classes.is_empty() {
            self.report(
                CALLEE,
                Some(id),
                format!("expected a class `{name}`, found none"),
            );
        }
        class.filter(|class| class.kind != ClassKind::Native)
    }

    fn slot(&mut self, id: NodeId, node: &Node, name: &str) -> Option<&'a Type> {
        let class = self.receiver(id, node)?;
        if let Some(attribute) = class.attribute(name) {
            return Some(&attribute.ty);
        }
        let message = format!(
            "expected an attribute `{name}` of `{}`, found none",
            class.name
        );
        self.report(ATTRIBUTE, Some(id), message);
        None
    }

    pub(super) fn get_attribute(&mut self, id: NodeId, node: &Node, name: &str) {
        if self.counts(id, node, 1, 1)
            && let Some(ty) = self.slot(id, node, name)
        {
            self.is_output(id, node, 0, ty);
        }
    }

    pub(super) fn set_attribute(&mut self, id: NodeId, node: &Node, name: &str) {
        if self.counts(id, node, 2, 0)
            && let Some(ty) = self.slot(id, node, name)
        {
            self.expect(id, "the value", ty, self.input(node, 1));
        }
    }

    pub(super) fn call_method(&mut self, id: NodeId, node: &Node, name: &str) {
        if !self.at_least(id, node, 1) {
            return;
        }
        let Some(class) = self.receiver(id, node) else {
            return;
        };
        match class.method(name) {
            Some(callee) => self.call(id, node, callee, 1),
            None => {
                let message = format!("expected a method `{name}` of `{}`, found none", class.name);
                self.report(CALLEE, Some(id), message);
            }
        }
    }

    pub(super) fn call_function(&mut self, id: NodeId, node: &Node, name: &str) {
        match self.program.function_by_name.get(name) {
            Some(&callee) => self.call(id, node, callee, 0),
            None if self.program.functions.is_empty() => {}
            None => {
                let message = format!("expected a function `{name}`, found none");
                self.report(CALLEE, Some(id), message);
            }
        }
    }

    /// Inputs from `checked` on and the result fit the signature.
    fn call(&mut self, id: NodeId, node: &Node, callee: FuncId, checked: usize) {
        let callee = &self.program.functions[callee];
        if !self.counts(id, node, callee.params.len(), 1) {
            return;
        }
        for (index, param) in callee.params.iter().enumerate().skip(checked) {
            let what = format!("`{}`", param.name);
            self.expect(id, &what, &param.ty, self.input(node, index));
        }
        self.is_output(id, node, 0, &callee.returns);
    }

    pub(super) fn operator(&mut self, id: NodeId, node: &Node, schema: &Schema) {
        let inputs: Vec<&Type> = node.inputs.iter().map(|&v| self.graph.ty(v)).collect();
        let outputs: Vec<&Type> = node.outputs.iter().map(|&v| self.graph.ty(v)).collect();
        match fits::check(self.program, schema, &inputs, &outputs) {
            Ok(()) => {}
            Err(Misfit::Count) => {
                let expected = schema.args.len();
                let message = format!(
                    "`{}` takes {expected} inputs, found {}",
                    schema.name(),
                    inputs.len()
                );
                self.report(COUNT, Some(id), message);
            }
            Err(Misfit::OutputCount) => {
                let expected = schema.returns.len();
                let message = format!(
                    "`{}` has {expected} outputs, found {}",
                    schema.name(),
                    outputs.len()
                );
                self.report(COUNT, Some(id), message);
            }
            Err(Misfit::Input(index)) => {
                let arg = &schema.args[index];
                let expected = format!("`{}`", type_text(&arg.ty));
                self.mismatch(id, &format!("`{}`", arg.name), &expected, inputs[index]);
            }
            Err(Misfit::Output(index)) => {
                let expected = format!("`{}`", type_text(&schema.returns[index].ty));
                self.mismatch(id, &format!("output {index}"), &expected, outputs[index]);
            }
        }
    }
}
