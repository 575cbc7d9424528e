//! Operators by name, with the argument counts of their overloads.

use super::{Args, Context, OpError, Output, Shape, refused};
use crate::bpu::{
    argmax, colour, conv, convert, correlation, lut, mul, order, pool, proposal, quantise,
    requantise, resize, roi, scalar, segment, suppress, voxel, warp,
};

type Run = fn(&Context, &Args) -> Result<Vec<Output>, OpError>;
type Shapes = fn(&Args) -> Result<Vec<Shape>, OpError>;

pub(super) struct Entry {
    pub(super) name: &'static str,
    arity: &'static [usize],
    pub(super) run: Run,
    pub(super) shapes: Shapes,
}

const fn op(name: &'static str, arity: &'static [usize], run: Run, shapes: Shapes) -> Entry {
    Entry {
        name,
        arity,
        run,
        shapes,
    }
}

const fn no(name: &'static str, arity: &'static [usize]) -> Entry {
    op(name, arity, refused::run, refused::shapes)
}

#[rustfmt::skip]
pub(super) const OPS: &[Entry] = &[
    op("bpu_scale_quantization", &[9, 8], quantise::quantise, quantise::quantise_shapes),
    op("bpu_scale_dequantization", &[3], quantise::dequantise, quantise::dequantise_shapes),
    op("bpu_scale_requantization", &[8, 7], requantise::run, requantise::shapes),
    op("convert_conv_params", &[13], convert::run, convert::shapes),
    op("bpu_scale_quanti_convolution", &[22], conv::convolution, conv::convolution_shapes),
    op("bpu_scale_quanti_convolution3d", &[22], conv::convolution, conv::convolution_shapes),
    op("bpu_scale_quanti_deconvolution", &[23], conv::deconvolution, conv::deconvolution_shapes),
    op("bpu_scale_quanti_convolution_with_shift", &[21], conv::convolution_with_shift, conv::convolution_with_shift_shapes),
    op("bpu_scale_quanti_deconvolution_with_shift", &[22], conv::deconvolution_with_shift, conv::deconvolution_with_shift_shapes),
    op("bpu_scale_quanti_pooling", &[8], pool::run, pool::shapes),
    op("bpu_quanti_resize", &[8], resize::run, resize::shapes),
    op("quantized_resize", &[8], resize::run, resize::shapes),
    op("bpu_quanti_roi_resize", &[8], roi::run, roi::shapes),
    op("quantized_roi_resize", &[8], roi::run, roi::shapes),
    op("bpu_quanti_grid_sample", &[7], warp::run, warp::shapes),
    op("bpu_segment_lut", &[12, 11], segment::run, segment::shapes),
    op("bpu_quanti_mul", &[6], mul::run, mul::shapes),
    op("bpu_post_process_channel_argmax", &[3], argmax::run, argmax::shapes),
    op("bpu_scale_quanti_correlation", &[14], correlation::run, correlation::shapes),
    op("sort", &[3], order::sort, order::sort_shapes),
    op("nms", &[3], order::nms, order::nms_shapes),
    op("quanti_nms", &[6], suppress::run, suppress::shapes),
    op("bpu_quanti_proposal", &[28, 29, 25], proposal::run, proposal::shapes),
    op("voxelization", &[9], voxel::run, voxel::shapes),
    op("bgr_to_yuv444", &[2], colour::run, colour::shapes),
    op("bpu_quanti_lut", &[7], lut::interpolated, lut::otype_shapes),
    op("bpu_quanti_line_fit", &[5], lut::line_fit, lut::line_fit_shapes),
    op("quanti_lut256", &[2], lut::table256, lut::table256_shapes),
    op("bpu_ceil", &[5], scalar::ceil, scalar::ceil_shapes),
    op("round", &[1], scalar::round, scalar::round_shapes),
    op("frexp", &[1], scalar::frexp, scalar::frexp_shapes),
    op("toqint", &[5], scalar::toqint, scalar::toqint_shapes),
    op("clamp", &[3], scalar::clamp, scalar::round_shapes),
    no("rcnn_post_process", &[15]),
    no("meta_requantization", &[6]),
    no("meta_quant_convolution", &[22]),
];

pub(super) fn find(name: &str) -> Result<&'static Entry, OpError> {
    OPS.iter()
        .find(|entry| entry.name == name)
        .ok_or_else(|| OpError::Unknown(name.to_owned()))
}

impl Entry {
    pub(super) fn check_arity(&self, found: usize) -> Result<(), OpError> {
        if self.arity.contains(&found) {
            return Ok(());
        }
        let counts: Vec<String> = self.arity.iter().map(usize::to_string).collect();
        Err(OpError::Arity {
            op: self.name,
            expected: counts.join(" or "),
            found,
        })
    }
}
