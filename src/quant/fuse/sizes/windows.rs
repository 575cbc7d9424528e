//! Convolutions, pools and padding: over the last one to three dimensions, those of space; channels come before them.

use super::Size;
use super::walk::Walk;

impl Walk<'_> {
    /// What an operator over space does to the sizes of its first input.
    pub(super) fn windowed(&self, name: &str, dims: Vec<Size>) -> Option<Vec<Size>> {
        match name {
            "conv1d" | "conv2d" | "conv3d" | "_convolution" | "convolution" => self.convolved(dims),
            "avg_pool1d" | "max_pool1d" => self.pooled(dims, 1),
            "avg_pool2d" | "max_pool2d" => self.pooled(dims, 2),
            "avg_pool3d" | "max_pool3d" => self.pooled(dims, 3),
            "adaptive_avg_pool1d" | "adaptive_max_pool1d" => self.adapted(dims, 1),
            "adaptive_avg_pool2d" | "adaptive_max_pool2d" => self.adapted(dims, 2),
            "adaptive_avg_pool3d" => self.adapted(dims, 3),
            "pad" | "constant_pad_nd" | "reflection_pad2d" | "replication_pad2d" => {
                self.padded(dims)
            }
            _ => None,
        }
    }

    fn convolved(&self, mut dims: Vec<Size>) -> Option<Vec<Size>> {
        if let Some(transposed) = self.place("transposed")
            && self.bool(transposed)?
        {
            return None;
        }
        let weight = self.dims(1)?;
        let (channels, kernel) = (weight.first()?, weight.get(2..)?);
        let kernel = kernel.iter().copied().collect::<Option<Vec<i64>>>()?;
        let first = first_of_space(&dims, kernel.len())?;
        let dilation = self.each("dilation", kernel.len())?;
        let windows = self.windows(kernel, dilation, false)?;
        dims[first - 1] = *channels;
        count(&mut dims[first..], &windows);
        Some(dims)
    }

    fn pooled(&self, mut dims: Vec<Size>, space: usize) -> Option<Vec<Size>> {
        let first = first_of_space(&dims, space)?;
        let kernel = self.each("kernel_size", space)?;
        let dilation = match self.place("dilation") {
            Some(_) => self.each("dilation", space)?,
            None => vec![1; space],
        };
        let ceil = self.bool(self.place("ceil_mode")?)?;
        let windows = self.windows(kernel, dilation, ceil)?;
        count(&mut dims[first..], &windows);
        Some(dims)
    }

    fn adapted(&self, mut dims: Vec<Size>, space: usize) -> Option<Vec<Size>> {
        let first = first_of_space(&dims, space)?;
        let wanted = self.each("output_size", space)?;
        dims.splice(first.., wanted.into_iter().map(Some));
        Some(dims)
    }

    /// Numbers before and after each dimension, from the last one on.
    fn padded(&self, mut dims: Vec<Size>) -> Option<Vec<Size>> {
        let sides = self.list_at(1)?;
        for (size, both) in dims.iter_mut().rev().zip(sides.chunks(2)) {
            let &[before, after] = both else {
                return None;
            };
            let wider = |size: i64| size.checked_add(before?)?.checked_add(after?);
            *size = size.and_then(wider);
        }
        Some(dims)
    }

    /// One window for each dimension of space.
    fn windows(&self, kernel: Vec<i64>, dilation: Vec<i64>, ceil: bool) -> Option<Vec<Window>> {
        let space = kernel.len();
        let given = self.ints_at(self.place("stride")?)?;
        // An empty stride is the window's size.
        let stride = match given.is_empty() {
            true => kernel.clone(),
            false => self.each("stride", space)?,
        };
        let padding = self.each("padding", space)?;
        let window = |at: usize| Window {
            kernel: kernel[at],
            stride: stride[at],
            padding: padding[at],
            dilation: dilation[at],
            ceil,
        };
        Some((0..space).map(window).collect())
    }

    /// An argument with a number for each dimension of space, or one for all.
    fn each(&self, name: &str, space: usize) -> Option<Vec<i64>> {
        let ints = self.ints_at(self.place(name)?)?;
        let ints = ints.into_iter().collect::<Option<Vec<i64>>>()?;
        match ints.len() {
            1 => Some(vec![ints[0]; space]),
            len => (len == space).then_some(ints),
        }
    }
}

/// Where the dimensions of space begin, behind the channels and perhaps a batch.
fn first_of_space(dims: &[Size], space: usize) -> Option<usize> {
    let first = dims.len().checked_sub(space)?;
    matches!(first, 1 | 2).then_some(first)
}

fn count(dims: &mut [Size], windows: &[Window]) {
    for (size, window) in dims.iter_mut().zip(windows) {
        *size = size.and_then(|it| window.count(it));
    }
}

/// How a window moves along one dimension.
#[derive(Clone, Copy, Debug)]
struct Window {
    kernel: i64,
    stride: i64,
    padding: i64,
    dilation: i64,
    ceil: bool,
}

impl Window {
    /// How many places it has along so many elements.
    fn count(self, size: i64) -> Option<i64> {
        let span = self.dilation.checked_mul(self.kernel.checked_sub(1)?)?;
        let room = self.padding.checked_mul(2)?.checked_add(size)?;
        let room = room.checked_sub(span)?.checked_sub(1)?;
        let plain = self.stride > 0 && room >= 0;
        let up = if self.ceil { self.stride - 1 } else { 0 };
        let mut count = plain.then(|| room.checked_add(up))?? / self.stride + 1;
        // A window that starts behind the end does not count.
        let end = size.checked_add(self.padding)?;
        if self.ceil && (count - 1).checked_mul(self.stride)? >= end {
            count -= 1;
        }
        Some(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(kernel: i64, stride: i64, padding: i64, ceil: bool) -> Window {
        Window {
            kernel,
            stride,
            padding,
            dilation: 1,
            ceil,
        }
    }

    #[test]
    fn windows_give_torchs_sizes() {
        // torch.nn.functional.max_pool2d
        for (size, window, expected) in [
            (224, window(7, 2, 3, false), 112),
            (7, window(2, 2, 0, false), 3),
            (7, window(2, 2, 0, true), 4),
            (6, window(3, 3, 1, true), 3),
            (5, window(2, 3, 1, true), 2),
            (4, window(2, 4, 1, true), 2),
        ] {
            assert_eq!(window.count(size), Some(expected), "{size} {window:?}");
        }
    }

    #[test]
    fn what_is_no_window_has_no_size() {
        assert_eq!(window(9, 1, 0, false).count(4), None);
        assert_eq!(window(1, 0, 0, false).count(4), None);
        assert_eq!(window(i64::MAX, 1, 0, false).count(i64::MIN), None);
    }
}
