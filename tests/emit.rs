//! Files made from nothing: what was put in is read back, and sources are in torch's layout.

use ptool::archive::pickle::Value as Stored;
use ptool::archive::{Archive, TensorView};
use ptool::emit::{ClassSpec, Emit, EmitError, Method, Value};
use ptool::model::Model;
use ptool::tensor::DType;
use ptool::torchscript::{parse::parse_strict, print::print};

/// Compares with `snapshots/emit/NAME.snap`.
fn snapshot(name: &str, text: impl std::fmt::Display) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(concat!(env!("CARGO_MANIFEST_DIR"), "/snapshots/emit"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text.to_string()));
}

/// A leaf with one parameter and one hyperparameter.
fn leaf(stride: &str) -> ClassSpec {
    ClassSpec::module("__torch__.torch.nn.modules.leaf.Leaf")
        .parameter("weight")
        .buffer("running")
        .attribute("stride", stride)
        .method(
            Method::new("forward", "Tensor")
                .param("x", "Tensor")
                .body("_0 = torch.mul(x, self.weight)\nreturn torch.add(_0, self.running)"),
        )
}

/// Two leaves that share a weight, one of another type, under names that are no identifiers.
pub(crate) fn tree() -> Result<Vec<u8>, EmitError> {
    let mut emit = Emit::new("tree");
    let one = emit.class(leaf("int"))?;
    let same = emit.class(leaf("int"))?;
    let other = emit.class(leaf("Tuple[int, int]"))?;
    assert_eq!(one, same);
    assert_ne!(one, other);
    let weight = emit.f32_tensor(&[1.0, 2.0, 3.0], &[3], true)?;
    let running = emit.f32_tensor(&[0.5], &[1], false)?;
    let tensors = [Value::Tensor(weight), Value::Tensor(running)];
    let with = |stride| [tensors[0].clone(), tensors[1].clone(), stride].to_vec();
    let first = emit.object(one, with(Value::Int(2)))?;
    let second = emit.object(other, with(Value::int_tuple(&[1, 2])))?;
    let spec = ClassSpec::module("__torch__.Tree")
        .attribute("0", emit.class_name(one))
        .attribute("other", emit.class_name(other))
        .attribute("again", emit.class_name(one))
        .attribute("name", "str")
        .attribute("eps", "float")
        .attribute("maybe", "Optional[int]")
        .attribute("many", "List[float]")
        .attribute("words", "List[str]")
        .attribute("table", "Dict[str, int]")
        .method(
            Method::new("forward", "Tensor")
                .param("x", "Tensor")
                .param_or("k", "int", "2")
                .body(
                    "_0 = __torch__.helpers.twice\n\
                     first = (getattr(self, \"0\")).forward(x, )\n\
                     second = (self.other).forward(first, )\n\
                     if torch.gt(k, 1):\n  r = _0(second, )\nelse:\n  r = second\n\
                     return torch.div(r, CONSTANTS.c0)",
                ),
        );
    let class = emit.class(spec)?;
    emit.source(
        "__torch__.helpers",
        "def twice(x: Tensor) -> Tensor:\n  return torch.mul(x, 2)\n",
    )?;
    let two = emit.f32_tensor(&[2.0], &[], false)?;
    assert_eq!(emit.constant(Value::Tensor(two)), "CONSTANTS.c0");
    let root = emit.object(
        class,
        vec![
            Value::Object(first),
            Value::Object(second),
            Value::Object(first),
            Value::str("tree"),
            Value::Float(1e-5),
            Value::None,
            Value::floats(&[0.5, 2.0]),
            Value::list("str", vec![Value::str("tree"), Value::str("b")]),
            Value::Dict {
                key: "str".into(),
                value: "int".into(),
                items: vec![(Value::str("a"), Value::Int(-70_000))],
            },
        ],
    )?;
    emit.extra("producer", *b"test");
    Ok(emit.finish(root)?.to_bytes()?)
}

