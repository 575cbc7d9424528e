//! Float32 functions as libtorch's CPU kernels compute them, where tables are made of them (`horizon.md` 5.7).
//!
//! libtorch's vector kernels are written over SLEEF's `expf` (1 ULP); what a compiler's `expf` gives differs in the
//! last bit now and then, and a table entry with it. Functions that SLEEF and MKL round correctly nearly always are
//! computed in float64 here and rounded once.

/// SLEEF's `expf` (u10), as used inside libtorch's `sigmoid`, `silu`, `softplus` and others.
pub fn exp_vector(x: f32) -> f32 {
    const LN2_UPPER: f32 = 0.693_145_75;
    const LN2_LOWER: f32 = 1.428_606_8e-6;
    let q = (x * std::f32::consts::LOG2_E).round_ties_even();
    let s = q.mul_add(-LN2_LOWER, q.mul_add(-LN2_UPPER, x));
    let mut u = 0.000_198_527_62f32;
    for c in [
        0.001_393_043_6,
        0.008_333_361,
        0.041_666_485,
        0.166_666_67,
        0.5,
    ] {
        u = u.mul_add(s, c);
    }
    let u = 1.0 + (s * s).mul_add(u, s);
    if x < -104.0 {
        return 0.0;
    }
    if x > 100.0 {
        return f32::INFINITY;
    }
    // Two factors, so that subnormal results are reached in one rounding.
    let q = q as i32;
    let half = q >> 1;
    u * 2f32.powi(half) * 2f32.powi(q - half)
}

/// The logistic function as libtorch's kernel writes it.
pub fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp_vector(-x))
}

/// `x / (1 + exp(-x))`
pub fn silu(x: f32) -> f32 {
    x / (1.0 + exp_vector(-x))
}

/// A function of one float32 by its `aten` name; `None` for one that is not known.
pub fn unary(name: &str, x: f32) -> Option<f32> {
    let wide = |f: fn(f64) -> f64| f(f64::from(x)) as f32;
    Some(match name {
        "exp" => wide(f64::exp),
        "exp2" => wide(f64::exp2),
        "expm1" => wide(f64::exp_m1),
        "log" => wide(f64::ln),
        "log2" => wide(f64::log2),
        "log10" => wide(f64::log10),
        "log1p" => wide(f64::ln_1p),
        "sin" => wide(f64::sin),
        "cos" => wide(f64::cos),
        "tan" => wide(f64::tan),
        "asin" => wide(f64::asin),
        "acos" => wide(f64::acos),
        "atan" => wide(f64::atan),
        "sinh" => wide(f64::sinh),
        "cosh" => wide(f64::cosh),
        "tanh" => wide(f64::tanh),
        "asinh" => wide(f64::asinh),
        "acosh" => wide(f64::acosh),
        "atanh" => wide(f64::atanh),
        "erf" => wide(erf),
        "sqrt" => x.sqrt(),
        "rsqrt" => 1.0 / x.sqrt(),
        "reciprocal" => 1.0 / x,
        "sigmoid" => sigmoid(x),
        "silu" => silu(x),
        "floor" => x.floor(),
        "ceil" => x.ceil(),
        "trunc" => x.trunc(),
        "round" => x.round_ties_even(),
        "neg" | "negative" => -x,
        "abs" => x.abs(),
        "sign" | "sgn" => match x {
            x if x > 0.0 => 1.0,
            x if x < 0.0 => -1.0,
            _ => 0.0,
        },
        "relu" => x.max(0.0),
        "relu6" => x.clamp(0.0, 6.0),
        "hardsigmoid" => (x + 3.0).clamp(0.0, 6.0) / 6.0,
        "hardswish" => x * (x + 3.0).clamp(0.0, 6.0) / 6.0,
        "square" => x * x,
        "mish" => wide(|x| x * x.exp().ln_1p().tanh()),
        _ => return None,
    })
}

/// The error function to about 1e-16: its series near 0, a continued fraction beyond.
pub fn erf(x: f64) -> f64 {
    let a = x.abs();
    if a > 6.0 {
        return x.signum();
    }
    if a < 2.5 {
        let (mut term, mut sum, mut n) = (a, a, 0.0);
        while term.abs() > 1e-18 * sum.abs() {
            n += 1.0;
            term *= -a * a / n;
            sum += term / (2.0 * n + 1.0);
        }
        return x.signum() * sum * std::f64::consts::FRAC_2_SQRT_PI;
    }
    let mut fraction = 0.0;
    for k in (1..=80).rev() {
        fraction = f64::from(k) / 2.0 / (a + fraction);
    }
    let tail = (-a * a).exp() / (a + fraction) / std::f64::consts::PI.sqrt();
    x.signum() * (1.0 - tail)
}

/// `x·Φ(x)`, or its approximation by `tanh`.
pub fn gelu(x: f32, by_tanh: bool) -> f32 {
    let v = f64::from(x);
    match by_tanh {
        false => (v * 0.5 * (1.0 + erf(v * std::f64::consts::FRAC_1_SQRT_2))) as f32,
        true => {
            let inner = (2.0 / std::f64::consts::PI).sqrt() * (v + 0.044715 * v * v * v);
            (0.5 * v * (1.0 + inner.tanh())) as f32
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_is_within_one_unit_of_the_last_place() {
        for i in -4000..4000 {
            let x = i as f32 * 0.02;
            let exact = f64::from(x).exp();
            let found = f64::from(exp_vector(x));
            assert!(
                (found - exact).abs() <= exact * 1.2e-7 + 1e-45,
                "exp({x}): {found} and {exact}"
            );
        }
        assert_eq!((exp_vector(-200.0), exp_vector(0.0)), (0.0, 1.0));
        assert_eq!(exp_vector(101.0), f32::INFINITY);
    }

    #[test]
    fn erf_at_known_points() {
        for (x, y) in [
            (0.1, 0.112_462_916_018_284_9),
            (1.0, 0.842_700_792_949_714_9),
            (2.4, 0.999_311_486_103_354_9),
            (3.0, 0.999_977_909_503_001_4),
            (-0.5, -0.520_499_877_813_046_5),
        ] {
            assert!((erf(x) - y).abs() < 2e-15, "erf({x}) = {}", erf(x));
        }
    }
}
