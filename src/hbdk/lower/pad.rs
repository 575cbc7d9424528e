//! Padding (`horizon.md` 3.10, `hbir.md` 1.13).

use super::super::graph::{Kind, Layout, PadMode, RecordId, Round};
use super::super::layout::from_native;
use super::super::march::saturate;
use super::super::value::Val;
use super::super::walk::{Args, Builder, Fail};
use super::rounded;

/// Padding beyond this is refused.
const MAX_PAD: i64 = 1 << 24;

/// How far each dimension of a record grows.
struct Growth {
    record: RecordId,
    before: Vec<usize>,
    after: Vec<usize>,
}

/// `pad(input, pad, mode, value, scale, zero_point, dtype, march)`
pub(super) fn pad(builder: &mut Builder<'_>, args: &Args) -> Result<Val, Fail> {
    let pads = args.ints(1)?;
    let rank = builder.native_shape(args.tensor(0)?).len();
    if pads.len() % 2 != 0
        || pads.len() / 2 > rank
        || pads.iter().any(|p| !(0..MAX_PAD).contains(p))
    {
        return Err(Fail::new(format!(
            "padding {pads:?} of a tensor of rank {rank}"
        )));
    }
    if pads.iter().all(|&p| p == 0) {
        return Ok(args.at(0).clone());
    }
    let growth = growth(builder, args, &pads, rank)?;
    match args.text(2)? {
        "constant" => {
            let quotient = args.float(3)? as f32 / args.one_scale(4)?;
            let value = saturate(args.qtype(6)?, rounded(quotient, Round::HalfUp) as i64);
            layer(builder, growth, PadMode::Constant(value))
        }
        "replicate" => layer(builder, growth, PadMode::Edge),
        "circular" => circular(builder, growth),
        other => Err(Fail::new(format!("padding mode `{other}`"))
            .advise("use constant, replicate or circular")),
    }
}

/// The padding of each dimension; torch names those of the last dimension first.
fn growth(
    builder: &mut Builder<'_>,
    args: &Args,
    pads: &[i64],
    rank: usize,
) -> Result<Growth, Fail> {
    let (mut before, mut after) = (vec![0; rank], vec![0; rank]);
    for (i, pair) in pads.chunks(2).enumerate() {
        before[rank - 1 - i] = pair[0] as usize;
        after[rank - 1 - i] = pair[1] as usize;
    }
    let record = builder.primary(args.tensor(0)?);
    if builder.graph.record(record).layout == Layout::Hardware {
        let order = from_native(rank);
        before = order.iter().map(|&i| before[i]).collect();
        after = order.iter().map(|&i| after[i]).collect();
    }
    Ok(Growth {
        record,
        before,
        after,
    })
}

fn layer(builder: &mut Builder<'_>, it: Growth, mode: PadMode) -> Result<Val, Fail> {
    let old = builder.graph.record(it.record);
    let (dtype, old) = (old.dtype, old.shape.clone());
    let shape = (0..old.len())
        .map(|i| old[i] + it.before[i] + it.after[i])
        .collect();
    let kind = Kind::Pad {
        mode,
        before: it.before,
        after: it.after,
    };
    let made = builder.layer(kind, &[it.record], shape, dtype);
    Ok(builder.manager(made))
}

/// Slices of both ends put around the tensor, one dimension after the other.
fn circular(builder: &mut Builder<'_>, it: Growth) -> Result<Val, Fail> {
    let name = builder.annotation.clone();
    let grows = |i: &usize| it.before[*i] + it.after[*i] > 0;
    let dims: Vec<usize> = (0..it.before.len()).filter(grows).collect();
    let mut record = it.record;
    for &dim in &dims {
        let size = builder.graph.record(record).shape[dim];
        let (before, after) = (it.before[dim], it.after[dim]);
        if before > size || after > size {
            return Err(Fail::new(format!(
                "circular padding by {before} and {after} of {size} values"
            )));
        }
        let mut parts = vec![];
        if before > 0 {
            parts.push(slice(builder, record, "tail", dim, size - before, before));
        }
        parts.push(record);
        if after > 0 {
            parts.push(slice(builder, record, "head", dim, 0, after));
        }
        let mut shape = builder.graph.record(record).shape.clone();
        shape[dim] += before + after;
        let dtype = builder.graph.record(record).dtype;
        let own = match dims.last() == Some(&dim) {
            true => name.to_string(),
            false => format!("{name}_pre_dim{dim}"),
        };
        record = builder.named_layer(&own, Kind::Concat(dim), &parts, shape, dtype);
    }
    Ok(builder.manager(record))
}

fn slice(
    builder: &mut Builder<'_>,
    record: RecordId,
    end: &str,
    dim: usize,
    first: usize,
    size: usize,
) -> RecordId {
    let it = builder.graph.record(record);
    let (dtype, mut shape) = (it.dtype, it.shape.clone());
    let (mut begin, step) = (vec![0; shape.len()], vec![1; shape.len()]);
    (begin[dim], shape[dim]) = (first, size);
    let name = format!("{}_{end}{dim}", builder.annotation);
    builder.named_layer(&name, Kind::Slice { begin, step }, &[record], shape, dtype)
}
