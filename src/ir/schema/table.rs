//! Lookup: the fixed tables by binary search, then what was registered at run time.

use super::parse::{SchemaError, parse};
use super::table_generated::TABLE;
use super::{Schema, horizon as plugin};
use rustc_hash::FxHashMap;
use smol_str::SmolStr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{OnceLock, PoisonError, RwLock};

type Overloads = &'static [&'static Schema];

/// Names with their declarations, sorted, and one cell per row, filled on first use.
type Table = (
    &'static [(&'static str, &'static [&'static str])],
    &'static [OnceLock<Overloads>],
);

static PARSED: [OnceLock<Overloads>; TABLE.len()] = [const { OnceLock::new() }; TABLE.len()];
static PARSED_PLUGIN: [OnceLock<Overloads>; plugin::TABLE.len()] =
    [const { OnceLock::new() }; plugin::TABLE.len()];
const LIBTORCH: Table = (TABLE, &PARSED);
const PLUGIN: Table = (plugin::TABLE, &PARSED_PLUGIN);

/// Names that operator libraries added to, with all their overloads, the table's first.
static REGISTERED: RwLock<Option<FxHashMap<SmolStr, Overloads>>> = RwLock::new(None);
static ANY_REGISTERED: AtomicBool = AtomicBool::new(false);

/// All overloads of a name in registration order; empty when the name is unknown.
pub fn overloads(name: &str) -> Overloads {
    if ANY_REGISTERED.load(Ordering::Acquire) {
        let registered = REGISTERED.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(&found) = registered.as_ref().and_then(|map| map.get(name)) {
            return found;
        }
    }
    fixed(name)
}

/// One overload by name and overload name.
pub fn find(name: &str, overload: &str) -> Option<&'static Schema> {
    overloads(name)
        .iter()
        .copied()
        .find(|s| s.overload == overload)
}

/// Every name of the generated table, sorted.
pub fn names() -> impl Iterator<Item = &'static str> {
    TABLE.iter().map(|(name, _)| *name)
}

/// Declarations of the plugin's `horizon::` operators, sorted by name; the current form of each name first.
pub fn horizon_declarations() -> impl Iterator<Item = &'static str> {
    plugin::TABLE
        .iter()
        .flat_map(|(_, texts)| texts.iter().copied())
}

/// Adds an operator such as `horizon::bpu_relu(Tensor x) -> Tensor` for the rest of the process.
///
/// Registering the same declaration again changes nothing; another one under the same name and overload is an error.
pub fn register(declaration: &str) -> Result<&'static Schema, SchemaError> {
    let schema = parse(declaration)?;
    let mut registered = REGISTERED.write().unwrap_or_else(PoisonError::into_inner);
    let map = registered.get_or_insert_default();
    let known = map
        .get(&schema.name)
        .copied()
        .unwrap_or_else(|| fixed(&schema.name));
    if let Some(&same) = known.iter().find(|s| s.overload == schema.overload) {
        if same.to_string() == schema.to_string() {
            return Ok(same);
        }
        return Err(SchemaError::Conflict {
            known: same.to_string(),
            found: schema.to_string(),
        });
    }
    let schema: &'static Schema = Box::leak(Box::new(schema));
    let mut all = known.to_vec();
    all.push(schema);
    map.insert(schema.name.clone(), all.leak());
    ANY_REGISTERED.store(true, Ordering::Release);
    Ok(schema)
}

fn fixed(name: &str) -> Overloads {
    match name.starts_with("horizon::") {
        true => in_table(PLUGIN, name),
        false => in_table(LIBTORCH, name),
    }
}

