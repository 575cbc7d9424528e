//! Shapes of constants, and parts of them.

use super::super::array::{Array, Data, is_small};
use super::super::value::Val;
use super::super::walk::Args;
use super::{as_tensor, dimension, tensor};
use std::rc::Rc;

pub(super) fn eval(name: &str, args: &Args) -> Option<Result<Val, String>> {
    Some(match name {
        "size" => size(args),
        "dim" => tensor(args, 0).map(|a| Val::Int(a.shape.len() as i64)),
        "numel" => tensor(args, 0).map(|a| Val::Int(a.numel() as i64)),
        "__getitem__" => get(args),
        "reshape" | "view" | "_reshape_alias" | "view_as" | "reshape_as" => reshape(args),
        "flatten" => flatten(args),
        "squeeze" => squeeze(args),
        "unsqueeze" => unsqueeze(args),
        "expand" | "expand_as" => expand(args),
        "permute" => permute(args),
        "transpose" | "t" => transpose(args),
        "stack" => stack(args),
        "cat" | "concat" => cat(args),
        "slice" => slice(args),
        "select" => select(args),
        "index_select" => index_select(args),
        "gather" => gather(args),
        "flip" => flip(args),
        "repeat" | "tile" => repeat(args),
        "split" | "split_with_sizes" | "chunk" => split(name, args),
        "unbind" => unbind(args),
        "index" => index(args),
        _ => return None,
    })
}

fn ints(args: &Args, at: usize) -> Result<Vec<i64>, String> {
    args.ints(at).map_err(|e| e.message)
}

fn int(args: &Args, at: usize, default: i64) -> i64 {
    args.int(at).unwrap_or(default)
}

fn size(args: &Args) -> Result<Val, String> {
    let array = tensor(args, 0)?;
    if args.len() < 2 {
        let sizes: Vec<Val> = array.shape.iter().map(|&n| Val::Int(n as i64)).collect();
        return Ok(Val::seq(sizes));
    }
    let at = dimension(int(args, 1, 0), array.shape.len())?;
    Ok(Val::Int(array.shape.get(at).copied().unwrap_or(1) as i64))
}

/// An element of a list, or the value of a key.
fn get(args: &Args) -> Result<Val, String> {
    match args.at(0) {
        Val::Seq(items) => {
            let at = dimension(int(args, 1, 0), items.len())?;
            items
                .get(at)
                .cloned()
                .ok_or_else(|| "an index out of range".into())
        }
        Val::Dict(items) => {
            let key = args.at(1).text();
            let found = items.iter().find(|(k, _)| k.text() == key);
            found
                .map(|(_, v)| v.clone())
                .ok_or_else(|| format!("no key `{key}`"))
        }
        other => Err(format!("an element of {}", other.kind())),
    }
}

fn reshape(args: &Args) -> Result<Val, String> {
    let array = tensor(args, 0)?;
    let asked: Vec<i64> = match args.at(1) {
        Val::Const(other) => other.shape.iter().map(|&n| n as i64).collect(),
        _ => ints(args, 1)?,
    };
    let sizes = asked.iter().filter(|&&d| d != -1);
    let known = sizes.fold(1i64, |n, &d| n.saturating_mul(d));
    let fill = (array.numel() as i64).checked_div(known).unwrap_or(0);
    let shape: Option<Vec<usize>> = asked
        .iter()
        .map(|&d| usize::try_from(if d == -1 { fill } else { d }).ok())
        .collect();
    match shape {
        Some(shape) if is_small(&shape) && shape.iter().product::<usize>() == array.numel() => {
            Ok(Val::array(array.reshaped(&shape)))
        }
        _ => Err(format!("{:?} as {asked:?}", array.shape)),
    }
}

fn flatten(args: &Args) -> Result<Val, String> {
    let array = tensor(args, 0)?;
    let rank = array.shape.len();
    if rank == 0 {
        return Ok(Val::array(array.reshaped(&[1])));
    }
    let (start, end) = (
        dimension(int(args, 1, 0), rank)?,
        dimension(int(args, 2, -1), rank)?,
    );
    if start > end {
        return Err("flatten of no dimensions".into());
    }
    let mut shape = array.shape[..start].to_vec();
    shape.push(array.shape[start..=end].iter().product());
    shape.extend(&array.shape[end + 1..]);
    Ok(Val::array(array.reshaped(&shape)))
}

