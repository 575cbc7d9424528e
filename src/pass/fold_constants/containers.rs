//! Tuples, lists and what the file says about tensors.

use super::super::copy::{Action, Site};
use super::{Folder, integer, one};
use crate::ir::{Constant, Graph, Node, Op, Type, ValueId};
use smallvec::SmallVec;

/// Slices of slices deeper than this are not followed.
const MAX_SLICES: usize = 16;

/// A container whose elements are known.
enum Elements<'a> {
    Values(&'a [ValueId]),
    Constants(&'a [Constant]),
}

impl Elements<'_> {
    fn len(&self) -> usize {
        match self {
            Elements::Values(items) => items.len(),
            Elements::Constants(items) => items.len(),
        }
    }
}

impl<'m> Folder<'m> {
    /// The elements of a tuple, or of a list that nobody writes to.
    fn elements<'a>(&self, site: &'a Site<'_, 'm>, value: ValueId) -> Option<Elements<'a>> {
        let node = site.out.node(site.out.producer(value)?);
        match &node.op {
            Op::TupleConstruct => Some(Elements::Values(&node.inputs)),
            Op::Constant(Constant::Tuple(items)) => Some(Elements::Constants(items)),
            Op::ListConstruct if self.frozen[value] => Some(Elements::Values(&node.inputs)),
            Op::Constant(Constant::List(items)) if self.frozen[value] => {
                Some(Elements::Constants(items))
            }
            _ => None,
        }
    }

    pub(super) fn parts(&self, site: &Site<'_, 'm>) -> Option<Action<'m>> {
        let input = *site.inputs.first()?;
        let node = site.graph.node(site.id);
        if node.op == Op::TupleIndex {
            return self.element(site);
        }
        let elements = self.elements(site, input)?;
        if elements.len() != node.outputs.len() {
            return None;
        }
        match elements {
            Elements::Values(values) => Some(Action::Values(SmallVec::from_slice(values))),
            Elements::Constants(items) => {
                let types = node.outputs.iter().map(|&v| site.graph.ty(v));
                let typed = items.iter().zip(types);
                let typed: Option<Vec<_>> = typed
                    .map(|(item, ty)| Some((item.clone(), element_type(item, ty)?)))
                    .collect();
                Some(Action::Constants(typed?))
            }
        }
    }

    /// `container[index]` with both known.
    pub(super) fn element(&self, site: &Site<'_, 'm>) -> Option<Action<'m>> {
        let &[container, index] = &site.inputs[..] else {
            return None;
        };
        let &Constant::Int(index) = site.out.constant(index)? else {
            return None;
        };
        let elements = self.elements(site, container)?;
        let len = elements.len() as i64;
        let index = if index < 0 { index + len } else { index };
        let index = usize::try_from(index).ok().filter(|&i| i < len as usize)?;
        match elements {
            Elements::Values(values) => Some(one(values[index])),
            Elements::Constants(items) => {
                let output = *site.graph.node(site.id).outputs.first()?;
                let ty = element_type(&items[index], site.graph.ty(output))?;
                Some(Action::Constants(vec![(items[index].clone(), ty)]))
            }
        }
    }

    pub(super) fn length(&self, site: &Site<'_, 'm>) -> Option<i64> {
        let input = *site.inputs.first()?;
        match site.out.ty(input) {
            Type::List(_) => self.known_length(site.out, input),
            Type::Tensor => self.stored_size(site, input, 0),
            Type::Dict(_) => {
                let node = site.out.node(site.out.producer(input)?);
                let known = node.op == Op::DictConstruct && self.frozen[input];
                known
                    .then_some(node.inputs.len() as i64 / 2)
                    .filter(|it| *it == 0)
            }
            _ => None,
        }
    }

    /// The length of a list that nobody writes to: as written, of a tensor's sizes, of a slice of such.
    pub(super) fn known_length(&self, out: &Graph, list: ValueId) -> Option<i64> {
        let mut slices: SmallVec<[&Node; 2]> = SmallVec::new();
        let mut list = list;
        let mut length = loop {
            let node = out.node(out.producer(list)?);
            if !self.frozen[list] || slices.len() > MAX_SLICES {
                return None;
            }
            match &node.op {
                Op::ListConstruct => break node.inputs.len() as i64,
                Op::Constant(Constant::List(items)) => break items.len() as i64,
                Op::Operator(schema) => match (schema.name(), &node.inputs[..]) {
                    ("aten::size", &[tensor]) => break self.ranks[tensor]?.into(),
                    ("aten::slice", &[inner, ..]) => {
                        slices.push(node);
                        list = inner;
                    }
                    _ => return None,
                },
                _ => return None,
            }
        };
        while let Some(node) = slices.pop() {
            length = slice_length(out, node, length)?;
        }
        Some(length)
    }

    /// `item in list` of plain constants.
    pub(super) fn contains(&self, site: &Site<'_, 'm>) -> Option<bool> {
        let &[list, item] = &site.inputs[..] else {
            return None;
        };
        let Type::List(_) = site.out.ty(list) else {
            return None;
        };
        let item = site.out.constant(item)?;
        if !matches!(item, Constant::Int(_) | Constant::Str(_)) {
            return None;
        }
        match self.elements(site, list)? {
            Elements::Constants(items) => Some(items.contains(item)),
            Elements::Values(values) => {
                let items: Option<Vec<_>> = values.iter().map(|&v| site.out.constant(v)).collect();
                Some(items?.contains(&item))
            }
        }
    }

    /// Sizes and dtypes of tensors that the file stores.
    pub(super) fn stored_fact(&self, site: &Site<'_, 'm>, name: &str) -> Option<Action<'m>> {
        let input = *site.inputs.first()?;
        let old = *site.graph.node(site.id).inputs.first()?;
        let tensor = self.objects.tensor(input)?;
        if self.aliases.is_reshaped(old) {
            return None;
        }
        match (name, &site.inputs[1..]) {
            ("prim::dtype", []) => Some(integer(tensor.dtype.code())),
            ("aten::numel", []) => Some(integer(tensor.numel())),
            ("aten::size", &[dim]) => {
                let &Constant::Int(dim) = site.out.constant(dim)? else {
                    return None;
                };
                Some(integer(self.stored_size(site, input, dim)?))
            }
            ("aten::size", []) => {
                let output = *site.graph.node(site.id).outputs.first()?;
                let sizes = tensor.sizes.iter().map(|&n| Constant::Int(n)).collect();
                let list = (Constant::List(sizes), Type::list(Type::Int));
                (!self.aliases.is_written(output)).then(|| Action::Constants(vec![list]))
            }
            _ => None,
        }
    }

    fn stored_size(&self, site: &Site<'_, 'm>, value: ValueId, dim: i64) -> Option<i64> {
        let old = *site.graph.node(site.id).inputs.first()?;
        if self.aliases.is_reshaped(old) {
            return None;
        }
        let sizes = &self.objects.tensor(value)?.sizes;
        let dim = if dim < 0 {
            dim + sizes.len() as i64
        } else {
            dim
        };
        sizes.get(usize::try_from(dim).ok()?).copied()
    }
}

/// The length of `list[begin:end:step]`, with constant bounds, of a list of a known length.
fn slice_length(out: &Graph, node: &Node, length: i64) -> Option<i64> {
    let &[_, begin, end, step] = &node.inputs[..] else {
        return None;
    };
    let bound = |value: ValueId, default: i64| match out.constant(value)? {
        Constant::None => Some(default),
        Constant::Int(at) if *at < 0 => Some(at.saturating_add(length).max(0)),
        Constant::Int(at) => Some((*at).min(length)),
        _ => None,
    };
    let (begin, end) = (bound(begin, 0)?, bound(end, length)?);
    match out.constant(step)? {
        Constant::Int(1) => Some((end - begin).max(0)),
        _ => None,
    }
}

/// The type of a constant taken out of a container, if it fits where it goes.
fn element_type(constant: &Constant, declared: &Type) -> Option<Type> {
    match super::scalar::type_of(constant) {
        Some(ty) => Some(ty),
        None => match constant {
            Constant::List(_) | Constant::Tuple(_) | Constant::Dict(_) => Some(declared.clone()),
            _ => None,
        },
    }
}
