//! Kept values.

use super::super::super::error::ExecError;
use super::super::super::tap::KeptValue;
use super::super::super::value::ValueRef;
use super::raw::*;
use std::ptr::NonNull;

/// A kept value; shares memory with the model until an operator writes to it.
pub(in super::super) struct KeptHandle(NonNull<RawKept>);

impl KeptHandle {
    pub(super) fn new(raw: NonNull<RawKept>) -> KeptHandle {
        KeptHandle(raw)
    }
}

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