fn squeeze(args: &Args) -> Result<Val, String> {
    let array = tensor(args, 0)?;
    let rank = array.shape.len();
    let dims: Vec<usize> = match args.at(1) {
        Val::None => (0..rank).collect(),
        _ => ints(args, 1)?
            .into_iter()
            .map(|d| dimension(d, rank))
            .collect::<Result<_, _>>()?,
    };
    let kept = array
        .shape
        .iter()
        .enumerate()
        .filter(|(i, n)| **n != 1 || !dims.contains(i));
    let shape: Vec<usize> = kept.map(|(_, n)| *n).collect();
    Ok(Val::array(array.reshaped(&shape)))
}

fn unsqueeze(args: &Args) -> Result<Val, String> {
    let array = tensor(args, 0)?;
    let mut shape = array.shape.clone();
    let at = dimension(int(args, 1, 0), shape.len() + 1)?;
    shape.insert(at, 1);
    Ok(Val::array(array.reshaped(&shape)))
}

fn expand(args: &Args) -> Result<Val, String> {
    let array = tensor(args, 0)?;
    let asked: Vec<i64> = match args.at(1) {
        Val::Const(other) => other.shape.iter().map(|&n| n as i64).collect(),
        _ => ints(args, 1)?,
    };
    let missing = asked.len().saturating_sub(array.shape.len());
    let own = |i: usize| i.checked_sub(missing).map_or(1, |i| array.shape[i] as i64);
    let wanted: Vec<i64> = asked
        .iter()
        .enumerate()
        .map(|(i, &d)| if d == -1 { own(i) } else { d })
        .collect();
    let shape = super::sizes(&wanted)?;
    let wide = array.expanded(&shape);
    wide.map(Val::array)
        .ok_or_else(|| format!("{:?} expanded to {asked:?}", array.shape))
}

fn permute(args: &Args) -> Result<Val, String> {
    let array = tensor(args, 0)?;
    let rank = array.shape.len();
    let dims = ints(args, 1)?.into_iter().map(|d| dimension(d, rank));
    let perm = dims.collect::<Result<Vec<_>, _>>()?;
    let mut sorted = perm.clone();
    sorted.sort_unstable();
    match sorted == (0..rank).collect::<Vec<_>>() {
        true => Ok(Val::array(array.permuted(&perm))),
        false => Err(format!("permutation {perm:?} of rank {rank}")),
    }
}

fn transpose(args: &Args) -> Result<Val, String> {
    let array = tensor(args, 0)?;
    let rank = array.shape.len();
    if rank < 2 {
        return Ok(Val::Const(array));
    }
    let (a, b) = (
        dimension(int(args, 1, 0), rank)?,
        dimension(int(args, 2, 1), rank)?,
    );
    let mut perm: Vec<usize> = (0..rank).collect();
    perm.swap(a, b);
    Ok(Val::array(array.permuted(&perm)))
}

fn list(args: &Args) -> Result<Vec<Rc<Array>>, String> {
    let items = args.list(0).map_err(|e| e.message)?;
    let arrays: Option<Vec<_>> = items.iter().map(as_tensor).collect();
    arrays
        .filter(|a| !a.is_empty())
        .ok_or_else(|| "a list of tensors is needed".into())
}

fn stack(args: &Args) -> Result<Val, String> {
    let arrays = list(args)?;
    let mut shape = arrays[0].shape.clone();
    if arrays.iter().any(|a| a.shape != shape) {
        return Err("stack of different shapes".into());
    }
    let dim = dimension(int(args, 1, 0), shape.len() + 1)?;
    shape.insert(dim, 1);
    let wide: Vec<Rc<Array>> = arrays.iter().map(|a| Rc::new(a.reshaped(&shape))).collect();
    joined(&wide, dim)
}

fn cat(args: &Args) -> Result<Val, String> {
    let arrays = list(args)?;
    // torch skips empty vectors.
    let full: Vec<Rc<Array>> = arrays.iter().filter(|a| a.shape != [0]).cloned().collect();
    let arrays = if full.is_empty() { arrays } else { full };
    let dim = dimension(int(args, 1, 0), arrays[0].shape.len())?;
    joined(&arrays, dim)
}

