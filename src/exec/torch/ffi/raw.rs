//! `shim/shim.h` in Rust.

use crate::tensor::DType;
use std::ffi::{c_char, c_int, c_void};
use std::marker::PhantomData;

#[repr(C)]
pub(in super::super) struct RawVm(PhantomData<*mut u8>, [u8; 0]);
#[repr(C)]
pub(in super::super) struct RawKept(PhantomData<*mut u8>, [u8; 0]);
#[repr(C)]
pub(in super::super) struct RawModule(PhantomData<*mut u8>, [u8; 0]);

/// A `c10::IValue` that lives inside the shim.
#[repr(C)]
pub(in super::super) struct RawValue(PhantomData<*mut u8>, [u8; 0]);

/// A tensor to make over a storage.
#[repr(C)]
pub(in super::super) struct TensorSpec {
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
    pub(in super::super) fn plain(dtype: DType) -> TensorSpec {
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
pub(super) struct TensorView {
    pub(super) sizes: *const i64,
    pub(super) strides: *const i64,
    pub(super) data: *const u8,
    pub(super) bytes: u64,
    pub(super) dtype: i32,
    pub(super) ndim: i32,
    pub(super) layout: i32,
    pub(super) device_index: i32,
    pub(super) device: *const c_char,
    pub(super) requires_grad: i32,
    pub(super) quantizer: i32,
    pub(super) scale: f64,
    pub(super) zero_point: i64,
    pub(super) axis: i64,
    pub(super) scales: *const f64,
    pub(super) zero_points: *const f64,
    pub(super) channels: i64,
    pub(super) float_zero_points: i32,
}

unsafe extern "C" {
    pub(super) fn pt_error_message() -> *const c_char;
    pub(super) fn pt_error_class() -> *const c_char;
    pub(super) fn pt_error_is_raise() -> c_int;
    pub(super) fn pt_version() -> *const c_char;
    pub(super) fn pt_set_threads(n: c_int) -> c_int;
    pub(super) fn pt_manual_seed(seed: u64) -> c_int;
    pub(super) fn pt_load_library(path: *const c_char) -> c_int;
    pub(super) fn pt_schemas() -> *const c_char;
    pub(super) fn pt_configure_allocator();
    pub(super) fn pt_vm_new() -> *mut RawVm;
    pub(super) fn pt_vm_free(vm: *mut RawVm);
    pub(super) fn pt_type(vm: *mut RawVm, kind: c_int, items: *const i32, n: usize) -> c_int;
    pub(super) fn pt_class(vm: *mut RawVm, name: *const c_char, is_module: c_int) -> c_int;
    pub(super) fn pt_class_attribute(
        vm: *mut RawVm,
        ty: c_int,
        name: *const c_char,
        attribute: c_int,
        is_parameter: c_int,
        is_buffer: c_int,
    ) -> c_int;
    pub(super) fn pt_interface(vm: *mut RawVm, name: *const c_char, is_module: c_int) -> c_int;
    pub(super) fn pt_named_tuple(
        vm: *mut RawVm,
        name: *const c_char,
        fields: *const *const c_char,
        types: *const i32,
        n: usize,
    ) -> c_int;
    pub(super) fn pt_enum(
        vm: *mut RawVm,
        name: *const c_char,
        value_type: c_int,
        members: *const *const c_char,
        n: usize,
    ) -> c_int;
    pub(super) fn pt_native_class(vm: *mut RawVm, name: *const c_char) -> c_int;
    pub(super) fn pt_type_identity(vm: *mut RawVm, ty: c_int) -> *const c_void;
    pub(super) fn pt_push_none(vm: *mut RawVm) -> c_int;
    pub(super) fn pt_push_bool(vm: *mut RawVm, v: c_int) -> c_int;
    pub(super) fn pt_push_int(vm: *mut RawVm, v: i64) -> c_int;
    pub(super) fn pt_push_float(vm: *mut RawVm, v: f64) -> c_int;
    pub(super) fn pt_push_complex(vm: *mut RawVm, re: f64, im: f64) -> c_int;
    pub(super) fn pt_push_str(vm: *mut RawVm, bytes: *const u8, n: usize) -> c_int;
    pub(super) fn pt_push_device(vm: *mut RawVm, text: *const c_char) -> c_int;
    pub(super) fn pt_push_operand(vm: *mut RawVm, operand: u32) -> c_int;
    pub(super) fn pt_push_enum(vm: *mut RawVm, ty: c_int, member: *const c_char) -> c_int;
    pub(super) fn pt_make_list(vm: *mut RawVm, ty: c_int, n: usize) -> c_int;
    pub(super) fn pt_make_tuple(vm: *mut RawVm, ty: c_int, n: usize) -> c_int;
    pub(super) fn pt_make_dict(vm: *mut RawVm, ty: c_int, n: usize) -> c_int;
    pub(super) fn pt_make_object(vm: *mut RawVm, ty: c_int) -> c_int;
    pub(super) fn pt_set_slot(vm: *mut RawVm, object: u32, slot: u32) -> c_int;
    pub(super) fn pt_set_state(vm: *mut RawVm, ty: c_int) -> c_int;
    pub(super) fn pt_pop_constant(vm: *mut RawVm) -> c_int;
    pub(super) fn pt_pop_register(vm: *mut RawVm, reg: u32) -> c_int;
    pub(super) fn pt_map_file(vm: *mut RawVm, fd: c_int, size: u64) -> i64;
    pub(super) fn pt_storage_mapped(
        vm: *mut RawVm,
        map: i64,
        offset: u64,
        bytes: u64,
        device: *const c_char,
    ) -> i64;
    pub(super) fn pt_storage_copied(
        vm: *mut RawVm,
        data: *const u8,
        bytes: usize,
        device: *const c_char,
    ) -> i64;
    pub(super) fn pt_storage_empty(vm: *mut RawVm, bytes: u64, device: *const c_char) -> i64;
    pub(super) fn pt_push_tensor(vm: *mut RawVm, storage: i64, spec: *const TensorSpec) -> c_int;
    pub(super) fn pt_push_sparse(
        vm: *mut RawVm,
        layout: c_int,
        sizes: *const i64,
        ndim: usize,
        requires_grad: c_int,
    ) -> c_int;
    pub(super) fn pt_end_load(vm: *mut RawVm, keep: *const u32, n: usize);
    pub(super) fn pt_forget_storages(vm: *mut RawVm);
    pub(super) fn pt_value_at(vm: *mut RawVm, operand: u32) -> *const RawValue;
    pub(super) fn pt_tag(v: *const RawValue) -> c_int;
    pub(super) fn pt_int(v: *const RawValue) -> i64;
    pub(super) fn pt_float(v: *const RawValue) -> f64;
    pub(super) fn pt_complex(v: *const RawValue, re: *mut f64, im: *mut f64);
    pub(super) fn pt_str(v: *const RawValue, n: *mut usize) -> *const c_char;
    pub(super) fn pt_type_text(v: *const RawValue) -> *const c_char;
    pub(super) fn pt_enum_member(v: *const RawValue) -> *const c_char;
    pub(super) fn pt_len(v: *const RawValue) -> i64;
    pub(super) fn pt_items(v: *const RawValue, out: *mut *const RawValue) -> c_int;
    pub(super) fn pt_tensor(v: *const RawValue, out: *mut TensorView) -> c_int;
    pub(super) fn pt_to_host(v: *const RawValue) -> *mut RawValue;
    pub(super) fn pt_value_free(v: *mut RawValue);
    pub(super) fn pt_find_operator(
        vm: *mut RawVm,
        name: *const c_char,
        overload: *const c_char,
    ) -> c_int;
    pub(super) fn pt_find_method(vm: *mut RawVm, ty: c_int, name: *const c_char) -> c_int;
    pub(super) fn pt_call(
        vm: *mut RawVm,
        op: c_int,
        ins: *const u32,
        n: usize,
        outs: *const u32,
        m: usize,
    ) -> c_int;
    pub(super) fn pt_form(
        vm: *mut RawVm,
        form: c_int,
        a: i32,
        b: i32,
        ins: *const u32,
        n: usize,
        outs: *const u32,
        m: usize,
    ) -> c_int;
    pub(super) fn pt_isinstance(
        vm: *mut RawVm,
        value: u32,
        types: *const i32,
        n: usize,
        out: u32,
    ) -> c_int;
    pub(super) fn pt_test(vm: *mut RawVm, operand: u32) -> c_int;
    pub(super) fn pt_loop(
        vm: *mut RawVm,
        trip: u32,
        max: u32,
        condition: u32,
        first: c_int,
    ) -> c_int;
    pub(super) fn pt_print(vm: *mut RawVm, ins: *const u32, n: usize) -> *const c_char;
    pub(super) fn pt_class_of(vm: *mut RawVm, operand: u32) -> *const c_void;
    pub(super) fn pt_enter(
        vm: *mut RawVm,
        step: u32,
        registers: u32,
        ins: *const u32,
        n: usize,
    ) -> c_int;
    pub(super) fn pt_leave(
        vm: *mut RawVm,
        step: u32,
        registers: u32,
        result: u32,
        out: u32,
    ) -> c_int;
    pub(super) fn pt_drop(vm: *mut RawVm, regs: *const u32, n: usize);
    pub(super) fn pt_reset(vm: *mut RawVm);
    pub(super) fn pt_grad_mode(enabled: c_int) -> c_int;
    pub(super) fn pt_keep(vm: *mut RawVm, v: *const RawValue) -> *mut RawKept;
    pub(super) fn pt_kept_begin(kept: *mut RawKept) -> *const RawValue;
    pub(super) fn pt_kept_end(kept: *mut RawKept);
    pub(super) fn pt_kept_free(kept: *mut RawKept);
    pub(super) fn pt_module_load(path: *const c_char, device: *const c_char) -> *mut RawModule;
    pub(super) fn pt_module_free(m: *mut RawModule);
    pub(super) fn pt_module_run(
        m: *mut RawModule,
        method: *const c_char,
        vm: *mut RawVm,
        n: usize,
    ) -> c_int;
    pub(super) fn pt_optimize(enabled: c_int);
}
