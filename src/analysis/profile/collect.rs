//! Takes the results of marked nodes as an engine produces them.

use super::Results;
use crate::exec::{Event, HostTensor, Tap, TapError};
use crate::hbdk::graph::RecordId;
use crate::hbdk::{Build, MarkKind};
use crate::ir::{FuncId, NodeId};
use rustc_hash::{FxHashMap, FxHashSet};
use smol_str::SmolStr;
use std::collections::VecDeque;

/// Operators that were expected and never ran, or ran otherwise than the front end read them.
#[derive(Debug, thiserror::Error)]
#[error("{found} pt ops != {expected} hbdk parser ops; not in ret: {missing:?}")]
pub struct Missing {
    /// How many have results.
    pub found: usize,
    /// How many the front end names.
    pub expected: usize,
    /// The names of those without.
    pub missing: Vec<String>,
}

/// A tap that keeps results under the front end's names.
pub struct Collector<'b> {
    build: &'b Build,
    /// Marks of operators by place, in the order of execution.
    operators: FxHashMap<(SmolStr, FuncId, NodeId), VecDeque<usize>>,
    /// Marks of function calls, in the order of execution.
    calls: VecDeque<usize>,
    /// The operator whose outputs are coming, and how many tensors came.
    current: Option<(usize, usize)>,
    taken: FxHashMap<RecordId, HostTensor>,
}

impl<'b> Collector<'b> {
    /// Waits for the marks of a build.
    pub fn new(build: &'b Build) -> Collector<'b> {
        let mut operators: FxHashMap<_, VecDeque<usize>> = FxHashMap::default();
        let mut calls = VecDeque::new();
        for (i, mark) in build.marks.iter().enumerate() {
            match mark.kind {
                MarkKind::Operator => {
                    let key = (mark.scope.clone(), mark.func, mark.node);
                    operators.entry(key).or_default().push_back(i);
                }
                MarkKind::Function(_) => calls.push_back(i),
            }
        }
        Collector {
            build,
            operators,
            calls,
            current: None,
            taken: FxHashMap::default(),
        }
    }

    fn take(&mut self, mark: usize, first: usize, event: &Event<'_>) -> Result<usize, TapError> {
        let records = &self.build.marks[mark].records;
        let tensors = event.value.tensors();
        for (tensor, record) in tensors.iter().zip(records.iter().skip(first)) {
            if let Some(record) = record
                && !self.taken.contains_key(record)
            {
                self.taken.insert(*record, tensor.to_host()?);
            }
        }
        Ok(first + tensors.len())
    }

    /// The results; an error when some are missing.
    pub fn finish(mut self, rows: &[(RecordId, String)]) -> Result<Results, Missing> {
        let mut results = Results::default();
        let mut missing = Vec::new();
        for (id, name) in rows {
            match self.taken.remove(id) {
                Some(tensor) => results.tensors.push((name.clone(), tensor)),
                None => missing.push(name.clone()),
            }
        }
        match missing.is_empty() {
            true => Ok(results),
            false => Err(Missing {
                found: results.tensors.len(),
                expected: rows.len(),
                missing,
            }),
        }
    }

    /// Modules that have marked nodes.
    pub fn scopes(&self) -> FxHashSet<&str> {
        self.build.marks.iter().map(|m| m.scope.as_str()).collect()
    }
}

impl Tap for Collector<'_> {
    fn produced(&mut self, event: &Event<'_>) -> Result<(), TapError> {
        let key = (SmolStr::from(event.scope), event.func, event.node);
        let Some(waiting) = self.operators.get_mut(&key) else {
            return Ok(());
        };
        if event.output == 0 {
            self.current = waiting.pop_front().map(|mark| (mark, 0));
        }
        if let Some((mark, first)) = self.current {
            let next = self.take(mark, first, event)?;
            self.current = Some((mark, next));
        }
        Ok(())
    }

    fn returned(&mut self, event: &Event<'_>) -> Result<(), TapError> {
        let Some(&mark) = self.calls.front() else {
            return Ok(());
        };
        let expected = &self.build.marks[mark];
        let MarkKind::Function(name) = &expected.kind else {
            return Ok(());
        };
        if event.function == name.as_str() && event.scope == expected.scope.as_str() {
            self.calls.pop_front();
            self.take(mark, 0, event)?;
        }
        Ok(())
    }
}
