//! Which strings become devices: forward data flow over the syntax trees of all records.
//!
//! Sources are strings that spell a device: literals, defaults, and the stored strings of the pickles. They flow
//! as tokens through variables, tuples, containers, attributes, arguments and results until nothing changes;
//! then one more walk records what each token meets. A string is a device when it meets a device-typed position
//! and nothing else. Variables are not told apart by program point: two meanings under one name count as both.

mod builtin;
mod call;
mod container;
mod expr;
mod fold;
mod site;
mod stmt;

use super::device::Device;
use super::names::{FuncIx, Names};
use crate::ir::Type;
use crate::torchscript::ast::Range;
use rustc_hash::FxHashMap;
use smallvec::SmallVec;
use smol_str::SmolStr;
use std::collections::BTreeSet;

pub(super) use site::{DeviceRead, DeviceSite, MethodSite};

/// Rounds of the fixpoint after which a program is taken to be too tangled; each adds at least one token to one slot.
const MAX_ROUNDS: usize = 64;
/// Containers nested deeper than this share one path; nothing torch prints comes near it.
const MAX_PATH: usize = 6;

/// One step from a container to what it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Step {
    /// Element of a tuple.
    Field(u16),
    /// Any element of a list.
    Item,
    /// Any value of a dict.
    Value,
}

/// Steps from a value down to a string in it.
pub(super) type Path = SmallVec<[Step; 4]>;

/// A place in code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct At {
    /// Index of the record.
    pub(super) unit: usize,
    /// The function.
    pub(super) func: FuncIx,
    /// First byte.
    pub(super) start: u32,
    /// One past the last byte.
    pub(super) end: u32,
}

impl At {
    /// The byte range.
    pub(super) fn range(self) -> Range {
        Range {
            start: self.start,
            end: self.end,
        }
    }
}

/// Where a stored string hangs.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Root {
    /// An attribute of the instances of a class.
    Attribute(SmolStr, SmolStr),
    /// The argument of a class's `__setstate__`.
    State(SmolStr),
    /// An element of `constants.pkl`.
    Constant(u32),
}

/// A string that may be a device.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Source {
    /// A string literal that spells a device.
    Literal {
        /// The literal.
        at: At,
        /// It is (in) a parameter's default.
        is_default: bool,
        /// What it spells.
        text: SmolStr,
    },
    /// A string operation; the text when all its operands are constant.
    Computed {
        /// The operation.
        at: At,
        /// Its result.
        text: Option<SmolStr>,
    },
    /// A string in a pickle.
    Stored {
        /// Where it hangs.
        root: Root,
        /// From there to the string.
        path: Path,
    },
}

/// Index of a source.
pub(super) type SourceId = u32;

/// A source inside a value.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Token {
    source: SourceId,
    path: Path,
}

/// What a source meets.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Role {
    /// A device-typed position.
    Device,
    /// The type of a device whose index is a separate argument.
    Indexed,
    /// The device type of autocast.
    Autocast,
    /// A comparison or a membership test.
    Compared,
    /// A dict key.
    Key,
    /// A message: `print`, an exception.
    Message,
    /// A string operation.
    Text,
    /// Any other use, such as a string argument of an operator.
    Other(SmolStr),
    /// The caller of the model sees it.
    Returned,
}

/// One use of a source.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Use {
    /// What for.
    pub(super) role: Role,
    /// Where.
    pub(super) at: At,
}

/// Something in the code that a person should look at.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Hint {
    /// The outcome depends on a device.
    Branch(At),
    /// An operator that exists on CUDA only.
    CudaOnly(At, SmolStr),
    /// Pinned memory.
    Pinned(At),
    /// A half-precision literal.
    Half(At),
}

impl Hint {
    /// Where.
    pub(super) fn at(&self) -> At {
        match self {
            Hint::Branch(at) | Hint::CudaOnly(at, _) | Hint::Pinned(at) | Hint::Half(at) => *at,
        }
    }
}

