//! Where a module stands: in the place of the float module it is made from, or under a generated name at the root
//! (`<scope>_generated_<op>_<k>`, horizon.md 7.3).

use crate::ir::NodeId;
use crate::quant::fuse::Net;
use rustc_hash::{FxHashMap, FxHashSet};
use smol_str::SmolStr;

/// Names given so far.
#[derive(Debug, Default)]
pub(super) struct Names {
    taken: FxHashSet<String>,
    /// Submodules of the float root, stubs aside: what is added at the root is called otherwise.
    reserved: FxHashSet<String>,
    /// How many operators of a scope need a module.
    needed: FxHashMap<SmolStr, usize>,
}

impl Names {
    /// No names yet.
    pub(super) fn new(net: &Net<'_>) -> Names {
        Names {
            reserved: net.root_names(|class| !class.ends_with("QuantStub")),
            ..Names::default()
        }
    }

    /// Counts an operator that will need a module.
    pub(super) fn need(&mut self, net: &Net<'_>, id: NodeId) {
        *self.needed.entry(net.node(id).scope.clone()).or_default() += 1;
    }

    /// The path for the module of a node; `op` names a generated one.
    pub(super) fn place(&mut self, net: &Net<'_>, id: NodeId, op: &str) -> String {
        let scope = &net.node(id).scope;
        if is_recurrent(net, scope) {
            // Its layers and what joins them stand in it.
            return self.numbered(&format!("{scope}.{op}"), net);
        }
        if self.is_own(net, scope) {
            if self.take(scope) {
                return scope.to_string();
            }
            // A shared module: one leaf for each call.
            return self.first_free(scope.as_str(), net);
        }
        let base = format!("{}_generated_{op}", scope.replace('.', "_"));
        self.numbered(&base, net)
    }

    /// `base`, else `base_1`, `base_2`, …, among names given so far.
    pub(super) fn free(&mut self, base: &str) -> String {
        if !self.reserved.contains(base) && self.take(base) {
            return base.to_owned();
        }
        let mut k = 1;
        loop {
            let name = format!("{base}_{k}");
            if !self.reserved.contains(&name) && self.take(&name) {
                return name;
            }
            k += 1;
        }
    }

    /// A name for what belongs to a node: its module, or its scope and operator.
    pub(super) fn of(&self, net: &Net<'_>, id: NodeId, op: &str) -> String {
        let scope = net.node(id).scope.replace('.', "_");
        match (self.is_own(net, &net.node(id).scope), scope.is_empty()) {
            (true, _) => scope,
            (false, true) => op.to_owned(),
            (false, false) => format!("{scope}_{op}"),
        }
    }

    /// Whether the module of a scope is one operator: a module of torch without submodules, a `FloatFunctional`, or
    /// any module without submodules that makes a single operator.
    fn is_own(&self, net: &Net<'_>, scope: &str) -> bool {
        let Some(class) = net.class_at(scope).filter(|_| !scope.is_empty()) else {
            return false;
        };
        if class.ends_with("FloatFunctional") {
            return true;
        }
        let single = self.needed.get(scope).is_none_or(|it| *it <= 1);
        !net.has_children(scope) && (class.starts_with("__torch__.torch.nn.modules.") || single)
    }

    fn take(&mut self, name: &str) -> bool {
        self.taken.insert(name.to_owned())
    }

    fn first_free(&mut self, base: &str, net: &Net<'_>) -> String {
        let mut k = 1;
        loop {
            let name = format!("{base}_{k}");
            if net.class_at(&name).is_none() && self.take(&name) {
                return name;
            }
            k += 1;
        }
    }

    fn numbered(&mut self, base: &str, net: &Net<'_>) -> String {
        let mut k = 0;
        loop {
            let name = format!("{base}_{k}");
            if net.class_at(&name).is_none() && self.take(&name) {
                return name;
            }
            k += 1;
        }
    }
}

/// Whether the module of a scope is one of torch's recurrent layers, which is written out as steps.
fn is_recurrent(net: &Net<'_>, scope: &str) -> bool {
    let class = net.class_at(scope).filter(|_| !scope.is_empty());
    class.is_some_and(|it| {
        let name = it.strip_prefix("__torch__.torch.nn.modules.rnn.");
        matches!(name, Some("LSTM" | "GRU" | "RNN"))
    })
}
