//! Weights in the order that the kernels read them, packed once per weight.

use std::any::Any;
use std::collections::VecDeque;
use std::hash::Hasher;
use std::sync::{Arc, Mutex, PoisonError};

#[cfg(target_arch = "x86_64")]
use super::amx;
use super::stage::{LINE, Staged};
use crate::bpu::op::{Element, TensorRef};
use crate::bpu::simd::{Isa, Level};
use crate::tensor::DType;

/// Output channels of one vector block.
pub(super) const LANES: usize = 16;

/// Blocks that one kernel call computes at most.
pub(super) const MAX_BLOCKS: usize = 4;

/// Blocks of a panel for the kernels of an instruction set.
pub(super) fn blocks_for(isa: Isa) -> usize {
    match isa.level() {
        #[cfg(target_arch = "x86_64")]
        Level::Amx => amx::BLOCKS,
        _ => MAX_BLOCKS,
    }
}

/// A packed element type and the staged type it is multiplied with.
pub(super) trait Packed: Element {
    type Act: Staged;
    fn of(weight: i8) -> Self;
}

impl Packed for i8 {
    type Act = u8;
    fn of(weight: i8) -> Self {
        weight
    }
}

impl Packed for i16 {
    type Act = i16;
    fn of(weight: i8) -> Self {
        weight.into()
    }
}

/// Sizes of a weight `[groups · outputs, inputs, taps]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct WeightShape {
    pub(super) groups: usize,
    pub(super) outputs: usize,
    pub(super) inputs: usize,
    pub(super) taps: usize,
    /// Kernel positions whose inputs lie end to end in the staged image: rows of the kernel, or 1.
    pub(super) stretch: usize,
}

impl WeightShape {
    /// Staged elements that one stretch covers, up to whole kernel steps.
    pub(super) fn run<S: Staged>(&self) -> usize {
        (self.stretch * self.inputs).next_multiple_of(S::STEP)
    }
}

/// Blocks of output channels of one group, as many as [`blocks_for`] says or fewer, whose weights lie together.
#[derive(Clone, Copy, Debug)]
pub(super) struct Panel {
    pub(super) group: usize,
    /// First output channel inside the group.
    pub(super) first: usize,
    pub(super) blocks: usize,
    /// First element in [`PackedWeight::data`].
    pub(super) at: usize,
    pub(super) len: usize,
}

/// Panels of `[stretches][run / step][blocks][16 outputs][step inputs]`; inputs and outputs that do not exist are 0.
#[derive(Debug)]
pub(super) struct PackedWeight<P> {
    pub(super) data: Vec<P>,
    pub(super) panels: Vec<Panel>,
    /// `Σ w` of each output channel, over all groups.
    pub(super) sums: Vec<i32>,
}

impl<P: Packed> PackedWeight<P> {
    /// `weight` is `[groups · outputs][inputs][taps]`.
    pub(super) fn new(weight: &[i8], shape: WeightShape, blocks_in_panel: usize) -> Self {
        let depth = shape.taps / shape.stretch * shape.run::<P::Act>();
        let mut panels = Vec::new();
        let size = (0..shape.outputs).step_by(LANES).count() * LANES * depth * shape.groups;
        // A cache line aligned start: vectors of weights then never straddle two lines.
        let mut data: Vec<P> = Vec::with_capacity(size + LINE / size_of::<P>());
        data.resize(
            data.as_ptr().align_offset(LINE).min(LINE / size_of::<P>()),
            P::default(),
        );
        for group in 0..shape.groups {
            for first in (0..shape.outputs).step_by(LANES * blocks_in_panel) {
                let blocks = (shape.outputs - first).div_ceil(LANES).min(blocks_in_panel);
                let (at, len) = (data.len(), depth * blocks * LANES);
                data.resize(at + len, P::default());
                let panel = Panel {
                    group,
                    first,
                    blocks,
                    at,
                    len,
                };
                fill(&mut data[at..], weight, shape, &panel);
                panels.push(panel);
            }
        }
        let per_output = (shape.inputs * shape.taps).max(1);
        let sums = weight
            .chunks_exact(per_output)
            .map(|w| w.iter().map(|w| i32::from(*w)).sum())
            .collect();
        Self { data, panels, sums }
    }
}

fn fill<P: Packed>(to: &mut [P], weight: &[i8], shape: WeightShape, panel: &Panel) {
    let run = shape.run::<P::Act>();
    let step = P::Act::STEP;
    let outputs = (shape.outputs - panel.first).min(panel.blocks * LANES);
    for output in 0..outputs {
        let row = (panel.group * shape.outputs + panel.first + output) * shape.inputs * shape.taps;
        let (block, lane) = (output / LANES, output % LANES);
        for input in 0..shape.inputs {
            for tap in 0..shape.taps {
                let k = tap / shape.stretch * run + tap % shape.stretch * shape.inputs + input;
                let at = ((k / step * panel.blocks + block) * LANES + lane) * step + k % step;
                to[at] = P::of(weight[row + input * shape.taps + tap]);
            }
        }
    }
}

/// What identifies a packed weight: an engine's key or a hash of the content, and everything that shapes the packing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Key {
    identity: (bool, u64),
    shape: WeightShape,
    kind: &'static str,
    element: DType,
    blocks_in_panel: usize,
}

impl Key {
    /// The content decides unless the engine vouches for it, so a weight that was changed in place is packed anew.
    pub(super) fn of(
        weight: &TensorRef,
        bytes: &[i8],
        shape: WeightShape,
        kind: &'static str,
        element: DType,
        blocks_in_panel: usize,
    ) -> Self {
        let identity = match weight.key {
            Some(key) => (true, key.get()),
            None => {
                let mut hasher = rustc_hash::FxHasher::default();
                hasher.write(bytemuck::cast_slice(bytes));
                (false, hasher.finish())
            }
        };
        Self {
            identity,
            shape,
            kind,
            element,
            blocks_in_panel,
        }
    }
}

/// Bytes that the cache keeps at most; the oldest packed weights leave first.
const CACHE_BYTES: usize = 512 << 20;

type Slot = (Key, usize, Arc<dyn Any + Send + Sync>);

static CACHE: Mutex<VecDeque<Slot>> = Mutex::new(VecDeque::new());

/// The cached value of `key`, or the one that `make` makes, which counts `size` bytes.
pub(super) fn cached<T: Send + Sync + 'static>(
    key: Key,
    size: usize,
    make: impl FnOnce() -> T,
) -> Arc<T> {
    let lock = || CACHE.lock().unwrap_or_else(PoisonError::into_inner);
    let found = lock()
        .iter()
        .find(|slot| slot.0 == key)
        .map(|slot| Arc::clone(&slot.2));
    if let Some(found) = found.and_then(|any| any.downcast().ok()) {
        return found;
    }
    let made = Arc::new(make());
    let mut cache = lock();
    cache.push_back((key, size, made.clone()));
    while cache.iter().map(|slot| slot.1).sum::<usize>() > CACHE_BYTES && cache.len() > 1 {
        cache.pop_front();
    }
    made
}
