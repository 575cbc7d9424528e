//! The layer graph as text.
//!
//! ```text
//! hbir march=bayes
//! input arg0: int8[1, 5, 5, 10] quantise(scale=0.0078125, half_to_even)
//! _hz_add: int8[1, 5, 5, 10] = SElementwiseAdd(arg0, arg1) shift=14 scale=16384 qscale=16384 pre=8 post=22
//! output _hz_add dequantise(scale=0.02)
//! ```

use super::{AddForm, Graph, Kind, Layer, Layout, PadMode, Part, Quantise, RecordId, Round};
use crate::hbdk::array::{Array, Data};
use crate::hbdk::graph::kind::dtype_text;
use crate::hbdk::params::Chain;
use std::fmt::{self, Write};

/// Elements of a parameter list that are shown.
const MAX_SHOWN: usize = 8;

impl fmt::Display for Graph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "hbir march={}", self.march.name())?;
        let live = self.live_layers();
        for (layer, live) in self.layers.iter().zip(live) {
            if live || matches!(layer.kind, Kind::Input(_)) {
                writeln!(f, "{}", self.layer_text(layer, live))?;
            }
        }
        for output in &self.outputs {
            write!(f, "output {}", self.record(output.record).name)?;
            if let Some(it) = &output.dequantise {
                write!(f, " dequantise(scale={}", array_text(&it.scale))?;
                if let Some(axis) = it.axis {
                    write!(f, ", axis={axis}")?;
                }
                f.write_str(")")?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

impl Graph {
    fn layer_text(&self, layer: &Layer, live: bool) -> String {
        let mut out = String::new();
        let record = |out: &mut String, id: RecordId| {
            let it = self.record(id);
            let layout = match it.layout {
                Layout::Native if it.shape.len() > 2 => " native",
                _ => "",
            };
            let dtype = dtype_text(it.dtype);
            let most = if it.loose { " at most" } else { "" };
            let _ = write!(out, "{}: {dtype}{:?}{most}{layout}", it.name, it.shape);
        };
        if matches!(layer.kind, Kind::Input(_)) {
            out.push_str("input ");
        }
        for (i, &id) in layer.outputs.iter().enumerate() {
            if i > 0 {
                out.push_str(", ");
            }
            record(&mut out, id);
        }
        match &layer.kind {
            Kind::Input(quantise) => {
                if let Some(Quantise { scale, round }) = quantise {
                    let round = match round {
                        Round::Floor => "floor",
                        Round::HalfUp => "bpu_round",
                        Round::HalfEven => "half_to_even",
                    };
                    let _ = write!(out, " quantise(scale={scale}, {round})");
                }
                if !live {
                    out.push_str(" deleted");
                }
            }
            kind => {
                let inputs: Vec<_> = layer
                    .inputs
                    .iter()
                    .map(|&id| self.record(id).name.as_str())
                    .collect();
                let _ = write!(out, " = {}({})", kind.name(), inputs.join(", "));
                for (key, value) in fields(kind) {
                    let _ = write!(out, " {key}={value}");
                }
            }
        }
        out
    }
}

type Fields = Vec<(&'static str, String)>;

fn chain(chain: &Chain) -> Fields {
    if chain.qscale.is_empty() {
        return vec![];
    }
    vec![
        ("qscale", list(&chain.qscale)),
        ("pre", list(&chain.pre)),
        ("post", list(&chain.post)),
    ]
}

fn fields(kind: &Kind) -> Fields {
    let text = |v: &dyn fmt::Debug| format!("{v:?}");
    match kind {
        Kind::Input(_) | Kind::View | Kind::Relu | Kind::Scatter => vec![],
        Kind::ElementwiseMax | Kind::ElementwiseMin | Kind::Compare(_) => vec![],
        Kind::Constant(array) => vec![("value", array_text(array))],
        Kind::Transpose(perm) => vec![("perm", text(perm))],
        Kind::Rescale { chain, rounding } => vec![
            ("qscale", list(&chain.qscale)),
            ("post", list(&chain.post)),
            ("rounding", text(rounding)),
        ],
        Kind::Conv(conv) => conv_fields(conv),
        Kind::MaxPooling(window) => window_fields(window),
        Kind::AvgPooling {
            window,
            chain: it,
            pre_rounding,
            post_rounding,
        } => [
            window_fields(window),
            chain(it),
            vec![
                ("pre_rounding", text(pre_rounding)),
                ("post_rounding", text(post_rounding)),
            ],
        ]
        .concat(),
        Kind::Detection(it) => vec![
            ("heads", text(&it.heads)),
            ("table", list(&it.table)),
            ("table_shift", text(&it.table_shift)),
            ("threshold", text(&it.threshold)),
            ("last", text(&it.last)),
            ("nms", text(&it.nms)),
            ("most", text(&it.most)),
        ],
        Kind::RoiAlign(it) => vec![
            ("size", text(&it.size)),
            ("scales", text(&it.scales)),
            ("grid", text(&it.grid)),
            ("canonical", text(&it.canonical)),
            ("clip", text(&it.clip)),
        ],
        Kind::RoiResize(it) => vec![
            ("size", text(&it.size)),
            ("step", text(&it.step)),
            ("start", text(&it.start)),
            ("bits", it.bits.to_string()),
            (
                "mode",
                if it.nearest { "nearest" } else { "bilinear" }.into(),
            ),
            ("rounding", text(&it.rounding)),
        ],
        Kind::NearestUpsample(factors) => vec![("factors", text(factors))],
        Kind::ElementwiseAdd { form, chain: it } => {
            let own: Fields = match form {
                AddForm::Scale { shift, scale } => {
                    vec![("shift", text(shift)), ("scale", text(scale))]
                }
                AddForm::X2a {
                    first,
                    second,
                    shift,
                } => vec![
                    ("first", text(first)),
                    ("second", text(second)),
                    ("shift", text(shift)),
                ],
            };
            [own, chain(it)].concat()
        }
        Kind::ElementwiseMul { chain: it } => chain(it),
        Kind::Sum { dim, chain: it } => [vec![("dim", text(dim))], chain(it)].concat(),
        Kind::Gemm {
            trans,
            chain: it,
            rounding,
        } => [
            vec![("trans", text(trans)), ("rounding", text(rounding))],
            chain(it),
        ]
        .concat(),
        Kind::PRelu { positive, negative } => vec![
            ("p_qscale", list(&positive.qscale)),
            ("p_post", list(&positive.post)),
            ("n_qscale", list(&negative.qscale)),
            ("n_pre", list(&negative.pre)),
            ("n_post", list(&negative.post)),
        ],
        Kind::Correlation {
            kernel,
            max_displacement,
            stride1,
            stride2,
            pad,
            inter_rshift,
            chain: it,
        } => [
            vec![
                ("kernel", text(kernel)),
                ("max_displacement", text(max_displacement)),
                ("stride1", text(stride1)),
                ("stride2", text(stride2)),
                ("pad", text(pad)),
                ("inter_rshift", text(inter_rshift)),
            ],
            chain(it),
        ]
        .concat(),
        Kind::Lut(table) => vec![("table", list(table))],
        Kind::SegmentLut(it) => vec![
            ("k", list(&it.k)),
            ("b", list(&it.b)),
            ("add_lsh", list(&it.add_lsh)),
            ("sum_rsh", list(&it.sum_rsh)),
            ("max", list(&it.max)),
            ("symmetric", text(&it.symmetric)),
            ("table", array_text(&it.table)),
        ],
        Kind::Warping { bits, nearest, pad } => vec![
            ("bits", text(bits)),
            ("mode", if *nearest { "nearest" } else { "bilinear" }.into()),
            ("pad", pad_text(*pad)),
        ],
        Kind::Split { dim, sizes } => vec![("dim", text(dim)), ("sizes", text(sizes))],
        Kind::Slice { begin, step } => vec![("begin", text(begin)), ("step", text(step))],
        Kind::Filter {
            threshold,
            range,
            above,
            parts,
        } => vec![
            ("threshold", text(threshold)),
            ("range", text(range)),
            ("above", text(above)),
            ("parts", text(parts)),
        ],
        Kind::Rle { most } => vec![("most", text(most))],
        Kind::Concat(dim) | Kind::GatherElements(dim) => vec![("dim", text(dim))],
        Kind::Tile(repeats) => vec![("repeats", text(repeats))],
        Kind::Roll { shifts, dims } => vec![("shifts", text(shifts)), ("dims", text(dims))],
        Kind::ChannelShuffle(order) => vec![("order", text(order))],
        Kind::Reorder(shuffle) => vec![("mode", text(shuffle))],
        Kind::Pad {
            mode,
            before,
            after,
        } => vec![
            ("mode", pad_text(*mode)),
            ("before", text(before)),
            ("after", text(after)),
        ],
        Kind::Clamp { min, max } => {
            let bound = |v: &Option<i64>| v.map_or("none".into(), |v| v.to_string());
            vec![("min", bound(min)), ("max", bound(max))]
        }
        Kind::Abs { saturate } => vec![("saturate", text(saturate))],
        Kind::ReduceMax { dim, part } | Kind::ReduceMin { dim, part } => {
            let part = match part {
                Part::Value => "value",
                Part::Index => "index",
            };
            vec![("dim", text(dim)), ("part", part.into())]
        }
        Kind::TopK { k, dim, largest } => vec![
            ("k", text(k)),
            ("dim", text(dim)),
            ("largest", text(largest)),
        ],
        Kind::Ceil { multiplier, shift } => {
            vec![("multiplier", text(multiplier)), ("shift", text(shift))]
        }
        Kind::SoftmaxBernoulli2 {
            table,
            dim,
            max_value_only,
        } => vec![
            ("table", list(table)),
            ("dim", text(dim)),
            ("max_value_only", text(max_value_only)),
        ],
    }
}

fn conv_fields(conv: &super::ConvLayer) -> Fields {
    let params = &conv.params;
    let mut out = vec![
        ("weight", format!("int8{:?}", conv.weight_shape)),
        ("stride", format!("{:?}", conv.stride)),
        ("padding", format!("{:?}", conv.padding)),
        ("dilation", format!("{:?}", conv.dilation)),
        ("groups", conv.groups.to_string()),
        ("bias", list(&params.bias)),
        ("bias_lshift", list(&params.bias_lshift)),
    ];
    if !params.escale.is_empty() {
        out.push(("sumin_scale", list(&params.escale)));
        out.push(("sumin_lshift", list(&params.escale_lshift)));
    }
    out.extend(chain(&params.output));
    out.push(("relu", conv.relu.to_string()));
    out.push(("rounding", conv.rounding.to_string()));
    out
}

fn window_fields(window: &super::Pooling) -> Fields {
    vec![
        ("kernel", format!("{:?}", window.kernel)),
        ("stride", format!("{:?}", window.stride)),
        ("padding", format!("{:?}", window.padding)),
        ("ceil_mode", window.ceil_mode.to_string()),
    ]
}

fn pad_text(mode: PadMode) -> String {
    match mode {
        PadMode::Constant(value) => format!("constant({value})"),
        PadMode::Edge => "edge".into(),
    }
}

/// Equal entries as one, long lists by their beginning and their sum.
fn list(values: &[i64]) -> String {
    match values {
        [first, rest @ ..] if rest.iter().all(|v| v == first) => match rest.len() {
            0 => first.to_string(),
            more => format!("{first}x{}", more + 1),
        },
        values if values.len() <= MAX_SHOWN => format!("{values:?}"),
        values => {
            let shown: Vec<_> = values[..MAX_SHOWN].iter().map(i64::to_string).collect();
            let sum: i64 = values.iter().sum();
            format!(
                "[{}, … {} values, sum {sum}]",
                shown.join(", "),
                values.len()
            )
        }
    }
}

fn array_text(array: &Array) -> String {
    match &array.data {
        Data::Int(data) => list(data),
        Data::Real(data) => match data.as_slice() {
            [one] => format!("{}", *one as f32),
            data if data.len() <= MAX_SHOWN => {
                let shown: Vec<_> = data.iter().map(|v| format!("{}", *v as f32)).collect();
                format!("[{}]", shown.join(", "))
            }
            data => format!("{}{:?}", array.dtype.name(), [data.len()]),
        },
    }
}
