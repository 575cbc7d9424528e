//! Preparing: every float fixture becomes a fake-quant file that opens, in torch's layout, with the modules and names
//! of the snapshots.

use ptool::archive::pickle::Value;
use ptool::archive::{Archive, torch_save};
use ptool::inputs::{Random, make_up};
use ptool::model::Model;
use ptool::quant::prepare::{PrepareError, Prepared, prepare, prepare_for};
use ptool::quant::qconfig::{Flags, March, QConfig};
use ptool::report;
use ptool::tensor::DType;
use ptool::torchscript::{parse::parse_strict, print::print};
use std::path::{Path, PathBuf};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

fn snapshot(name: &str, text: impl std::fmt::Display) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(Path::new(ROOT).join("snapshots/prepare"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text.to_string()));
}

/// Float models of a folder of `testdata`, in order.
fn models(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(ROOT).join("testdata").join(folder);
    let entries = std::fs::read_dir(folder).expect("a folder of fixtures");
    let mut paths: Vec<PathBuf> = entries.map(|it| it.expect("readable").path()).collect();
    let is_model = |path: &PathBuf| {
        let name = path.to_string_lossy();
        name.ends_with(".pt") && !name.ends_with(".io.pt")
    };
    paths.retain(is_model);
    paths.sort();
    paths
}

