//! Edits of pickles: only the uses named change, whatever the memo shares.

use std::collections::BTreeSet;

use proptest::prelude::*;
use ptool::archive::pickle::{Dialect, OpId, Patch, Pickle, Scalar, Use, Value, code};
use ptool::archive::{Archive, Blob};

use super::read::samples;

fn decode(bytes: &[u8]) -> Pickle {
    Pickle::decode(Blob::from(bytes.to_vec()), Dialect::Jit).expect("a sound pickle")
}

/// Every value in evaluation order, as text; cycles are cut by identity.
fn tree(pickle: &Pickle) -> Vec<String> {
    let mut out = Vec::new();
    let mut stack = vec![pickle.root()];
    let mut seen = BTreeSet::new();
    while let Some(it) = stack.pop() {
        let value = pickle.at(it);
        let (text, children) = describe(pickle, value);
        let container = !children.is_empty();
        out.push(if container {
            format!("{text} {}", children.len())
        } else {
            text
        });
        if container && !seen.insert(it.value) {
            continue;
        }
        stack.extend(children);
    }
    out
}

fn describe(pickle: &Pickle, value: Value) -> (String, Vec<Use>) {
    let text = |it| String::from_utf8_lossy(pickle.text(it)).into_owned();
    match value {
        Value::Str(it) => (format!("str {}", text(it)), vec![]),
        Value::Device(it) => (format!("device {}", text(it.text)), vec![]),
        Value::Global(it) => (format!("global {}", pickle.qualified_name(it)), vec![]),
        Value::Tuple(items) => ("tuple".into(), pickle.items(items).to_vec()),
        Value::List(id) => {
            let list = pickle.list(id);
            (
                "list".into(),
                list.items.iter().copied().chain(list.tag).collect(),
            )
        }
        Value::Dict(id) => {
            let dict = pickle.dict(id);
            (
                "dict".into(),
                dict.items
                    .iter()
                    .flat_map(|it| [it.0, it.1])
                    .chain(dict.tag)
                    .collect(),
            )
        }
        Value::Object(id) => {
            let object = pickle.object(id);
            (
                format!("object {}", pickle.qualified_name(object.class)),
                object.state.into_iter().collect(),
            )
        }
        Value::Enum { class, value } => (
            format!("enum {}", pickle.qualified_name(class)),
            vec![value],
        ),
        Value::Tensor(id) => {
            let tensor = pickle.tensor(id);
            let storages: Vec<_> = match &tensor.layout {
                ptool::archive::pickle::Layout::Strided {
                    storage,
                    offset,
                    strides,
                } => {
                    let it = pickle.storage(*storage);
                    vec![format!(
                        "{} {:?} {offset} {strides:?}",
                        text(it.key),
                        it.dtype
                    )]
                }
                _ => vec![],
            };
            (
                format!("tensor {:?} {:?} {storages:?}", tensor.dtype, tensor.sizes),
                vec![],
            )
        }
        other => (format!("{other:?}"), vec![]),
    }
}

#[test]
fn no_edit_is_the_identity() {
    for pickle in sample_pickles() {
        let out = Patch::new(&pickle).apply().expect("nothing to refuse");
        assert_eq!(out, &pickle.blob()[..]);
    }
}

fn sample_pickles() -> Vec<Pickle> {
    let mut pickles = Vec::new();
    for path in samples() {
        let Ok(archive) = Archive::open(&path) else {
            continue;
        };
        for (id, record) in archive.entries() {
            if record.ends_with("pkl") && !archive.read(id).expect("readable").is_empty() {
                pickles
                    .extend(Pickle::decode(archive.text(id).expect("readable"), Dialect::Jit).ok());
            }
        }
    }
    assert!(pickles.len() > 30);
    pickles
}

/// Moves every storage to another device: nothing else may change, and back again gives the original.
#[test]
fn relocating_storages_changes_locations_only() {
    let mut moved = 0;
    for pickle in sample_pickles()
        .into_iter()
        .filter(|it| it.storages().len() > 0)
    {
        let mut patch = Patch::new(&pickle);
        for (_, storage) in pickle.storages() {
            patch
                .replace(storage.location_op, Scalar::str("xpu:3"))
                .expect("a string");
        }
        let out = patch.apply().expect("sound");
        let after = decode(&out);
        assert!(
            after
                .storages()
                .all(|(_, it)| after.text(it.location) == b"xpu:3")
        );
        // The tree says nothing of locations: all the rest, strings and devices of the same text included, is equal.
        let before = tree(&pickle);
        assert_eq!(tree(&after), before);
        moved += pickle.storages().len();
        let mut back = Patch::new(&after);
        for ((_, old), (_, new)) in pickle.storages().zip(after.storages()) {
            let location = pickle.text(old.location).to_vec();
            back.replace(new.location_op, Scalar::Str(location))
                .expect("a string");
        }
        let restored = decode(&back.apply().expect("sound"));
        assert_eq!(tree(&restored), before);
        let locations = |it: &Pickle| -> Vec<Vec<u8>> {
            it.storages()
                .map(|(_, storage)| it.text(storage.location).to_vec())
                .collect()
        };
        assert_eq!(locations(&restored), locations(&pickle));
    }
    assert!(moved > 50, "{moved}");
}

/// `("storage", …, "cpu")`-like sharing by hand: the maker is edited, two fetches keep the old text.
#[test]
fn the_store_moves_to_the_first_use_that_stays() {
    let bytes = b"\x80\x02(X\x03\0\0\0cpuq\x00h\x00h\x00h\x00t.";
    let pickle = decode(bytes);
    let uses = pickle
        .sequence(pickle.at(pickle.root()))
        .expect("a tuple")
        .to_vec();
    let mut patch = Patch::new(&pickle);
    patch
        .replace(uses[0].op, Scalar::str("cuda:0"))
        .expect("a string");
    patch
        .replace(uses[2].op, Scalar::str("meta"))
        .expect("a string");
    let out = patch.apply().expect("sound");
    assert_eq!(
        out,
        b"\x80\x02(X\x06\0\0\0cuda:0q\x00X\x03\0\0\0cpuq\x00X\x04\0\0\0metah\x00t."
    );
}

