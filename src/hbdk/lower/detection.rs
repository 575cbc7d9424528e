//! Layers of detection heads whose arithmetic is stated (`horizon.md` 3.16, `hbir.md` 1.13, 1.14).

use super::super::array::Array;
use super::super::graph::{Dequantise, Kind, Layout, Record, RecordId};
use super::super::march::limits;
use super::super::name;
use super::super::value::{TensorId, Val};
use super::super::walk::{Args, Builder, Fail};
use crate::tensor::DType;
use std::rc::Rc;

/// `filter(inputs, scales, zero_points, dtypes, threshold, idx_range, march)`: for each image a list of values, indices,
/// places `[K, 2]` and the channels `[K, C]` of each input; values and channels are dequantised.
pub(super) fn filter(builder: &mut Builder<'_>, args: &Args) -> Result<Val, Fail> {
    let inputs = args.list(0)?.to_vec();
    let all = Args::new(args.list(1)?.to_vec(), vec![]);
    let types = Args::new(args.list(3)?.to_vec(), vec![]);
    let scales = (0..inputs.len()).map(|i| all.one_scale(i));
    let scales = scales.collect::<Result<Vec<f32>, Fail>>()?;
    let dtype = types.qtype(0)?;
    let is_other = |i: usize| types.qtype(i).is_ok_and(|it| it != dtype);
    if !matches!(dtype, DType::I8 | DType::I16) || (0..inputs.len()).any(is_other) {
        return Err(
            Fail::new("filter needs inputs of one type").advise("quantise all to int8 or int16")
        );
    }
    let (image, parts) = joined(builder, &inputs, dtype)?;
    let shape = builder.graph.record(image).shape.clone();
    let [first, end] = args.pair(5)?;
    let is_bayes = builder.march().is_bayes();
    let steps = args.float(4)? / f64::from(scales[0]);
    let steps = if is_bayes {
        steps.ceil()
    } else {
        steps.floor()
    };
    let (low, high) = limits(dtype);
    if first >= end || end > parts[0] {
        return Err(Fail::new(format!(
            "channels {first} to {end} of {}",
            parts[0]
        )));
    }
    let kind = Kind::Filter {
        threshold: steps.clamp(low as f64, high as f64) as i64,
        range: [first, end - 1],
        above: !is_bayes,
        parts: parts.clone(),
    };
    let most = shape[1] * shape[2];
    let mut outputs = Vec::new();
    let mut images = Vec::new();
    for n in 0..shape[0] {
        let mut rows = vec![
            loose(builder, &format!("{n}.max"), vec![most], dtype),
            loose(builder, &format!("{n}.arg"), vec![most], DType::I16),
            loose(builder, &format!("{n}.coord"), vec![most, 2], DType::I16),
        ];
        for (i, &width) in parts.iter().enumerate() {
            rows.push(loose(
                builder,
                &format!("{n}.data{i}"),
                vec![most, width],
                dtype,
            ));
        }
        images.push(dequantised(builder, &rows, &scales));
        outputs.extend(rows);
    }
    builder.add_layer(kind, vec![image], outputs);
    Ok(Val::seq(images))
}

/// The inputs along the channels, and how many each has.
fn joined(
    builder: &mut Builder<'_>,
    inputs: &[Val],
    dtype: DType,
) -> Result<(RecordId, Vec<usize>), Fail> {
    let records = inputs
        .iter()
        .map(|v| builder.operand(v, Layout::Hardware, 4, dtype));
    let records = records.collect::<Result<Vec<_>, _>>()?;
    let shapes: Vec<_> = records
        .iter()
        .map(|r| builder.graph.record(*r).shape.clone())
        .collect();
    let fits = |s: &Vec<usize>| s.len() == 4 && s[..3] == shapes[0][..3];
    if shapes.is_empty() || !shapes.iter().all(fits) {
        return Err(Fail::new(format!("filter of {shapes:?}")));
    }
    let parts: Vec<usize> = shapes.iter().map(|s| s[3]).collect();
    if let [one] = records[..] {
        return Ok((one, parts));
    }
    let mut shape = shapes[0].clone();
    shape[3] = parts.iter().sum();
    let name = format!("{}_pre_filter_cat", builder.annotation);
    let made = builder.named_layer(&name, Kind::Concat(3), &records, shape, dtype);
    Ok((made, parts))
}

