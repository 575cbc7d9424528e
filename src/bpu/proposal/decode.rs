//! One box from its anchor and deltas.

use crate::bpu::fixed::{Shift, shift_right64};

/// What rounds an exact corner to a quarter of a pixel: the choice.
const CORNER: Shift = Shift::Round;

/// Fraction bits that both terms of a corner are aligned to, and the shift of the deltas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shifts {
    pub(super) delta: u32,
    pub(super) table: u32,
}

/// Low and high corner along one axis: `side` and `centre` of the anchor in quarters of a pixel, `delta` the integer that
/// moves the centre, `grow` the table's entry for the other one. `2·(centre + …) ∓ grow·side` in units of
/// `2^-(table + 1)`; results leave no int16, as the plugin's cast does.
pub(super) fn corners([centre, side]: [i64; 2], delta: i64, grow: i64, shifts: Shifts) -> [i32; 2] {
    let moved =
        (centre << (shifts.table + 1)) + ((delta * side) << (shifts.table - shifts.delta + 1));
    let half = grow * side;
    [moved - half, moved + half].map(|exact| {
        shift_right64(exact, shifts.table as i32 + 1, CORNER).clamp(-32768, 32767) as i32
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_anchor_without_deltas_is_itself() {
        let shifts = Shifts {
            delta: 4,
            table: 10,
        };
        assert_eq!(corners([80, 32], 0, 1 << 10, shifts), [64, 96]);
        assert_eq!(corners([80, 32], 16, 1 << 10, shifts), [96, 128]);
        assert_eq!(corners([80, 32], 0, 1 << 11, shifts), [48, 112]);
        assert_eq!(corners([80, 33], 0, 1 << 10, shifts), [64, 97]);
    }
}
