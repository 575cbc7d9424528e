//! libtorch against the front end, operator by operator (`horizon.md` 5.9).
//!
//! libtorch's results come from a [`Collector`] tap, or from a file that an earlier run saved. The front end's layers
//! are evaluated twice where something differs: once by themselves, once with libtorch's result put in place of every
//! named tensor, so that an operator that differs by itself is told from one that only inherits.

mod collect;
mod inputs;

pub use collect::{Collector, Missing};
pub use inputs::{arrays, describe, result, to_array, to_host};

use crate::exec::HostTensor;
use crate::hbdk::eval::{self, EvalError, Watch};
use crate::hbdk::graph::{Known, RecordId, Site};
use crate::hbdk::{Array, Build, Graph};
use rustc_hash::{FxHashMap, FxHashSet};

/// Results of one run by name, in the order of execution.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Results {
    /// Names and tensors in the framework's layout.
    pub tensors: Vec<(String, HostTensor)>,
}

impl Results {
    /// The tensor with a name.
    pub fn get(&self, name: &str) -> Option<&HostTensor> {
        self.tensors.iter().find(|(n, _)| n == name).map(|(_, t)| t)
    }
}

/// How two results of an operator differ.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// Largest absolute difference.
    pub largest: f64,
    /// Where it is, in the framework's layout; first of equals.
    pub place: Vec<usize>,
    /// libtorch's value there.
    pub torch: f64,
    /// The front end's value there.
    pub hbdk: f64,
    /// How many elements differ.
    pub differing: usize,
    /// How many there are.
    pub count: usize,
}

/// How an operator compares.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// Every element.
    Equal,
    /// Some elements.
    Differs(Difference),
    /// Not even the shape: what each has.
    Shapes(Vec<usize>, Vec<usize>),
}

impl Outcome {
    /// Whether a disagreement of the tool chain explains a difference this large.
    fn explained_by(&self, known: Known) -> bool {
        match self {
            Outcome::Equal => true,
            Outcome::Differs(it) => known.most().is_none_or(|most| it.largest <= most),
            Outcome::Shapes(..) => false,
        }
    }
}

/// One operator.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The front end's name.
    pub name: String,
    /// How it compares.
    pub outcome: Outcome,
    /// Whether it differs on equal inputs too, rather than because an earlier one does.
    pub by_itself: bool,
    /// A disagreement of the tool chain, not a fault.
    pub known: Option<Known>,
    /// Where it was written; none for arguments.
    pub site: Option<Site>,
}

impl Row {
    /// Whether every element is equal.
    pub fn is_equal(&self) -> bool {
        self.outcome == Outcome::Equal
    }
}

/// What came out.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    /// Operators in the order of execution.
    pub rows: Vec<Row>,
}

impl Profile {
    /// Whether all operators are equal.
    pub fn is_equal(&self) -> bool {
        self.rows.iter().all(Row::is_equal)
    }
}

/// The tensors that are compared: each once, under its first name, in order.
pub fn names(build: &Build) -> Vec<(RecordId, String)> {
    let mut seen = FxHashSet::default();
    let records = build.marks.iter().flat_map(|mark| &mark.records).flatten();
    records
        .filter(|id| seen.insert(**id))
        .map(|&id| (id, build.graph.record(id).name.to_string()))
        .collect()
}

/// Compares results with what the layers of a graph give; `rows` as [`names`] gives them.
pub fn profile(
    graph: &Graph,
    rows: &[(RecordId, String)],
    inputs: &[Array],
    results: &Results,
) -> Result<Profile, EvalError> {
    let by_name: FxHashMap<&str, &HostTensor> = results
        .tensors
        .iter()
        .map(|(n, t)| (n.as_str(), t))
        .collect();
    let wanted: FxHashMap<RecordId, &HostTensor> = rows
        .iter()
        .filter_map(|(id, name)| Some((*id, *by_name.get(name.as_str())?)))
        .collect();
    let mut own = Comparer::new(graph, &wanted, false);
    eval::run(graph, inputs, &mut own)?;
    let mut forced = Comparer::new(graph, &wanted, true);
    if own.found.values().any(|outcome| *outcome != Outcome::Equal) {
        eval::run(graph, inputs, &mut forced)?;
    }
    let row = |(id, name): &(RecordId, String)| {
        let outcome = own.found.remove(id)?;
        let alone = forced.found.get(id);
        let by_itself = alone.is_some_and(|o| *o != Outcome::Equal);
        let (site, known) = origin(graph, *id);
        Some(Row {
            name: name.clone(),
            known: known.filter(|it| by_itself && alone.is_some_and(|o| o.explained_by(*it))),
            outcome,
            by_itself,
            site,
        })
    };
    Ok(Profile {
        rows: rows.iter().filter_map(row).collect(),
    })
}

