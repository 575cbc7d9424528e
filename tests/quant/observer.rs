//! Observers against numpy's and torch.ao's results (`testdata/gen/observers.py`), and laws that need no reference.

use proptest::prelude::*;
use ptool::quant::observer::{
    Grid, Observer, ObserverError, ObserverKind, ObserverSpec, ObserverValue,
};
use ptool::quant::qconfig::{March, QDType, RoundMode};
use serde_json::Value as Json;

const INT8: Grid = Grid {
    quant_min: -128,
    quant_max: 127,
    is_bpu_round: false,
    is_power_of_two: false,
};

/// The generator of `observers.py`.
struct Uniform(u64);

impl Uniform {
    fn next(&mut self) -> f64 {
        let product = self.0.wrapping_mul(6_364_136_223_846_793_005);
        self.0 = product.wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f64 / f64::from(1 << 24)
    }

    fn normal(&mut self) -> f64 {
        (0..12).fold(0.0, |sum, _| sum + self.next()) - 6.0
    }

    fn draw(&mut self, name: &str) -> f64 {
        match name {
            "normal" | "outlier" => self.normal(),
            "uniform" => self.next() * 4.0 - 1.0,
            "long_tail" => self.normal() / (self.next() + 0.01),
            "bimodal" => self.normal() * 0.05 + if self.next() < 0.5 { -1.0 } else { 3.0 },
            "relu" => self.normal().max(0.0),
            "negative" => -self.next() - 0.25,
            "constant" => 0.7,
            "zero" => 0.0,
            "tiny" => self.normal() * 1e-7,
            other => panic!("no distribution {other}"),
        }
    }
}

struct Batch {
    shape: Vec<i64>,
    x: Vec<f32>,
}

fn batches(name: &str, seed: u64, shapes: &Json) -> Vec<Batch> {
    let mut uniform = Uniform(seed);
    let shapes: Vec<Vec<i64>> = serde_json::from_value(shapes.clone()).unwrap();
    let batch = |shape: Vec<i64>| {
        let n = shape.iter().product::<i64>() as usize;
        let mut x: Vec<f32> = (0..n).map(|_| uniform.draw(name) as f32).collect();
        if name == "outlier" {
            x[n / 2] = 100.0;
        }
        Batch { shape, x }
    };
    shapes.into_iter().map(batch).collect()
}

fn expected() -> Json {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/testdata/observer/expected.json"
    );
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn floats(json: &Json) -> Vec<f32> {
    let numbers = json.as_array().unwrap().iter();
    numbers.map(|it| it.as_f64().unwrap() as f32).collect()
}

fn spec(case: &Json) -> ObserverSpec {
    let mut spec = ObserverSpec::named(case["observer"].as_str().unwrap()).unwrap();
    spec.averaging_constant = case["averaging_constant"].as_f64().unwrap();
    for (name, value) in case["parameters"].as_object().unwrap() {
        let value = match value.as_i64() {
            Some(n) => ObserverValue::Int(n),
            None => ObserverValue::Float(value.as_f64().unwrap()),
        };
        spec.set(name, value).unwrap();
    }
    spec
}

fn grid(case: &Json) -> Grid {
    Grid {
        quant_min: case["quant_min"].as_i64().unwrap() as i32,
        quant_max: case["quant_max"].as_i64().unwrap() as i32,
        is_bpu_round: case["is_bpu_round"].as_bool().unwrap(),
        is_power_of_two: case["is_power_of_two"].as_bool().unwrap(),
    }
}

/// Within some units in the last place.
fn assert_close(found: &[f32], expected: &[f32], ulps: u32, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (a, b) in found.iter().zip(expected) {
        let same = a == b || a.to_bits().abs_diff(b.to_bits()) <= ulps;
        assert!(same, "{what}: {found:?}, expected {expected:?}");
    }
}

