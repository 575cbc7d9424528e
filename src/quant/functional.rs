//! The text of the quantised functions that converted files carry (`horizon.md` 4).
//!
//! Torch printed it from the sources in `testdata/gen/functional/`; `cargo xtask codegen` makes it anew. A file needs
//! the functions it calls and those that they call in turn: loading costs time in proportion to the text.

use std::collections::BTreeSet;
use std::sync::LazyLock;

/// Where both modules lie in a file.
pub const PACKAGE: &str = "__torch__.horizon_plugin_pytorch.nn.quantized";
const TEXTS: [(&str, &str); 2] = [
    (
        "functional_impl",
        include_str!("functional/functional_impl.py"),
    ),
    ("functional", include_str!("functional/functional.py")),
];

/// One stored function.
struct Function {
    module: &'static str,
    name: &'static str,
    text: &'static str,
    /// Positions of the functions it calls.
    calls: Vec<usize>,
}

static FUNCTIONS: LazyLock<Vec<Function>> = LazyLock::new(|| {
    let mut found: Vec<Function> = Vec::new();
    for (module, text) in TEXTS {
        for text in definitions(text) {
            let name = text.split('(').next().unwrap_or_default();
            found.push(Function {
                module,
                name: name.trim_start_matches("def "),
                text,
                calls: Vec::new(),
            });
        }
    }
    for at in 0..found.len() {
        let called = |other: &&Function| names(found[at].text, other.module, other.name);
        let calls = found.iter().enumerate().filter(|(_, f)| called(f));
        let calls = calls.map(|(position, _)| position).collect();
        found[at].calls = calls;
    }
    found
});

/// The texts of the top-level functions of a module.
fn definitions(text: &'static str) -> Vec<&'static str> {
    let starts: Vec<usize> = text
        .match_indices("def ")
        .map(|(at, _)| at)
        .filter(|&at| at == 0 || text.as_bytes()[at - 1] == b'\n')
        .collect();
    let ends = starts.iter().skip(1).copied().chain([text.len()]);
    starts.iter().zip(ends).map(|(&s, e)| &text[s..e]).collect()
}

/// Whether a text names that function by its whole qualified name.
fn names(text: &str, module: &str, name: &str) -> bool {
    let qualified = format!("{PACKAGE}.{module}.{name}");
    text.match_indices(&qualified).any(|(at, _)| {
        let next = text[at + qualified.len()..].chars().next();
        !next.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '.')
    })
}

/// Sources that define the named functions, such as `functional.conv2d`, and all that these call.
///
/// Each item is a qualified module name and its text, the module that is called before the one that calls it. `Err`
/// holds the first name that is no stored function.
pub fn sources<'n>(
    wanted: impl IntoIterator<Item = &'n str>,
) -> Result<Vec<(String, String)>, &'n str> {
    let mut open = Vec::new();
    for name in wanted {
        open.push(position(name).ok_or(name)?);
    }
    let mut needed = BTreeSet::new();
    while let Some(at) = open.pop() {
        if needed.insert(at) {
            open.extend(&FUNCTIONS[at].calls);
        }
    }
    let modules = TEXTS.iter().map(|(module, _)| {
        let inside = needed.iter().filter(|&&at| FUNCTIONS[at].module == *module);
        let text: String = inside.map(|&at| FUNCTIONS[at].text).collect();
        (format!("{PACKAGE}.{module}"), text)
    });
    Ok(modules.filter(|(_, text)| !text.is_empty()).collect())
}

/// Names that [`sources`] takes, in the order of the stored text.
pub fn stored() -> impl Iterator<Item = String> {
    FUNCTIONS.iter().map(|f| format!("{}.{}", f.module, f.name))
}

fn position(name: &str) -> Option<usize> {
    let (module, name) = name.split_once('.')?;
    FUNCTIONS
        .iter()
        .position(|f| f.module == module && f.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_comes_with_what_it_calls() {
        let sources = sources(["functional.max_pool2d"]).unwrap();
        let modules: Vec<&str> = sources
            .iter()
            .map(|(name, _)| &name[PACKAGE.len() + 1..])
            .collect();
        assert_eq!(modules, ["functional_impl", "functional"]);
        assert!(sources[0].1.starts_with("def _max_pool2d(input: Tensor,"));
        assert!(sources[1].1.starts_with("def max_pool2d(input: Tensor,"));
        assert_eq!(sources[0].1.matches("\ndef ").count(), 0);
    }

    #[test]
    fn shared_helpers_come_once_and_first() {
        let sources = sources(["functional.add", "functional.requantize"]).unwrap();
        let implementation = &sources[0].1;
        assert_eq!(implementation.matches("def quant_range(").count(), 1);
        assert!(implementation.find("def _requantize(") < implementation.find("def _add("));
        assert!(!implementation.contains("def _conv2d("));
    }

    #[test]
    fn an_unknown_name_is_named() {
        assert_eq!(sources(["functional.conv9d"]), Err("functional.conv9d"));
    }

    #[test]
    fn every_stored_name_resolves_in_its_own_selection() {
        for name in stored() {
            let sources = sources([name.as_str()]).unwrap();
            let all: String = sources.iter().map(|(_, text)| text.as_str()).collect();
            for called in FUNCTIONS.iter().filter(|f| names(&all, f.module, f.name)) {
                assert!(
                    all.contains(&format!("def {}(", called.name)),
                    "{name}: {}",
                    called.name
                );
            }
        }
    }
}