fn stem(path: &Path) -> String {
    path.file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

fn prepared(path: &Path, qconfig: &QConfig) -> Result<Prepared, PrepareError> {
    let model = Model::open(path).expect("readable");
    prepare_for(&model, qconfig, "net", &inputs(path))
}

/// Inputs of the shapes that the fixture was made with.
fn inputs(path: &Path) -> Vec<ptool::exec::Value> {
    let file = torch_save::open(path.with_extension("io.pt")).expect("inputs beside it");
    let Value::Dict(dict) = file.at(file.root()) else {
        panic!("{}: no dict", path.display());
    };
    let mut items = file.dict(dict).items.iter();
    let inputs = items.find(|(key, _)| file.str_at(*key) == Some("inputs"));
    let inputs = file.sequence(file.at(inputs.expect("inputs").1));
    let tensor = |item: &ptool::archive::pickle::Use| {
        let id = file.as_tensor(file.at(*item)).expect("a tensor");
        let tensor = file.tensor(id);
        let made = make_up(tensor.dtype, &tensor.sizes, &mut Random::new(0));
        ptool::exec::Value::Tensor(made)
    };
    inputs.expect("a list").iter().map(tensor).collect()
}

fn fixture(name: &str) -> PathBuf {
    Path::new(ROOT)
        .join("testdata/quant")
        .join(format!("{name}.pt"))
}

fn qconfig(text: &str) -> QConfig {
    QConfig::parse(text, "qconfig.toml", &Flags::default()).expect("a sound qconfig")
}

fn bytes(prepared: &Prepared) -> Vec<u8> {
    prepared.plan.to_bytes().expect("written")
}

/// Sources parse and print as they are, and lower without a word.
fn check(name: &str, file: Vec<u8>) -> Model {
    let archive = Archive::from_bytes(file.clone()).expect("readable");
    for (id, record) in archive.entries().filter(|it| it.1.ends_with(".py")) {
        let text = archive.text(id).expect("readable");
        let tree = parse_strict(&text).unwrap_or_else(|e| panic!("{name} {record}: {e}"));
        assert_eq!(print(&tree).as_bytes(), &text[..], "{name} {record}");
    }
    let model = Model::from_bytes(file).expect("readable");
    assert!(
        model.diagnostics.is_empty(),
        "{name}: {:?}",
        model.diagnostics
    );
    model
}

/// The text of the root's `forward`.
fn forward(model: &Model) -> String {
    let record = "code/__torch__/horizon_plugin_pytorch/quantization/fx/graph_module.py";
    let id = model.archive.find(record).expect("the root's source");
    let text = String::from_utf8(model.archive.text(id).expect("readable").to_vec());
    let text = text.expect("ASCII");
    let start = text.find("  def forward").expect("a forward");
    let end = text
        .find("  def set_fake_quantize")
        .expect("the next method");
    text[start..end].to_owned()
}

#[test]
fn fixtures_become_modules() {
    for path in models("quant") {
        let name = stem(&path);
        let prepared = prepared(&path, &QConfig::new(March::Bayes)).expect(&name);
        let model = check(&name, bytes(&prepared));
        let report = report::prepare::text(&prepared.report);
        snapshot(&name, format!("{report}\n{}", forward(&model)));
    }
}

#[test]
fn bernoulli2_keeps_in_float_what_it_lacks() {
    for name in ["activations_traced", "fusion_traced", "volume_scripted"] {
        let prepared = prepared(&fixture(name), &QConfig::new(March::Bernoulli2)).expect(name);
        check(name, bytes(&prepared));
        let report = report::prepare::text(&prepared.report);
        snapshot(&format!("bernoulli2_{name}"), report);
    }
}

/// Whatever the model: a sound file, or a reason.
#[test]
fn other_fixtures_are_prepared_or_refused_with_a_reason() {
    let mut refused = String::new();
    for folder in ["archs", "core", "digits"] {
        for path in models(folder) {
            let Ok(model) = Model::open(&path) else {
                continue;
            };
            if model.method("forward").is_none() {
                continue;
            }
            match prepare(&model, &QConfig::new(March::Bayes), "net") {
                Ok(prepared) => drop(check(&stem(&path), bytes(&prepared))),
                // Most fixtures of the language compute nothing that a chip would.
                Err(PrepareError::Nothing) => {}
                Err(error) => refused.push_str(&format!("{folder}/{}: {error}\n", stem(&path))),
            }
        }
    }
    snapshot("refused", refused);
}

/// Operators that stay in float, with their reasons, for a sequence of so many steps.
fn float_of_sequence(steps: i64) -> Vec<(String, String)> {
    let path = fixture("recurrent_traced");
    let model = Model::open(&path).expect("readable");
    let mut values = inputs(&path);
    let made = make_up(DType::F32, &[2, steps, 6], &mut Random::new(0));
    values[0] = ptool::exec::Value::Tensor(made);
    let prepared = prepare_for(&model, &QConfig::new(March::Bayes), "net", &values);
    let rows = prepared.expect("prepared").report.float;
    rows.into_iter().map(|it| (it.op, it.why)).collect()
}

#[test]
fn a_sequence_that_is_too_long_stays_in_float_with_its_reason() {
    assert_eq!(float_of_sequence(256), []);
    let found = float_of_sequence(257);
    let why = "its sequence has 257 steps; 1 to 256 are written out";
    let layers = ["lstm", "gru", "rnn_tanh", "rnn_relu"];
    let expected = layers.map(|it| (format!("aten::{it}"), why.to_owned()));
    let recurrent = found.iter().filter(|it| it.1.contains("steps"));
    assert_eq!(recurrent.cloned().collect::<Vec<_>>(), expected);
}

/// Keys as horizon.md 8.4 has them.
#[test]
fn state_dict_keys_are_the_plugins() {
    let prepared = prepared(&fixture("fusion_traced"), &QConfig::new(March::Bayes));
    let file = bytes(&prepared.expect("prepared"));
    let archive = Archive::from_bytes(file).expect("readable");
    let data = archive.data().expect("decodes");
    let mut keys = Vec::new();
    let mut left = vec![(String::new(), data.at(data.root()))];
    while let Some((path, value)) = left.pop() {
        let Value::Object(object) = value else {
            if data.as_tensor(value).is_some() {
                keys.push(path);
            }
            continue;
        };
        let Some(Value::Dict(state)) = data.object(object).state.map(|it| data.at(it)) else {
            continue;
        };
        for (key, item) in &data.dict(state).items {
            let name = data.str_at(*key).expect("a name");
            let path = if path.is_empty() {
                name.to_owned()
            } else {
                format!("{path}.{name}")
            };
            left.push((path, data.at(*item)));
        }
    }
    keys.sort();
    snapshot("state_dict", keys.join("\n"));
}

#[test]
fn a_qconfig_decides_what_is_quantised() {
    let config = qconfig(
        "[module_type.\"torch.nn.BatchNorm2d\"]\nactivation = { dtype = \"qint16\" }\n\
         [module_name]\n\"bn_relu6\" = false\n\"up.0\" = { activation = { observer = \"min_max\" } }\n\
         \"last\" = { activation = { dtype = \"qint8\" } }\n\"nowhere\" = false\n",
    );
    let prepared = prepared(&fixture("fusion_traced"), &config).expect("prepared");
    check("fusion", bytes(&prepared));
    snapshot("qconfig", report::prepare::text(&prepared.report));
}

#[test]
fn a_quantised_file_is_refused() {
    let once = prepared(&fixture("shared_traced"), &QConfig::new(March::Bayes)).expect("prepared");
    let model = Model::from_bytes(bytes(&once)).expect("readable");
    let error = prepare(&model, &QConfig::new(March::Bayes), "net").expect_err("prepared twice");
    snapshot("twice", error);
}

#[test]
fn two_runs_give_the_same_bytes() {
    let run = || {
        bytes(
            &prepared(&fixture("fusion_scripted"), &QConfig::new(March::Bayes)).expect("prepared"),
        )
    };
    assert_eq!(run(), run());
}
