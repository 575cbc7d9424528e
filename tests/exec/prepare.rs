//! A prepared file that does not fake-quantise yet computes what the float file does.

use super::fixtures::{positional, runnable};
use super::io;
use super::repository;
use ptool::emit::{ClassSpec, Emit, Method, Value as Held};
use ptool::exec::torch::{self, Options, Reference, TorchEngine};
use ptool::exec::{HostTensor, Value};
use ptool::model::Model;
use ptool::quant::prepare::prepare_for;
use ptool::quant::qconfig::{March, QConfig};
use std::path::Path;

/// Fixtures in which nothing is folded and nothing computed another way: equal to the last bit.
const EXACT: &[&str] = &["functional", "sampled"];

/// Largest difference relative to the largest value, where batch norms are folded and composites taken apart.
const TOLERANCE: f64 = 1e-5;

fn run(model: &Model, inputs: &[Value]) -> Result<Value, String> {
    let mut engine = TorchEngine::new(model, Options::default()).map_err(|e| e.to_string())?;
    let run = engine.start(inputs).map_err(|e| e.to_string())?;
    run.finish().map_err(|e| e.to_string())
}

/// All tensors of a value, in order.
fn tensors(value: &Value) -> Vec<&HostTensor> {
    match value {
        Value::Tensor(tensor) => vec![tensor],
        Value::List(items) | Value::Tuple(items) => items.iter().flat_map(tensors).collect(),
        Value::Dict(items) => items.iter().flat_map(|(_, item)| tensors(item)).collect(),
        _ => Vec::new(),
    }
}

fn floats(tensor: &HostTensor) -> Vec<f64> {
    let words = tensor.bytes.chunks_exact(4);
    words
        .map(|it| f64::from(f32::from_le_bytes([it[0], it[1], it[2], it[3]])))
        .collect()
}

/// The largest difference relative to the largest value; none if dtypes or shapes differ.
fn distance(a: &HostTensor, b: &HostTensor) -> Option<f64> {
    if a.dtype != b.dtype || a.shape != b.shape {
        return None;
    }
    if a.dtype != ptool::tensor::DType::F32 {
        return Some(if a.bytes == b.bytes {
            0.0
        } else {
            f64::INFINITY
        });
    }
    let (a, b) = (floats(a), floats(b));
    let largest = b.iter().fold(1e-20, |m: f64, it| m.max(it.abs()));
    let differences = a.iter().zip(&b).map(|(x, y)| (x - y).abs());
    Some(differences.fold(0.0, f64::max) / largest)
}

fn check(path: &Path) -> Result<(), String> {
    let model = Model::open(path).map_err(|e| e.to_string())?;
    let calls = io::read(&path.with_extension("io.pt"));
    let (_, function) = model.method("forward").ok_or("no forward")?;
    let example = positional(&calls[0], &function.params[1..]);
    let prepared = prepare_for(&model, &QConfig::new(March::Bayes), "net", &example);
    let prepared = prepared.map_err(|e| e.to_string())?;
    let bytes = prepared.plan.to_bytes().map_err(|e| e.to_string())?;
    let quantised = Model::from_bytes(bytes).map_err(|e| e.to_string())?;
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    let exact = EXACT.iter().any(|it| name.starts_with(it));
    for call in calls {
        let (_, function) = model.method(&call.method).ok_or("no such method")?;
        let inputs = positional(&call, &function.params[1..]);
        let (float, fake) = (run(&model, &inputs)?, run(&quantised, &inputs)?);
        let (float, fake) = (tensors(&float), tensors(&fake));
        if float.len() != fake.len() || float.is_empty() {
            return Err(format!("{} results, {} before", fake.len(), float.len()));
        }
        for (a, b) in fake.iter().zip(&float) {
            let found = distance(a, b).ok_or("another dtype or shape")?;
            if found > if exact { 0.0 } else { TOLERANCE } {
                return Err(format!("differs by {found:e}"));
            }
        }
    }
    Ok(())
}

#[test]
fn prepared_fixtures_compute_what_the_float_ones_do() {
    torch::set_threads(1).unwrap();
    let files = runnable(&repository("testdata/quant"));
    assert!(files.len() > 10, "fixtures of testdata/quant");
    let failures: Vec<String> = files
        .iter()
        .filter_map(|path| Some(format!("{}: {}", path.display(), check(path).err()?)))
        .collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// What the writer makes is read by libtorch's own loader.
#[test]
fn an_emitted_file_loads_in_libtorch() {
    let mut emit = Emit::new("net");
    let leaf = ClassSpec::module("__torch__.pkg.Leaf")
        .parameter("w")
        .attribute("stride", "Tuple[int, int]")
        .attribute("names", "List[str]")
        .attribute("bias", "Optional[Tensor]")
        .method(
            Method::new("forward", "Tensor")
                .param("x", "Tensor")
                .body("return torch.mul(x, self.w)"),
        );
    let class = emit.class(leaf).unwrap();
    let w = emit.f32_tensor(&[2.0, 3.0], &[2], true).unwrap();
    let values = vec![
        Held::Tensor(w),
        Held::int_tuple(&[1, 2]),
        Held::list("str", vec![Held::str("a")]),
        Held::None,
    ];
    let leaf = emit.object(class, values).unwrap();
    let root =
        ClassSpec::module("__torch__.Net")
            .attribute("0", emit.class_name(class))
            .method(Method::new("forward", "Tensor").param("x", "Tensor").body(
                "y = (getattr(self, \"0\")).forward(x, )\nreturn torch.add(y, CONSTANTS.c0)",
            ));
    let class = emit.class(root).unwrap();
    let one = emit.f32_tensor(&[1.0], &[1], false).unwrap();
    emit.constant(Held::Tensor(one));
    let root = emit.object(class, vec![Held::Object(leaf)]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("net.pt");
    emit.finish(root).unwrap().write(&path).unwrap();
    let model = Model::open(&path).unwrap();
    let mut reference = Reference::load(path.to_str().unwrap(), None).unwrap();
    let input = Value::Tensor(HostTensor::from_f32(&[2], &[10.0, 20.0]).unwrap());
    let (_, function) = model.method("forward").unwrap();
    let params = &function.params[1..];
    let theirs = reference.run(
        "forward",
        &model.program,
        params,
        std::slice::from_ref(&input),
    );
    let Value::Tensor(found) = theirs.unwrap() else {
        panic!("no tensor");
    };
    assert_eq!(floats(&found), [21.0, 61.0]);
}
