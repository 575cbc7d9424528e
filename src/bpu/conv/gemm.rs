//! The driver of the dense kernels: images, chunks of pixels, panels of output channels, tiles.

use rayon::prelude::*;

#[cfg(target_arch = "x86_64")]
use super::amx::{self, Plan};
use super::output::{Finish, Tile};
use super::pack::{LANES, PackedWeight, Panel, WeightShape};
use super::stage::{self, Images, StageAs};
use super::tile::{Acc, Multiply, Operands};
use super::window::Window;
use crate::bpu::channel::Int;
use crate::bpu::op::Context;
#[cfg(target_arch = "x86_64")]
use crate::bpu::simd::Isa;
use crate::tensor::DType;

/// Pixels of which all output channels are computed before the next ones: their inputs stay in the second-level cache.
const CHUNK: usize = 1536;

/// One convolution, ready to run.
pub(super) struct Dense<'a, P: Multiply> {
    pub(super) window: Window,
    pub(super) images: usize,
    pub(super) weight: WeightShape,
    pub(super) packed: &'a PackedWeight<P>,
    pub(super) finish: Finish<'a>,
}

impl<P: Multiply> Dense<'_, P> {
    /// All images, in `[N, spatial…, C]` order.
    pub(super) fn run<T: StageAs<P::Act>, U: Int>(
        &self,
        cx: &Context,
        images: &Images<T>,
    ) -> Vec<U> {
        let (pixels, all) = (
            self.window.pixels(),
            self.weight.outputs * self.weight.groups,
        );
        let mut to = vec![U::default(); self.images * pixels * all];
        if to.is_empty() {
            return to;
        }
        let channels = self.weight.inputs * self.weight.groups;
        let mut staged = stage::blank(&self.window, channels, cx.isa);
        let bases = self.window.bases(channels);
        let offsets: Vec<usize> = self
            .window
            .offsets(channels)
            .into_iter()
            .step_by(self.weight.stretch)
            .collect();
        for (index, to) in to.chunks_exact_mut(pixels * all).enumerate() {
            stage::write(&mut staged, &self.window, channels, images, index, cx.isa);
            let size = chunk_of(cx, pixels);
            let chunk = |(at, to): (usize, &mut [U])| {
                let first = at * size;
                let bases = &bases[first..first + to.len() / all];
                self.chunk(cx, &staged, bases, &offsets, index * pixels + first, to);
            };
            if cx.threads > 1 {
                to.par_chunks_mut(size * all).enumerate().for_each(chunk);
            } else {
                to.chunks_mut(size * all).enumerate().for_each(chunk);
            }
        }
        to
    }

    fn chunk<U: Int>(
        &self,
        cx: &Context,
        staged: &[P::Act],
        bases: &[usize],
        offsets: &[usize],
        pixel: usize,
        to: &mut [U],
    ) {
        #[cfg(target_arch = "x86_64")]
        if let Some(plan) = self.plan(cx.isa, bases, offsets) {
            return self.chunk_of_tiles(&plan, bytemuck::cast_slice(staged), pixel, to);
        }
        let channels = self.weight.outputs * self.weight.groups;
        let mut acc = Acc([0; _]);
        for panel in &self.packed.panels {
            let op = Operands {
                staged: &staged[panel.group * self.weight.inputs..],
                offsets,
                run: self.weight.run::<P::Act>(),
                weights: &self.packed.data[panel.at..panel.at + panel.len],
                blocks: panel.blocks,
            };
            let mut row = 0;
            while row < bases.len() {
                let rows = P::multiply(cx.isa, &mut acc, &bases[row..], op);
                let tile = self.tile(panel, pixel, row, rows);
                self.finish.write(&mut acc.0, tile, to, channels);
                row += rows;
            }
        }
    }

    /// Pixels `row` to `row + rows` of the chunk whose first is `pixel`, and a panel's channels.
    fn tile(&self, panel: &Panel, pixel: usize, row: usize, rows: usize) -> Tile {
        let width = panel.blocks * LANES;
        Tile {
            width,
            used: (self.weight.outputs - panel.first).min(width),
            channel: panel.group * self.weight.outputs + panel.first,
            row,
            pixel: pixel + row,
            rows,
        }
    }
}

#[cfg(target_arch = "x86_64")]
impl<P: Multiply> Dense<'_, P> {
    /// Which tiles compute a chunk of int8 inputs; `None` if vector registers do it better.
    fn plan<'o>(&self, isa: Isa, bases: &[usize], offsets: &'o [usize]) -> Option<Plan<'o>> {
        let WeightShape { groups, inputs, .. } = self.weight;
        let stride = self.window.stride[2] * inputs * groups;
        let run = self.weight.run::<P::Act>();
        (P::DTYPE == DType::I8)
            .then(|| Plan::new(isa, bases, offsets, run, stride))
            .flatten()
    }

    fn chunk_of_tiles<U: Int>(&self, plan: &Plan, staged: &[u8], pixel: usize, to: &mut [U]) {
        let channels = self.weight.outputs * self.weight.groups;
        let mut acc = Acc([0; _]);
        let tiles = plan.tiles();
        for panel in &self.packed.panels {
            let weights = &self.packed.data[panel.at..panel.at + panel.len];
            let operands = amx::Panel {
                staged: &staged[panel.group * self.weight.inputs..],
                weights: bytemuck::cast_slice(weights),
                blocks: panel.blocks,
            };
            for pair in &plan.pairs {
                plan.multiply(&tiles, pair, operands, &mut acc);
                for rows in &pair.rows {
                    let tile = self.tile(panel, pixel, rows.pixel, rows.count);
                    let acc = &mut acc.0[rows.from * tile.width..];
                    self.finish.write(acc, tile, to, channels);
                }
            }
        }
    }
}

/// Pixels of one chunk: bounded by the cache, and small enough that every thread gets work.
pub(super) fn chunk_of(cx: &Context, pixels: usize) -> usize {
    pixels.div_ceil(cx.threads.max(1)).clamp(1, CHUNK)
}