/// Where tokens collect.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Slot {
    Var(FuncIx, SmolStr),
    Attr(SmolStr, SmolStr),
    Return(FuncIx),
    Closure(FuncIx, SmolStr),
}

/// The value of an expression as far as this analysis knows it.
#[derive(Clone, Debug, Default)]
struct Val {
    tokens: SmallVec<[Token; 1]>,
    ty: Option<Type>,
}

impl Val {
    fn of(ty: Type) -> Val {
        Val {
            tokens: SmallVec::new(),
            ty: Some(ty),
        }
    }

    fn class(&self) -> Option<&SmolStr> {
        match self.ty.as_ref()? {
            Type::Optional(inner) => inner.class_name(),
            ty => ty.class_name(),
        }
    }

    fn is_device(&self) -> bool {
        match &self.ty {
            Some(Type::Optional(inner)) => **inner == Type::Device,
            ty => ty == &Some(Type::Device),
        }
    }
}

/// The result of the analysis.
#[derive(Default)]
pub(super) struct Facts {
    /// All sources.
    pub(super) sources: Vec<Source>,
    /// What each meets, in the order of `sources`.
    pub(super) uses: Vec<BTreeSet<Use>>,
    /// Device-typed positions filled with text.
    pub(super) sites: Vec<DeviceSite>,
    /// `x.cpu()` and `x.cuda()`.
    pub(super) methods: Vec<MethodSite>,
    /// Reads of device-typed attributes.
    pub(super) reads: Vec<DeviceRead>,
    /// Attributes of device type that code assigns, by class and name.
    pub(super) written: BTreeSet<(SmolStr, SmolStr)>,
    /// What a person should look at.
    pub(super) hints: BTreeSet<Hint>,
}

/// The walk.
pub(super) struct Flow<'a> {
    names: &'a Names<'a>,
    root_class: Option<SmolStr>,
    by_source: FxHashMap<Source, SourceId>,
    slots: FxHashMap<Slot, BTreeSet<Token>>,
    types: FxHashMap<(FuncIx, SmolStr), Type>,
    aliases: FxHashMap<(FuncIx, SmolStr), FuncIx>,
    constants: fold::Constants<'a>,
    func: FuncIx,
    closure: Option<SmolStr>,
    in_default: bool,
    tensors: Vec<SmolStr>,
    changed: bool,
    recording: bool,
    facts: Facts,
}

/// Runs the analysis. `stored` are the strings of the pickles that spell devices.
pub(super) fn analyse<'a>(
    names: &'a Names<'a>,
    root_class: Option<&str>,
    stored: impl IntoIterator<Item = (Root, Path)>,
) -> Facts {
    let mut flow = Flow {
        names,
        root_class: root_class.map(SmolStr::new),
        by_source: FxHashMap::default(),
        slots: FxHashMap::default(),
        types: FxHashMap::default(),
        aliases: FxHashMap::default(),
        constants: fold::Constants::default(),
        func: 0,
        closure: None,
        in_default: false,
        tensors: Vec::new(),
        changed: false,
        recording: false,
        facts: Facts::default(),
    };
    // The first walk only learns which variables hold one constant, which decides what is a source.
    flow.walk();
    flow.forget_tokens();
    for (root, path) in stored {
        flow.add_stored(root, path);
    }
    for _ in 0..MAX_ROUNDS {
        flow.changed = false;
        flow.walk();
        if !flow.changed {
            break;
        }
    }
    flow.recording = true;
    flow.walk();
    flow.facts
}

impl<'a> Flow<'a> {
    fn forget_tokens(&mut self) {
        self.by_source.clear();
        self.slots.clear();
        self.facts = Facts::default();
    }

    fn walk(&mut self) {
        for index in 0..self.names.functions.len() {
            self.function(index);
        }
    }

