//! Names and their order: the guide's table, and the layers of every fixture as text.

use super::{case, repository};
use ptool::analysis::profile::{evaluate, names, profile};
use ptool::hbdk::check;
use ptool::model::Model;
use ptool::model::origin::Origins;
use ptool::report::{Paint, profile as report};

/// As artifact.md lists them; the guide's first table leaves `_hz_add` out.
const GUIDE: &str = "\
arg0 arg1 _hz_add _hz_cat _hz_cat_1 _aten_split.0 _aten_split.1 _hz_mul _quantized_ops_0_aten_relu \
_quantized_ops_1_hz_lut _quantized_ops_2_aten_max_val _quantized_ops_2_aten_max_arg _quantized_ops_2_hz_sub \
_quantized_ops_2_exp_hz_segment_lut _quantized_ops_2_hz_sum _quantized_ops_2_reciprocal_hz_segment_lut \
_quantized_ops_2_hz_mul _quantized_ops_3_hz_lut _quantized_ops_4_hz_interpolate _quantized_ops_5_hz_interpolate \
_quantized_ops_6_hz_avg_pool2d _quantized_ops_7_hz_interpolate _quantized_ops_8_hz_interpolate";

fn settings(folder: &str) -> insta::Settings {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(repository(folder));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.remove_input_file();
    settings
}

#[test]
fn the_guides_table() {
    let older = case("guide_older");
    let rows = names(&older.build);
    let own: Vec<&str> = rows.iter().map(|(_, name)| name.as_str()).collect();
    assert_eq!(own, GUIDE.split(' ').collect::<Vec<_>>());
    let newer = case("guide_newer");
    let twice = GUIDE.replace("reciprocal_hz", "reciprocal_reciprocal_hz");
    let own = names(&newer.build).into_iter().map(|(_, name)| name);
    assert_eq!(
        own.collect::<Vec<_>>(),
        twice.split(' ').collect::<Vec<_>>()
    );

    let results = evaluate(&older.build.graph, &rows, &older.inputs).unwrap();
    let found = profile(&older.build.graph, &rows, &older.inputs, &results).unwrap();
    let model = Model::open(repository("testdata/hbdk/guide_older.pt")).unwrap();
    let origins = Origins::new(&model);
    let text = report::report(&found, "bayes", String::new(), &origins).text(Paint::off());
    settings("snapshots/hbdk").bind(|| insta::assert_snapshot!("guide_table", text));
}

#[test]
fn layers_of_every_fixture() {
    for name in super::fixtures() {
        let case = case(&name);
        let text = match case.build.problems.is_empty() {
            true => case.build.graph.to_string(),
            false => check::diagnostics(&case.build)
                .iter()
                .map(|d| format!("{d}\n  {}\n", d.help.as_deref().unwrap_or("-")))
                .collect(),
        };
        settings("snapshots/hbdk").bind(|| insta::assert_snapshot!(name.as_str(), text));
    }
}
