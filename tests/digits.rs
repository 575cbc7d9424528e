//! The digits model with every observer on both marches, over all its test images.

use assert_cmd::Command;
use serde_json::Value;
use std::path::Path;

const OBSERVERS: [&str; 5] = ["min_max", "percentile", "mse", "kl", "mix"];
/// Operations are within a step; distances are taken in float32.
const ONE_STEP: f64 = 1.001;

/// The report of quantising into a folder.
fn quantised(folder: &Path, march: &str, more: &[&str]) -> Value {
    let digits = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/digits");
    let done = Command::new(assert_cmd::cargo::cargo_bin!("ptool-torch"))
        .arg("quantize")
        .arg(digits.join("digits.pt"))
        .arg("--data")
        .arg(digits.join("calib.npz"))
        .arg("--eval")
        .arg(digits.join("test.npz"))
        .args(["--threads", "1", "--format", "json", "--march", march, "-o"])
        .arg(folder.join("digits.int.pt"))
        .args(more)
        .assert()
        .success();
    serde_json::from_slice(&done.get_output().stdout).expect("JSON")
}

fn accuracy(report: &Value, stage: usize) -> f64 {
    let accuracy = &report["stages"][stage]["accuracy"];
    assert_eq!(accuracy["total"], 360);
    accuracy["top1"].as_f64().expect("a number")
}

fn relative_rms(report: &Value, stage: usize) -> f64 {
    let found = report["stages"][stage]["relative_rms"].as_f64();
    found.expect("a number")
}

fn loses_at_most(march: &str, allowed: f64) {
    for observer in OBSERVERS {
        let folder = tempfile::tempdir().expect("a folder");
        let report = quantised(folder.path(), march, &["--observer", observer]);
        let (float, fixed) = (accuracy(&report, 0), accuracy(&report, 2));
        assert!(
            fixed >= float - allowed,
            "{observer} on {march}: {float} to {fixed}"
        );
        let operations = report["operations"].as_array().expect("operations");
        assert_eq!(operations.len(), 11);
        for it in operations {
            let steps = it["steps"].as_f64().expect("a number");
            assert!(steps <= ONE_STEP, "{observer} on {march}: {it}");
        }
        assert_eq!(report["float_operations"], serde_json::json!([]));
    }
}

#[test]
fn fixed_point_loses_half_a_point_at_most_on_bayes() {
    loses_at_most("bayes", 0.005);
}

#[test]
fn fixed_point_loses_a_point_at_most_on_bernoulli2() {
    loses_at_most("bernoulli2", 0.01);
}

/// The fake-quant file that a run writes.
fn fake_quant(qconfig: Option<&str>, more: &[&str]) -> Vec<u8> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("qconfig.toml").display().to_string();
    let mut args = more.to_vec();
    if let Some(text) = qconfig {
        std::fs::write(&path, text).expect("written");
        args.extend(["--qconfig", &path]);
    }
    quantised(folder.path(), "bayes", &args);
    std::fs::read(folder.path().join("digits.fq.pt")).expect("readable")
}

#[test]
fn what_a_qconfig_says_of_averages_and_weights_holds() {
    let plain = fake_quant(None, &["--observer", "min_max", "--plain-ranges"]);
    let said = r#"
        [global]
        activation = { observer = "min_max", averaging_constant = 0.01 }
        weight = { observer = "min_max" }
    "#;
    assert!(fake_quant(Some(said), &[]) == plain);
    let observer_alone = r#"
        [global]
        activation = { observer = "min_max" }
        weight = { observer = "min_max" }
    "#;
    assert!(fake_quant(Some(observer_alone), &[]) != plain);
    let other = said.replace("0.01", "0.5");
    assert!(fake_quant(Some(&other), &[]) == fake_quant(Some(&other), &["--plain-ranges"]));
}

#[test]
fn logits_are_near_those_of_float_by_default_on_bayes() {
    let folder = tempfile::tempdir().expect("a folder");
    let report = quantised(folder.path(), "bayes", &[]);
    for stage in [1, 2] {
        let error = relative_rms(&report, stage);
        assert!(error <= 0.012, "stage {stage}: {error}");
    }
}
