//! Regions of feature maps, resized (`horizon.md` 2.1 #14 and 3.16, `hbir.md` 1.6).
//!
//! Inferred. One sample per output, as `sampling_ratio=1` says; along each axis, in units of `2^-B`:
//!
//! ```text
//! low, high = corners · spatial_scale            (integer corners are quarters of a pixel)
//! Origin    bernoulli, bernoulli2: extent = high - low + 1, first = low
//! Legacy    aligned=False:         extent = max(high - low, 1), first = low + extent/(2·out)
//! Half      aligned=True:          extent = high - low, first = low + extent/(2·out) - 1/2
//! source i = ⌊first·2^B⌋ + i·⌊extent/out·2^B⌋    B = 8 on bernoulli and bernoulli2, else 16
//! ```
//!
//! Read are the three forms of extent and alignment (the plugin's modules say the first, the other two are
//! torchvision's, whose function the float module calls), B = 16 and the padding `border` (the front end's RoiAlign).
//! Both floors are the choice of `hbir.md` 1.6 for whole maps, of which this is the general case, and so is the mix of
//! four pixels with one rounding. Samples outside the map take its border; torchvision's are 0 one pixel beyond it.

use super::march::March;
use super::op::{Args, Context, MemoryFormat, OpError, Output, Shape};
use super::resize::{Source, fraction_bits, mix, rounding};
use super::simd::Isa;
use crate::tensor::DType;

/// Length of one unit of integer corners, in pixels.
const CORNER_UNIT: f64 = 0.25;

/// Where samples lie in a region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Align {
    Origin,
    Legacy,
    Half,
}

impl Align {
    fn of(march: March, aligned: bool) -> Self {
        match (march, aligned) {
            (March::Bernoulli | March::Bernoulli2, _) => Align::Origin,
            (_, false) => Align::Legacy,
            (_, true) => Align::Half,
        }
    }
}

/// The value in units of `2^-bits`: the choice of rounding for starts and steps.
fn fixed(value: f64, bits: u32) -> i64 {
    (value * 2f64.powi(bits as i32)).floor() as i64
}

/// `output` sampling coordinates between two corners in pixels of the map, in units of `2^-bits`.
fn coordinates(
    align: Align,
    [low, high]: [f64; 2],
    output: usize,
    bits: u32,
) -> impl Iterator<Item = i64> {
    let extent = match align {
        Align::Origin => high - low + 1.0,
        Align::Legacy => (high - low).max(1.0),
        Align::Half => high - low,
    };
    let step = extent / output as f64;
    let first = match align {
        Align::Origin => low,
        Align::Legacy => low + step / 2.0,
        Align::Half => low + step / 2.0 - 0.5,
    };
    let (first, step) = (fixed(first, bits), fixed(step, bits));
    (0..output as i64).map(move |i| first.saturating_add(step.saturating_mul(i)))
}

/// Corners of all regions, `x1, y1, x2, y2` each.
struct Regions {
    corners: Vec<[f64; 4]>,
    /// Pixels of the image in one unit of a corner.
    unit: f64,
}

struct RoiResize {
    nearest: bool,
    align: Align,
    march: March,
    scale: f64,
    /// `[N, C, H, W]` of the map.
    map: [usize; 4],
    /// Regions of each image.
    count: usize,
    /// Height and width of a result.
    size: [usize; 2],
}

impl RoiResize {
    fn read(a: &Args) -> Result<Self, OpError> {
        let (data, rois) = (a.tensor(0)?, a.tensor(1)?);
        let (&[n, c, h, w], &[images, count, 4]) = (data.shape, rois.shape) else {
            return Err(a.shape_error(format!(
                "data {:?} is not [N, C, H, W] or rois {:?} not [N, K, 4]",
                data.shape, rois.shape
            )));
        };
        if images != n || h == 0 || w == 0 {
            return Err(a.shape_error(format!(
                "data {:?} with rois {:?}: one list of regions for each image, none of them empty",
                data.shape, rois.shape
            )));
        }
        let (march, mode) = (a.march(7)?, a.str(6)?);
        if !matches!(mode, "bilinear" | "nearest") {
            return Err(a.value_error(format!("mode `{mode}` is neither bilinear nor nearest")));
        }
        if march.legacy_resize() && rois.dtype == DType::F32 {
            return Err(a.value_error(format!(
                "rois are integers in quarters of a pixel on {march}, not float32"
            )));
        }
        let it = Self {
            nearest: mode == "nearest",
            align: Align::of(march, a.bool(5)?),
            march,
            scale: a.float(2)?,
            map: [n, c, h, w],
            count,
            size: [a.size(3)?, a.size(4)?],
        };
        let elements = it.shape().iter().try_fold(1usize, |n, d| n.checked_mul(*d));
        match elements {
            Some(n) if n <= isize::MAX as usize / 16 && !it.size.contains(&0) => Ok(it),
            _ => Err(a.value_error(format!("an output of shape {:?}", it.shape()))),
        }
    }

    fn shape(&self) -> [usize; 4] {
        let [n, c, _, _] = self.map;
        [n.saturating_mul(self.count), c, self.size[0], self.size[1]]
    }

    fn regions(&self, a: &Args) -> Result<Regions, OpError> {
        let (values, unit): (Vec<f64>, f64) = match a.filled(1)?.dtype {
            DType::F32 => (a.floats(1)?, 1.0),
            _ => (
                a.ints32(1)?.into_iter().map(f64::from).collect(),
                CORNER_UNIT,
            ),
        };
        let corners = values
            .chunks_exact(4)
            .map(|roi| [roi[0], roi[1], roi[2], roi[3]])
            .collect();
        Ok(Regions { corners, unit })
    }

