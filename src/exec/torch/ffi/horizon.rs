//! Registers the `horizon::` operators with the libtorch of this process; their kernels are those of `bpu`.
//!
//! Also compiled into `libhorizon_ops.so` (`bins/horizon_ops`), where the libtorch is Python's.

use crate::bpu::op::{self, Arg, Context, Output, TensorRef};
use crate::ir::schema::horizon_declarations;
use crate::tensor::DType;
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::num::NonZeroU64;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::slice;

/// `ho_tensor` of `shim/horizon/register.h`.
#[repr(C)]
struct RawTensor {
    sizes: *const i64,
    strides: *const i64,
    data: *const u8,
    bytes: u64,
    dtype: i32,
    ndim: i32,
    key: u64,
}

/// `ho_arg`.
#[repr(C)]
struct RawArg {
    tag: i32,
    number: i64,
    real: f64,
    items: *const c_void,
    n: usize,
}

/// `ho_call`.
#[repr(C)]
struct RawCall {
    _private: [u8; 0],
}

type Run = unsafe extern "C" fn(*const c_char, c_int, *const RawArg, usize, *mut RawCall) -> c_int;
type Free = unsafe extern "C" fn(*mut c_void);

unsafe extern "C" {
    fn ho_output(call: *mut RawCall, tensor: *const RawTensor, owner: *mut c_void);
    fn ho_error(call: *mut RawCall, text: *const u8, n: usize);
    fn ho_threads() -> c_int;
    fn ho_register(schemas: *const *const c_char, n: usize, run: Run, free: Free) -> c_int;
    fn ho_registration_error() -> *const c_char;
}

/// Declares the operators, once per process: a second call changes nothing.
pub(crate) fn register_horizon() -> Result<(), String> {
    let texts: Vec<CString> = horizon_declarations()
        .filter_map(|text| CString::new(text).ok())
        .collect();
    let pointers: Vec<*const c_char> = texts.iter().map(|text| text.as_ptr()).collect();
    // SAFETY: the texts live through the call, which copies them; the callbacks are functions of this program.
    let failed = unsafe { ho_register(pointers.as_ptr(), pointers.len(), run, free) } != 0;
    match failed {
        // SAFETY: after a failure the text is set and never changes again.
        true => Err(unsafe { CStr::from_ptr(ho_registration_error()) }
            .to_string_lossy()
            .into_owned()),
        false => Ok(()),
    }
}

/// Frees what `report` lent out.
unsafe extern "C" fn free(owner: *mut c_void) {
    // SAFETY: the pointer came from `Box::into_raw` in `report`, and each result is freed once.
    drop(unsafe { Box::from_raw(owner.cast::<Output>()) });
}

/// One call of an operator. Answers 0, or -1 with an error reported.
unsafe extern "C" fn run(
    name: *const c_char,
    meta: c_int,
    args: *const RawArg,
    n: usize,
    call: *mut RawCall,
) -> c_int {
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        // SAFETY: the shim passes `n` arguments and a NUL-terminated name that live through this call.
        let (name, args) = unsafe { (CStr::from_ptr(name), slice_of(args, n)) };
        let name = name.to_string_lossy();
        // SAFETY: each argument points to what its tag says.
        unsafe { call_kernel(&name, meta != 0, args, call) }
    }));
    let message = match outcome {
        Ok(Ok(())) => return 0,
        Ok(Err(message)) => message,
        Err(_) => "the kernel failed: this is a bug of ptool".to_owned(),
    };
    // SAFETY: the text is copied before the call returns.
    unsafe { ho_error(call, message.as_ptr(), message.len()) };
    -1
}

/// # Safety
/// Every argument points to what its tag says, and lives as long as the call.
unsafe fn call_kernel(
    name: &str,
    meta: bool,
    raw: &[RawArg],
    call: *mut RawCall,
) -> Result<(), String> {
    let mut sizes = Sizes::default();
    let mut tensors: Vec<Vec<Held>> = Vec::new();
    for arg in raw {
        // SAFETY: by the contract of this function.
        tensors.push(unsafe { held(arg, &mut sizes) }?);
    }
    let refs: Vec<Vec<TensorRef>> = tensors
        .iter()
        .map(|list| list.iter().map(|held| held.borrow(&sizes)).collect())
        .collect();
    let mut args = Vec::with_capacity(raw.len());
    for (arg, refs) in raw.iter().zip(&refs) {
        // SAFETY: by the contract of this function.
        args.push(unsafe { argument(arg, refs) }?);
    }
    if meta {
        for (dtype, shape) in op::shapes(name, &args).map_err(|e| e.to_string())? {
            report_shape(dtype, &shape, call);
        }
        return Ok(());
    }
    let cx = Context {
        // SAFETY: reads a setting.
        threads: usize::try_from(unsafe { ho_threads() }).unwrap_or(1).max(1),
        ..Context::default()
    };
    for output in op::run_in(&cx, name, &args).map_err(|e| e.to_string())? {
        report(output, call);
    }
    Ok(())
}

/// Sizes and strides of all tensors, as `usize`.
#[derive(Default)]
struct Sizes(Vec<usize>);

impl Sizes {
    /// # Safety
    /// `values` points to `n` numbers.
    unsafe fn push(&mut self, values: *const i64, n: usize) -> Result<usize, String> {
        let at = self.0.len();
        // SAFETY: by the contract of this function.
        for &value in unsafe { slice_of(values, n) } {
            let value =
                usize::try_from(value).map_err(|_| format!("{value} as a size or stride"))?;
            self.0.push(value);
        }
        Ok(at)
    }
}

