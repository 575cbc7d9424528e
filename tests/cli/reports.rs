//! Reports for people and for programs, and exit codes.

use super::{ptool, snapshot, transcript};
use ptool::archive::Archive;
use ptool::model::Model;
use std::path::Path;

/// Name of the snapshot, and the command line.
const CASES: &[(&str, &[&str])] = &[
    ("inspect", &["inspect", "core/early_return.pt"]),
    ("inspect_digits", &["inspect", "digits/digits.pt"]),
    (
        "inspect_json",
        &["inspect", "core/early_return.pt", "--format", "json"],
    ),
    (
        "inspect_graph",
        &["inspect", "core/attr_optional.pt", "--graph"],
    ),
    (
        "inspect_graph_dot",
        &[
            "inspect",
            "core/early_return.pt",
            "--graph",
            "--format",
            "dot",
        ],
    ),
    ("inspect_flat", &["inspect", "digits/digits.pt", "--flat"]),
    (
        "inspect_flat_method",
        &[
            "inspect",
            "archs/squeeze_excite_scripted.pt",
            "--flat",
            "--method",
            "backbone.forward",
        ],
    ),
    (
        "inspect_flat_json",
        &[
            "inspect",
            "core/attr_optional.pt",
            "--flat",
            "--format",
            "json",
        ],
    ),
    (
        "inspect_flat_dot",
        &["inspect", "digits/digits.pt", "--flat", "--format", "dot"],
    ),
    (
        "inspect_dot_alone",
        &["inspect", "digits/digits.pt", "--format", "dot"],
    ),
    (
        "inspect_code",
        &["inspect", "core/early_return.pt", "--code"],
    ),
    (
        "inspect_tensors",
        &["inspect", "core/buffers_views.pt", "--tensors"],
    ),
    (
        "inspect_tensors_json",
        &[
            "inspect",
            "core/buffers_views.pt",
            "--tensors",
            "--format",
            "json",
        ],
    ),
    (
        "inspect_entries",
        &["inspect", "core/early_return.pt", "--entries"],
    ),
    (
        "inspect_ops",
        &["inspect", "archs/resnet_traced.pt", "--ops"],
    ),
    (
        "inspect_no_method",
        &[
            "inspect",
            "core/early_return.pt",
            "--graph",
            "--method",
            "backward",
        ],
    ),
    (
        "inspect_no_flat_method",
        &[
            "inspect",
            "core/early_return.pt",
            "--flat",
            "--method",
            "a.forward",
        ],
    ),
    ("inspect_no_file", &["inspect", "core/no_such_file.pt"]),
    ("inspect_state_dict", &["inspect", "archive/save_sd.pth"]),
    ("verify", &["verify", "core/early_return.pt"]),
    (
        "verify_json",
        &["verify", "core/early_return.pt", "--format", "json"],
    ),
    ("verify_state_dict", &["verify", "archive/save_sd.pth"]),
    (
        "diff_same",
        &["diff", "digits/digits.pt", "digits/digits.pt"],
    ),
    ("diff", &["diff", "digits/digits.pt", "digits/digits_v2.pt"]),
    (
        "diff_json",
        &[
            "diff",
            "digits/digits.pt",
            "digits/digits_v2.pt",
            "--format",
            "json",
        ],
    ),
    (
        "diff_graph",
        &[
            "diff",
            "archs/resnet_traced.pt",
            "archs/repvgg_traced.pt",
            "--graph",
            "-U",
            "0",
        ],
    ),
    (
        "to_device",
        &["to-device", "devices/to_positional.pt", "cuda", "--dry-run"],
    ),
    (
        "to_device_json",
        &[
            "to-device",
            "devices/to_positional.pt",
            "cuda:1",
            "--dry-run",
            "--format",
            "json",
        ],
    ),
    (
        "to_device_unknown",
        &["to-device", "devices/to_positional.pt", "gpu"],
    ),
    ("no_command", &["frobnicate"]),
];

#[test]
fn reports() {
    for (name, args) in CASES {
        snapshot(name, transcript(args));
    }
}

#[test]
fn exit_codes_say_yes_no_or_no_answer() {
    let code = |args: &[&str]| ptool(args).output().expect("starts").status.code();
    assert_eq!(code(&["--version"]), Some(0));
    assert_eq!(code(&["verify", "core/early_return.pt"]), Some(0));
    assert_eq!(
        code(&["diff", "digits/digits.pt", "digits/digits_v2.pt"]),
        Some(1)
    );
    assert_eq!(code(&["diff", "digits/digits.pt", "nothing.pt"]), Some(2));
    assert_eq!(code(&["inspect"]), Some(2));
}

/// Everything that ptool prints as JSON is JSON, names its command and has a version.
#[test]
fn json_reports_parse() {
    let commands: [&[&str]; 8] = [
        &["inspect", "digits/digits.pt"],
        &["inspect", "digits/digits.pt", "--graph"],
        &["inspect", "digits/digits.pt", "--flat"],
        &["inspect", "digits/digits.pt", "--code"],
        &["inspect", "digits/digits.pt", "--ops"],
        &["inspect", "digits/digits.pt", "--entries"],
        &["verify", "digits/digits.pt"],
        &["to-device", "digits/digits.pt", "cuda", "--dry-run"],
    ];
    for args in commands {
        let mut args = args.to_vec();
        args.extend(["--format", "json"]);
        let out = ptool(&args).output().expect("starts");
        let value: serde_json::Value = serde_json::from_slice(&out.stdout).expect("it is JSON");
        assert_eq!(value["command"], args[0], "{args:?}");
        assert!(value["schema_version"].is_number(), "{args:?}");
    }
}

#[test]
fn reprint_writes_a_file_that_verifies() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = folder.path().join("reprinted.pt");
    let to = output.to_str().expect("a UTF-8 path");
    let model = "archs/segmentation_scripted.pt";
    ptool(&["verify", model, "--reprint", to]).assert().code(0);
    ptool(&["verify", to]).assert().code(0);
    let again = ptool(&["verify", model, "--reprint", to]).assert().code(2);
    assert!(String::from_utf8_lossy(&again.get_output().stderr).contains("--force"));
    ptool(&["verify", model, "--reprint", to, "--force"])
        .assert()
        .code(0);

    let testdata = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata");
    let (old, new) = (
        Model::open(testdata.join(model)).expect("opens"),
        Model::open(&output).expect("opens"),
    );
    assert_eq!(old.program.functions.len(), new.program.functions.len());
    // Debug records point into the old text.
    let debug = |archive: &Archive| {
        archive
            .entries()
            .any(|(_, name)| name.ends_with(".debug_pkl"))
    };
    assert!(debug(&old.archive) && !debug(&new.archive));
}
