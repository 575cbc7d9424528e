//! Layers that only move elements (`hbir.md` 1.13).

use super::super::array::{Array, Walk, strides};
use super::super::graph::{Kind, PadMode, Shuffle};
use super::Task;

pub(super) fn movement(kind: &Kind, task: &Task<'_>) -> Result<Vec<Array>, String> {
    match kind {
        Kind::Split { dim, sizes } => split(*dim, sizes, task),
        Kind::Slice { begin, step } => {
            slice(begin, step, task.input(0)?, task.out().0).map(|a| vec![a])
        }
        Kind::Concat(dim) => concat(*dim, task),
        Kind::Tile(_) => by_index(task, |index, shape| {
            Some(index.iter().zip(shape).map(|(i, n)| i % n).collect())
        }),
        Kind::Roll { shifts, dims } => by_index(task, |index, shape| {
            let mut from = index.to_vec();
            for (&shift, &dim) in shifts.iter().zip(dims) {
                from[dim] = (from[dim] + shape[dim] - shift) % shape[dim];
            }
            Some(from)
        }),
        Kind::ChannelShuffle(order) => by_index(task, |index, _| {
            let mut from = index.to_vec();
            let last = from.last_mut()?;
            *last = *order.get(*last)?;
            Some(from)
        }),
        Kind::Reorder(shuffle) => reorder(*shuffle, task),
        Kind::Pad {
            mode,
            before,
            after: _,
        } => pad(*mode, before, task),
        Kind::GatherElements(dim) => gather(*dim, task),
        Kind::Scatter => scatter(task),
        other => Err(format!("`{}` moves nothing", other.name())),
    }
}

/// Every output element is the input element that `from` names; none means no such element.
fn by_index(
    task: &Task<'_>,
    from: impl Fn(&[usize], &[usize]) -> Option<Vec<usize>>,
) -> Result<Vec<Array>, String> {
    let (input, (shape, _)) = (task.input(0)?, task.out());
    let steps = strides(&input.shape);
    let places = indices(shape).map(|index| {
        let from = from(&index, &input.shape)?;
        let fits = from.iter().zip(&input.shape).all(|(i, n)| i < n);
        fits.then(|| from.iter().zip(&steps).map(|(i, s)| i * s).sum())
    });
    let places: Option<Vec<usize>> = places.collect();
    let places = places.ok_or("an index out of range")?;
    Ok(vec![input.pick(shape, places.into_iter())])
}

/// Every index of a shape in row-major order.
fn indices(shape: &[usize]) -> impl Iterator<Item = Vec<usize>> + '_ {
    let steps = strides(shape);
    let count: usize = shape.iter().product();
    (0..count).map(move |at| {
        let digit = |(s, n): (&usize, &usize)| at / s % n;
        steps.iter().zip(shape).map(digit).collect()
    })
}

fn slice(begin: &[usize], step: &[usize], input: &Array, shape: &[usize]) -> Result<Array, String> {
    let own = strides(&input.shape);
    let first: usize = begin.iter().zip(&own).map(|(b, s)| b * s).sum();
    let steps: Vec<usize> = step.iter().zip(&own).map(|(k, s)| k * s).collect();
    let reach = |i: usize| begin[i] + step[i] * (shape[i].max(1) - 1);
    if (0..shape.len()).any(|i| shape[i] > 0 && reach(i) >= input.shape[i]) {
        return Err("a slice out of range".into());
    }
    Ok(input.pick(shape, Walk::new(shape, &steps).map(|at| first + at)))
}

fn split(dim: usize, sizes: &[usize], task: &Task<'_>) -> Result<Vec<Array>, String> {
    let input = task.input(0)?;
    let rank = input.shape.len();
    let mut at = 0;
    let mut parts = Vec::new();
    for (&size, (shape, _)) in sizes.iter().zip(&task.outputs) {
        let mut begin = vec![0; rank];
        begin[dim] = at;
        parts.push(slice(&begin, &vec![1; rank], input, shape)?);
        at += size;
    }
    Ok(parts)
}

