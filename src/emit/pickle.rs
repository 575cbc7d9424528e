//! `data.pkl` and `constants.pkl`, spelled as torch's own writer spells them (`torchscript.md` 2.1 to 2.6).

use std::collections::HashMap;
use std::hash::Hash;

use super::error::EmitError;
use super::tensor::{StorageId, TensorId};
use super::value::{ObjectId, Value};
use super::{Emit, Interned, MAX_DEPTH};
use crate::archive::pickle::{Scalar, code};
use crate::tensor::DType;

/// A pickle and the storages it names, by key.
pub(super) struct Pickled {
    pub(super) bytes: Vec<u8>,
    pub(super) storages: Vec<StorageId>,
}

/// `data.pkl` with this root.
pub(super) fn object(emit: &Emit, root: ObjectId) -> Result<Pickled, EmitError> {
    let root = Value::Object(root);
    Writer::new(emit, std::slice::from_ref(&root)).pickle(&root)
}

/// `constants.pkl`.
pub(super) fn constants(emit: &Emit) -> Result<Pickled, EmitError> {
    let table = Value::Tuple(emit.constants.clone());
    Writer::new(emit, &emit.constants).pickle(&table)
}

struct Writer<'e> {
    emit: &'e Emit,
    out: Vec<u8>,
    next_memo: u32,
    strings: Interned<Vec<u8>, u32>,
    globals: Interned<String, u32>,
    devices: Interned<String, u32>,
    /// Key and memo of every storage named so far.
    storages: Interned<StorageId, u32>,
    keys: Vec<StorageId>,
    tensors: Shared<TensorId>,
    objects: Shared<ObjectId>,
}

/// Things that are written once and fetched from the memo after: those with several uses.
#[derive(Default)]
struct Shared<K> {
    uses: HashMap<K, u32>,
    memo: HashMap<K, u32>,
}

impl<K: Hash + Eq + Copy> Shared<K> {
    /// Counts a use; true for the first.
    fn count(&mut self, key: K) -> bool {
        let uses = self.uses.entry(key).or_default();
        *uses += 1;
        *uses == 1
    }

    fn is_shared(&self, key: K) -> bool {
        self.uses.get(&key).is_some_and(|it| *it > 1)
    }
}

type Step = Result<(), EmitError>;

