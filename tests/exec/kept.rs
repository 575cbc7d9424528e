//! Kept values stay as they were produced, whatever in-place operators do later.

use super::fixtures::{positional, runnable};
use super::{io, repository};
use ptool::exec::Engine;
use ptool::exec::torch::{self, Options, TorchEngine};
use ptool::exec::{Event, Kept, NoTap, Tap, TapError, Value};
use ptool::model::Model;
use std::path::Path;

/// Keeps every value, and copies it at once to know what it was.
#[derive(Default)]
struct Keeper {
    values: Vec<(String, Kept, Value)>,
}

impl Tap for Keeper {
    fn produced(&mut self, event: &Event<'_>) -> Result<(), TapError> {
        let name = format!("{} {}.{}", event.scope, event.kind, event.output);
        self.values
            .push((name, event.keep()?, event.value.to_value()?));
        Ok(())
    }
}

fn check(path: &Path) -> Result<usize, String> {
    let model = Model::open(path).map_err(|e| e.to_string())?;
    let mut engine = TorchEngine::new(&model, Options::default()).map_err(|e| e.to_string())?;
    let call = &io::read(&path.with_extension("io.pt"))[0];
    let inputs = positional(call, engine.params());
    let mut plain = TorchEngine::new(&model, Options::default()).map_err(|e| e.to_string())?;
    torch::manual_seed(0).unwrap();
    let Ok(expected) = plain.run(&inputs, &mut NoTap) else {
        return Ok(0);
    };
    let mut keeper = Keeper::default();
    torch::manual_seed(0).unwrap();
    let tapped = engine
        .run(&inputs, &mut keeper)
        .map_err(|e| e.to_string())?;
    if !io::same(&expected, &tapped) {
        return Err("the tap changes the result".into());
    }
    for (name, kept, copy) in &keeper.values {
        let now = kept.with(|value| value.to_value()).unwrap().unwrap();
        if !io::same(&now, copy) {
            return Err(format!("{name}: {now:?} was kept as {copy:?}"));
        }
    }
    Ok(keeper.values.len())
}

#[test]
fn kept_values_are_the_produced_ones() {
    torch::set_threads(1).unwrap();
    let mut kept = 0;
    for path in runnable(&repository("testdata")) {
        kept += check(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    }
    assert!(kept > 1000, "only {kept} values");
}

#[test]
fn an_in_place_operator_spares_what_is_kept_before_it() {
    let path = repository("testdata/core/inplace_relu_add.pt");
    let model = Model::open(&path).unwrap();
    let mut engine = TorchEngine::new(&model, Options::default()).unwrap();
    let inputs = &io::read(&path.with_extension("io.pt"))[0].inputs;
    let mut keeper = Keeper::default();
    engine.run(inputs, &mut keeper).unwrap();
    let at = keeper
        .values
        .iter()
        .position(|v| v.0.ends_with("relu_.0"))
        .unwrap();
    let value = |i: usize| keeper.values[i].1.with(|v| v.to_value()).unwrap().unwrap();
    assert!(
        !io::same(&value(at), &value(at - 1)),
        "relu_ changes nothing here"
    );
    assert!(io::same(&value(at - 1), &keeper.values[at - 1].2));
}

#[test]
fn writing_to_a_value_being_looked_at_is_an_error() {
    let path = repository("testdata/core/inplace_relu_add.pt");
    let model = Model::open(&path).unwrap();
    let mut engine = TorchEngine::new(&model, Options::default()).unwrap();
    let inputs = &io::read(&path.with_extension("io.pt"))[0].inputs;
    let mut run = engine.start(inputs).unwrap();
    let mut kept = Vec::new();
    let failed = loop {
        match run.advance() {
            Ok(Some(step)) => kept.push(step.event().unwrap().keep().unwrap()),
            Ok(None) => panic!("no operator writes in place"),
            Err(error) => panic!("{error}"),
        }
        let last = kept.last().unwrap();
        let mut next = None;
        last.with(|_| next = Some(run.advance().map(|step| step.is_some())))
            .unwrap();
        match next.unwrap() {
            Ok(true) => {}
            Ok(false) => panic!("no operator writes in place"),
            Err(error) => break error.to_string(),
        }
    };
    assert!(failed.contains("being looked at"), "{failed}");
    drop(kept);
    engine.run(inputs, &mut NoTap).unwrap();
}