fn concat(dim: usize, task: &Task<'_>) -> Result<Vec<Array>, String> {
    let (shape, dtype) = task.out();
    let outer: usize = shape[..dim].iter().product();
    let inner: usize = shape[dim + 1..].iter().product();
    let mut data = Vec::with_capacity(shape.iter().product());
    for o in 0..outer {
        for at in 0..task.inputs.len() {
            let length = task.shape(at)?[dim] * inner;
            data.extend_from_slice(&task.ints(at)?[o * length..][..length]);
        }
    }
    Ok(vec![Array::int(dtype, shape, data)])
}

fn reorder(shuffle: Shuffle, task: &Task<'_>) -> Result<Vec<Array>, String> {
    by_index(task, |index, shape| {
        let &[n, h, w, c] = index else {
            return None;
        };
        Some(match shuffle {
            // Channel c·r² + i·r + j goes to the pixel (i, j) of its block.
            Shuffle::Up(r) => vec![n, h / r, w / r, (c * r + h % r) * r + w % r],
            Shuffle::Down(r) => {
                let (c, i, j) = (c / (r * r), c / r % r, c % r);
                vec![n, h * r + i, w * r + j, c]
            }
            Shuffle::Partition(size) => {
                let columns = shape[2] / size;
                let (batch, row, column) = {
                    let per_image = shape[1] / size * columns;
                    (n / per_image, n % per_image / columns, n % columns)
                };
                vec![batch, row * size + h, column * size + w, c]
            }
            Shuffle::Reverse(size, height, width) => {
                let (rows, columns) = (height / size, width / size);
                let window = (n * rows + h / size) * columns + w / size;
                vec![window, h % size, w % size, c]
            }
        })
    })
}

fn pad(mode: PadMode, before: &[usize], task: &Task<'_>) -> Result<Vec<Array>, String> {
    let (x, own, (shape, _)) = (task.ints(0)?, task.shape(0)?, task.out());
    let steps = strides(own);
    let value = |index: Vec<usize>| {
        let mut at = 0;
        for i in 0..index.len() {
            let place = index[i] as i64 - before[i] as i64;
            let inside = (0..own[i] as i64).contains(&place);
            match mode {
                PadMode::Constant(value) if !inside => return value,
                _ => at += place.clamp(0, own[i] as i64 - 1) as usize * steps[i],
            }
        }
        x[at]
    };
    task.made(indices(shape).map(value).collect())
}

fn gather(dim: usize, task: &Task<'_>) -> Result<Vec<Array>, String> {
    let picks = task.ints(1)?;
    let (input, (shape, _)) = (task.input(0)?, task.out());
    let steps = strides(&input.shape);
    let mut places = Vec::with_capacity(picks.len());
    for (index, &pick) in indices(shape).zip(picks) {
        let pick = usize::try_from(pick).ok().filter(|&p| p < input.shape[dim]);
        let pick = pick.ok_or("an index out of range")?;
        let place = |(i, s): (usize, &usize)| if i == dim { pick * s } else { index[i] * s };
        places.push(steps.iter().enumerate().map(place).sum());
    }
    Ok(vec![input.pick(shape, places.into_iter())])
}

/// A map of zeros with each row of features at its place; a row with a negative width is left out.
fn scatter(task: &Task<'_>) -> Result<Vec<Array>, String> {
    let (rows, places, (shape, _)) = (task.ints(0)?, task.ints(1)?, task.out());
    let (&[_, h, w, channels], &[_, columns]) = (shape, task.shape(1)?) else {
        return Err("a scatter of another rank".into());
    };
    let mut map = vec![0; shape.iter().product()];
    let sizes = [shape[0], h, w];
    for (row, place) in rows
        .chunks_exact(channels.max(1))
        .zip(places.chunks_exact(columns))
    {
        let place = [place[0], place[columns - 2], place[columns - 1]];
        if place[2] < 0 {
            continue;
        }
        let inside = |i: usize| usize::try_from(place[i]).ok().filter(|&p| p < sizes[i]);
        let (Some(n), Some(y), Some(x)) = (inside(0), inside(1), inside(2)) else {
            return Err(format!("a place {place:?} outside of {sizes:?}"));
        };
        let at = ((n * h + y) * w + x) * channels;
        map[at..at + channels].copy_from_slice(row);
    }
    task.made(map)
}
