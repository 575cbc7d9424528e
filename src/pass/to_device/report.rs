//! What a rewrite did, left and could not decide.

use std::fmt;

/// A place in a file, as precise as it is known.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Record below the archive folder, such as `code/__torch__/net.py`.
    pub record: String,
    /// Line of the serialised source, counted from 1.
    pub line: Option<u32>,
    /// Function, or path of the object or tensor: `__torch__.net.Net.forward`, `encoder.device`.
    pub name: String,
    /// The user's Python file and line, from the debug record.
    pub python: Option<String>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.record)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if !self.name.is_empty() {
            write!(f, " ({})", self.name)?;
        }
        Ok(())
    }
}

/// What kind of thing changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ChangeKind {
    /// Storages of one pickle, by old device.
    Storages,
    /// A device or string attribute.
    Attribute,
    /// A device or string in `constants.pkl`.
    Constant,
    /// A literal in a function body.
    Literal,
    /// A parameter's default.
    Default,
    /// A text that was computed from constants.
    Computed,
    /// `x.cpu()`, `x.cuda()`.
    Method,
}

impl ChangeKind {
    /// Its name in reports.
    pub fn name(self) -> &'static str {
        match self {
            ChangeKind::Storages => "storages",
            ChangeKind::Attribute => "attribute",
            ChangeKind::Constant => "constant",
            ChangeKind::Literal => "literal",
            ChangeKind::Default => "default",
            ChangeKind::Computed => "computed",
            ChangeKind::Method => "method",
        }
    }
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Change {
    /// Where.
    pub place: Place,
    /// What.
    pub kind: ChangeKind,
    /// How many of them; more than 1 only for storages.
    pub count: usize,
    /// Text before.
    pub before: String,
    /// Text after.
    pub after: String,
}

/// A text that spells a device and was left as it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Left {
    /// Where.
    pub place: Place,
    /// The text.
    pub text: String,
    /// Why.
    pub reason: String,
}

/// Something that a person has to decide.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Warning {
    /// Where.
    pub place: Place,
    /// What.
    pub message: String,
    /// What to do about it.
    pub help: String,
}

/// The outcome of one rewrite.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The target, as given.
    pub target: String,
    /// What changed, by place.
    pub changes: Vec<Change>,
    /// What spells a device and stays, by place.
    pub left: Vec<Left>,
    /// What could not be decided, by place.
    pub warnings: Vec<Warning>,
}

impl Report {
    /// Puts everything in order of place and drops repetitions.
    pub(super) fn sort(&mut self) {
        self.changes.sort();
        self.changes.dedup();
        self.left.sort();
        self.left.dedup();
        self.warnings.sort();
        self.warnings.dedup();
    }
}
