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

/// One result of one operator: what is known about it, and the value itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held<M, V> {
    /// What is known about it; kept when the value is given up.
    pub meta: M,
    /// The value.
    pub value: V,
}

/// Results of two aligned operators, for one execution of them.
#[derive(Debug, PartialEq, Eq)]
pub struct Pair<M, V> {
    /// Position in [`Alignment::pairs`].
    pub pair: usize,
    /// Result in the first model.
    pub a: Held<M, V>,
    /// Result in the second model.
    pub b: Held<M, V>,
}

/// Why a result was not compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alone {
    /// The other model has no such operator.
    NoPartner,
    /// The other model executed the operator fewer times.
    NotExecuted,
    /// The partner came too late: too many results waited.
    TooLate,
}

/// What became of a result.
#[derive(Debug, PartialEq, Eq)]
pub enum Joined<M, V> {
    /// Its partner was there.
    Pair(Box<Pair<M, V>>),
    /// It waits for its partner.
    Waits,
    /// It has none.
    Alone(Held<M, V>, Alone),
}

/// Which pair, which execution.
type Key = (usize, u32);

/// Joins two streams of results; holds a result only until its partner comes, and not more than a budget.
#[derive(Debug)]
pub struct Lockstep<M, V> {
    sides: [Stream<M, V>; 2],
    budget: usize,
    /// Executions whose first result was given up; the second one need not wait.
    evicted: FxHashSet<Key>,
    alone: Vec<(Side, M, Alone)>,
}

#[derive(Debug)]
struct Stream<M, V> {
    /// Pair of each operator.
    pair_of: Vec<Option<usize>>,
    /// Results so far of each operator.
    results: Vec<u32>,
    waiting: FxHashMap<Key, (Held<M, V>, usize)>,
    /// Oldest first; keys already joined are skipped.
    order: VecDeque<Key>,
    bytes: usize,
    is_done: bool,
}

impl<M, V> Lockstep<M, V> {
    /// `len_a` and `len_b` operators; waiting results take at most `budget` bytes in all, or one result if that is more.
    pub fn new(alignment: &Alignment, len_a: usize, len_b: usize, budget: usize) -> Self {
        let (mut a, mut b) = (Stream::new(len_a), Stream::new(len_b));
        for (pair, &(i, j, _)) in alignment.pairs.iter().enumerate() {
            a.pair_of[i] = Some(pair);
            b.pair_of[j] = Some(pair);
        }
        Lockstep {
            sides: [a, b],
            budget,
            evicted: FxHashSet::default(),
            alone: Vec::new(),
        }
    }

    /// The side to run next, `None` when both are done: the one that more results wait for.
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

    /// A side has no more results; nothing comes any more for what the other side holds.
    pub fn done(&mut self, side: Side) {
        self.sides[side as usize].is_done = true;
        let other = side.other();
        while let Some((_, held)) = self.sides[other as usize].oldest() {
            self.alone.push((other, held.meta, Alone::NotExecuted));
        }
    }

    /// Takes a result of an operator, by its position in the aligned sequence; `None` is an operator not in it.
    pub fn push(
        &mut self,
        side: Side,
        operator: Option<usize>,
        held: Held<M, V>,
        bytes: usize,
    ) -> Joined<M, V> {
        let stream = &mut self.sides[side as usize];
        let operator = operator.filter(|&it| it < stream.pair_of.len());
        let Some((operator, pair)) = operator.and_then(|it| Some((it, stream.pair_of[it]?))) else {
            return Joined::Alone(held, Alone::NoPartner);
        };
        let key = (pair, stream.results[operator]);
        stream.results[operator] += 1;
        let other = &mut self.sides[side.other() as usize];
        if let Some((partner, size)) = other.waiting.remove(&key) {
            other.bytes -= size;
            let (a, b) = match side {
                Side::A => (held, partner),
                Side::B => (partner, held),
            };
            return Joined::Pair(Box::new(Pair { pair, a, b }));
        }
        if self.evicted.contains(&key) {
            return Joined::Alone(held, Alone::TooLate);
        }
        if other.is_done {
            return Joined::Alone(held, Alone::NotExecuted);
        }
        self.hold(side, key, held, bytes);
        Joined::Waits
    }

    /// Results that waited in vain so far.
    pub fn take_alone(&mut self) -> Vec<(Side, M, Alone)> {
        std::mem::take(&mut self.alone)
    }

