//! What ptool itself quantises: both sides give every operator alike, and the guide's example has the guide's names.

use super::Ran;
use crate::exec::fixtures::{positional, runnable};
use crate::exec::io;
use ptool::analysis::profile::{Collector, Row, arrays, describe, names, profile};
use ptool::archive::pickle::Value as Pickled;
use ptool::exec::torch::{self, Options as TorchOptions, TorchEngine};
use ptool::exec::{Engine, NoTap, Value};
use ptool::hbdk::graph::Kind;
use ptool::hbdk::{Options, build};
use ptool::inputs::{Given, choose};
use ptool::model::Model;
use ptool::model::origin::Origins;
use ptool::quant::calibrate::{self, Calibration, SET_STATE};
use ptool::quant::convert::{self, convert};
use ptool::quant::prepare::prepare_for;
use ptool::quant::qconfig::{March, QConfig};
use ptool::report::{Paint, profile as report};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The guide's table in its order; `_hz_add` is in the second one only, of the same network (artifact.md).
const GUIDE: &str = "\
arg0 arg1 _hz_add _hz_cat _hz_cat_1 _aten_split.0 _aten_split.1 _hz_mul _quantized_ops_0_aten_relu \
_quantized_ops_1_hz_lut _quantized_ops_2_aten_max_val _quantized_ops_2_aten_max_arg _quantized_ops_2_hz_sub \
_quantized_ops_2_exp_hz_segment_lut _quantized_ops_2_hz_sum _quantized_ops_2_reciprocal_hz_segment_lut \
_quantized_ops_2_hz_mul _quantized_ops_3_hz_lut _quantized_ops_4_hz_interpolate _quantized_ops_5_hz_interpolate \
_quantized_ops_6_hz_avg_pool2d _quantized_ops_7_hz_interpolate _quantized_ops_8_hz_interpolate";

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Both sides of a fixed-point model on these inputs.
fn both(model: &Model, values: Vec<Value>) -> Result<Ran, String> {
    let build = build(model, &describe(&values), Options::default());
    if !build.problems.is_empty() {
        return Err(format!("{REFUSES}: {:?}", build.problems));
    }
    let mut engine = TorchEngine::new(model, TorchOptions::default()).map_err(|e| e.to_string())?;
    let mut collector = Collector::new(&build);
    let output = engine.run(&values, &mut collector);
    let output = output.map_err(|e| e.to_string())?;
    let results = collector.finish(&names(&build));
    Ok(Ran {
        results: results.map_err(|e| e.to_string())?,
        build,
        values,
        output,
    })
}

/// How many operators there are; an error names those that differ on equal inputs. A known disagreement of the tool
/// chain changes what comes after it.
fn equal_operators(ran: &Ran) -> Result<usize, String> {
    let inputs = arrays(&ran.values).map_err(|e| e.to_string())?;
    let found = profile(&ran.build.graph, &names(&ran.build), &inputs, &ran.results);
    let rows = found.map_err(|e| e.to_string())?.rows;
    let known = rows.iter().any(|row| row.known.is_some());
    let is_fault = |row: &&Row| !row.is_equal() && row.known.is_none() && (row.by_itself || !known);
    let different: Vec<_> = rows.iter().filter(is_fault).collect();
    match different.is_empty() {
        true => Ok(rows.len()),
        false => Err(format!("{different:#?}")),
    }
}

/// A float model calibrated with the inputs.
fn calibrated(float: &Model, march: March, inputs: &[Value]) -> Result<Model, String> {
    let prepared = prepare_for(float, &QConfig::new(march), "net", inputs);
    let prepared = prepared.map_err(|e| e.to_string())?;
    let bytes = prepared.plan.to_bytes().map_err(|e| e.to_string())?;
    let fake = Model::from_bytes(bytes).map_err(|e| e.to_string())?;
    let options = calibrate::Options {
        averaging_constant: Some(1.0),
        ..Default::default()
    };
    let mut calibration = Calibration::new(&fake, &options).map_err(|e| e.to_string())?;
    let mut engine = TorchEngine::new(&fake, TorchOptions::default()).map_err(|e| e.to_string())?;
    let state = Value::Str(SET_STATE.1.as_bytes().into());
    let run = engine.start_method(SET_STATE.0, &[state]);
    run.and_then(|it| it.finish()).map_err(|e| e.to_string())?;
    let ran = engine.run(inputs, &mut calibration.tap());
    ran.map_err(|e| e.to_string())?;
    let plan = calibration.plan().map_err(|e| e.to_string())?;
    let bytes = plan.to_bytes().map_err(|e| e.to_string())?;
    Model::from_bytes(bytes).map_err(|e| e.to_string())
}

