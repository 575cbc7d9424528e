//! One product of two operands.

use crate::ir::{Constant, Type, ValueId};
use crate::quant::fuse::Builder;

/// A tensor with a letter for each dimension.
#[derive(Clone, Debug)]
pub(super) struct Named {
    pub(super) value: ValueId,
    pub(super) letters: Vec<u8>,
    /// Whether the file stores it.
    pub(super) is_weight: bool,
}

/// A sum over dimensions, which stay or not.
type Reduce = fn(&mut Builder<'_>, &str, ValueId, &[i64], bool) -> Option<ValueId>;

impl Named {
    /// Sums over the dimensions of some letters.
    pub(super) fn without(
        mut self,
        b: &mut Builder<'_>,
        goes: impl Fn(u8) -> bool,
        reduce: Reduce,
    ) -> Option<Named> {
        while let Some(at) = self.letters.iter().position(|it| goes(*it)) {
            self.value = reduce(b, "sum", self.value, &[at as i64], false)?;
            self.letters.remove(at);
            self.is_weight = false;
        }
        Some(self)
    }

    fn has(&self, letter: u8) -> bool {
        self.letters.contains(&letter)
    }

    /// The letters that are, and are not, in another tensor or needed later.
    fn split(&self, other: &Named, needed: &[u8], shared: bool, later: bool) -> Vec<u8> {
        let fits = |it: &&u8| other.has(**it) == shared && needed.contains(it) == later;
        self.letters.iter().filter(fits).copied().collect()
    }

    fn size(&self, b: &mut Builder<'_>, letter: u8) -> Option<ValueId> {
        let at = self.letters.iter().position(|it| *it == letter)?;
        let dim = b.int(at as i64);
        b.aten("size", "int", &[self.value, dim])
    }
}

/// The product of two tensors, summed over what is not needed.
pub(super) fn product(b: &mut Builder<'_>, x: Named, y: Named, needed: &[u8]) -> Option<Named> {
    let alone = |letter: u8, other: &Named| !other.has(letter) && !needed.contains(&letter);
    let x = x.without(b, |it| alone(it, &y), super::reduction)?;
    let y = y.without(b, |it| alone(it, &x), super::reduction)?;
    let batch = x.split(&y, needed, true, true);
    let summed = x.split(&y, needed, true, false);
    let rows = x.split(&y, needed, false, true);
    let columns = y.split(&x, needed, false, true);
    let letters = [&batch[..], &rows, &columns].concat();
    let is_linear = y.is_weight && batch.is_empty() && !rows.is_empty();
    let value = if summed.is_empty() {
        elements(b, &x, &y, [&batch, &rows, &columns])?
    } else if is_linear && summed.len() == 1 && columns.len() == 1 {
        let x = permuted(b, &x, &[&rows[..], &summed].concat())?;
        let weight = permuted(b, &y, &[&columns[..], &summed].concat())?;
        let none = b.constant(Constant::None, Type::None);
        b.aten("linear", "", &[x, weight, none])?
    } else {
        matrices(b, &x, &y, [&batch, &rows, &summed, &columns])?
    };
    Some(Named {
        value,
        letters,
        is_weight: false,
    })
}

/// Nothing to sum: `[batch, rows, 1]` times `[batch, 1, columns]`.
fn elements(
    b: &mut Builder<'_>,
    x: &Named,
    y: &Named,
    [batch, rows, columns]: [&[u8]; 3],
) -> Option<ValueId> {
    let mut left = permuted(b, x, &[batch, rows].concat())?;
    for _ in columns {
        let last = b.int(-1);
        left = b.aten("unsqueeze", "", &[left, last])?;
    }
    let mut right = permuted(b, y, &[batch, columns].concat())?;
    for _ in rows {
        let at = b.int(batch.len() as i64);
        right = b.aten("unsqueeze", "", &[right, at])?;
    }
    b.aten("mul", "Tensor", &[left, right])
}

/// `[batch, rows, summed]` by `[batch, summed, columns]`, each group but the batch in one dimension.
fn matrices(
    b: &mut Builder<'_>,
    x: &Named,
    y: &Named,
    [batch, rows, summed, columns]: [&[u8]; 4],
) -> Option<ValueId> {
    let start = batch.len();
    let left = permuted(b, x, &[batch, rows, summed].concat())?;
    let left = grouped(b, left, start, [rows.len(), summed.len()])?;
    let right = permuted(b, y, &[batch, summed, columns].concat())?;
    let right = grouped(b, right, start, [summed.len(), columns.len()])?;
    let product = b.aten("matmul", "", &[left, right])?;
    if rows.len() <= 1 && columns.len() <= 1 {
        let mut value = product;
        for (group, dim) in [
            (columns, -1),
            (rows, if columns.is_empty() { -1 } else { -2 }),
        ] {
            if group.is_empty() {
                let dim = b.int(dim);
                value = b.aten("squeeze", "dim", &[value, dim])?;
            }
        }
        return Some(value);
    }
    let mut sizes = Vec::with_capacity(batch.len() + rows.len() + columns.len());
    for (of, letters) in [(x, batch), (x, rows), (y, columns)] {
        for &letter in letters {
            sizes.push(of.size(b, letter)?);
        }
    }
    let sizes = b.int_list(&sizes);
    b.aten("reshape", "", &[product, sizes])
}

/// Two groups of dimensions behind the batch, each as one.
fn grouped(
    b: &mut Builder<'_>,
    value: ValueId,
    start: usize,
    lengths: [usize; 2],
) -> Option<ValueId> {
    let mut value = value;
    // From the end on, so that the first group's place stays.
    for (at, len) in [(start + lengths[0], lengths[1]), (start, lengths[0])] {
        let (first, last) = (b.int(at as i64), b.int((at + len) as i64 - 1));
        value = match len {
            1 => value,
            0 => b.aten("unsqueeze", "", &[value, first])?,
            _ => b.aten("flatten", "using_ints", &[value, first, last])?,
        };
    }
    Some(value)
}

/// A tensor with its dimensions in another order.
pub(super) fn permuted(b: &mut Builder<'_>, x: &Named, order: &[u8]) -> Option<ValueId> {
    let place = |letter: &u8| x.letters.iter().position(|it| it == letter);
    let places: Vec<usize> = order.iter().map(place).collect::<Option<_>>()?;
    if places.len() != x.letters.len() {
        return None;
    }
    let moved: Vec<usize> = (0..places.len()).filter(|at| places[*at] != *at).collect();
    match moved[..] {
        [] => Some(x.value),
        // Stored matrices are known through this one.
        [i, j] => {
            let (i, j) = (b.int(i as i64), b.int(j as i64));
            b.aten("transpose", "int", &[x.value, i, j])
        }
        _ => {
            let order: Vec<i64> = places.iter().map(|it| *it as i64).collect();
            let order = b.ints(&order);
            b.aten("permute", "", &[x.value, order])
        }
    }
}
