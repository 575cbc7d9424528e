//! Names of variables (`torchscript.md` 4.5).

use crate::ir::{Graph, Op};
use rustc_hash::{FxHashMap, FxHashSet};
use smol_str::{SmolStr, format_smolstr};

/// Names no variable gets: keywords and what the importer resolves.
const RESERVED: &[&str] = &[
    "_",
    "as",
    "aten",
    "attribute",
    "CONSTANTS",
    "fork",
    "getattr",
    "inf",
    "nan",
    "infj",
    "nanj",
    "ops",
    "__torch__",
    "and",
    "assert",
    "async",
    "await",
    "break",
    "class",
    "continue",
    "def",
    "del",
    "elif",
    "else",
    "except",
    "False",
    "finally",
    "for",
    "from",
    "global",
    "if",
    "import",
    "in",
    "is",
    "lambda",
    "None",
    "nonlocal",
    "not",
    "or",
    "pass",
    "raise",
    "return",
    "True",
    "try",
    "with",
    "while",
    "yield",
    "uninitialized",
    "unchecked_cast",
];

/// The numbers that follow taken names; one per file, as torch counts.
#[derive(Debug, Default)]
pub struct Counters(FxHashMap<SmolStr, usize>);

/// The names of one function.
pub(super) struct Names<'c> {
    counters: &'c mut Counters,
    used: FxHashSet<SmolStr>,
    /// Functions the text calls by a plain name. torch's printer forgets about them.
    called: FxHashSet<&'static str>,
}

impl<'c> Names<'c> {
    pub(super) fn new(counters: &'c mut Counters, called: FxHashSet<&'static str>) -> Names<'c> {
        Names {
            counters,
            used: FxHashSet::default(),
            called,
        }
    }

    /// A name that nothing in the function has, as close to `candidate` as can be.
    pub(super) fn unique(&mut self, candidate: &str) -> SmolStr {
        let mut name = SmolStr::new(candidate);
        while self.used.contains(&name)
            || RESERVED.contains(&name.as_str())
            || self.called.contains(name.as_str())
        {
            // torch counts under the name that was taken, not under the candidate.
            let count = self.counters.0.entry(name).or_default();
            name = format_smolstr!("{candidate}{count}");
            *count += 1;
        }
        self.used.insert(name.clone());
        name
    }
}

/// The source name as an identifier.
pub(super) fn base(name: Option<&SmolStr>) -> Option<SmolStr> {
    let name = name?;
    if name.is_empty() {
        return None;
    }
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    let starts_with_digit = name.as_bytes()[0].is_ascii_digit();
    if !starts_with_digit && name.bytes().all(is_plain) {
        return Some(name.clone());
    }
    let prefix = if starts_with_digit { "_" } else { "" };
    let mapped = name
        .bytes()
        .map(|b| if is_plain(b) { b as char } else { '_' });
    Some(prefix.chars().chain(mapped).collect::<String>().into())
}

/// Functions that the text of a graph calls by a plain name.
pub(super) fn called(graph: &Graph) -> FxHashSet<&'static str> {
    let mut called = FxHashSet::from_iter(["torch", "annotate"]);
    for node in graph.nodes_in_order() {
        called.extend(match &graph.node(node).op {
            Op::Loop => Some("range"),
            Op::IsInstance(_) => Some("isinstance"),
            Op::Print => Some("print"),
            Op::Awaitable => Some("awaitable"),
            Op::Operator(schema) => match schema.name() {
                "aten::Int" => Some("int"),
                "aten::Float" => Some("float"),
                "aten::Bool" => Some("bool"),
                "aten::str" => Some("str"),
                "aten::sorted" => Some("sorted"),
                _ => None,
            },
            _ => None,
        });
    }
    called
}
