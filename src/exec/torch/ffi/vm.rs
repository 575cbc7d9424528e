//! The model's side: types, constants, operations, registers.

use super::kept::KeptHandle;
use super::raw::*;
use super::{Failure, LAST, Result, c, failure, id, index, status, text};
use smol_str::SmolStr;
use std::ffi::c_int;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr::NonNull;

/// Types, constants, operations and registers of one loaded model.
pub(in super::super) struct Vm(pub(super) NonNull<RawVm>);

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
            $($(#[$doc])* pub(in super::super) fn $name(&mut self, $($arg: $ty),*) -> Result<$ret> {
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
    pub(in super::super) fn new() -> Result<Vm> {
        // SAFETY: returns an owned pointer or null.
        NonNull::new(unsafe { pt_vm_new() })
            .map(Vm)
            .ok_or_else(failure)
    }

    /// Makes a type of other types.
    pub(in super::super) fn make_type(&mut self, kind: i32, items: &[i32]) -> Result<i32> {
        // SAFETY: the slice is valid for its length.
        id(unsafe { pt_type(self.0.as_ptr(), kind, items.as_ptr(), items.len()) })
    }

    /// Declares a class.
    pub(in super::super) fn class(&mut self, name: &str, is_module: bool) -> Result<i32> {
        let name = c(name)?;
        // SAFETY: the name is NUL-terminated.
        id(unsafe { pt_class(self.0.as_ptr(), name.as_ptr(), is_module.into()) })
    }

    /// Adds an attribute slot to a class.
    pub(in super::super) fn class_attribute(
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
    pub(in super::super) fn interface(&mut self, name: &str, is_module: bool) -> Result<i32> {
        let name = c(name)?;
        // SAFETY: the name is NUL-terminated.
        id(unsafe { pt_interface(self.0.as_ptr(), name.as_ptr(), is_module.into()) })
    }

    /// Declares a named tuple; `fields` and `types` have equal lengths.
    pub(in super::super) fn named_tuple(
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
    pub(in super::super) fn enum_class(
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
    pub(in super::super) fn native_class(&mut self, name: &str) -> Result<i32> {
        let name = c(name)?;
        // SAFETY: the name is NUL-terminated.
        id(unsafe { pt_native_class(self.0.as_ptr(), name.as_ptr()) })
    }

    /// Equal for equal run-time classes.
    pub(in super::super) fn type_identity(&self, ty: i32) -> usize {
        // SAFETY: the pointer is only compared.
        unsafe { pt_type_identity(self.0.as_ptr(), ty) as usize }
    }

    /// Pushes a bool.
    pub(in super::super) fn push_bool(&mut self, v: bool) -> Result<()> {
        // SAFETY: a plain call on a live Vm.
        status(unsafe { pt_push_bool(self.0.as_ptr(), v.into()) })
    }

    /// Pushes a string.
    pub(in super::super) fn push_str(&mut self, bytes: &[u8]) -> Result<()> {
        // SAFETY: the slice is valid for its length; the shim copies it.
        status(unsafe { pt_push_str(self.0.as_ptr(), bytes.as_ptr(), bytes.len()) })
    }

    /// Pushes a device.
    pub(in super::super) fn push_device(&mut self, device: &str) -> Result<()> {
        let device = c(device)?;
        // SAFETY: the text is NUL-terminated.
        status(unsafe { pt_push_device(self.0.as_ptr(), device.as_ptr()) })
    }

    /// Pushes an enum member.
    pub(in super::super) fn push_enum(&mut self, ty: i32, member: &str) -> Result<()> {
        let member = c(member)?;
        // SAFETY: the name is NUL-terminated.
        status(unsafe { pt_push_enum(self.0.as_ptr(), ty, member.as_ptr()) })
    }

    /// Maps a file privately: writes stay in this process.
    pub(in super::super) fn map_file(&mut self, file: BorrowedFd<'_>, size: u64) -> Result<i64> {
        // SAFETY: the descriptor is open during the call; the mapping outlives it.
        index(unsafe { pt_map_file(self.0.as_ptr(), file.as_raw_fd(), size) })
    }

    /// A storage over a range of a mapping.
    pub(in super::super) fn storage_mapped(
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
    pub(in super::super) fn storage_copied(&mut self, data: &[u8], device: &str) -> Result<i64> {
        let device = c(device)?;
        // SAFETY: the slice is valid for its length; the shim copies it.
        index(unsafe {
            pt_storage_copied(self.0.as_ptr(), data.as_ptr(), data.len(), device.as_ptr())
        })
    }

    /// A storage without contents, for devices such as `meta`.
    pub(in super::super) fn storage_empty(&mut self, bytes: u64, device: &str) -> Result<i64> {
        let device = c(device)?;
        // SAFETY: the text is NUL-terminated.
        index(unsafe { pt_storage_empty(self.0.as_ptr(), bytes, device.as_ptr()) })
    }

    /// Pushes a tensor over a storage; the caller has checked that it lies inside.
    pub(in super::super) fn push_tensor(
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
    pub(in super::super) fn push_sparse(
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

    /// Forgets mappings, storages and all constants but `keep`; what those use stays alive.
    pub(in super::super) fn end_load(&mut self, keep: &[u32]) {
        // SAFETY: the slice is valid for its length.
        unsafe { pt_end_load(self.0.as_ptr(), keep.as_ptr(), keep.len()) }
    }

    /// Forgets storages, whose numbers no longer hold; their tensors keep them alive.
    pub(in super::super) fn forget_storages(&mut self) {
        // SAFETY: the Vm is alive.
        unsafe { pt_forget_storages(self.0.as_ptr()) }
    }

    /// What an operand reads.
    pub(in super::super) fn value(&self, operand: u32) -> Result<&RawValue> {
        // SAFETY: the shim checks the operand; nothing runs while `self` is borrowed.
        unsafe { pt_value_at(self.0.as_ptr(), operand & !LAST).as_ref() }.ok_or_else(failure)
    }

    /// Resolves an operator.
    pub(in super::super) fn find_operator(&mut self, name: &str, overload: &str) -> Result<i32> {
        let (name, overload) = (c(name)?, c(overload)?);
        // SAFETY: both names are NUL-terminated.
        id(unsafe { pt_find_operator(self.0.as_ptr(), name.as_ptr(), overload.as_ptr()) })
    }

    /// Resolves a method of a C++ class.
    pub(in super::super) fn find_method(&mut self, class: i32, name: &str) -> Result<i32> {
        let name = c(name)?;
        // SAFETY: the name is NUL-terminated.
        id(unsafe { pt_find_method(self.0.as_ptr(), class, name.as_ptr()) })
    }

    /// Runs an operation.
    pub(in super::super) fn call(&mut self, op: i32, ins: &[u32], outs: &[u32]) -> Result<()> {
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
    pub(in super::super) fn form(
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
    pub(in super::super) fn is_instance(
        &mut self,
        value: u32,
        types: &[i32],
        out: u32,
    ) -> Result<()> {
        // SAFETY: the slice is valid for its length.
        status(unsafe { pt_isinstance(self.0.as_ptr(), value, types.as_ptr(), types.len(), out) })
    }

    /// Begins or continues a loop; whether its body runs (again).
    pub(in super::super) fn loop_test(
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
    pub(in super::super) fn print(&mut self, ins: &[u32]) -> Result<String> {
        // SAFETY: the slice is valid for its length; the text is copied at once.
        let line = unsafe { pt_print(self.0.as_ptr(), ins.as_ptr(), ins.len()) };
        if line.is_null() {
            Err(failure())
        } else {
            Ok(text(line))
        }
    }

    /// Identity of an object's run-time class; 0 for other values.
    pub(in super::super) fn class_of(&self, operand: u32) -> usize {
        // SAFETY: the pointer is only compared.
        unsafe { pt_class_of(self.0.as_ptr(), operand & !LAST) as usize }
    }

    /// Opens a window `step` above the current one and moves the inputs into its first registers.
    pub(in super::super) fn enter(&mut self, step: u32, registers: u32, ins: &[u32]) -> Result<()> {
        // SAFETY: the slice is valid for its length; the shim grows the register file.
        status(unsafe { pt_enter(self.0.as_ptr(), step, registers, ins.as_ptr(), ins.len()) })
    }

    /// Empties registers.
    pub(in super::super) fn drop_registers(&mut self, regs: &[u32]) {
        // SAFETY: the slice is valid for its length; the shim checks the registers.
        unsafe { pt_drop(self.0.as_ptr(), regs.as_ptr(), regs.len()) }
    }

    /// Empties the whole register file.
    pub(in super::super) fn reset(&mut self) {
        // SAFETY: a plain call on a live Vm.
        unsafe { pt_reset(self.0.as_ptr()) }
    }

    /// Keeps a value of this Vm.
    pub(in super::super) fn keep(&self, value: &RawValue) -> Result<KeptHandle> {
        // SAFETY: the value is alive; the result is owned.
        NonNull::new(unsafe { pt_keep(self.0.as_ptr(), value) })
            .map(KeptHandle::new)
            .ok_or_else(failure)
    }
}

/// Forms that are no registered operators; numbers as in `shim.h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub(in super::super) enum Form {
    ListConstruct,
    TupleConstruct,
    DictConstruct,
    ListUnpack,
    TupleUnpack,
    TupleSlice,
    GetAttr,
    SetAttr,
    CreateObject,
    #[expect(dead_code, reason = "it has a call of its own")]
    IsInstance,
    Move,
    Uninitialized,
    MakeFuture,
    MakeAwait,
    Wait,
    ToList,
    EnumName,
    EnumValue,
    DeviceWithIndex,
}

impl Form {
    fn min_inputs(self) -> usize {
        use Form::*;
        match self {
            ListConstruct | TupleConstruct | DictConstruct | CreateObject | Move
            | Uninitialized => 0,
            SetAttr | DeviceWithIndex => 2,
            _ => 1,
        }
    }
}
