//! The FakeQuantizes of a file, from its objects alone.

use super::error::CalibrateError;
use super::{Fit, Options, Point, module};
use crate::archive::Document;
use crate::archive::pickle::{ObjectId, OpId, TensorId, Value};
use crate::model::Model;
use crate::quant::observer::{Grid, Observer, ObserverSpec, ObserverValue};
use crate::quant::qconfig::{March, RoundMode};
use rustc_hash::FxHashMap;

/// The class, without mangling.
const FAKE_QUANTIZE: &str = "horizon_plugin_pytorch.quantization.fake_quantize.FakeQuantize";
/// Attributes that hold the FakeQuantize of a weight, which is the attribute `weight` beside it (horizon.md 8.4).
const OF_WEIGHTS: [&str; 2] = ["weight_fake_quant", "weight_fake_quanti"];
/// Paths of modules at most: a module that is shared has several.
const MAX_PATHS: usize = 1 << 18;

/// The buffers that calibration writes.
#[derive(Clone, Debug)]
pub(super) struct Buffers {
    pub(super) fake_quant_enabled: TensorId,
    pub(super) scale: TensorId,
    pub(super) zero_point: TensorId,
    /// Observers with a fixed scale have neither.
    pub(super) min_val: Option<TensorId>,
    pub(super) max_val: Option<TensorId>,
    /// Uses of `training = True` in the FakeQuantize and its observer.
    pub(super) training: Vec<OpId>,
}

type Found = (Vec<Point>, FxHashMap<String, usize>);

/// Every FakeQuantize and every path to it.
pub(super) fn points(model: &Model, options: &Options) -> Result<Found, CalibrateError> {
    let data = model.archive.data()?;
    let mut points = Vec::new();
    let mut by_path = FxHashMap::default();
    let mut by_object: FxHashMap<ObjectId, usize> = FxHashMap::default();
    let mut left = vec![(String::new(), model.root(), None)];
    let mut paths = 0;
    while let Some((path, object, parent)) = left.pop() {
        paths += 1;
        if paths > MAX_PATHS {
            let message = format!("more than {MAX_PATHS} modules");
            return Err(CalibrateError::Object { path, message });
        }
        let reader = Reader {
            data,
            object,
            path: &path,
        };
        if reader.class() == FAKE_QUANTIZE {
            let known = by_object.get(&object).copied();
            let at = match known {
                Some(at) => at,
                None => {
                    points.push(reader.point(parent, options)?);
                    by_object.insert(object, points.len() - 1);
                    points.len() - 1
                }
            };
            by_path.insert(path, at);
            continue;
        }
        for (name, child) in reader.children().into_iter().rev() {
            let below = match path.is_empty() {
                true => name,
                false => format!("{path}.{name}"),
            };
            // A file whose modules hold each other has no end of paths.
            if below.matches('.').count() < 256 {
                left.push((below, child, Some(object)));
            }
        }
    }
    match points.is_empty() {
        true => Err(CalibrateError::NoFakeQuant),
        false => Ok((points, by_path)),
    }
}

/// One object and its path.
struct Reader<'d> {
    data: &'d Document,
    object: ObjectId,
    path: &'d str,
}