#[test]
fn every_observer_agrees_with_numpy_on_every_distribution() {
    let expected = expected();
    let mut count = 0;
    for distribution in expected["distributions"].as_array().unwrap() {
        let name = distribution["name"].as_str().unwrap();
        let seed = distribution["seed"].as_u64().unwrap();
        let batches = batches(name, seed, &expected["batches"]);
        assert_eq!(
            batches[0].x[..3],
            floats(&distribution["first"])[..],
            "{name}: other data"
        );
        for case in distribution["cases"].as_array().unwrap() {
            let spec = spec(case);
            let mut observer =
                Observer::new(spec, grid(case), case["ch_axis"].as_i64().unwrap()).unwrap();
            for batch in &batches {
                observer.observe(&batch.x, &batch.shape).unwrap();
            }
            let found = observer.qparams();
            // The moments are sums, whose last bit depends on their order; torch.linspace depends on the machine's
            // vectors.
            let ulps = match spec.kind {
                ObserverKind::ClipStd { .. } => 1,
                ObserverKind::Kl { .. } => 2,
                _ => 0,
            };
            let what = format!("{name}: {case}");
            assert_close(&found.min_val, &floats(&case["min_val"]), ulps, &what);
            assert_close(&found.max_val, &floats(&case["max_val"]), ulps, &what);
            assert_close(&found.scale, &floats(&case["scale"]), ulps, &what);
            count += 1;
        }
    }
    assert_eq!(count, 230);
}

#[test]
fn min_max_scales_are_torch_aos_to_the_last_bit() {
    let expected = expected();
    for distribution in expected["distributions"].as_array().unwrap() {
        let name = distribution["name"].as_str().unwrap();
        let seed = distribution["seed"].as_u64().unwrap();
        let batches = batches(name, seed, &expected["batches"]);
        for (class, scale) in distribution["torch_ao"].as_object().unwrap() {
            let key = match class.starts_with("Moving") {
                true => "min_max",
                false => "running_min_max",
            };
            let ch_axis = if class.contains("PerChannel") { 1 } else { -1 };
            let spec = ObserverSpec::named(key).unwrap();
            let mut observer = Observer::new(spec, INT8, ch_axis).unwrap();
            for batch in &batches {
                observer.observe(&batch.x, &batch.shape).unwrap();
            }
            assert_eq!(observer.qparams().scale, floats(scale), "{name}: {class}");
            // The widest range of all batches is the range of everything.
            if key == "running_min_max" {
                let mut widest = Observer::new(ObserverSpec::default(), INT8, ch_axis).unwrap();
                widest.keep_widest();
                for batch in &batches {
                    widest.observe(&batch.x, &batch.shape).unwrap();
                }
                assert_eq!(widest.qparams(), observer.qparams(), "{name}: {class}");
            }
        }
    }
}

#[test]
fn values_that_are_no_numbers_are_refused_with_their_place() {
    for key in ObserverSpec::KEYS {
        let spec = ObserverSpec::named(key).unwrap();
        for (value, text) in [
            (f32::NAN, "NaN"),
            (f32::INFINITY, "inf"),
            (f32::NEG_INFINITY, "-inf"),
        ] {
            for at in [0, 7, 79] {
                let mut x = vec![0.5; 80];
                x[at] = value;
                let mut observer = Observer::new(spec, INT8, -1).unwrap();
                let result = observer.observe(&x, &[2, 4, 10]);
                if key == "fixed_scale" {
                    assert_eq!(result, Ok(()));
                    continue;
                }
                let place = [at / 40, at / 10 % 4, at % 10];
                assert_eq!(
                    result.unwrap_err().to_string(),
                    format!("value {text} at {place:?} of a tensor of shape 2x4x10"),
                    "{key}"
                );
                assert!(!observer.has_observed());
            }
        }
    }
    for (shape, ch_axis) in [(vec![4, 20], 0), (vec![4, 20], 1)] {
        let mut x = vec![0.5; 80];
        x[33] = f32::NAN;
        let mut observer = Observer::new(ObserverSpec::default(), INT8, ch_axis).unwrap();
        let error = observer.observe(&x, &shape).unwrap_err();
        assert!(matches!(error, ObserverError::NotFinite { .. }));
    }
}

