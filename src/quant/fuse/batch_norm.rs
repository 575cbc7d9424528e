//! A batch norm folded into the convolution or linear before it, as torch's `fuse_conv_bn_weights` does in float32:
//! `w' = w · (γ · rsqrt(var + eps))`, `b' = (b - mean) · rsqrt(var + eps) · γ + β`, each step rounded to float32.

use super::{ConstTensor, Norm};

/// Weight and bias with the batch norm in them. `axis` of the weight is the output's channels; a transposed
/// convolution has as many per group as the axis is long. None if the sizes do not fit.
pub(super) fn fold(
    weight: &ConstTensor,
    bias: Option<&ConstTensor>,
    norm: &Norm,
    axis: usize,
    groups: i64,
) -> Option<(ConstTensor, ConstTensor)> {
    let mean = norm.mean.to_f32()?;
    let channels = mean.len();
    let or = |tensor: Option<&ConstTensor>, default: f32| match tensor {
        Some(tensor) => tensor.to_f32().filter(|it| it.len() == channels),
        None => Some(vec![default; channels]),
    };
    let var = or(Some(&norm.var), 0.0)?;
    let gamma = or(norm.weight.as_ref(), 1.0)?;
    let beta = or(norm.bias.as_ref(), 0.0)?;
    let bias_values = or(bias, 0.0)?;
    let eps = norm.eps as f32;
    let rsqrt: Vec<f32> = var.iter().map(|it| 1.0 / (it + eps).sqrt()).collect();
    let factors: Vec<f32> = gamma.iter().zip(&rsqrt).map(|(g, r)| g * r).collect();
    let scaled = scale(weight, &factors, axis, groups)?;
    let shifted: Vec<f32> = (0..channels)
        .map(|c| (bias_values[c] - mean[c]) * rsqrt[c] * gamma[c] + beta[c])
        .collect();
    let grad = weight.requires_grad;
    Some((
        ConstTensor::f32(&scaled, weight.sizes(), grad)?,
        ConstTensor::f32(&shifted, &[channels as i64], grad)?,
    ))
}

/// The weight with each output channel multiplied by its factor.
fn scale(weight: &ConstTensor, factors: &[f32], axis: usize, groups: i64) -> Option<Vec<f32>> {
    let sizes = weight.sizes();
    let per_group = *sizes.get(axis)? as usize;
    let groups = if axis == 0 {
        1
    } else {
        usize::try_from(groups).ok()?
    };
    if per_group.checked_mul(groups)? != factors.len() || per_group == 0 {
        return None;
    }
    let inner: usize = sizes[axis + 1..].iter().product::<i64>() as usize;
    let rows = *sizes.first()? as usize;
    let mut values = weight.to_f32()?;
    for (at, value) in values.iter_mut().enumerate() {
        let channel = at / inner.max(1) % per_group;
        // Input channels of a transposed convolution come in groups; each has its own output channels.
        let group = match axis {
            0 => 0,
            _ => at / (inner.max(1) * per_group) / (rows / groups).max(1),
        };
        *value *= factors[group * per_group + channel];
    }
    Some(values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::ValueId;
    use crate::ir::entity::Entity;

    fn tensor(values: &[f32], sizes: &[i64]) -> ConstTensor {
        ConstTensor::f32(values, sizes, false).expect("as many as the sizes say")
    }

    fn norm(factor: &[f32]) -> Norm {
        let n = factor.len() as i64;
        Norm {
            input: ValueId::new(0),
            weight: Some(tensor(factor, &[n])),
            bias: None,
            mean: tensor(&vec![0.0; factor.len()], &[n]),
            var: tensor(&vec![1.0; factor.len()], &[n]),
            eps: 0.0,
        }
    }

    #[test]
    fn each_output_channel_has_its_factor() {
        let weight = tensor(&[1.0, 2.0, 3.0, 4.0], &[2, 2]);
        let (folded, bias) = fold(&weight, None, &norm(&[10.0, 100.0]), 0, 1).expect("fits");
        assert_eq!(folded.to_f32(), Some(vec![10.0, 20.0, 300.0, 400.0]));
        assert_eq!(bias.to_f32(), Some(vec![0.0, 0.0]));
    }

    #[test]
    fn transposed_groups_have_output_channels_of_their_own() {
        // Two groups, one input channel each, two output channels each.
        let weight = tensor(&[1.0, 1.0, 1.0, 1.0], &[2, 2, 1, 1]);
        let (folded, _) = fold(&weight, None, &norm(&[1.0, 2.0, 3.0, 4.0]), 1, 2).expect("fits");
        assert_eq!(folded.to_f32(), Some(vec![1.0, 2.0, 3.0, 4.0]));
    }

    #[test]
    fn sizes_that_do_not_fit_are_not_folded() {
        let weight = tensor(&[1.0, 2.0], &[2, 1]);
        assert!(fold(&weight, None, &norm(&[1.0, 2.0, 3.0]), 0, 1).is_none());
    }
}
