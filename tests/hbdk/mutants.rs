//! Planted faults: one parameter of one layer at a time; `profile` must name exactly that operator.

use super::{Case, case};
use ptool::analysis::profile::{evaluate, names, profile};
use ptool::hbdk::Graph;
use ptool::hbdk::graph::{AddForm, Kind, PadMode};

/// The layer that makes a tensor.
fn layer<'g>(graph: &'g mut Graph, name: &str) -> &'g mut Kind {
    let id = graph.records.iter().position(|r| r.name == name);
    let id = id.unwrap_or_else(|| panic!("no tensor `{name}`")) as u32;
    let found = graph
        .layers
        .iter_mut()
        .find(|l| l.outputs.iter().any(|r| r.0 == id));
    &mut found.unwrap().kind
}

/// Which operators differ by themselves once a layer is changed.
fn located(case: &Case, target: &str, change: &dyn Fn(&mut Kind)) -> Vec<String> {
    let rows = names(&case.build);
    let sound = evaluate(&case.build.graph, &rows, &case.inputs).unwrap();
    let mut graph = case.build.graph.clone();
    change(layer(&mut graph, target));
    let found = profile(&graph, &rows, &case.inputs, &sound).unwrap();
    let own = found.rows.iter().filter(|row| row.by_itself);
    let own = own.inspect(|row| assert_eq!(row.known, None, "`{}` is excused", row.name));
    own.map(|row| row.name.clone()).collect()
}

/// Tensor of the changed layer, operator that must be named, change.
type Fault<'a> = (&'a str, &'a str, &'a dyn Fn(&mut Kind));