    fn hold(&mut self, side: Side, key: Key, held: Held<M, V>, bytes: usize) {
        let stream = &mut self.sides[side as usize];
        stream.waiting.insert(key, (held, bytes));
        stream.order.push_back(key);
        stream.bytes += bytes;
        let waiting = |sides: &[Stream<M, V>; 2]| sides[0].waiting.len() + sides[1].waiting.len();
        while self.sides[0].bytes + self.sides[1].bytes > self.budget && waiting(&self.sides) > 1 {
            // Never the one that just came, which is the last of its side.
            let first = match side {
                Side::A if self.sides[0].waiting.len() > 1 => Side::A,
                Side::B if self.sides[1].waiting.len() > 1 => Side::B,
                _ => side.other(),
            };
            let Some((key, held)) = self.sides[first as usize].oldest() else {
                break;
            };
            self.evicted.insert(key);
            self.alone.push((first, held.meta, Alone::TooLate));
        }
    }
}

impl<M, V> Stream<M, V> {
    fn new(len: usize) -> Stream<M, V> {
        Stream {
            pair_of: vec![None; len],
            results: vec![0; len],
            waiting: FxHashMap::default(),
            order: VecDeque::new(),
            bytes: 0,
            is_done: false,
        }
    }

    /// Takes out the result that waits longest.
    fn oldest(&mut self) -> Option<(Key, Held<M, V>)> {
        while let Some(key) = self.order.pop_front() {
            if let Some((held, size)) = self.waiting.remove(&key) {
                self.bytes -= size;
                return Some((key, held));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Item, align};
    use super::*;

    type Join = Lockstep<&'static str, ()>;

    fn lockstep(a: &[&str], b: &[&str], budget: usize) -> Join {
        let items = |kinds: &[&str]| kinds.iter().map(|k| Item::new("", k)).collect::<Vec<_>>();
        Lockstep::new(&align(&items(a), &items(b)), a.len(), b.len(), budget)
    }

    fn push(
        join: &mut Join,
        side: Side,
        operator: usize,
        meta: &'static str,
    ) -> Joined<&'static str, ()> {
        join.push(side, Some(operator), Held { meta, value: () }, 8)
    }

    fn partners(joined: Joined<&'static str, ()>) -> Option<(&'static str, &'static str)> {
        match joined {
            Joined::Pair(pair) => Some((pair.a.meta, pair.b.meta)),
            _ => None,
        }
    }

    #[test]
    fn equal_streams_hold_one_result_at_most() {
        let mut join = lockstep(&["x", "y"], &["x", "y"], 1);
        for operator in 0..2 {
            assert_eq!(join.next_side(), Some(Side::A));
            assert_eq!(push(&mut join, Side::A, operator, "a"), Joined::Waits);
            assert_eq!(join.next_side(), Some(Side::B));
            assert_eq!(
                partners(push(&mut join, Side::B, operator, "b")),
                Some(("a", "b"))
            );
        }
        assert!(join.take_alone().is_empty());
    }

    #[test]
    fn loops_pair_by_execution() {
        let mut join = lockstep(&["x"], &["x"], 100);
        push(&mut join, Side::A, 0, "a0");
        push(&mut join, Side::A, 0, "a1");
        assert_eq!(
            partners(push(&mut join, Side::B, 0, "b0")),
            Some(("a0", "b0"))
        );
        assert_eq!(
            partners(push(&mut join, Side::B, 0, "b1")),
            Some(("a1", "b1"))
        );
        push(&mut join, Side::B, 0, "b2");
        join.done(Side::A);
        assert_eq!(join.take_alone(), [(Side::B, "b2", Alone::NotExecuted)]);
    }

    #[test]
    fn memory_stays_within_the_budget() {
        let mut join = lockstep(&["x", "y"], &["y", "x"], 10);
        push(&mut join, Side::A, 0, "old");
        push(&mut join, Side::A, 1, "new");
        assert_eq!(join.take_alone(), [(Side::A, "old", Alone::TooLate)]);
        let late = push(&mut join, Side::B, 1, "late");
        assert!(matches!(late, Joined::Alone(_, Alone::TooLate)));
        assert_eq!(
            partners(push(&mut join, Side::B, 0, "b")),
            Some(("new", "b"))
        );
    }

    #[test]
    fn what_has_no_partner_is_said_at_once() {
        let mut join = lockstep(&["x"], &["y"], 100);
        let alone = push(&mut join, Side::A, 0, "a");
        assert!(matches!(alone, Joined::Alone(_, Alone::NoPartner)));
        join.done(Side::A);
        assert_eq!(join.next_side(), Some(Side::B));
        join.done(Side::B);
        assert_eq!(join.next_side(), None);
    }
}
