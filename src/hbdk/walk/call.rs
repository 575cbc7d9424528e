//! Calls: methods are entered, functions are known by name and never entered (`horizon.md` 5.3, 5.4).

use super::super::graph::Site;
use super::super::lower;
use super::super::value::Val;
use super::problem::unknown_result;
use super::{Args, Builder, Fail, Stage};
use crate::diag::Span;
use crate::ir::Node;
use smol_str::{SmolStr, format_smolstr};

impl Builder<'_> {
    pub(super) fn call_method(&mut self, node: &Node, name: &str, args: Vec<Val>) -> Option<Val> {
        let Some(Val::Object(object, path)) = args.first().cloned() else {
            let fail = match args.first() {
                Some(Val::Unknown | Val::Lost) => Fail::silent(),
                other => Fail::new(format!(
                    "a method of {}",
                    other.map_or("nothing", Val::kind)
                )),
            };
            self.problem(Stage::UnsupportedNode, "prim::CallMethod", fail, node.span);
            return None;
        };
        let Some(func) = self.method_of(object, name) else {
            let fail = Fail::new(format!("`{path}` has no method `{name}`"));
            self.problem(Stage::UnsupportedNode, "prim::CallMethod", fail, node.span);
            return None;
        };
        let mut args = args;
        args[0] = Val::Object(object, SmolStr::default());
        self.scopes.push(path);
        let value = self.method(func, args);
        self.scopes.pop();
        Some(value)
    }

    pub(super) fn call_function(&mut self, node: &Node, name: &str, args: Vec<Val>) -> Vec<Val> {
        let short = name.rsplit('.').next().unwrap_or(name);
        let call = format_smolstr!("hz::{short}");
        let Some(function) = lower::function(name) else {
            let fail = Fail::new("").advise(lower::function_advice(short));
            self.problem(Stage::UnsupportedFunction, &call, fail, node.span);
            return vec![unknown_result(short)];
        };
        let args = Args::new(args, vec![]);
        if args.is_unknown() {
            return vec![match args.is_lost() {
                true => Val::Lost,
                false => unknown_result(short),
            }];
        }
        let is_constant = args.is_constant();
        if !is_constant {
            self.annotate(&format_smolstr!("hz_{}", short.trim_start_matches('_')));
        }
        self.begin(&call, node.span);
        let lowered = lower::call(self, function, &args, is_constant);
        match lowered {
            Ok(value) => vec![value],
            Err(fail) => {
                let stage = match is_constant {
                    true => Stage::ConstantPropagation,
                    false => Stage::ParsingFunction,
                };
                self.problem(stage, &call, fail, node.span);
                vec![match is_constant {
                    true => Val::Lost,
                    false => unknown_result(short),
                }]
            }
        }
    }

    pub(super) fn annotate(&mut self, call: &str) {
        self.annotation = self.names.annotate(&self.scopes, call);
        self.constants_of_call = 0;
    }

    pub(super) fn begin(&mut self, call: &str, span: Option<Span>) {
        self.known = None;
        self.site = Some(Site {
            scope: self.scope(),
            call: call.into(),
            span,
        });
    }

    /// Path of the module under way.
    pub(super) fn scope(&self) -> SmolStr {
        let parts: Vec<&str> = self
            .scopes
            .iter()
            .map(SmolStr::as_str)
            .filter(|s| !s.is_empty())
            .collect();
        parts.join(".").into()
    }
}
