//! The only unsafe code: declarations of `shim/shim.h` and safe wrappers around them.
#![allow(unsafe_code)]

use super::super::error::ExecError;
use super::super::tap::KeptValue;
use super::super::value::{Device, HostTensor, Quantizer, TensorRef, TensorSource, ValueRef};
use crate::tensor::DType;
use smol_str::SmolStr;
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::marker::PhantomData;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr::NonNull;
// Only linked: it finds libtorch.
use torch_sys as _;

/// Operand flag: move the value out of its register.
pub(super) const LAST: u32 = 0x8000_0000;
/// Operand flag: a constant, not a register.
pub(super) const CONSTANT: u32 = 0x4000_0000;

/// How deep values are shown; TorchScript lists can contain themselves.
const MAX_VALUE_DEPTH: usize = 64;

/// What the shim reports when a call fails.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    /// The library's or the model's message.
    pub message: String,
    /// The model raised it.
    pub is_raise: bool,
    /// Python class of a raised exception.
    pub class: Option<SmolStr>,
}

type Result<T> = std::result::Result<T, Failure>;

#[repr(C)]
struct RawVm(PhantomData<*mut u8>, [u8; 0]);
#[repr(C)]
struct RawKept(PhantomData<*mut u8>, [u8; 0]);
#[repr(C)]
struct RawModule(PhantomData<*mut u8>, [u8; 0]);

/// A `c10::IValue` that lives inside the shim.
#[repr(C)]
pub(super) struct RawValue(PhantomData<*mut u8>, [u8; 0]);

/// A tensor to make over a storage.
#[repr(C)]
pub(super) struct TensorSpec {
    pub dtype: i32,
    pub quantizer: i32,
    pub scale: f64,
    pub zero_point: i64,
    pub axis: i64,
    pub offset: i64,
    pub sizes: *const i64,
    pub strides: *const i64,
    pub ndim: usize,
    pub requires_grad: i32,
    pub conj: i32,
    pub neg: i32,
}

impl TensorSpec {
    /// A contiguous, unquantised tensor without gradient.
    pub(super) fn plain(dtype: DType) -> TensorSpec {
        TensorSpec {
            dtype: dtype.code() as i32,
            quantizer: 0,
            scale: 0.0,
            zero_point: 0,
            axis: 0,
            offset: 0,
            sizes: std::ptr::null(),
            strides: std::ptr::null(),
            ndim: 0,
            requires_grad: 0,
            conj: 0,
            neg: 0,
        }
    }
}

#[repr(C)]
struct TensorView {
    sizes: *const i64,
    strides: *const i64,
    data: *const u8,
    bytes: u64,
    dtype: i32,
    ndim: i32,
    layout: i32,
    device_index: i32,
    device: *const c_char,
    requires_grad: i32,
    quantizer: i32,
    scale: f64,
    zero_point: i64,
    axis: i64,
    scales: *const f64,
    zero_points: *const f64,
    channels: i64,
    float_zero_points: i32,
}