/// A record whose number of rows depends on the data.
pub(super) fn loose(
    builder: &mut Builder<'_>,
    end: &str,
    shape: Vec<usize>,
    dtype: DType,
) -> RecordId {
    let name = format!("{}.{end}", builder.annotation);
    builder.add_record(Record {
        name: name::native(&name),
        shape,
        layout: Layout::Native,
        dtype,
        loose: true,
    })
}

/// The results of one image: values and channels know their scales.
fn dequantised(builder: &mut Builder<'_>, rows: &[RecordId], scales: &[f32]) -> Val {
    let mut items = Vec::new();
    for (i, &row) in rows.iter().enumerate() {
        let value = builder.manager(row);
        let scale = match i {
            0 => scales.first(),
            1 | 2 => None,
            part => scales.get(part - 3),
        };
        if let (Val::Tensor(TensorId(at)), Some(&scale)) = (&value, scale) {
            let scale = Rc::new(Array::real(DType::F32, &[1], vec![f64::from(scale)]));
            builder.tensors[*at].dequantise = Some(Dequantise { scale, axis: None });
        }
        items.push(value);
    }
    Val::seq(items)
}

/// `rle(input, dtype)`: for each image the number of runs, then value and length of each.
pub(super) fn rle(builder: &mut Builder<'_>, args: &Args) -> Result<Val, Fail> {
    let record = builder.in_layout(args.tensor(0)?, Layout::Native)?;
    let most = match args.int(1)? {
        1 => 255,
        _ => 65535,
    };
    let shape = builder.graph.record(record).shape.clone();
    let Some((&images, rest)) = shape.split_first() else {
        return Err(Fail::new("rle of a number"));
    };
    let longest = 1 + 2 * rest.iter().product::<usize>();
    let outputs: Vec<RecordId> = (0..images)
        .map(|n| loose(builder, &n.to_string(), vec![longest], DType::I32))
        .collect();
    builder.add_layer(Kind::Rle { most }, vec![record], outputs.clone());
    let items: Vec<Val> = outputs.into_iter().map(|r| builder.manager(r)).collect();
    Ok(Val::seq(items))
}

/// `point_pillars_scatter(voxel_features, coords, output_shape)`: features `[M, C]` onto a map `[N, C, H, W]`; a row
/// of coordinates holds the image first, height and width last, and is left out when the width is negative.
pub(super) fn point_pillars_scatter(builder: &mut Builder<'_>, args: &Args) -> Result<Val, Fail> {
    let features = builder.in_layout(args.tensor(0)?, Layout::Native)?;
    let rank = builder.native_shape(args.tensor(0)?).len();
    let coords = builder.operand(args.at(1), Layout::Native, rank, DType::I32)?;
    let [n, c, h, w] = args.sizes(2, 4)?[..] else {
        return Err(Fail::new("the output is not [N, C, H, W]"));
    };
    let (it, places) = (builder.graph.record(features), builder.graph.record(coords));
    let fits = match (&it.shape[..], &places.shape[..]) {
        (&[rows, channels], &[count, width]) => rows == count && channels == c && width >= 3,
        _ => false,
    };
    if !fits {
        let text = format!(
            "features {:?} at {:?} on a map {:?}",
            it.shape,
            places.shape,
            [n, c, h, w]
        );
        return Err(Fail::new(text));
    }
    let dtype = it.dtype;
    let name = builder.annotation.clone();
    let made = builder.named_record(&name, Layout::Hardware, vec![n, h, w, c], dtype);
    builder.add_layer(Kind::Scatter, vec![features, coords], vec![made]);
    Ok(builder.manager(made))
}

/// Why a detection function is refused; none for other functions.
pub(super) fn refusal(name: &str) -> Option<&'static str> {
    Some(match name {
        "rcnn_post_process" => {
            "which class is the background, and the unit of the integer scores, are not public, so it cannot be \
             evaluated here; profile the model without its post-processing"
        }
        "point_pillars_preprocess" => {
            "which points a full voxel keeps is not public, and there is no second evaluation of it here; begin the \
             profile behind it"
        }
        _ => return None,
    })
}
