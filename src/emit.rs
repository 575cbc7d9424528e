//! A new TorchScript file from a tree of objects, class sources and tensors (`torchscript.md` section 8).
//!
//! An [`Emit`] collects classes, tensors, objects and functions; [`Emit::finish`] makes the archive's plan, which is
//! written or taken as bytes. Classes come before the objects that have them, children before parents:
//!
//! ```
//! use ptool::emit::{ClassSpec, Emit, Method, Value};
//!
//! let mut emit = Emit::new("net");
//! let spec = ClassSpec::module("__torch__.Net")
//!     .parameter("w")
//!     .attribute("gain", "float")
//!     .method(Method::new("forward", "Tensor").param("x", "Tensor").body("return torch.mul(self.w, self.gain)"));
//! let class = emit.class(spec)?;
//! let w = emit.f32_tensor(&[1.0, 2.0], &[2], true)?;
//! let root = emit.object(class, vec![Value::Tensor(w), Value::Float(0.5)])?;
//! let bytes = emit.finish(root)?.to_bytes()?;
//! # assert!(ptool::model::Model::from_bytes(bytes)?.diagnostics.is_empty());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Source text is brought into torch's own layout by parsing and printing it, so that reading the file and printing
//! its tree gives the same bytes. Numbers of `___torch_mangle_N` count through the file.

mod class;
mod error;
mod pickle;
mod records;
mod tensor;
mod value;
mod version;

pub use class::{Attribute, Base, ClassId, ClassSpec, Method, Param, Role, attribute};
pub use error::EmitError;
pub use tensor::{StorageId, Tensor, TensorId};
pub use value::{ObjectId, Value};

use std::collections::HashMap;

use crate::archive::{Blob, Plan};
use class::Classes;
use records::Sources;
use tensor::Tensors;

/// Nesting of objects and containers that is written; each level is up to three in the pickle, and the reader of this
/// crate stops at [`crate::archive::limits::MAX_DEPTH`].
pub const MAX_DEPTH: usize = crate::archive::limits::MAX_DEPTH as usize / 4;

/// A file in the making.
#[derive(Debug)]
pub struct Emit {
    folder: String,
    device: String,
    classes: Classes,
    sources: Sources,
    tensors: Tensors,
    objects: Vec<value::Object>,
    constants: Vec<Value>,
    extra: Vec<(String, Blob)>,
}

impl Emit {
    /// An empty file whose records lie in `folder`, the file's stem as torch names it (section 1.1).
    pub fn new(folder: &str) -> Emit {
        Emit {
            folder: folder.to_owned(),
            device: "cpu".to_owned(),
            classes: Classes::default(),
            sources: Sources::default(),
            tensors: Tensors::default(),
            objects: Vec::new(),
            constants: Vec::new(),
            extra: Vec::new(),
        }
    }

    /// The folder of all records.
    pub fn folder(&self) -> &str {
        &self.folder
    }

    /// Where new storages are to be placed when the file is loaded; `cpu` at first.
    pub fn set_device(&mut self, device: &str) {
        self.device = device.to_owned();
    }

    /// Defines a class, or finds the one with the same name, attributes and methods. Another definition under a
    /// known name gets `___torch_mangle_N` before its last component, as torch names it (section 3.1).
    pub fn class(&mut self, spec: ClassSpec) -> Result<ClassId, EmitError> {
        let (id, added) = self.classes.intern(spec)?;
        if let Some((qualifier, text)) = added {
            self.sources.add(&qualifier, &text)?;
        }
        Ok(id)
    }

    /// A class's qualified name, for the types of attributes that hold its objects.
    pub fn class_name(&self, class: ClassId) -> &str {
        self.classes.name(class)
    }

    /// Makes an object. `values` are in the order of the class's attributes; `training` and
    /// `_is_full_backward_hook` of modules are filled in.
    pub fn object(&mut self, class: ClassId, values: Vec<Value>) -> Result<ObjectId, EmitError> {
        let spec = self.classes.spec(class);
        if values.len() != spec.attributes.len() {
            return Err(EmitError::Arity {
                class: self.classes.name(class).to_owned(),
                expected: spec.attributes.len(),
                found: values.len(),
            });
        }
        self.objects.push(value::Object { class, values });
        Ok(ObjectId(self.objects.len() as u32 - 1))
    }

    /// The class of an object.
    pub fn class_of(&self, object: ObjectId) -> ClassId {
        self.objects[object.index()].class
    }

    /// Adds functions to the record of a module, such as
    /// `__torch__.horizon_plugin_pytorch.nn.quantized.functional`: the text of one or more `def` or `class` items.
    pub fn source(&mut self, qualifier: &str, text: &str) -> Result<(), EmitError> {
        self.sources.add(qualifier, text)
    }

    /// Appends to the table of constants; the result is its name in sources, `CONSTANTS.c0`.
    pub fn constant(&mut self, value: Value) -> String {
        self.constants.push(value);
        format!("CONSTANTS.c{}", self.constants.len() - 1)
    }

    /// Adds the record `extra/<name>`, what Python reads through `_extra_files`.
    pub fn extra(&mut self, name: &str, bytes: impl Into<Vec<u8>>) {
        self.record(&format!("extra/{name}"), bytes.into());
    }

    /// Adds a record as it is, before all others.
    pub fn record(&mut self, record: &str, bytes: impl Into<Blob>) {
        self.extra.push((record.to_owned(), bytes.into()));
    }

    /// The records, in torch's order (section 1.3).
    pub fn finish(mut self, root: ObjectId) -> Result<Plan<'static>, EmitError> {
        let data = pickle::object(&self, root)?;
        let constants = pickle::constants(&self)?;
        let version = self.sources.version();
        let mut plan = records::Records::new(&self.folder);
        for (name, bytes) in std::mem::take(&mut self.extra) {
            plan.add(&name, bytes)?;
        }
        plan.pickle("data", &self.tensors, data)?;
        for (record, text) in self.sources.texts() {
            plan.add(&record, text.into_bytes())?;
        }
        plan.pickle("constants", &self.tensors, constants)?;
        plan.finish(version)
    }
}

/// Indices of equal things.
type Interned<K, V> = HashMap<K, V>;
