//! Correlation of two feature maps (`hbir.md` 1.9).

use super::super::graph::{Kind, Layout};
use super::super::params::Chain;
use super::super::value::Val;
use super::super::walk::{Args, Builder, Fail};

/// Largest right shift of a correlation's intermediate sums (`hbir.md` 1.9).
const MAX_INTER_SHIFT: i64 = 24;

/// `correlation(data1, data2, kernel_size, max_displacement, stride1, stride2, pad_size, is_multiply, scale1,
/// zero_point1, dtype1, scale2, zero_point2, dtype2, inter_scale, out_scale, out_zero_point, out_dtype, march)`
pub(super) fn correlation(builder: &mut Builder<'_>, args: &Args) -> Result<Val, Fail> {
    if !args.flag(7)? {
        return Err(Fail::new("correlation by differences").advise("use is_multiply=True"));
    }
    let a = builder.in_layout(args.tensor(0)?, Layout::Hardware)?;
    let b = builder.in_layout(args.tensor(1)?, Layout::Hardware)?;
    let shape = builder.graph.record(a).shape.clone();
    if shape.len() != 4 || builder.graph.record(b).shape != shape {
        return Err(Fail::new("correlation needs two 4d tensors of one shape"));
    }
    let [kernel, max_displacement, stride1, stride2, pad] = [2, 3, 4, 5, 6]
        .map(|i| args.size(i))
        .map(|v| v.unwrap_or(0));
    if kernel % 2 == 0 || stride1 == 0 || stride2 == 0 {
        return Err(Fail::new("an even kernel, or a stride of 0"));
    }
    let product = args.one_scale(8)? * args.one_scale(11)?;
    let inter = match kernel {
        1 => product,
        _ => args.one_scale(14)?,
    };
    let inter_rshift = match kernel {
        1 => 0,
        _ => f64::from(inter / product).log2().floor() as i64,
    };
    if !(0..=MAX_INTER_SHIFT).contains(&inter_rshift) {
        return Err(Fail::new(format!(
            "inter_scale asks for a right shift of {inter_rshift}; 0 to {MAX_INTER_SHIFT} exist"
        )));
    }
    let out = |size: usize| {
        let border = max_displacement + (kernel - 1) / 2;
        (size + 2 * pad)
            .checked_sub(2 * border)
            .map(|n| n / stride1)
            .filter(|n| *n > 0)
    };
    let (h, w) = out(shape[1])
        .zip(out(shape[2]))
        .ok_or_else(|| Fail::new("the displacement is larger than the padded input"))?;
    let side = 2 * (max_displacement / stride2) + 1;
    let otype = args.qtype(17)?;
    let divisor = (shape[3] * kernel * kernel) as f32;
    let kind = Kind::Correlation {
        kernel,
        max_displacement,
        stride1,
        stride2,
        pad,
        inter_rshift,
        chain: Chain::accumulator(&[inter / divisor], &args.scale(15)?, otype, builder.march()),
    };
    let made = builder.layer(kind, &[a, b], vec![shape[0], h, w, side * side], otype);
    Ok(builder.manager(made))
}
