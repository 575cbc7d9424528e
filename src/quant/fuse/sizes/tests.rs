//! Sizes of small graphs; those expected are torch's, for tensors made with the inputs' sizes.

use super::{Known, Size, Sizes, known};
use crate::ir::text::parse_graph;
use crate::ir::{Graph, ValueId};
use crate::quant::fuse::ConstTensor;
use rustc_hash::FxHashMap;

/// Weights by value, and how many dimensions there are elsewhere.
#[derive(Default)]
struct File {
    weights: FxHashMap<ValueId, Vec<i64>>,
    ranks: FxHashMap<ValueId, usize>,
}

impl Known for File {
    fn stored(&self, value: ValueId) -> Option<ConstTensor> {
        let sizes = self.weights.get(&value)?;
        let count = sizes.iter().product::<i64>();
        ConstTensor::f32(&vec![0.0; count as usize], sizes, false)
    }

    fn dimensions(&self, value: ValueId) -> Option<usize> {
        self.ranks.get(&value).copied()
    }
}

/// A graph of `%self`, `%x` and further tensors with these lines.
fn graph(params: &str, lines: &[&str]) -> Graph {
    let text = format!(
        "graph(%self : __torch__.Net, {params}):\n  {}\n  return (%y)\n",
        lines.join("\n  ")
    );
    parse_graph(&text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn result(graph: &Graph) -> ValueId {
    graph.block(graph.root()).returns[0]
}

/// The sizes of `%y` for one input `%x` and a weight `%w`.
fn sizes_of(lines: &[&str], x: &[i64], weight: &[i64]) -> Option<Vec<Size>> {
    let graph = graph("%x : Tensor, %w : Tensor", lines);
    let weight_value = graph.block(graph.root()).params[2];
    let file = File {
        weights: FxHashMap::from_iter([(weight_value, weight.to_vec())]),
        ..File::default()
    };
    let sizes = Sizes::infer(&graph, &[Some(known(x))], &file);
    Some(sizes.of(result(&graph))?.to_vec())
}

const CONV: &[&str] = &[
    "%none : NoneType = prim::Constant()",
    "%no : bool = prim::Constant[value=0]()",
    "%one : int = prim::Constant[value=1]()",
    "%two : int = prim::Constant[value=2]()",
    "%ones : int[] = prim::Constant[value=[1, 1]]()",
    "%twos : int[] = prim::Constant[value=[2, 2]]()",
    "%three : int[] = prim::Constant[value=[3, 3]]()",
    "%c : Tensor = aten::conv2d(%x, %w, %none, %twos, %ones, %ones, %one)",
    "%r : Tensor = aten::relu_(%c)",
];

fn behind_conv(lines: &[&str]) -> Vec<String> {
    CONV.iter()
        .chain(lines)
        .map(|it| (*it).to_owned())
        .collect()
}

/// The sizes of `%y` behind a convolution with stride 2 of `[2, 3, 15, 20]` to 8 channels: `[2, 8, 8, 10]`.
fn after_conv(lines: &[&str]) -> Option<Vec<Size>> {
    let lines = behind_conv(lines);
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    sizes_of(&lines, &[2, 3, 15, 20], &[8, 3, 3, 3])
}

#[test]
fn convolutions_and_pools_follow_their_windows() {
    let pool = |ceil: &str| {
        after_conv(&[
            "%yes : bool = prim::Constant[value=1]()",
            "%empty : int[] = prim::Constant[value=[]]()",
            "%zeros : int[] = prim::Constant[value=[0, 0]]()",
            &format!("%y : Tensor = aten::max_pool2d(%r, %three, %empty, %zeros, %ones, {ceil})"),
        ])
    };
    let plain = after_conv(&["%y : Tensor = aten::tanh(%r)"]);
    assert_eq!(plain, Some(known(&[2, 8, 8, 10])));
    assert_eq!(pool("%no"), Some(known(&[2, 8, 2, 3])));
    assert_eq!(pool("%yes"), Some(known(&[2, 8, 3, 4])));
}

#[test]
fn an_image_without_a_batch_has_windows_too() {
    let lines = behind_conv(&["%y : Tensor = aten::neg(%r)"]);
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let found = sizes_of(&lines, &[3, 15, 20], &[8, 3, 3, 3]);
    assert_eq!(found, Some(known(&[8, 8, 10])));
}

#[test]
fn a_stride_that_is_not_known_gives_no_size() {
    let found = after_conv(&[
        "%n : int = aten::Int(%w)",
        "%strides : int[] = prim::ListConstruct(%n, %two)",
        "%y : Tensor = aten::max_pool2d(%r, %three, %strides, %ones, %ones, %no)",
    ]);
    assert_eq!(found, None);
}

#[test]
fn adaptive_pools_and_padding_set_and_add() {
    let lines = [
        "%sides : int[] = prim::Constant[value=[1, 2, 0, 3]]()",
        "%mode : str = prim::Constant[value=\"constant\"]()",
        "%p : Tensor = aten::pad(%r, %sides, %mode, %none)",
    ];
    let padded = after_conv(&[&lines[..], &["%y : Tensor = aten::relu(%p)"]].concat());
    assert_eq!(padded, Some(known(&[2, 8, 11, 13])));
    let pooled = "%y : Tensor, %at : Tensor = aten::adaptive_max_pool2d(%p, %twos)";
    let pooled = after_conv(&[&lines[..], &[pooled]].concat());
    assert_eq!(pooled, Some(known(&[2, 8, 2, 2])));
}

#[test]
fn a_reshape_reads_sizes_and_fills_in_what_is_left() {
    let found = after_conv(&[
        "%zero : int = prim::Constant[value=0]()",
        "%rest : int = prim::Constant[value=-1]()",
        "%n : int = aten::size(%r, %zero)",
        "%h : int = aten::size(%r, %two)",
        "%half : int = aten::floordiv(%h, %two)",
        "%wanted : int[] = prim::ListConstruct(%n, %rest, %half)",
        "%v : Tensor = aten::view(%r, %wanted)",
        "%y : Tensor = aten::transpose(%v, %one, %two)",
    ]);
    assert_eq!(found, Some(known(&[2, 4, 160])));
}

#[test]
fn a_flattened_image_fits_its_linear() {
    let found = after_conv(&[
        "%rest : int = prim::Constant[value=-1]()",
        "%f : Tensor = aten::flatten(%r, %one, %rest)",
        "%u : Tensor = aten::unsqueeze(%f, %rest)",
        "%first : int = prim::Constant[value=0]()",
        "%y : Tensor = aten::select(%u, %first, %first)",
    ]);
    assert_eq!(found, Some(known(&[640, 1])));
}

#[test]
fn what_no_rule_is_for_keeps_its_dimensions_and_gets_sizes_by_broadcasting() {
    let graph = graph(
        "%x : Tensor",
        &[
            "%one : int = prim::Constant[value=1]()",
            "%u : Tensor = aten::erfinv(%x)",
            "%s : Tensor = aten::add(%x, %u, %one)",
            "%list : Tensor[] = prim::ListConstruct(%s, %u)",
            "%y : Tensor = aten::cat(%list, %one)",
        ],
    );
    let unknown = graph.block(graph.root()).nodes[1];
    let unknown = graph.node(unknown).outputs[0];
    let file = File {
        ranks: FxHashMap::from_iter([(unknown, 3)]),
        ..File::default()
    };
    let sizes = Sizes::infer(&graph, &[Some(known(&[1, 5, 7]))], &file);
    assert_eq!(sizes.of(unknown), None);
    assert_eq!(sizes.of(result(&graph)), Some(&[None, None, Some(7)][..]));
}

#[test]
fn what_takes_a_place_has_its_sizes_and_what_follows_is_inferred() {
    let mut graph = graph(
        "%x : Tensor",
        &[
            "%a : Tensor = aten::relu(%x)",
            "%b : Tensor = aten::erfinv(%x)",
            "%y : Tensor = aten::tanh(%b)",
        ],
    );
    let file = File::default();
    let mut sizes = Sizes::infer(&graph, &[Some(known(&[4, 6]))], &file);
    let y = result(&graph);
    assert_eq!(sizes.of(y), None);
    let nodes = graph.block(graph.root()).nodes.clone();
    let [a, b] = [0, 1].map(|at| graph.node(nodes[at]).outputs[0]);
    let replaced = FxHashMap::from_iter([(a, b)]);
    graph.replace_uses(&replaced);
    sizes.replace(&replaced);
    sizes.grow(&graph, &file);
    assert_eq!(sizes.of(y), Some(&known(&[4, 6])[..]));
    assert_eq!(sizes.size(y, -1), Some(6));
    assert_eq!(sizes.size(y, 2), None);
}
