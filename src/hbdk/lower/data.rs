//! Operators that move or compare integers.

use super::super::array::is_integer;
use super::super::graph::{Compare, Kind, RecordId};
use super::super::value::{TensorId, Val};
use super::super::walk::{Args, Builder, Fail};
use super::arith::{concat, operands};
use crate::tensor::DType;

/// `aten::dropout(x, p, train)`
pub(super) fn dropout(_: &mut Builder<'_>, args: &Args) -> Result<Val, Fail> {
    match args.flag(2)? {
        true => Err(Fail::new("dropout training mode is not supported")
            .advise("call model.eval() before tracing")),
        false => Ok(args.at(0).clone()),
    }
}

/// `aten::split(x, size, dim)`, `aten::split_with_sizes(x, sizes, dim)`
pub(super) fn split(builder: &mut Builder<'_>, args: &Args) -> Result<Val, Fail> {
    let id = args.tensor(0)?;
    let record = builder.primary(id);
    let dim = builder.map_dim(record, args.int(2)?)?;
    let old = builder.graph.record(record).shape.clone();
    let sizes = match args.at(1) {
        Val::Seq(_) => args.sizes(1, args.list(1)?.len())?,
        _ => {
            let size = args.size(1)?;
            if size == 0 || !old[dim].is_multiple_of(size) && old[dim] > size {
                return Err(Fail::new(format!("{} split in pieces of {size}", old[dim]))
                    .advise("give the sizes of all pieces as a list"));
            }
            vec![size.min(old[dim]); (old[dim] / size).max(1)]
        }
    };
    if sizes.iter().sum::<usize>() != old[dim] {
        return Err(Fail::new(format!("{} split into {sizes:?}", old[dim])));
    }
    let name = builder.annotation.clone();
    if sizes.len() == 1 {
        builder
            .warnings
            .push(format!("WARNING: {name} is useless split operation"));
        return Ok(Val::seq([args.at(0).clone()]));
    }
    let (layout, dtype) = {
        let record = builder.graph.record(record);
        (record.layout, record.dtype)
    };
    let base = match layout {
        super::super::graph::Layout::Native => super::super::name::native(&name),
        super::super::graph::Layout::Hardware => name,
    };
    let part = |(i, &size): (usize, &usize)| {
        let mut shape = old.clone();
        shape[dim] = size;
        super::super::graph::Record {
            name: format!("{base}.{i}").into(),
            shape,
            layout,
            dtype,
            loose: false,
        }
    };
    let parts: Vec<_> = sizes.iter().enumerate().map(part).collect();
    let parts: Vec<RecordId> = parts.into_iter().map(|r| builder.add_record(r)).collect();
    builder.add_layer(Kind::Split { dim, sizes }, vec![record], parts.clone());
    let parts: Vec<Val> = parts.into_iter().map(|r| builder.manager(r)).collect();
    Ok(Val::seq(parts))
}

/// `aten::slice(x, dim, start, end, step)`
pub(super) fn slice(builder: &mut Builder<'_>, args: &Args) -> Result<Val, Fail> {
    let id = args.tensor(0)?;
    let record = builder.primary(id);
    let dim = builder.map_dim(record, if args.is_none(1) { 0 } else { args.int(1)? })?;
    let mut shape = builder.graph.record(record).shape.clone();
    let size = shape[dim] as i64;
    let bound = |at: usize, default: i64| -> Result<i64, Fail> {
        let value = if args.is_none(at) {
            default
        } else {
            args.int(at)?
        };
        let value = if value < 0 {
            value.saturating_add(size)
        } else {
            value
        };
        Ok(value.clamp(0, size))
    };
    let (start, end) = (bound(2, 0)?, bound(3, i64::MAX)?);
    let step = if args.is_none(4) { 1 } else { args.int(4)? };
    if step < 1 || end <= start {
        return Err(Fail::new(format!(
            "a slice from {start} to {end} by {step}"
        )));
    }
    if (start, end, step) == (0, size, 1) {
        return Ok(args.at(0).clone());
    }
    shape[dim] = ((end - start + step - 1) / step) as usize;
    let (mut begin, mut steps) = (vec![0; shape.len()], vec![1; shape.len()]);
    begin[dim] = start as usize;
    steps[dim] = step as usize;
    let kind = Kind::Slice { begin, step: steps };
    let dtype = builder.dtype(id);
    let made = builder.layer(kind, &[record], shape, dtype);
    Ok(builder.manager(made))
}

