//! What a conversion did, op by op.

/// Where an operation runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In integers.
    Bpu,
    /// In float, between dequantise and quantise.
    Float,
}

/// One operation of the fixed-point file.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Module path, or the operator where there is no module.
    pub name: String,
    /// Class or function.
    pub op: String,
    /// Where it runs.
    pub place: Place,
    /// Type of its result; none for a float result.
    pub dtype: Option<String>,
    /// Scale of its result; none for a float result or a scale per channel.
    pub scale: Option<f32>,
}

/// Every operation in execution order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// The operations; moving data about is not one.
    pub steps: Vec<Step>,
}

impl Report {
    /// Operations that stay in float, stubs aside.
    pub fn float_ops(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(|s| s.place == Place::Float)
    }

    /// The share of operations that stay in float, 0 to 1; none without operations.
    pub fn float_share(&self) -> Option<f64> {
        let all = self.steps.len();
        (all > 0).then(|| self.float_ops().count() as f64 / all as f64)
    }
}
