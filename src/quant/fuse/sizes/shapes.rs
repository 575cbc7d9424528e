//! Sizes of tensors: kept, broadcast, joined and split, moved, multiplied, reduced.

use super::walk::Walk;
use super::{Fact, Size, axis, product};
use crate::ir::{Constant, Op, Type};
use crate::pass::fold_constants::{Follows, follows};

impl Walk<'_> {
    pub(super) fn tensor(&self, name: &str) -> Option<Fact> {
        // What writes to its input has the sizes of what does not.
        let name = name.strip_suffix('_').unwrap_or(name);
        let sizes = match name {
            "chunk" | "split" | "unbind" | "split_with_sizes" => return self.parts(name),
            "cat" | "concat" => self.joined(),
            "embedding" => self.embedded(),
            "clamp" => self.dims(0),
            "clamp_max" | "clamp_min" => self.broadcast(),
            _ => match follows(name) {
                Some(Follows::Same) => self.dims(0),
                Some(Follows::Larger) => self.broadcast(),
                _ => self.moved(name),
            },
        };
        sizes.map(Fact::Tensor)
    }

    /// Operators whose result has sizes of its own.
    fn moved(&self, name: &str) -> Option<Vec<Size>> {
        let dims = self.dims(0)?;
        match name {
            "linear" | "matmul" | "bmm" | "mm" | "scaled_dot_product_attention" => {
                self.multiplied(name, dims)
            }
            "t" | "transpose" | "swapaxes" | "swapdims" | "permute" => self.reordered(name, dims),
            "unsqueeze" | "squeeze" | "select" | "slice" => self.cut(name, dims),
            "view" | "reshape" | "flatten" | "unflatten" | "expand" => self.reshaped(name, dims),
            "mean" | "sum" | "amax" | "amin" => self.reduced(dims),
            _ => self.windowed(name, dims),
        }
    }

    fn broadcast(&self) -> Option<Vec<Size>> {
        let a = self.dims(0)?;
        let second = self.at(1)?;
        if *self.graph.ty(second) != Type::Tensor {
            return Some(a);
        }
        let b = self.dims_of(second)?;
        let rank = a.len().max(b.len());
        let from_end = |dims: &[Size], at: usize| match dims.len().checked_sub(at + 1) {
            Some(at) => dims[at],
            None => Some(1),
        };
        let both = |at: usize| match (from_end(&a, at), from_end(&b, at)) {
            (Some(1), other) | (other, Some(1)) => other,
            (one, other) => one.or(other),
        };
        Some((0..rank).rev().map(both).collect())
    }

    /// The sum along the dimension of what is joined; along the others all are alike.
    fn joined(&self) -> Option<Vec<Size>> {
        let list = self.graph.node(self.graph.producer(self.at(0)?)?);
        if list.op != Op::ListConstruct {
            return None;
        }
        let mut all = list.inputs.iter().map(|it| self.dims_of(*it));
        let mut dims = all.next()??;
        let along = self.axis(1, dims.len())?;
        for other in all {
            let other = other.unwrap_or_else(|| vec![None; dims.len()]);
            for (at, (size, other)) in dims.iter_mut().zip(other).enumerate() {
                *size = match at == along {
                    true => size.zip(other).and_then(|(a, b)| a.checked_add(b)),
                    false => size.or(other),
                };
            }
        }
        Some(dims)
    }

    fn embedded(&self) -> Option<Vec<Size>> {
        let mut dims = self.dims(1)?;
        dims.push(*self.dims(0)?.last()?);
        Some(dims)
    }

    /// Parts along a dimension, whose last may be smaller: their size is not followed.
    fn parts(&self, name: &str) -> Option<Fact> {
        let mut dims = self.dims(0)?;
        let axis = self.axis(if name == "unbind" { 1 } else { 2 }, dims.len())?;
        match (name, dims[axis], self.int(1)) {
            ("unbind", ..) => drop(dims.remove(axis)),
            ("chunk", Some(size), Some(count)) if count > 0 && size % count == 0 => {
                dims[axis] = Some(size / count);
            }
            ("split", Some(size), Some(part)) if part > 0 && size % part == 0 => {
                dims[axis] = Some(part);
            }
            _ => dims[axis] = None,
        }
        Some(Fact::Tensors(dims))
    }

    /// Matrix products: the last size is that of the second, or of the values that attention weighs.
    fn multiplied(&self, name: &str, mut dims: Vec<Size>) -> Option<Vec<Size>> {
        let rank = dims.len();
        let last = match name {
            "linear" => *self.dims(1)?.first()?,
            "scaled_dot_product_attention" => *self.dims(2)?.last()?,
            _ => {
                let other = self.dims(1)?;
                if rank < 2 || other.len() != rank && other.len() != 2 {
                    return None;
                }
                *other.last()?
            }
        };
        *dims.last_mut()? = last;
        Some(dims)
    }

    fn reordered(&self, name: &str, mut dims: Vec<Size>) -> Option<Vec<Size>> {
        let rank = dims.len();
        match name {
            "t" if rank == 2 => dims.reverse(),
            "transpose" | "swapaxes" | "swapdims" => {
                dims.swap(self.axis(1, rank)?, self.axis(2, rank)?);
            }
            "permute" => {
                let order = self.list_at(1)?;
                let order = order.iter().map(|it| Some(dims[axis((*it)?, rank)?]));
                return order.collect();
            }
            _ => return None,
        }
        Some(dims)
    }

    fn cut(&self, name: &str, mut dims: Vec<Size>) -> Option<Vec<Size>> {
        let rank = dims.len();
        if name == "unsqueeze" {
            dims.insert(self.axis(1, rank + 1)?, Some(1));
            return Some(dims);
        }
        let axis = self.axis(1, rank)?;
        match name {
            // Without a known size it is not known whether the dimension goes.
            "squeeze" if dims[axis]? != 1 => {}
            "squeeze" | "select" => drop(dims.remove(axis)),
            _ => dims[axis] = self.sliced(dims[axis]),
        }
        Some(dims)
    }

    fn sliced(&self, size: Size) -> Size {
        let size = size?;
        let bound = |argument: usize, open: i64| match self.constant(argument) {
            Some(Constant::None) => Some(open),
            _ => match self.int(argument)? {
                at @ ..0 => Some(at.checked_add(size)?.max(0)),
                at => Some(at.min(size)),
            },
        };
        let (start, end) = (bound(2, 0)?, bound(3, size)?);
        let step = self.int(4).filter(|it| *it > 0)?;
        Some((end - start).max(0).checked_add(step - 1)? / step)
    }

    fn reshaped(&self, name: &str, mut dims: Vec<Size>) -> Option<Vec<Size>> {
        let rank = dims.len();
        match name {
            "flatten" => {
                let (start, end) = (self.axis(1, rank)?, self.axis(2, rank)?);
                let whole = product(dims.get(start..=end)?.iter().copied());
                dims.splice(start..=end, [whole]);
            }
            "unflatten" => {
                let axis = self.axis(1, rank)?;
                let parts = self.written(&[dims[axis]], 2)?;
                dims.splice(axis..=axis, parts);
            }
            "expand" => {
                let wanted = self.list_at(1)?;
                let added = wanted.len().checked_sub(rank)?;
                let size = |(at, it): (usize, &Size)| match (*it, at.checked_sub(added)) {
                    (Some(-1), Some(at)) => dims[at],
                    (it, _) => it,
                };
                return Some(wanted.iter().enumerate().map(size).collect());
            }
            _ => return self.written(&dims, 1),
        }
        Some(dims)
    }

    /// The sizes that an argument lists; `-1` is what is left of those there are.
    fn written(&self, dims: &[Size], argument: usize) -> Option<Vec<Size>> {
        let mut wanted = self.list_at(argument)?;
        let Some(free) = wanted.iter().position(|it| *it == Some(-1)) else {
            return Some(wanted);
        };
        let whole = product(dims.iter().copied());
        let others = product(wanted.iter().copied().filter(|it| *it != Some(-1)));
        wanted[free] = match (whole, others) {
            (Some(whole), Some(others)) if others > 0 => Some(whole / others),
            _ => None,
        };
        Some(wanted)
    }

    /// Without the dimensions that an argument names, or with one element along them.
    fn reduced(&self, mut dims: Vec<Size>) -> Option<Vec<Size>> {
        let (rank, keep) = (dims.len(), self.bool(self.place("keepdim")?)?);
        let axes = self.ints_at(self.place("dim")?)?;
        let axes = axes.iter().map(|it| axis((*it)?, rank));
        let mut axes = axes.collect::<Option<Vec<usize>>>()?;
        axes.sort_unstable();
        axes.dedup();
        // An empty list stands for all.
        if axes.is_empty() {
            return None;
        }
        for axis in axes.into_iter().rev() {
            match keep {
                true => dims[axis] = Some(1),
                false => drop(dims.remove(axis)),
            }
        }
        Some(dims)
    }
}