#[test]
fn equal_edits_of_all_uses_keep_the_sharing() {
    let pickle = decode(b"\x80\x02(X\x03\0\0\0cpuq\x00h\x00h\x00t.");
    let mut patch = Patch::new(&pickle);
    for it in pickle.sequence(pickle.at(pickle.root())).expect("a tuple") {
        patch.replace(it.op, Scalar::str("cuda")).expect("a string");
    }
    assert_eq!(
        patch.apply().expect("sound"),
        b"\x80\x02(X\x04\0\0\0cudaq\x00h\x00h\x00t."
    );
}

#[test]
fn devices_by_text_and_by_use() {
    let bytes = b"\x80\x02(X\x03\0\0\0cpuq\x00ctorch\ndevice\nq\x01h\x00\x85Rq\x02h\x02h\x00t.";
    let pickle = decode(bytes);
    let uses = pickle
        .sequence(pickle.at(pickle.root()))
        .expect("a tuple")
        .to_vec();
    let edit = |at: usize| {
        let mut patch = Patch::new(&pickle);
        patch
            .replace(uses[at].op, Scalar::Device(b"cuda:0".to_vec()))
            .expect("a device");
        tree(&decode(&patch.apply().expect("sound")))
    };
    // `tree` lists the last item first.
    assert_eq!(
        edit(1)[1..],
        ["str cpu", "device cpu", "device cuda:0", "str cpu"]
    );
    assert_eq!(
        edit(2)[1..],
        ["str cpu", "device cuda:0", "device cpu", "str cpu"]
    );
    let Value::Device(device) = pickle.at(uses[1]) else {
        panic!("a device")
    };
    let mut patch = Patch::new(&pickle);
    patch
        .replace(device.text_op, Scalar::str("meta"))
        .expect("a string");
    let now = tree(&decode(&patch.apply().expect("sound")));
    assert_eq!(
        now[1..],
        ["str cpu", "device meta", "device meta", "str cpu"]
    );
}

#[test]
fn what_is_no_use_is_refused() {
    let pickle = decode(b"\x80\x02(K\x01t.");
    let mut patch = Patch::new(&pickle);
    for op in [0, 1, 3, 4, 99] {
        assert!(patch.replace(OpId(op), Scalar::None).is_err(), "{op}");
    }
    patch.replace(OpId(2), Scalar::Bool(true)).expect("an int");
    assert!(patch.replace(OpId(2), Scalar::None).is_err(), "twice");
}

/// A tuple whose items are made, stored, overwritten and fetched at random.
#[derive(Clone, Debug)]
enum Item {
    Make(u8, Option<u8>),
    Fetch(u8, Option<u8>),
    Device(u8, Option<u8>),
}

fn item() -> impl Strategy<Value = Item> {
    let slot = || prop::option::of(0u8..4);
    prop_oneof![
        (0u8..4, slot()).prop_map(|(text, put)| Item::Make(text, put)),
        (0u8..4, slot()).prop_map(|(get, put)| Item::Fetch(get, put)),
        (0u8..4, slot()).prop_map(|(text, put)| Item::Device(text, put)),
    ]
}

fn assemble(items: &[Item]) -> Vec<u8> {
    let mut out = vec![code::PROTO, 2, code::MARK];
    let mut set = [false; 4];
    let text = |which: u8| [&[code::BINUNICODE, 2, 0, 0, 0][..], &[b't', b'0' + which]].concat();
    for item in items {
        let put = match *item {
            Item::Make(which, put) => {
                out.extend(text(which));
                put
            }
            Item::Fetch(slot, put) if set[slot as usize] => {
                out.extend([code::BINGET, slot]);
                put
            }
            Item::Fetch(..) => continue,
            Item::Device(which, put) => {
                out.extend(b"ctorch\ndevice\n");
                out.extend(text(which));
                out.extend([code::TUPLE1, code::REDUCE]);
                put
            }
        };
        if let Some(slot) = put {
            out.extend([code::BINPUT, slot]);
            set[slot as usize] = true;
        }
    }
    out.extend([code::TUPLE, code::STOP]);
    out
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_edits_change_what_they_name(
        items in prop::collection::vec(item(), 1..14),
        edits in prop::collection::vec(prop::option::of(0u8..3), 14),
    ) {
        let pickle = decode(&assemble(&items));
        let uses = pickle.sequence(pickle.at(pickle.root())).expect("a tuple").to_vec();
        let mut patch = Patch::new(&pickle);
        let mut expected = Vec::new();
        for (at, edit) in uses.iter().zip(&edits) {
            let old = describe(&pickle, pickle.at(*at)).0;
            let new = edit.map(|it| format!("new{it}"));
            let device = old.starts_with("device");
            match new {
                Some(text) if device => {
                    patch.replace(at.op, Scalar::Device(text.clone().into_bytes())).expect("a device");
                    expected.push(format!("device {text}"));
                }
                Some(text) => {
                    patch.replace(at.op, Scalar::str(text.clone())).expect("a string");
                    expected.push(format!("str {text}"));
                }
                None => expected.push(old),
            }
        }
        let after = decode(&patch.apply().expect("sound"));
        let now = after.sequence(after.at(after.root())).expect("a tuple");
        let found: Vec<String> = now.iter().map(|it| describe(&after, after.at(*it)).0).collect();
        prop_assert_eq!(found, expected);
    }
}
