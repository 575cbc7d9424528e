//! Convolution and its transposed form, one multiplication after the other.

use super::fixed::{chain, sat, shift, wrap16, wrap32};

/// A convolution over `[N, C, D, H, W]`; 2-D ones have depth 1.
#[derive(Clone, Debug)]
pub(crate) struct Conv {
    pub(crate) images: usize,
    pub(crate) groups: usize,
    pub(crate) inputs: usize,
    pub(crate) outputs: usize,
    pub(crate) size: [i64; 3],
    pub(crate) kernel: [i64; 3],
    pub(crate) stride: [i64; 3],
    pub(crate) pad: [i64; 3],
    pub(crate) dilation: [i64; 3],
    /// Present: transposed, weight `[I, O/g, …]`.
    pub(crate) output_padding: Option<[i64; 3]>,
}

/// Everything after the products, per output channel.
#[derive(Clone, Debug)]
pub(crate) struct Stage {
    pub(crate) bias: Vec<i64>,
    pub(crate) bias_shift: Vec<i64>,
    /// Elements, scale, shift.
    pub(crate) sum: Option<(Vec<i64>, Vec<i64>, Vec<i64>)>,
    /// `(qscale, pre, post)`; `None`: raw.
    pub(crate) scale: Option<Vec<(i64, i64, i64)>>,
    pub(crate) round: bool,
    pub(crate) relu: bool,
    pub(crate) bits: u32,
}

impl Conv {
    pub(crate) fn output(&self) -> [i64; 3] {
        std::array::from_fn(|d| match self.output_padding {
            None => {
                (self.size[d] + 2 * self.pad[d] - self.dilation[d] * (self.kernel[d] - 1) - 1)
                    .div_euclid(self.stride[d])
                    + 1
            }
            Some(extra) => {
                (self.size[d] - 1) * self.stride[d] - 2 * self.pad[d]
                    + self.dilation[d] * (self.kernel[d] - 1)
                    + extra[d]
                    + 1
            }
        })
    }

    /// The input position that kernel position `k` meets for output position `o`, if there is one.
    fn meets(&self, d: usize, o: i64, k: i64) -> Option<i64> {
        let i = match self.output_padding {
            None => o * self.stride[d] - self.pad[d] + k * self.dilation[d],
            Some(_) => {
                let at = o + self.pad[d] - k * self.dilation[d];
                if at.rem_euclid(self.stride[d]) != 0 {
                    return None;
                }
                at.div_euclid(self.stride[d])
            }
        };
        (0..self.size[d]).contains(&i).then_some(i)
    }

    fn positions(&self) -> Vec<[i64; 3]> {
        let [d, h, w] = self.output();
        (0..d)
            .flat_map(|z| (0..h).flat_map(move |y| (0..w).map(move |x| [z, y, x])))
            .collect()
    }

    fn product(&self, x: &[i64], w: &[i64], image: usize, channel: usize, o: [i64; 3]) -> i128 {
        let group = channel / self.outputs;
        let mut sum = 0i128;
        for input in 0..self.inputs {
            for z in 0..self.kernel[0] {
                for y in 0..self.kernel[1] {
                    for c in 0..self.kernel[2] {
                        let at = [z, y, c]
                            .iter()
                            .enumerate()
                            .map(|(d, k)| self.meets(d, o[d], *k))
                            .collect::<Option<Vec<_>>>();
                        let Some(at) = at else { continue };
                        let from = ((image * self.groups + group) * self.inputs + input) as i64;
                        let from = ((from * self.size[0] + at[0]) * self.size[1] + at[1])
                            * self.size[2]
                            + at[2];
                        let row = match self.output_padding {
                            None => channel * self.inputs + input,
                            Some(_) => {
                                (group * self.inputs + input) * self.outputs
                                    + channel % self.outputs
                            }
                        } as i64;
                        let tap =
                            ((row * self.kernel[0] + z) * self.kernel[1] + y) * self.kernel[2] + c;
                        sum += i128::from(x[from as usize]) * i128::from(w[tap as usize]);
                    }
                }
            }
        }
        sum
    }

    /// The result in the order `[N, O, D, H, W]`.
    pub(crate) fn run(&self, x: &[i64], w: &[i64], stage: &Stage) -> Vec<i64> {
        let mut all = Vec::new();
        for image in 0..self.images {
            for channel in 0..self.groups * self.outputs {
                for o in self.positions() {
                    let mut a = self.product(x, w, image, channel, o);
                    a += i128::from(wrap32(
                        i128::from(stage.bias[channel]) << stage.bias_shift[channel],
                    ));
                    if let Some((e, scale, left)) = &stage.sum {
                        let e = wrap16(wrap32(i128::from(e[all.len()]) << left[channel]));
                        a += i128::from(e) * i128::from(scale[channel]);
                    }
                    let a = wrap32(a);
                    let y = match &stage.scale {
                        None => a,
                        Some(scale) => chain(a, scale[channel], false, stage.round, stage.bits),
                    };
                    all.push(if stage.relu { y.max(0) } else { y });
                }
            }
        }
        all
    }

    /// The shift form: products, then aligned bias and sum input, then one floor shift. Shifts of input, output, sum input.
    #[allow(clippy::too_many_arguments)]
    pub(crate) fn run_shifted(
        &self,
        x: &[i64],
        w: &[i64],
        bias: &[i64],
        bias_shift: &[i64],
        weight_shift: &[i64],
        input: i64,
        output: Option<i64>,
        sum: Option<(&[i64], i64)>,
        relu: bool,
    ) -> Vec<i64> {
        let mut all = Vec::new();
        for image in 0..self.images {
            for channel in 0..self.groups * self.outputs {
                let total = input + weight_shift[channel];
                for o in self.positions() {
                    let mut a = self.product(x, w, image, channel, o);
                    let by = total - bias_shift[channel];
                    a += i128::from(if by >= 0 {
                        wrap32(i128::from(bias[channel]) << by)
                    } else {
                        shift(bias[channel], -by, false)
                    });
                    if let Some((e, shift)) = sum {
                        a += i128::from(e[all.len()]) << (total - shift);
                    }
                    let a = wrap32(a);
                    let y = output.map_or(a, |output| sat(shift(a, total - output, false), 8));
                    all.push(if relu { y.max(0) } else { y });
                }
            }
        }
        all
    }
}