impl Reader<'_> {
    fn class(&self) -> String {
        let name = self
            .data
            .qualified_name(self.data.object(self.object).class);
        let parts = name.split('.');
        let parts = parts.filter(|it| *it != "__torch__" && !it.starts_with("___torch_mangle_"));
        parts.collect::<Vec<_>>().join(".")
    }

    /// Attributes that are objects.
    fn children(&self) -> Vec<(String, ObjectId)> {
        let state = self.data.object(self.object).state;
        let Some(Value::Dict(dict)) = state.map(|it| self.data.at(it)) else {
            return Vec::new();
        };
        let items = self.data.dict(dict).items.iter();
        let child = |(key, value): &(_, _)| match self.data.at(*value) {
            Value::Object(object) => Some((self.data.str_at(*key)?.to_owned(), object)),
            _ => None,
        };
        items.filter_map(child).collect()
    }

    fn value(&self, name: &str) -> Option<Value> {
        let found = self.data.attribute(self.object, name)?;
        Some(self.data.at(found))
    }

    fn error(&self, message: String) -> CalibrateError {
        CalibrateError::Object {
            path: self.path.to_owned(),
            message,
        }
    }

    fn expected(&self, name: &str, what: &str) -> CalibrateError {
        let found = match self.value(name) {
            Some(value) => format!("it is {}", value.describe()),
            None => "it is missing".to_owned(),
        };
        self.error(format!("attribute `{name}`: expected {what}, {found}"))
    }

    fn tensor(&self, name: &str) -> Result<TensorId, CalibrateError> {
        let tensor = self.value(name).and_then(|it| self.data.as_tensor(it));
        tensor.ok_or_else(|| self.expected(name, "a tensor"))
    }

    fn int(&self, name: &str) -> Result<i64, CalibrateError> {
        match self.value(name) {
            Some(Value::Int(value)) => Ok(value),
            _ => Err(self.expected(name, "an int")),
        }
    }

    fn text(&self, name: &str) -> Result<&str, CalibrateError> {
        match self.value(name) {
            Some(Value::Str(text)) => self
                .data
                .str(text)
                .ok_or_else(|| self.expected(name, "UTF-8")),
            _ => Err(self.expected(name, "a str")),
        }
    }

    fn training(&self) -> Option<OpId> {
        let found = self.data.attribute(self.object, "training")?;
        matches!(self.data.at(found), Value::Bool(true)).then_some(found.op)
    }

    /// A parameter of an observer: a scalar, or the only element of a tensor.
    fn parameter(&self, name: &str) -> Option<ObserverValue> {
        match self.value(name)? {
            Value::Int(value) => Some(ObserverValue::Int(value)),
            Value::Float(value) => Some(ObserverValue::Float(value)),
            value => {
                let view = self.data.view(self.data.as_tensor(value)?).ok()??;
                let mut numbers = view.to_f64().ok()?;
                let number = numbers.next()?;
                match numbers.next() {
                    None if name == "zero_point" => Some(ObserverValue::Int(number as i64)),
                    None => Some(ObserverValue::Float(number)),
                    Some(_) => None,
                }
            }
        }
    }

    fn point(&self, parent: Option<ObjectId>, options: &Options) -> Result<Point, CalibrateError> {
        let child = match self.value("activation_post_process") {
            Some(Value::Object(object)) => Reader {
                object,
                path: &format!("{}.activation_post_process", self.path),
                ..*self
            },
            _ => return Err(self.expected("activation_post_process", "an observer")),
        };
        let weight = self.weight(parent)?;
        let mut spec = ObserverSpec::from_attributes(&child.class(), &|name| child.parameter(name))
            .map_err(|message| child.error(message))?;
        if let (Some(constant), None) = (options.averaging_constant, weight) {
            spec.averaging_constant = constant;
        }
        let observer = Observer::new(spec, self.grid()?, self.int("ch_axis")?);
        let mut observer = observer.map_err(|e| child.error(e.to_string()))?;
        let own = |fit: &Fit| !fit.averaged.contains(module(self.path));
        if weight.is_none()
            && options.averaging_constant.is_none()
            && options.fits.as_ref().is_some_and(own)
        {
            observer.keep_widest();
            observer.keep_steps();
        }
        let range = |name| child.value(name).and_then(|it| self.data.as_tensor(it));
        Ok(Point {
            path: self.path.to_owned(),
            observer,
            dtype: self.text("dtype")?.to_owned(),
            weight,
            calls: 0,
            buffers: Buffers {
                fake_quant_enabled: self.tensor("fake_quant_enabled")?,
                scale: self.tensor("scale")?,
                zero_point: self.tensor("zero_point")?,
                min_val: range("min_val"),
                max_val: range("max_val"),
                training: [self.training(), child.training()]
                    .into_iter()
                    .flatten()
                    .collect(),
            },
        })
    }

    fn grid(&self) -> Result<Grid, CalibrateError> {
        let int = |name| {
            let value = self.int(name)?;
            i32::try_from(value).map_err(|_| self.expected(name, "a limit of an integer type"))
        };
        let (quant_min, quant_max) = (int("quant_min")?, int("quant_max")?);
        let limits = -32768..=32767;
        if quant_min >= quant_max || !limits.contains(&quant_min) || !limits.contains(&quant_max) {
            return Err(self.error(format!(
                "the integers {quant_min} to {quant_max} are no type"
            )));
        }
        let mode = self.text("round_mode")?;
        let mode = RoundMode::parse(mode)
            .ok_or_else(|| self.expected("round_mode", "bpu_round or half_to_even"))?;
        let march = self.text("march")?;
        let march = March::parse(march)
            .ok_or_else(|| self.error(format!("`{march}` is no march that is known")))?;
        Ok(Grid {
            quant_min,
            quant_max,
            is_bpu_round: mode == RoundMode::BpuRound,
            is_power_of_two: march.has_power_of_two_scales(),
        })
    }

    /// The weight beside a FakeQuantize of a weight.
    fn weight(&self, parent: Option<ObjectId>) -> Result<Option<TensorId>, CalibrateError> {
        let name = self.path.rsplit('.').next().unwrap_or_default();
        match parent {
            Some(object) if OF_WEIGHTS.contains(&name) => {
                let above = Reader { object, ..*self };
                above.tensor("weight").map(Some)
            }
            _ => Ok(None),
        }
    }
}
