//! Devices and strings in the pickles, with the place each hangs at.

use super::device::Device;
use super::flow::{Path, Root, Step};
use super::names::Names;
use crate::archive::pickle::{
    Layout, ObjectId, OpId, Pickle, Quantizer, StorageId, TensorId, Use, Value, ValueId,
};
use rustc_hash::{FxHashMap, FxHashSet};
use smallvec::SmallVec;
use smol_str::SmolStr;

/// What a stored text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TextKind {
    /// The text of a device.
    Device,
    /// A string that spells a device.
    Str,
}

/// One use of a device text.
#[derive(Clone, Debug)]
pub(super) struct StoredText {
    /// The op that pushed the value: the string, or the device.
    pub(super) op: OpId,
    /// What it is.
    pub(super) kind: TextKind,
    /// The device it spells.
    pub(super) device: Device,
    /// Where it hangs; more than one root when containers are shared.
    pub(super) roots: SmallVec<[(Root, Path); 1]>,
    /// Path of attributes, such as `encoder.device`.
    pub(super) place: String,
}

/// What one pickle holds.
#[derive(Default)]
pub(super) struct Stored {
    /// Device texts that are no storage locations.
    pub(super) texts: Vec<StoredText>,
    /// Path of the first tensor of each storage.
    pub(super) storage_places: FxHashMap<StorageId, String>,
    /// Paths of the instances of each class.
    pub(super) scopes: FxHashMap<SmolStr, Vec<String>>,
}

/// How to read a pickle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// `data.pkl`
    Data,
    /// `constants.pkl`
    Constants,
    /// `traced_inputs.pkl`
    TracedInputs,
}

/// A value still to visit.
struct Visit {
    at: Use,
    root: Option<usize>,
    path: Path,
    place: String,
}

struct Walk<'a> {
    pickle: &'a Pickle,
    names: &'a Names<'a>,
    roots: Vec<Root>,
    by_root: FxHashMap<Root, usize>,
    /// A container shared by two roots is read once for each.
    seen: FxHashSet<(ValueId, Option<usize>)>,
    by_op: FxHashMap<OpId, usize>,
    stack: Vec<Visit>,
    found: Stored,
}

/// Reads a pickle.
pub(super) fn read(pickle: &Pickle, part: Part, names: &Names<'_>) -> Stored {
    let mut walk = Walk {
        pickle,
        names,
        roots: Vec::new(),
        by_root: FxHashMap::default(),
        seen: FxHashSet::default(),
        by_op: FxHashMap::default(),
        stack: Vec::new(),
        found: Stored::default(),
    };
    match (part, pickle.at(pickle.root())) {
        (Part::Constants, Value::Tuple(items)) => {
            for (index, item) in pickle.items(items).iter().enumerate().rev() {
                let root = walk.root(Root::Constant(index as u32));
                walk.push(*item, root, Path::new(), format!("c{index}"));
            }
        }
        _ => walk.push(pickle.root(), None, Path::new(), String::new()),
    }
    walk.run();
    walk.found
}

