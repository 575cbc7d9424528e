//! Changes of shape: the elements stay, or are repeated.

use super::super::array::Array;
use super::super::graph::{Kind, Layout};
use super::super::layout::from_native;
use super::super::value::{TensorId, Val};
use super::super::walk::{Args, Builder, Fail};
use crate::tensor::DType;

/// A view in the framework's layout; nothing when the shape stays.
fn view(builder: &mut Builder<'_>, id: TensorId, shape: Vec<usize>) -> Result<Val, Fail> {
    let old = builder.native_shape(id);
    if old == shape {
        return Ok(Val::Tensor(id));
    }
    let count = |s: &[usize]| s.iter().try_fold(1usize, |n, &s| n.checked_mul(s));
    if count(&old) != count(&shape) {
        return Err(Fail::new(format!("{old:?} as {shape:?}")));
    }
    let dtype = builder.dtype(id);
    let record = builder.in_layout(id, Layout::Native)?;
    let made = builder.layer(Kind::View, &[record], shape, dtype);
    Ok(builder.manager(made))
}

/// `aten::reshape(x, shape)`, `aten::view(x, shape)`
pub(super) fn reshape(builder: &mut Builder<'_>, args: &Args) -> Result<Val, Fail> {
    let id = args.tensor(0)?;
    let asked = args.ints(1)?;
    let count: usize = builder.native_shape(id).iter().product();
    let open = asked.iter().filter(|&&d| d == -1).count();
    if open > 1 || asked.iter().any(|&d| d == 0 || d < -1) {
        return Err(Fail::new(format!(
            "dimensions {asked:?} must be above 0, or one of them -1"
        )));
    }
    let sizes = asked.iter().filter(|&&d| d > 0);
    let known = sizes.fold(1usize, |n, &d| n.saturating_mul(d as usize));
    let fill = count.checked_div(known).unwrap_or(0);
    let shape = asked
        .iter()
        .map(|&d| if d == -1 { fill } else { d as usize });
    let shape = shape.collect();
    view(builder, id, shape)
}

/// `aten::flatten(x, start_dim, end_dim)`
pub(super) fn flatten(builder: &mut Builder<'_>, args: &Args) -> Result<Val, Fail> {
    let id = args.tensor(0)?;
    let old = builder.native_shape(id);
    let (start, end) = (dim(&old, args.int(1)?, 0)?, dim(&old, args.int(2)?, 0)?);
    if start > end {
        return Err(Fail::new("flatten of no dimensions"));
    }
    let mut shape = old[..start].to_vec();
    shape.push(old[start..=end].iter().product());
    shape.extend(&old[end + 1..]);
    view(builder, id, shape)
}

/// `aten::squeeze(x)`, `aten::squeeze(x, dim)`
pub(super) fn squeeze(builder: &mut Builder<'_>, args: &Args) -> Result<Val, Fail> {
    let id = args.tensor(0)?;
    let old = builder.native_shape(id);
    let dims: Vec<usize> = match args.is_none(1) {
        true => (0..old.len()).collect(),
        false => args
            .ints(1)?
            .into_iter()
            .map(|d| dim(&old, d, 0))
            .collect::<Result<_, _>>()?,
    };
    let kept = old
        .iter()
        .enumerate()
        .filter(|(i, n)| **n != 1 || !dims.contains(i));
    let shape = kept.map(|(_, n)| *n).collect();
    view(builder, id, shape)
}

/// `aten::unsqueeze(x, dim)`
pub(super) fn unsqueeze(builder: &mut Builder<'_>, args: &Args) -> Result<Val, Fail> {
    let id = args.tensor(0)?;
    let mut shape = builder.native_shape(id);
    let at = dim(&shape, args.int(1)?, 1)?;
    shape.insert(at, 1);
    view(builder, id, shape)
}

/// A dimension that may count from the end; `more` for one that is to be inserted.
fn dim(shape: &[usize], dim: i64, more: usize) -> Result<usize, Fail> {
    let rank = shape.len() + more;
    let at = if dim < 0 { dim + rank as i64 } else { dim };
    usize::try_from(at)
        .ok()
        .filter(|&d| d < rank)
        .ok_or_else(|| {
            Fail::new(format!(
                "dimension {dim} of a tensor of rank {}",
                shape.len()
            ))
        })
}

/// `aten::permute(x, dims)`
pub(super) fn permute(builder: &mut Builder<'_>, args: &Args) -> Result<Val, Fail> {
    let id = args.tensor(0)?;
    let shape = builder.native_shape(id);
    let dims = args.ints(1)?.into_iter().map(|d| dim(&shape, d, 0));
    let perm = dims.collect::<Result<Vec<_>, _>>()?;
    reordered(builder, id, &perm)
}

/// `aten::transpose(x, dim0, dim1)`
pub(super) fn transpose(builder: &mut Builder<'_>, args: &Args) -> Result<Val, Fail> {
    let id = args.tensor(0)?;
    let shape = builder.native_shape(id);
    let (a, b) = (dim(&shape, args.int(1)?, 0)?, dim(&shape, args.int(2)?, 0)?);
    let mut perm: Vec<usize> = (0..shape.len()).collect();
    perm.swap(a, b);
    reordered(builder, id, &perm)
}

