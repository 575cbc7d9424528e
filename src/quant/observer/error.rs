//! What an observer refuses.

/// Why a batch cannot be observed.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ObserverError {
    /// A value is NaN or infinite.
    #[error(
        "value {value} at {} of a tensor of shape {}",
        place(index),
        shape_text(shape)
    )]
    NotFinite {
        /// The value.
        value: f32,
        /// Where it is.
        index: Vec<i64>,
        /// The tensor's shape.
        shape: Vec<i64>,
    },
    /// The shape and the number of values differ.
    #[error("{found} values for shape {}", shape_text(shape))]
    Size {
        /// The shape.
        shape: Vec<i64>,
        /// The number of values.
        found: usize,
    },
    /// There is no such channel axis.
    #[error("a tensor of shape {} has no axis {ch_axis}", shape_text(shape))]
    Axis {
        /// The axis.
        ch_axis: usize,
        /// The shape.
        shape: Vec<i64>,
    },
    /// Another number of channels than before.
    #[error("{found} channels, {expected} before")]
    Channels {
        /// Those of the first batch.
        expected: usize,
        /// Those of this one.
        found: usize,
    },
    /// The observer has one scale only.
    #[error("observer `{key}` works per tensor; use ch_axis -1, or min_max, mse or clip")]
    PerTensorOnly {
        /// Its key.
        key: &'static str,
    },
    /// The plugin's words for a divergence that is no number.
    #[error("Fatal error, kl is nan!")]
    KlIsNan,
    /// A batch is so much wider than those before that their histogram cannot be extended.
    #[error(
        "a value of magnitude {found}, after batches up to {first}, needs too many bins of the `kl` histogram; \
         set update_interval to 1"
    )]
    KlGrows {
        /// The histogram's range so far.
        first: f32,
        /// The batch's.
        found: f32,
    },
    /// The algorithm depends on the order of batches.
    #[error("states of observer `{key}` do not merge: its batches have an order")]
    Merge {
        /// Its key.
        key: &'static str,
    },
    /// The other observer watches something else.
    #[error("the states belong to observers of other parameters or channels")]
    MergeOther,
}

/// The first value that is not finite.
pub(super) fn not_finite(x: &[f32], shape: &[i64]) -> ObserverError {
    let at = x.iter().position(|x| !x.is_finite()).unwrap_or_default();
    let mut rest = at as i64;
    let mut index: Vec<i64> = shape
        .iter()
        .rev()
        .map(|size| {
            let i = rest % size.max(&1);
            rest /= size.max(&1);
            i
        })
        .collect();
    index.reverse();
    ObserverError::NotFinite {
        value: x.get(at).copied().unwrap_or(f32::NAN),
        index,
        shape: shape.to_vec(),
    }
}

fn place(index: &[i64]) -> String {
    let texts: Vec<String> = index.iter().map(ToString::to_string).collect();
    format!("[{}]", texts.join(", "))
}

fn shape_text(shape: &[i64]) -> String {
    let texts: Vec<String> = shape.iter().map(ToString::to_string).collect();
    match texts.is_empty() {
        true => "scalar".to_owned(),
        false => texts.join("x"),
    }
}
