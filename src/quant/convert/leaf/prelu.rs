//! PReLU (`horizon.md` 3.15).

use super::{Leaf, UNARY};
use crate::emit::ObjectId;
use crate::quant::convert::FUNCTIONAL;
use crate::quant::convert::error::ConvertError;
use crate::quant::convert::grid::{FakeQuant, Grid};
use crate::quant::convert::read::Module;
use crate::quant::convert::writer::Writer;

/// `prelu.PReLU`: the function quantises the float weight itself, half up, as the plugin does.
pub(in crate::quant::convert) fn prelu(
    emit: &mut Writer,
    module: &Module,
    input: &Grid,
) -> Result<(ObjectId, Grid), ConvertError> {
    let quant = FakeQuant::of_some_output(module)?;
    let weight_quant = FakeQuant::read(&module.part("weight_fake_quanti")?)?;
    let weight = module.some_floats("weight")?.values;
    let mut leaf = Leaf::new("prelu.PReLU");
    leaf.floats1(emit, "weight", &weight)?;
    let names = ("weight_scale", "weight_zero_point");
    leaf.grid(emit, names, &weight_quant.grid)?;
    leaf.grid(emit, ("scale", "zero_point"), &quant.grid)?;
    let body = format!(
        "_0 = {FUNCTIONAL}.prelu\nout_scale = self.scale\nout_zero_point = self.zero_point\n\
         data0 = _0(data, self.weight, scale, zero_point, \"{}\", self.weight_scale, self.weight_zero_point, \"{}\", out_scale, out_zero_point, \"{}\", \"{}\")\n\
         return (data0, out_scale, out_zero_point)",
        input.dtype, weight_quant.grid.dtype, quant.grid.dtype, quant.march
    );
    Ok((leaf.forward(emit, UNARY, 3, &body)?, quant.grid))
}
