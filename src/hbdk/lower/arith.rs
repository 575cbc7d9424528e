//! Element-wise arithmetic, concatenation, matrix products (`hbir.md` 1.7 to 1.9).

use super::super::array::{Array, broadcast};
use super::super::graph::{AddForm, Kind, Known, Layout, RecordId};
use super::super::march::March;
use super::super::params::{Chain, add_multiplier, add_shift, half_up, x2a_add};
use super::super::value::{TensorId, Val};
use super::super::walk::{Args, Builder, Fail};
use super::limits;
use super::quantise::same;
use crate::tensor::DType;

/// Two operands in one layout, and the shape they broadcast to.
pub(super) fn operands(
    builder: &mut Builder<'_>,
    (x, xtype): (&Val, DType),
    (y, ytype): (&Val, DType),
) -> Result<([RecordId; 2], Vec<usize>), Fail> {
    let ids: Vec<TensorId> = [x, y]
        .iter()
        .filter_map(|v| match v {
            Val::Tensor(id) => Some(*id),
            _ => None,
        })
        .collect();
    let rank = [x, y]
        .iter()
        .map(|v| rank_of(builder, v))
        .max()
        .unwrap_or(0);
    let layout = builder.majority(&ids);
    let a = builder.operand(x, layout, rank, xtype)?;
    let b = builder.operand(y, layout, rank, ytype)?;
    let (sa, sb) = (
        &builder.graph.record(a).shape,
        &builder.graph.record(b).shape,
    );
    let shape = broadcast(sa, sb).filter(|_| sa.len() == sb.len());
    let shape =
        shape.ok_or_else(|| Fail::new(format!("shapes {sa:?} and {sb:?} do not broadcast")))?;
    Ok(([a, b], shape))
}

fn rank_of(builder: &Builder<'_>, value: &Val) -> usize {
    match value {
        Val::Tensor(id) => builder.native_shape(*id).len(),
        Val::Const(array) => array.shape.len(),
        _ => 0,
    }
}

struct Binary {
    scales: [f32; 2],
    types: [DType; 2],
    out_scale: Vec<f32>,
    out: DType,
}

fn binary(args: &Args, scales: [usize; 2], types: [usize; 2]) -> Result<Binary, Fail> {
    let it = Binary {
        scales: [args.one_scale(scales[0])?, args.one_scale(scales[1])?],
        types: [args.qtype(types[0])?, args.qtype(types[1])?],
        out_scale: args.scale(8)?,
        out: args.qtype(10)?,
    };
    match it.out {
        DType::I32 => Err(Fail::new("output type int32 not supported")),
        _ => Ok(it),
    }
}

/// `add(x, y, x_scale, y_scale, x_zero_point, y_zero_point, x_dtype, y_dtype, scale, zero_point, dtype, march)`
pub(super) fn add(builder: &mut Builder<'_>, args: &Args) -> Result<Val, Fail> {
    let it = binary(args, [2, 3], [6, 7])?;
    let [sx, sy] = it.scales;
    let march = builder.march();
    let (swap, form, scale) = match march {
        March::Bernoulli2 => {
            // The first operand is the one with the smaller scale.
            let swap = sy < sx;
            let (smaller, larger) = if swap { (sy, sx) } else { (sx, sy) };
            let it = x2a_add(smaller, larger);
            limits::sum(builder, &it, [smaller, larger]);
            let form = AddForm::X2a {
                first: it.smaller,
                second: it.larger,
                shift: it.larger_lshift,
            };
            (swap, form, it.scale)
        }
        _ => {
            // The first operand is the one with the strictly larger scale.
            let swap = sx <= sy;
            let (larger, smaller) = if swap { (sy, sx) } else { (sx, sy) };
            let shift = add_shift(larger, smaller, cap(it.types[usize::from(swap)]));
            let form = AddForm::Scale {
                shift,
                scale: add_multiplier(smaller, larger, shift),
            };
            (swap, form, larger / 2f32.powi(shift as i32))
        }
    };
    elementwise_add(builder, args, &it, swap, form, scale)
}

