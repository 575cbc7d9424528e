//! Where a convolution reads: sizes, paddings and steps of up to three spatial dimensions.

use super::super::op::{Args, OpError};

/// Depth, height, width. A 2-D convolution has depth 1.
pub(in crate::bpu) type Dims<T> = [T; 3];

/// Largest number of elements of a staged image; beyond it a wrong padding or stride would exhaust memory.
const MAX_STAGED: usize = 1 << 32;

/// The sliding window of a convolution, transposed or not.
///
/// Both run over a *staged* image: the input spread with `insert - 1` zeros between neighbours and surrounded by zeros,
/// of exactly the size that the windows cover. A transposed convolution is the plain one over its spread input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::bpu) struct Window {
    pub(in crate::bpu) input: Dims<usize>,
    pub(in crate::bpu) kernel: Dims<usize>,
    pub(in crate::bpu) stride: Dims<usize>,
    pub(in crate::bpu) dilation: Dims<usize>,
    /// Staged position of the first input element; negative crops.
    pub(in crate::bpu) before: Dims<i64>,
    /// Distance of neighbouring input elements in the staged image.
    pub(in crate::bpu) insert: Dims<usize>,
    pub(in crate::bpu) output: Dims<usize>,
}

/// The lists of an operator's arguments, as given.
#[derive(Clone, Debug)]
pub(in crate::bpu) struct Lists {
    pub(in crate::bpu) stride: Vec<i64>,
    pub(in crate::bpu) pad: Vec<i64>,
    pub(in crate::bpu) dilation: Vec<i64>,
    /// Present for a transposed convolution.
    pub(in crate::bpu) output_padding: Option<Vec<i64>>,
}

/// `list` behind as many `fill` as make three.
fn three<T: Copy>(list: impl ExactSizeIterator<Item = T>, fill: T) -> Dims<T> {
    let mut all = [fill; 3];
    let skip = 3usize.saturating_sub(list.len());
    for (to, from) in all[skip..].iter_mut().zip(list) {
        *to = from;
    }
    all
}

impl Window {
    /// The window over an input of `spatial` sizes by a kernel of `kernel` sizes.
    pub(in crate::bpu) fn new(
        a: &Args,
        spatial: &[usize],
        kernel: &[usize],
        lists: &Lists,
    ) -> Result<Self, OpError> {
        let positive = |list: &[i64]| list.iter().all(|v| *v > 0);
        if !positive(&lists.stride) || !positive(&lists.dilation) || kernel.contains(&0) {
            return Err(a.value_error("kernel, stride and dilation must be positive"));
        }
        let sizes = |list: &[i64]| three(list.iter().map(|v| *v as usize), 1);
        let (stride, dilation) = (sizes(&lists.stride), sizes(&lists.dilation));
        let pad = three(lists.pad.iter().copied(), 0);
        let (input, kernel) = (
            three(spatial.iter().copied(), 1),
            three(kernel.iter().copied(), 1),
        );
        let extra = lists
            .output_padding
            .as_ref()
            .map(|list| three(list.iter().copied(), 0));
        let mut window = Self {
            input,
            kernel,
            stride,
            dilation,
            before: pad,
            insert: [1; 3],
            output: [0; 3],
        };
        for dim in 0..3 {
            let reach = (dilation[dim] as i64).saturating_mul(kernel[dim] as i64 - 1);
            let size = input[dim] as i64;
            let output = match extra {
                None => (size + 2 * pad[dim] - reach - 1).div_euclid(stride[dim] as i64) + 1,
                Some(extra) => {
                    window.before[dim] = reach - pad[dim];
                    window.insert[dim] = stride[dim];
                    window.stride[dim] = 1;
                    (size - 1).saturating_mul(stride[dim] as i64) - 2 * pad[dim]
                        + reach
                        + extra[dim]
                        + 1
                }
            };
            window.output[dim] = usize::try_from(output).ok().filter(|n| *n > 0).ok_or_else(|| {
                a.shape_error(format!("a window of {kernel:?} does not fit an input of {spatial:?} with these pads and strides"))
            })?;
        }
        let cells = window
            .staged()
            .iter()
            .try_fold(1usize, |n, d| n.checked_mul(*d));
        if cells.is_none_or(|n| n > MAX_STAGED) {
            return Err(a.shape_error(format!("padding {:?} makes the input too large", lists.pad)));
        }
        Ok(window)
    }

