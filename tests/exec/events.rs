//! What taps see: every produced value with its module, in order.

use super::{io, repository};
use ptool::exec::torch::{self, Options, TorchEngine};
use ptool::exec::{Engine, Event, Tap, TapError, ValueRef};
use ptool::model::Model;
use std::fmt::Write;

#[derive(Default)]
struct Listing(String);

impl Listing {
    fn line(&mut self, event: &Event<'_>) {
        let scope = if event.scope.is_empty() {
            "."
        } else {
            event.scope
        };
        let name = event.name.unwrap_or("-");
        let _ = writeln!(
            self.0,
            "{scope} {} %{name} {}",
            event.kind,
            shown(&event.value)
        );
    }
}

impl Tap for Listing {
    fn produced(&mut self, event: &Event<'_>) -> Result<(), TapError> {
        self.line(event);
        Ok(())
    }

    fn returned(&mut self, event: &Event<'_>) -> Result<(), TapError> {
        self.line(event);
        Ok(())
    }
}

fn shown(value: &ValueRef<'_>) -> String {
    let all = |items: &[ValueRef<'_>]| items.iter().map(shown).collect::<Vec<_>>().join(", ");
    match value {
        ValueRef::Tensor(tensor) => format!("{}{:?}", tensor.dtype, tensor.sizes),
        ValueRef::List(items) => format!("[{}]", all(items)),
        ValueRef::Tuple(items) => format!("({})", all(items)),
        ValueRef::Dict(items) => format!("dict of {}", items.len()),
        other => format!("{:?}", other.to_value().unwrap()),
    }
}

fn snapshot(name: &str) {
    torch::set_threads(1).unwrap();
    let path = repository(&format!("testdata/{name}.pt"));
    let model = Model::open(&path).unwrap();
    let mut engine = TorchEngine::new(&model, Options::default()).unwrap();
    let inputs = &io::read(&path.with_extension("io.pt"))[0].inputs;
    let mut listing = Listing::default();
    engine.run(inputs, &mut listing).unwrap();
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(repository("snapshots/exec"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.remove_input_file();
    let name = name.replace('/', "_");
    settings.bind(|| insta::assert_snapshot!(name, listing.0));
}

#[test]
fn traced_residual_network() {
    snapshot("archs/resnet_traced");
}

#[test]
fn loops_branches_and_calls() {
    snapshot("core/loop_break_continue");
    snapshot("core/interfaces");
    snapshot("core/shared_submodule");
}

#[test]
fn in_place_operators() {
    snapshot("core/inplace_relu_add");
}
