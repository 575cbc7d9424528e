//! How far outputs are from a reference, over many batches.

use super::compare::host_view;
use crate::exec::{HostTensor, Value};

/// Elements decoded at a time.
const CHUNK: usize = 1 << 16;

/// The root mean square of differences over that of the reference: `‖found - reference‖ / ‖reference‖` of all floating
/// point tensors of all batches.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct RelativeRms {
    difference: f64,
    reference: f64,
}

impl RelativeRms {
    /// Adds one batch. Tensors are taken in order; their shapes must agree.
    pub fn add(&mut self, reference: &Value, found: &Value) -> Result<(), String> {
        let (mut expected, mut got) = (Vec::new(), Vec::new());
        tensors(reference, &mut expected);
        tensors(found, &mut got);
        if expected.len() != got.len() {
            return Err(format!(
                "{} outputs, expected {}",
                got.len(),
                expected.len()
            ));
        }
        for (expected, got) in expected.into_iter().zip(got) {
            self.add_tensor(expected, got)?;
        }
        Ok(())
    }

    fn add_tensor(&mut self, expected: &HostTensor, got: &HostTensor) -> Result<(), String> {
        if expected.shape != got.shape {
            return Err(format!(
                "an output of shape {:?}, expected {:?}",
                got.shape, expected.shape
            ));
        }
        let (a, b) = (host_view(expected)?, host_view(got)?);
        let (mut x, mut y) = (Vec::new(), Vec::new());
        for start in (0..a.len()).step_by(CHUNK) {
            let range = start..a.len().min(start + CHUNK);
            a.read_f64(range.clone(), &mut x);
            b.read_f64(range, &mut y);
            for (x, y) in x.iter().zip(&y) {
                self.difference += (x - y) * (x - y);
                self.reference += x * x;
            }
        }
        Ok(())
    }

    /// The quotient; none while the reference is zero.
    pub fn value(&self) -> Option<f64> {
        (self.reference > 0.0).then(|| (self.difference / self.reference).sqrt())
    }
}

/// Tensors of a value in order.
fn tensors<'v>(value: &'v Value, found: &mut Vec<&'v HostTensor>) {
    let mut stack = vec![value];
    while let Some(value) = stack.pop() {
        match value {
            Value::Tensor(tensor) => found.push(tensor),
            Value::List(items) | Value::Tuple(items) => stack.extend(items.iter().rev()),
            Value::Dict(items) => stack.extend(items.iter().rev().map(|(_, item)| item)),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tensor(data: &[f32]) -> Value {
        Value::Tensor(HostTensor::from_f32(&[data.len() as i64], data).expect("a tensor"))
    }

    #[test]
    fn batches_add_up() {
        let mut rms = RelativeRms::default();
        assert_eq!(rms.value(), None);
        rms.add(&tensor(&[3.0, 0.0]), &tensor(&[3.0, 0.3]))
            .expect("one shape");
        rms.add(&tensor(&[4.0]), &tensor(&[4.4]))
            .expect("one shape");
        let value = rms.value().expect("a reference that is not zero");
        assert!((value - 0.1).abs() < 1e-6, "{value}");
    }

    #[test]
    fn other_shapes_are_no_match() {
        let mut rms = RelativeRms::default();
        assert!(rms.add(&tensor(&[1.0]), &tensor(&[1.0, 2.0])).is_err());
        assert!(rms.add(&tensor(&[1.0]), &Value::Tuple(vec![])).is_err());
    }
}
