//! Into and out of the quantised domain.

use super::{Leaf, UNARY};
use crate::emit::ObjectId;
use crate::quant::convert::error::ConvertError;
use crate::quant::convert::grid::{Channels, FakeQuant};
use crate::quant::convert::writer::Writer;
use crate::quant::convert::{FUNCTIONAL, FUNCTIONAL_IMPL};

/// `quantize.Quantize`: returns data and zero point; its scale is read by the caller.
pub(in crate::quant::convert) fn quantize(
    emit: &mut Writer,
    quant: &FakeQuant,
) -> Result<ObjectId, ConvertError> {
    let mut leaf = Leaf::new("quantize.Quantize");
    leaf.grid(emit, ("scale", "zero_point"), &quant.grid)?;
    let body = format!(
        "_0 = {FUNCTIONAL_IMPL}._quantize\nzero_point = self.zero_point\n\
         data = _0(x, self.scale, zero_point, -1, \"{}\", \"{}\", \"{}\")\nreturn (data, zero_point)",
        quant.grid.dtype, quant.round_mode, quant.march
    );
    leaf.forward(emit, &["x"], 2, &body)
}

/// `quantize.DeQuantize`: returns the float tensor.
pub(in crate::quant::convert) fn dequantize(
    emit: &mut Writer,
    axis: Channels,
    march: &str,
) -> Result<ObjectId, ConvertError> {
    let leaf = Leaf::new("quantize.DeQuantize");
    let axis = match axis {
        Channels::At(axis) => axis.to_string(),
        Channels::Last => "torch.sub(torch.dim(data), 1)".to_owned(),
    };
    let body = format!(
        "_0 = {FUNCTIONAL}.dequantize\nreturn _0(data, scale, zero_point, {axis}, \"{march}\")"
    );
    leaf.forward(emit, UNARY, 1, &body)
}

/// `torch.nn.modules.linear.Identity`, where a module was fused into another.
pub(in crate::quant::convert) fn identity(emit: &mut Writer) -> Result<ObjectId, ConvertError> {
    let leaf = Leaf::named("__torch__.torch.nn.modules.linear.Identity");
    leaf.forward(emit, &["x"], 1, "return x")
}