unsafe extern "C" {
    fn pt_error_message() -> *const c_char;
    fn pt_error_class() -> *const c_char;
    fn pt_error_is_raise() -> c_int;
    fn pt_version() -> *const c_char;
    fn pt_set_threads(n: c_int) -> c_int;
    fn pt_manual_seed(seed: u64) -> c_int;
    fn pt_load_library(path: *const c_char) -> c_int;
    fn pt_schemas(ns: *const c_char) -> *const c_char;
    fn pt_configure_allocator();
    fn pt_vm_new() -> *mut RawVm;
    fn pt_vm_free(vm: *mut RawVm);
    fn pt_type(vm: *mut RawVm, kind: c_int, items: *const i32, n: usize) -> c_int;
    fn pt_class(vm: *mut RawVm, name: *const c_char, is_module: c_int) -> c_int;
    fn pt_class_attribute(
        vm: *mut RawVm,
        ty: c_int,
        name: *const c_char,
        attribute: c_int,
        is_parameter: c_int,
        is_buffer: c_int,
    ) -> c_int;
    fn pt_interface(vm: *mut RawVm, name: *const c_char, is_module: c_int) -> c_int;
    fn pt_named_tuple(
        vm: *mut RawVm,
        name: *const c_char,
        fields: *const *const c_char,
        types: *const i32,
        n: usize,
    ) -> c_int;
    fn pt_enum(
        vm: *mut RawVm,
        name: *const c_char,
        value_type: c_int,
        members: *const *const c_char,
        n: usize,
    ) -> c_int;
    fn pt_native_class(vm: *mut RawVm, name: *const c_char) -> c_int;
    fn pt_type_identity(vm: *mut RawVm, ty: c_int) -> *const c_void;
    fn pt_push_none(vm: *mut RawVm) -> c_int;
    fn pt_push_bool(vm: *mut RawVm, v: c_int) -> c_int;
    fn pt_push_int(vm: *mut RawVm, v: i64) -> c_int;
    fn pt_push_float(vm: *mut RawVm, v: f64) -> c_int;
    fn pt_push_complex(vm: *mut RawVm, re: f64, im: f64) -> c_int;
    fn pt_push_str(vm: *mut RawVm, bytes: *const u8, n: usize) -> c_int;
    fn pt_push_device(vm: *mut RawVm, text: *const c_char) -> c_int;
    fn pt_push_operand(vm: *mut RawVm, operand: u32) -> c_int;
    fn pt_push_enum(vm: *mut RawVm, ty: c_int, member: *const c_char) -> c_int;
    fn pt_make_list(vm: *mut RawVm, ty: c_int, n: usize) -> c_int;
    fn pt_make_tuple(vm: *mut RawVm, ty: c_int, n: usize) -> c_int;
    fn pt_make_dict(vm: *mut RawVm, ty: c_int, n: usize) -> c_int;
    fn pt_make_object(vm: *mut RawVm, ty: c_int) -> c_int;
    fn pt_set_slot(vm: *mut RawVm, object: u32, slot: u32) -> c_int;
    fn pt_set_state(vm: *mut RawVm, ty: c_int) -> c_int;
    fn pt_pop_constant(vm: *mut RawVm) -> c_int;
    fn pt_pop_register(vm: *mut RawVm, reg: u32) -> c_int;
    fn pt_drop_top(vm: *mut RawVm);
    fn pt_map_file(vm: *mut RawVm, fd: c_int, size: u64) -> i64;
    fn pt_storage_mapped(
        vm: *mut RawVm,
        map: i64,
        offset: u64,
        bytes: u64,
        device: *const c_char,
    ) -> i64;
    fn pt_storage_copied(
        vm: *mut RawVm,
        data: *const u8,
        bytes: usize,
        device: *const c_char,
    ) -> i64;
    fn pt_storage_empty(vm: *mut RawVm, bytes: u64, device: *const c_char) -> i64;
    fn pt_push_tensor(vm: *mut RawVm, storage: i64, spec: *const TensorSpec) -> c_int;
    fn pt_push_sparse(
        vm: *mut RawVm,
        layout: c_int,
        sizes: *const i64,
        ndim: usize,
        requires_grad: c_int,
    ) -> c_int;
    fn pt_end_load(vm: *mut RawVm);
    fn pt_value_at(vm: *mut RawVm, operand: u32) -> *const RawValue;
    fn pt_tag(v: *const RawValue) -> c_int;
    fn pt_int(v: *const RawValue) -> i64;
    fn pt_float(v: *const RawValue) -> f64;
    fn pt_complex(v: *const RawValue, re: *mut f64, im: *mut f64);
    fn pt_str(v: *const RawValue, n: *mut usize) -> *const c_char;
    fn pt_type_text(v: *const RawValue) -> *const c_char;
    fn pt_enum_member(v: *const RawValue) -> *const c_char;
    fn pt_len(v: *const RawValue) -> i64;
    fn pt_items(v: *const RawValue, out: *mut *const RawValue) -> c_int;
    fn pt_tensor(v: *const RawValue, out: *mut TensorView) -> c_int;
    fn pt_to_host(v: *const RawValue) -> *mut RawValue;
    fn pt_value_free(v: *mut RawValue);
    fn pt_find_operator(vm: *mut RawVm, name: *const c_char, overload: *const c_char) -> c_int;
    fn pt_find_method(vm: *mut RawVm, ty: c_int, name: *const c_char) -> c_int;
    fn pt_call(
        vm: *mut RawVm,
        op: c_int,
        ins: *const u32,
        n: usize,
        outs: *const u32,
        m: usize,
    ) -> c_int;
    fn pt_form(
        vm: *mut RawVm,
        form: c_int,
        a: i32,
        b: i32,
        ins: *const u32,
        n: usize,
        outs: *const u32,
        m: usize,
    ) -> c_int;
    fn pt_isinstance(vm: *mut RawVm, value: u32, types: *const i32, n: usize, out: u32) -> c_int;
    fn pt_test(vm: *mut RawVm, operand: u32) -> c_int;
    fn pt_loop(vm: *mut RawVm, trip: u32, max: u32, condition: u32, first: c_int) -> c_int;
    fn pt_print(vm: *mut RawVm, ins: *const u32, n: usize) -> *const c_char;
    fn pt_class_of(vm: *mut RawVm, operand: u32) -> *const c_void;
    fn pt_enter(vm: *mut RawVm, step: u32, registers: u32, ins: *const u32, n: usize) -> c_int;
    fn pt_leave(vm: *mut RawVm, step: u32, registers: u32, result: u32, out: u32) -> c_int;
    fn pt_drop(vm: *mut RawVm, regs: *const u32, n: usize);
    fn pt_reset(vm: *mut RawVm);
    fn pt_grad_mode(enabled: c_int) -> c_int;
    fn pt_keep(vm: *mut RawVm, v: *const RawValue) -> *mut RawKept;
    fn pt_kept_begin(kept: *mut RawKept) -> *const RawValue;
    fn pt_kept_end(kept: *mut RawKept);
    fn pt_kept_free(kept: *mut RawKept);
    fn pt_module_load(path: *const c_char, device: *const c_char) -> *mut RawModule;
    fn pt_module_free(m: *mut RawModule);
    fn pt_module_run(m: *mut RawModule, method: *const c_char, vm: *mut RawVm, n: usize) -> c_int;
    fn pt_optimize(enabled: c_int);
}