    fn function(&mut self, index: FuncIx) {
        let func = &self.names.functions[index];
        self.func = index;
        self.closure = None;
        self.tensors.clear();
        for (position, param) in func.def.params.iter().enumerate() {
            let ty = match (&param.ty, &func.class) {
                (Some(ty), _) => Some(super::names::annotation(ty)),
                (None, Some(class)) if position == 0 => Some(Type::Class(class.clone())),
                _ => None,
            };
            self.in_default = true;
            let default = param.default.as_ref().map(|d| self.eval(d));
            self.in_default = false;
            let value = Val {
                tokens: default.map(|d| d.tokens).unwrap_or_default(),
                ty,
            };
            self.constants.note(index, &param.name, None);
            self.set_var(param.name.clone(), value);
        }
        self.suite(&func.def.body);
    }

    fn at(&self, range: Range) -> At {
        At {
            unit: self.names.functions[self.func].unit,
            func: self.func,
            start: range.start,
            end: range.end,
        }
    }

    fn add_stored(&mut self, root: Root, path: Path) {
        let slot = match &root {
            Root::Attribute(class, name) => Some(Slot::Attr(class.clone(), name.clone())),
            Root::State(class) => self.state_slot(class),
            Root::Constant(_) => None,
        };
        let source = self.intern(Source::Stored {
            root,
            path: path.clone(),
        });
        if let Some(slot) = slot {
            self.flow_into(slot, [Token { source, path }]);
        }
    }

    /// The parameter of a class's `__setstate__` that takes the state.
    fn state_slot(&self, class: &str) -> Option<Slot> {
        let func = self.names.classes.get(class)?.method("__setstate__")?;
        let param = self.names.functions[func].def.params.get(1)?;
        Some(Slot::Var(func, param.name.clone()))
    }

    fn intern(&mut self, source: Source) -> SourceId {
        if let Some(&id) = self.by_source.get(&source) {
            return id;
        }
        let id = self.facts.sources.len() as SourceId;
        self.facts.sources.push(source.clone());
        self.facts.uses.push(BTreeSet::new());
        self.by_source.insert(source, id);
        id
    }

    fn flow_into(&mut self, slot: Slot, tokens: impl IntoIterator<Item = Token>) {
        let mut tokens = tokens.into_iter().peekable();
        if tokens.peek().is_none() {
            return;
        }
        let set = self.slots.entry(slot).or_default();
        for token in tokens {
            self.changed |= set.insert(token);
        }
    }

    fn tokens_of(&self, slot: &Slot) -> SmallVec<[Token; 1]> {
        let set = self.slots.get(slot);
        set.map(|s| s.iter().cloned().collect()).unwrap_or_default()
    }

    fn set_var(&mut self, name: SmolStr, value: Val) {
        self.flow_into(Slot::Var(self.func, name.clone()), value.tokens);
        let is_tensor = value.ty == Some(Type::Tensor);
        match (is_tensor, self.tensors.contains(&name)) {
            (true, false) => self.tensors.push(name.clone()),
            (false, true) => self.tensors.retain(|t| *t != name),
            _ => {}
        }
        let key = (self.func, name);
        match value.ty {
            Some(ty) => self.types.insert(key, ty),
            None => self.types.remove(&key),
        };
    }

    /// Records that every string directly in `value` meets `role`.
    fn meet(&mut self, value: &Val, role: &Role, range: Range) {
        if !self.recording || value.tokens.is_empty() {
            return;
        }
        let at = self.at(range);
        for token in &value.tokens {
            // A container that is compared or printed shows the strings in it as well.
            let role = if *role == Role::Device && !token.path.is_empty() {
                Role::Other("a container of strings".into())
            } else {
                role.clone()
            };
            self.facts.uses[token.source as usize].insert(Use { role, at });
        }
    }

    fn hint(&mut self, hint: impl FnOnce(At) -> Hint, range: Range) {
        if self.recording {
            let at = self.at(range);
            self.facts.hints.insert(hint(at));
        }
    }
}

/// Whether a text can be a source.
fn is_device_text(text: &[u8]) -> bool {
    std::str::from_utf8(text).is_ok_and(|t| Device::parse(t).is_some())
}