/// A float model quantised with the inputs as calibration data.
fn quantised(float: &Model, march: March, inputs: &[Value]) -> Result<Model, String> {
    let fake = calibrated(float, march, inputs)?;
    let converted = convert(&fake, "net", convert::Options::default());
    let plan = converted.map_err(|e| e.to_string())?.plan;
    let bytes = plan.to_bytes().map_err(|e| e.to_string())?;
    Model::from_bytes(bytes).map_err(|e| e.to_string())
}

/// A fixture of `testdata/quant` with its inputs.
fn float(path: &Path) -> Result<(Model, Vec<Value>), String> {
    let float = Model::open(path).map_err(|e| e.to_string())?;
    let call = &io::read(&path.with_extension("io.pt"))[0];
    let (_, function) = float.method("forward").ok_or("no forward")?;
    let inputs = positional(call, &function.params[1..]);
    Ok((float, inputs))
}

/// A fixture, quantised.
fn fixture(path: &Path, march: March) -> Result<Ran, String> {
    let (float, inputs) = float(path)?;
    both(&quantised(&float, march, &inputs)?, inputs)
}

fn own_names(ran: &Ran) -> String {
    let rows = names(&ran.build);
    let names: Vec<&str> = rows.iter().map(|(_, name)| name.as_str()).collect();
    names.join(" ")
}

#[test]
fn the_guides_example_has_the_guides_names() {
    torch::set_threads(1).unwrap();
    let path = repository("testdata/quant/guide_traced.pt");
    let ran = fixture(&path, March::Bayes).unwrap();
    assert_eq!(own_names(&ran), GUIDE);
    assert_eq!(equal_operators(&ran), Ok(23));
}

