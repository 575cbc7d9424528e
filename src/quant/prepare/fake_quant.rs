//! `FakeQuantize` and its observer (horizon.md 6.1, 6.2, 6.5).

use crate::emit::{ClassSpec, Emit, EmitError, Method, ObjectId, Value};
use crate::quant::observer::{ObserverKind, ObserverSpec, ObserverValue};
use crate::quant::qconfig::{FakeQuantSpec, QConfig};
use crate::tensor::DType;

const CLASS: &str = "__torch__.horizon_plugin_pytorch.quantization.fake_quantize.FakeQuantize";

/// The smallest scale: float32's epsilon.
const EPS: f32 = f32::EPSILON;

/// The states of `set_fake_quantize`.
pub(super) const STATES: [&str; 4] = ["qat", "calibration", "validation", "float"];

/// A fake quantiser as `prepare` leaves it: scale 1, nothing observed, observing, and not yet quantising, so that a
/// file that nobody calibrated computes what the float file does.
pub(super) fn fake_quantize(
    emit: &mut Emit,
    spec: &FakeQuantSpec,
    channels: usize,
    qconfig: &QConfig,
) -> Result<ObjectId, EmitError> {
    let per_channel = spec.ch_axis >= 0;
    let len = if per_channel { channels } else { 1 };
    let start = match spec.observer.kind {
        ObserverKind::FixedScale { scale, .. } => scale,
        _ => 1.0,
    };
    let observer = observer(emit, &spec.observer, per_channel)?;
    let observer_class = emit.class_name(emit.class_of(observer)).to_owned();
    let class = emit.class(class(&observer_class))?;
    let off = emit.new_tensor(DType::U8, &[1], vec![0], false)?;
    let on = emit.new_tensor(DType::U8, &[1], vec![1], false)?;
    let scale = emit.f32_tensor(&vec![start; len], &[len as i64], false)?;
    let zero_point = emit.i64_tensor(&vec![0; len], &[len as i64])?;
    emit.object(
        class,
        vec![
            Value::Tensor(off),
            Value::Tensor(on),
            Value::Tensor(scale),
            Value::Tensor(zero_point),
            Value::Int(spec.ch_axis),
            Value::Int(spec.quant_min()),
            Value::Int(spec.quant_max()),
            Value::str(spec.dtype.to_string()),
            Value::str(qconfig.round_mode.to_string()),
            Value::str(qconfig.march.to_string()),
            Value::Bool(spec.saturate),
            Value::Object(observer),
        ],
    )
}

fn class(observer: &str) -> ClassSpec {
    ClassSpec::module(CLASS)
        .buffer("fake_quant_enabled")
        .buffer("observer_enabled")
        .buffer("scale")
        .buffer("zero_point")
        .attribute("ch_axis", "int")
        .attribute("quant_min", "int")
        .attribute("quant_max", "int")
        .attribute("dtype", "str")
        .attribute("round_mode", "str")
        .attribute("march", "str")
        .attribute("saturate", "bool")
        .attribute("activation_post_process", observer)
        .method(
            Method::new("forward", "Tensor")
                .param("x", "Tensor")
                .body(FORWARD),
        )
        .method(
            Method::new("set_fake_quantize", "NoneType")
                .param("state", "str")
                .body(SET),
        )
}

const FORWARD: &str = "\
if self.training:
  observing = bool(self.observer_enabled)
else:
  observing = False
if observing:
  scale = (self.activation_post_process).forward(x, self.scale, self.ch_axis, self.quant_min, self.quant_max, )
  self.scale = scale
else:
  pass
if bool(self.fake_quant_enabled):
  if self.training:
    y = ops.horizon.scale_quanti(x, self.scale, self.zero_point, self.ch_axis, self.quant_min, self.quant_max, self.saturate, False, True, self.round_mode, self.march)
  else:
    y = ops.horizon.scale_quanti_opt(x, self.scale, self.quant_min, self.quant_max, self.ch_axis, self.round_mode)
else:
  y = x
return y";

const SET: &str = "\
if torch.__contains__([\"qat\", \"validation\"], state):
  _0 = torch.fill_(self.fake_quant_enabled, 1)
