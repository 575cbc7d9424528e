//! `voxelization` and `bgr_to_yuv444`.

use proptest::prelude::*;
use ptool::bpu::op::{Arg, Output, run, shapes};
use ptool::tensor::DType;

use super::super::call::{Tensor, floats, ints};
use super::super::values::Rng;

const LOW: [f32; 3] = [-4.0, -2.0, -1.0];
const HIGH: [f32; 3] = [4.0, 2.0, 1.0];

/// Point by point into every cell of a dense grid.
struct Slow {
    voxels: Vec<f32>,
    cells: Vec<i64>,
    counts: Vec<i64>,
    found: usize,
}

fn slow(cloud: &[f32], features: usize, size: [f32; 3], points: usize, most: usize) -> Slow {
    let mut it = Slow {
        voxels: vec![0.0; most * points * features],
        cells: vec![-1; most * 3],
        counts: vec![0; most],
        found: 0,
    };
    let grid = [0, 1, 2].map(|k| ((HIGH[k] - LOW[k]) / size[k]).round_ties_even() as i64);
    let mut voxel_of = vec![usize::MAX; grid.iter().product::<i64>() as usize];
    for point in cloud.chunks_exact(features) {
        let at = [0, 1, 2].map(|k| ((point[k] - LOW[k]) / size[k]).floor());
        if (0..3).any(|k| at[k].is_nan() || at[k] < 0.0 || at[k] >= grid[k] as f32) {
            continue;
        }
        let [x, y, z] = at.map(|v| v as i64);
        let cell = ((z * grid[1] + y) * grid[0] + x) as usize;
        if voxel_of[cell] == usize::MAX {
            if it.found == most {
                continue;
            }
            voxel_of[cell] = it.found;
            it.cells[3 * it.found..][..3].copy_from_slice(&[z, y, x]);
            it.found += 1;
        }
        let voxel = voxel_of[cell];
        let held = it.counts[voxel] as usize;
        if held < points {
            let at = (voxel * points + held) * features;
            it.voxels[at..at + features].copy_from_slice(point);
            it.counts[voxel] += 1;
        }
    }
    it
}

fn voxels(
    cloud: &Tensor,
    size: [f32; 3],
    points: usize,
    most: usize,
) -> (Vec<Output>, Vec<(DType, Vec<usize>)>) {
    let features = cloud.shape[1];
    let range = Tensor::floats(&[6], &[LOW, HIGH].concat());
    let size = Tensor::floats(&[3], &size);
    let into = Tensor::floats(
        &[most, points, features],
        &vec![0.0; most * points * features],
    );
    let cells = Tensor::ints(DType::I32, &[most, 3], &vec![-1; most * 3]);
    let counts = Tensor::ints(DType::I32, &[most], &vec![0; most]);
    let args = [
        cloud.arg(),
        size.arg(),
        range.arg(),
        into.arg(),
        cells.arg(),
        counts.arg(),
        Arg::Int(points as i64),
        Arg::Int(most as i64),
        Arg::Int(3),
    ];
    let shapes = shapes("voxelization", &args).unwrap();
    (run("voxelization", &args).unwrap(), shapes)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn voxels_equal_a_dense_grid(
        count in 0..80usize, features in 3..6usize, points in 0..4usize, most in 0..12usize, step in prop_oneof![Just(1.0f32), Just(0.7), Just(2.5)], seed: u64,
    ) {
        let mut rng = Rng(seed);
        let cloud: Vec<f32> = (0..count * features).map(|_| {
            let near = rng.within(-45, 45) as f32 / 10.0;
            rng.choose(&[near, near, near, near, near, near, near, f32::NAN, f32::INFINITY, -1e38, 4.0, -4.0])
        }).collect();
        let size = [step, step, 2.0];
        let expected = slow(&cloud, features, size, points, most);
        let (found, shapes) = voxels(&Tensor::floats(&[count, features], &cloud), size, points, most);
        for (output, (dtype, shape)) in found.iter().zip(shapes) {
            prop_assert_eq!((output.dtype(), output.shape()), (dtype, &shape[..]));
        }
        let bits = |v: Vec<f32>| v.into_iter().map(f32::to_bits).collect::<Vec<_>>();
        prop_assert_eq!(bits(floats(&found[0])), bits(expected.voxels));
        prop_assert_eq!(ints(&found[1]), expected.cells);
        prop_assert_eq!(ints(&found[2]), expected.counts);
        prop_assert_eq!(ints(&found[3]), vec![expected.found as i64]);
    }
}

fn yuv(colours: &[[u8; 3]], reversed: bool) -> Vec<[i64; 3]> {
    let n = colours.len();
    let planes: Vec<i64> = (0..3)
        .flat_map(|k| colours.iter().map(move |c| i64::from(c[k])))
        .collect();
    let input = Tensor::ints(DType::U8, &[1, 3, 1, n], &planes);
    let output = run("bgr_to_yuv444", &[input.arg(), Arg::Bool(reversed)]).unwrap();
    assert_eq!(
        (output[0].dtype(), output[0].shape()),
        (DType::U8, &[1, 3, 1, n][..])
    );
    let planes = ints(&output[0]);
    (0..n)
        .map(|i| [0, 1, 2].map(|k| planes[k * n + i]))
        .collect()
}

/// All corners of the cube and many colours within: full swing BT.601, whose exact coefficients differ by less than two
/// steps from the stored ones.
#[test]
fn yuv_is_full_swing_bt601() {
    let mut rng = Rng(3);
    let mut colours: Vec<[u8; 3]> = (0..8)
        .map(|i| [i & 1, i >> 1 & 1, i >> 2].map(|b| b * 255))
        .collect();
    colours.extend((0..4000).map(|_| [0; 3].map(|_| rng.next() as u8)));
    let found = yuv(&colours, true);
    for ([r, g, b], found) in colours.iter().zip(&found) {
        let [r, g, b] = [r, g, b].map(|v| f64::from(*v));
        let y = 0.299 * r + 0.587 * g + 0.114 * b;
        let exact = [y, (b - y) / 1.772 + 128.0, (r - y) / 1.402 + 128.0];
        for (found, exact) in found.iter().zip(exact) {
            assert!(
                (*found as f64 - exact).abs() < 2.0,
                "{r} {g} {b}: {found} {exact}"
            );
        }
    }
    let turned: Vec<[u8; 3]> = colours.iter().map(|[r, g, b]| [*b, *g, *r]).collect();
    assert_eq!(yuv(&turned, false), found);
    let grey = yuv(&[[0; 3], [128; 3], [255; 3]], true);
    assert_eq!(grey, [[0, 128, 128], [128, 128, 128], [255, 128, 128]]);
}