fn text(pointer: *const c_char) -> String {
    if pointer.is_null() {
        return String::new();
    }
    // SAFETY: the shim returns NUL-terminated text that lives until its next call on this thread.
    unsafe { CStr::from_ptr(pointer) }
        .to_string_lossy()
        .into_owned()
}

fn failure() -> Failure {
    // SAFETY: reads thread-local text and flags.
    let (message, class, raise) =
        unsafe { (pt_error_message(), pt_error_class(), pt_error_is_raise()) };
    Failure {
        message: text(message),
        is_raise: raise != 0,
        class: (!class.is_null()).then(|| text(class).into()),
    }
}

fn status(code: c_int) -> Result<()> {
    if code < 0 { Err(failure()) } else { Ok(()) }
}

fn id(code: c_int) -> Result<i32> {
    if code < 0 { Err(failure()) } else { Ok(code) }
}

fn index(code: i64) -> Result<i64> {
    if code < 0 { Err(failure()) } else { Ok(code) }
}

fn c(text: &str) -> Result<CString> {
    CString::new(text).map_err(|_| Failure {
        message: format!("`{}` contains a NUL byte", text.escape_debug()),
        is_raise: false,
        class: None,
    })
}

/// libtorch's version.
pub(super) fn version() -> String {
    // SAFETY: returns a static string.
    text(unsafe { pt_version() })
}

/// Sets the number of threads of one operator.
pub(super) fn set_threads(n: i32) -> Result<()> {
    // SAFETY: a plain call.
    status(unsafe { pt_set_threads(n) })
}

