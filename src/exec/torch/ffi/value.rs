//! Looking into values.

use super::super::super::error::ExecError;
use super::super::super::value::{
    Device, HostTensor, Quantizer, TensorRef, TensorSource, ValueRef,
};
use super::raw::*;
use super::{failure, text};
use crate::tensor::DType;

/// How deep values are shown; TorchScript lists can contain themselves.
const MAX_VALUE_DEPTH: usize = 64;

const KINDS: [&str; 9] = [
    "strided",
    "sparse_coo",
    "sparse_csr",
    "mkldnn",
    "sparse_csc",
    "sparse_bsr",
    "sparse_bsc",
    "jagged",
    "unknown",
];

impl RawValue {
    /// Shows the value and everything in it.
    pub(in super::super) fn view(&self) -> ValueRef<'_> {
        self.view_at(0)
    }

    fn view_at(&self, depth: usize) -> ValueRef<'_> {
        // SAFETY: every call reads a live value; borrowed text is copied or lives in the value.
        unsafe {
            match pt_tag(self) {
                0 => ValueRef::None,
                1 => ValueRef::Bool(pt_int(self) != 0),
                2 => ValueRef::Int(pt_int(self)),
                3 => ValueRef::Float(pt_float(self)),
                4 => {
                    let (mut re, mut im) = (0.0, 0.0);
                    pt_complex(self, &mut re, &mut im);
                    ValueRef::Complex(re, im)
                }
                5 => ValueRef::Str(self.bytes()),
                6 => match Device::parse(&text(pt_type_text(self))) {
                    Some(device) => ValueRef::Device(device),
                    None => self.other(),
                },
                7 => self.tensor().map_or_else(|| self.other(), ValueRef::Tensor),
                8..=10 if depth == MAX_VALUE_DEPTH => self.other(),
                8 => ValueRef::List(self.items(depth)),
                9 => ValueRef::Tuple(self.items(depth)),
                10 => ValueRef::Dict(pairs(self.items(depth))),
                11 => ValueRef::Enum {
                    class: text(pt_type_text(self)).into(),
                    member: text(pt_enum_member(self)).into(),
                },
                12 => ValueRef::Object(text(pt_type_text(self)).into()),
                _ => self.other(),
            }
        }
    }

    fn other(&self) -> ValueRef<'_> {
        // SAFETY: reads a live value; the text is copied.
        ValueRef::Other(text(unsafe { pt_type_text(self) }).into())
    }

    fn bytes(&self) -> &[u8] {
        let mut n = 0;
        // SAFETY: the pointer is null or valid for n bytes as long as the value lives.
        unsafe {
            let start = pt_str(self, &mut n);
            slice(start.cast(), n)
        }
    }

    fn items(&self, depth: usize) -> Vec<ValueRef<'_>> {
        // SAFETY: the buffer holds as many pointers as the shim writes; they live as long as the value.
        let pointers = unsafe {
            let n = pt_len(self).max(0) as usize;
            let mut pointers = vec![std::ptr::null(); n];
            if pt_items(self, pointers.as_mut_ptr()) < 0 {
                pointers.clear();
            }
            pointers
        };
        pointers
            .into_iter()
            // SAFETY: as above.
            .filter_map(|p: *const RawValue| unsafe { p.as_ref() })
            .map(|v| v.view_at(depth + 1))
            .collect()
    }

    fn tensor(&self) -> Option<TensorRef<'_>> {
        let mut view = std::mem::MaybeUninit::<TensorView>::zeroed();
        // SAFETY: the shim fills the whole struct on success; zeroes are a valid TensorView.
        let view = unsafe {
            if pt_tensor(self, view.as_mut_ptr()) < 0 {
                return None;
            }
            view.assume_init()
        };
        let n = view.ndim as usize;
        // SAFETY: sizes, strides and data live as long as the tensor, which the value owns.
        let (sizes, strides, data) = unsafe {
            (
                slice(view.sizes, n),
                slice(view.strides, n),
                (!view.data.is_null()).then(|| slice(view.data, view.bytes as usize)),
            )
        };
        Some(TensorRef {
            dtype: DType::from_code(view.dtype.into())?,
            sizes,
            strides,
            data,
            device: Device {
                kind: text(view.device).into(),
                index: u8::try_from(view.device_index).ok(),
            },
            quantizer: view.quantizer(),
            requires_grad: view.requires_grad != 0,
            layout: KINDS[(view.layout as usize).min(KINDS.len() - 1)],
            source: self,
        })
    }
}

impl TensorView {
    fn quantizer(&self) -> Option<Quantizer> {
        let n = self.channels.max(0) as usize;
        match self.quantizer {
            1 => Some(Quantizer::PerTensor {
                scale: self.scale,
                zero_point: self.zero_point,
            }),
            2 => Some(Quantizer::PerChannel {
                axis: self.axis,
                // SAFETY: both arrays hold n entries until the shim's next call on this thread.
                scales: unsafe { slice(self.scales, n) }.to_vec(),
                // SAFETY: as above.
                zero_points: unsafe { slice(self.zero_points, n) }.to_vec(),
                float_zero_points: self.float_zero_points != 0,
            }),
            _ => None,
        }
    }
}

/// A slice, empty for a null pointer.
unsafe fn slice<'a, T>(start: *const T, n: usize) -> &'a [T] {
    if start.is_null() {
        return &[];
    }
    // SAFETY: the caller promises n entries that live for 'a.
    unsafe { std::slice::from_raw_parts(start, n) }
}

fn pairs(items: Vec<ValueRef<'_>>) -> Vec<(ValueRef<'_>, ValueRef<'_>)> {
    let mut items = items.into_iter();
    let mut pairs = Vec::with_capacity(items.len() / 2);
    while let (Some(key), Some(value)) = (items.next(), items.next()) {
        pairs.push((key, value));
    }
    pairs
}

impl TensorSource for RawValue {
    fn to_host(&self) -> std::result::Result<HostTensor, ExecError> {
        // SAFETY: reads a live value; the result is owned and freed below.
        let copy = unsafe { pt_to_host(self) };
        if copy.is_null() {
            return Err(ExecError::Internal(failure().message));
        }
        // SAFETY: not null, alive until freed.
        let host = unsafe { &*copy }
            .tensor()
            .filter(|t| t.data.is_some())
            .map(|t| t.to_host());
        // SAFETY: owned, freed once, no borrow left.
        unsafe { pt_value_free(copy) };
        host.unwrap_or_else(|| Err(ExecError::Internal("tensor without host memory".into())))
    }
}
