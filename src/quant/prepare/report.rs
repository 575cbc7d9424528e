//! What became of a model.

use super::leaf::Leaf;
use crate::model::Model;
use crate::quant::qconfig::{FakeQuantSpec, QConfig};
use serde::Serialize;

/// Modules of the fake-quant file, and operators that stay in float.
#[derive(Clone, Debug, Serialize)]
pub struct PrepareReport {
    /// The chip.
    pub march: String,
    /// Class of the float model.
    pub model: String,
    /// Modules in the order they run.
    pub modules: Vec<ModuleRow>,
    /// Operators without a quantised function, in the order they run.
    pub float: Vec<FloatRow>,
    /// Operators that compute on quantised tensors without a module, such as a relu that was not fused.
    pub dispatched: usize,
    /// Operators that were fused into a module before them.
    pub fused: usize,
    /// Keys of the qconfig that named no module.
    pub unused: Vec<String>,
}

/// One module.
#[derive(Clone, Debug, Serialize)]
pub struct ModuleRow {
    /// Its path.
    pub name: String,
    /// Its class, without the plugin's module.
    pub class: String,
    /// Type of its result; none where it is not quantised.
    pub activation_dtype: Option<String>,
    /// The result's observer.
    pub activation_observer: Option<String>,
    /// Type of its weight.
    pub weight_dtype: Option<String>,
    /// Whether the qconfig gave its result's averaging constant.
    #[serde(skip)]
    pub says_average: bool,
    /// Whether the qconfig gave its weight's observer.
    #[serde(skip)]
    pub says_weight_observer: bool,
}

/// One operator in float.
#[derive(Clone, Debug, Serialize)]
pub struct FloatRow {
    /// The operator, `aten::cumsum`.
    pub op: String,
    /// The module it is called in.
    pub scope: String,
    /// `model.py:12`, if the file says it.
    pub place: Option<String>,
    /// Why it stays in float.
    pub why: String,
}

impl PrepareReport {
    pub(super) fn new(qconfig: &QConfig, model: &Model) -> PrepareReport {
        PrepareReport {
            march: qconfig.march.to_string(),
            model: crate::quant::fuse::demangled(&model.root_class),
            modules: Vec::new(),
            float: Vec::new(),
            dispatched: 0,
            fused: 0,
            unused: Vec::new(),
        }
    }

    /// Operators that compute, quantised or not; stubs are none.
    pub fn operators(&self) -> usize {
        let stub = |row: &&ModuleRow| row.class.ends_with("QuantStub");
        let stubs = self.modules.iter().filter(stub).count();
        self.modules.len() - stubs + self.dispatched + self.float.len()
    }

    /// Share of computing operators that stay in float, 0 to 1.
    pub fn float_share(&self) -> f64 {
        match self.operators() {
            0 => 0.0,
            all => self.float.len() as f64 / all as f64,
        }
    }

    pub(super) fn module(&mut self, leaf: &Leaf) {
        let observer = |spec: &FakeQuantSpec| {
            let name = spec.observer.class_name(spec.ch_axis >= 0);
            let name = name.rsplit('.').next().unwrap_or_default();
            name.trim_end_matches("Observer").to_owned()
        };
        let activation = leaf
            .activation
            .as_ref()
            .filter(|_| leaf.kind.has_activation());
        self.modules.push(ModuleRow {
            name: leaf.path.clone(),
            class: leaf.kind.class().1,
            activation_dtype: activation.map(|it| it.dtype.to_string()),
            activation_observer: activation.map(observer),
            weight_dtype: leaf
                .kind
                .has_weight()
                .then(|| leaf.weight.dtype.to_string()),
            says_average: activation.is_some_and(|it| it.says_average),
            says_weight_observer: leaf.weight.says_observer,
        });
    }
}
