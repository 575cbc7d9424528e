//! The constructors of tensors.

use super::{Args, Step};
use crate::archive::limits;
use crate::archive::pickle::machine::Machine;
use crate::archive::pickle::{
    Dialect, Dims, GlobalKind, Layout, PickleFault, Quantizer, Tensor, TensorId, Use, Value,
    ValueId,
};
use crate::tensor::DType;

impl Machine<'_> {
    /// Storage, offset, sizes, strides.
    pub(super) fn tensor_v1(&mut self, args: &[Use]) -> Step<()> {
        let [storage, offset, sizes, strides] = self.exactly::<4>(args, "4")?;
        let tensor = self.strided(None, storage, offset, sizes, strides)?;
        self.push_tensor(tensor, 0)
    }

    /// Version 1, requires_grad, hooks, and math bits for conjugated or negated views.
    pub(super) fn tensor_v2(&mut self, args: &[Use]) -> Step<()> {
        let (&[storage, offset, sizes, strides, requires_grad, _hooks], bits) =
            split_at_most(args)?;
        let mut tensor = self.strided(None, storage, offset, sizes, strides)?;
        tensor.requires_grad = self.bool(requires_grad)?;
        self.math_bits(&mut tensor, bits)?;
        self.push_tensor(tensor, 0)
    }

    /// Version 2 with a dtype before the math bits.
    pub(super) fn tensor_v3(&mut self, args: &[Use]) -> Step<()> {
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

    pub(super) fn qtensor(&mut self, args: &[Use]) -> Step<()> {
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

    pub(super) fn meta_tensor(&mut self, args: &[Use]) -> Step<()> {
        let [dtype, sizes, strides, requires_grad] = self.exactly::<4>(args, "4")?;
        let (sizes, strides) = (self.dims("a size", sizes)?, self.dims("a stride", strides)?);
        let mut tensor = plain(self.dtype(dtype)?, sizes, Layout::Meta { strides });
        tensor.requires_grad = self.bool(requires_grad)?;
        self.push_tensor(tensor, 0)
    }

    pub(super) fn strided(
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
    pub(super) fn sparse_tensor(&mut self, args: &[Use]) -> Step<()> {
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

    pub(super) fn sparse_coo(
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

    pub(super) fn sparse_compressed(
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

    pub(super) fn tensor_part(&self, it: Use) -> Step<DType> {
        match self.out.at(it) {
            Value::Tensor(id) => Ok(self.out.tensor(id).dtype),
            _ => Err(self.expected("a tensor", it)),
        }
    }

    pub(super) fn layout(&self, it: Use) -> Step<i64> {
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

    pub(super) fn parameter(&mut self, args: &[Use]) -> Step<()> {
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

    pub(super) fn push_tensor(&mut self, tensor: Tensor, depth: u16) -> Step<()> {
        check_size(&tensor)?;
        let id = TensorId(self.out.tensors.len() as u32);
        self.out.tensors.push(tensor);
        self.push_around(Value::Tensor(id), depth)?;
        let value = ValueId(self.out.values.len() as u32 - 1);
        self.out.tensor_values.push(value);
        Ok(())
    }

    pub(super) fn math_bits(&self, tensor: &mut Tensor, bits: Option<Use>) -> Step<()> {
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

    pub(super) fn quantizer(&self, it: Use) -> Step<Quantizer> {
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

    pub(super) fn dtype(&self, it: Use) -> Step<DType> {
        let global = self.global_of(it)?;
        match self.out.global(global).kind {
            GlobalKind::DType(dtype) => Ok(dtype),
            _ => Err(self.expected("a dtype", it)),
        }
    }

    pub(super) fn dims(&self, what: &'static str, it: Use) -> Step<Dims> {
        let items = self.tuple_items(it)?;
        if items.len() > limits::MAX_RANK {
            return Err(PickleFault::TooManyDims(items.len()));
        }
        items
            .iter()
            .map(|it| self.not_negative(what, *it))
            .collect()
    }

    pub(super) fn not_negative(&self, what: &'static str, it: Use) -> Step<i64> {
        let value = self.int(it)?;
        if value < 0 {
            Err(PickleFault::Negative { what, value })
        } else {
            Ok(value)
        }
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