fn joined(arrays: &[Rc<Array>], dim: usize) -> Result<Val, String> {
    let mut shape = arrays[0].shape.clone();
    let fits = |a: &Rc<Array>| {
        a.shape.len() == shape.len() && (0..shape.len()).all(|i| i == dim || a.shape[i] == shape[i])
    };
    if shape.is_empty() || !arrays.iter().all(fits) {
        return Err("shapes do not fit".into());
    }
    // The first of the widest class decides; tables are joined from one dtype.
    let dtype = arrays
        .iter()
        .map(|a| a.dtype)
        .max_by_key(|d| (!super::super::array::is_integer(*d), d.size()));
    let dtype = dtype.unwrap_or(arrays[0].dtype);
    let arrays: Vec<Array> = arrays.iter().map(|a| a.to(dtype)).collect();
    shape[dim] = arrays.iter().map(|a| a.shape[dim]).sum();
    if !is_small(&shape) {
        return Err("a constant too large".into());
    }
    let outer: usize = shape[..dim].iter().product();
    let inner: usize = shape[dim + 1..].iter().product();
    let (mut whole, mut reals) = (vec![], vec![]);
    for o in 0..outer {
        for array in &arrays {
            let length = array.shape[dim] * inner;
            let range = o * length..(o + 1) * length;
            match &array.data {
                Data::Int(data) => whole.extend_from_slice(&data[range]),
                Data::Real(data) => reals.extend_from_slice(&data[range]),
            }
        }
    }
    Ok(Val::array(match super::super::array::is_integer(dtype) {
        true => Array::int(dtype, &shape, whole),
        false => Array::real(dtype, &shape, reals),
    }))
}

/// Rows of one dimension by their positions.
fn rows(array: &Array, dim: usize, at: &[usize]) -> Array {
    let outer: usize = array.shape[..dim].iter().product();
    let inner: usize = array.shape[dim + 1..].iter().product();
    let length = array.shape[dim];
    let mut shape = array.shape.clone();
    shape[dim] = at.len();
    let places = (0..outer).flat_map(|o| {
        at.iter()
            .flat_map(move |&k| (0..inner).map(move |i| (o * length + k) * inner + i))
    });
    array.pick(&shape, places)
}

fn slice(args: &Args) -> Result<Val, String> {
    if let Val::Seq(items) = args.at(0) {
        let size = items.len() as i64;
        let bound = |at: usize, default: i64| {
            let v = int(args, at, default);
            (if v < 0 { v.saturating_add(size) } else { v }).clamp(0, size) as usize
        };
        let (start, end, step) = (
            bound(1, 0),
            bound(2, i64::MAX),
            int(args, 3, 1).max(1) as usize,
        );
        let part = items.get(start..end.max(start)).unwrap_or_default();
        return Ok(Val::seq(
            part.iter().step_by(step).cloned().collect::<Vec<_>>(),
        ));
    }
    let array = tensor(args, 0)?;
    let dim = dimension(int(args, 1, 0), array.shape.len())?;
    let size = *array.shape.get(dim).ok_or("a slice of a scalar")? as i64;
    let bound = |at: usize, default: i64| {
        let v = int(args, at, default);
        (if v < 0 { v.saturating_add(size) } else { v }).clamp(0, size)
    };
    let (start, end, step) = (bound(2, 0), bound(3, i64::MAX), int(args, 4, 1).max(1));
    let at: Vec<usize> = (start..end)
        .step_by(step as usize)
        .map(|v| v as usize)
        .collect();
    Ok(Val::array(rows(&array, dim, &at)))
}

fn select(args: &Args) -> Result<Val, String> {
    let array = tensor(args, 0)?;
    let dim = dimension(int(args, 1, 0), array.shape.len())?;
    let size = *array.shape.get(dim).ok_or("an element of a scalar")?;
    let at = dimension(int(args, 2, 0), size)?;
    let row = rows(&array, dim, &[at]);
    let mut shape = row.shape.clone();
    shape.remove(dim);
    Ok(Val::array(row.reshaped(&shape)))
}

fn positions(index: &Array, size: usize) -> Result<Vec<usize>, String> {
    let ints = index.ints().ok_or("an index of floats")?;
    ints.iter().map(|&i| dimension(i, size)).collect()
}

fn index_select(args: &Args) -> Result<Val, String> {
    let (array, index) = (tensor(args, 0)?, tensor(args, 2)?);
    let dim = dimension(int(args, 1, 0), array.shape.len())?;
    let at = positions(&index, *array.shape.get(dim).ok_or("a scalar")?)?;
    Ok(Val::array(rows(&array, dim, &at)))
}