#[test]
fn without_data_the_scale_is_one() {
    for key in ObserverSpec::KEYS {
        let mut observer = Observer::new(ObserverSpec::named(key).unwrap(), INT8, -1).unwrap();
        observer.observe(&[], &[0, 3]).unwrap();
        assert_eq!(observer.qparams().scale, [1.0], "{key}");
        assert_eq!(observer.has_observed(), key == "fixed_scale");
    }
}

#[test]
fn a_fixed_scale_is_what_was_given() {
    let mut spec = ObserverSpec::named("fixed_scale").unwrap();
    spec.set("scale", ObserverValue::Float(1.0 / 128.0))
        .unwrap();
    let mut observer = Observer::new(spec, INT8, -1).unwrap();
    observer.observe(&[5.0, -3.0], &[2]).unwrap();
    assert_eq!(observer.qparams().scale, [0.0078125]);
}

#[test]
fn observers_of_one_scale_refuse_channels() {
    for key in ["percentile", "kl", "mix", "clip_std"] {
        let error = Observer::new(ObserverSpec::named(key).unwrap(), INT8, 0).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("observer `{key}` works per tensor; use ch_axis -1, or min_max, mse or clip")
        );
    }
}

#[test]
fn shapes_must_fit() {
    let mut observer = Observer::new(ObserverSpec::default(), INT8, 1).unwrap();
    let error = observer.observe(&[1.0; 6], &[2, 4]).unwrap_err();
    assert_eq!(error.to_string(), "6 values for shape 2x4");
    let error = observer.observe(&[1.0; 6], &[6]).unwrap_err();
    assert_eq!(error.to_string(), "a tensor of shape 6 has no axis 1");
    observer.observe(&[1.0; 6], &[2, 3]).unwrap();
    let error = observer.observe(&[1.0; 6], &[3, 2]).unwrap_err();
    assert_eq!(error.to_string(), "2 channels, 3 before");
}

#[test]
fn a_kl_histogram_that_cannot_grow_is_an_error() {
    let mut spec = ObserverSpec::named("kl").unwrap();
    spec.set("update_interval", ObserverValue::Int(2)).unwrap();
    let mut observer = Observer::new(spec, INT8, -1).unwrap();
    observer.observe(&[1e-6, 2e-6], &[2]).unwrap();
    let error = observer.observe(&[1e20], &[1]).unwrap_err();
    assert!(
        error.to_string().ends_with("set update_interval to 1"),
        "{error}"
    );
}

#[test]
fn grids_follow_dtype_march_and_round_mode() {
    let grid = Grid::new(QDType::Qint16, RoundMode::BpuRound, March::Bernoulli);
    assert_eq!((grid.quant_min, grid.quant_max), (-32768, 32767));
    assert!(grid.is_bpu_round && grid.is_power_of_two);
    assert_eq!(
        Grid::new(QDType::Qint8, RoundMode::HalfToEven, March::Bayes),
        INT8
    );
    assert_eq!(INT8.fake_quant(0.26, 0.5), 0.5);
    assert_eq!(INT8.fake_quant(0.25, 0.5), 0.0);
    assert_eq!(INT8.fake_quant(-100.0, 0.5), -64.0);
    assert_eq!(
        Grid {
            is_bpu_round: true,
            ..INT8
        }
        .fake_quant(0.25, 0.5),
        0.5
    );
}

fn finite() -> impl Strategy<Value = f32> {
    prop_oneof![
        4 => -10.0_f32..10.0,
        1 => Just(0.0),
        1 => -1e30_f32..1e30,
        1 => -1e-20_f32..1e-20,
    ]
}

fn observed(spec: ObserverSpec, ch_axis: i64, parts: &[&[f32]], channels: i64) -> Observer {
    let mut observer = Observer::new(spec, INT8, ch_axis).unwrap();
    for part in parts {
        let shape = [part.len() as i64 / channels, channels];
        observer.observe(part, &shape).unwrap();
    }
    observer
}

