//! Tables (`hbir.md` 1.10, 1.11).

use super::super::graph::{Kind, Layout, LutSegments};
use super::super::value::Val;
use super::super::walk::{Args, Builder, Fail};
use crate::tensor::DType;

/// `lut(data, data_scale, data_zero_point, data_type, table, scale, zero_point, dtype, march)`
pub(super) fn lut(builder: &mut Builder<'_>, args: &Args) -> Result<Val, Fail> {
    let id = args.tensor(0)?;
    let is_narrow = args.qtype(3)? == DType::I8 && args.qtype(7)? == DType::I8;
    if !is_narrow || builder.dtype(id) != DType::I8 {
        return Err(Fail::new("unsupported lut").advise("its input and output must be int8"));
    }
    let table = args.constant(4)?;
    let entries = table.ints().filter(|t| t.len() == 256);
    let entries = entries.ok_or_else(|| Fail::new("a table of 256 integers is needed"))?;
    let record = builder.primary(id);
    let shape = builder.graph.record(record).shape.clone();
    let made = builder.layer(Kind::Lut(entries.to_vec()), &[record], shape, DType::I8);
    Ok(builder.manager(made))
}

/// `segment_lut(input, table, scales, beta, left_shift, right_shift, max, is_centrosymmetric, input_scale,
/// input_zero_point, input_dtype, scale, zero_point, dtype, march)`
pub(super) fn segment_lut(builder: &mut Builder<'_>, args: &Args) -> Result<Val, Fail> {
    if !builder.march().is_bayes() {
        return Err(Fail::new(
            "segment LUTs are supported on the bayes family only",
        ));
    }
    let id = args.tensor(0)?;
    let otype = args.qtype(13)?;
    if !matches!(builder.dtype(id), DType::I8 | DType::I16) {
        return Err(Fail::new(format!("segment LUT of {}", builder.dtype(id))));
    }
    let list = |at: usize| -> Result<Vec<i64>, Fail> {
        let array = args.constant(at)?;
        let ints = array.ints().filter(|v| v.len() == 8);
        ints.map(<[i64]>::to_vec)
            .ok_or_else(|| Fail::new(format!("argument {at}: 8 integers are needed")))
    };
    let table = args.constant(1)?;
    if table.ints().is_none() || table.shape.len() != 2 || table.shape[0] != 6 || table.shape[1] < 2
    {
        return Err(Fail::new(format!(
            "a table of shape {:?}, expected [6, 64]",
            table.shape
        )));
    }
    let segments = LutSegments {
        table,
        k: list(2)?,
        b: list(3)?,
        add_lsh: list(4)?,
        sum_rsh: list(5)?,
        max: list(6)?,
        symmetric: args.flag(7)?,
    };
    let shifts = segments.add_lsh.iter().chain(&segments.sum_rsh);
    if shifts.clone().any(|s| !(0..32).contains(s)) {
        return Err(Fail::new("shifts of a segment LUT must be 0 to 31"));
    }
    let record = builder.primary(id);
    let shape = builder.graph.record(record).shape.clone();
    let kind = Kind::SegmentLut(Box::new(segments));
    let made = builder.layer(kind, &[record], shape, otype);
    Ok(builder.manager(made))
}

/// `softmax_bernoulli2(x, table, max_value_only, dim, march)`
pub(super) fn softmax_bernoulli2(builder: &mut Builder<'_>, args: &Args) -> Result<Val, Fail> {
    let table = args.constant(1)?;
    let entries = table.ints().filter(|t| t.len() == 256);
    let table = entries
        .ok_or_else(|| Fail::new("a table of 256 integers is needed"))?
        .to_vec();
    let id = args.tensor(0)?;
    let record = builder.in_layout(id, Layout::Hardware)?;
    let dim = builder.map_dim(record, args.int(3)?)?;
    let mut shape = builder.graph.record(record).shape.clone();
    if dim + 1 != shape.len() {
        return Err(Fail::new("softmax along channels only"));
    }
    let max_value_only = args.flag(2)?;
    if max_value_only {
        shape[dim] = 1;
    }
    let kind = Kind::SoftmaxBernoulli2 {
        table,
        dim,
        max_value_only,
    };
    let made = builder.layer(kind, &[record], shape, DType::F32);
    Ok(builder.manager(made))
}
