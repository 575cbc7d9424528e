//! Borrowed tensors, and the dense orders that kernels read them in.

use std::borrow::Cow;
use std::num::NonZeroU64;

use super::output::{Data, Element, MemoryFormat};
use crate::tensor::DType;

/// A borrowed tensor: torch's shape and strides over bytes that start at its first element.
#[derive(Clone, Copy, Debug)]
pub struct TensorRef<'a> {
    /// Element type.
    pub dtype: DType,
    /// Sizes.
    pub shape: &'a [usize],
    /// Steps in elements; those of dimensions of size 1 mean nothing.
    pub strides: &'a [usize],
    /// From the first element to past the last; empty if only the shape is known.
    pub data: &'a [u8],
    /// Identity of content that never changes, such as an engine's constant; `None` if unknown.
    pub key: Option<NonZeroU64>,
}

/// A tensor whose elements lie densely in one of the two orders.
#[derive(Clone, Debug)]
pub struct Dense<'a, T: Clone> {
    /// Elements in memory order.
    pub data: Cow<'a, [T]>,
    /// That order.
    pub format: MemoryFormat,
}

impl<'a> TensorRef<'a> {
    /// A tensor of unknown identity.
    pub fn new(dtype: DType, shape: &'a [usize], strides: &'a [usize], data: &'a [u8]) -> Self {
        Self {
            dtype,
            shape,
            strides,
            data,
            key: None,
        }
    }

    /// Number of elements.
    pub fn numel(&self) -> usize {
        self.shape.iter().fold(1usize, |n, d| n.saturating_mul(*d))
    }

    /// Whether the elements can be read.
    pub fn has_data(&self) -> bool {
        !self.data.is_empty() || self.numel() == 0
    }

    /// Whether every element lies inside `data`, and all sizes are sane.
    pub(super) fn check(&self) -> Result<(), String> {
        if self.shape.len() != self.strides.len() {
            return Err(format!(
                "{} sizes but {} strides",
                self.shape.len(),
                self.strides.len()
            ));
        }
        if !self.has_data() || self.numel() == 0 {
            return Ok(());
        }
        let last = self
            .shape
            .iter()
            .zip(self.strides)
            .try_fold(0usize, |at, (size, step)| {
                at.checked_add((size - 1).checked_mul(*step)?)
            });
        let end = last.and_then(|at| at.checked_add(1)?.checked_mul(self.dtype.size()));
        match end {
            Some(end) if end <= self.data.len() && self.numel() <= isize::MAX as usize / 16 => {
                Ok(())
            }
            _ => Err(format!(
                "shape {:?} with strides {:?} does not fit {} bytes",
                self.shape,
                self.strides,
                self.data.len()
            )),
        }
    }

    fn lies_in_order(&self, order: impl DoubleEndedIterator<Item = usize>) -> bool {
        let mut step = 1;
        for dim in order.rev() {
            if self.shape[dim] != 1 && self.strides[dim] != step {
                return false;
            }
            step = step.saturating_mul(self.shape[dim]);
        }
        true
    }

    /// Whether memory order is shape order.
    pub fn is_contiguous(&self) -> bool {
        self.lies_in_order(0..self.shape.len())
    }

    /// Whether memory order is `[N, spatial…, C]`; ranks 4 and 5 only.
    pub fn is_channels_last(&self) -> bool {
        let rank = self.shape.len();
        matches!(rank, 4 | 5)
            && self.lies_in_order(std::iter::once(0).chain(2..rank).chain(std::iter::once(1)))
    }