/// `sub(x, y, x_scale, x_zero_point, x_dtype, y_scale, y_zero_point, y_dtype, scale, zero_point, dtype, march)`
pub(super) fn sub(builder: &mut Builder<'_>, args: &Args) -> Result<Val, Fail> {
    if !builder.march().is_bayes() {
        return Err(
            Fail::new("sub is supported on the bayes family only").advise(
                "multiply by a constant -1 and add (FloatFunctional.mul, FloatFunctional.add)",
            ),
        );
    }
    let it = binary(args, [2, 5], [4, 7])?;
    let [sx, sy] = it.scales;
    let swap = sx < sy;
    let (larger, smaller) = if swap { (sy, sx) } else { (sx, sy) };
    let shift = add_shift(larger, smaller, cap(it.types[usize::from(swap)]));
    let form = AddForm::Scale {
        shift,
        scale: add_multiplier(-smaller, larger, shift),
    };
    // y - x was computed when the operands were swapped.
    let sign = if swap { -1.0 } else { 1.0 };
    let scale = sign * larger / 2f32.powi(shift as i32);
    elementwise_add(builder, args, &it, swap, form, scale)
}

/// Largest left shift of an operand of a type (3.7).
fn cap(dtype: DType) -> i64 {
    match dtype {
        DType::I8 => 23,
        _ => 15,
    }
}

fn elementwise_add(
    builder: &mut Builder<'_>,
    args: &Args,
    it: &Binary,
    swap: bool,
    form: AddForm,
    scale: f32,
) -> Result<Val, Fail> {
    let (x, y) = ((args.at(0), it.types[0]), (args.at(1), it.types[1]));
    let ([a, b], shape) = operands(builder, x, y)?;
    narrow(builder, [a, b])?;
    let inputs = if swap { [b, a] } else { [a, b] };
    let chain = Chain::accumulator(&[scale], &it.out_scale, it.out, builder.march());
    let made = builder.layer(Kind::ElementwiseAdd { form, chain }, &inputs, shape, it.out);
    Ok(builder.manager(made))
}

/// `mul(input, other, input_scale, input_zero_point, input_dtype, other_scale, other_zero_point, other_dtype, scale,
/// zero_point, dtype, march)`
pub(super) fn mul(builder: &mut Builder<'_>, args: &Args) -> Result<Val, Fail> {
    let types = [args.qtype(4)?, args.qtype(7)?];
    let ([a, b], shape) = operands(builder, (args.at(0), types[0]), (args.at(1), types[1]))?;
    narrow(builder, [a, b])?;
    if types.contains(&DType::Bool) {
        let out = types
            .into_iter()
            .find(|t| *t != DType::Bool)
            .unwrap_or(DType::Bool);
        let chain = Chain::default();
        let made = builder.layer(Kind::ElementwiseMul { chain }, &[a, b], shape, out);
        return Ok(builder.manager(made));
    }
    let it = binary(args, [2, 5], [4, 7])?;
    let product = it.scales[0] * it.scales[1];
    let chain = Chain::accumulator(&[product], &it.out_scale, it.out, builder.march());
    let made = builder.layer(Kind::ElementwiseMul { chain }, &[a, b], shape, it.out);
    Ok(builder.manager(made))
}

/// The hardware multiplies no wider integers than 16 bits.
fn narrow(builder: &Builder<'_>, records: [RecordId; 2]) -> Result<(), Fail> {
    let types = records.map(|r| builder.graph.record(r).dtype);
    match types
        .iter()
        .all(|t| matches!(t, DType::I8 | DType::I16 | DType::Bool))
    {
        true => Ok(()),
        false => Err(
            Fail::new(format!("operands of {} and {}", types[0], types[1]))
                .advise("quantise them to int8 or int16 first"),
        ),
    }
}

