//! Brings the results of aligned operators together while two models run.

use super::Alignment;
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::VecDeque;

/// One of two models.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// The first.
    A,
    /// The second.
    B,
}

impl Side {
    fn other(self) -> Side {
        match self {
            Side::A => Side::B,
            Side::B => Side::A,
        }
    }
}

/// Results of two aligned operators, for one execution of them.
#[derive(Debug, PartialEq)]
pub struct Pair<V> {
    /// Position in [`Alignment::pairs`].
    pub pair: usize,
    /// How many executions came before (loops, shared modules).
    pub occurrence: u32,
    /// Result in the first model.
    pub a: V,
    /// Result in the second model.
    pub b: V,
}

/// A result that waits: which pair, which execution.
type Key = (usize, u32);

/// Joins two streams of results; holds a result only until its partner comes, and not more than a budget.
#[derive(Debug)]
pub struct Lockstep<V> {
    sides: [Stream<V>; 2],
    budget: usize,
    /// Executions whose first result was given up; the second one need not wait.
    evicted: FxHashSet<Key>,
}

#[derive(Debug)]
struct Stream<V> {
    /// Pair of each operator.
    pair_of: Vec<Option<usize>>,
    /// Executions so far of each operator.
    executions: Vec<u32>,
    waiting: FxHashMap<Key, (V, usize)>,
    /// Oldest first; keys already joined are skipped.
    order: VecDeque<Key>,
    bytes: usize,
    is_done: bool,
}

impl<V> Lockstep<V> {
    /// `len_a` and `len_b` operators; waiting results take at most `budget` bytes in all.
    pub fn new(alignment: &Alignment, len_a: usize, len_b: usize, budget: usize) -> Lockstep<V> {
        let (mut a, mut b) = (Stream::new(len_a), Stream::new(len_b));
        for (pair, &(i, j, _)) in alignment.pairs.iter().enumerate() {
            a.pair_of[i] = Some(pair);
            b.pair_of[j] = Some(pair);
        }
        Lockstep {
            sides: [a, b],
            budget,
            evicted: FxHashSet::default(),
        }
    }

    /// The side to run next, `None` when both are done: the one that fewer results wait for.
    pub fn next_side(&self) -> Option<Side> {
        let [a, b] = &self.sides;
        match (a.is_done, b.is_done) {
            (true, true) => None,
            (true, false) => Some(Side::B),
            (false, true) => Some(Side::A),
            (false, false) if a.waiting.len() > b.waiting.len() => Some(Side::B),
            (false, false) => Some(Side::A),
        }
    }

    /// A side has no more results.
    pub fn done(&mut self, side: Side) {
        self.sides[side as usize].is_done = true;
        // Nothing comes any more for what the other side holds.
        self.sides[side.other() as usize].clear();
    }

    /// Takes the result of an operator; returns the pair when its partner's result is there.
    pub fn push(&mut self, side: Side, operator: usize, value: V, bytes: usize) -> Option<Pair<V>> {
        let stream = &mut self.sides[side as usize];
        let pair = (*stream.pair_of.get(operator)?)?;
        let occurrence = stream.executions[operator];
        stream.executions[operator] += 1;
        let key = (pair, occurrence);
        let other = &mut self.sides[side.other() as usize];
        if let Some((partner, size)) = other.waiting.remove(&key) {
            other.bytes -= size;
            let (a, b) = match side {
                Side::A => (value, partner),
                Side::B => (partner, value),
            };
            return Some(Pair {
                pair,
                occurrence,
                a,
                b,
            });
        }
        if !other.is_done && !self.evicted.contains(&key) {
            self.hold(side, key, value, bytes);
        }
        None
    }

    /// Results given up because too many waited.
    pub fn evicted(&self) -> usize {
        self.evicted.len()
    }

    /// Executions of each operator of a side.
    pub fn executions(&self, side: Side) -> &[u32] {
        &self.sides[side as usize].executions
    }

    fn hold(&mut self, side: Side, key: Key, value: V, bytes: usize) {
        let stream = &mut self.sides[side as usize];
        stream.waiting.insert(key, (value, bytes));
        stream.order.push_back(key);
        stream.bytes += bytes;
        while self.sides[0].bytes + self.sides[1].bytes > self.budget {
            let larger = usize::from(self.sides[1].bytes > self.sides[0].bytes);
            match self.sides[larger].evict() {
                Some(key) => self.evicted.insert(key),
                None => break,
            };
        }
    }
}

impl<V> Stream<V> {
    fn new(len: usize) -> Stream<V> {
        Stream {
            pair_of: vec![None; len],
            executions: vec![0; len],
            waiting: FxHashMap::default(),
            order: VecDeque::new(),
            bytes: 0,
            is_done: false,
        }
    }

    /// Gives up the oldest result; `None` when none waits.
    fn evict(&mut self) -> Option<Key> {
        while let Some(key) = self.order.pop_front() {
            if let Some((_, size)) = self.waiting.remove(&key) {
                self.bytes -= size;
                return Some(key);
            }
        }
        None
    }

    fn clear(&mut self) {
        self.waiting.clear();
        self.order.clear();
        self.bytes = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Item, align};
    use super::*;

    fn lockstep(a: &[&str], b: &[&str], budget: usize) -> Lockstep<&'static str> {
        let items = |kinds: &[&str]| kinds.iter().map(|k| Item::new("", k)).collect::<Vec<_>>();
        Lockstep::new(&align(&items(a), &items(b)), a.len(), b.len(), budget)
    }

    #[test]
    fn equal_streams_hold_one_result_at_most() {
        let mut join = lockstep(&["x", "y"], &["x", "y"], 1);
        for operator in 0..2 {
            assert_eq!(join.next_side(), Some(Side::A));
            assert!(join.push(Side::A, operator, "a", 1).is_none());
            assert_eq!(join.next_side(), Some(Side::B));
            let pair = join.push(Side::B, operator, "b", 1).unwrap();
            assert_eq!((pair.pair, pair.a, pair.b), (operator, "a", "b"));
        }
        assert_eq!(join.evicted(), 0);
    }

    #[test]
    fn loops_pair_by_execution() {
        let mut join = lockstep(&["x"], &["x"], 100);
        join.push(Side::A, 0, "a0", 1);
        join.push(Side::A, 0, "a1", 1);
        assert_eq!(join.push(Side::B, 0, "b0", 1).unwrap().a, "a0");
        let second = join.push(Side::B, 0, "b1", 1).unwrap();
        assert_eq!((second.a, second.occurrence), ("a1", 1));
        assert!(join.push(Side::B, 0, "b2", 1).is_none());
        assert_eq!(join.executions(Side::B), [3]);
    }

    #[test]
    fn memory_stays_within_the_budget() {
        let mut join = lockstep(&["x", "y"], &["y", "x"], 10);
        join.push(Side::A, 0, "old", 8);
        join.push(Side::A, 1, "new", 8);
        assert_eq!(join.evicted(), 1);
        assert!(join.push(Side::B, 1, "b", 8).is_none());
        assert!(join.push(Side::B, 0, "b", 8).is_some());
    }

    #[test]
    fn a_finished_side_lets_the_other_run_on_without_holding() {
        let mut join = lockstep(&["x"], &["x"], 100);
        join.done(Side::A);
        assert_eq!(join.next_side(), Some(Side::B));
        join.push(Side::B, 0, "b", 1);
        assert_eq!(join.sides[1].bytes, 0);
        join.done(Side::B);
        assert_eq!(join.next_side(), None);
    }
}
