//! Which operator of one model corresponds to which of another.
//!
//! Operators are paired before anything runs, in three rounds: the longest common subsequence of (scope, kind); then
//! leftovers of equal scope and kind, which have moved; then, between two neighbouring pairs, leftovers of equal kind
//! in sequence, which finds renamed modules. It never refuses: what has no partner is listed.

mod lockstep;

pub use lockstep::{Alone, Held, Joined, Lockstep, Pair, Side};

use rustc_hash::FxHashMap;
use similar::{Algorithm, DiffOp, capture_diff_slices};
use smol_str::SmolStr;
use std::hash::Hash;
use std::ops::Range;

/// What identifies an operator across models.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Item {
    /// Module path, with `_` for dots so that `layer1.0` and `layer1_0` are one.
    pub scope: SmolStr,
    /// Operator name, such as `aten::conv2d`.
    pub kind: SmolStr,
}

impl Item {
    /// An operator of a module.
    pub fn new(scope: &str, kind: &str) -> Item {
        Item {
            scope: scope.replace('.', "_").into(),
            kind: kind.into(),
        }
    }
}

/// Why two operators are a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Basis {
    /// Same scope and kind, in order.
    Scope,
    /// Same scope and kind, in another order.
    Moved,
    /// Same kind at the same place of the sequence; the scopes differ.
    Sequence,
}

/// The pairs and the rest, by position in the two sequences.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Alignment {
    /// Pairs in the order of the first sequence.
    pub pairs: Vec<(usize, usize, Basis)>,
    /// Only in the first.
    pub only_a: Vec<usize>,
    /// Only in the second.
    pub only_b: Vec<usize>,
}

/// Pairs two sequences of operators.
pub fn align(a: &[Item], b: &[Item]) -> Alignment {
    let mut free_a: Vec<usize> = (0..a.len()).collect();
    let mut free_b: Vec<usize> = (0..b.len()).collect();
    let mut anchors = common_subsequence(a, b, &free_a, &free_b, |item| item);
    take(&mut free_a, &mut free_b, &anchors);
    let moved = moved(a, b, &free_a, &free_b);
    take(&mut free_a, &mut free_b, &moved);
    anchors.push((a.len(), b.len()));
    let renamed = in_sequence(a, b, &free_a, &free_b, &anchors);
    take(&mut free_a, &mut free_b, &renamed);
    anchors.pop();
    let rounds = [
        (anchors, Basis::Scope),
        (moved, Basis::Moved),
        (renamed, Basis::Sequence),
    ];
    let mut pairs: Vec<_> = rounds
        .into_iter()
        .flat_map(|(pairs, basis)| pairs.into_iter().map(move |(i, j)| (i, j, basis)))
        .collect();
    pairs.sort_unstable();
    Alignment {
        pairs,
        only_a: free_a,
        only_b: free_b,
    }
}

