//! One method as one graph: inlined, folded, cleaned, with the file's values behind its attributes.

use super::PassError;
use super::driver::{Driver, Timing};
use super::fold_constants::{Assumptions, with_ranks};
use super::objects::{Objects, Stored, names_set};
use super::scene::Scene;
use crate::archive::pickle::TensorId;
use crate::ir::{Function, Graph, SideMap, ValueId};
use crate::model::Model;

/// How to flatten.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// What folding may take for granted.
    pub assumptions: Assumptions,
    /// Whether [`Flat::rank`] is asked.
    pub ranks: bool,
}

/// A flat method.
#[derive(Clone, Debug)]
pub struct Flat {
    /// The method with its flat graph: `self` first, then the parameters.
    pub function: Function,
    /// The passes that ran.
    pub timings: Vec<Timing>,
    stored: SideMap<ValueId, Option<Stored>>,
    ranks: SideMap<ValueId, Option<u8>>,
}

/// A method as one graph: `forward` of the root module, `layer1.0.forward` of one below it.
///
/// The graph is that of the file's state: attributes that the method may set stay attributes, and so do tensors.
/// Dimensions are inferred for batched images ([`Assumptions`]). What cannot be inlined stays a call.
pub fn flat(model: &Model, method: &str) -> Result<Flat, PassError> {
    flat_with(model, method, &Options::default())
}

/// As [`flat`], with other assumptions.
pub fn flat_with(model: &Model, method: &str, options: &Options) -> Result<Flat, PassError> {
    let (scene, func) = Scene::of_method(model, method)?;
    let mut function = model.program.functions[func].clone();
    if function
        .graph
        .block(function.graph.root())
        .returns
        .is_empty()
    {
        return Err(PassError::NoGraph(function.name));
    }
    let mut driver = Driver::new(scene.clone());
    driver.assumptions = options.assumptions.clone();
    driver.flatten(&mut function)?;
    let mut ranks = SideMap::new();
    if options.ranks {
        (function.graph, ranks) = with_ranks(&scene, &function.graph, &options.assumptions)?;
    }
    let names = names_set(&model.program, &function.graph);
    let mut objects = Objects::new(&scene, names);
    for id in function.graph.nodes_in_order() {
        objects.learn(function.graph.node(id));
    }
    Ok(Flat {
        timings: driver.timings().to_vec(),
        stored: objects.into_known(),
        ranks,
        function,
    })
}

impl Flat {
    /// The graph.
    pub fn graph(&self) -> &Graph {
        &self.function.graph
    }

    /// What a value is in the file: its attribute path from the root, and the value in `data.pkl`.
    pub fn stored(&self, value: ValueId) -> Option<&Stored> {
        self.stored[value].as_ref()
    }

    /// How many dimensions a tensor has, where that is known and [`Options::ranks`] was set.
    pub fn rank(&self, value: ValueId) -> Option<u8> {
        self.ranks[value]
    }

    /// The tensor a value is in `data.pkl`.
    pub fn tensor(&self, model: &Model, value: ValueId) -> Option<TensorId> {
        let data = model.archive.data().ok()?;
        data.as_tensor(data.at(self.stored(value)?.item))
    }
}
