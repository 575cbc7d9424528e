//! Conversion of hand-made fake-quant files: what the fixed-point file says.

pub(crate) mod fake;

use fake::{Fake, plain, spatial};
use ptool::archive::pickle::Value as Stored;
use ptool::emit::{Method, Role, Value};
use ptool::model::Model;
use ptool::quant::convert::{ConvertError, Converted, Options, Place, checking, convert};

/// Compares with `snapshots/convert/NAME.snap`.
fn snapshot(name: &str, text: impl std::fmt::Display) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(concat!(env!("CARGO_MANIFEST_DIR"), "/snapshots/convert"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text.to_string()));
}

/// quant, conv + relu, lut, add, max pool, clamp, float `cumsum`, quant, dequant.
pub(crate) fn small(march: &'static str) -> Vec<u8> {
    let mut fake = Fake::new(march);
    fake.quant("quant", "qint8", 0.02);
    let mut parts = spatial(1, 1, 1);
    let weight: Vec<f32> = (0..36).map(|i| (i % 7) as f32 * 0.03 - 0.09).collect();
    parts.push(fake.tensor("weight", &weight, &[2, 2, 3, 3], Role::Parameter));
    parts.push(fake.tensor("bias", &[0.25, -0.5], &[2], Role::Parameter));
    parts.push(fake.weight_quantiser("weight_fake_quant", "qint8", &[0.001, 0.0011]));
    parts.push(fake.quantiser("qint8", &[0.03]));
    let body = "weight = (self.weight_fake_quant).forward(self.weight, )\n\
                y = torch.conv2d(x, weight, self.bias, [1, 1], [1, 1], [1, 1], 1)\n\
                return (self.activation_post_process).forward(torch.relu(y), )";
    fake.leaf("conv", "conv2d.ConvReLU2d", parts, body);
    let quantiser = fake.quantiser("qint8", &[0.0078125]);
    let parts = vec![
        plain("op", "str", Value::str("sigmoid")),
        plain("args", "List[float]", Value::floats(&[])),
        quantiser,
    ];
    let body = "return (self.activation_post_process).forward(torch.sigmoid(x), )";
    fake.leaf("act", "segment_lut.SegmentLUT", parts, body);
    let add = Method::new("add", "Tensor")
        .param("x", "Tensor")
        .param("y", "Tensor");
    let add = add.body("return (self.activation_post_process).forward(torch.add(x, y), )");
    fake.functional("_generated_add_0", add, "qint8", 0.035);
    fake.quant("_generated_cumsum_0_activation_post_process", "qint8", 0.1);
    fake.dequant("dequant");
    for line in [
        "q = (self.quant).forward(x, )",
        "c = (self.conv).forward(q, )",
        "a = (self.act).forward(c, )",
        "s = (self._generated_add_0).add(c, a, )",
        "p = torch.max_pool2d(s, [2, 2])",
        "k = torch.clamp(torch.flatten(p, 1), 0.1, 2.5)",
        "f = torch.cumsum(k, 1)",
        "g = (self._generated_cumsum_0_activation_post_process).forward(f, )",
        "return (self.dequant).forward(g, )",
    ] {
        fake.line(line);
    }
    fake.finish()
}

fn converted(bytes: Vec<u8>, options: Options) -> Result<Converted, ConvertError> {
    let model = Model::from_bytes(bytes).expect("a model");
    assert!(model.diagnostics.is_empty(), "{:?}", model.diagnostics);
    convert(&model, "fixed", options)
}

fn sources(converted: &Converted) -> String {
    let bytes = converted.plan.to_bytes().expect("bytes");
    let model = Model::from_bytes(bytes).expect("a model");
    assert!(model.diagnostics.is_empty(), "{:?}", model.diagnostics);
    let mut text = String::new();
    for file in &model.program.files {
        if !file.name.contains("functional") || file.name.contains("functional_modules") {
            text += &format!("# {}\n{}\n", file.name, file.text);
        }
    }
    text
}

#[test]
fn a_small_model_in_fixed_point() {
    let converted = converted(small("bayes"), Options::default()).expect("a fixed-point file");
    snapshot("small", sources(&converted));
}

#[test]
fn the_report_names_what_stays_in_float() {
    let report = converted(small("bayes"), Options::default())
        .expect("a file")
        .report;
    let float: Vec<&str> = report.float_ops().map(|s| s.op.as_str()).collect();
    assert_eq!(float, ["aten::cumsum"]);
    let conv = report
        .steps
        .iter()
        .find(|s| s.name == "conv")
        .expect("the convolution");
    assert_eq!(
        (conv.place, conv.dtype.as_deref(), conv.scale),
        (Place::Bpu, Some("qint8"), Some(0.03))
    );
    assert_eq!(report.float_share(), Some(1.0 / report.steps.len() as f64));
}

#[test]
fn prepacked_convolutions_hold_integers() {
    let converted = converted(small("bayes"), Options { prepack: true }).expect("a file");
    snapshot("small_prepacked", sources(&converted));
}