/// The longest common subsequence of the free operators by `key`, as positions; both lists ascend.
fn common_subsequence<'a, K: Hash + Eq + 'a>(
    a: &'a [Item],
    b: &'a [Item],
    free_a: &[usize],
    free_b: &[usize],
    key: impl Fn(&'a Item) -> &'a K,
) -> Vec<(usize, usize)> {
    let mut ids: FxHashMap<&K, (u32, bool)> = FxHashMap::default();
    for &i in free_a {
        let next = ids.len() as u32;
        ids.entry(key(&a[i])).or_insert((next, false));
    }
    // Only keys that both have can pair; without the others the search is short even for unlike models.
    let mut shared_b = Vec::new();
    for &j in free_b {
        if let Some((id, is_shared)) = ids.get_mut(key(&b[j])) {
            *is_shared = true;
            shared_b.push((j, *id));
        }
    }
    let shared_a = free_a.iter().filter_map(|&i| match ids[key(&a[i])] {
        (id, true) => Some((i, id)),
        _ => None,
    });
    let (at_a, ids_a): (Vec<usize>, Vec<u32>) = shared_a.unzip();
    let (at_b, ids_b): (Vec<usize>, Vec<u32>) = shared_b.into_iter().unzip();
    let mut pairs = Vec::new();
    for op in capture_diff_slices(Algorithm::Patience, &ids_a, &ids_b) {
        if let DiffOp::Equal {
            old_index,
            new_index,
            len,
        } = op
        {
            pairs.extend((0..len).map(|k| (at_a[old_index + k], at_b[new_index + k])));
        }
    }
    pairs
}

/// Leftovers of equal scope and kind: the first of one with the first of the other, and so on.
fn moved(a: &[Item], b: &[Item], free_a: &[usize], free_b: &[usize]) -> Vec<(usize, usize)> {
    let mut waiting: FxHashMap<&Item, Vec<usize>> = FxHashMap::default();
    for &j in free_b.iter().rev() {
        waiting.entry(&b[j]).or_default().push(j);
    }
    let partner = |i: usize, waiting: &mut FxHashMap<&Item, Vec<usize>>| {
        waiting.get_mut(&a[i]).and_then(Vec::pop)
    };
    free_a
        .iter()
        .filter_map(|&i| partner(i, &mut waiting).map(|j| (i, j)))
        .collect()
}

/// Leftovers of equal kind between neighbouring anchors.
fn in_sequence(
    a: &[Item],
    b: &[Item],
    free_a: &[usize],
    free_b: &[usize],
    anchors: &[(usize, usize)],
) -> Vec<(usize, usize)> {
    let (mut from_a, mut from_b) = (0, 0);
    let mut pairs = Vec::new();
    for &(to_a, to_b) in anchors {
        let gap_a = between(free_a, from_a..to_a);
        let gap_b = between(free_b, from_b..to_b);
        if !gap_a.is_empty() && !gap_b.is_empty() {
            pairs.extend(common_subsequence(a, b, gap_a, gap_b, |item| &item.kind));
        }
        (from_a, from_b) = (to_a + 1, to_b + 1);
    }
    pairs
}

/// The part of an ascending list that lies in a range.
fn between(list: &[usize], range: Range<usize>) -> &[usize] {
    let start = list.partition_point(|&i| i < range.start);
    let end = list.partition_point(|&i| i < range.end);
    &list[start..end]
}

/// Removes paired positions.
fn take(free_a: &mut Vec<usize>, free_b: &mut Vec<usize>, pairs: &[(usize, usize)]) {
    let taken_a: rustc_hash::FxHashSet<usize> = pairs.iter().map(|p| p.0).collect();
    let taken_b: rustc_hash::FxHashSet<usize> = pairs.iter().map(|p| p.1).collect();
    free_a.retain(|i| !taken_a.contains(i));
    free_b.retain(|j| !taken_b.contains(j));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(text: &str) -> Vec<Item> {
        text.split_whitespace()
            .map(|word| word.rsplit_once('/').unwrap_or(("", word)))
            .map(|(scope, kind)| Item::new(scope, kind))
            .collect()
    }

    fn aligned(a: &str, b: &str) -> Alignment {
        align(&items(a), &items(b))
    }

    #[test]
    fn equal_sequences_pair_one_to_one() {
        let result = aligned("x/conv x/relu y/conv", "x/conv x/relu y/conv");
        assert_eq!(
            result.pairs,
            [
                (0, 0, Basis::Scope),
                (1, 1, Basis::Scope),
                (2, 2, Basis::Scope)
            ]
        );
        assert!(result.only_a.is_empty() && result.only_b.is_empty());
    }

    #[test]
    fn an_inserted_operator_shifts_nothing() {
        let result = aligned("x/conv x/relu y/conv", "x/relu x/conv x/relu q/pool y/conv");
        let scope = Basis::Scope;
        assert_eq!(result.pairs, [(0, 1, scope), (1, 2, scope), (2, 4, scope)]);
        assert_eq!((result.only_a, result.only_b), (vec![], vec![0, 3]));
    }

    #[test]
    fn moved_branches_pair_by_scope() {
        let result = aligned("x/conv y/mul", "y/mul x/conv");
        assert_eq!(result.pairs.len(), 2);
        assert!(
            result.pairs.contains(&(0, 1, Basis::Moved))
                || result.pairs.contains(&(1, 0, Basis::Moved))
        );
    }

    #[test]
    fn renamed_modules_pair_in_sequence() {
        let result = aligned("a/conv a/relu a/add z/out", "b/conv b/relu z/out");
        assert_eq!(
            result.pairs,
            [
                (0, 0, Basis::Sequence),
                (1, 1, Basis::Sequence),
                (3, 2, Basis::Scope)
            ]
        );
        assert_eq!((result.only_a, result.only_b), (vec![2], vec![]));
    }

    #[test]
    fn unlike_models_are_listed_not_refused() {
        let result = aligned("a/conv a/relu", "b/pool");
        assert_eq!((result.only_a, result.only_b), (vec![0, 1], vec![0]));
    }

    #[test]
    fn dots_and_underscores_name_one_module() {
        assert_eq!(
            aligned("layer1.0/conv", "layer1_0/conv").pairs,
            [(0, 0, Basis::Scope)]
        );
    }
}