proptest! {
    #[test]
    fn running_extremes_merge_to_those_of_everything(
        x in proptest::collection::vec(finite(), 0..200), at in 0..200_usize, ch_axis in prop_oneof![Just(-1_i64), Just(1)]
    ) {
        let x = &x[..x.len() / 4 * 4];
        let (a, b) = x.split_at((at / 4 * 4).min(x.len()));
        let spec = ObserverSpec::named("running_min_max").unwrap();
        let whole = observed(spec, ch_axis, &[x], 4);
        let in_parts = observed(spec, ch_axis, &[a, b], 4);
        let mut merged = observed(spec, ch_axis, &[a], 4);
        merged.merge(&observed(spec, ch_axis, &[b], 4)).unwrap();
        prop_assert_eq!(&whole, &in_parts);
        prop_assert_eq!(&whole, &merged);
    }

    #[test]
    fn a_state_comes_back_and_goes_on_as_if_never_stored(
        x in proptest::collection::vec(-4.0_f32..4.0, 8..100), key in 0..ObserverSpec::KEYS.len()
    ) {
        let mut spec = ObserverSpec::named(ObserverSpec::KEYS[key]).unwrap();
        // A histogram that is under way is state too.
        let _ = spec.set("update_interval", ObserverValue::Int(2));
        let (a, b) = x.split_at(x.len() / 2);
        let observer = observed(spec, -1, &[a], 1);
        let text = serde_json::to_string(&observer).unwrap();
        let mut again: Observer = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(&again, &observer);
        again.observe(b, &[b.len() as i64]).unwrap();
        prop_assert_eq!(again, observed(spec, -1, &[a, b], 1));
    }

    #[test]
    fn scales_are_positive_and_cover_what_min_max_saw(x in proptest::collection::vec(finite(), 1..100)) {
        for key in ObserverSpec::KEYS {
            let spec = ObserverSpec::named(key).unwrap();
            let found = observed(spec, -1, &[&x], 1).qparams();
            prop_assert!(found.scale[0] >= f32::EPSILON && found.scale[0].is_finite(), "{key}");
        }
        let found = observed(ObserverSpec::default(), -1, &[&x], 1).qparams();
        let amplitude = x.iter().fold(0.0_f32, |a, x| a.max(x.abs()));
        prop_assert!(found.scale[0] >= amplitude / 127.5 * 0.999_999);
    }
}

#[test]
fn averages_do_not_merge() {
    let a = observed(ObserverSpec::default(), -1, &[&[1.0]], 1);
    let error = a.clone().merge(&a).unwrap_err();
    assert_eq!(
        error.to_string(),
        "states of observer `min_max` do not merge: its batches have an order"
    );
    let other = observed(ObserverSpec::named("mse").unwrap(), -1, &[&[1.0]], 1);
    assert_eq!(a.clone().merge(&other), Err(ObserverError::MergeOther));
}

#[test]
fn only_values_that_have_steps_get_a_scale_of_their_own() {
    let expected = expected();
    for distribution in expected["distributions"].as_array().unwrap() {
        let name = distribution["name"].as_str().unwrap();
        let seed = distribution["seed"].as_u64().unwrap();
        let batches = batches(name, seed, &expected["batches"]);
        for key in ObserverSpec::KEYS {
            let found = [false, true].map(|keeps| {
                let spec = ObserverSpec::named(key).unwrap();
                let mut observer = Observer::new(spec, INT8, -1).unwrap();
                if keeps {
                    observer.keep_steps();
                }
                for batch in &batches {
                    observer.observe(&batch.x, &batch.shape).unwrap();
                }
                observer.qparams()
            });
            let is_free = ["min_max", "running_min_max", "mse", "mix"].contains(&key);
            let has_steps = is_free && name == "constant";
            assert_eq!(found[0] != found[1], has_steps, "{key} of {name}");
            if has_steps {
                assert_close(&found[1].scale, &[0.7 / 127.0], 1, key);
            }
        }
    }
}