/// A tensor argument; its sizes lie in [`Sizes`].
struct Held<'a> {
    dtype: DType,
    ndim: usize,
    shape: usize,
    strides: usize,
    data: &'a [u8],
    key: Option<NonZeroU64>,
}

impl<'a> Held<'a> {
    fn borrow(&self, sizes: &'a Sizes) -> TensorRef<'a> {
        let part = |at: usize| &sizes.0[at..at + self.ndim];
        TensorRef {
            key: self.key,
            ..TensorRef::new(self.dtype, part(self.shape), part(self.strides), self.data)
        }
    }
}

const NONE: i32 = 0;
const BOOL: i32 = 1;
const INT: i32 = 2;
const FLOAT: i32 = 3;
const STR: i32 = 4;
const INTS: i32 = 5;
const FLOATS: i32 = 6;
const TENSOR: i32 = 7;
const TENSORS: i32 = 8;

/// The tensors of one argument.
///
/// # Safety
/// The argument points to what its tag says.
unsafe fn held<'a>(arg: &RawArg, sizes: &mut Sizes) -> Result<Vec<Held<'a>>, String> {
    if !matches!(arg.tag, TENSOR | TENSORS) {
        return Ok(Vec::new());
    }
    // SAFETY: by the contract of this function.
    let raw = unsafe { slice_of(arg.items.cast::<RawTensor>(), arg.n) };
    let mut list = Vec::with_capacity(raw.len());
    for tensor in raw {
        let dtype = DType::from_code(i64::from(tensor.dtype))
            .ok_or_else(|| format!("tensors of dtype {} are not supported", tensor.dtype))?;
        let ndim = usize::try_from(tensor.ndim).unwrap_or(0);
        let bytes = usize::try_from(tensor.bytes).unwrap_or(0);
        list.push(Held {
            dtype,
            ndim,
            // SAFETY: torch's sizes and strides have `ndim` elements.
            shape: unsafe { sizes.push(tensor.sizes, ndim) }?,
            // SAFETY: as above.
            strides: unsafe { sizes.push(tensor.strides, ndim) }?,
            // SAFETY: the tensor's storage has `bytes` bytes from its first element on.
            data: unsafe { slice_of(tensor.data, bytes) },
            key: NonZeroU64::new(tensor.key),
        });
    }
    Ok(list)
}

/// # Safety
/// The argument points to what its tag says.
unsafe fn argument<'a>(arg: &'a RawArg, refs: &'a [TensorRef<'a>]) -> Result<Arg<'a>, String> {
    Ok(match arg.tag {
        NONE => Arg::None,
        BOOL => Arg::Bool(arg.number != 0),
        INT => Arg::Int(arg.number),
        FLOAT => Arg::Float(arg.real),
        STR => {
            // SAFETY: by the contract of this function.
            let bytes = unsafe { slice_of(arg.items.cast::<u8>(), arg.n) };
            Arg::Str(std::str::from_utf8(bytes).map_err(|_| "a string is not UTF-8".to_owned())?)
        }
        // SAFETY: by the contract of this function.
        INTS => Arg::Ints(unsafe { slice_of(arg.items.cast::<i64>(), arg.n) }),
        // SAFETY: by the contract of this function.
        FLOATS => Arg::Floats(unsafe { slice_of(arg.items.cast::<f64>(), arg.n) }),
        TENSOR => match refs {
            [tensor] => Arg::Tensor(*tensor),
            _ => return Err("a tensor argument is missing".to_owned()),
        },
        TENSORS => Arg::Tensors(refs),
        tag => return Err(format!("an argument of unknown kind {tag}")),
    })
}

/// # Safety
/// A pointer that is not null points to `n` elements that live as long as `'a`.
unsafe fn slice_of<'a, T>(pointer: *const T, n: usize) -> &'a [T] {
    match pointer.is_null() || n == 0 {
        true => &[],
        // SAFETY: by the contract of this function.
        false => unsafe { slice::from_raw_parts(pointer, n) },
    }
}

fn signed(values: &[usize]) -> Vec<i64> {
    values
        .iter()
        .map(|&v| i64::try_from(v).unwrap_or(i64::MAX))
        .collect()
}

fn ndim(sizes: &[i64]) -> i32 {
    i32::try_from(sizes.len()).unwrap_or(i32::MAX)
}

/// Hands a result to torch, which frees it.
fn report(output: Output, call: *mut RawCall) {
    let (sizes, strides) = (signed(output.shape()), signed(&output.strides()));
    let dtype = output.dtype() as i32;
    let owner = Box::new(output);
    let tensor = RawTensor {
        sizes: sizes.as_ptr(),
        strides: strides.as_ptr(),
        data: owner.as_ptr(),
        bytes: owner.bytes().len() as u64,
        dtype,
        ndim: ndim(&sizes),
        key: 0,
    };
    // SAFETY: the memory stays where it is until `free` gets the owner back.
    unsafe { ho_output(call, &tensor, Box::into_raw(owner).cast()) };
}

/// A result without data: contiguous, as the kernels' memory order depends on their inputs.
fn report_shape(dtype: DType, shape: &[usize], call: *mut RawCall) {
    let sizes = signed(shape);
    let mut strides = vec![1i64; sizes.len()];
    for dim in (1..sizes.len()).rev() {
        strides[dim - 1] = strides[dim].saturating_mul(sizes[dim].max(1));
    }
    let tensor = RawTensor {
        sizes: sizes.as_ptr(),
        strides: strides.as_ptr(),
        data: std::ptr::null(),
        bytes: 0,
        dtype: dtype as i32,
        ndim: ndim(&sizes),
        key: 0,
    };
    // SAFETY: a result without data has no owner.
    unsafe { ho_output(call, &tensor, std::ptr::null_mut()) };
}
