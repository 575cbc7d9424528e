//! `REDUCE` and `BINPERSID`: the constructors of tensors, storages and containers.

mod tensor;

use smallvec::SmallVec;

use super::machine::Machine;
use super::{
    Device, Dialect, GlobalKind, Items, ListKind, PickleFault, Storage, StorageId, Use, Value,
};
use crate::tensor::DType;

type Step<T> = Result<T, PickleFault>;
type Args = SmallVec<[Use; 8]>;

impl Machine<'_> {
    pub(super) fn reduce(&mut self) -> Step<()> {
        let args = self.pop()?;
        let callable = self.pop()?;
        let mut callable = self.global_of(callable)?;
        let mut kind = self.out.global(callable).kind;
        if kind == GlobalKind::Class {
            return self.push_around(
                Value::Enum {
                    class: callable,
                    value: args,
                },
                self.depth_of(&[args]),
            );
        }
        let mut args: Args = self.args(args)?;
        // Subclasses of tensors: (function, class, arguments, state); what remains is the function's result.
        while kind == GlobalKind::RebuildFromType {
            let [function, _class, inner, _state] = self.exactly::<4>(&args, "4")?;
            callable = self.global_of(function)?;
            kind = self.out.global(callable).kind;
            args = self.args(inner)?;
        }
        self.call(kind, &args).map_err(|fault| match fault {
            Fault::NotCallable => PickleFault::NotCallable(self.out.qualified_name(callable)),
            Fault::Other(fault) => fault,
        })
    }

    fn call(&mut self, kind: GlobalKind, args: &[Use]) -> Result<(), Fault> {
        use GlobalKind::*;
        match kind {
            RebuildTensorV2 => self.tensor_v2(args)?,
            RebuildTensorV3 => self.tensor_v3(args)?,
            RebuildTensor => self.tensor_v1(args)?,
            RebuildQTensor => self.qtensor(args)?,
            RebuildSparseTensor => self.sparse_tensor(args)?,
            RebuildMetaTensor => self.meta_tensor(args)?,
            RebuildParameter | RebuildParameterWithState => self.parameter(args)?,
            BuildList(list) => self.build_list(list, args)?,
            RestoreTypeTag => self.restore_type_tag(args)?,
            OrderedDict => self.ordered_dict(args)?,
            Complex => {
                let [re, im] = self.exactly::<2>(args, "2")?;
                self.push(Value::Complex(self.float(re)?, self.float(im)?));
            }
            Device => self.device(args)?,
            Size => self.size(args)?,
            Encode => self.encode(args)?,
            Set => self.set(args)?,
            GetLayout => {
                let [name] = self.exactly::<1>(args, "1")?;
                self.push(Value::Layout(self.text(name)?));
            }
            Class
            | Storage(_)
            | UntypedStorage
            | DType(_)
            | PerTensorAffine
            | PerChannelAffine { .. }
            | RebuildFromType
            | TensorClass => return Err(Fault::NotCallable),
        }
        Ok(())
    }

    fn exactly<const N: usize>(&self, args: &[Use], expected: &'static str) -> Step<[Use; N]> {
        args.try_into().map_err(|_| PickleFault::Arity {
            expected,
            found: args.len(),
        })
    }

    // Storages.

    pub(super) fn persistent_id(&mut self) -> Step<()> {
        let id = self.pop()?;
        let items: Args = self.args(id)?;
        let (parts, view) = match (items.len(), self.out.dialect) {
            (6, Dialect::Python) => (&items[..5], Some(items[5])),
            _ => (&items[..], None),
        };
        let [kind, class, key, location, count] = self.exactly::<5>(parts, "5")?;
        let kind = self.text(kind)?;
        if self.out.text(kind) != b"storage" {
            return Err(PickleFault::PersistentId(
                String::from_utf8_lossy(self.out.text(kind)).into_owned(),
            ));
        }
        if view.is_some_and(|it| self.out.at(it) != Value::None) {
            return Err(PickleFault::StorageView);
        }
        let dtype = self.storage_type(class)?;
        let numel = self.not_negative("the storage's element count", count)? as u64;
        numel
            .checked_mul(dtype.map_or(1, DType::size) as u64)
            .ok_or(PickleFault::Overflow)?;
        let storage = Storage {
            key: self.text(key)?,
            dtype,
            numel,
            location: self.text(location)?,
            location_op: location.op,
            op: self.op,
        };
        let id = StorageId(self.out.storages.len() as u32);
        self.out.storages.push(storage);
        self.push(Value::Storage(id));
        Ok(())
    }

    fn storage_type(&self, class: Use) -> Step<Option<DType>> {
        let global = self.global_of(class)?;
        match self.out.global(global).kind {
            GlobalKind::Storage(dtype) => Ok(Some(dtype)),
            GlobalKind::UntypedStorage => Ok(None),
            _ => Err(PickleFault::StorageType(self.out.qualified_name(global))),
        }
    }

    fn storage(&self, it: Use) -> Step<StorageId> {
        match self.out.at(it) {
            Value::Storage(id) => Ok(id),
            _ => Err(self.expected("a storage", it)),
        }
    }

    // Containers and plain values.

    fn build_list(&mut self, kind: ListKind, args: &[Use]) -> Step<()> {
        let [list] = self.exactly::<1>(args, "1")?;
        let Value::List(id) = self.out.at(list) else {
            return Err(self.expected("a list", list));
        };
        let fits = |value: Value| match kind {
            ListKind::Int => matches!(value, Value::Int(_)),
            ListKind::Float => matches!(value, Value::Float(_)),
            ListKind::Bool => matches!(value, Value::Bool(_)),
            ListKind::Tensor => matches!(value, Value::Tensor(_) | Value::Parameter { .. }),
            ListKind::Plain => true,
        };
        if self.out.list(id).kind == kind {
            self.push_id(list.value);
            return Ok(());
        }
        if let Some(odd) = self
            .out
            .list(id)
            .items
            .iter()
            .find(|it| !fits(self.out.at(**it)))
        {
            return Err(self.expected("only items of the list's type", *odd));
        }
        self.out.lists[id.index()].kind = kind;
        self.push_id(list.value);
        Ok(())
    }

    fn restore_type_tag(&mut self, args: &[Use]) -> Step<()> {
        let [container, tag] = self.exactly::<2>(args, "2")?;
        self.text(tag)?;
        match self.out.at(container) {
            Value::List(id) => self.out.lists[id.index()].tag = Some(tag),
            Value::Dict(id) => self.out.dicts[id.index()].tag = Some(tag),
            // Older writers tagged every container; on others a tag says nothing.
            Value::Tuple(_) => {}
            _ => return Err(self.expected("a list or dict", container)),
        }
        self.push_id(container.value);
        Ok(())
    }

    fn ordered_dict(&mut self, args: &[Use]) -> Step<()> {
        let pairs: Vec<Use> = match args {
            [] => Vec::new(),
            &[pairs] if self.out.dialect == Dialect::Python => match self.out.at(pairs) {
                Value::List(id) => {
                    self.spend(self.out.list(id).items.len())?;
                    self.out.list(id).items.clone()
                }
                _ => return Err(self.expected("a list of pairs", pairs)),
            },
            _ => {
                return Err(PickleFault::Arity {
                    expected: "0",
                    found: args.len(),
                });
            }
        };
        let depth = self.depth_of(args);
        let dict = self.dict_row(true);
        for pair in pairs {
            let items = self.out.sequence(self.out.at(pair)).unwrap_or(&[]);
            let [key, value] = self.exactly::<2>(items, "2")?;
            self.out.dicts[dict.index()].items.push((key, value));
        }
        self.push_around(Value::Dict(dict), depth)
    }

    fn device(&mut self, args: &[Use]) -> Step<()> {
        let (text, index) = match (args, self.out.dialect) {
            (&[text], _) => (text, None),
            (&[text, index], Dialect::Python) => (text, Some(index)),
            _ => {
                return Err(PickleFault::Arity {
                    expected: "1",
                    found: args.len(),
                });
            }
        };
        let index = index
            .map(|it| self.not_negative("the device's index", it))
            .transpose()?;
        let index = index
            .map(i16::try_from)
            .transpose()
            .map_err(|_| PickleFault::Overflow)?;
        let device = Device {
            text: self.text(text)?,
            text_op: text.op,
            index,
        };
        self.push(Value::Device(device));
        Ok(())
    }

    fn size(&mut self, args: &[Use]) -> Step<()> {
        let [sizes] = self.exactly::<1>(args, "1")?;
        let Value::Tuple(items) = self.out.at(sizes) else {
            return Err(self.expected("a tuple", sizes));
        };
        self.dims("a size", sizes)?;
        let Items { start, len } = items;
        self.push_around(Value::Size(Items { start, len }), self.depth_of(&[sizes]))
    }

    /// `_codecs.encode(text, "latin1")`: how protocol 2 spells bytes.
    fn encode(&mut self, args: &[Use]) -> Step<()> {
        let [text, codec] = self.exactly::<2>(args, "2")?;
        if self.out.text(self.text(codec)?) != b"latin1" {
            return Err(PickleFault::NotUtf8("`latin1`"));
        }
        let text = self.text(text)?;
        self.spend(text.len as usize)?;
        let text = self
            .out
            .str(text)
            .ok_or(PickleFault::NotUtf8("bytes as text"))?;
        let bytes: Option<Box<[u8]>> = text
            .chars()
            .map(|it| u8::try_from(it as u32).ok())
            .collect();
        let value = self.bytes_value(bytes.ok_or(PickleFault::NotUtf8("latin1 text"))?);
        self.push(value);
        Ok(())
    }

    fn set(&mut self, args: &[Use]) -> Step<()> {
        let [list] = self.exactly::<1>(args, "1")?;
        let Value::List(id) = self.out.at(list) else {
            return Err(self.expected("a list", list));
        };
        self.push_around(Value::Set(id), self.depth_of(&[list]))
    }
}

enum Fault {
    NotCallable,
    Other(PickleFault),
}

impl From<PickleFault> for Fault {
    fn from(fault: PickleFault) -> Fault {
        Fault::Other(fault)
    }
}