    /// Whether the region has a size and touches the map. Products are float32, as the plugin forms them.
    fn legal(&self, [x1, y1, x2, y2]: [f64; 4], unit: f64) -> bool {
        let beyond = |corner: f64, size: usize| {
            corner as f32 * self.scale as f32 > (size as f64 / unit) as f32
        };
        let [_, _, h, w] = self.map;
        let outside = x2 < 0.0 || y2 < 0.0 || beyond(x1, w) || beyond(y1, h);
        !(outside || x2 - x1 <= 0.0 || y2 - y1 <= 0.0)
    }
}

/// int8 regions `[N·K, C, out_height, out_width]`; a region without size or beside the map gives zeros.
///
/// Arguments: in_featuremap int8 `[N, C, H, W]`; in_rois `[N, K, 4]` as x1, y1, x2, y2, float32 pixels or integer
/// quarters of a pixel (the only form on bernoulli and bernoulli2); spatial_scale; out_height; out_width; aligned
/// (without effect on bernoulli and bernoulli2); interpolate_mode; march.
pub(super) fn run(cx: &Context, a: &Args) -> Result<Vec<Output>, OpError> {
    let roi = RoiResize::read(a)?;
    let data = a
        .filled(0)?
        .channels_last::<i8>()
        .ok_or_else(|| a.wrong(0, "an int8 tensor"))?;
    let regions = roi.regions(a)?;
    let shape = roi.shape().to_vec();
    let out = roi.resized(cx.isa, &data, &regions);
    Ok(vec![Output::new(out, shape, MemoryFormat::ChannelsLast)])
}

pub(super) fn shapes(a: &Args) -> Result<Vec<Shape>, OpError> {
    Ok(vec![(
        a.tensor(0)?.dtype,
        RoiResize::read(a)?.shape().to_vec(),
    )])
}

impl RoiResize {
    fn resized(&self, isa: Isa, data: &[i8], regions: &Regions) -> Vec<i8> {
        let [_, c, h, w] = self.map;
        let mut to = vec![0i8; self.shape().iter().product()];
        let (one, image) = (self.size[0] * self.size[1] * c, h * w * c);
        if one == 0 {
            return to;
        }
        for (at, (to, corners)) in to.chunks_exact_mut(one).zip(&regions.corners).enumerate() {
            if self.legal(*corners, regions.unit) {
                let image = &data[at / self.count * image..][..image];
                self.region(isa, image, corners.map(|v| v * regions.unit), to);
            }
        }
        to
    }

    /// One region of one image, corners in pixels.
    fn region(&self, isa: Isa, image: &[i8], [x1, y1, x2, y2]: [f64; 4], to: &mut [i8]) {
        let ([_, c, h, w], bits) = (self.map, fraction_bits(self.march));
        let along = |low: f64, high: f64, output: usize| {
            let corners = [low * self.scale, high * self.scale];
            coordinates(self.align, corners, output, bits)
        };
        let (ys, xs) = (along(y1, y2, self.size[0]), along(x1, x2, self.size[1]));
        let (last_y, last_x) = (h as i64 - 1, w as i64 - 1);
        let pixel = |y: usize, x: usize| &image[(y * w + x) * c..][..c];
        let mut pixels = to.chunks_exact_mut(c);
        if self.nearest {
            let columns: Vec<usize> = xs.map(|at| Source::nearest(at, bits, last_x)).collect();
            for y in ys.map(|at| Source::nearest(at, bits, last_y)) {
                for (x, to) in columns.iter().zip(&mut pixels) {
                    to.copy_from_slice(pixel(y, *x));
                }
            }
            return;
        }
        let mut rows: Vec<Source> = ys.map(|at| Source::at(at, bits, last_y)).collect();
        let mut columns: Vec<Source> = xs.map(|at| Source::at(at, bits, last_x)).collect();
        let bits = Source::trim(&mut rows, &mut columns, bits);
        let narrow = 8 + 2 * bits < 31;
        for y in &rows {
            for (x, to) in columns.iter().zip(&mut pixels) {
                let corners = [
                    pixel(y.low, x.low),
                    pixel(y.low, x.high),
                    pixel(y.high, x.low),
                    pixel(y.high, x.high),
                ];
                let fractions = [y.fraction, x.fraction];
                mix(
                    isa,
                    to,
                    corners,
                    fractions,
                    bits,
                    rounding(self.march),
                    narrow,
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The whole map is `hbir.md` 1.6: the coordinates of its worked examples, 4 pixels to 8 and 6.
    #[test]
    fn the_whole_map_is_the_general_case_of_resize() {
        let found = |output| -> Vec<i64> {
            coordinates(Align::Half, [0.0, 4.0], output, 16)
                .take(2)
                .collect()
        };
        assert_eq!(found(8), [-16384, 16384]);
        assert_eq!(found(6), [-10923, 32767]);
    }

    #[test]
    fn the_three_alignments() {
        let found = |align| -> Vec<i64> { coordinates(align, [1.0, 3.0], 2, 8).collect() };
        assert_eq!(found(Align::Origin), [256, 256 + 384]);
        assert_eq!(found(Align::Legacy), [384, 640]);
        assert_eq!(found(Align::Half), [256, 512]);
        let thin: Vec<i64> = coordinates(Align::Legacy, [1.0, 1.25], 2, 8).collect();
        assert_eq!(thin, [320, 448]);
    }
}
