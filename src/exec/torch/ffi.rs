//! The only unsafe code: declarations of `shim/shim.h` and safe wrappers around them.
//!
//! Wrappers are sound for any argument: the shim checks ids, operands, stack heights and ranges.
#![allow(unsafe_code)]

mod horizon;
mod kept;
mod module;
mod raw;
mod value;
mod vm;

pub(super) use horizon::register_horizon;
pub(super) use module::Module;
pub(super) use raw::{RawValue, TensorSpec};
pub(super) use vm::{Form, Vm};

use raw::*;
use smol_str::SmolStr;
use std::ffi::{CStr, CString, c_char, c_int};
// Only linked: it finds libtorch.
use torch_sys as _;

/// Operand flag: move the value out of its register.
pub(super) const LAST: u32 = 0x8000_0000;
/// Operand flag: a constant, not a register.
pub(super) const CONSTANT: u32 = 0x4000_0000;

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

/// Every schema libtorch knows now, one per line.
pub(super) fn schemas() -> Result<String> {
    // SAFETY: a plain call; the text is copied at once.
    let found = unsafe { pt_schemas() };
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
