//! Sums, means, extremes along one dimension.

use super::super::graph::{Kind, Layout, Part};
use super::super::march::March;
use super::super::params::Chain;
use super::super::value::Val;
use super::super::walk::{Args, Builder, Fail};
use super::limits;
use crate::tensor::DType;

/// `sum(x, dim, keepdim, x_scale, x_zero_point, x_dtype, scale, zero_point, dtype, march)`
pub(super) fn sum(builder: &mut Builder<'_>, args: &Args) -> Result<Val, Fail> {
    if !args.flag(2)? {
        return Err(
            Fail::new("keepdim must be True!").advise("sum with keepdim=True, then squeeze")
        );
    }
    let (iscale, oscale) = (args.one_scale(3)?, args.one_scale(6)?);
    add_up(builder, args, args.qtype(8)?, |_| (iscale, oscale))
}

/// `mean(x, dim, x_scale, x_zero_point, x_dtype, scale, zero_point, dtype, march)`
pub(super) fn mean(builder: &mut Builder<'_>, args: &Args) -> Result<Val, Fail> {
    let (iscale, oscale) = (args.one_scale(2)?, args.one_scale(5)?);
    add_up(builder, args, args.qtype(7)?, |size| {
        (iscale, oscale * size as f32)
    })
}

fn add_up(
    builder: &mut Builder<'_>,
    args: &Args,
    otype: DType,
    scales: impl Fn(usize) -> (f32, f32),
) -> Result<Val, Fail> {
    let record = builder.primary(args.tensor(0)?);
    let dim = builder.map_dim(record, args.int(1)?)?;
    let mut shape = builder.graph.record(record).shape.clone();
    let (iscale, oscale) = scales(shape[dim]);
    shape[dim] = 1;
    let chain = Chain::accumulator(&[iscale], &[oscale], otype, builder.march());
    let made = builder.layer(Kind::Sum { dim, chain }, &[record], shape, otype);
    Ok(builder.manager(made))
}

/// `topk(input, k, axis, largest, sorted, march)`
pub(super) fn topk(builder: &mut Builder<'_>, args: &Args) -> Result<Val, Fail> {
    if !args.flag(4)? {
        return Err(Fail::new("topk must be sorted").advise("use sorted=True"));
    }
    let id = args.tensor(0)?;
    let (record, dtype) = (builder.in_layout(id, Layout::Native)?, builder.dtype(id));
    let (k, dim) = (args.size(1)?, builder.map_dim(record, args.int(2)?)?);
    let mut shape = builder.graph.record(record).shape.clone();
    if k > shape[dim] {
        return Err(Fail::new(format!("the first {k} of {} values", shape[dim])));
    }
    shape[dim] = k;
    let base = builder.annotation.clone();
    let value = builder.named_record(&format!("{base}_val"), Layout::Native, shape.clone(), dtype);
    let index = builder.named_record(&format!("{base}_arg"), Layout::Native, shape, DType::I32);
    let largest = args.flag(3)?;
    builder.add_layer(
        Kind::TopK { k, dim, largest },
        vec![record],
        vec![value, index],
    );
    Ok(Val::seq([builder.manager(value), builder.manager(index)]))
}

/// `aten::max(x, dim, keepdim)`
pub(super) fn max(builder: &mut Builder<'_>, args: &Args) -> Result<Val, Fail> {
    both(builder, args, true)
}

/// `aten::min(x, dim, keepdim)`
pub(super) fn min(builder: &mut Builder<'_>, args: &Args) -> Result<Val, Fail> {
    both(builder, args, false)
}

/// `aten::argmax(x, dim, keepdim)`
pub(super) fn argmax(builder: &mut Builder<'_>, args: &Args) -> Result<Val, Fail> {
    single(builder, args, true, Part::Index)
}

/// `aten::argmin(x, dim, keepdim)`
pub(super) fn argmin(builder: &mut Builder<'_>, args: &Args) -> Result<Val, Fail> {
    single(builder, args, false, Part::Index)
}

/// `aten::amax(x, dim, keepdim)`
pub(super) fn amax(builder: &mut Builder<'_>, args: &Args) -> Result<Val, Fail> {
    single(builder, args, true, Part::Value)
}

/// `aten::amin(x, dim, keepdim)`
pub(super) fn amin(builder: &mut Builder<'_>, args: &Args) -> Result<Val, Fail> {
    single(builder, args, false, Part::Value)
}

/// Value and index: `<name>_val`, `<name>_arg` (5.4).
fn both(builder: &mut Builder<'_>, args: &Args, is_max: bool) -> Result<Val, Fail> {
    if args.len() < 3 {
        return Err(Fail::new("an extreme over all dimensions").advise("name the dimension"));
    }
    let base = builder.annotation.clone();
    let value = reduce(builder, args, is_max, Part::Value, &format!("{base}_val"))?;
    let index = reduce(builder, args, is_max, Part::Index, &format!("{base}_arg"))?;
    Ok(Val::seq([value, index]))
}

fn single(builder: &mut Builder<'_>, args: &Args, is_max: bool, part: Part) -> Result<Val, Fail> {
    let base = builder.annotation.clone();
    reduce(builder, args, is_max, part, &base)
}

fn reduce(
    builder: &mut Builder<'_>,
    args: &Args,
    is_max: bool,
    part: Part,
    name: &str,
) -> Result<Val, Fail> {
    if !args.flag(2)? {
        return Err(
            Fail::new("only supports 4d tensor. reducing dim is not allowed")
                .advise("use keepdim=True"),
        );
    }
    let dims = args.ints(1)?;
    let &[dim] = dims.as_slice() else {
        return Err(
            Fail::new(format!("an extreme over {} dimensions", dims.len()))
                .advise("reduce one dimension after the other"),
        );
    };
    let id = args.tensor(0)?;
    let is_bayes = builder.march() != March::Bernoulli2;
    let record = match is_bayes {
        true => builder.primary(id),
        false => builder.in_layout(id, Layout::Hardware)?,
    };
    let at = builder.map_dim(record, dim)?;
    let mut shape = builder.graph.record(record).shape.clone();
    if !is_bayes && !is_max {
        return Err(Fail::new("only support b25 now").advise("negate, take the maximum, negate"));
    }
    if !is_bayes && at + 1 != shape.len() {
        return Err(Fail::new("bernoulli2 finds extremes along channels only")
            .advise("permute the tensor so that the dimension is the channels"));
    }
    limits::extreme(builder, shape[at]);
    shape[at] = 1;
    let dtype = match part {
        Part::Value => builder.dtype(id),
        Part::Index => DType::I32,
    };
    let kind = match is_max {
        true => Kind::ReduceMax { dim: at, part },
        false => Kind::ReduceMin { dim: at, part },
    };
    let made = builder.named_layer(name, kind, &[record], shape, dtype);
    Ok(builder.manager(made))
}