impl Walk<'_> {
    fn root(&mut self, root: Root) -> Option<usize> {
        let next = self.roots.len();
        let index = *self.by_root.entry(root.clone()).or_insert(next);
        if index == next {
            self.roots.push(root);
        }
        Some(index)
    }

    fn push(&mut self, at: Use, root: Option<usize>, path: Path, place: String) {
        self.stack.push(Visit {
            at,
            root,
            path,
            place,
        });
    }

    fn run(&mut self) {
        while let Some(visit) = self.stack.pop() {
            self.visit(visit);
        }
    }

    fn visit(&mut self, visit: Visit) {
        let pickle = self.pickle;
        let value = pickle.at(visit.at);
        let below = |path: &Path, step| path.iter().copied().chain([step]).collect::<Path>();
        match value {
            Value::Str(text) => {
                if let Some(device) = pickle.str(text).and_then(Device::parse) {
                    self.text(&visit, TextKind::Str, device);
                }
                return;
            }
            Value::Device(stored) => {
                if let Some(device) = pickle.str(stored.text).and_then(Device::parse) {
                    self.text(&visit, TextKind::Device, device);
                }
                return;
            }
            Value::Tensor(id) => return self.tensor(id, visit),
            Value::Parameter { tensor, .. } => {
                return self.push(tensor, visit.root, visit.path, visit.place);
            }
            Value::Storage(id) => {
                self.found.storage_places.entry(id).or_insert(visit.place);
                return;
            }
            _ => {}
        }
        if !self.seen.insert((visit.at.value, visit.root)) {
            return;
        }
        match value {
            Value::Object(id) => self.object(id, visit),
            Value::Tuple(_) | Value::List(_) | Value::Size(_) | Value::Set(_) => {
                let is_tuple = matches!(value, Value::Tuple(_));
                let items = pickle.sequence(value).unwrap_or_default();
                for (index, item) in items.iter().enumerate().rev() {
                    let step = if is_tuple {
                        Step::Field(index as u16)
                    } else {
                        Step::Item
                    };
                    self.push(
                        *item,
                        visit.root,
                        below(&visit.path, step),
                        format!("{}[{index}]", visit.place),
                    );
                }
            }
            Value::Dict(id) => {
                for (key, item) in pickle.dict(id).items.iter().rev() {
                    let name = self.key_name(*key);
                    self.push(
                        *item,
                        visit.root,
                        below(&visit.path, Step::Value),
                        format!("{}[{name}]", visit.place),
                    );
                }
            }
            Value::Enum { .. } => {}
            _ => {}
        }
    }

    fn key_name(&self, key: Use) -> String {
        match self.pickle.at(key) {
            Value::Str(text) => format!("\"{}\"", String::from_utf8_lossy(self.pickle.text(text))),
            Value::Int(value) => value.to_string(),
            other => other.describe().into(),
        }
    }

    fn object(&mut self, id: ObjectId, visit: Visit) {
        let pickle = self.pickle;
        let object = pickle.object(id);
        let class = SmolStr::new(pickle.qualified_name(object.class));
        let scope = self.found.scopes.entry(class.clone()).or_default();
        scope.push(visit.place.clone());
        let Some(state) = object.state else { return };
        let has_setstate = self
            .names
            .classes
            .get(&class)
            .is_some_and(|c| c.method("__setstate__").is_some());
        let Value::Dict(dict) = pickle.at(state) else {
            let root = self.root(Root::State(class));
            return self.push(state, root, Path::new(), visit.place);
        };
        if has_setstate {
            let root = self.root(Root::State(class));
            return self.push(state, root, Path::new(), visit.place);
        }
        for (key, value) in pickle.dict(dict).items.iter().rev() {
            let name = pickle.str_at(*key).unwrap_or("?");
            let place = match visit.place.as_str() {
                "" => name.to_owned(),
                prefix => format!("{prefix}.{name}"),
            };
            let root = self.root(Root::Attribute(class.clone(), name.into()));
            self.push(*value, root, Path::new(), place);
        }
    }

    fn tensor(&mut self, id: TensorId, visit: Visit) {
        if !self.seen.insert((visit.at.value, None)) {
            return;
        }
        let pickle = self.pickle;
        let tensor = pickle.tensor(id);
        let parts: SmallVec<[Use; 4]> = match &tensor.layout {
            Layout::Strided { storage, .. } => {
                self.found
                    .storage_places
                    .entry(*storage)
                    .or_insert_with(|| visit.place.clone());
                SmallVec::new()
            }
            Layout::SparseCoo {
                indices, values, ..
            } => SmallVec::from_slice(&[*indices, *values]),
            Layout::SparseCompressed {
                compressed,
                plain,
                values,
                ..
            } => SmallVec::from_slice(&[*compressed, *plain, *values]),
            Layout::Meta { .. } => SmallVec::new(),
        };
        let quantizer = match tensor.quantizer {
            Some(Quantizer::PerChannel {
                scales,
                zero_points,
                ..
            }) => vec![scales, zero_points],
            _ => Vec::new(),
        };
        for part in parts.into_iter().chain(quantizer) {
            self.push(part, visit.root, visit.path.clone(), visit.place.clone());
        }
    }

    fn text(&mut self, visit: &Visit, kind: TextKind, device: Device) {
        let root = visit
            .root
            .map(|index| (self.roots[index].clone(), visit.path.clone()));
        if let Some(&known) = self.by_op.get(&visit.at.op) {
            let roots = &mut self.found.texts[known].roots;
            roots.extend(root.filter(|r| !roots.contains(r)));
            return;
        }
        self.by_op.insert(visit.at.op, self.found.texts.len());
        self.found.texts.push(StoredText {
            op: visit.at.op,
            kind,
            device,
            roots: root.into_iter().collect(),
            place: visit.place.clone(),
        });
    }
}
