//! Source text in, source text out.

use super::super::flow::{self, Root, Step};
use super::super::pattern::Patterns;
use super::*;
use crate::torchscript::parse::parse_strict;

fn rewrite_with(
    code: &str,
    options: &Options,
    stored: Vec<(Root, flow::Path)>,
) -> (String, Report) {
    let units = [Unit::new(
        "code/__torch__.py".into(),
        code.into(),
        parse_strict(code.as_bytes()).expect("the test's code parses"),
    )];
    let names = Names::new(&units);
    let facts = flow::analyse(&names, Some("__torch__.M"), stored);
    let mut report = Report::default();
    let mut attributes = FxHashMap::default();
    attributes.insert(
        ("__torch__.M".into(), "d".into()),
        vec![Device::parse("cuda:0").unwrap()],
    );
    let planner = Planner {
        options,
        names: &names,
        units: &units,
        facts: &facts,
        scopes: &FxHashMap::default(),
        stored: &attributes,
        python: &|_, _| None,
        report: &mut report,
        edits: units.iter().map(|_| Edits::default()).collect(),
    };
    let edited = planner.run().expect("edits do not collide").pop().flatten();
    report.sort();
    let text = edited.map_or(code.to_owned(), |e| String::from_utf8(e.text).unwrap());
    (text, report)
}

fn options(target: &str) -> Options {
    Options {
        target: target.parse().unwrap(),
        keep: Patterns::default(),
        only: Vec::new(),
    }
}

/// Runs one method body; gives the body after the rewrite.
fn body(target: &str, body: &str) -> (String, Report) {
    let indented: String = body.lines().map(|l| format!("    {l}\n")).collect();
    let head = "class M(Module):\n  d : Device\n  name : str\n  def forward(self: __torch__.M,\n    x: Tensor,\n    dev: str=\"cuda\") -> Tensor:\n";
    let (text, report) = rewrite_with(&format!("{head}{indented}"), &options(target), Vec::new());
    let rest = text.split_once("Tensor:\n").unwrap().1;
    (
        rest.lines().map(|l| format!("{}\n", &l[4..])).collect(),
        report,
    )
}

#[track_caller]
fn becomes(target: &str, before: &str, after: &str) {
    let (text, report) = body(target, &format!("{before}\nreturn x"));
    assert_eq!(text, format!("{after}\nreturn x\n"), "{report:#?}");
}

#[track_caller]
fn stays(target: &str, code: &str, why: &str) {
    let (text, report) = body(target, &format!("{code}\nreturn x"));
    assert_eq!(text, format!("{code}\nreturn x\n"));
    let reasons: Vec<&str> = report
        .left
        .iter()
        .map(|l| l.reason.as_str())
        .chain(report.warnings.iter().map(|w| w.message.as_str()))
        .collect();
    assert!(reasons.iter().any(|r| r.contains(why)), "{reasons:#?}");
}

#[test]
fn literals() {
    becomes(
        "cuda",
        r#"y = torch.to(x, torch.device("cpu"))"#,
        r#"y = torch.to(x, torch.device("cuda"))"#,
    );
    becomes(
        "cuda:1",
        r#"y = torch.to(x, "cpu")"#,
        r#"y = torch.to(x, "cuda:1")"#,
    );
    becomes("cpu", "y = x.to('cuda:0')", "y = x.to('cpu')");
    becomes(
        "cpu",
        r#"y = torch.zeros([2], device="cuda")"#,
        r#"y = torch.zeros([2], device="cpu")"#,
    );
    becomes(
        "cuda",
        r#"y = torch.as_tensor(1, device="cpu")"#,
        r#"y = torch.as_tensor(1, device="cuda")"#,
    );
    becomes(
        "mps",
        r#"d = torch.device("cuda", 1)"#,
        r#"d = torch.device("mps")"#,
    );
    becomes(
        "cuda",
        r#"d = torch.device("cpu", 0)"#,
        r#"d = torch.device("cuda")"#,
    );
    becomes(
        "cpu",
        r#"g = torch.Generator(device=torch.device("cuda"))"#,
        r#"g = torch.Generator(device=torch.device("cpu"))"#,
    );
}