#[test]
fn the_table_of_the_guides_example() {
    torch::set_threads(1).unwrap();
    let model = Model::open(repository("testdata/fixed/guide.bayes.int.pt")).unwrap();
    let data = repository("testdata/fixed/guide.npz");
    let chosen = choose(&model, "forward", Given::File(&data), 0).unwrap();
    let ran = both(&model, chosen.values).unwrap();
    assert_eq!(own_names(&ran), GUIDE);
    let inputs = arrays(&ran.values).unwrap();
    let found = profile(&ran.build.graph, &names(&ran.build), &inputs, &ran.results).unwrap();
    let text = report::report(&found, "bayes", String::new(), &Origins::new(&model));
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(repository("snapshots/profile"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!("guide_table", text.text(Paint::off())));
}

#[test]
fn every_fixed_point_file_is_equal() {
    torch::set_threads(1).unwrap();
    let entries = std::fs::read_dir(repository("testdata/fixed")).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let is_fixed_point = |path: &PathBuf| path.to_string_lossy().ends_with(".int.pt");
    let mut count = 0;
    for path in paths.filter(is_fixed_point) {
        let file = path.file_name().unwrap().to_string_lossy().into_owned();
        let name = file.split('.').next().unwrap();
        let model = Model::open(&path).unwrap();
        let data = path.with_file_name(format!("{name}.npz"));
        let chosen = choose(&model, "forward", Given::File(&data), 0).unwrap();
        let found = both(&model, chosen.values).and_then(|ran| equal_operators(&ran));
        assert!(
            matches!(found, Ok(operators) if operators > 1),
            "{file}: {found:?}"
        );
        count += 1;
    }
    assert!(count >= 5);
}

/// How the error begins where the front end lacks an operator.
const REFUSES: &str = "the front end refuses it";

/// Fixtures with operators that the front end lacks on a march, and one of them.
const REFUSED: &[(March, &str, &str)] = &[
    (March::Bayes, "leftover", "aten::cumsum"),
    (March::Bayes, "volume", "prim::DictConstruct"),
    (March::Bernoulli2, "activations", "aten::elu"),
    (March::Bernoulli2, "attention", "aten::layer_norm"),
    (March::Bernoulli2, "curves", "aten::mish"),
    (March::Bernoulli2, "decoder", "aten::layer_norm"),
    (March::Bernoulli2, "encoder", "aten::layer_norm"),
    (March::Bernoulli2, "functional", "aten::gelu"),
    (
        March::Bernoulli2,
        "guide",
        "quantize of a tensor that is no input",
    ),
    (March::Bernoulli2, "leftover", "aten::group_norm"),
    (March::Bernoulli2, "lengths", "aten::cosine_similarity"),
    (March::Bernoulli2, "norms", "aten::group_norm"),
    (March::Bernoulli2, "products", "aten::amin"),
    (March::Bernoulli2, "recurrent", "aten::lstm"),
    (March::Bernoulli2, "response", "aten::pow"),
    (March::Bernoulli2, "sampled", "aten::grid_sampler"),
    (March::Bernoulli2, "spread", "aten::rms_norm"),
    (March::Bernoulli2, "steps", "aten::lstm"),
    (
        March::Bernoulli2,
        "transformed",
        "aten::affine_grid_generator",
    ),
    (March::Bernoulli2, "volume", "aten::conv3d"),
    (March::Bernoulli2, "whole", "aten::floor"),
];

/// What horizon.md 8.3 lists for bernoulli2, as the front end calls it.
const BERNOULLI2: &[&str] = &[
    "aten::argmax",
    "aten::clamp",
    "aten::gt",
    "aten::le",
    "aten::max",
    "aten::maximum",
    "aten::minimum",
    "aten::permute",
    "aten::pixel_shuffle",
    "aten::pixel_unshuffle",
    "aten::relu",
    "aten::reshape",
    "aten::slice",
    "aten::split_with_sizes",
    "aten::transpose",
    "hz::abs",
    "hz::add",
    "hz::avg_pool2d",
    "hz::cat",
    "hz::channel_shuffle",
    "hz::conv2d",
    "hz::conv_transpose2d",
    "hz::interpolate",
    "hz::lut",
    "hz::matmul",
    "hz::max_pool2d",
    "hz::mean",
    "hz::mul",
    "hz::pad",
    "hz::prelu",
    "hz::requantize",
    "hz::sum",
];

#[test]
fn fixtures_hold_all_that_bernoulli2_has() {
    torch::set_threads(1).unwrap();
    let mut calls = BTreeSet::new();
    let mut layers = BTreeSet::new();
    for path in runnable(&repository("testdata/quant")) {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        if !name.starts_with("bernoulli2_") {
            continue;
        }
        let ran = fixture(&path, March::Bernoulli2).unwrap();
        for layer in &ran.build.graph.layers {
            layers.insert(layer.kind.name());
            calls.extend(layer.site.as_ref().map(|site| site.call.to_string()));
            if let Kind::Conv(conv) = &layer.kind {
                assert!(!conv.rounding, "{name}: bernoulli2 truncates");
                calls.extend(conv.relu.then(|| "relu".into()));
                calls.extend((layer.inputs.len() > 1).then(|| "sum".into()));
            }
        }
    }
    let missing = |call: &&&str| !calls.contains(**call);
    let missing: Vec<_> = BERNOULLI2
        .iter()
        .chain(&["relu", "sum"])
        .filter(missing)
        .collect();
    assert!(missing.is_empty(), "{missing:?} of {calls:?}");
    for kind in [
        "SElementwiseAddX2a",
        "NearestUpsample",
        "RoiResize",
        "StepwiseFit",
        "PRelu",
    ] {
        assert!(layers.contains(kind), "{kind}: {layers:?}");
    }
}

#[test]
fn what_ptool_quantises_is_equal_in_every_operator() {
    torch::set_threads(1).unwrap();
    let files = runnable(&repository("testdata/quant"));
    let mut failures = Vec::new();
    for march in [March::Bayes, March::Bernoulli2] {
        for path in &files {
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            let found = fixture(path, march).and_then(|ran| equal_operators(&ran));
            let refused = REFUSED
                .iter()
                .find(|it| it.0 == march && name.starts_with(it.1));
            match (found, refused) {
                (Ok(operators), None) if operators > 1 => {}
                (Err(error), Some(it)) if error.starts_with(REFUSES) && error.contains(it.2) => {}
                (found, _) => failures.push(format!("{march} {name}: {found:?}")),
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

/// One step; distances are taken in float32.
const ONE_STEP: f32 = 1.001;

/// The fake-quant sample takes coordinates as they are, the integer one in 256ths of a pixel, as resizes of bernoulli2
/// do: with neighbours as far apart as int8 allows that is another step.
const SAMPLE_STEPS: f32 = 2.0;

/// A few of int16's steps: the multiplier of a rescale has 15 bits (horizon.md 3.2), tables have lines between their entries
/// (3.12), and a product of int16 matrices takes both to coarser scales first (3.8).
const WIDE_STEPS: f32 = 4.01;

/// Tables of `1/x` and `1/√x`, steep near 0, with the plugin's `curvature` cut (horizon.md 3.12), and the norms that end in one.
/// A quarter of one of int8's steps.
const STEEP_STEPS: f32 = 64.0;

/// Operations that look up a steep function.
const STEEP: &[&str] = &["_generated_reciprocal", "norm"];

/// Whether the module of the fake-quant file at a path gives qint16.
fn is_wide(fake: &Model, path: &str) -> bool {
    let Ok(data) = fake.archive.data() else {
        return false;
    };
    // A softmax ends with a product.
    [
        ".activation_post_process.dtype",
        ".mul.activation_post_process.dtype",
    ]
    .iter()
    .any(|last| {
        let mut parts = path.split('.').chain(last[1..].split('.'));
        let found = parts.try_fold(data.at(data.root()), |at, name| match at {
            Pickled::Object(object) => Some(data.at(data.attribute(object, name)?)),
            _ => None,
        });
        matches!(found, Some(Pickled::Str(text)) if data.str(text) == Some("qint16"))
    })
}

/// Operations of a fixture that are more than a step from their fake-quant ones, with their distances.
fn distant(path: &Path, march: March) -> Result<Vec<(String, f32)>, String> {
    let (float, inputs) = float(path)?;
    let fake = calibrated(&float, march, &inputs)?;
    let check = convert::checking(&fake, "check", convert::Options::default());
    let check = check.map_err(|e| e.to_string())?;
    let bytes = check.plan.to_bytes().map_err(|e| e.to_string())?;
    let model = Model::from_bytes(bytes).map_err(|e| e.to_string())?;
    let engine = TorchEngine::new(&model, TorchOptions::default());
    let mut engine = engine.map_err(|e| e.to_string())?;
    let Value::Tensor(errors) = engine.run(&inputs, &mut NoTap).map_err(|e| e.to_string())? else {
        return Err("no tensor".to_owned());
    };
    let errors = errors.bytes.chunks_exact(4);
    let errors = errors.map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
    let all = check.names.into_iter().zip(errors);
    let limit = |operation: &str| match operation {
        "aten::grid_sampler" => SAMPLE_STEPS,
        "aten::upsample_bilinear2d" if march == March::Bernoulli2 => SAMPLE_STEPS,
        path if is_wide(&fake, path) && STEEP.iter().any(|it| path.starts_with(it)) => STEEP_STEPS,
        path if is_wide(&fake, path) => WIDE_STEPS,
        _ => ONE_STEP,
    };
    let is_far = |it: &(String, f32)| it.1.is_nan() || it.1 > limit(&it.0);
    Ok(all.filter(is_far).collect())
}

#[test]
fn what_ptool_quantises_is_within_a_step_in_every_operation() {
    torch::set_threads(1).unwrap();
    let mut failures = Vec::new();
    for march in [March::Bayes, March::Bernoulli2] {
        for path in &runnable(&repository("testdata/quant")) {
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            match distant(path, march) {
                Ok(found) if found.is_empty() => {}
                found => failures.push(format!("{march} {name}: {found:?}")),
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
