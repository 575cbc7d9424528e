//! Errors say what, where, and what to do.

use super::{io, repository};
use ptool::exec::torch::{self, Message, Options, Reference, TorchEngine};
use ptool::exec::{Engine, ExecError, HostTensor, NoTap, Value};
use ptool::model::Model;
use std::cell::RefCell;
use std::rc::Rc;

fn model(name: &str) -> Model {
    Model::open(repository(&format!("testdata/{name}.pt"))).unwrap()
}

fn error_of(name: &str, inputs: &[Value]) -> ExecError {
    let model = model(name);
    let mut engine = TorchEngine::new(&model, Options::default()).unwrap();
    engine.run(inputs, &mut NoTap).unwrap_err()
}

fn f32s(shape: &[i64]) -> Value {
    let data = vec![0.5; shape.iter().product::<i64>() as usize];
    Value::Tensor(HostTensor::from_f32(shape, &data).unwrap())
}

#[test]
fn an_operator_error_names_operator_module_and_reason() {
    let error = error_of("archs/resnet_traced", &[f32s(&[1, 2, 8, 8])]);
    let ExecError::Operator { site, message } = &error else {
        panic!("{error}");
    };
    assert_eq!(site.op, "aten::_convolution");
    assert!(!site.scope.is_empty(), "{error}");
    assert!(site.span.is_some(), "{error}");
    assert!(
        message.contains("expected input[1, 2, 8, 8] to have"),
        "{error}"
    );
    assert!(!message.contains("frame #"), "{error}");
}

#[test]
fn an_exception_keeps_class_and_message() {
    let path = repository("testdata/core/raise_always.pt");
    let inputs = &io::read(&path.with_extension("io.pt"))[0].inputs;
    let error = error_of("core/raise_always", inputs);
    let ExecError::Raised { class, message, .. } = &error else {
        panic!("{error}");
    };
    assert_eq!(class.as_deref(), Some("builtins.RuntimeError"));
    assert_eq!(message, "two dimensions are not wanted");
}

#[test]
fn a_missing_operator_is_named_with_the_flag() {
    let path = repository("testdata/archs/detector_torchvision_nms.pt");
    let inputs = &io::read(&path.with_extension("io.pt"))[0].inputs;
    let error = error_of("archs/detector_torchvision_nms", inputs).to_string();
    assert!(
        error.contains("`torchvision::nms`") && error.contains("--library FILE.so"),
        "{error}"
    );
}

#[test]
fn inputs_are_checked_before_the_run() {
    let resnet = "archs/resnet_traced";
    let count = error_of(resnet, &[]).to_string();
    assert_eq!(count, "expected 1 inputs, found 0");
    let kind = error_of(resnet, &[Value::Int(3)]).to_string();
    assert_eq!(kind, "input `x`: expected Tensor, found int");
}

#[test]
fn a_method_that_is_not_there() {
    let model = model("archs/resnet_traced");
    let options = Options {
        method: "backward".into(),
        ..Options::default()
    };
    let error = TorchEngine::new(&model, options).err().unwrap().to_string();
    assert_eq!(error, "the model has no method `backward`");
}

#[test]
fn a_library_that_is_not_there() {
    let error = torch::load_library("no/such/library.so")
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("library `no/such/library.so`: "),
        "{error}"
    );
}

#[test]
fn a_file_libtorch_refuses_is_an_error_not_a_crash() {
    let path = repository("testdata/core/module_name_keyword_refused.pt");
    let error = Reference::load(path.to_str().unwrap(), None).err().unwrap();
    assert!(error.to_string().starts_with("libtorch: "), "{error}");
}

#[test]
fn an_engine_runs_again_after_an_error() {
    let path = repository("testdata/archs/resnet_traced.pt");
    let model = Model::open(&path).unwrap();
    let mut engine = TorchEngine::new(&model, Options::default()).unwrap();
    let call = &io::read(&path.with_extension("io.pt"))[0];
    engine.run(&[f32s(&[1])], &mut NoTap).unwrap_err();
    let output = engine.run(&call.inputs, &mut NoTap).unwrap();
    assert!(io::same(&output, call.output.as_ref().unwrap()));
}

#[test]
fn what_a_model_prints_goes_to_the_sink() {
    let path = repository("testdata/core/prints.pt");
    let model = Model::open(&path).unwrap();
    let said = Rc::new(RefCell::new(Vec::new()));
    let sink = Rc::clone(&said);
    let options = Options {
        sink: Some(Box::new(move |message| sink.borrow_mut().push(message))),
        ..Options::default()
    };
    let mut engine = TorchEngine::new(&model, options).unwrap();
    let inputs = &io::read(&path.with_extension("io.pt"))[0].inputs;
    engine.run(inputs, &mut NoTap).unwrap();
    let expected = "value 1 2.5 True None [1, 2] {a: 1} (1, b)\n";
    assert!(
        said.borrow().contains(&Message::Printed(expected.into())),
        "{:?}",
        said.borrow()
    );
}
