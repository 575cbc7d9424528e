//! Shifts and saturation by their definitions.

/// `⌊v / 2^n⌋`, or `⌊v / 2^n + 1/2⌋`.
pub(crate) fn shift(v: i64, n: i64, round: bool) -> i64 {
    let (v, one) = (i128::from(v), 1i128 << n);
    let v = if round { 2 * v + one } else { 2 * v };
    v.div_euclid(2 * one) as i64
}

pub(crate) fn sat(v: i64, bits: u32) -> i64 {
    let top = 1i64 << (bits - 1);
    v.clamp(-top, top - 1)
}

/// The low 32 bits, signed.
pub(crate) fn wrap32(v: i128) -> i64 {
    i64::from(v as i32)
}

/// The low 16 bits, signed.
pub(crate) fn wrap16(v: i64) -> i64 {
    i64::from(v as i16)
}

/// `(qscale, pre, post)` by the steps of `horizon.md` 3.2. `bits` of the output; `accumulator`: the input has 32.
pub(crate) fn parameters(
    input: f64,
    output: f64,
    bits: i64,
    accumulator: bool,
    max_pre: i64,
) -> (i64, i64, i64) {
    let r = (input / output).clamp(-32768.0, 32767.0);
    let (mut m, mut e) = (r, 0i64);
    if r != 0.0 {
        while m.abs() >= 1.0 {
            (m, e) = (m / 2.0, e + 1);
        }
        while m.abs() < 0.5 {
            (m, e) = (m * 2.0, e - 1);
        }
    }
    let q = ((m * 32768.0 + 0.5).floor() as i64).clamp(-32768, 32767);
    if !accumulator {
        return (q, 0, (15 - e).clamp(0, 31));
    }
    let pre = (15 - e - (30 - bits)).clamp(0, max_pre);
    (q, pre, (15 - e - pre).clamp(0, 31))
}

/// The chain of `hbir.md` 0.2.
pub(crate) fn chain(
    a: i64,
    (q, pre, post): (i64, i64, i64),
    pre_round: bool,
    post_round: bool,
    bits: u32,
) -> i64 {
    let t = sat(shift(a, pre, pre_round), 16);
    sat(shift(t * q, post, post_round), bits)
}