/// Seeds the default generators.
pub(super) fn manual_seed(seed: u64) -> Result<()> {
    // SAFETY: a plain call.
    status(unsafe { pt_manual_seed(seed) })
}

/// Loads a library that registers operators.
pub(super) fn load_library(path: &str) -> Result<()> {
    let path = c(path)?;
    // SAFETY: the path is NUL-terminated; running the library's initialisers is what the caller asks for.
    status(unsafe { pt_load_library(path.as_ptr()) })
}

/// Every schema of a namespace, one per line.
pub(super) fn schemas(namespace: &str) -> Result<String> {
    let namespace = c(namespace)?;
    // SAFETY: the name is NUL-terminated.
    let found = unsafe { pt_schemas(namespace.as_ptr()) };
    if found.is_null() {
        Err(failure())
    } else {
        Ok(text(found))
    }
}

/// Makes freed memory stay in the process for the next run.
pub(super) fn configure_allocator() {
    // SAFETY: sets options of the C allocator.
    unsafe { pt_configure_allocator() }
}

/// Switches gradient recording on this thread; returns what it was.
pub(super) fn grad_mode(enabled: bool) -> bool {
    // SAFETY: sets a thread-local flag.
    unsafe { pt_grad_mode(enabled.into()) != 0 }
}

/// Switches the optimising executor of libtorch's own interpreter.
pub(super) fn optimize(enabled: bool) {
    // SAFETY: sets a process-wide flag.
    unsafe { pt_optimize(enabled.into()) }
}

/// Types, constants, operations and registers of one loaded model.
pub(super) struct Vm(NonNull<RawVm>);

impl Drop for Vm {
    fn drop(&mut self) {
        // SAFETY: owned, freed once.
        unsafe { pt_vm_free(self.0.as_ptr()) }
    }
}

