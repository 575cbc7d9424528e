//! What the front end refuses, with its reason.

use super::super::value::Val;
use super::Builder;
use crate::diag::Span;
use smol_str::SmolStr;

/// Why a node could not become layers.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    /// What stage refused it.
    pub stage: Stage,
    /// Node kind or function, such as `aten::unbind`, `hz::softmax`.
    pub call: SmolStr,
    /// Why, unless the stage says it all.
    pub message: String,
    /// What to do instead.
    pub advice: Option<String>,
    /// Path of the module.
    pub scope: SmolStr,
    /// Where it was written.
    pub span: Option<Span>,
}

/// Where a node was refused (5.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the front end's texts")]
pub enum Stage {
    UnsupportedNode,
    UnsupportedFunction,
    ParsingNode,
    ParsingFunction,
    ConstantPropagation,
    /// The march's hardware cannot do it.
    Limit,
}

/// A handler's refusal.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::hbdk) struct Fail {
    pub(in crate::hbdk) message: String,
    pub(in crate::hbdk) advice: Option<String>,
    /// Caused by a value whose problem is reported already.
    pub(in crate::hbdk) silent: bool,
}

impl Fail {
    pub(in crate::hbdk) fn new(message: impl Into<String>) -> Fail {
        Fail {
            message: message.into(),
            advice: None,
            silent: false,
        }
    }

    pub(in crate::hbdk) fn advise(mut self, advice: impl Into<String>) -> Fail {
        self.advice = Some(advice.into());
        self
    }

    pub(in crate::hbdk) fn silent() -> Fail {
        Fail {
            silent: true,
            ..Fail::new("")
        }
    }
}

impl From<String> for Fail {
    fn from(message: String) -> Fail {
        Fail::new(message)
    }
}

impl Builder<'_> {
    /// Reports something the hardware cannot do; the layer is made all the same, to go on.
    pub(in crate::hbdk) fn limit(&mut self, message: impl Into<String>, advice: impl Into<String>) {
        let fail = Fail::new(message).advise(advice);
        let (call, span) = self.under_way();
        self.problem(Stage::Limit, &call, fail, span);
    }

    /// Reports that the call under way cannot be evaluated, when its handler goes on all the same.
    pub(super) fn refuse(&mut self, fail: Fail) {
        let (call, span) = self.under_way();
        let stage = match call.starts_with("hz::") {
            true => Stage::ParsingFunction,
            false => Stage::ParsingNode,
        };
        self.problem(stage, &call, fail, span);
    }

    /// The call whose layers are being made.
    fn under_way(&self) -> (SmolStr, Option<Span>) {
        match &self.site {
            Some(site) => (site.call.clone(), site.span),
            None => ("forward".into(), None),
        }
    }

    pub(super) fn problem(&mut self, stage: Stage, call: &str, fail: Fail, span: Option<Span>) {
        if fail.silent {
            return;
        }
        self.problems.push(Problem {
            stage,
            call: call.into(),
            message: fail.message,
            advice: fail.advice,
            scope: self.scope(),
            span,
        });
    }
}

/// What stands for a function's result after a problem: some give a tensor and its scale, a constant.
pub(super) fn unknown_result(function: &str) -> Val {
    match function {
        "conv2d" | "conv3d" | "conv_transpose2d" | "linear" | "avg_pool2d" | "deform_conv2d" => {
            Val::seq([Val::Unknown, Val::Lost])
        }
        _ => Val::Unknown,
    }
}