/// `matmul(input, other, input_trans, other_trans, input_scale, input_zero_point, input_dtype, other_scale,
/// other_zero_point, other_dtype, scale, zero_point, dtype, march)`
pub(super) fn matmul(builder: &mut Builder<'_>, args: &Args) -> Result<Val, Fail> {
    let trans = [args.flag(2)?, args.flag(3)?];
    let scales = [args.one_scale(4)?, args.one_scale(7)?];
    let (itype, wtype, otype) = (args.qtype(6)?, args.qtype(9)?, args.qtype(12)?);
    let oscale = args.one_scale(10)?;
    if itype != wtype || otype == DType::I32 {
        return Err(Fail::new(
            "matmul needs operands of one dtype and an int8 or int16 result",
        ));
    }
    let ranks = [args.at(0), args.at(1)].map(|v| rank_of(builder, v));
    let rank = ranks[0].max(ranks[1]);
    let mut a = builder.operand(args.at(0), Layout::Native, rank, itype)?;
    let mut b = builder.operand(args.at(1), Layout::Native, rank, wtype)?;
    narrow(builder, [a, b])?;
    let (sa, sb) = (
        builder.graph.record(a).shape.clone(),
        builder.graph.record(b).shape.clone(),
    );
    let (shape, depth) = product_shape(&sa, &sb, trans)
        .ok_or_else(|| Fail::new(format!("a product of {sa:?} and {sb:?}")))?;
    let march = builder.march();
    let mut product = scales[0] * scales[1];
    if itype == DType::I16 {
        // The array takes operands up to 32639 and sums of 31 bits (3.8).
        let k = (32767.0 / (32767.0 - 128.0_f64)).max((depth as f64 / 2.0).sqrt());
        let (base, narrower) = (builder.annotation.clone(), k as f32);
        for (record, scale, side) in [(&mut a, scales[0], "lhs"), (&mut b, scales[1], "rhs")] {
            let kind = Kind::Rescale {
                chain: Chain::direct(&[scale], &[scale * narrower]),
                rounding: true,
            };
            let shape = builder.graph.record(*record).shape.clone();
            let name = format!("{base}_degrade_{side}");
            *record = builder.named_layer(&name, kind, &[*record], shape, DType::I16);
        }
        product *= (k * k) as f32;
    }
    if march == March::Bernoulli2 {
        builder.mark_known(Known::MatmulRounding);
    }
    let kind = Kind::Gemm {
        trans,
        chain: Chain::accumulator(&[product], &[oscale], otype, march),
        rounding: march.is_bayes(),
    };
    let made = builder.layer(kind, &[a, b], shape, otype);
    Ok(builder.manager(made))
}

/// The shape of a batched matrix product and the reduced length.
fn product_shape(a: &[usize], b: &[usize], trans: [bool; 2]) -> Option<(Vec<usize>, usize)> {
    let split = |s: &[usize], t: bool| -> Option<(Vec<usize>, usize, usize)> {
        let (batch, last) = s.split_at(s.len().checked_sub(2)?);
        let [r, c] = if t {
            [last[1], last[0]]
        } else {
            [last[0], last[1]]
        };
        Some((batch.to_vec(), r, c))
    };
    let (ba, rows, depth) = split(a, trans[0])?;
    let (bb, other, columns) = split(b, trans[1])?;
    let mut shape = broadcast(&ba, &bb)?;
    shape.extend([rows, columns]);
    (depth == other).then_some((shape, depth))
}