impl<'e> Writer<'e> {
    fn new(emit: &'e Emit, roots: &[Value]) -> Writer<'e> {
        let mut writer = Writer {
            emit,
            out: vec![code::PROTO, 2],
            next_memo: 0,
            strings: HashMap::new(),
            globals: HashMap::new(),
            devices: HashMap::new(),
            storages: HashMap::new(),
            keys: Vec::new(),
            tensors: Shared {
                uses: HashMap::new(),
                memo: HashMap::new(),
            },
            objects: Shared {
                uses: HashMap::new(),
                memo: HashMap::new(),
            },
        };
        writer.count_uses(roots);
        writer
    }

    fn pickle(mut self, root: &Value) -> Result<Pickled, EmitError> {
        self.value(root, 0)?;
        self.out.push(code::STOP);
        Ok(Pickled {
            bytes: self.out,
            storages: self.keys,
        })
    }

    fn count_uses(&mut self, roots: &[Value]) {
        let emit = self.emit;
        let mut left: Vec<&Value> = roots.iter().collect();
        // `roots` borrows from outside; objects borrow from `emit`.
        while let Some(value) = left.pop() {
            match value {
                Value::Tensor(id) => {
                    self.tensors.count(*id);
                }
                Value::Object(id) if self.objects.count(*id) => {
                    left.extend(&emit.objects[id.index()].values);
                }
                Value::Tuple(items) | Value::List { items, .. } => left.extend(items),
                Value::Dict { items, .. } => {
                    left.extend(items.iter().flat_map(|it| [&it.0, &it.1]))
                }
                _ => {}
            }
        }
    }

    fn value(&mut self, value: &Value, depth: usize) -> Step {
        if depth > MAX_DEPTH {
            return Err(EmitError::TooDeep { limit: MAX_DEPTH });
        }
        match value {
            Value::None => self.scalar(&Scalar::None),
            Value::Bool(it) => self.scalar(&Scalar::Bool(*it)),
            Value::Int(it) => self.scalar(&Scalar::Int(*it)),
            Value::Float(it) => self.scalar(&Scalar::Float(*it)),
            Value::Str(text) => self.string(text)?,
            Value::Device(text) => self.device(text)?,
            Value::Tuple(items) => self.tuple(items, depth)?,
            Value::List { element, items } => self.list(element, items, depth)?,
            Value::Dict { key, value, items } => self.dict(key, value, items, depth)?,
            Value::Tensor(id) => self.tensor(*id)?,
            Value::Object(id) => self.object(*id, depth)?,
        }
        Ok(())
    }

    fn object(&mut self, id: ObjectId, depth: usize) -> Step {
        if let Some(memo) = self.objects.memo.get(&id) {
            self.get(*memo);
            return Ok(());
        }
        let emit = self.emit;
        let object = &emit.objects[id.index()];
        let spec = emit.classes.spec(object.class);
        let name = emit.classes.name(object.class);
        let (module, last) = name.rsplit_once('.').unwrap_or(("__torch__", name));
        self.global(module, last);
        self.out.extend([
            code::EMPTY_TUPLE,
            code::NEWOBJ,
            code::EMPTY_DICT,
            code::MARK,
        ]);
        for (attribute, value) in spec.attributes.iter().zip(&object.values) {
            self.string(attribute.name.as_bytes())?;
            self.value(value, depth + 1)?;
        }
        for (attribute, _) in spec.implied() {
            self.string(attribute.as_bytes())?;
            // A module is saved in training mode or not; a new file is for use.
            match *attribute {
                "training" => self.out.push(code::NEWFALSE),
                _ => self.out.push(code::NONE),
            }
        }
        self.out.extend([code::SETITEMS, code::BUILD]);
        if self.objects.is_shared(id) {
            let memo = self.put();
            self.objects.memo.insert(id, memo);
        }
        Ok(())
    }

    fn tensor(&mut self, id: TensorId) -> Step {
        if let Some(memo) = self.tensors.memo.get(&id) {
            self.get(*memo);
            return Ok(());
        }
        let tensor = &self.emit.tensors.tensors[id.index()];
        self.global("torch._utils", "_rebuild_tensor_v2");
        self.out.push(code::MARK);
        self.storage(tensor.storage, tensor.dtype)?;
        self.scalar(&Scalar::Int(tensor.offset as i64));
        self.dims(&tensor.sizes);
        self.dims(&tensor.strides);
        self.scalar(&Scalar::Bool(tensor.requires_grad));
        self.global("collections", "OrderedDict");
        self.out.extend([code::EMPTY_TUPLE, code::REDUCE]);
        self.out.extend([code::TUPLE, code::REDUCE]);
        if self.tensors.is_shared(id) {
            let memo = self.put();
            self.tensors.memo.insert(id, memo);
        }
        Ok(())
    }

    fn storage(&mut self, id: StorageId, dtype: DType) -> Step {
        if let Some(memo) = self.storages.get(&id) {
            self.get(*memo);
            return Ok(());
        }
        let emit = self.emit;
        let storage = &emit.tensors.storages[id.0 as usize];
        let key = self.keys.len().to_string();
        let numel = storage.bytes.len() / dtype.size();
        self.keys.push(id);
        self.out.push(code::MARK);
        self.string(b"storage")?;
        self.global("torch", &format!("{}Storage", dtype.storage_name()));
        self.string(key.as_bytes())?;
        self.string(storage.device.as_bytes())?;
        self.scalar(&Scalar::Int(numel as i64));
        self.out.extend([code::TUPLE, code::BINPERSID]);
        let memo = self.put();
        self.storages.insert(id, memo);
        Ok(())
    }

    fn dims(&mut self, dims: &[i64]) {
        self.out.push(code::MARK);
        for dim in dims {
            self.scalar(&Scalar::Int(*dim));
        }
        self.out.push(code::TUPLE);
    }

    fn tuple(&mut self, items: &[Value], depth: usize) -> Step {
        let end = match items.len() {
            0 => code::EMPTY_TUPLE,
            1 => code::TUPLE1,
            2 => code::TUPLE2,
            3 => code::TUPLE3,
            _ => code::TUPLE,
        };
        if items.len() > 3 {
            self.out.push(code::MARK);
        }
        for item in items {
            self.value(item, depth + 1)?;
        }
        self.out.push(end);
        Ok(())
    }

    /// Lists of ints, floats, bools and tensors have builders; others carry their type as a tag.
    fn list(&mut self, element: &str, items: &[Value], depth: usize) -> Step {
        let builder = match element {
            "int" => Some("build_intlist"),
            "float" => Some("build_doublelist"),
            "bool" => Some("build_boollist"),
            "Tensor" => Some("build_tensorlist"),
            _ => None,
        };
        self.global("torch.jit._pickle", builder.unwrap_or("restore_type_tag"));
        if builder.is_some() {
            self.out.push(code::MARK);
        }
        self.out.extend([code::EMPTY_LIST, code::MARK]);
        for item in items {
            self.value(item, depth + 1)?;
        }
        self.out.push(code::APPENDS);
        if builder.is_some() {
            self.out.push(code::TUPLE);
        } else {
            self.string(format!("List[{element}]").as_bytes())?;
            self.out.push(code::TUPLE2);
        }
        self.out.push(code::REDUCE);
        Ok(())
    }

    fn dict(&mut self, key: &str, value: &str, items: &[(Value, Value)], depth: usize) -> Step {
        self.global("torch.jit._pickle", "restore_type_tag");
        self.out.extend([code::EMPTY_DICT, code::MARK]);
        for (key, value) in items {
            self.value(key, depth + 1)?;
            self.value(value, depth + 1)?;
        }
        self.out.push(code::SETITEMS);
        self.string(format!("Dict[{key}, {value}]").as_bytes())?;
        self.out.extend([code::TUPLE2, code::REDUCE]);
        Ok(())
    }

    fn device(&mut self, text: &str) -> Step {
        if let Some(memo) = self.devices.get(text) {
            self.get(*memo);
            return Ok(());
        }
        self.global("torch", "device");
        self.string(text.as_bytes())?;
        self.out.extend([code::TUPLE1, code::REDUCE]);
        let memo = self.put();
        self.devices.insert(text.to_owned(), memo);
        Ok(())
    }

    fn string(&mut self, text: &[u8]) -> Step {
        if let Some(memo) = self.strings.get(text) {
            self.get(*memo);
            return Ok(());
        }
        if u32::try_from(text.len()).is_err() {
            return Err(EmitError::TooLong { length: text.len() });
        }
        self.scalar(&Scalar::str(text));
        let memo = self.put();
        self.strings.insert(text.to_owned(), memo);
        Ok(())
    }

    fn global(&mut self, module: &str, name: &str) {
        let qualified = format!("{module}.{name}");
        if let Some(memo) = self.globals.get(&qualified) {
            self.get(*memo);
            return;
        }
        self.scalar(&Scalar::Global {
            module: module.into(),
            name: name.into(),
        });
        let memo = self.put();
        self.globals.insert(qualified, memo);
    }

    fn scalar(&mut self, scalar: &Scalar) {
        self.out.extend(scalar.to_ops());
    }

    fn get(&mut self, memo: u32) {
        match u8::try_from(memo) {
            Ok(short) => self.out.extend([code::BINGET, short]),
            Err(_) => {
                self.out.push(code::LONG_BINGET);
                self.out.extend(memo.to_le_bytes());
            }
        }
    }

    fn put(&mut self) -> u32 {
        let memo = self.next_memo;
        self.next_memo += 1;
        match u8::try_from(memo) {
            Ok(short) => self.out.extend([code::BINPUT, short]),
            Err(_) => {
                self.out.push(code::LONG_BINPUT);
                self.out.extend(memo.to_le_bytes());
            }
        }
        memo
    }
}
