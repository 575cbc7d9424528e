//! `libhorizon_ops.so`: the `horizon::` operators for stock Python torch 2.11.
//!
//! `torch.ops.load_library("libhorizon_ops.so")` registers them; then `torch.jit.load` reads fixed-point and fake-quant
//! files. Built without rpath and linked to `libtorch_cpu` and `libc10` only, it binds to the torch that loads it.
#![allow(unsafe_code)]

use ptool::{bpu, ir, tensor};

#[path = "../../src/exec/torch/ffi/horizon.rs"]
mod horizon;

unsafe extern "C" {
    fn ho_warn(text: *const std::ffi::c_char);
}

extern "C" fn on_load() {
    if let Err(message) = horizon::register_horizon() {
        let text = format!("the horizon operators are not registered: {message}");
        let text = std::ffi::CString::new(text.replace('\0', " ")).unwrap_or_default();
        // SAFETY: the text is NUL-terminated and copied by the call.
        unsafe { ho_warn(text.as_ptr()) };
    }
}

// SAFETY: the loader calls each entry once, when libtorch, a dependency, has run its own initialisers.
#[used]
#[cfg_attr(target_os = "macos", unsafe(link_section = "__DATA,__mod_init_func"))]
#[cfg_attr(not(target_os = "macos"), unsafe(link_section = ".init_array"))]
static ON_LOAD: extern "C" fn() = on_load;