/// Wraps shim functions of the shape `int f(vm, …)` as methods.
macro_rules! vm_calls {
    ($($(#[$doc:meta])* fn $name:ident($($arg:ident: $ty:ty),*) = $raw:ident -> $check:ident: $ret:ty;)*) => {
        impl Vm {
            $($(#[$doc])* pub(super) fn $name(&mut self, $($arg: $ty),*) -> Result<$ret> {
                // SAFETY: the Vm is alive; the shim checks every id, register and stack height.
                $check(unsafe { $raw(self.0.as_ptr(), $($arg),*) })
            })*
        }
    };
}

vm_calls! {
    /// Pushes `None`.
    fn push_none() = pt_push_none -> status: ();
    /// Pushes an int.
    fn push_int(v: i64) = pt_push_int -> status: ();
    /// Pushes a float.
    fn push_float(v: f64) = pt_push_float -> status: ();
    /// Pushes a complex.
    fn push_complex(re: f64, im: f64) = pt_push_complex -> status: ();
    /// Pushes what an operand reads.
    fn push_operand(operand: u32) = pt_push_operand -> status: ();
    /// Pops n elements, pushes a list of the type.
    fn make_list(ty: i32, n: usize) = pt_make_list -> status: ();
    /// Pops n elements, pushes a tuple; a negative type means unnamed.
    fn make_tuple(ty: i32, n: usize) = pt_make_tuple -> status: ();
    /// Pops n key-value pairs, pushes a dict of the type.
    fn make_dict(ty: i32, n: usize) = pt_make_dict -> status: ();
    /// Pushes an object with empty slots.
    fn make_object(ty: i32) = pt_make_object -> status: ();
    /// Pops a value into an object's slot.
    fn set_slot(object: u32, slot: u32) = pt_set_slot -> status: ();
    /// Pops a state, pushes the C++ object restored from it.
    fn set_state(ty: i32) = pt_set_state -> status: ();
    /// Pops a value into the constants.
    fn pop_constant() = pt_pop_constant -> id: i32;
    /// Pops a value into a register.
    fn pop_register(reg: u32) = pt_pop_register -> status: ();
    /// Reads a condition.
    fn test(operand: u32) = pt_test -> id: i32;
    /// Returns from a window to the one `step` below.
    fn leave(step: u32, registers: u32, result: u32, out: u32) = pt_leave -> status: ();
}

impl Vm {
    /// An empty one.
    pub(super) fn new() -> Result<Vm> {
        // SAFETY: returns an owned pointer or null.
        NonNull::new(unsafe { pt_vm_new() })
            .map(Vm)
            .ok_or_else(failure)
    }

    /// Makes a type of other types.
    pub(super) fn make_type(&mut self, kind: i32, items: &[i32]) -> Result<i32> {
        // SAFETY: the slice is valid for its length.
        id(unsafe { pt_type(self.0.as_ptr(), kind, items.as_ptr(), items.len()) })
    }

    /// Declares a class.
    pub(super) fn class(&mut self, name: &str, is_module: bool) -> Result<i32> {
        let name = c(name)?;
        // SAFETY: the name is NUL-terminated.
        id(unsafe { pt_class(self.0.as_ptr(), name.as_ptr(), is_module.into()) })
    }

    /// Adds an attribute slot to a class.
    pub(super) fn class_attribute(
        &mut self,
        class: i32,
        name: &str,
        ty: i32,
        is_parameter: bool,
        is_buffer: bool,
    ) -> Result<i32> {
        let name = c(name)?;
        // SAFETY: the name is NUL-terminated.
        id(unsafe {
            pt_class_attribute(
                self.0.as_ptr(),
                class,
                name.as_ptr(),
                ty,
                is_parameter.into(),
                is_buffer.into(),
            )
        })
    }

    /// Declares an interface.
    pub(super) fn interface(&mut self, name: &str, is_module: bool) -> Result<i32> {
        let name = c(name)?;
        // SAFETY: the name is NUL-terminated.
        id(unsafe { pt_interface(self.0.as_ptr(), name.as_ptr(), is_module.into()) })
    }

    /// Declares a named tuple; `fields` and `types` have equal lengths.
    pub(super) fn named_tuple(
        &mut self,
        name: &str,
        fields: &[SmolStr],
        types: &[i32],
    ) -> Result<i32> {
        let name = c(name)?;
        let fields = fields.iter().map(|f| c(f)).collect::<Result<Vec<_>>>()?;
        let pointers: Vec<_> = fields.iter().map(|f| f.as_ptr()).collect();
        let n = pointers.len().min(types.len());
        // SAFETY: both arrays hold n entries, the names are NUL-terminated.
        id(unsafe {
            pt_named_tuple(
                self.0.as_ptr(),
                name.as_ptr(),
                pointers.as_ptr(),
                types.as_ptr(),
                n,
            )
        })
    }

    /// Declares an enum; pops a value for each member.
    pub(super) fn enum_class(
        &mut self,
        name: &str,
        value_type: i32,
        members: &[&str],
    ) -> Result<i32> {
        let name = c(name)?;
        let members = members.iter().map(|m| c(m)).collect::<Result<Vec<_>>>()?;
        let pointers: Vec<_> = members.iter().map(|m| m.as_ptr()).collect();
        // SAFETY: the array holds as many NUL-terminated names as said.
        id(unsafe {
            pt_enum(
                self.0.as_ptr(),
                name.as_ptr(),
                value_type,
                pointers.as_ptr(),
                pointers.len(),
            )
        })
    }

    /// A class that a library registered.
    pub(super) fn native_class(&mut self, name: &str) -> Result<i32> {
        let name = c(name)?;
        // SAFETY: the name is NUL-terminated.
        id(unsafe { pt_native_class(self.0.as_ptr(), name.as_ptr()) })
    }

    /// Equal for equal run-time classes.
    pub(super) fn type_identity(&self, ty: i32) -> usize {
        // SAFETY: the pointer is only compared.
        unsafe { pt_type_identity(self.0.as_ptr(), ty) as usize }
    }

    /// Pushes a bool.
    pub(super) fn push_bool(&mut self, v: bool) -> Result<()> {
        // SAFETY: a plain call on a live Vm.
        status(unsafe { pt_push_bool(self.0.as_ptr(), v.into()) })
    }

    /// Pushes a string.
    pub(super) fn push_str(&mut self, bytes: &[u8]) -> Result<()> {
        // SAFETY: the slice is valid for its length; the shim copies it.
        status(unsafe { pt_push_str(self.0.as_ptr(), bytes.as_ptr(), bytes.len()) })
    }

    /// Pushes a device.
    pub(super) fn push_device(&mut self, device: &str) -> Result<()> {
        let device = c(device)?;
        // SAFETY: the text is NUL-terminated.
        status(unsafe { pt_push_device(self.0.as_ptr(), device.as_ptr()) })
    }

    /// Pushes an enum member.
    pub(super) fn push_enum(&mut self, ty: i32, member: &str) -> Result<()> {
        let member = c(member)?;
        // SAFETY: the name is NUL-terminated.
        status(unsafe { pt_push_enum(self.0.as_ptr(), ty, member.as_ptr()) })
    }

    /// Throws away the value on top of the build stack.
    pub(super) fn drop_top(&mut self) {
        // SAFETY: does nothing on an empty stack.
        unsafe { pt_drop_top(self.0.as_ptr()) }
    }

    /// Maps a file privately: writes stay in this process.
    pub(super) fn map_file(&mut self, file: BorrowedFd<'_>, size: u64) -> Result<i64> {
        // SAFETY: the descriptor is open during the call; the mapping outlives it.
        index(unsafe { pt_map_file(self.0.as_ptr(), file.as_raw_fd(), size) })
    }

    /// A storage over a range of a mapping.
    pub(super) fn storage_mapped(
        &mut self,
        map: i64,
        offset: u64,
        bytes: u64,
        device: &str,
    ) -> Result<i64> {
        let device = c(device)?;
        // SAFETY: the shim checks the range against the mapping.
        index(unsafe { pt_storage_mapped(self.0.as_ptr(), map, offset, bytes, device.as_ptr()) })
    }

    /// A storage with a copy of the bytes.
    pub(super) fn storage_copied(&mut self, data: &[u8], device: &str) -> Result<i64> {
        let device = c(device)?;
        // SAFETY: the slice is valid for its length; the shim copies it.
        index(unsafe {
            pt_storage_copied(self.0.as_ptr(), data.as_ptr(), data.len(), device.as_ptr())
        })
    }

    /// A storage without contents, for devices such as `meta`.
    pub(super) fn storage_empty(&mut self, bytes: u64, device: &str) -> Result<i64> {
        let device = c(device)?;
        // SAFETY: the text is NUL-terminated.
        index(unsafe { pt_storage_empty(self.0.as_ptr(), bytes, device.as_ptr()) })
    }

    /// Pushes a tensor over a storage; the caller has checked that it lies inside.
    pub(super) fn push_tensor(
        &mut self,
        storage: i64,
        sizes: &[i64],
        strides: &[i64],
        mut spec: TensorSpec,
    ) -> Result<()> {
        spec.ndim = sizes.len().min(strides.len());
        spec.sizes = sizes.as_ptr();
        spec.strides = strides.as_ptr();
        // SAFETY: sizes and strides hold ndim entries during the call.
        status(unsafe { pt_push_tensor(self.0.as_ptr(), storage, &spec) })
    }

    /// Pops the parts of a sparse tensor, pushes the tensor.
    pub(super) fn push_sparse(
        &mut self,
        layout: i32,
        sizes: &[i64],
        requires_grad: bool,
    ) -> Result<()> {
        // SAFETY: the slice is valid for its length.
        status(unsafe {
            pt_push_sparse(
                self.0.as_ptr(),
                layout,
                sizes.as_ptr(),
                sizes.len(),
                requires_grad.into(),
            )
        })
    }

    /// Forgets mappings and storages by id; the tensors made of them keep them alive.
    pub(super) fn end_load(&mut self) {
        // SAFETY: a plain call on a live Vm.
        unsafe { pt_end_load(self.0.as_ptr()) }
    }

    /// What an operand reads.
    pub(super) fn value(&self, operand: u32) -> Result<&RawValue> {
        // SAFETY: the shim checks the operand; nothing runs while `self` is borrowed.
        unsafe { pt_value_at(self.0.as_ptr(), operand & !LAST).as_ref() }.ok_or_else(failure)
    }

    /// Resolves an operator.
    pub(super) fn find_operator(&mut self, name: &str, overload: &str) -> Result<i32> {
        let (name, overload) = (c(name)?, c(overload)?);
        // SAFETY: both names are NUL-terminated.
        id(unsafe { pt_find_operator(self.0.as_ptr(), name.as_ptr(), overload.as_ptr()) })
    }

    /// Resolves a method of a C++ class.
    pub(super) fn find_method(&mut self, class: i32, name: &str) -> Result<i32> {
        let name = c(name)?;
        // SAFETY: the name is NUL-terminated.
        id(unsafe { pt_find_method(self.0.as_ptr(), class, name.as_ptr()) })
    }

    /// Runs an operation.
    pub(super) fn call(&mut self, op: i32, ins: &[u32], outs: &[u32]) -> Result<()> {
        // SAFETY: both slices are valid for their lengths; the shim checks every operand.
        status(unsafe {
            pt_call(
                self.0.as_ptr(),
                op,
                ins.as_ptr(),
                ins.len(),
                outs.as_ptr(),
                outs.len(),
            )
        })
    }

    /// Runs one of TorchScript's own forms; `min_inputs` of the form must be given.
    pub(super) fn form(
        &mut self,
        form: Form,
        a: i32,
        b: i32,
        ins: &[u32],
        outs: &[u32],
    ) -> Result<()> {
        if ins.len() < form.min_inputs() {
            return Err(Failure {
                message: format!("{form:?} lacks inputs"),
                is_raise: false,
                class: None,
            });
        }
        // SAFETY: as for `call`; the form has the inputs it reads.
        status(unsafe {
            pt_form(
                self.0.as_ptr(),
                form as c_int,
                a,
                b,
                ins.as_ptr(),
                ins.len(),
                outs.as_ptr(),
                outs.len(),
            )
        })
    }

    /// Tests a value's run-time type.
    pub(super) fn is_instance(&mut self, value: u32, types: &[i32], out: u32) -> Result<()> {
        // SAFETY: the slice is valid for its length.
        status(unsafe { pt_isinstance(self.0.as_ptr(), value, types.as_ptr(), types.len(), out) })
    }

    /// Begins or continues a loop; whether its body runs (again).
    pub(super) fn loop_test(
        &mut self,
        trip: u32,
        max: u32,
        condition: u32,
        first: bool,
    ) -> Result<bool> {
        // SAFETY: the shim checks the operands.
        id(unsafe { pt_loop(self.0.as_ptr(), trip, max, condition, first.into()) }).map(|v| v != 0)
    }

    /// The line that `print` would write.
    pub(super) fn print(&mut self, ins: &[u32]) -> Result<String> {
        // SAFETY: the slice is valid for its length; the text is copied at once.
        let line = unsafe { pt_print(self.0.as_ptr(), ins.as_ptr(), ins.len()) };
        if line.is_null() {
            Err(failure())
        } else {
            Ok(text(line))
        }
    }

    /// Identity of an object's run-time class; 0 for other values.
    pub(super) fn class_of(&self, operand: u32) -> usize {
        // SAFETY: the pointer is only compared.
        unsafe { pt_class_of(self.0.as_ptr(), operand & !LAST) as usize }
    }

    /// Opens a window `step` above the current one and moves the inputs into its first registers.
    pub(super) fn enter(&mut self, step: u32, registers: u32, ins: &[u32]) -> Result<()> {
        // SAFETY: the slice is valid for its length; the shim grows the register file.
        status(unsafe { pt_enter(self.0.as_ptr(), step, registers, ins.as_ptr(), ins.len()) })
    }

    /// Empties registers.
    pub(super) fn drop_registers(&mut self, regs: &[u32]) {
        // SAFETY: the slice is valid for its length; the shim checks the registers.
        unsafe { pt_drop(self.0.as_ptr(), regs.as_ptr(), regs.len()) }
    }

    /// Empties the whole register file.
    pub(super) fn reset(&mut self) {
        // SAFETY: a plain call on a live Vm.
        unsafe { pt_reset(self.0.as_ptr()) }
    }

    /// Keeps a value of this Vm.
    pub(super) fn keep(&self, value: &RawValue) -> Result<KeptHandle> {
        // SAFETY: the value is alive; the result is owned.
        NonNull::new(unsafe { pt_keep(self.0.as_ptr(), value) })
            .map(KeptHandle)
            .ok_or_else(failure)
    }
}

/// Forms that are no registered operators; numbers as in `shim.h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub(super) enum Form {
    ListConstruct,
    TupleConstruct,
    DictConstruct,
    ListUnpack,
    TupleUnpack,
    TupleSlice,
    GetAttr,
    SetAttr,
    CreateObject,
    IsInstance,
    Move,
    Uninitialized,
    MakeFuture,
    MakeAwait,
    Wait,
    ToList,
    EnumName,
    EnumValue,
}

impl Form {
    fn min_inputs(self) -> usize {
        use Form::*;
        match self {
            ListConstruct | TupleConstruct | DictConstruct | CreateObject | Move
            | Uninitialized => 0,
            SetAttr => 2,
            _ => 1,
        }
    }
}

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
    /// The bool or int it is.
    pub(super) fn int(&self) -> i64 {
        // SAFETY: reads a live value.
        unsafe { pt_int(self) }
    }

    /// Shows the value and everything in it.
    pub(super) fn view(&self) -> ValueRef<'_> {
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

/// A kept value; shares memory with the model until an operator writes to it.
pub(super) struct KeptHandle(NonNull<RawKept>);

impl Drop for KeptHandle {
    fn drop(&mut self) {
        // SAFETY: owned, freed once.
        unsafe { pt_kept_free(self.0.as_ptr()) }
    }
}

struct Reading<'a>(&'a KeptHandle);

