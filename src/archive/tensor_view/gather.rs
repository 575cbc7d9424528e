//! Walking the elements of a strided view.

use super::TensorView;
use crate::archive::pickle::Dims;

/// Byte positions of a view's elements in row-major order.
pub(super) struct Elements {
    /// Size and step in bytes of each dimension, outermost first.
    dims: Vec<(usize, usize)>,
    index: Vec<usize>,
    at: usize,
    left: usize,
}

impl Elements {
    pub(super) fn of(view: &TensorView) -> Elements {
        let item = view.dtype.size();
        let step = |(size, stride): (&i64, &i64)| (*size as usize, *stride as usize * item);
        let dims: Vec<_> = view.sizes.iter().zip(&view.strides).map(step).collect();
        let left = view.numel();
        // Without elements the strides need not stay inside anything.
        let dims = if left == 0 { Vec::new() } else { dims };
        Elements {
            index: vec![0; dims.len()],
            dims,
            at: view.offset as usize * item * (left != 0) as usize,
            left,
        }
    }
}

impl Iterator for Elements {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        self.left = self.left.checked_sub(1)?;
        let at = self.at;
        for (index, (size, step)) in self.index.iter_mut().zip(&self.dims).rev() {
            *index += 1;
            if *index < *size {
                self.at += step;
                return Some(at);
            }
            *index = 0;
            self.at -= (size - 1) * step;
        }
        Some(at)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

/// All elements' bytes in row-major order; the caller bounded their number.
pub(super) fn gather(view: &TensorView) -> Vec<u8> {
    let mut out = Vec::with_capacity(view.size_bytes());
    let storage: &[u8] = &view.storage;
    // Whole contiguous runs of inner dimensions are copied at once.
    let (outer, run) = split(view);
    let run_bytes = run * view.dtype.size();
    for at in Elements::of(&outer) {
        out.extend_from_slice(&storage[at..at + run_bytes]);
    }
    out
}

/// The view of run starts, and the number of elements in each contiguous run.
fn split(view: &TensorView) -> (TensorView, usize) {
    let mut run = 1;
    let mut rank = view.sizes.len();
    while rank > 0 && (view.strides[rank - 1] == run || view.sizes[rank - 1] == 1) {
        run *= view.sizes[rank - 1];
        rank -= 1;
    }
    let outer = |dims: &Dims| Dims::from_slice(&dims[..rank]);
    let starts = TensorView {
        sizes: outer(&view.sizes),
        strides: outer(&view.strides),
        ..view.clone()
    };
    (starts, run as usize)
}
