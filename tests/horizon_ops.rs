//! The `horizon::` operators: in our engine, in libtorch's interpreter, and in stock Python through `libhorizon_ops.so`.

mod files;

use ptool::exec::torch::{Options, Reference, TorchEngine};
use ptool::exec::{Engine, HostTensor, NoTap, Value};
use ptool::model::Model;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const OURS: [&str; 2] = ["libtorch_cpu", "libc10"];
/// What a C++ library of Linux needs anyway.
const SYSTEM: [&str; 7] = [
    "libstdc++.",
    "libgcc_s.",
    "libm.",
    "libc.",
    "libpthread.",
    "libdl.",
    "ld-linux",
];

/// Builds the library once; cargo's own lock orders processes.
static LIBRARY: LazyLock<PathBuf> = LazyLock::new(|| {
    let status = Command::new(env!("CARGO"))
        .current_dir(ROOT)
        .args(["build", "--quiet", "--target-dir", "target"])
        .args(["--manifest-path", "bins/horizon_ops/Cargo.toml"])
        .status()
        .unwrap();
    assert!(status.success(), "libhorizon_ops.so does not build");
    Path::new(ROOT).join("target/debug/libhorizon_ops.so")
});

/// A Python with torch 2.11, or `None` and a line that says so.
fn python() -> Option<Command> {
    let name = std::env::var("PYTHON").unwrap_or_else(|_| "python3".into());
    let probe = "import numpy, torch; assert torch.__version__.startswith('2.11')";
    let output = Command::new(&name).args(["-c", probe]).output();
    if output.is_ok_and(|o| o.status.success()) {
        let mut command = Command::new(name);
        command.current_dir(ROOT);
        return Some(command);
    }
    #[allow(clippy::print_stderr, reason = "a test that did not run must say so")]
    {
        eprintln!("not run: `{name}` has no torch 2.11 with numpy; name one in PYTHON");
    }
    None
}

/// Runs a script with Python; its output, which is checked to report success.
fn script(path: &str, args: &[&str]) -> Option<String> {
    let mut command = python()?;
    let output = command.arg(path).args(args).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{path}:\n{text}{errors}");
    Some(text)
}

#[test]
fn the_library_needs_torch_and_the_system_only() {
    let output = Command::new("readelf").arg("-d").arg(&*LIBRARY).output();
    let text = String::from_utf8(output.unwrap().stdout).unwrap();
    assert!(
        !text.contains("RPATH") && !text.contains("RUNPATH"),
        "{text}"
    );
    let needed: Vec<&str> = text
        .lines()
        .filter(|line| line.contains("(NEEDED)"))
        .filter_map(|line| line.split(['[', ']']).nth(1))
        .collect();
    for library in OURS {
        assert!(needed.iter().any(|n| n.starts_with(library)), "{needed:?}");
    }
    let known = |n: &&str| OURS.iter().chain(&SYSTEM).any(|k| n.starts_with(k));
    let others: Vec<&&str> = needed.iter().filter(|n| !known(n)).collect();
    assert!(others.is_empty(), "{others:?}");
}

#[test]
fn fake_quant_operators_agree_with_their_formulas_in_python() {
    let library = LIBRARY.display().to_string();
    script("tests/python/fake_quant.py", &[&library]);
}

#[test]
fn quantised_functions_agree_with_their_references_in_python() {
    let library = LIBRARY.display().to_string();
    let text = script(
        "tests/python/functions.py",
        &[&library, "src/quant/functional"],
    );
    if let Some(text) = text {
        assert!(text.contains("0 results differ"), "{text}");
    }
}

#[test]
fn detection_operators_run_in_python() {
    let library = LIBRARY.display().to_string();
    let text = script(
        "tests/python/detection.py",
        &[&library, "src/quant/functional"],
    );
    if let Some(text) = text {
        assert!(text.contains("detection operators agree"), "{text}");
    }
}

#[test]
fn the_example_runs_trains_and_saves_in_stock_python() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    files::fixed_point().write(path("fixed.pt")).unwrap();
    files::fake_quant().write(path("fake.pt")).unwrap();
    let library = LIBRARY.display().to_string();
    let args = [
        &library,
        &path("fake.pt"),
        &path("fixed.pt"),
        &path("out.pt"),
        "1,3,4,4",
    ];
    let text = script("testdata/gen/stock_torch.py", &args);
    if let Some(text) = text {
        assert!(text.contains("fixed-point output: (1, 3, 4, 4)"), "{text}");
        assert!(text.contains("1 of 1 parameters moved"), "{text}");
    }
}

