//! The layer graph, as HBIR: layers with integer parameters over named tensors.

mod kind;
mod text;

pub use kind::{
    AddForm, Compare, ConvForm, ConvLayer, Detection, Head, Kind, LutSegments, PadMode, Part,
    Pooling, Quantise, Resample, RoiAlign, RoiGrid, Round, Shuffle,
};

use super::array::Array;
use super::march::March;
use crate::diag::Span;
use crate::tensor::DType;
use smol_str::SmolStr;
use std::rc::Rc;

/// One tensor in one layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RecordId(pub u32);

/// How dimensions are ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// As the framework has them: `[N, C, H, W]`.
    Native,
    /// As the hardware has them: `[N, H, W, C]`.
    Hardware,
}

/// A named tensor.
#[derive(Clone, Debug)]
pub struct Record {
    /// Its name (5.4).
    pub name: SmolStr,
    /// Sizes in its own layout.
    pub shape: Vec<usize>,
    /// Its layout.
    pub layout: Layout,
    /// Element type: int8, int16, int32, float32 or bool.
    pub dtype: DType,
    /// The first size is an upper bound: how many rows there are depends on the data.
    pub loose: bool,
}

/// Where a layer was written.
#[derive(Clone, Debug, PartialEq)]
pub struct Site {
    /// Path of the module.
    pub scope: SmolStr,
    /// Node kind or function name, such as `aten::relu` or `hz::conv2d`.
    pub call: SmolStr,
    /// The serialised source.
    pub span: Option<Span>,
}

/// Plugin and front end really disagree here (end of `hbir.md`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// `requantize` of a `qint32` tensor with a ratio so small that the plugin shifts twice.
    RequantizeAccumulator,
    /// `matmul` on bernoulli2: the plugin rounds, the layer does not.
    MatmulRounding,
    /// `ceil` where the input scale is no power of two.
    Ceil,
    /// `floor` where the output scale is not 1.
    Floor,
}

impl Known {
    /// What it is, for people.
    pub fn reason(self) -> &'static str {
        match self {
            Known::RequantizeAccumulator => {
                "the front end requantises int32 in one shift, the plugin in two"
            }
            Known::MatmulRounding => "the front end's matmul on bernoulli2 does not round",
            Known::Ceil => "the front end's ceil takes the input scale for a power of two",
            Known::Floor => "the front end's floor goes straight to the output scale",
        }
    }

    /// The largest difference it explains, in steps of the output; none where any may come of it.
    pub fn most(self) -> Option<f64> {
        match self {
            // Rounding half up or down.
            Known::MatmulRounding => Some(1.0),
            // Below a ratio of 2^-17 the front end's shift is cut off, and its result too large by any power of two.
            Known::RequantizeAccumulator | Known::Ceil | Known::Floor => None,
        }
    }

    /// What to change in the model.
    pub fn advice(self) -> &'static str {
        match self {
            Known::RequantizeAccumulator => {
                "give the layer before it an int8 or int16 output instead of a high-precision int32 one"
            }
            Known::MatmulRounding => {
                "accept differences of one step, or write a product with a constant matrix as a 1x1 convolution, which \
                 both sides truncate"
            }
            Known::Ceil => {
                "give the input of ceil a scale that is a power of two (observer fixed_scale)"
            }
            Known::Floor => "give the output of floor the scale 1 (observer fixed_scale)",
        }
    }
}

/// One layer.
#[derive(Clone, Debug)]
pub struct Layer {
    /// What it does.
    pub kind: Kind,
    /// What it reads.
    pub inputs: Vec<RecordId>,
    /// What it makes.
    pub outputs: Vec<RecordId>,
    /// Where it was written; none for inputs.
    pub site: Option<Site>,
    /// A disagreement that is no fault of the model.
    pub known: Option<Known>,
}

/// How the integers of an output become numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Dequantise {
    /// One scale, or one for each channel.
    pub scale: Rc<Array>,
    /// The channel dimension in the framework's layout.
    pub axis: Option<usize>,
}

/// One tensor that the model returns.
#[derive(Clone, Debug)]
pub struct Output {
    /// The tensor.
    pub record: RecordId,
    /// Set when the model returns it dequantised.
    pub dequantise: Option<Dequantise>,
}

/// What the model returns, as it is nested.
#[derive(Clone, Debug)]
pub enum Tree {
    /// Index into the outputs.
    Tensor(usize),
    /// A list or tuple.
    Seq(Vec<Tree>),
    /// A constant tensor.
    Constant(Rc<Array>),
    /// Anything that is no tensor.
    None,
}

/// A model as layers, in the order they were built: each after what it reads.
#[derive(Clone, Debug)]
pub struct Graph {
    /// The march all parameters were made for.
    pub march: March,
    /// Tensors.
    pub records: Vec<Record>,
    /// Layers.
    pub layers: Vec<Layer>,
    /// Arguments in order.
    pub inputs: Vec<RecordId>,
    /// Results in order.
    pub outputs: Vec<Output>,
    /// How the results nest.
    pub result: Tree,
}

impl Graph {
    /// A tensor.
    pub fn record(&self, id: RecordId) -> &Record {
        &self.records[id.0 as usize]
    }

    /// Which layers the outputs need; `input` layers count only when something reads them.
    pub fn live_layers(&self) -> Vec<bool> {
        let mut needed = vec![false; self.records.len()];
        for output in &self.outputs {
            needed[output.record.0 as usize] = true;
        }
        let mut live = vec![false; self.layers.len()];
        for (i, layer) in self.layers.iter().enumerate().rev() {
            live[i] = layer.outputs.iter().any(|r| needed[r.0 as usize]);
            if live[i] {
                layer
                    .inputs
                    .iter()
                    .for_each(|r| needed[r.0 as usize] = true);
            }
        }
        live
    }

    /// Inputs that no output needs: the compiler deletes them (5.2).
    pub fn deleted_inputs(&self) -> Vec<&str> {
        let live = self.live_layers();
        let dead = |layer: &&Layer| matches!(layer.kind, Kind::Input(_));
        let layers = self.layers.iter().zip(live).filter(|(_, live)| !live);
        layers
            .map(|(layer, _)| layer)
            .filter(dead)
            .flat_map(|layer| &layer.outputs)
            .map(|&r| self.record(r).name.as_str())
            .collect()
    }
}
