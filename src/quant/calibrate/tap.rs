//! What a running model shows to the observers.

use super::Point;
use super::error::CalibrateError;
use crate::exec::{Event, Tap, TapError, TensorRef};
use crate::tensor::DType;
use rustc_hash::FxHashMap;
use std::borrow::Cow;

/// The kind of the events that a call's result makes.
const RETURN: &str = "prim::Return";
/// The method that every FakeQuantize is called by.
const FORWARD: &str = ".forward";

/// Shows what every FakeQuantize of activations returns to its observer.
#[derive(Debug)]
pub struct ObserverTap<'c> {
    points: &'c mut [Point],
    by_path: &'c FxHashMap<String, usize>,
    values: Vec<f32>,
}

impl<'c> ObserverTap<'c> {
    pub(super) fn new(
        points: &'c mut [Point],
        by_path: &'c FxHashMap<String, usize>,
    ) -> ObserverTap<'c> {
        ObserverTap {
            points,
            by_path,
            values: Vec::new(),
        }
    }

    fn observe(&mut self, point: usize, event: &Event<'_>) -> Result<(), CalibrateError> {
        let point = &mut self.points[point];
        point.calls += 1;
        let refuse = |message: String| CalibrateError::Activation {
            path: point.path.clone(),
            call: point.calls,
            message,
        };
        let Some(tensor) = event.value.tensor() else {
            return Err(refuse("returned no tensor".to_owned()));
        };
        if tensor.dtype != DType::F32 {
            return Err(refuse(format!("got {}, expected float32", tensor.dtype)));
        }
        let bytes = contiguous(tensor).map_err(|e| refuse(e.to_string()))?;
        self.values.clear();
        self.values.extend(floats(&bytes));
        let observed = point.observer.observe(&self.values, tensor.sizes);
        observed.map_err(|e| CalibrateError::observed(&point.path, point.calls, &e))
    }
}

impl Tap for ObserverTap<'_> {
    fn produced(&mut self, _: &Event<'_>) -> Result<(), TapError> {
        Ok(())
    }

    fn returned(&mut self, event: &Event<'_>) -> Result<(), TapError> {
        debug_assert_eq!(event.kind, RETURN);
        if !event.function.ends_with(FORWARD) {
            return Ok(());
        }
        match self.by_path.get(event.scope) {
            Some(&at) if self.points[at].weight.is_none() => Ok(self.observe(at, event)?),
            _ => Ok(()),
        }
    }
}

fn contiguous<'t>(tensor: &'t TensorRef<'_>) -> Result<Cow<'t, [u8]>, crate::exec::ExecError> {
    match tensor.contiguous_bytes() {
        Some(bytes) => Ok(Cow::Borrowed(bytes)),
        None => Ok(Cow::Owned(tensor.to_host()?.bytes)),
    }
}

/// The elements of a float32 tensor in native byte order.
pub(super) fn floats(bytes: &[u8]) -> impl Iterator<Item = f32> {
    let chunks = bytes.as_chunks::<4>().0.iter();
    chunks.map(|it| f32::from_ne_bytes(*it))
}