#[test]
fn what_was_put_in_is_read_back() {
    let model = Model::from_bytes(tree().expect("emitted")).expect("readable");
    assert!(model.diagnostics.is_empty(), "{:?}", model.diagnostics);
    assert_eq!(model.root_class, "__torch__.Tree");
    assert_eq!(
        model.archive.version().expect("a version"),
        4,
        "div needs 4"
    );
    snapshot("tree", everything(&model));
}

/// Sources and attribute values.
fn everything(model: &Model) -> String {
    let mut out = String::new();
    for (id, record) in model.archive.entries() {
        out.push_str(&format!("--- {record}\n"));
        if record.ends_with(".py") {
            let text = model.archive.text(id).expect("readable");
            out.push_str(&String::from_utf8_lossy(&text));
        }
    }
    let data = model.archive.data().expect("decodes");
    for (_, value) in data.values() {
        if let Stored::Object(object) = value {
            out.push_str(&format!(
                "{}\n",
                data.qualified_name(data.object(object).class)
            ));
        }
    }
    out
}

#[test]
fn sources_are_in_torchs_layout() {
    let archive = Archive::from_bytes(tree().expect("emitted")).expect("readable");
    for (id, record) in archive.entries().filter(|it| it.1.ends_with(".py")) {
        let text = archive.text(id).expect("readable");
        let file = parse_strict(&text).expect("parses");
        assert_eq!(print(&file).as_bytes(), &text[..], "{record}");
    }
}

#[test]
fn sharing_stays_sharing() {
    let archive = Archive::from_bytes(tree().expect("emitted")).expect("readable");
    let data = archive.data().expect("decodes");
    assert_eq!(
        data.tensors().count(),
        2,
        "the weight and the buffer, once each"
    );
    assert_eq!(data.storages().count(), 2);
    let objects = data.values().filter(|it| matches!(it.1, Stored::Object(_)));
    assert_eq!(objects.count(), 3, "`again` is `0`");
}

#[test]
fn tensors_of_another_file_are_not_copied() {
    let source = Archive::from_bytes(tree().expect("emitted")).expect("readable");
    let data = source.data().expect("decodes");
    let views: Vec<TensorView> = data
        .tensors()
        .filter_map(|it| data.view(it.0).expect("sound"))
        .collect();
    let mut emit = Emit::new("copy");
    let spec = ClassSpec::module("__torch__.Copy").buffer("a").buffer("b");
    let class = emit.class(spec).expect("sound");
    let a = emit.view(&views[0], false).expect("sound");
    let b = emit.view(&views[0], false).expect("sound");
    let root = emit.object(class, vec![Value::Tensor(a), Value::Tensor(b)]);
    let plan = emit.finish(root.expect("sound")).expect("sound");
    let copy = Archive::from_bytes(plan.to_bytes().expect("written")).expect("readable");
    let copied = copy.data().expect("decodes");
    assert_eq!(copied.tensors().count(), 2);
    assert_eq!(
        copied
            .tensors()
            .map(|it| copied.view(it.0))
            .filter(|it| {
                it.as_ref()
                    .is_ok_and(|it| it.as_ref().is_some_and(|it| it.bits_equal(&views[0])))
            })
            .count(),
        2
    );
    let records = copy.entries().filter(|it| it.1.starts_with("data/"));
    assert_eq!(records.count(), 1, "two views of one storage");
}

#[test]
fn what_cannot_be_written_says_why() {
    let mut emit = Emit::new("bad");
    let broken = Method::new("forward", "Tensor").body("x = 1\nreturn (");
    let error = emit.class(ClassSpec::module("__torch__.Bad").method(broken));
    snapshot("broken_source", error.expect_err("does not parse"));
    let class = emit.class(ClassSpec::module("__torch__.Two").buffer("a"));
    let error = emit.object(class.expect("sound"), Vec::new());
    snapshot("too_few_values", error.expect_err("one is missing"));
    let error = emit.class(ClassSpec::module("Net")).expect_err("no module");
    snapshot("unqualified", error);
    let error = emit.new_tensor(DType::F32, &[3], vec![0; 8], false);
    snapshot("short_tensor", error.expect_err("12 bytes needed"));
}
