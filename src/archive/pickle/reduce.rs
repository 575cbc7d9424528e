//! `REDUCE` and `BINPERSID`: the constructors of tensors, storages and containers.

use smallvec::SmallVec;

use super::machine::Machine;
use super::{
    Device, Dialect, Dims, GlobalKind, Items, Layout, ListKind, PickleFault, Quantizer, Storage,
    StorageId, Tensor, TensorId, Use, Value,
};
use crate::archive::limits;
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

    // Tensors.

    /// Storage, offset, sizes, strides.
    fn tensor_v1(&mut self, args: &[Use]) -> Step<()> {
        let [storage, offset, sizes, strides] = self.exactly::<4>(args, "4")?;
        let tensor = self.strided(None, storage, offset, sizes, strides)?;
        self.push_tensor(tensor, 0)
    }

    /// Version 1, requires_grad, hooks, and math bits for conjugated or negated views.
    fn tensor_v2(&mut self, args: &[Use]) -> Step<()> {
        let (&[storage, offset, sizes, strides, requires_grad, _hooks], bits) =
            split_at_most(args)?;
        let mut tensor = self.strided(None, storage, offset, sizes, strides)?;
        tensor.requires_grad = self.bool(requires_grad)?;
        self.math_bits(&mut tensor, bits)?;
        self.push_tensor(tensor, 0)
    }

    /// Version 2 with a dtype before the math bits.
    fn tensor_v3(&mut self, args: &[Use]) -> Step<()> {
        let (
            &[
                storage,
                offset,
                sizes,
                strides,
                requires_grad,
                _hooks,
                dtype,
            ],
            bits,
        ) = split_at_most(args)?;
        let dtype = self.dtype(dtype)?;
        let mut tensor = self.strided(Some(dtype), storage, offset, sizes, strides)?;
        tensor.requires_grad = self.bool(requires_grad)?;
        self.math_bits(&mut tensor, bits)?;
        self.push_tensor(tensor, 0)
    }

    fn qtensor(&mut self, args: &[Use]) -> Step<()> {
        let [
            storage,
            offset,
            sizes,
            strides,
            quantizer,
            requires_grad,
            _hooks,
        ] = self.exactly::<7>(args, "7")?;
        let mut tensor = self.strided(None, storage, offset, sizes, strides)?;
        tensor.requires_grad = self.bool(requires_grad)?;
        tensor.quantizer = Some(self.quantizer(quantizer)?);
        let depth = self.depth_of(&[quantizer]);
        self.push_tensor(tensor, depth)
    }

    fn meta_tensor(&mut self, args: &[Use]) -> Step<()> {
        let [dtype, sizes, strides, requires_grad] = self.exactly::<4>(args, "4")?;
        let (sizes, strides) = (self.dims("a size", sizes)?, self.dims("a stride", strides)?);
        let mut tensor = plain(self.dtype(dtype)?, sizes, Layout::Meta { strides });
        tensor.requires_grad = self.bool(requires_grad)?;
        self.push_tensor(tensor, 0)
    }

    fn strided(
        &self,
        dtype: Option<DType>,
        storage: Use,
        offset: Use,
        sizes: Use,
        strides: Use,
    ) -> Step<Tensor> {
        let storage = self.storage(storage)?;
        let offset = self.not_negative("the offset", offset)?;
        let (sizes, strides) = (self.dims("a size", sizes)?, self.dims("a stride", strides)?);
        if sizes.len() != strides.len() {
            return Err(PickleFault::Rank {
                sizes: sizes.len(),
                strides: strides.len(),
            });
        }
        let dtype = dtype
            .or(self.out.storage(storage).dtype)
            .unwrap_or(DType::U8);
        Ok(plain(
            dtype,
            sizes,
            Layout::Strided {
                storage,
                offset,
                strides,
            },
        ))
    }

    /// TorchScript: layout, sizes, requires_grad, parts, hooks. Python: layout, (parts, sizes and, for COO, coalesced).
    fn sparse_tensor(&mut self, args: &[Use]) -> Step<()> {
        let depth = self.depth_of(args);
        let tensor = match (self.out.dialect, args) {
            (Dialect::Python, &[layout, data]) => {
                let layout = self.layout(layout)?;
                let data: Args = self.args(data)?;
                match (layout, &data[..]) {
                    (1, &[indices, values, sizes]) => {
                        self.sparse_coo(sizes, indices, values, None)?
                    }
                    (1, &[indices, values, sizes, coalesced]) => {
                        self.sparse_coo(sizes, indices, values, Some(self.bool(coalesced)?))?
                    }
                    (2..=5, &[compressed, plain, values, sizes]) => {
                        self.sparse_compressed(layout, sizes, [compressed, plain, values])?
                    }
                    (1..=5, _) => {
                        return Err(PickleFault::Arity {
                            expected: "3 or 4",
                            found: data.len(),
                        });
                    }
                    _ => return Err(PickleFault::Layout(layout)),
                }
            }
            (_, &[layout, sizes, requires_grad, ref parts @ ..]) => {
                let layout = self.int(layout)?;
                let mut tensor = match (layout, parts) {
                    (1, &[indices, values, _hooks]) => {
                        self.sparse_coo(sizes, indices, values, None)?
                    }
                    (2..=5, &[compressed, plain, values, _hooks]) => {
                        self.sparse_compressed(layout, sizes, [compressed, plain, values])?
                    }
                    (1..=5, _) => {
                        return Err(PickleFault::Arity {
                            expected: "6 or 7",
                            found: args.len(),
                        });
                    }
                    _ => return Err(PickleFault::Layout(layout)),
                };
                tensor.requires_grad = self.bool(requires_grad)?;
                tensor
            }
            _ => {
                return Err(PickleFault::Arity {
                    expected: "6 or 7",
                    found: args.len(),
                });
            }
        };
        self.push_tensor(tensor, depth)
    }

    fn sparse_coo(
        &self,
        sizes: Use,
        indices: Use,
        values: Use,
        coalesced: Option<bool>,
    ) -> Step<Tensor> {
        self.tensor_part(indices)?;
        let dtype = self.tensor_part(values)?;
        Ok(plain(
            dtype,
            self.dims("a size", sizes)?,
            Layout::SparseCoo {
                indices,
                values,
                coalesced,
            },
        ))
    }

    fn sparse_compressed(
        &self,
        layout: i64,
        sizes: Use,
        [compressed, inner, values]: [Use; 3],
    ) -> Step<Tensor> {
        self.tensor_part(compressed)?;
        self.tensor_part(inner)?;
        let dtype = self.tensor_part(values)?;
        let parts = Layout::SparseCompressed {
            layout,
            compressed,
            plain: inner,
            values,
        };
        Ok(plain(dtype, self.dims("a size", sizes)?, parts))
    }

    fn tensor_part(&self, it: Use) -> Step<DType> {
        match self.out.at(it) {
            Value::Tensor(id) => Ok(self.out.tensor(id).dtype),
            _ => Err(self.expected("a tensor", it)),
        }
    }

    fn layout(&self, it: Use) -> Step<i64> {
        let Value::Layout(name) = self.out.at(it) else {
            return Err(self.expected("a layout", it));
        };
        let names: [&[u8]; 6] = [
            b"torch.strided",
            b"torch.sparse_coo",
            b"torch.sparse_csr",
            b"torch.sparse_csc",
            b"torch.sparse_bsr",
            b"torch.sparse_bsc",
        ];
        let code = names.iter().position(|it| *it == self.out.text(name));
        Ok(code.map_or(-1, |it| it as i64))
    }

    fn parameter(&mut self, args: &[Use]) -> Step<()> {
        let &[tensor, requires_grad, _hooks, ..] = args else {
            return Err(PickleFault::Arity {
                expected: "3 or 4",
                found: args.len(),
            });
        };
        self.tensor_part(tensor)?;
        let requires_grad = self.bool(requires_grad)?;
        self.push_around(
            Value::Parameter {
                tensor,
                requires_grad,
            },
            self.depth_of(&[tensor]),
        )
    }

    fn push_tensor(&mut self, tensor: Tensor, depth: u16) -> Step<()> {
        check_size(&tensor)?;
        let id = TensorId(self.out.tensors.len() as u32);
        self.out.tensors.push(tensor);
        self.push_around(Value::Tensor(id), depth)?;
        let value = super::ValueId(self.out.values.len() as u32 - 1);
        self.out.tensor_values.push(value);
        Ok(())
    }

    fn math_bits(&self, tensor: &mut Tensor, bits: Option<Use>) -> Step<()> {
        let Some(bits) = bits else { return Ok(()) };
        let dict = match self.out.at(bits) {
            Value::Dict(id) => self.out.dict(id),
            Value::None => return Ok(()),
            _ => return Err(self.expected("a dict", bits)),
        };
        for &(key, value) in dict.items.iter().take(2) {
            match self.out.text(self.text(key)?) {
                b"conj" => tensor.conj = self.bool(value)?,
                b"neg" => tensor.neg = self.bool(value)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn quantizer(&self, it: Use) -> Step<Quantizer> {
        let items = self.tuple_items(it)?;
        let &[scheme, ref parameters @ ..] = items else {
            return Err(PickleFault::Arity {
                expected: "3 or 4",
                found: 0,
            });
        };
        let global = self.global_of(scheme)?;
        match (self.out.global(global).kind, parameters) {
            (GlobalKind::PerTensorAffine, &[scale, zero_point]) => Ok(Quantizer::PerTensor {
                scale: self.float(scale)?,
                zero_point: self.int(zero_point)?,
            }),
            (GlobalKind::PerChannelAffine { float_qparams }, &[scales, zero_points, axis]) => {
                self.tensor_part(scales)?;
                self.tensor_part(zero_points)?;
                let axis = self.not_negative("the quantizer's axis", axis)?;
                Ok(Quantizer::PerChannel {
                    scales,
                    zero_points,
                    axis,
                    float_qparams,
                })
            }
            (GlobalKind::PerTensorAffine, _) => Err(PickleFault::Arity {
                expected: "3",
                found: items.len(),
            }),
            (GlobalKind::PerChannelAffine { .. }, _) => Err(PickleFault::Arity {
                expected: "4",
                found: items.len(),
            }),
            _ => Err(PickleFault::Quantizer(self.out.qualified_name(global))),
        }
    }

    fn dtype(&self, it: Use) -> Step<DType> {
        let global = self.global_of(it)?;
        match self.out.global(global).kind {
            GlobalKind::DType(dtype) => Ok(dtype),
            _ => Err(self.expected("a dtype", it)),
        }
    }

    fn dims(&self, what: &'static str, it: Use) -> Step<Dims> {
        let items = self.tuple_items(it)?;
        if items.len() > limits::MAX_RANK {
            return Err(PickleFault::TooManyDims(items.len()));
        }
        items
            .iter()
            .map(|it| self.not_negative(what, *it))
            .collect()
    }

    fn not_negative(&self, what: &'static str, it: Use) -> Step<i64> {
        let value = self.int(it)?;
        if value < 0 {
            Err(PickleFault::Negative { what, value })
        } else {
            Ok(value)
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

fn plain(dtype: DType, sizes: Dims, layout: Layout) -> Tensor {
    Tensor {
        dtype,
        sizes,
        layout,
        requires_grad: false,
        quantizer: None,
        conj: false,
        neg: false,
    }
}

/// Zero sizes count as one, so that no order of multiplication can overflow later.
fn check_size(tensor: &Tensor) -> Step<()> {
    let numel = tensor
        .sizes
        .iter()
        .try_fold(1i64, |product, size| product.checked_mul((*size).max(1)));
    let bytes = numel.and_then(|it| it.checked_mul(tensor.dtype.size() as i64));
    bytes.map(|_| ()).ok_or(PickleFault::Overflow)
}

/// `N` arguments, and perhaps one more.
fn split_at_most<const N: usize>(args: &[Use]) -> Step<(&[Use; N], Option<Use>)> {
    match args.split_first_chunk::<N>() {
        Some((first, [])) => Ok((first, None)),
        Some((first, [last])) => Ok((first, Some(*last))),
        _ => Err(PickleFault::Arity {
            expected: "6, 7 or 8",
            found: args.len(),
        }),
    }
}
