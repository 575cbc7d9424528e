//! Grid sampling by integer coordinates (`horizon.md` 3.11, `hbir.md` 1.12).

use super::channel::Int;
use super::fixed::{Shift, shift_right64};
use super::op::{Args, Context, MemoryFormat, OpError, Output, Shape};
use crate::tensor::DType;

/// How the output shift treats dropped bits (the layer's `enable_rounding` is true); one rounding for both directions (guess).
const ROUNDING: Shift = Shift::Round;

/// Coordinates have at most this many fraction bits (`horizon.md` 3.11).
const MAX_COORD_SHIFT: i32 = 8;

struct Warp {
    bilinear: bool,
    /// Points outside give 0; else the nearest border pixel.
    zeros: bool,
    shift: i32,
    /// Of the input.
    images: usize,
    channels: usize,
    height: i64,
    width: i64,
    /// Of the grid: groups, height, width.
    groups: usize,
    grid: [usize; 2],
}

impl Warp {
    fn read(a: &Args) -> Result<Self, OpError> {
        let (data, grid) = (a.tensor(0)?.shape, a.tensor(1)?.shape);
        let (&[images, channels, height, width], &[n, groups, 2, h, w]) = (data, grid) else {
            return Err(a.shape_error(format!(
                "data {data:?} is not [N, C, H, W] or grid {grid:?} not [N, G, 2, H, W]"
            )));
        };
        if n != images || groups == 0 || channels % groups != 0 || data.contains(&0) {
            return Err(a.shape_error(format!(
                "data {data:?} and grid {grid:?} do not go together"
            )));
        }
        let bilinear = match a.str(2)? {
            "bilinear" => true,
            "nearest" => false,
            other => {
                return Err(
                    a.value_error(format!("mode `{other}` is neither bilinear nor nearest"))
                );
            }
        };
        let zeros = match a.str(3)? {
            "zeros" | "constant" => true,
            "border" | "boundary" => false,
            other => {
                return Err(a.value_error(format!(
                    "padding mode `{other}` is neither zeros nor border"
                )));
            }
        };
        a.bool(4)?;
        a.march(6)?;
        let shift = a.int32(5)?;
        if !(0..=MAX_COORD_SHIFT).contains(&shift) {
            return Err(a.value_error(format!(
                "coord_shift {shift} is not from 0 to {MAX_COORD_SHIFT}"
            )));
        }
        Ok(Self {
            bilinear,
            zeros,
            shift,
            images,
            channels,
            height: height as i64,
            width: width as i64,
            groups,
            grid: [h, w],
        })
    }

    fn shape(&self) -> Vec<usize> {
        vec![self.images, self.channels, self.grid[0], self.grid[1]]
    }
}

/// `y = sat(Σ of the four neighbours, weights of coord_shift bits each, >> 2·coord_shift)`.
///
/// Coordinates are absolute pixels in units `2^-coord_shift`, so `align_corners` has no meaning left.
/// Arguments: featuremap, grid int16 `[N, G, (y, x), H, W]`, mode, padding_mode, align_corners, coord_shift, march.
pub(super) fn run(_: &Context, a: &Args) -> Result<Vec<Output>, OpError> {
    let warp = Warp::read(a)?;
    let (tensor, grid) = (a.filled(0)?, a.filled(1)?);
    let grid = grid
        .contiguous::<i16>()
        .ok_or_else(|| a.wrong(1, "an int16 tensor"))?;
    macro_rules! go {
        ($ty:ty) => {{
            let data = tensor
                .channels_last::<$ty>()
                .ok_or_else(|| a.wrong(0, "a tensor of integers"))?;
            Ok(vec![Output::new(
                warp.run(&data, &grid),
                warp.shape(),
                MemoryFormat::ChannelsLast,
            )])
        }};
    }
    match tensor.dtype {
        DType::I8 => go!(i8),
        DType::I16 => go!(i16),
        _ => Err(a.wrong(0, "an int8 or int16 tensor")),
    }
}

pub(super) fn shapes(a: &Args) -> Result<Vec<Shape>, OpError> {
    Ok(vec![(a.tensor(0)?.dtype, Warp::read(a)?.shape())])
}

impl Warp {
    fn run<T: Int>(&self, data: &[T], grid: &[i16]) -> Vec<T> {
        let plane = self.grid[0] * self.grid[1];
        let depth = self.channels / self.groups;
        let mut to = vec![T::default(); self.images * plane * self.channels];
        for image in 0..self.images {
            for group in 0..self.groups {
                let ys = &grid[(image * self.groups + group) * 2 * plane..][..2 * plane];
                let (ys, xs) = ys.split_at(plane);
                for (pixel, (y, x)) in ys.iter().zip(xs).enumerate() {
                    let at = (image * plane + pixel) * self.channels + group * depth;
                    self.sample(
                        data,
                        image,
                        group * depth,
                        [*y, *x].map(i64::from),
                        &mut to[at..at + depth],
                    );
                }
            }
        }
        to
    }

    fn sample<T: Int>(
        &self,
        data: &[T],
        image: usize,
        channel: usize,
        [y, x]: [i64; 2],
        to: &mut [T],
    ) {
        let one = 1i64 << self.shift;
        if !self.bilinear {
            let half = one >> 1;
            let from = self.pixel(
                data,
                image,
                channel,
                (y + half) >> self.shift,
                (x + half) >> self.shift,
                to.len(),
            );
            match from {
                Some(from) => to.copy_from_slice(from),
                None => to.fill(T::default()),
            }
            return;
        }
        let (fy, fx) = (y & (one - 1), x & (one - 1));
        let (y, x) = (y >> self.shift, x >> self.shift);
        let corners = [
            (y, x, (one - fy) * (one - fx)),
            (y, x + 1, (one - fy) * fx),
            (y + 1, x, fy * (one - fx)),
            (y + 1, x + 1, fy * fx),
        ]
        .map(|(y, x, weight)| {
            self.pixel(data, image, channel, y, x, to.len())
                .map(|pixel| (pixel, weight))
        });
        for (c, to) in to.iter_mut().enumerate() {
            let sum: i64 = corners
                .iter()
                .flatten()
                .map(|(pixel, weight)| i64::from(pixel[c].to_i32()) * weight)
                .sum();
            // A mean of values of the type: it cannot leave the type's range.
            *to = T::from_i32(shift_right64(sum, 2 * self.shift, ROUNDING) as i32);
        }
    }

    /// `n` channels of one pixel; `None` where the padding is 0.
    fn pixel<'d, T>(
        &self,
        data: &'d [T],
        image: usize,
        channel: usize,
        y: i64,
        x: i64,
        n: usize,
    ) -> Option<&'d [T]> {
        let inside = (0..self.height).contains(&y) && (0..self.width).contains(&x);
        if !inside && self.zeros {
            return None;
        }
        let (y, x) = (y.clamp(0, self.height - 1), x.clamp(0, self.width - 1));
        let pixel = (image as i64 * self.height + y) * self.width + x;
        data.get(pixel as usize * self.channels + channel..)?
            .get(..n)
    }
}