#[test]
fn literals_through_values() {
    becomes(
        "cpu",
        "a = \"cuda\"\nd = torch.device(a)",
        "a = \"cpu\"\nd = torch.device(a)",
    );
    becomes(
        "cpu",
        "t = (\"cuda\", 5)\na, b, = t\ny = torch.to(x, a)",
        "t = (\"cpu\", 5)\na, b, = t\ny = torch.to(x, a)",
    );
    becomes(
        "cpu",
        "t = [\"cuda\"]\n_0 = torch.append(t, \"cuda:1\")\nd = torch.device(t[0])",
        "t = [\"cpu\"]\n_0 = torch.append(t, \"cpu\")\nd = torch.device(t[0])",
    );
    becomes(
        "cpu",
        "t = {\"cuda\": \"cuda\"}\nd = torch.device(t[\"cuda\"])",
        "t = {\"cuda\": \"cpu\"}\nd = torch.device(t[\"cuda\"])",
    );
    becomes(
        "cpu",
        "if torch.eq(1, 2):\n  a = \"cuda\"\nelse:\n  a = \"cuda:1\"\nd = torch.device(a)",
        "if torch.eq(1, 2):\n  a = \"cpu\"\nelse:\n  a = \"cpu\"\nd = torch.device(a)",
    );
}

#[test]
fn computed_texts() {
    becomes(
        "cpu",
        r#"d = torch.device(torch.format("cuda:{}", 1))"#,
        r#"d = torch.device("cpu")"#,
    );
    becomes(
        "cpu",
        r#"d = torch.device(torch.percentFormat("cuda:%d", 1))"#,
        r#"d = torch.device("cpu")"#,
    );
    becomes(
        "cpu",
        r#"d = torch.device(torch.add("cu", "da"))"#,
        r#"d = torch.device("cpu")"#,
    );
    becomes(
        "cpu",
        "_0 = \"cuda:{}\"\nd = torch.device(torch.format(_0, 1))",
        "_0 = \"cuda:{}\"\nd = torch.device(\"cpu\")",
    );
    stays(
        "cpu",
        "n = torch.size(x, 0)\nd = torch.device(torch.format(\"cuda:{}\", n))",
        "device text is computed",
    );
}