/// `cat(input_list, dim, input_scale_list, input_zero_point_list, input_dtype_list, scale, zero_point, dtype, march)`
pub(super) fn cat(builder: &mut Builder<'_>, args: &Args) -> Result<Val, Fail> {
    let items = args.list(0)?.to_vec();
    let (scales, types) = (args.list(2)?.to_vec(), args.list(4)?.to_vec());
    let (oscale, otype) = (args.scale(5)?, args.qtype(7)?);
    let ids: Vec<TensorId> = items.iter().flat_map(Val::tensors).collect();
    let layout = builder.majority(&ids);
    let rank = items.iter().map(|v| rank_of(builder, v)).max().unwrap_or(0);
    let mut records = Vec::new();
    for (k, item) in items.iter().enumerate() {
        let one = Args::new(
            vec![
                scales.get(k).cloned().unwrap_or(Val::None),
                types.get(k).cloned().unwrap_or(Val::None),
            ],
            vec![],
        );
        let (iscale, itype) = (one.scale(0)?, one.qtype(1)?);
        let record = builder.operand(item, layout, rank, itype)?;
        let record = match same(&iscale, &oscale) && itype == otype {
            true => record,
            false => {
                let shape = builder.graph.record(record).shape.clone();
                let name = format!("{}_rescale_{k}", builder.annotation);
                let kind = Kind::Rescale {
                    chain: Chain::direct(&iscale, &oscale),
                    rounding: true,
                };
                builder.named_layer(&name, kind, &[record], shape, otype)
            }
        };
        records.push(record);
    }
    concat(builder, &records, args.int(1)?, otype)
}

/// Tensors of one scale one after the other.
pub(super) fn concat(
    builder: &mut Builder<'_>,
    records: &[RecordId],
    dim: i64,
    dtype: DType,
) -> Result<Val, Fail> {
    let &first = records.first().ok_or_else(|| Fail::new("cat of nothing"))?;
    let dim = builder.map_dim(first, dim)?;
    let mut shape = builder.graph.record(first).shape.clone();
    for &other in &records[1..] {
        let next = &builder.graph.record(other).shape;
        let fits =
            next.len() == shape.len() && (0..shape.len()).all(|i| i == dim || shape[i] == next[i]);
        if !fits {
            return Err(Fail::new(format!("cat of {shape:?} and {next:?}")));
        }
        shape[dim] += next[dim];
    }
    let made = builder.layer(Kind::Concat(dim), records, shape, dtype);
    Ok(builder.manager(made))
}

/// `prelu(input, weight, input_scale, input_zero_point, input_dtype, weight_scale, weight_zero_point, weight_dtype,
/// scale, zero_point, dtype, march)`
pub(super) fn prelu(builder: &mut Builder<'_>, args: &Args) -> Result<Val, Fail> {
    let id = args.tensor(0)?;
    let (iscale, wscale, oscale) = (args.one_scale(2)?, args.one_scale(5)?, args.one_scale(8)?);
    let (wtype, otype) = (args.qtype(7)?, args.qtype(10)?);
    let weight = args.constant(1)?;
    let integers = match weight.ints() {
        Some(ints) => ints.to_vec(),
        None => {
            let (low, high) = super::super::march::limits(wtype);
            let quantise =
                |w: f32| half_up(f64::from(w / wscale)).clamp(low as f64, high as f64) as i64;
            weight.to_f32().into_iter().map(quantise).collect()
        }
    };
    let rank = builder.native_shape(id).len();
    let mut wide = vec![1; rank];
    if rank > 1 {
        wide[1] = integers.len();
    }
    let count = integers.len();
    if wide.iter().product::<usize>() != count {
        return Err(Fail::new(format!(
            "{count} weights for a tensor of rank {rank}"
        )));
    }
    let record = builder.primary(id);
    let layout = builder.graph.record(record).layout;
    let weight = Array::int(wtype, &wide, integers);
    let weight = builder.constant(&weight.into(), layout, rank, wtype)?;
    let kind = Kind::PRelu {
        positive: Chain::direct(&[iscale], &[oscale]),
        negative: Chain::accumulator(&[iscale * wscale], &[oscale], otype, builder.march()),
    };
    let shape = builder.graph.record(record).shape.clone();
    let made = builder.layer(kind, &[record, weight], shape, otype);
    Ok(builder.manager(made))
}
