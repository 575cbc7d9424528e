//! Names of variables (`torchscript.md` 4.5).

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

/// Names torch's printer would give away although its texts call functions of that name.
const CALLED: &[&str] = &[
    "torch",
    "annotate",
    "awaitable",
    "bool",
    "float",
    "int",
    "isinstance",
    "print",
    "range",
    "sorted",
    "str",
];

/// The numbers that follow taken names; one per file, as torch counts.
#[derive(Debug, Default)]
pub struct Counters(FxHashMap<SmolStr, usize>);

/// The names of one function.
pub(super) struct Names<'c> {
    counters: &'c mut Counters,
    used: FxHashSet<SmolStr>,
}

impl<'c> Names<'c> {
    pub(super) fn new(counters: &'c mut Counters) -> Names<'c> {
        Names {
            counters,
            used: FxHashSet::default(),
        }
    }

    /// A name that nothing in the function has, as close to `candidate` as can be.
    pub(super) fn unique(&mut self, candidate: &str) -> SmolStr {
        let mut name = SmolStr::new(candidate);
        let called = CALLED.contains(&candidate);
        let mut first = true;
        while (first && called) || self.used.contains(&name) || RESERVED.contains(&name.as_str()) {
            first = false;
            // torch counts under the name that was taken, not under the candidate.
            let count = self.counters.0.entry(name).or_default();
            name = format_smolstr!("{candidate}{count}");
            *count += 1;
        }
        self.used.insert(name.clone());
        name
    }

    /// The name of a parameter, which callers may use: only what cannot be read is changed.
    pub(super) fn parameter(&mut self, candidate: &str) -> SmolStr {
        if CALLED.contains(&candidate) && self.used.insert(candidate.into()) {
            return candidate.into();
        }
        self.unique(candidate)
    }
}

/// The source name as an identifier; none for torch's temporaries, `_` and a number.
pub(super) fn base(name: Option<&SmolStr>) -> Option<SmolStr> {
    let name = name?;
    let digits = name.strip_prefix('_').unwrap_or("x");
    if name.is_empty() || digits.bytes().all(|b| b.is_ascii_digit()) {
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
