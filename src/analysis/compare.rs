//! Two models side by side, operator by operator.
//!
//! Both run in lockstep: whichever more results wait for goes on, so that only results without partner are alive.
//! Every result is seen as its operator produced it, before any later in-place operator.

mod values;

pub(crate) use values::host_view;
pub use values::{Leaf, Outcome, compare_host, compare_owned, compare_values};

use super::align::{Alignment, Alone, Basis, Held, Item, Joined, Lockstep, Pair, Side, align};
use super::attributes::classes;
use super::similarity::Tolerance;
use super::walk::{Step, is_operator, walk};
use crate::diag::Span;
use crate::exec::{ExecError, Kept, ValueRef};
use crate::ir::{FuncId, NodeId};
use crate::model::Model;
use rustc_hash::FxHashMap;
use smol_str::{SmolStr, format_smolstr};

/// Bytes of results that may wait for their partners: a branch of a large model; two models fit beside it.
const WAITING_BYTES: usize = 256 << 20;

/// A result of an operator, kept as it was produced.
pub struct Produced {
    /// Path of the module.
    pub scope: SmolStr,
    /// The function.
    pub func: FuncId,
    /// The node.
    pub node: NodeId,
    /// Such as `aten::conv2d`.
    pub kind: SmolStr,
    /// Which output of the node, if it has several.
    pub output: Option<usize>,
    /// Where the node was written.
    pub span: Option<Span>,
    /// Bytes of its tensors.
    pub bytes: usize,
    /// The value.
    pub value: Kept,
}

/// Results of operators that have tensors, as a model runs.
pub trait Results {
    /// Runs to the next one; `None` at the end.
    fn next(&mut self) -> Result<Option<Produced>, ExecError>;
}

/// Which operator produced a result.
#[derive(Clone, Debug, PartialEq)]
pub struct Origin {
    /// `_layer1_0_conv1_aten_conv2d`, with `_1` and so on when repeated, in the order of execution.
    pub name: String,
    /// Path of the module.
    pub scope: SmolStr,
    /// Such as `aten::conv2d`.
    pub kind: SmolStr,
    /// Where the node was written.
    pub span: Option<Span>,
    /// How many results of its model came before.
    pub sequence: usize,
}

/// A pair of results.
#[derive(Clone, Debug, PartialEq)]
pub struct Compared {
    /// In the first model.
    pub a: Origin,
    /// In the second model.
    pub b: Origin,
    /// Why they are a pair.
    pub basis: Basis,
    /// One for each tensor in the results; the suffix of the name, such as `.0`, when there are several.
    pub leaves: Vec<Leaf>,
}

impl Compared {
    /// Whether every tensor is within the tolerance.
    pub fn is_equal(&self) -> bool {
        self.leaves.iter().all(|leaf| leaf.outcome.is_equal())
    }
}

/// What came out.
#[derive(Debug, Default)]
pub struct Comparison {
    /// Pairs, in the order of the first model.
    pub pairs: Vec<Compared>,
    /// Results that were not compared.
    pub alone: Vec<(Side, Origin, Alone)>,
}

impl Comparison {
    /// The first pair that differs, in the order of the first model.
    pub fn first_divergence(&self) -> Option<&Compared> {
        self.pairs.iter().find(|pair| !pair.is_equal())
    }

    /// Whether everything was compared and is equal.
    pub fn is_equal(&self) -> bool {
        self.alone.is_empty() && self.first_divergence().is_none()
    }
}

/// Sees pairs as they are compared.
pub trait Observer {
    /// A pair was compared; `done` of about `expected` so far.
    fn compared(&mut self, pair: &Compared, done: usize, expected: usize);

    /// A result, before it is compared: `--save` takes it here.
    fn result(
        &mut self,
        side: Side,
        origin: &Origin,
        value: &ValueRef<'_>,
    ) -> Result<(), ExecError>;

    /// Whether [`Observer::result`] is wanted.
    fn wants_results(&self) -> bool;
}

/// The operators of a method with their places in the sequence that is aligned.
pub struct Sequence {
    items: Vec<Item>,
    position: FxHashMap<Step, usize>,
}

impl Sequence {
    /// The operators a method reaches.
    pub fn new(model: &Model, func: FuncId) -> Sequence {
        let steps = walk(&model.program, func, &classes(model));
        let operator = |step: &Step| {
            let op = &model.program.functions[step.func].graph.node(step.node).op;
            is_operator(op).then(|| Item::new(&step.scope, op.kind()))
        };
        let mut sequence = Sequence {
            items: Vec::new(),
            position: FxHashMap::default(),
        };
        for step in steps {
            if let Some(item) = operator(&step) {
                sequence.position.insert(step, sequence.items.len());
                sequence.items.push(item);
            }
        }
        sequence
    }
}

