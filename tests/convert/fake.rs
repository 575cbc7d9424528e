//! Fake-quant files made by hand, in the shape that `prepare` writes.

use ptool::emit::{ClassSpec, Emit, Method, ObjectId, Role, Value};

const QAT: &str = "__torch__.horizon_plugin_pytorch.nn.qat.";
const QUANTIZATION: &str = "__torch__.horizon_plugin_pytorch.quantization.";

/// An attribute: name, type, role, value.
pub(crate) type Part = (&'static str, String, Role, Value);

/// A file under construction.
pub(crate) struct Fake {
    pub(crate) emit: Emit,
    march: &'static str,
    parts: Vec<(String, ObjectId)>,
    lines: Vec<String>,
}

impl Fake {
    pub(crate) fn new(march: &'static str) -> Fake {
        Fake {
            emit: Emit::new("fake"),
            march,
            parts: Vec::new(),
            lines: Vec::new(),
        }
    }

    /// A `FakeQuantize` with a scale that an observer has seen, one per channel if there are several.
    pub(crate) fn quantiser(&mut self, dtype: &str, scales: &[f32]) -> Part {
        let object = self.fake_quantize(dtype, scales, true);
        self.part("activation_post_process", object)
    }

    pub(crate) fn weight_quantiser(
        &mut self,
        name: &'static str,
        dtype: &str,
        scales: &[f32],
    ) -> Part {
        let object = self.fake_quantize(dtype, scales, true);
        self.part(name, object)
    }

    /// A `FakeQuantize` whose observer may have seen nothing.
    pub(crate) fn fake_quantize(&mut self, dtype: &str, scales: &[f32], seen: bool) -> ObjectId {
        let seen: &[f32] = if seen { &[-1.0] } else { &[] };
        let extremes = vec![self.buffer("min_val", seen), self.buffer("max_val", seen)];
        let name = format!("{QUANTIZATION}observer_v2.MinMaxObserver");
        let observer = self.object(&name, extremes, None);
        let observer = self.part("activation_post_process", observer);
        let n = scales.len() as i64;
        let zeros = self
            .emit
            .i64_tensor(&vec![0; scales.len()], &[n])
            .expect("a tensor");
        let top: i64 = if dtype == "qint8" { 127 } else { 32767 };
        let axis = if n > 1 { 0 } else { -1 };
        let shape = if n > 1 {
            "torch.reshape(self.scale, [-1, 1, 1, 1])"
        } else {
            "self.scale"
        };
        let text = |name, value: &str| plain(name, "str", Value::str(value));
        let parts = vec![
            self.buffer("scale", scales),
            (
                "zero_point",
                "Tensor".into(),
                Role::Buffer,
                Value::Tensor(zeros),
            ),
            plain("ch_axis", "int", Value::Int(axis)),
            plain("quant_min", "int", Value::Int(-top - 1)),
            plain("quant_max", "int", Value::Int(top)),
            text("dtype", dtype),
            text("round_mode", "half_to_even"),
            text("march", self.march),
            plain("saturate", "bool", Value::Bool(true)),
            observer,
        ];
        let body = format!(
            "scale = {shape}\nreturn torch.mul(torch.clamp(torch.round(torch.div(x, scale)), self.quant_min, self.quant_max), scale)"
        );
        let name = format!("{QUANTIZATION}fake_quantize.FakeQuantize");
        self.object(&name, parts, Some(&body))
    }

    pub(crate) fn buffer(&mut self, name: &'static str, values: &[f32]) -> Part {
        self.tensor(name, values, &[values.len() as i64], Role::Buffer)
    }

    pub(crate) fn tensor(
        &mut self,
        name: &'static str,
        values: &[f32],
        sizes: &[i64],
        role: Role,
    ) -> Part {
        let tensor = self.emit.f32_tensor(values, sizes, role == Role::Parameter);
        (
            name,
            "Tensor".into(),
            role,
            Value::Tensor(tensor.expect("a tensor")),
        )
    }

    pub(crate) fn part(&self, name: &'static str, object: ObjectId) -> Part {
        let class = self.emit.class_name(self.emit.class_of(object)).to_owned();
        (name, class, Role::Plain, Value::Object(object))
    }

    /// An object with a `forward(x)`, if a body is given.
    pub(crate) fn object(&mut self, class: &str, parts: Vec<Part>, body: Option<&str>) -> ObjectId {
        self.object_of(class, parts, body, &["x"])
    }

    fn object_of(
        &mut self,
        class: &str,
        parts: Vec<Part>,
        body: Option<&str>,
        params: &[&str],
    ) -> ObjectId {
        let mut spec = ClassSpec::module(class);
        let mut values = Vec::new();
        for (name, ty, role, value) in parts {
            spec = spec.with(name, &ty, role);
            values.push(value);
        }
        if let Some(body) = body {
            let mut method = Method::new("forward", "Tensor");
            for param in params {
                method = method.param(param, "Tensor");
            }
            spec = spec.method(method.body(body));
        }
        let class = self.emit.class(spec).expect("a class");
        self.emit.object(class, values).expect("an object")
    }

    /// A module of the float model, without attributes.
    pub(crate) fn float(&mut self, name: &str, class: &str, body: &str) {
        let object = self.object(class, Vec::new(), Some(body));
        self.parts.push((name.to_owned(), object));
    }

    /// A leaf of the root, such as `conv2d.Conv2d`.
    pub(crate) fn leaf(&mut self, name: &str, class: &str, parts: Vec<Part>, body: &str) {
        let object = self.object(&format!("{QAT}{class}"), parts, Some(body));
        self.parts.push((name.to_owned(), object));
    }

    /// A `FloatFunctional` with one method.
    pub(crate) fn functional(&mut self, name: &str, method: Method, dtype: &str, scale: f32) {
        let quantiser = self.quantiser(dtype, &[scale]);
        let spec = ClassSpec::module(&format!("{QAT}functional_modules.FloatFunctional"))
            .with(quantiser.0, &quantiser.1, Role::Plain)
            .method(method);
        let class = self.emit.class(spec).expect("a class");
        let object = self
            .emit
            .object(class, vec![quantiser.3])
            .expect("an object");
        self.parts.push((name.to_owned(), object));
    }

    pub(crate) fn quant(&mut self, name: &str, dtype: &str, scale: f32) {
        let quantiser = self.quantiser(dtype, &[scale]);
        let body = "return (self.activation_post_process).forward(x, )";
        self.leaf(name, "stubs.QuantStub", vec![quantiser], body);
    }

    pub(crate) fn dequant(&mut self, name: &str) {
        self.leaf(name, "stubs.DeQuantStub", Vec::new(), "return x");
    }

    /// Statements of the root's `forward(x)`.
    pub(crate) fn line(&mut self, line: &str) {
        self.lines.push(line.to_owned());
    }

    pub(crate) fn finish(mut self) -> Vec<u8> {
        let mut spec = ClassSpec::module(&format!("{QUANTIZATION}fx.graph_module.Net"));
        let mut values = Vec::new();
        for (name, object) in &self.parts {
            let class = self.emit.class_name(self.emit.class_of(*object));
            spec = spec.attribute(name, class);
            values.push(Value::Object(*object));
        }
        let method = Method::new("forward", "Tensor").param("x", "Tensor");
        spec = spec.method(method.body(self.lines.join("\n")));
        let class = self.emit.class(spec).expect("a root class");
        let root = self.emit.object(class, values).expect("a root");
        self.emit
            .finish(root)
            .expect("a file")
            .to_bytes()
            .expect("bytes")
    }
}

pub(crate) fn plain(name: &'static str, ty: &str, value: Value) -> Part {
    (name, ty.to_owned(), Role::Plain, value)
}

/// Hyperparameters of a convolution.
pub(crate) fn spatial(stride: i64, padding: i64, groups: i64) -> Vec<Part> {
    let pair = |name, v| plain(name, "Tuple[int, int]", Value::int_tuple(&[v, v]));
    vec![
        pair("stride", stride),
        pair("padding", padding),
        pair("dilation", 1),
        plain("groups", "int", Value::Int(groups)),
        plain("padding_mode", "str", Value::str("zeros")),
    ]
}
