//! What the front end refuses, as messages for people: all of it at once.

use super::walk::{Build, Problem, Stage};
use crate::diag::Diagnostic;

/// A node kind without handler.
const NODE: &str = "E0901";
/// A function without handler.
const FUNCTION: &str = "E0902";
/// A handler refused its arguments.
const PARSING: &str = "E0903";
/// A constant could not be computed.
const CONSTANT: &str = "E0904";
/// The hardware of the march cannot do it.
const LIMIT: &str = "E0905";
/// Something the compiler would remove or warn about.
const WARNING: &str = "E0906";

/// One message for each problem, in program order, then what the compiler would remove.
pub fn diagnostics(build: &Build) -> Vec<Diagnostic> {
    let mut found: Vec<Diagnostic> = build.problems.iter().map(diagnostic).collect();
    if found.is_empty() {
        for name in build.graph.deleted_inputs() {
            let text = format!("when converting pt to hbir, model input \"{name}\" was deleted");
            let warning = Diagnostic::warning(WARNING, text, None);
            found.push(warning.with_help("no output depends on it: take it out of forward"));
        }
    }
    found
}

/// The message of a problem, in the front end's words (5.3).
pub fn diagnostic(problem: &Problem) -> Diagnostic {
    let call = &problem.call;
    let scope = match problem.scope.as_str() {
        "" => "the root module".to_owned(),
        scope => format!("`{scope}`"),
    };
    let (code, text) = match problem.stage {
        Stage::UnsupportedNode => (NODE, format!("unsupported node `{call}` in {scope}")),
        Stage::UnsupportedFunction => {
            let name = call.trim_start_matches("hz::");
            (
                FUNCTION,
                format!("unsupported horizon jit function `{name}` in {scope}"),
            )
        }
        Stage::ParsingNode => (PARSING, format!("parsing node `{call}` in {scope}")),
        Stage::ParsingFunction => {
            let name = call.trim_start_matches("hz::");
            (
                PARSING,
                format!("parsing horizon function `{name}` in {scope}"),
            )
        }
        Stage::ConstantPropagation => (
            CONSTANT,
            format!("constant propagation of `{call}` in {scope}"),
        ),
        Stage::Limit => (LIMIT, format!("hardware limit at `{call}` in {scope}")),
    };
    let text = match problem.message.as_str() {
        "" => text,
        message => format!("{text}: {message}"),
    };
    let found = Diagnostic::error(code, text, problem.span);
    match &problem.advice {
        Some(advice) => found.with_help(advice.clone()),
        None => found,
    }
}
