//! Rules of the tree that no compiler checks: who may import whom, how long a file may be, which words stay out.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Module, and the modules it may name through `crate::`. `testing` holds bodies shared with fuzz targets.
const LAYERS: &[(&str, &[&str])] = &[
    ("diag", &["torchscript"]),
    ("tensor", &[]),
    ("bpu", &["tensor"]),
    ("archive", &["diag", "tensor"]),
    ("ir", &["diag", "tensor"]),
    ("torchscript", &["archive", "diag", "ir", "tensor"]),
    ("model", &["archive", "diag", "ir", "tensor", "torchscript"]),
    (
        "emit",
        &["archive", "diag", "ir", "model", "tensor", "torchscript"],
    ),
    (
        "pass",
        &["archive", "diag", "ir", "model", "tensor", "torchscript"],
    ),
    (
        "hbdk",
        &["archive", "diag", "ir", "model", "tensor", "torchscript"],
    ),
    (
        "inputs",
        &["archive", "diag", "exec", "ir", "model", "tensor"],
    ),
    (
        "exec",
        &[
            "archive",
            "bpu",
            "diag",
            "ir",
            "model",
            "tensor",
            "torchscript",
        ],
    ),
    (
        "quant",
        &[
            "archive",
            "bpu",
            "diag",
            "emit",
            "exec",
            "inputs",
            "ir",
            "model",
            "pass",
            "tensor",
            "torchscript",
        ],
    ),
    (
        "analysis",
        &[
            "archive",
            "diag",
            "exec",
            "hbdk",
            "ir",
            "model",
            "tensor",
            "torchscript",
        ],
    ),
    (
        "report",
        &[
            "analysis",
            "archive",
            "diag",
            "exec",
            "hbdk",
            "inputs",
            "ir",
            "model",
            "pass",
            "quant",
            "tensor",
            "torchscript",
        ],
    ),
    (
        "testing",
        &[
            "archive",
            "diag",
            "ir",
            "model",
            "pass",
            "tensor",
            "torchscript",
        ],
    ),
];

/// A file longer than this is split by noun; tables and generated files are exempt by name.
const MAX_LINES: usize = 1000;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Files with one of these endings below a folder of the repository, build output aside.
fn files(folder: &str, endings: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let name = entry.file_name().to_string_lossy().into_owned();
            if path.is_dir() && name != "target" {
                folders.push(path);
            } else if endings.iter().any(|e| name.ends_with(e)) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn shown(path: &Path) -> String {
    path.strip_prefix(root())
        .unwrap_or(path)
        .display()
        .to_string()
}

/// The first path component below `src/`, without `.rs`.
fn module_of(path: &Path) -> String {
    let inside = path.strip_prefix(root().join("src")).unwrap_or(path);
    let first = inside.iter().next().unwrap_or_default().to_string_lossy();
    first.trim_end_matches(".rs").to_owned()
}

/// Modules that a source names as `crate::x`, also in grouped imports `crate::{x, y::z}`.
fn crate_paths(source: &str) -> BTreeSet<String> {
    let mut modules = BTreeSet::new();
    for (at, _) in source.match_indices("crate::") {
        let rest = &source[at + "crate::".len()..];
        let names = match rest.strip_prefix('{') {
            Some(group) => top_level_names(group),
            None => vec![leading_name(rest)],
        };
        modules.extend(names.into_iter().filter(|n| !n.is_empty()));
    }
    modules
}

fn leading_name(text: &str) -> String {
    text.chars()
        .take_while(|c| c.is_alphanumeric() || *c == '_')
        .collect()
}

fn top_level_names(group: &str) -> Vec<String> {
    let mut names = Vec::new();
    let (mut depth, mut start) = (0, true);
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => start = true,
            c if start && !c.is_whitespace() => {
                names.push(leading_name(&group[at..]));
                start = false;
            }
            _ => {}
        }
    }
    names
}

#[test]
fn modules_import_only_what_the_table_allows() {
    let mut wrong = Vec::new();
    for path in files("src", &[".rs"]) {
        let module = module_of(&path);
        if module == "lib" {
            continue;
        }
        let Some((_, allowed)) = LAYERS.iter().find(|(name, _)| *name == module) else {
            wrong.push(format!(
                "{}: module `{module}` is not in LAYERS",
                shown(&path)
            ));
            continue;
        };
        let source = fs::read_to_string(&path).expect("source files are UTF-8");
        for named in crate_paths(&source) {
            let is_layer = LAYERS.iter().any(|(name, _)| *name == named);
            if is_layer && named != module && !allowed.contains(&named.as_str()) {
                wrong.push(format!(
                    "{}: `{module}` may not use `crate::{named}`",
                    shown(&path)
                ));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "layering is crossed:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn only_exec_torch_knows_libtorch() {
    let wrong: Vec<String> = files("src", &[".rs"])
        .iter()
        .filter(|path| !shown(path).starts_with("src/exec/torch"))
        .filter(|path| {
            let source = fs::read_to_string(path).expect("source files are UTF-8");
            ["use tch", " tch::", "(tch::", "torch_sys"]
                .iter()
                .any(|word| source.contains(word))
        })
        .map(|path| shown(path))
        .collect();
    assert!(
        wrong.is_empty(),
        "libtorch is named outside src/exec/torch: {wrong:?}"
    );
}

#[test]
fn files_stay_short() {
    let long: Vec<String> = ["src", "bins", "tests"]
        .iter()
        .flat_map(|folder| files(folder, &[".rs", ".cpp"]))
        .filter(|path| !path.to_string_lossy().ends_with("_generated.rs"))
        .filter_map(|path| {
            let lines = fs::read_to_string(&path)
                .expect("source files are UTF-8")
                .lines()
                .count();
            (lines > MAX_LINES).then(|| format!("{} ({lines} lines)", shown(&path)))
        })
        .collect();
    assert!(long.is_empty(), "split these by noun: {long:?}");
}

#[test]
fn no_mod_rs() {
    let found: Vec<String> = files("src", &["mod.rs"]).iter().map(|p| shown(p)).collect();
    assert!(
        found.is_empty(),
        "`foo.rs` + `foo/`, never `mod.rs`: {found:?}"
    );
}

#[test]
fn snapshots_hold_no_path_of_a_machine() {
    let mut roots = ["home", "root", "tmp"].map(|it| format!("/{it}/")).to_vec();
    roots.push(env!("CARGO_MANIFEST_DIR").to_owned());
    let wrong: Vec<String> = files("snapshots", &[".snap"])
        .iter()
        .filter(|path| {
            let text = fs::read_to_string(path).expect("snapshots are UTF-8");
            roots.iter().any(|root| text.contains(root.as_str()))
        })
        .map(|path| shown(path))
        .collect();
    assert!(
        wrong.is_empty(),
        "snapshots name paths of a machine: {wrong:?}"
    );
}
