//! Who stores and who fetches what in a pickle's memo.

use byteorder::{ByteOrder, LittleEndian};
use rustc_hash::FxHashMap;

use crate::archive::pickle::{OpId, Pickle, ValueId, op::code};

/// The memo's traffic, and which op made which value.
#[derive(Debug)]
pub(super) struct Memo {
    /// Fetch to the store it reads.
    stores: FxHashMap<OpId, OpId>,
    /// Store to its slot, the op that pushed the value, and its fetches in order.
    traffic: FxHashMap<OpId, Store>,
    /// Value by the op that made it; `u32::MAX` for none.
    made: Vec<u32>,
}

#[derive(Debug)]
struct Store {
    slot: u32,
    pushed_by: OpId,
    /// The op that first pushed it.
    source: OpId,
    fetches: Vec<OpId>,
}

impl Memo {
    pub(super) fn read(pickle: &Pickle) -> Memo {
        let mut memo = Memo {
            stores: FxHashMap::default(),
            traffic: FxHashMap::default(),
            made: made(pickle),
        };
        let mut current: FxHashMap<u32, OpId> = FxHashMap::default();
        let mut top = OpId(0);
        for (id, op) in pickle.ops() {
            let operand = &pickle.op_bytes(id)[1..];
            match op.code {
                code::BINPUT | code::LONG_BINPUT | code::MEMOIZE => {
                    let slot = if op.code == code::MEMOIZE {
                        current.len() as u32
                    } else {
                        slot(operand)
                    };
                    current.insert(slot, id);
                    let store = Store {
                        slot,
                        pushed_by: top,
                        source: memo.source(top),
                        fetches: Vec::new(),
                    };
                    memo.traffic.insert(id, store);
                }
                code::BINGET | code::LONG_BINGET => {
                    memo.fetch(id, current.get(&slot(operand)).copied());
                    top = id;
                }
                code::FRAME => {}
                _ => top = id,
            }
        }
        memo
    }

    fn fetch(&mut self, id: OpId, store: Option<OpId>) {
        let Some(store) = store else { return };
        self.stores.insert(id, store);
        if let Some(it) = self.traffic.get_mut(&store) {
            it.fetches.push(id);
        }
    }

    /// The store that a fetch reads.
    pub(super) fn store_of(&self, fetch: OpId) -> Option<OpId> {
        self.stores.get(&fetch).copied()
    }

    /// The op that pushed what a store stores.
    pub(super) fn pushed_by(&self, store: OpId) -> OpId {
        self.traffic[&store].pushed_by
    }

    /// The fetches that read a store.
    pub(super) fn fetches_of(&self, store: OpId) -> &[OpId] {
        &self.traffic[&store].fetches
    }

    /// The stores that directly follow a push.
    pub(super) fn stores_after(&self, pickle: &Pickle, push: OpId) -> impl Iterator<Item = OpId> {
        let following = (push.0 + 1..pickle.op_count() as u32).map(OpId);
        following.take_while(|it| self.traffic.contains_key(it))
    }

    /// The bytes of a store; one without an id of its own gets it spelled out.
    pub(super) fn store_bytes(&self, pickle: &Pickle, store: OpId) -> Vec<u8> {
        match pickle.op(store).code {
            code::MEMOIZE => [
                &[code::LONG_BINPUT][..],
                &self.traffic[&store].slot.to_le_bytes(),
            ]
            .concat(),
            _ => pickle.op_bytes(store).to_vec(),
        }
    }

    /// The op that first pushed what the op at `at` pushes.
    pub(super) fn source(&self, at: OpId) -> OpId {
        self.store_of(at)
            .map_or(at, |store| self.traffic[&store].source)
    }

    /// The value that an op made.
    pub(super) fn made_by(&self, op: OpId) -> Option<ValueId> {
        self.made
            .get(op.0 as usize)
            .copied()
            .filter(|it| *it != u32::MAX)
            .map(ValueId)
    }
}

fn slot(operand: &[u8]) -> u32 {
    LittleEndian::read_uint(operand, operand.len()) as u32
}

fn made(pickle: &Pickle) -> Vec<u32> {
    let mut made = vec![u32::MAX; pickle.op_count()];
    for (id, _) in pickle.values().skip(super::super::SHARED_VALUES) {
        made[pickle.produced_by(id).0 as usize] = id.0;
    }
    made
}
