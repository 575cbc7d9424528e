//! Small files that use the operators.

use ptool::archive::Plan;
use ptool::emit::{ClassSpec, Emit, Method, Value};
use ptool::quant::functional;

const FUNCTIONAL: &str = "__torch__.horizon_plugin_pytorch.nn.quantized";

/// A module with a float32 `scale`, an int64 `zero_point` and one parameter `weight`, of this `forward`.
fn file(functions: &[&str], body: &str) -> Plan<'static> {
    with_weight(functions, body, &[0.5, -0.25, 0.75], &[1, 3, 1, 1], 0.1)
}

fn with_weight(
    functions: &[&str],
    body: &str,
    weight: &[f32],
    shape: &[i64],
    out_scale: f32,
) -> Plan<'static> {
    let mut emit = Emit::new("m");
    for (module, text) in functional::sources(functions.iter().copied()).unwrap() {
        emit.source(&module, &text).unwrap();
    }
    let spec = ClassSpec::module("__torch__.M")
        .parameter("weight")
        .buffer("scale")
        .buffer("zero_point")
        .buffer("out_scale")
        .method(
            Method::new("forward", "Tensor")
                .param("x", "Tensor")
                .body(body),
        );
    let class = emit.class(spec).unwrap();
    let weight = emit.f32_tensor(weight, shape, true).unwrap();
    let scale = emit.f32_tensor(&[0.02], &[1], false).unwrap();
    let zero_point = emit.i64_tensor(&[0], &[1]).unwrap();
    let out_scale = emit.f32_tensor(&[out_scale], &[1], false).unwrap();
    let values = [weight, scale, zero_point, out_scale].map(Value::Tensor);
    let root = emit.object(class, values.to_vec()).unwrap();
    emit.finish(root).unwrap()
}

/// Quantise, add the value to itself, relu, dequantise.
pub(super) fn fixed_point() -> Plan<'static> {
    let body = format!(
        "_0 = {FUNCTIONAL}.functional_impl._quantize\n\
         _1 = {FUNCTIONAL}.functional.add\n\
         _2 = {FUNCTIONAL}.functional.dequantize\n\
         s = self.scale\n\
         z = self.zero_point\n\
         q = _0(x, s, z, -1, \"qint8\", \"half_to_even\", \"bayes\", )\n\
         y = _1(q, q, s, s, z, z, \"qint8\", \"qint8\", self.out_scale, z, \"qint8\", \"bayes\", )\n\
         return _2(torch.relu(y), self.out_scale, z, -1, \"bayes\", )"
    );
    let functions = [
        "functional_impl._quantize",
        "functional.add",
        "functional.dequantize",
    ];
    file(&functions, &body)
}

/// A product of fake-quantised input and fake-quantised weight.
pub(super) fn fake_quant() -> Plan<'static> {
    let body = "w = ops.horizon.scale_quanti(self.weight, self.scale, self.zero_point, -1, -128, 127, True, False, True, \"half_to_even\", \"bayes\")\n\
         y = ops.horizon.scale_quanti_opt(x, self.scale, -128, 127, -1, \"half_to_even\")\n\
         return torch.mul(y, w)";
    file(&[], body)
}

/// Calls an operator whose arithmetic is unknown.
pub(super) fn refused() -> Plan<'static> {
    let body = "return ops.horizon.meta_requantization(x, self.scale, self.scale, \"qint32\", \"qint8\", \"meta\")";
    file(&[], body)
}

/// Outputs, inputs and height of the kernel of [`changing`].
pub(super) const KERNEL: [i64; 4] = [8, 3, 16, 16];
/// The weight that [`changing`] changes: neither at the start nor at the end of its memory.
pub(super) const CHANGED: usize = 1000;

/// A convolution with float weights, one of which grows by a half after every call; its output and its int8 weights.
pub(super) fn changing(weight: &[f32]) -> Plan<'static> {
    let body = format!(
        "s = self.scale\n\
         q = ops.horizon.bpu_scale_quantization(x, s, self.zero_point, -1, -128, 127, \"qint8\", \"half_to_even\", \"bayes\")\n\
         p0, p1, p2, p3, p4, p5, p6, p7, p8 = ops.horizon.convert_conv_params(s, self.weight, s, \"qint8\", s, s, \"qint32\", self.out_scale, \"qint8\", torch.zeros_like(s), False, 1, \"bayes\")\n\
         y = ops.horizon.bpu_scale_quanti_convolution(q, p0, p1, q, p5, p6, p2, p7, p3, p4, True, 8, [16, 16], [1, 1], [0, 0], [1, 1], \"\", 1, False, False, \"qint8\", \"bayes\")\n\
         w = torch.select(torch.reshape(self.weight, [-1]), 0, {CHANGED})\n\
         w0 = torch.add_(w, 0.5)\n\
         return torch.to(torch.cat([torch.reshape(y, [-1]), torch.reshape(p0, [-1])]), 6)"
    );
    with_weight(&[], &body, weight, &KERNEL, 0.25)
}
