//! Colour conversion (`horizon.md` 2.1 #31).
//!
//! Inferred: full swing BT.601, the swing that the guide tells to use with the BPU, in the plugin's own integer
//! coefficients for it (its functions on tensors show them; the operator's kernel is not public).

use super::op::{Args, Context, MemoryFormat, OpError, Output, Shape};
use crate::tensor::DType;

/// Weights of red, green and blue in units of `1/256`, and what is added, for Y, U and V.
const YUV: [([i32; 3], i32); 3] = [
    ([77, 150, 29], 0),
    ([-43, -84, 127], 128),
    ([127, -106, -21], 128),
];

/// `⌊Σ weight·colour / 256 + 1/2⌋ + offset`, which needs no saturation.
fn yuv([r, g, b]: [u8; 3]) -> [u8; 3] {
    let colour = [r, g, b].map(i32::from);
    YUV.map(|(weights, offset)| {
        let sum: i32 = weights.iter().zip(colour).map(|(w, c)| w * c).sum();
        (((sum + 128) >> 8) + offset) as u8
    })
}

/// uint8 YUV444 of uint8 images `[N, 3, H, W]`. Arguments: input; channel_reversal, true for RGB, false for BGR.
pub(super) fn run(_: &Context, a: &Args) -> Result<Vec<Output>, OpError> {
    let (shape, reversed) = (shape(a)?, a.bool(1)?);
    let data = a
        .filled(0)?
        .channels_last::<u8>()
        .ok_or_else(|| a.wrong(0, "a uint8 tensor"))?;
    let out = data
        .chunks_exact(3)
        .flat_map(|pixel| match reversed {
            true => yuv([pixel[0], pixel[1], pixel[2]]),
            false => yuv([pixel[2], pixel[1], pixel[0]]),
        })
        .collect();
    Ok(vec![Output::new(out, shape, MemoryFormat::ChannelsLast)])
}

pub(super) fn shapes(a: &Args) -> Result<Vec<Shape>, OpError> {
    Ok(vec![(DType::U8, shape(a)?)])
}

fn shape(a: &Args) -> Result<Vec<usize>, OpError> {
    let tensor = a.tensor(0)?;
    match (tensor.dtype, tensor.shape) {
        (DType::U8, [_, 3, _, _]) => Ok(tensor.shape.to_vec()),
        (DType::U8, shape) => Err(a.shape_error(format!("images {shape:?} are not [N, 3, H, W]"))),
        _ => Err(a.wrong(0, "a uint8 tensor")),
    }
}