fn in_table((table, cells): Table, name: &str) -> Overloads {
    let Ok(row) = table.binary_search_by(|(key, _)| (*key).cmp(name)) else {
        return &[];
    };
    // A row that does not parse would be a wrong table; `every_schema_reprints` reads them all.
    cells[row].get_or_init(|| {
        let parsed = table[row].1.iter().filter_map(|text| parse(text).ok());
        let leaked: Vec<&'static Schema> = parsed.map(|s| &*Box::leak(Box::new(s))).collect();
        leaked.leak()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Undoes what reading folds together: integer-like types, `int[2] p=0`, spelling of floats.
    fn normalized(text: &str) -> String {
        let mut out = String::new();
        for token in text.split_inclusive([' ', '(', ',', ')']) {
            let end = token.len() - usize::from(token.ends_with([' ', '(', ',', ')']));
            let (word, tail) = token.split_at(end);
            let mut word = word.replace("SymBool", "bool");
            for name in ["SymInt", "ScalarType", "MemoryFormat", "Layout", "int64_t"] {
                if let Some(rest) = word.strip_prefix(name) {
                    word = format!("int{rest}");
                }
            }
            if let Some((name, value)) = word.split_once('=') {
                let size = broadcast_size(&out);
                let value = match value.parse::<f64>() {
                    Ok(number) if value.contains(['.', 'e']) => format!("{number:?}"),
                    _ => value.to_string(),
                };
                word = match size {
                    Some(n) if !value.starts_with(['[', 'N']) => {
                        format!("{name}=[{}]", vec![value; n].join(", "))
                    }
                    _ => format!("{name}={value}"),
                };
            }
            out.push_str(&word);
            out.push_str(tail);
        }
        out
    }

    /// N when the text ends in `int[N] ` or `int[N]? `.
    fn broadcast_size(text: &str) -> Option<usize> {
        let text = text.trim_end().trim_end_matches('?').strip_suffix(']')?;
        text[text.rfind('[')? + 1..].parse().ok()
    }

    #[test]
    fn every_schema_reprints() {
        let mut count = 0;
        for (name, texts) in TABLE {
            assert_eq!(overloads(name).len(), texts.len(), "{name}");
            for (schema, text) in overloads(name).iter().zip(*texts) {
                assert_eq!(schema.to_string(), normalized(text));
                assert_eq!(schema.name(), *name);
                count += 1;
            }
        }
        assert!(count > 4000, "{count}");
        for (name, texts) in plugin::TABLE {
            assert_eq!(overloads(name).len(), texts.len(), "{name}");
            for (schema, text) in overloads(name).iter().zip(*texts) {
                assert_eq!(schema.to_string(), *text);
                assert_eq!(schema.name(), *name);
            }
        }
    }

    #[test]
    fn forms_of_one_plugin_operator_differ_in_arity() {
        for (name, _) in plugin::TABLE {
            let mut arities: Vec<usize> = overloads(name).iter().map(|s| s.args.len()).collect();
            arities.sort_unstable();
            arities.dedup();
            assert_eq!(arities.len(), overloads(name).len(), "{name}");
        }
        assert_eq!(
            find("horizon::bpu_quanti_proposal", "").unwrap().args.len(),
            28
        );
        assert_eq!(
            find("horizon::bpu_quanti_proposal", "no_threshold")
                .unwrap()
                .args
                .len(),
            25
        );
        assert_eq!(
            find("horizon::bpu_scale_quanti_convolution", "")
                .unwrap()
                .args
                .len(),
            22
        );
        assert_eq!(
            find("horizon::bpu_scale_quanti_deconvolution", "")
                .unwrap()
                .args
                .len(),
            23
        );
    }

    #[test]
    fn the_tables_are_sorted() {
        assert!(TABLE.is_sorted_by(|a, b| a.0 < b.0));
        assert!(plugin::TABLE.is_sorted_by(|a, b| a.0 < b.0));
    }

    #[test]
    fn registered_operators_are_found_and_conflicts_refused() {
        let text = "test_table::op.a(Tensor x, int n=3) -> Tensor";
        let schema = register(text).unwrap();
        assert_eq!(register(text).unwrap(), schema);
        assert_eq!(find("test_table::op", "a").unwrap().to_string(), text);
        assert!(register("test_table::op.a(Tensor x) -> Tensor").is_err());
        register("test_table::op.b(int x) -> int").unwrap();
        assert_eq!(overloads("test_table::op").len(), 2);
    }
}