impl Drop for Reading<'_> {
    fn drop(&mut self) {
        // SAFETY: ends what `with` began.
        unsafe { pt_kept_end(self.0.0.as_ptr()) }
    }
}

impl KeptValue for KeptHandle {
    fn with(&self, look: &mut dyn FnMut(&ValueRef<'_>)) -> std::result::Result<(), ExecError> {
        // SAFETY: the handle is alive; until pt_kept_end no operator may write to kept memory.
        let value = unsafe { pt_kept_begin(self.0.as_ptr()) };
        let _reading = Reading(self);
        // SAFETY: the pointer is into the live handle.
        look(&unsafe { &*value }.view());
        Ok(())
    }
}

/// A model in libtorch's own interpreter.
pub(super) struct Module(NonNull<RawModule>);

impl Drop for Module {
    fn drop(&mut self) {
        // SAFETY: owned, freed once.
        unsafe { pt_module_free(self.0.as_ptr()) }
    }
}

impl Module {
    /// Loads a file with libtorch's own loader.
    pub(super) fn load(path: &str, device: Option<&str>) -> Result<Module> {
        let path = c(path)?;
        let device = device.map(c).transpose()?;
        let device = device.as_ref().map_or(std::ptr::null(), |d| d.as_ptr());
        // SAFETY: both texts are NUL-terminated (or null); the result is owned.
        NonNull::new(unsafe { pt_module_load(path.as_ptr(), device) })
            .map(Module)
            .ok_or_else(failure)
    }

    /// Runs a method on n values popped from the Vm's build stack; pushes the result.
    pub(super) fn run(&mut self, method: &str, vm: &mut Vm, n: usize) -> Result<()> {
        let method = c(method)?;
        // SAFETY: both are alive; the shim checks the stack height.
        status(unsafe { pt_module_run(self.0.as_ptr(), method.as_ptr(), vm.0.as_ptr(), n) })
    }
}