/// `x[index]` with one index tensor in the first place.
fn index(args: &Args) -> Result<Val, String> {
    let array = tensor(args, 0)?;
    let Val::Seq(items) = args.at(1) else {
        return Err("an index list is needed".into());
    };
    let [Val::Const(index)] = &items[..] else {
        return Err("an index by several tensors".into());
    };
    let size = *array.shape.first().ok_or("a scalar")?;
    let at = match index.dtype {
        crate::tensor::DType::Bool if index.shape == array.shape[..1] => {
            (0..size).filter(|&i| index.at(i) != 0.0).collect()
        }
        crate::tensor::DType::Bool => return Err("a mask of several dimensions".into()),
        _ => positions(index, size)?,
    };
    let picked = rows(&array, 0, &at);
    let lead = if index.dtype == crate::tensor::DType::Bool {
        vec![at.len()]
    } else {
        index.shape.clone()
    };
    let shape: Vec<usize> = lead
        .into_iter()
        .chain(array.shape[1..].iter().copied())
        .collect();
    Ok(Val::array(picked.reshaped(&shape)))
}

fn gather(args: &Args) -> Result<Val, String> {
    let (array, index) = (tensor(args, 0)?, tensor(args, 2)?);
    let dim = dimension(int(args, 1, 0), array.shape.len())?;
    let steps = super::super::array::strides(&array.shape);
    let own = super::super::array::strides(&index.shape);
    let at = positions(&index, *array.shape.get(dim).ok_or("a scalar")?)?;
    let place = |(flat, &pick): (usize, &usize)| {
        (0..index.shape.len())
            .map(|i| {
                let digit = flat / own[i] % index.shape[i];
                steps[i] * if i == dim { pick } else { digit }
            })
            .sum::<usize>()
    };
    let places: Vec<usize> = at.iter().enumerate().map(place).collect();
    match places.iter().all(|&p| p < array.numel()) {
        true => Ok(Val::array(array.pick(&index.shape, places.into_iter()))),
        false => Err("an index out of range".into()),
    }
}

fn flip(args: &Args) -> Result<Val, String> {
    let mut array = (*tensor(args, 0)?).clone();
    for dim in ints(args, 1)? {
        let dim = dimension(dim, array.shape.len())?;
        let size = *array.shape.get(dim).ok_or("a scalar")?;
        let at: Vec<usize> = (0..size).rev().collect();
        array = rows(&array, dim, &at);
    }
    Ok(Val::array(array))
}

fn repeat(args: &Args) -> Result<Val, String> {
    let array = tensor(args, 0)?;
    let repeats = super::sizes(&ints(args, 1)?)?;
    let rank = repeats.len().max(array.shape.len());
    let padded = |s: &[usize]| [vec![1; rank - s.len()], s.to_vec()].concat();
    let (own, repeats) = (padded(&array.shape), padded(&repeats));
    let mut result = array.reshaped(&own);
    super::sizes(
        &own.iter()
            .zip(&repeats)
            .map(|(a, b)| a.saturating_mul(*b) as i64)
            .collect::<Vec<_>>(),
    )?;
    for (dim, &times) in repeats.iter().enumerate() {
        let size = result.shape[dim];
        let at: Vec<usize> = (0..size * times).map(|i| i % size.max(1)).collect();
        result = rows(&result, dim, &at);
    }
    Ok(Val::array(result))
}

fn split(name: &str, args: &Args) -> Result<Val, String> {
    let array = tensor(args, 0)?;
    let dim = dimension(int(args, 2, 0), array.shape.len())?;
    let total = *array.shape.get(dim).ok_or("a scalar")?;
    let sizes = match (name, args.at(1)) {
        (_, Val::Seq(_)) => super::sizes(&ints(args, 1)?)?,
        (name, _) => {
            let asked = int(args, 1, 1).max(1) as usize;
            let size = if name == "chunk" {
                total.div_ceil(asked)
            } else {
                asked
            }
            .max(1);
            (0..total.div_ceil(size))
                .map(|i| size.min(total - i * size))
                .collect()
        }
    };
    let mut start = 0;
    let mut parts = Vec::new();
    for size in sizes {
        if start + size > total {
            return Err("sizes do not fit".into());
        }
        let at: Vec<usize> = (start..start + size).collect();
        parts.push(Val::array(rows(&array, dim, &at)));
        start += size;
    }
    Ok(Val::seq(parts))
}

fn unbind(args: &Args) -> Result<Val, String> {
    let array = tensor(args, 0)?;
    let dim = dimension(int(args, 1, 0), array.shape.len())?;
    let size = *array.shape.get(dim).ok_or("a scalar")?;
    let mut shape = array.shape.clone();
    shape.remove(dim);
    let part = |at: usize| Val::array(rows(&array, dim, &[at]).reshaped(&shape));
    Ok(Val::seq((0..size).map(part).collect::<Vec<_>>()))
}
