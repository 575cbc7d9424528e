//! Pooling (`horizon.md` 3.9).

use super::{Leaf, UNARY, ints, zero_point_of};
use crate::emit::ObjectId;
use crate::quant::convert::FUNCTIONAL;
use crate::quant::convert::error::ConvertError;
use crate::quant::convert::grid::{FakeQuant, Grid};
use crate::quant::convert::read::Module;
use crate::quant::convert::writer::Writer;

/// `max_pool2d.MaxPool2d`: integers in, integers out, scale unchanged.
pub(in crate::quant::convert) fn max_pool(
    emit: &mut Writer,
    module: &Module,
    march: &str,
) -> Result<ObjectId, ConvertError> {
    let dilation = module.ints("dilation")?;
    if dilation.iter().any(|d| *d != 1) {
        return Err(module.refuse("max pooling has no dilation"));
    }
    let body = format!(
        "_0 = {FUNCTIONAL}.max_pool2d\nreturn _0(data, {}, {}, {}, {}, False, {}, \"{march}\")",
        ints(&module.ints("kernel_size")?),
        ints(&module.ints("stride")?),
        ints(&module.ints("padding")?),
        ints(&dilation),
        python(module.bool("ceil_mode")?),
    );
    Leaf::new("max_pool2d.MaxPool2d").forward(emit, &["data"], 1, &body)
}

/// `avg_pool2d.AvgPool2d`, also for the adaptive form, whose windows follow from the input size.
pub(in crate::quant::convert) fn avg_pool(
    emit: &mut Writer,
    module: &Module,
    input: &Grid,
    adaptive: bool,
) -> Result<(ObjectId, Grid), ConvertError> {
    let quant = FakeQuant::of_some_output(module)?;
    let mut leaf = Leaf::new(match adaptive {
        true => "avg_pool2d.AdaptiveAvgPool2d",
        false => "avg_pool2d.AvgPool2d",
    });
    leaf.floats1(emit, "scale", &quant.grid.scales)?;
    let window = match adaptive {
        true => adaptive_window(&module.ints("output_size")?, module)?,
        false => window(module)?,
    };
    let body = format!(
        "{}_0 = {FUNCTIONAL}.avg_pool2d\nout_scale = self.scale\nout_zero_point = {}\n\
         data0, scale0, = _0(data, {}, True, None, scale, zero_point, \"{}\", out_scale, out_zero_point, \"{}\", \"{}\")\n\
         return (data0, scale0, {})",
        window.0,
        zero_point_of("out_scale"),
        window.1,
        input.dtype,
        quant.grid.dtype,
        quant.march,
        zero_point_of("scale0"),
    );
    Ok((leaf.forward(emit, UNARY, 3, &body)?, quant.grid))
}

/// Statements that come first, and the arguments kernel, stride, padding, ceil mode.
type Window = (String, String);

fn window(module: &Module) -> Result<Window, ConvertError> {
    let padding = module.ints("padding")?;
    let ceil = module.bool("ceil_mode")?;
    let padded = padding.iter().any(|p| *p != 0);
    if padded && !module.bool("count_include_pad")? {
        return Err(module.refuse("`count_include_pad` must be true on the BPU"));
    }
    if module.get("divisor_override").is_some() {
        return Err(module.refuse("`divisor_override` must be None on the BPU"));
    }
    let arguments = [
        ints(&module.ints("kernel_size")?),
        ints(&module.ints("stride")?),
        ints(&padding),
        python(ceil).to_owned(),
    ];
    Ok((String::new(), arguments.join(", ")))
}

/// `stride = in // out`, `kernel = in - (out - 1) · stride`.
fn adaptive_window(output: &[i64], module: &Module) -> Result<Window, ConvertError> {
    let &[h, w] = output else {
        return Err(module.wrong("output_size", "two ints"));
    };
    if h < 1 || w < 1 {
        return Err(module.refuse(format!("its output size is {h} x {w}")));
    }
    let side = |name: &str, dim: i64, out: i64| {
        format!(
            "{name} = torch.size(data, {dim})\nstride_{name} = torch.floordiv({name}, {out})\n\
             kernel_{name} = torch.sub({name}, torch.mul(stride_{name}, {}))\n",
            out - 1
        )
    };
    let before = side("h", -2, h) + &side("w", -1, w);
    let arguments = "[kernel_h, kernel_w], [stride_h, stride_w], [0, 0], False".to_owned();
    Ok((before, arguments))
}

fn python(value: bool) -> &'static str {
    if value { "True" } else { "False" }
}