/// Runs both models to their ends and compares what corresponds.
pub fn compare(
    (a, results_a): (&Sequence, &mut dyn Results),
    (b, results_b): (&Sequence, &mut dyn Results),
    tolerance: Tolerance,
    observer: &mut dyn Observer,
) -> Result<Comparison, ExecError> {
    let alignment = align(&a.items, &b.items);
    let join = Lockstep::new(&alignment, a.items.len(), b.items.len(), WAITING_BYTES);
    let mut comparer = Comparer {
        alignment: &alignment,
        join,
        names: Default::default(),
        counts: [0; 2],
        tolerance,
        observer,
        found: Comparison::default(),
    };
    while let Some(side) = comparer.join.next_side() {
        let (sequence, results): (_, &mut dyn Results) = match side {
            Side::A => (a, results_a),
            Side::B => (b, results_b),
        };
        match results.next()? {
            Some(produced) => comparer.take(side, sequence, produced)?,
            None => comparer.join.done(side),
        }
    }
    Ok(comparer.finish())
}

struct Comparer<'c> {
    alignment: &'c Alignment,
    join: Lockstep<Origin, Kept>,
    names: [Names; 2],
    counts: [usize; 2],
    tolerance: Tolerance,
    observer: &'c mut dyn Observer,
    found: Comparison,
}

impl Comparer<'_> {
    fn take(
        &mut self,
        side: Side,
        sequence: &Sequence,
        produced: Produced,
    ) -> Result<(), ExecError> {
        let origin = Origin {
            name: self.names[side as usize].name(&produced),
            scope: produced.scope.clone(),
            kind: produced.kind,
            span: produced.span,
            sequence: self.counts[side as usize],
        };
        self.counts[side as usize] += 1;
        if self.observer.wants_results() {
            let observer = &mut *self.observer;
            produced
                .value
                .with(|value| observer.result(side, &origin, value))??;
        }
        let step = Step {
            scope: produced.scope,
            func: produced.func,
            node: produced.node,
        };
        let operator = sequence.position.get(&step).copied();
        let held = Held {
            meta: origin,
            value: produced.value,
        };
        match self.join.push(side, operator, held, produced.bytes) {
            Joined::Pair(pair) => self.compare(*pair)?,
            Joined::Waits => {}
            Joined::Alone(held, why) => self.found.alone.push((side, held.meta, why)),
        }
        Ok(())
    }

    fn compare(&mut self, pair: Pair<Origin, Kept>) -> Result<(), ExecError> {
        let tolerance = self.tolerance;
        let (a, b) = (&pair.a.value, &pair.b.value);
        let leaves = a.with(|a| b.with(|b| compare_values(a, b, tolerance)))???;
        let compared = Compared {
            a: pair.a.meta,
            b: pair.b.meta,
            basis: self.alignment.pairs[pair.pair].2,
            leaves,
        };
        let (done, expected) = (self.found.pairs.len() + 1, self.alignment.pairs.len());
        self.observer.compared(&compared, done, expected);
        self.found.pairs.push(compared);
        Ok(())
    }

    fn finish(mut self) -> Comparison {
        self.found.alone.extend(self.join.take_alone());
        self.found.pairs.sort_by_key(|pair| pair.a.sequence);
        self.found
            .alone
            .sort_by_key(|(side, origin, _)| (*side as usize, origin.sequence));
        self.found
    }
}

/// Gives every result of a model its name.
#[derive(Default)]
struct Names {
    seen: FxHashMap<SmolStr, u32>,
    last: SmolStr,
}

impl Names {
    fn name(&mut self, produced: &Produced) -> String {
        // Further outputs of an execution share the name of the first.
        if produced.output.is_none_or(|output| output == 0) {
            let base = base_name(&produced.scope, &produced.kind);
            let count = self.seen.entry(base.clone()).or_default();
            self.last = match *count {
                0 => base,
                n => format_smolstr!("{base}_{n}"),
            };
            *count += 1;
        }
        match produced.output {
            None => self.last.to_string(),
            Some(output) => format!("{}.{output}", self.last),
        }
    }
}

/// `_layer1_0_conv1_aten_conv2d`, as the guide names operators.
fn base_name(scope: &str, kind: &str) -> SmolStr {
    let kind = kind.replace("::", "_");
    match scope {
        "" => format_smolstr!("_{kind}"),
        scope => format_smolstr!("_{}_{kind}", scope.replace('.', "_")),
    }
}