else:
  _1 = torch.fill_(self.fake_quant_enabled, 0)
if torch.eq(state, \"float\"):
  _2 = torch.fill_(self.observer_enabled, 0)
else:
  pass
if torch.eq(state, \"calibration\"):
  self.training = True
else:
  pass
if torch.eq(state, \"validation\"):
  self.training = False
else:
  pass
return None";

/// An observer that has seen nothing.
fn observer(
    emit: &mut Emit,
    spec: &ObserverSpec,
    per_channel: bool,
) -> Result<ObjectId, EmitError> {
    let fixed = matches!(spec.kind, ObserverKind::FixedScale { .. });
    let mut class = ClassSpec::module(&spec.class_name(per_channel)).buffer("eps");
    let eps = emit.f32_tensor(&[EPS], &[1], false)?;
    let mut values = vec![Value::Tensor(eps)];
    if let ObserverKind::FixedScale { scale, zero_point } = spec.kind {
        class = class.buffer("scale").buffer("zero_point");
        let scale = emit.f32_tensor(&[scale], &[1], false)?;
        let zero_point = emit.i64_tensor(&[zero_point], &[1])?;
        values.extend([Value::Tensor(scale), Value::Tensor(zero_point)]);
    } else {
        class = class.buffer("min_val").buffer("max_val");
        for _ in 0..2 {
            let empty = emit.f32_tensor(&[], &[0], false)?;
            values.push(Value::Tensor(empty));
        }
    }
    for (name, value) in spec.attributes() {
        // What the class holds as a buffer is no attribute besides.
        if fixed && matches!(name, "scale" | "zero_point") {
            continue;
        }
        match value {
            ObserverValue::Int(it) => {
                class = class.attribute(name, "int");
                values.push(Value::Int(it));
            }
            ObserverValue::Float(it) => {
                class = class.attribute(name, "float");
                values.push(Value::Float(it));
            }
        }
    }
    let body = match spec.kind {
        ObserverKind::MinMax => MIN_MAX.replace("$UPDATE", MOVING_AVERAGE),
        ObserverKind::RunningMinMax => MIN_MAX.replace("$UPDATE", RUNNING),
        ObserverKind::FixedScale { .. } => "return self.scale".to_owned(),
        // What these look for is not found batch by batch in a few operators: `ptool calibrate` does it.
        _ => "return scale".to_owned(),
    };
    let forward = Method::new("forward", "Tensor")
        .param("x", "Tensor")
        .param("scale", "Tensor")
        .param("ch_axis", "int")
        .param("quant_min", "int")
        .param("quant_max", "int")
        .body(body);
    let class = emit.class(class.method(forward))?;
    emit.object(class, values)
}

/// `s = max(max(-min, max, 0) / ((qmax - qmin) / 2), eps)`; an empty batch changes nothing.
const MIN_MAX: &str = "\
if torch.eq(torch.numel(x), 0):
  result = scale
else:
  y = torch.detach(x)
  if torch.lt(ch_axis, 0):
    rows = torch.reshape(y, [1, -1])
  else:
    rows = torch.reshape(torch.transpose(y, 0, ch_axis), [torch.size(y, ch_axis), -1])
  low = torch.amin(rows, [1])
  high = torch.amax(rows, [1])
  if torch.eq(torch.numel(self.min_val), 0):
    self.min_val = low
    self.max_val = high
  else:
$UPDATE
  peak = torch.clamp(torch.maximum(torch.neg(self.min_val), self.max_val), 0.)
  half = torch.mul(torch.sub(quant_max, quant_min), 0.5)
  result = torch.maximum(torch.div(peak, half), self.eps)
return result";

const MOVING_AVERAGE: &str = "    \
    c = self.averaging_constant
    self.min_val = torch.add(self.min_val, torch.mul(torch.sub(low, self.min_val), c))
    self.max_val = torch.add(self.max_val, torch.mul(torch.sub(high, self.max_val), c))";

const RUNNING: &str = "    \
    self.min_val = torch.minimum(self.min_val, low)
    self.max_val = torch.maximum(self.max_val, high)";