/// Evaluates the layers and gives their results under the same names, as libtorch has them.
pub fn evaluate(
    graph: &Graph,
    rows: &[(RecordId, String)],
    inputs: &[Array],
) -> Result<Results, EvalError> {
    struct Take<'g>(&'g Graph, FxHashMap<RecordId, Option<HostTensor>>);
    impl Watch for Take<'_> {
        fn computed(&mut self, id: RecordId, value: &Array) -> Option<Array> {
            if let Some(slot) = self.1.get_mut(&id) {
                *slot = Some(to_host(&eval::to_framework(
                    value,
                    self.0.record(id).layout,
                )));
            }
            None
        }
    }
    let slots = rows.iter().map(|(id, _)| (*id, None)).collect();
    let mut take = Take(graph, slots);
    eval::run(graph, inputs, &mut take)?;
    let named = |(id, name): &(RecordId, String)| {
        let tensor = take.1.get_mut(id)?.take()?;
        Some((name.clone(), tensor))
    };
    Ok(Results {
        tensors: rows.iter().filter_map(named).collect(),
    })
}

/// The layer of a tensor, and the disagreement that any layer made for the same call has.
fn origin(graph: &Graph, id: RecordId) -> (Option<Site>, Option<Known>) {
    let layer = graph.layers.iter().find(|l| l.outputs.contains(&id));
    let site = layer.and_then(|l| l.site.clone());
    (site, layer.and_then(|l| l.known))
}

struct Comparer<'g> {
    graph: &'g Graph,
    wanted: &'g FxHashMap<RecordId, &'g HostTensor>,
    replaces: bool,
    found: FxHashMap<RecordId, Outcome>,
}

impl<'g> Comparer<'g> {
    fn new(
        graph: &'g Graph,
        wanted: &'g FxHashMap<RecordId, &'g HostTensor>,
        replaces: bool,
    ) -> Comparer<'g> {
        Comparer {
            graph,
            wanted,
            replaces,
            found: FxHashMap::default(),
        }
    }
}

impl Watch for Comparer<'_> {
    fn computed(&mut self, id: RecordId, value: &Array) -> Option<Array> {
        let theirs = self.wanted.get(&id)?;
        let record = self.graph.record(id);
        let ours = eval::to_framework(value, record.layout);
        let theirs = to_array(theirs).ok()?;
        let outcome = difference(&theirs, &ours);
        let replace = self.replaces && matches!(outcome, Outcome::Differs(_));
        self.found.insert(id, outcome);
        replace.then(|| eval::to_layout(&theirs, record.layout).to(record.dtype))
    }
}

/// Compares values element by element; types may differ (an index is int64 in torch and int32 in hardware).
fn difference(torch: &Array, hbdk: &Array) -> Outcome {
    if torch.shape != hbdk.shape {
        return Outcome::Shapes(torch.shape.clone(), hbdk.shape.clone());
    }
    let count = torch.numel();
    let (mut largest, mut at, mut differing) = (-1.0, 0, 0);
    for i in 0..count {
        let (a, b) = (torch.at(i), hbdk.at(i));
        let distance = (a - b).abs();
        if a == b || a.is_nan() && b.is_nan() {
            continue;
        }
        differing += 1;
        if distance > largest || distance.is_nan() {
            (largest, at) = (distance, i);
        }
    }
    if differing == 0 {
        return Outcome::Equal;
    }
    let steps = crate::hbdk::array::strides(&torch.shape);
    let digit = |(s, n): (&usize, &usize)| at / s % n;
    Outcome::Differs(Difference {
        largest,
        place: steps.iter().zip(&torch.shape).map(digit).collect(),
        torch: torch.at(at),
        hbdk: hbdk.at(at),
        differing,
        count,
    })
}

/// Compares the results of two runs by name, in the order of the first (`compare_script_models`).
pub fn compare(a: &Results, b: &Results) -> Vec<Row> {
    let by_name: FxHashMap<&str, &HostTensor> =
        b.tensors.iter().map(|(n, t)| (n.as_str(), t)).collect();
    let row = |(name, tensor): &(String, HostTensor)| {
        let other = by_name.get(name.as_str())?;
        let outcome = match (to_array(tensor), to_array(other)) {
            (Ok(a), Ok(b)) => difference(&a, &b),
            _ => Outcome::Shapes(vec![], vec![]),
        };
        Some(Row {
            name: name.clone(),
            outcome,
            by_itself: false,
            known: None,
            site: None,
        })
    };
    a.tensors.iter().filter_map(row).collect()
}