/// `aten::cat(xs, dim)`
pub(super) fn cat(builder: &mut Builder<'_>, args: &Args) -> Result<Val, Fail> {
    let items = args.list(0)?.to_vec();
    if let [one] = items.as_slice() {
        return Ok(one.clone());
    }
    let ids: Vec<TensorId> = items.iter().flat_map(Val::tensors).collect();
    let layout = builder.majority(&ids);
    let first = *ids.first().ok_or_else(|| Fail::new("cat of constants"))?;
    let (rank, dtype) = (builder.native_shape(first).len(), builder.dtype(first));
    let records = items
        .iter()
        .map(|v| builder.operand(v, layout, rank, dtype));
    let records = records.collect::<Result<Vec<_>, _>>()?;
    concat(builder, &records, args.int(1)?, dtype)
}

/// `aten::relu(x)`
pub(super) fn relu(builder: &mut Builder<'_>, args: &Args) -> Result<Val, Fail> {
    unary(builder, args.tensor(0)?, Kind::Relu)
}

/// `aten::clamp(x, min, max)`
pub(super) fn clamp(builder: &mut Builder<'_>, args: &Args) -> Result<Val, Fail> {
    let bound = |at: usize| match args.is_none(at) {
        true => Ok(None),
        false => args.float(at).map(|v| Some(v as i64)),
    };
    let kind = Kind::Clamp {
        min: bound(1)?,
        max: bound(2)?,
    };
    unary(builder, args.tensor(0)?, kind)
}

fn unary(builder: &mut Builder<'_>, id: TensorId, kind: Kind) -> Result<Val, Fail> {
    let dtype = builder.dtype(id);
    if !is_integer(dtype) {
        return Err(
            Fail::new(format!("`{}` of a tensor of {dtype}", kind.name()))
                .advise("quantise the tensor first: let it pass a QuantStub"),
        );
    }
    let record = builder.primary(id);
    let shape = builder.graph.record(record).shape.clone();
    let made = builder.layer(kind, &[record], shape, dtype);
    Ok(builder.manager(made))
}

fn binary(
    builder: &mut Builder<'_>,
    args: &Args,
    kind: Kind,
    out: Option<DType>,
) -> Result<Val, Fail> {
    let dtype = args
        .values()
        .iter()
        .flat_map(Val::tensors)
        .map(|id| builder.dtype(id))
        .next()
        .unwrap_or(DType::I8);
    let scalar = |v: &Val| match v {
        Val::Int(v) => Val::array(super::super::array::Array::scalar(dtype, *v as f64)),
        Val::Float(v) => Val::array(super::super::array::Array::scalar(dtype, *v)),
        other => other.clone(),
    };
    let (x, y) = (scalar(args.at(0)), scalar(args.at(1)));
    let (inputs, shape) = operands(builder, (&x, dtype), (&y, dtype))?;
    let made = builder.layer(kind, &inputs, shape, out.unwrap_or(dtype));
    Ok(builder.manager(made))
}

/// `aten::maximum(x, y)`
pub(super) fn maximum(builder: &mut Builder<'_>, args: &Args) -> Result<Val, Fail> {
    binary(builder, args, Kind::ElementwiseMax, None)
}

/// `aten::minimum(x, y)`
pub(super) fn minimum(builder: &mut Builder<'_>, args: &Args) -> Result<Val, Fail> {
    binary(builder, args, Kind::ElementwiseMin, None)
}

macro_rules! comparisons {
    ($($(#[$doc:meta])* $name:ident = $order:ident;)*) => {$(
        $(#[$doc])*
        pub(super) fn $name(builder: &mut Builder<'_>, args: &Args) -> Result<Val, Fail> {
            binary(builder, args, Kind::Compare(Compare::$order), Some(DType::Bool))
        }
    )*};
}

comparisons! {
    /// `aten::eq(x, y)`
    equal = Equal;
    /// `aten::ne(x, y)`
    not_equal = NotEqual;
    /// `aten::lt(x, y)`
    less = Less;
    /// `aten::le(x, y)`
    less_or_equal = LessOrEqual;
    /// `aten::gt(x, y)`
    greater = Greater;
    /// `aten::ge(x, y)`
    greater_or_equal = GreaterOrEqual;
}
