//! Regions, boxes, voxels and colours against slow formulas, and against torchvision where it has the same function.

mod boxes;
mod points;
mod proposal;
mod regions;

use serde_json::Value;

/// torchvision's results, from `testdata/gen/detection.py`.
fn expected() -> Value {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/testdata/detection/expected.json"
    );
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn numbers(value: &Value) -> Vec<i64> {
    let list = value.as_array().unwrap();
    list.iter().map(|v| v.as_i64().unwrap()).collect()
}