#[test]
fn other_strings_stay() {
    stays(
        "cpu",
        r#"b = torch.eq(ops.prim.type(ops.prim.device(x)), "cuda")"#,
        "in a comparison",
    );
    stays("cpu", "b = x.device.type == \"cuda\"", "in a comparison");
    stays(
        "cpu",
        r#"b = torch.__contains__(["cuda", "cpu"], "cuda")"#,
        "in a comparison",
    );
    stays("cpu", r#"t = {"cuda": 1}"#, "as a key");
    stays("cpu", r#"print("cuda")"#, "in a message");
    stays("cpu", r#"ops.prim.RaiseException("cuda")"#, "in a message");
    stays(
        "cpu",
        r#"s = torch.format("on {}", "cuda")"#,
        "in a string operation",
    );
    stays("cpu", r#"a = "cuda""#, "never used as a device");
    stays(
        "cpu",
        r#"a = ops.company.op(x, "cuda")"#,
        "argument `1` of `company::op`",
    );
    stays(
        "cpu",
        "a = \"cuda\"\nprint(a)\nd = torch.device(a)",
        "also in a message",
    );
    stays("cpu", "b = ops.prim.is_cuda(x)", "makes the outcome depend");
    stays("cpu", "ops.cuda.synchronize()", "exists for CUDA only");
    stays("cpu", "y = torch.pin_memory(x)", "pinned memory needs CUDA");
    stays("cpu", "y = torch.to(x, 5)", "half precision");
}

#[test]
fn device_comparisons_move_with_a_warning() {
    let code = "b = torch.eq(ops.prim.device(x), torch.device(\"cuda\", 0))\nreturn x";
    let (text, report) = body("cpu", code);
    assert!(text.contains("torch.device(\"cpu\")"), "{text}");
    assert!(
        report.warnings[0].message.contains("depend on the device"),
        "{report:#?}"
    );
}

#[test]
fn defaults_attributes_and_arguments() {
    let code = r#"def pick(name: str, device: str) -> Device:
  print(name)
  return torch.device(device)
class M(Module):
  name : str
  def forward(self: __torch__.M,
    x: Tensor,
    dev: str="cpu",
    label: str="cpu",
    place: Device=torch.device("cpu")) -> Tensor:
    self.name = "cpu"
    a = torch.to(x, torch.device(dev))
    b = torch.to(a, __torch__.pick("cpu", "cpu", ))
    c = torch.to(b, torch.device(self.name))
    print(label)
    return c
"#;
    let (text, report) = rewrite_with(code, &options("cuda"), Vec::new());
    assert!(
        text.contains("dev: str=\"cuda\",\n    label: str=\"cpu\",\n"),
        "{text}"
    );
    assert!(
        text.contains("place: Device=torch.device(\"cuda\")"),
        "{text}"
    );
    assert!(
        text.contains("__torch__.pick(\"cpu\", \"cuda\", )"),
        "{text}"
    );
    assert!(text.contains("self.name = \"cuda\""), "{text}");
    let (back, _) = rewrite_with(&text, &options("cpu"), Vec::new());
    assert_eq!(back, code);
    assert_eq!(report.left.len(), 2, "{report:#?}");
}

#[test]
fn methods() {
    becomes("cpu", "y = torch.cuda(x)", "y = torch.cpu(x)");
    becomes("cuda", "y = torch.cpu(x)", "y = torch.cuda(x)");
    becomes(
        "cuda:1",
        "y = torch.cpu(x)",
        "y = torch.to(x, torch.device(\"cuda:1\"))",
    );
    becomes("mps", "y = x.cpu()", "y = x.to(torch.device(\"mps\"))");
    becomes("cpu", "y = x.cuda()", "y = x.cpu()");
    becomes("cuda", "y = torch.cuda(x)", "y = torch.cuda(x)");
}

#[test]
fn follows_the_input() {
    let device = "ops.prim.device(x)";
    becomes(
        "follow-input",
        r#"y = torch.to(x, torch.device("cpu"))"#,
        &format!("y = torch.to(x, {device})"),
    );
    becomes(
        "follow-input",
        r#"y = torch.to(x, "cpu")"#,
        &format!("y = torch.to(x, {device})"),
    );
    becomes(
        "follow-input",
        r#"d = torch.device("cuda", 1)"#,
        &format!("d = {device}"),
    );
    becomes(
        "follow-input",
        "y = torch.cpu(x)",
        &format!("y = torch.to(x, {device})"),
    );
    becomes(
        "follow-input",
        "y = x.cuda()",
        &format!("y = x.to({device})"),
    );
    becomes(
        "follow-input",
        "y = torch.to(x, self.d)",
        &format!("y = torch.to(x, {device})"),
    );
    becomes(
        "follow-input",
        r#"d = torch.device(torch.format("cuda:{}", 1))"#,
        &format!("d = {device}"),
    );
    stays(
        "follow-input",
        "d = torch.device(dev)",
        "comes from elsewhere",
    );
}

#[test]
fn follows_what_is_at_hand() {
    let code = r#"class M(Module):
  __parameters__ = ["w", ]
  w : Tensor
  def late(self: __torch__.M,
    n: int) -> Tensor:
    if torch.eq(n, 1):
      z = torch.rand([2])
    else:
      pass
    a = torch.zeros([2], device=torch.device("cpu"))
    return torch.to(a, torch.device("cpu"))
def none(n: int) -> Device:
  return torch.device("cpu")
"#;
    let (text, report) = rewrite_with(code, &options("follow-input"), Vec::new());
    assert!(text.contains("device=ops.prim.device(self.w))"), "{text}");
    assert!(
        text.contains("return torch.to(a, ops.prim.device(a))"),
        "{text}"
    );
    assert!(text.contains("return torch.device(\"cpu\")"), "{text}");
    assert!(
        report
            .warnings
            .iter()
            .any(|w| w.message.contains("no tensor is at hand"))
    );
}

#[test]
fn only_and_keep() {
    let code = "class M(Module):\n  def forward(self: __torch__.M,\n    x: Tensor) -> Tensor:\n    y = torch.to(x, torch.device(\"cpu\"))\n    return torch.to(y, torch.device(\"cuda:0\"))\n";
    let mut only = options("mps");
    only.only = vec![Device::parse("cuda").unwrap()];
    let (text, report) = rewrite_with(code, &only, Vec::new());
    assert!(
        text.contains("torch.device(\"cpu\")") && text.contains("torch.device(\"mps\")"),
        "{text}"
    );
    assert_eq!(report.left[0].reason, "not selected by `--only`");
    let mut keep = options("mps");
    keep.keep = Patterns::new(["*.M.forward".to_owned()]);
    let (text, report) = rewrite_with(code, &keep, Vec::new());
    assert_eq!(text, code);
    assert_eq!(report.left[0].reason, "kept by `--keep *.M.forward`");
}

#[test]
fn stored_strings_flow() {
    let code = "class M(Module):\n  cfg : Dict[str, str]\n  def forward(self: __torch__.M,\n    x: Tensor) -> Tensor:\n    return torch.to(x, torch.device(self.cfg[\"where\"]))\n";
    let units = [Unit::new(
        "code/__torch__.py".into(),
        code.into(),
        parse_strict(code.as_bytes()).unwrap(),
    )];
    let names = Names::new(&units);
    let root = Root::Attribute("__torch__.M".into(), "cfg".into());
    let facts = flow::analyse(&names, None, [(root, [Step::Value].into_iter().collect())]);
    assert_eq!(
        verdict::by_uses("cpu", facts.uses[0].iter()),
        Verdict::Change
    );
}
