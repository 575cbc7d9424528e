//! `--hbir`: the layers of the front end.

use crate::hbdk::Graph;
use serde::Serialize;

/// A model as layers.
#[derive(Debug, Serialize)]
pub struct Hbir {
    /// The march all parameters are for.
    pub march: &'static str,
    /// Live layers by kind, most frequent first.
    pub kinds: Vec<(&'static str, usize)>,
    /// The listing.
    pub text: String,
}

/// The layers of a graph.
pub fn hbir(graph: &Graph) -> Hbir {
    let mut kinds: Vec<(&'static str, usize)> = Vec::new();
    for (layer, live) in graph.layers.iter().zip(graph.live_layers()) {
        let name = layer.kind.name();
        match kinds.iter_mut().find(|(kind, _)| *kind == name) {
            Some((_, count)) if live => *count += 1,
            None if live => kinds.push((name, 1)),
            _ => {}
        }
    }
    kinds.sort_by_key(|&(name, count)| (std::cmp::Reverse(count), name));
    Hbir {
        march: graph.march.name(),
        kinds,
        text: graph.to_string(),
    }
}