/// Plants faults in a fixture.
#[track_caller]
fn planted(name: &str, faults: &[Fault<'_>]) {
    let case = case(name);
    assert!(case.build.problems.is_empty());
    assert_eq!(
        located(&case, faults[0].0, &|_| {}),
        [""; 0],
        "nothing is planted"
    );
    for (i, (target, expected, change)) in faults.iter().enumerate() {
        assert_eq!(
            located(&case, target, change),
            [*expected],
            "fault {i} in `{target}`"
        );
    }
}

macro_rules! change {
    ($pattern:pat => $body:expr) => {
        &|kind: &mut Kind| match kind {
            $pattern => $body,
            other => panic!("{}", other.name()),
        }
    };
}

#[test]
fn faults_in_convolutions() {
    let (stem, sum) = ("_stem_hz_conv2d", "_block_1_hz_conv2d");
    planted(
        "convolutions_bayes",
        &[
            (stem, stem, change!(Kind::Conv(c) => c.rounding = false)),
            (
                stem,
                stem,
                change!(Kind::Conv(c) => c.params.output.post.iter_mut().for_each(|s| *s += 1)),
            ),
            (
                stem,
                stem,
                change!(Kind::Conv(c) => c.params.output.pre[3] += 1),
            ),
            (
                stem,
                stem,
                change!(Kind::Conv(c) => c.params.bias_lshift[0] += 1),
            ),
            (stem, stem, change!(Kind::Conv(c) => c.params.bias[1] += 64)),
            (stem, stem, change!(Kind::Conv(c) => c.padding = vec![2, 3])),
            (stem, stem, change!(Kind::Conv(c) => c.relu = false)),
            (
                stem,
                stem,
                change!(Kind::Conv(c) => {
                    // Two output channels change places.
                    let size = c.params.weight.len() / c.weight_shape[0];
                    let (first, second) = c.params.weight.split_at_mut(size);
                    first.swap_with_slice(&mut second[..size]);
                }),
            ),
            (
                stem,
                stem,
                change!(Kind::Conv(c) => c.params.weight.chunks_exact_mut(3).for_each(|rgb| rgb.swap(0, 2))),
            ),
            (sum, sum, change!(Kind::Conv(c) => c.params.escale[2] /= 2)),
            (
                "_depthwise_hz_conv2d",
                "_depthwise_hz_conv2d",
                change!(Kind::Conv(c) => c.dilation = vec![1, 2]),
            ),
            (
                "_grouped_hz_conv2d",
                "_grouped_hz_conv2d",
                change!(Kind::Conv(c) => c.params.weight.chunks_exact_mut(4).for_each(|group| group.swap(0, 1))),
            ),
            (
                "_up_hz_conv_transpose2d",
                "_up_hz_conv_transpose2d",
                change!(Kind::Conv(c) => c.padding = vec![0, 1]),
            ),
            (
                "_pool_hz_max_pool2d",
                "_pool_hz_max_pool2d",
                change!(Kind::MaxPooling(w) => w.padding = [0, 1]),
            ),
            (
                "_mean_hz_avg_pool2d",
                "_mean_hz_avg_pool2d",
                change!(Kind::AvgPooling { post_rounding, .. } => *post_rounding = false),
            ),
        ],
    );
}

#[test]
fn faults_in_the_guides_example() {
    let (cat, exp) = ("_hz_cat", "_quantized_ops_2_exp_hz_segment_lut");
    let resize = "_quantized_ops_5_hz_interpolate";
    planted(
        "guide_older",
        &[
            (
                "_hz_add",
                "_hz_add",
                change!(Kind::ElementwiseAdd { form: AddForm::Scale { shift, .. }, .. } => *shift -= 1),
            ),
            (
                "_hz_add",
                "_hz_add",
                change!(Kind::ElementwiseAdd { chain, .. } => chain.qscale[0] += 200),
            ),
            (
                "_hz_cat_rescale_0",
                cat,
                change!(Kind::Rescale { chain, .. } => chain.qscale[0] *= 2),
            ),
            (
                "_hz_cat_rescale_1",
                cat,
                change!(Kind::Rescale { rounding, .. } => *rounding = false),
            ),
            (
                "_hz_mul",
                "_hz_mul",
                change!(Kind::ElementwiseMul { chain } => chain.post[0] -= 1),
            ),
            (
                "_quantized_ops_1_hz_lut",
                "_quantized_ops_1_hz_lut",
                change!(Kind::Lut(table) => table[128] += 1),
            ),
            (
                "_quantized_ops_2_hz_sub",
                "_quantized_ops_2_hz_sub",
                change!(Kind::ElementwiseAdd { form: AddForm::Scale { scale, .. }, .. } => *scale = -*scale),
            ),
            (exp, exp, change!(Kind::SegmentLut(it) => it.b[6] += 1000)),
            (
                exp,
                exp,
                change!(Kind::SegmentLut(it) => it.sum_rsh[6] -= 1),
            ),
            (
                "_quantized_ops_2_hz_sum",
                "_quantized_ops_2_hz_sum",
                change!(Kind::Sum { chain, .. } => chain.pre[0] += 1),
            ),
            (
                resize,
                resize,
                change!(Kind::RoiResize(it) => it.start[1] += 4000),
            ),
            (
                resize,
                resize,
                change!(Kind::RoiResize(it) => it.rounding = false),
            ),
        ],
    );
}

#[test]
fn faults_in_shapes() {
    planted(
        "shapes_bayes",
        &[
            (
                "_hz_channel_shuffle",
                "_hz_channel_shuffle",
                change!(Kind::ChannelShuffle(order) => order.swap(1, 2)),
            ),
            (
                "_hz_pad",
                "_hz_pad",
                change!(Kind::Pad { mode: PadMode::Constant(value), .. } => *value += 1),
            ),
            (
                "_aten_clamp",
                "_aten_clamp",
                change!(Kind::Clamp { max, .. } => *max = Some(3)),
            ),
            (
                "_fc1_hz_linear_torch_native",
                "_fc1_hz_linear_torch_native",
                change!(Kind::Conv(c) => c.params.weight.reverse()),
            ),
        ],
    );
}

#[test]
fn faults_where_pixels_are_read_elsewhere() {
    planted(
        "sampling_bayes",
        &[
            (
                "_hz_grid_sample",
                "_hz_grid_sample",
                change!(Kind::Warping { pad, .. } => *pad = PadMode::Edge),
            ),
            (
                "_hz_grid_sample_1_grid_rescale_torch_native",
                "_hz_grid_sample_1",
                change!(Kind::Rescale { chain, .. } => chain.post[0] += 1),
            ),
            (
                "_hz_grid_sample_2",
                "_hz_grid_sample_2",
                change!(Kind::Warping { nearest, .. } => *nearest = false),
            ),
            (
                "_hz_correlation_1",
                "_hz_correlation_1",
                change!(Kind::Correlation { inter_rshift, .. } => *inter_rshift -= 1),
            ),
            (
                "_hz_correlation",
                "_hz_correlation",
                change!(Kind::Correlation { pad, .. } => *pad -= 1),
            ),
            (
                "_hz_prelu",
                "_hz_prelu",
                change!(Kind::PRelu { negative, .. } => negative.pre[0] += 1),
            ),
            (
                "_hz_pad_tail1",
                "_hz_pad",
                change!(Kind::Slice { begin, .. } => begin[1] -= 1),
            ),
        ],
    );
}

#[test]
fn faults_in_volumes() {
    let (grouped, skip) = ("_grouped_hz_conv3d", "_skip_hz_conv3d");
    planted(
        "volume_bayes",
        &[
            (
                grouped,
                grouped,
                change!(Kind::Conv(c) => c.padding = vec![1, 1, 0]),
            ),
            (
                grouped,
                grouped,
                change!(Kind::Conv(c) => c.params.weight.chunks_exact_mut(3).for_each(|group| group.swap(0, 2))),
            ),
            (
                skip,
                skip,
                change!(Kind::Conv(c) => c.params.escale_lshift[1] += 1),
            ),
        ],
    );
}

/// Rounding, shift, padding, channel order on the march that truncates.
#[test]
fn faults_in_convolutions_on_bernoulli2() {
    let (stem, up) = ("_stem_hz_conv2d", "_up_hz_conv_transpose2d");
    planted(
        "convolutions_bernoulli2",
        &[
            (stem, stem, change!(Kind::Conv(c) => c.rounding = true)),
            (up, up, change!(Kind::Conv(c) => c.rounding = true)),
            (
                stem,
                stem,
                change!(Kind::Conv(c) => c.params.output.post[2] -= 1),
            ),
            (
                stem,
                stem,
                change!(Kind::Conv(c) => c.params.bias_lshift[0] += 1),
            ),
            (stem, stem, change!(Kind::Conv(c) => c.padding = vec![3, 2])),
            (
                stem,
                stem,
                change!(Kind::Conv(c) => c.params.weight.chunks_exact_mut(3).for_each(|rgb| rgb.swap(0, 2))),
            ),
            (
                "_block_1_hz_conv2d",
                "_block_1_hz_conv2d",
                change!(Kind::Conv(c) => c.params.escale[2] /= 2),
            ),
            (
                "_pool_hz_max_pool2d",
                "_pool_hz_max_pool2d",
                change!(Kind::MaxPooling(w) => w.padding = [0, 1]),
            ),
            (
                "_mean_hz_avg_pool2d",
                "_mean_hz_avg_pool2d",
                change!(Kind::AvgPooling { post_rounding, .. } => *post_rounding = false),
            ),
        ],
    );
}

#[test]
fn faults_on_bernoulli2() {
    let table = "_table_hz_lut";
    planted(
        "sampling_bernoulli2",
        &[
            (table, table, change!(Kind::Lut(table) => table[128] -= 1)),
            (
                table,
                table,
                change!(Kind::Lut(table) => table.rotate_left(1)),
            ),
            (
                "_hz_prelu",
                "_hz_prelu",
                change!(Kind::PRelu { positive, .. } => positive.post[0] += 1),
            ),
        ],
    );
    let up = "_up_hz_interpolate";
    planted(
        "arithmetic_bernoulli2",
        &[
            (
                "_hz_add",
                "_hz_add",
                change!(Kind::ElementwiseAdd { form: AddForm::X2a { first, .. }, .. } => *first -= 3),
            ),
            (up, up, change!(Kind::RoiResize(it) => it.step[0] += 2)),
            (
                "_near_hz_interpolate",
                "_near_hz_interpolate",
                change!(Kind::NearestUpsample(by) => *by = [1, 2]),
            ),
            (
                "_hz_mean",
                "_hz_mean",
                change!(Kind::Sum { chain, .. } => chain.qscale[0] /= 2),
            ),
        ],
    );
}

/// A disagreement that is known excuses one step, not any fault of the same layer.
#[test]
fn faults_where_the_tool_chain_disagrees() {
    let matmul = "_hz_matmul_torch_native";
    planted(
        "known_matmul_bernoulli2",
        &[
            (
                matmul,
                matmul,
                change!(Kind::Gemm { chain, .. } => chain.qscale[0] += 2000),
            ),
            (
                matmul,
                matmul,
                change!(Kind::Gemm { chain, .. } => chain.post[0] -= 1),
            ),
        ],
    );
}
