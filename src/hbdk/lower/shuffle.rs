//! Reorderings of channels and space.

use super::super::graph::{Kind, Layout, Shuffle};
use super::super::value::Val;
use super::super::walk::{Args, Builder, Fail};

/// `channel_shuffle(input, groups)`
pub(super) fn channel_shuffle(builder: &mut Builder<'_>, args: &Args) -> Result<Val, Fail> {
    let id = args.tensor(0)?;
    let groups = args.size(1)?;
    let record = builder.in_layout(id, Layout::Hardware)?;
    let shape = builder.graph.record(record).shape.clone();
    let channels = shape.last().copied().unwrap_or(0);
    if groups == 0 || !channels.is_multiple_of(groups) {
        return Err(Fail::new(format!("{channels} channels in {groups} groups")));
    }
    let size = channels / groups;
    // Result channel i·g + j is channel j·(C/g) + i.
    let order = (0..channels)
        .map(|c| c % groups * size + c / groups)
        .collect();
    let dtype = builder.dtype(id);
    let made = builder.layer(Kind::ChannelShuffle(order), &[record], shape, dtype);
    Ok(builder.manager(made))
}

/// `window_partition(x, window_size)` of `[B, H, W, C]`.
pub(super) fn window_partition(builder: &mut Builder<'_>, args: &Args) -> Result<Val, Fail> {
    let window = args.size(1)?;
    let record = builder.in_layout(args.tensor(0)?, Layout::Native)?;
    let s = builder.graph.record(record).shape.clone();
    let fits =
        s.len() == 4 && window > 0 && s[1].is_multiple_of(window) && s[2].is_multiple_of(window);
    if !fits {
        return Err(Fail::new(format!("windows of {window} in {s:?}")));
    }
    let shape = vec![
        s[0] * (s[1] / window) * (s[2] / window),
        window,
        window,
        s[3],
    ];
    reorder(builder, args, Shuffle::Partition(window), record, shape)
}

/// `window_reverse(windows, window_size, h, w)`
pub(super) fn window_reverse(builder: &mut Builder<'_>, args: &Args) -> Result<Val, Fail> {
    let (window, h, w) = (args.size(1)?, args.size(2)?, args.size(3)?);
    let record = builder.in_layout(args.tensor(0)?, Layout::Native)?;
    let s = builder.graph.record(record).shape.clone();
    let fits = s.len() == 4 && window > 0 && h.is_multiple_of(window) && w.is_multiple_of(window);
    let count = if fits { (h / window) * (w / window) } else { 0 };
    if count == 0 || !s[0].is_multiple_of(count) || s[1] != window || s[2] != window {
        return Err(Fail::new(format!(
            "{s:?} as windows of {window} in {h} x {w}"
        )));
    }
    let shape = vec![s[0] / count, h, w, s[3]];
    reorder(builder, args, Shuffle::Reverse(window, h, w), record, shape)
}

/// `aten::pixel_shuffle(x, r)`
pub(super) fn pixel_shuffle(builder: &mut Builder<'_>, args: &Args) -> Result<Val, Fail> {
    let r = args.size(1)?;
    let record = builder.in_layout(args.tensor(0)?, Layout::Hardware)?;
    let s = builder.graph.record(record).shape.clone();
    if s.len() != 4 || r == 0 || !s[3].is_multiple_of(r * r) {
        return Err(Fail::new(format!("pixel shuffle of {s:?} by {r}")));
    }
    let shape = vec![s[0], s[1] * r, s[2] * r, s[3] / (r * r)];
    reorder(builder, args, Shuffle::Up(r), record, shape)
}

/// `aten::pixel_unshuffle(x, r)`
pub(super) fn pixel_unshuffle(builder: &mut Builder<'_>, args: &Args) -> Result<Val, Fail> {
    let r = args.size(1)?;
    let record = builder.in_layout(args.tensor(0)?, Layout::Hardware)?;
    let s = builder.graph.record(record).shape.clone();
    if s.len() != 4 || r == 0 || !s[1].is_multiple_of(r) || !s[2].is_multiple_of(r) {
        return Err(Fail::new(format!("pixel unshuffle of {s:?} by {r}")));
    }
    let shape = vec![s[0], s[1] / r, s[2] / r, s[3] * r * r];
    reorder(builder, args, Shuffle::Down(r), record, shape)
}

fn reorder(
    builder: &mut Builder<'_>,
    args: &Args,
    shuffle: Shuffle,
    record: super::super::graph::RecordId,
    shape: Vec<usize>,
) -> Result<Val, Fail> {
    let dtype = builder.dtype(args.tensor(0)?);
    let made = builder.layer(Kind::Reorder(shuffle), &[record], shape, dtype);
    Ok(builder.manager(made))
}

/// `aten::roll(x, shifts, dims)`
pub(super) fn roll(builder: &mut Builder<'_>, args: &Args) -> Result<Val, Fail> {
    let id = args.tensor(0)?;
    let record = builder.in_layout(id, Layout::Native)?;
    let shape = builder.graph.record(record).shape.clone();
    let (amounts, places) = (args.ints(1)?, args.ints(2)?);
    if amounts.len() != places.len() {
        return Err(Fail::new("roll needs one dimension for each shift"));
    }
    let (mut shifts, mut dims) = (vec![], vec![]);
    for (amount, place) in amounts.into_iter().zip(places) {
        let dim = builder.map_dim(record, place)?;
        shifts.push(amount.rem_euclid(shape[dim].max(1) as i64) as usize);
        dims.push(dim);
    }
    let dtype = builder.dtype(id);
    let made = builder.layer(Kind::Roll { shifts, dims }, &[record], shape, dtype);
    Ok(builder.manager(made))
}

/// `aten::gather(x, dim, index, sparse_grad)`
pub(super) fn gather(builder: &mut Builder<'_>, args: &Args) -> Result<Val, Fail> {
    if args.flag(3)? {
        return Err(Fail::new("sparse_grad must be False"));
    }
    let id = args.tensor(0)?;
    let record = builder.in_layout(id, Layout::Native)?;
    let rank = builder.native_shape(id).len();
    let index = builder.operand(args.at(2), Layout::Native, rank, crate::tensor::DType::I32)?;
    let dim = builder.map_dim(record, args.int(1)?)?;
    let shape = builder.graph.record(index).shape.clone();
    let own = &builder.graph.record(record).shape;
    let fits = shape.len() == own.len() && (0..own.len()).all(|i| i == dim || shape[i] <= own[i]);
    if !fits {
        return Err(Fail::new(format!(
            "an index of shape {shape:?} into {own:?}"
        )));
    }
    let dtype = builder.dtype(id);
    let made = builder.layer(Kind::GatherElements(dim), &[record, index], shape, dtype);
    Ok(builder.manager(made))
}
