//! Layers whose number of results depends on the data (`horizon.md` 3.16, `hbir.md` 1.14).

use super::super::array::Array;
use super::Task;
use crate::tensor::DType;

/// For each image: values, indices, places and the parts' channels of the pixels kept, in the order of the pixels.
pub(super) fn filter(
    threshold: i64,
    [first, last]: [usize; 2],
    above: bool,
    parts: &[usize],
    task: &Task<'_>,
) -> Result<Vec<Array>, String> {
    let x = task.ints(0)?;
    let &[images, h, w, channels] = task.shape(0)? else {
        return Err("only supports 4d tensor".into());
    };
    let results = 3 + parts.len();
    if first > last || last >= channels || task.outputs.len() != images * results {
        return Err("a range outside of the channels".into());
    }
    let mut made = Vec::new();
    for image in x.chunks_exact((h * w * channels).max(1)) {
        let mut rows = vec![Vec::new(); results];
        let mut count = 0;
        for (at, pixel) in image.chunks_exact(channels).enumerate() {
            let (index, value) = best(&pixel[first..=last]);
            if value < threshold || above && value == threshold {
                continue;
            }
            count += 1;
            rows[0].push(value);
            rows[1].push((first + index) as i64);
            rows[2].extend([(at / w) as i64, (at % w) as i64]);
            let mut from = 0;
            for (row, &width) in rows[3..].iter_mut().zip(parts) {
                row.extend_from_slice(&pixel[from..from + width]);
                from += width;
            }
        }
        for data in rows {
            let (bound, dtype) = task.outputs[made.len()];
            let mut shape = bound.to_vec();
            shape[0] = count;
            made.push(Array::int(dtype, &shape, data));
        }
    }
    Ok(made)
}

/// Index and value of the largest, the first of equals.
fn best(values: &[i64]) -> (usize, i64) {
    let mut found = (0, values[0]);
    for (i, &v) in values.iter().enumerate() {
        if v > found.1 {
            found = (i, v);
        }
    }
    found
}

/// Runs of equal values of each image.
pub(super) fn rle(most: i64, task: &Task<'_>) -> Result<Vec<Array>, String> {
    let x = task.ints(0)?;
    let size: usize = task.shape(0)?.iter().skip(1).product();
    let mut made = Vec::new();
    for image in x.chunks_exact(size.max(1)) {
        let mut pairs: Vec<[i64; 2]> = Vec::new();
        for &value in image {
            match pairs.last_mut() {
                Some([known, length]) if *known == value && *length < most => *length += 1,
                _ => pairs.push([value, 1]),
            }
        }
        let mut data = vec![pairs.len() as i64];
        data.extend(pairs.as_flattened());
        made.push(Array::int(DType::I32, &[data.len()], data));
    }
    Ok(made)
}
