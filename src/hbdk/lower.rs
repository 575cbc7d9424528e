//! From calls to layers (`horizon.md` 5.6): one handler for each supported operator and function.

mod arith;
mod conv;
mod correlation;
mod data;
mod detection;
mod limits;
mod lut;
mod pad;
mod pool;
mod proposal;
mod quantise;
mod reduce;
mod resize;
mod roi;
mod shape;
mod shuffle;

use super::array::Array;
use super::eval;
use super::graph::{Kind, Layout, Record};
use super::layout::{from_native, has_hardware_layout, to_native};
use super::march::March;
use super::value::Val;
use super::walk::{Args, Builder, Fail, Options};
use std::rc::Rc;

/// Makes the layers of a call and gives its result.
pub(super) type Handler = fn(&mut Builder<'_>, &Args) -> Result<Val, Fail>;

/// A function that the front end knows by name.
#[derive(Clone, Copy)]
pub(super) struct Function {
    handler: Handler,
    /// Which arguments are data; the others are parameters.
    data: &'static [usize],
    /// Whether it takes tensors whose number of rows depends on the data.
    takes_loose: bool,
}

/// The function with a qualified name, if it is one of the plugin's quantised functions.
pub(super) fn function(qualified: &str) -> Option<Function> {
    let (module, name) = qualified.rsplit_once('.')?;
    let module = demangled(module);
    if !module.ends_with("nn.quantized.functional")
        && !module.ends_with("nn.quantized.functional_impl")
    {
        return None;
    }
    let (handler, data): (Handler, &'static [usize]) = match name {
        "quantize" => (quantise::quantize, &[0]),
        "_quantize" => (quantise::quantize_round, &[0]),
        "dequantize" => (quantise::dequantize, &[0]),
        "requantize" => (quantise::requantize, &[0]),
        "abs" => (quantise::abs, &[0]),
        "ceil" => (quantise::ceil, &[0]),
        "floor" => (quantise::floor, &[0]),
        "conv2d" => (conv::conv2d, &[0, 3]),
        "conv3d" => (conv::conv3d, &[0, 3]),
        "conv_transpose2d" => (conv::conv_transpose2d, &[0, 3]),
        "linear" => (conv::linear, &[0, 3]),
        "max_pool2d" => (pool::max_pool2d, &[0]),
        "avg_pool2d" => (pool::avg_pool2d, &[0]),
        "interpolate" => (resize::interpolate, &[0]),
        "grid_sample" => (resize::grid_sample, &[0, 1]),
        "add" => (arith::add, &[0, 1]),
        "sub" => (arith::sub, &[0, 1]),
        "mul" => (arith::mul, &[0, 1]),
        "matmul" => (arith::matmul, &[0, 1]),
        "cat" => (arith::cat, &[0]),
        "prelu" => (arith::prelu, &[0]),
        "correlation" => (correlation::correlation, &[0, 1]),
        "sum" => (reduce::sum, &[0]),
        "mean" => (reduce::mean, &[0]),
        "topk" => (reduce::topk, &[0]),
        "lut" => (lut::lut, &[0]),
        "segment_lut" => (lut::segment_lut, &[0]),
        "softmax_bernoulli2" => (lut::softmax_bernoulli2, &[0]),
        "pad" => (pad::pad, &[0]),
        "channel_shuffle" => (shuffle::channel_shuffle, &[0]),
        "window_partition" => (shuffle::window_partition, &[0]),
        "window_reverse" => (shuffle::window_reverse, &[0]),
        "multi_scale_roi_align" => (roi::multi_scale_roi_align, &[0, 1]),
        "detection_post_process_v1" => (proposal::detection_post_process_v1, &[0]),
        "filter" => (detection::filter, &[0]),
        "rle" => (detection::rle, &[0]),
        "point_pillars_scatter" => (detection::point_pillars_scatter, &[0, 1]),
        "_set_annotation" => (quantise::pass, &[0]),
        _ => return None,
    };
    Some(Function {
        handler,
        data,
        takes_loose: name == "dequantize",
    })
}

/// Without the component `___torch_mangle_N`.
fn demangled(path: &str) -> String {
    let parts = path
        .split('.')
        .filter(|p| !p.starts_with("___torch_mangle_"));
    parts.collect::<Vec<_>>().join(".")
}

/// What to do about a function that the front end does not take.
pub(super) fn function_advice(name: &str) -> String {
    if let Some(reason) = detection::refusal(name) {
        return reason.into();
    }
    match name {
        "masked_fill" => "multiply by a constant mask and add, instead of masked_fill".into(),
        "deform_conv2d" => {
            "deformable convolution runs on the CPU only: take it out of the BPU part".into()
        }
        "max" => "use torch.max(x, dim, keepdim=True)".into(),
        "softmax" => {
            "on bernoulli2 use SoftmaxBernoulli2, on bayes nn.Softmax (segment LUT)".into()
        }
        "roi_align_list" | "roi_align_tensor" => {
            "use MultiScaleRoIAlign with a list of boxes".into()
        }
        "multi_table_fit" => {
            "prepare the model for bayes, where segment LUTs replace this function".into()
        }
        _ => {
            "scripted functions of your own are not parsed: write the operation inline, or trace it"
                .into()
        }
    }
}

/// Makes the layers of a function's call, or computes it when all arguments are constants.
pub(super) fn call(
    builder: &mut Builder<'_>,
    function: Function,
    args: &Args,
    is_constant: bool,
) -> Result<Val, Fail> {
    take_march(builder, args)?;
    match is_constant {
        true => evaluate(builder, function, args),
        false => {
            if !function.takes_loose {
                builder.fixed(args)?;
            }
            limits::dtypes(builder, args);
            (function.handler)(builder, args)
        }
    }
}

/// The last argument names the march, if it is a string.
fn take_march(builder: &mut Builder<'_>, args: &Args) -> Result<(), Fail> {
    let Some(Val::Str(text)) = args.values().last() else {
        return Ok(());
    };
    let Some(march) = March::parse(text) else {
        return match text.as_str() {
            "meta" | "nash" | "nash-e" | "nash-m" | "nash-p" => Err(Fail::new(format!(
                "march {text} is not one of this front end's"
            ))
            .advise("convert the model for bernoulli2 or bayes")),
            // A string that is no march at all: functions without one exist.
            _ => Ok(()),
        };
    };
    if march == March::Bernoulli {
        return Err(Fail::new(
            "march bernoulli has shifts instead of scales, which is not supported",
        )
        .advise("convert the model for bernoulli2 or bayes"));
    }
    let known = *builder.march.get_or_insert(march);
    if known != march && !(known.is_bayes() && march.is_bayes()) {
        return Err(Fail::new(format!(
            "the call is for {}, the model for {}",
            march.name(),
            known.name()
        ))
        .advise("set the march once, before the model is converted"));
    }
    Ok(())
}

/// The result of a function whose arguments are all constants.
fn evaluate(builder: &Builder<'_>, function: Function, args: &Args) -> Result<Val, Fail> {
    if function.handler as usize == quantise::quantize as Handler as usize {
        return quantise::constant(args, false);
    }
    if function.handler as usize == quantise::quantize_round as Handler as usize {
        return quantise::constant(args, true);
    }
    if function.handler as usize == quantise::dequantize as Handler as usize {
        return quantise::constant_dequantize(args);
    }
    let mut scratch = Builder::scratch(
        builder.model,
        Options {
            march: builder.march,
        },
    );
    let mut values = args.values().to_vec();
    for &at in function.data {
        if let Some(value) = values.get_mut(at) {
            *value = placed(&mut scratch, value);
        }
    }
    let result = (function.handler)(&mut scratch, &Args::new(values, vec![]))?;
    if let Some(problem) = scratch.problems.first() {
        return Err(Fail::new(problem.message.clone()));
    }
    taken(&scratch, &result)
}

/// Constants as tensors of a graph of their own.
fn placed(scratch: &mut Builder<'_>, value: &Val) -> Val {
    match value {
        Val::Const(array) => {
            let rank = array.shape.len();
            let (layout, array) = match has_hardware_layout(rank) {
                true => (
                    Layout::Hardware,
                    Rc::new(array.permuted(&from_native(rank))),
                ),
                false => (Layout::Native, array.clone()),
            };
            let record = scratch.add_record(Record {
                name: "constant".into(),
                shape: array.shape.clone(),
                layout,
                dtype: array.dtype,
                loose: false,
            });
            scratch.add_layer(Kind::Constant(array), vec![], vec![record]);
            scratch.manager(record)
        }
        Val::Seq(items) => {
            let items: Vec<Val> = items.iter().map(|v| placed(scratch, v)).collect();
            Val::seq(items)
        }
        other => other.clone(),
    }
}

/// The values of the tensors in a result.
fn taken(scratch: &Builder<'_>, value: &Val) -> Result<Val, Fail> {
    Ok(match value {
        Val::Tensor(id) => {
            let record = scratch.tensor(*id).first;
            let array = eval::one(&scratch.graph, record)?;
            let native = scratch.graph.record(record).layout == Layout::Native;
            let rank = array.shape.len();
            Val::array(match native || !has_hardware_layout(rank) {
                true => array,
                false => array.permuted(&to_native(rank)),
            })
        }
        Val::Seq(items) => {
            let items = items.iter().map(|v| taken(scratch, v));
            Val::seq(items.collect::<Result<Vec<_>, _>>()?)
        }
        other => other.clone(),
    })
}

/// The handler of an operator on tensors that are not constant.
pub(super) fn operator(kind: &str) -> Option<Handler> {
    let name = kind.strip_prefix("aten::")?;
    Some(match name {
        "alias" | "detach" | "contiguous" => quantise::pass,
        "dropout" => data::dropout,
        "split" | "split_with_sizes" => data::split,
        "slice" => data::slice,
        "cat" => data::cat,
        "relu" => data::relu,
        "clamp" | "clip" => data::clamp,
        "eq" => data::equal,
        "ne" => data::not_equal,
        "lt" => data::less,
        "le" => data::less_or_equal,
        "gt" => data::greater,
        "ge" => data::greater_or_equal,
        "maximum" => data::maximum,
        "minimum" => data::minimum,
        "max" => reduce::max,
        "argmax" => reduce::argmax,
        "amax" => reduce::amax,
        "min" => reduce::min,
        "argmin" => reduce::argmin,
        "amin" => reduce::amin,
        "reshape" | "view" => shape::reshape,
        "transpose" => shape::transpose,
        "permute" => shape::permute,
        "squeeze" => shape::squeeze,
        "unsqueeze" => shape::unsqueeze,
        "flatten" => shape::flatten,
        "size" => shape::size,
        "zeros_like" => shape::zeros_like,
        "ones_like" => shape::ones_like,
        "tile" | "repeat" => shape::tile,
        "expand" => shape::expand,
        "pixel_shuffle" => shuffle::pixel_shuffle,
        "pixel_unshuffle" => shuffle::pixel_unshuffle,
        "roll" => shuffle::roll,
        "gather" => shuffle::gather,
        _ => return None,
    })
}

/// What to do about an operator that the front end does not take.
pub(super) fn operator_advice(kind: &str, march: March) -> String {
    let name = kind.rsplit("::").next().unwrap_or(kind);
    match name {
        "unbind" => {
            "a tensor is treated as a list: iterated, unpacked or passed to zip, which calls its __iter__ and \
             so unbinds it; use split or slices of fixed size instead"
                .into()
        }
        "select" => {
            "`x[:, i]` traces to aten::select; use a slice that keeps the dimension, `x[:, i:i+1]`"
                .into()
        }
        "index" => "indexing with a tensor or list: use slices or gather instead".into(),
        "chunk" => "use split with the sizes of the pieces".into(),
        "stack" => "use unsqueeze and cat through FloatFunctional.cat".into(),
        "add" | "sub" | "mul" | "matmul" | "mean" | "sum" | "div" => format!(
            "`{name}` on a quantised tensor: use FloatFunctional.{name}, so that it gets a scale"
        ),
        "to" => {
            "a dtype conversion of a tensor: take it out of the model, or do it before QuantStub"
                .into()
        }
        "masked_fill" => "multiply by a constant mask and add, instead of masked_fill".into(),
        "softmax" if !march.is_bayes() => {
            "end the model before it, or use SoftmaxBernoulli2, which bernoulli2 has along channels"
                .into()
        }
        "gelu" | "elu" | "leaky_relu" | "hardswish" | "hardsigmoid" | "softplus" | "selu" | "sqrt" | "rsqrt"
        | "reciprocal" | "log" | "erf"
            if !march.is_bayes() =>
        {
            format!(
                "bernoulli2 has tables for sigmoid, tanh, silu and exp only: use one of these or relu in place of \
                 `{name}`, or deploy to bayes"
            )
        }
        "sigmoid" | "tanh" | "silu" | "gelu" | "elu" | "leaky_relu" | "softmax" | "exp" | "hardswish"
        | "hardsigmoid" | "softplus" | "selu" | "sqrt" | "rsqrt" | "reciprocal" | "log" | "erf" => {
            format!(
                "`{name}` was left in float: use the module of nn and prepare the model again, so that it becomes a LUT"
            )
        }
        "conv2d" | "_convolution" | "linear" | "batch_norm" | "addmm" => {
            "a float operator: it was not quantised; check its qconfig and convert again".into()
        }
        "__getitem__" => "only dicts can be indexed".into(),
        _ if kind.starts_with("horizon::") => {
            "operators of the plugin are known through its functions only, not by themselves".into()
        }
        _ => "replace it by operators that the front end supports, or run this part on the CPU"
            .into(),
    }
}

pub(super) use quantise::rounded;

/// A constant result.
pub(super) fn scales(values: &[f32]) -> Val {
    let data = values.iter().map(|&v| f64::from(v)).collect();
    Val::array(Array::real(
        crate::tensor::DType::F32,
        &[values.len()],
        data,
    ))
}