fn reordered(builder: &mut Builder<'_>, id: TensorId, perm: &[usize]) -> Result<Val, Fail> {
    let rank = builder.native_shape(id).len();
    let mut sorted = perm.to_vec();
    sorted.sort_unstable();
    if sorted != (0..rank).collect::<Vec<_>>() {
        return Err(Fail::new(format!("permutation {perm:?} of rank {rank}")));
    }
    let record = builder.primary(id);
    let perm = match builder.graph.record(record).layout {
        Layout::Native => perm.to_vec(),
        // Place i of the result holds dimension order[i] of the framework, which was perm[order[i]] before.
        Layout::Hardware => {
            let order = from_native(rank);
            let place = |d: usize| order.iter().position(|&o| o == d).unwrap_or(d);
            order.iter().map(|&o| place(perm[o])).collect()
        }
    };
    let old = builder.graph.record(record).shape.clone();
    let shape = perm.iter().map(|&p| old[p]).collect();
    let dtype = builder.dtype(id);
    let made = builder.layer(Kind::Transpose(perm), &[record], shape, dtype);
    Ok(builder.manager(made))
}

/// `aten::size(x)`, `aten::size(x, dim)`: constants.
pub(super) fn size(builder: &mut Builder<'_>, args: &Args) -> Result<Val, Fail> {
    let shape = builder.native_shape(args.tensor(0)?);
    if args.len() < 2 {
        return Ok(Val::seq(
            shape
                .iter()
                .map(|&n| Val::Int(n as i64))
                .collect::<Vec<_>>(),
        ));
    }
    let at = dim(&shape, args.int(1)?, 0)?;
    Ok(Val::Int(shape[at] as i64))
}

/// `aten::zeros_like(x, …)`
pub(super) fn zeros_like(builder: &mut Builder<'_>, args: &Args) -> Result<Val, Fail> {
    like(builder, args, 0.0)
}

/// `aten::ones_like(x, …)`
pub(super) fn ones_like(builder: &mut Builder<'_>, args: &Args) -> Result<Val, Fail> {
    like(builder, args, 1.0)
}

fn like(builder: &mut Builder<'_>, args: &Args, value: f64) -> Result<Val, Fail> {
    let id = args.tensor(0)?;
    let dtype = match args.named("dtype").unwrap_or(args.at(1)) {
        Val::Int(code) => DType::from_code(*code),
        _ => Some(builder.dtype(id)),
    };
    let dtype = dtype.ok_or_else(|| Fail::new("unknown dtype"))?;
    let one = Array::scalar(dtype, value);
    let shape = builder.native_shape(id);
    let made = one
        .expanded(&shape)
        .ok_or_else(|| Fail::new("a shape too large"))?;
    Ok(Val::array(made))
}

/// `aten::tile(x, dims)`, `aten::repeat(x, repeats)`
pub(super) fn tile(builder: &mut Builder<'_>, args: &Args) -> Result<Val, Fail> {
    let id = args.tensor(0)?;
    let repeats = args
        .ints(1)?
        .into_iter()
        .map(|v| usize::try_from(v).ok().filter(|&v| v > 0));
    let repeats: Option<Vec<usize>> = repeats.collect();
    let mut repeats = repeats.ok_or_else(|| Fail::new("repeats must be above 0"))?;
    let id = with_rank(builder, id, repeats.len())?;
    let rank = builder.native_shape(id).len();
    while repeats.len() < rank {
        repeats.insert(0, 1);
    }
    repeated(builder, id, &repeats)
}

/// `aten::expand(x, size)`
pub(super) fn expand(builder: &mut Builder<'_>, args: &Args) -> Result<Val, Fail> {
    let asked = args.ints(1)?;
    let id = with_rank(builder, args.tensor(0)?, asked.len())?;
    let shape = builder.native_shape(id);
    let mut repeats = Vec::new();
    for (&old, &new) in shape.iter().zip(&asked) {
        repeats.push(match (old, new) {
            (_, -1) => 1,
            (1, new) if new > 0 => new as usize,
            (old, new) if new == old as i64 => 1,
            _ => return Err(Fail::new(format!("{shape:?} expanded to {asked:?}"))),
        });
    }
    repeated(builder, id, &repeats)
}

/// Leading dimensions of size 1 by a view named `<name>_inc_dim`.
fn with_rank(builder: &mut Builder<'_>, id: TensorId, rank: usize) -> Result<TensorId, Fail> {
    let mut shape = builder.native_shape(id);
    if shape.len() >= rank {
        return Ok(id);
    }
    while shape.len() < rank {
        shape.insert(0, 1);
    }
    let dtype = builder.dtype(id);
    let record = builder.in_layout(id, Layout::Native)?;
    let name = format!("{}_inc_dim", builder.annotation);
    let made = builder.named_layer(&name, Kind::View, &[record], shape, dtype);
    match builder.manager(made) {
        Val::Tensor(id) => Ok(id),
        _ => Ok(id),
    }
}

fn repeated(builder: &mut Builder<'_>, id: TensorId, repeats: &[usize]) -> Result<Val, Fail> {
    if repeats.iter().all(|&r| r == 1) {
        return Ok(Val::Tensor(id));
    }
    let record = builder.primary(id);
    let rank = repeats.len();
    let repeats: Vec<usize> = match builder.graph.record(record).layout {
        Layout::Native => repeats.to_vec(),
        Layout::Hardware => from_native(rank).iter().map(|&i| repeats[i]).collect(),
    };
    let old = builder.graph.record(record).shape.clone();
    let shape = old
        .iter()
        .zip(&repeats)
        .map(|(&n, &r)| n.saturating_mul(r))
        .collect();
    let dtype = builder.dtype(id);
    let made = builder.layer(Kind::Tile(repeats), &[record], shape, dtype);
    Ok(builder.manager(made))
}