fn input() -> Vec<Value> {
    let data: Vec<f32> = (0..48).map(|i| (i as f32 * 0.37).sin() * 3.0).collect();
    vec![Value::Tensor(
        HostTensor::from_f32(&[1, 3, 4, 4], &data).unwrap(),
    )]
}

/// Both interpreters on one file, and the engine's value, as float32.
fn both(plan: ptool::archive::Plan<'static>) -> Vec<f32> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.pt");
    plan.write(&path).unwrap();
    let model = Model::open(&path).unwrap();
    assert!(model.diagnostics.is_empty(), "{:?}", model.diagnostics);
    let mut engine = TorchEngine::new(&model, Options::default()).unwrap();
    assert!(engine.missing_operators().is_empty());
    let ours = engine.run(&input(), &mut NoTap).unwrap();
    let mut reference = Reference::load(&path.display().to_string(), None).unwrap();
    let params = engine.params();
    let theirs = reference
        .run("forward", &model.program, params, &input())
        .unwrap();
    assert_eq!(ours, theirs);
    let Value::Tensor(tensor) = ours else {
        panic!("{ours:?} is no tensor");
    };
    let values = tensor.bytes.chunks_exact(4);
    values
        .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
        .collect()
}

#[test]
fn engines_agree_on_a_fixed_point_file() {
    let found = both(files::fixed_point());
    let Value::Tensor(x) = &input()[0] else {
        unreachable!("the input is a tensor")
    };
    // x + x at 0.02 on the scale 0.1, then relu: sum = 2q, each step by `horizon.md` 3.1 and 3.7.
    let expected: Vec<f32> = x
        .bytes
        .chunks_exact(4)
        .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
        .map(|v| (v / 0.02).round_ties_even().clamp(-128.0, 127.0))
        .map(|q| (q * 0.4 + 0.5).floor().max(0.0) * 0.1)
        .collect();
    let off = found.iter().zip(&expected).map(|(a, b)| (a - b).abs());
    assert!(off.fold(0.0, f32::max) < 1e-5, "{found:?}\n{expected:?}");
}

#[test]
fn engines_agree_on_a_fake_quant_file() {
    let found = both(files::fake_quant());
    assert!(found.iter().any(|v| *v != 0.0) && found.iter().all(|v| v.is_finite()));
}

#[test]
fn an_operator_that_cannot_run_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.pt");
    files::refused().write(&path).unwrap();
    let model = Model::open(&path).unwrap();
    let mut engine = TorchEngine::new(&model, Options::default()).unwrap();
    let error = engine.run(&input(), &mut NoTap).unwrap_err().to_string();
    assert!(error.contains("not public"), "{error}");
}

/// Results that are kept for unchanged weights must not outlive a change, nor packed weights.
#[test]
fn a_weight_that_changes_between_runs_is_converted_and_packed_anew() {
    let folder = tempfile::tempdir().unwrap();
    let count = files::KERNEL.iter().product::<i64>() as usize;
    let weight: Vec<f32> = (0..count).map(|i| (i as f32 * 0.37).sin()).collect();
    let x: Vec<f32> = (0..768).map(|i| (i * 7 % 11) as f32 / 5.0 - 1.0).collect();
    let x = [Value::Tensor(
        HostTensor::from_f32(&[1, 3, 16, 16], &x).unwrap(),
    )];
    let model = |name: &str, weight: &[f32]| {
        let path = folder.path().join(name);
        files::changing(weight).write(&path).unwrap();
        Model::open(&path).unwrap()
    };
    let run = |engine: &mut TorchEngine<'_>| engine.run(&x, &mut NoTap).unwrap();
    let evolving = model("evolving.pt", &weight);
    let mut engine = TorchEngine::new(&evolving, Options::default()).unwrap();
    let mut seen: Vec<Value> = Vec::new();
    for round in 0..4 {
        let mut changed = weight.clone();
        changed[files::CHANGED] += 0.5 * round as f32;
        let fresh = model(&format!("{round}.pt"), &changed);
        let mut fresh = TorchEngine::new(&fresh, Options::default()).unwrap();
        let found = run(&mut engine);
        assert_eq!(found, run(&mut fresh), "run {round}");
        assert!(!seen.contains(&found), "the change shows in run {round}");
        seen.push(found);
    }
}