    /// Sizes of the staged image.
    pub(in crate::bpu) fn staged(&self) -> Dims<usize> {
        std::array::from_fn(|d| {
            (self.output[d] - 1)
                .saturating_mul(self.stride[d])
                .saturating_add(self.dilation[d].saturating_mul(self.kernel[d] - 1))
                + 1
        })
    }

    /// Number of output pixels.
    pub(in crate::bpu) fn pixels(&self) -> usize {
        self.output.iter().product()
    }

    /// Number of kernel positions.
    pub(in crate::bpu) fn taps(&self) -> usize {
        self.kernel.iter().product()
    }

    /// Whether each output pixel is made of the input pixel at its own place alone.
    pub(in crate::bpu) fn is_pointwise(&self) -> bool {
        self.kernel == [1; 3]
            && self.stride == [1; 3]
            && self.insert == [1; 3]
            && self.before == [0; 3]
            && self.output == self.input
    }

    /// The same pointwise convolution over `images` images laid end to end.
    pub(in crate::bpu) fn flattened(&self, images: usize) -> Self {
        let pixels = images * self.pixels();
        Self {
            input: [1, 1, pixels],
            output: [1, 1, pixels],
            ..*self
        }
    }

    /// Element of the staged image where each output pixel's window starts, in output order.
    pub(in crate::bpu) fn bases(&self, pixel_stride: usize) -> Vec<usize> {
        let [_, height, width] = self.staged();
        let mut bases = Vec::with_capacity(self.pixels());
        for z in 0..self.output[0] {
            for y in 0..self.output[1] {
                let row = (z * self.stride[0] * height + y * self.stride[1]) * width;
                bases
                    .extend((0..self.output[2]).map(|x| (row + x * self.stride[2]) * pixel_stride));
            }
        }
        bases
    }

    /// Element of the staged image where each kernel position lies, relative to the window's start.
    pub(in crate::bpu) fn offsets(&self, pixel_stride: usize) -> Vec<usize> {
        let [_, height, width] = self.staged();
        let mut offsets = Vec::with_capacity(self.taps());
        for z in 0..self.kernel[0] {
            for y in 0..self.kernel[1] {
                let row = (z * self.dilation[0] * height + y * self.dilation[1]) * width;
                offsets.extend(
                    (0..self.kernel[2]).map(|x| (row + x * self.dilation[2]) * pixel_stride),
                );
            }
        }
        offsets
    }

    /// Calls `visit` with each input row that is used: its first input pixel, the staged pixel it goes to, and the pixels
    /// that fit. Neighbours go `insert[2]` staged pixels apart.
    pub(in crate::bpu) fn for_rows(&self, mut visit: impl FnMut(usize, usize, usize)) {
        let staged = self.staged();
        let place = |dim: usize, at: usize| {
            let at = self.before[dim] + (at * self.insert[dim]) as i64;
            usize::try_from(at).ok().filter(|at| *at < staged[dim])
        };
        let Some(first) = (0..self.input[2]).find(|x| place(2, *x).is_some()) else {
            return;
        };
        let count = (first..self.input[2])
            .take_while(|x| place(2, *x).is_some())
            .count();
        let column = place(2, first).unwrap_or(0);
        for z in 0..self.input[0] {
            for y in 0..self.input[1] {
                let (Some(to_z), Some(to_y)) = (place(0, z), place(1, y)) else {
                    continue;
                };
                let from = (z * self.input[1] + y) * self.input[2] + first;
                visit(from, (to_z * staged[1] + to_y) * staged[2] + column, count);
            }
        }
    }
}