/// Two calls of a relu, which has the same integers at any scale, and two of a hardtanh, which has not.
fn own_modules() -> Vec<u8> {
    let mut fake = Fake::new("bayes");
    fake.quant("quant", "qint8", 0.02);
    fake.quant("quant_1", "qint8", 0.05);
    let activation = "__torch__.torch.nn.modules.activation";
    let relu = "return torch.relu(x)";
    fake.float("relu", &format!("{activation}.ReLU"), relu);
    let hardtanh = "return torch.hardtanh(x, -1., 1.)";
    fake.float("tanh", &format!("{activation}.Hardtanh"), hardtanh);
    fake.float(
        "resize",
        "__torch__.net.Twice",
        "return torch.upsample_bilinear2d(x, [8, 8], False)",
    );
    fake.float("sort", "__torch__.net.Sort", "return torch.cumsum(x, 1)");
    fake.dequant("dequant");
    fake.dequant("dequant_1");
    for line in [
        "a = (self.tanh).forward((self.relu).forward((self.quant).forward(x, ), ), )",
        "b = (self.tanh).forward((self.relu).forward((self.quant_1).forward(x, ), ), )",
        "c = (self.sort).forward((self.dequant).forward((self.resize).forward(a, ), ), )",
        "return torch.add(c, (self.sort).forward((self.dequant_1).forward(b, ), ))",
    ] {
        fake.line(line);
    }
    fake.finish()
}

#[test]
fn modules_of_one_operator_keep_their_scope() {
    let converted = converted(own_modules(), Options::default()).expect("a fixed-point file");
    let steps = converted.report.steps.iter();
    let bpu: Vec<&str> = steps
        .filter(|it| it.place == Place::Bpu)
        .map(|it| it.name.as_str())
        .collect();
    for name in ["relu", "tanh", "resize"] {
        assert!(bpu.contains(&name), "{name} in {bpu:?}");
    }
    let float: Vec<&str> = converted
        .report
        .float_ops()
        .map(|s| s.name.as_str())
        .collect();
    assert_eq!(&float[..2], ["sort", "sort"]);
    snapshot("own_modules", sources(&converted));
}

#[test]
fn an_uncalibrated_file_is_refused_with_the_module_named() {
    let mut fake = Fake::new("bayes");
    let object = fake.fake_quantize("qint8", &[1.0], false);
    let quantiser = fake.part("activation_post_process", object);
    fake.leaf("quant", "stubs.QuantStub", vec![quantiser], "return x");
    fake.line("return (self.quant).forward(x, )");
    let error = converted(fake.finish(), Options::default()).expect_err("not calibrated");
    assert_eq!(
        error.to_string(),
        "`quant.activation_post_process` has not collected any statistics and its scale is 1: calibrate the file with `ptool calibrate`, or train it"
    );
}

#[test]
fn a_leaf_behind_a_float_op_needs_a_stub() {
    let mut fake = Fake::new("bayes");
    fake.quant("quant", "qint8", 0.02);
    let neg = Method::new("mul", "Tensor")
        .param("x", "Tensor")
        .param("y", "Tensor");
    fake.functional("f", neg.body("return torch.mul(x, y)"), "qint8", 0.1);
    fake.line("q = (self.quant).forward(x, )");
    fake.line("return (self.f).mul(torch.cumsum(q, 1), q, )");
    let error = converted(fake.finish(), Options::default()).expect_err("a float operand");
    assert!(
        error
            .to_string()
            .starts_with("`f`: it reads a float tensor"),
        "{error}"
    );
}

#[test]
fn a_float_model_is_not_converted() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/digits/digits.pt");
    let model = Model::open(path).expect("the digits model");
    let error = convert(&model, "x", Options::default()).expect_err("a float model");
    assert!(
        error.to_string().contains("is not a fake-quant model"),
        "{error}"
    );
}

#[test]
fn the_checking_file_compares_what_both_trees_do() {
    let model = Model::from_bytes(small("bayes")).expect("a model");
    let check = checking(&model, "check", Options::default()).expect("a file");
    let names = [
        "quant",
        "conv",
        "act",
        "_generated_add_0",
        "aten::max_pool2d",
        "aten::clamp",
        "_generated_cumsum_0_activation_post_process",
    ];
    assert_eq!(check.names, names);
    let model = Model::from_bytes(check.plan.to_bytes().expect("bytes")).expect("a model");
    assert!(model.diagnostics.is_empty(), "{:?}", model.diagnostics);
    let file = model
        .program
        .files
        .iter()
        .find(|f| f.name == "code/__torch__/ptool.py");
    snapshot("small_check", &file.expect("the root's source").text);
}

/// The bias of the fixed-point file's convolution.
fn stored_bias(march: &'static str) -> Vec<f64> {
    let converted = converted(small(march), Options::default()).expect("a fixed-point file");
    let model = Model::from_bytes(converted.plan.to_bytes().expect("bytes")).expect("a model");
    let data = model.archive.data().expect("data.pkl");
    let conv = data.attribute(model.root(), "conv").expect("a module");
    let Stored::Object(conv) = data.at(conv) else {
        panic!("no module");
    };
    let bias = data.attribute(conv, "bias").expect("a bias");
    let bias = data.as_tensor(data.at(bias)).expect("a tensor");
    let view = data.view(bias).expect("readable").expect("its data");
    view.to_f64().expect("floats").collect()
}

#[test]
fn biases_round_what_bernoulli2_truncates() {
    let step = f64::from(0.03f32);
    let (bayes, bernoulli2) = (stored_bias("bayes"), stored_bias("bernoulli2"));
    assert_eq!(bayes, [0.25, -0.5]);
    for (plain, raised) in bayes.iter().zip(&bernoulli2) {
        assert!((raised - plain - step / 2.0).abs() < 1e-6, "{raised}");
    }
}