    /// The first `numel` elements of memory, if they have this type.
    fn memory<T: Element>(&self) -> Option<&'a [T]> {
        if self.dtype != T::DTYPE {
            return None;
        }
        let bytes = self.data.get(..self.numel().checked_mul(size_of::<T>())?)?;
        bytemuck::try_cast_slice(bytes).ok()
    }

    /// All elements in shape order; borrowed if memory has that order. `None` for another element type.
    pub fn contiguous<T: Element>(&self) -> Option<Cow<'a, [T]>> {
        if self.dtype != T::DTYPE {
            return None;
        }
        if self.is_contiguous()
            && let Some(elements) = self.memory()
        {
            return Some(Cow::Borrowed(elements));
        }
        let mut dims: Vec<(usize, usize)> = self
            .shape
            .iter()
            .copied()
            .zip(self.strides.iter().copied())
            .collect();
        self.gather(&mut dims).map(Cow::Owned)
    }

    /// All elements in the order `[N, spatial…, C]` of a tensor `[N, C, spatial…]` of rank at least 2; borrowed if memory has it.
    pub fn channels_last<T: Element>(&self) -> Option<Cow<'a, [T]>> {
        if self.dtype != T::DTYPE || self.shape.len() < 2 {
            return None;
        }
        if (self.is_channels_last() || (self.shape.len() == 2 && self.is_contiguous()))
            && let Some(elements) = self.memory()
        {
            return Some(Cow::Borrowed(elements));
        }
        if self.is_contiguous()
            && let Some(elements) = self.memory()
        {
            return Some(Cow::Owned(pixels_of(elements, self.shape)));
        }
        let mut dims: Vec<(usize, usize)> = self
            .shape
            .iter()
            .copied()
            .zip(self.strides.iter().copied())
            .collect();
        let channel = dims.remove(1);
        dims.push(channel);
        self.gather(&mut dims).map(Cow::Owned)
    }

    /// All elements in the dense order that memory has already, else contiguous.
    pub fn dense<T: Element>(&self) -> Option<Dense<'a, T>> {
        if !self.is_contiguous()
            && self.is_channels_last()
            && let Some(elements) = self.memory()
        {
            return Some(Dense {
                data: Cow::Borrowed(elements),
                format: MemoryFormat::ChannelsLast,
            });
        }
        let data = self.contiguous()?;
        Some(Dense {
            data,
            format: MemoryFormat::Contiguous,
        })
    }

    /// Reads along `dims` (size, step), outermost first.
    fn gather<T: Element>(&self, dims: &mut Vec<(usize, usize)>) -> Option<Vec<T>> {
        let n = self.numel();
        let mut out = Vec::with_capacity(n);
        if n == 0 {
            return Some(out);
        }
        let (inner, step) = dims.pop().unwrap_or((1, 1));
        let mut index = vec![0usize; dims.len()];
        let width = size_of::<T>();
        loop {
            let base: usize = index
                .iter()
                .zip(&*dims)
                .map(|(i, (_, step))| i * step)
                .sum();
            for i in 0..inner {
                let at = (base + i * step) * width;
                out.push(bytemuck::pod_read_unaligned(self.data.get(at..at + width)?));
            }
            let mut dim = dims.len();
            loop {
                if dim == 0 {
                    return Some(out);
                }
                dim -= 1;
                index[dim] += 1;
                if index[dim] < dims[dim].0 {
                    break;
                }
                index[dim] = 0;
            }
        }
    }

    /// An owned copy in shape order; `None` for element types that no operator takes.
    pub fn to_data(&self) -> Option<Data> {
        Some(match self.dtype {
            DType::Bool => {
                let bytes = TensorRef {
                    dtype: DType::U8,
                    ..*self
                };
                Data::Bool(bytes.contiguous::<u8>()?.into_owned())
            }
            DType::U8 => Data::U8(self.contiguous()?.into_owned()),
            DType::I8 => Data::I8(self.contiguous()?.into_owned()),
            DType::I16 => Data::I16(self.contiguous()?.into_owned()),
            DType::I32 => Data::I32(self.contiguous()?.into_owned()),
            DType::I64 => Data::I64(self.contiguous()?.into_owned()),
            DType::F32 => Data::F32(self.contiguous()?.into_owned()),
            DType::F64 => Data::F64(self.contiguous()?.into_owned()),
            _ => return None,
        })
    }
}

/// `[N, C, spatial…]` to `[N, spatial…, C]`.
fn pixels_of<T: Element>(planes: &[T], shape: &[usize]) -> Vec<T> {
    let mut pixels = vec![T::default(); planes.len()];
    let (channels, plane) = (shape[1], shape[2..].iter().product::<usize>());
    if planes.is_empty() {
        return pixels;
    }
    for (from, to) in planes
        .chunks_exact(channels * plane)
        .zip(pixels.chunks_exact_mut(channels * plane))
    {
        for (channel, from) in from.chunks_exact(plane).enumerate() {
            let to = to[channel..].iter_mut().step_by(channels);
            to.zip(from).for_each(|(to, from)| *to = *from);
        }
    }
    pixels
}
