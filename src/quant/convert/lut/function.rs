//! The float functions that a table stands for.

use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_SQRT_PI, SQRT_2};

/// SELU's constants, as torch defines them.
const SELU_ALPHA: f64 = 1.673_263_242_354_377_2;
const SELU_SCALE: f64 = 1.050_700_987_355_480_5;
/// The cubic coefficient of GELU's tanh form.
const GELU_CUBIC: f64 = 0.044_715;

/// An elementwise function by its aten name, with its scalar parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct Function {
    op: Kind,
    args: Vec<f64>,
    /// Added to the input first: `rsqrt(x + eps)` of layer norm.
    offset: f64,
}

macro_rules! kinds {
    ($($variant:ident = $name:literal),* $(,)?) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        enum Kind { $($variant),* }

        /// The aten names that have a table form.
        pub const NAMES: &[&str] = &[$($name),*];

        fn kind(name: &str) -> Option<Kind> {
            match name { $($name => Some(Kind::$variant),)* _ => None }
        }
    };
}

kinds! {
    Sigmoid = "sigmoid", Silu = "silu", Tanh = "tanh", Exp = "exp", Gelu = "gelu", GeluTanh = "gelu_tanh",
    Elu = "elu", Celu = "celu", Softplus = "softplus", LeakyRelu = "leaky_relu", Hardsigmoid = "hardsigmoid",
    Hardswish = "hardswish", Hardtanh = "hardtanh", Selu = "selu", Mish = "mish", LogSigmoid = "log_sigmoid",
    Softsign = "softsign", Relu6 = "relu6",
    Erf = "erf", Sqrt = "sqrt", Rsqrt = "rsqrt", Log = "log", Log2 = "log2", Log10 = "log10", Log1p = "log1p",
    Expm1 = "expm1", Sin = "sin", Cos = "cos", Tan = "tan", Asin = "asin", Acos = "acos", Atan = "atan",
    Sinh = "sinh", Cosh = "cosh", Asinh = "asinh", Acosh = "acosh", Atanh = "atanh",
    Reciprocal = "reciprocal", Pow = "pow", Square = "square", Abs = "abs",
}

impl Function {
    /// The function with this aten name; none if it has no table form.
    pub fn new(op: &str, args: &[f64]) -> Option<Function> {
        Some(Function {
            op: kind(op)?,
            args: args.to_vec(),
            offset: 0.0,
        })
    }

    /// The same function of `x + offset`.
    pub fn shifted(self, offset: f64) -> Function {
        Function { offset, ..self }
    }

    /// The largest interval on which the function is defined and finite; infinite ends are open.
    pub fn domain(&self) -> (f64, f64) {
        let (low, high) = match self.op {
            Kind::Sqrt => (0.0, f64::INFINITY),
            Kind::Rsqrt | Kind::Log | Kind::Log2 | Kind::Log10 => {
                (f64::MIN_POSITIVE, f64::INFINITY)
            }
            Kind::Log1p => (-1.0 + f64::EPSILON, f64::INFINITY),
            Kind::Asin | Kind::Acos => (-1.0, 1.0),
            Kind::Acosh => (1.0, f64::INFINITY),
            Kind::Atanh => (-1.0 + f64::EPSILON, 1.0 - f64::EPSILON),
            Kind::Pow if self.arg(0, 2.0).fract() != 0.0 => (0.0, f64::INFINITY),
            _ => (f64::NEG_INFINITY, f64::INFINITY),
        };
        (low - self.offset, high - self.offset)
    }

    /// Whether `f(-x) = -f(x)` and the function has a pole at 0, so that only one side gets tables.
    pub fn is_reciprocal(&self) -> bool {
        self.op == Kind::Reciprocal
    }

    /// Whether this is `exp`.
    pub fn is_exp(&self) -> bool {
        self.op == Kind::Exp
    }

    /// Whether this is `1 / sqrt(x)`.
    pub fn is_rsqrt(&self) -> bool {
        self.op == Kind::Rsqrt
    }

    fn arg(&self, index: usize, default: f64) -> f64 {
        self.args.get(index).copied().unwrap_or(default)
    }

    /// The function's value; NaN outside its domain.
    pub fn at(&self, x: f64) -> f64 {
        let x = x + self.offset;
        match self.op {
            Kind::Sigmoid => sigmoid(x),
            Kind::Silu => x * sigmoid(x),
            Kind::Tanh => x.tanh(),
            Kind::Exp => x.exp(),
            Kind::Gelu => 0.5 * x * (1.0 + libm::erf(x * FRAC_1_SQRT_2)),
            Kind::GeluTanh => {
                let inner = SQRT_2 * FRAC_2_SQRT_PI * 0.5 * (x + GELU_CUBIC * x * x * x);
                0.5 * x * (1.0 + inner.tanh())
            }
            // aten::elu(x, alpha, scale, input_scale)
            Kind::Elu => elu(x, self.arg(0, 1.0), self.arg(1, 1.0), self.arg(2, 1.0)),
            Kind::Celu => elu(x, self.arg(0, 1.0), 1.0, 1.0 / self.arg(0, 1.0)),
            Kind::Selu => elu(x, SELU_ALPHA, SELU_SCALE, 1.0),
            Kind::Softplus => softplus(x, self.arg(0, 1.0), self.arg(1, 20.0)),
            Kind::LeakyRelu if x < 0.0 => x * self.arg(0, 0.01),
            Kind::LeakyRelu => x,
            Kind::Hardsigmoid => (x / 6.0 + 0.5).clamp(0.0, 1.0),
            Kind::Hardswish => x * (x + 3.0).clamp(0.0, 6.0) / 6.0,
            Kind::Hardtanh => x.max(self.arg(0, -1.0)).min(self.arg(1, 1.0)),
            Kind::Relu6 => x.clamp(0.0, 6.0),
            Kind::Mish => x * softplus(x, 1.0, 20.0).tanh(),
            Kind::LogSigmoid => -softplus(-x, 1.0, 700.0),
            Kind::Softsign => x / (1.0 + x.abs()),
            Kind::Erf => libm::erf(x),
            Kind::Sqrt => x.sqrt(),
            Kind::Rsqrt => 1.0 / x.sqrt(),
            Kind::Log => x.ln(),
            Kind::Log2 => x.log2(),
            Kind::Log10 => x.log10(),
            Kind::Log1p => x.ln_1p(),
            Kind::Expm1 => x.exp_m1(),
            Kind::Sin => x.sin(),
            Kind::Cos => x.cos(),
            Kind::Tan => x.tan(),
            Kind::Asin => x.asin(),
            Kind::Acos => x.acos(),
            Kind::Atan => x.atan(),
            Kind::Sinh => x.sinh(),
            Kind::Cosh => x.cosh(),
            Kind::Asinh => x.asinh(),
            Kind::Acosh => x.acosh(),
            Kind::Atanh => x.atanh(),
            Kind::Reciprocal => 1.0 / x,
            Kind::Pow => x.powf(self.arg(0, 2.0)),
            Kind::Square => x * x,
            Kind::Abs => x.abs(),
        }
    }

    /// The inverse where table generation uses one: `1/y` of the reciprocal, `1/y² - offset` of `rsqrt`
    /// (`horizon.md` 3.15).
    pub fn inverse(&self, y: f64) -> Option<f64> {
        match self.op {
            Kind::Reciprocal => Some(1.0 / y - self.offset),
            Kind::Rsqrt => Some(1.0 / (y * y) - self.offset),
            _ => None,
        }
    }
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

fn elu(x: f64, alpha: f64, scale: f64, input_scale: f64) -> f64 {
    if x > 0.0 {
        x * scale
    } else {
        (x * input_scale).exp_m1() * alpha * scale
    }
}

fn softplus(x: f64, beta: f64, threshold: f64) -> f64 {
    if x * beta > threshold {
        x
    } else {
        (x * beta).exp().ln_1p() / beta
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_those_of_torch() {
        // torch.nn.functional, float64, torch 2.11.
        let cases: &[(&str, &[f64], f64, f64)] = &[
            ("sigmoid", &[], 0.7, 0.668_187_772_168_166),
            ("gelu", &[], -0.8, -0.169_484_318_866_717_33),
            ("gelu_tanh", &[], -0.8, -0.169_568_308_563_551_87),
            ("elu", &[1.5], -0.5, -0.590_204_010_431_049_7),
            ("selu", &[], -1.0, -1.111_330_737_812_562_3),
            ("celu", &[2.0], -1.0, -0.786_938_680_574_733_3),
            ("softplus", &[2.0, 20.0], 0.3, 0.518_743_975_242_942_8),
            ("hardswish", &[], -1.0, -1.0 / 3.0),
            ("mish", &[], 1.2, 1.077_945_891_765_376_8),
            ("log_sigmoid", &[], -3.0, -3.048_587_351_573_742),
            ("leaky_relu", &[0.1], -4.0, -0.4),
            ("pow", &[3.0], -2.0, -8.0),
        ];
        for (name, args, x, expected) in cases {
            let found = Function::new(name, args).expect(name).at(*x);
            assert!((found - expected).abs() < 1e-12, "{name}({x}) = {found}");
        }
    }

    #[test]
    fn an_unknown_name_has_no_table() {
        assert_eq!(Function::new("softmax", &[]), None);
    }

    #[test]
    fn the_domain_is_where_values_are_finite() {
        for name in NAMES {
            let function = Function::new(name, &[]).expect("listed");
            if function.is_reciprocal() {
                continue;
            }
            let (low, high) = function.domain();
            for x in [low.max(-3.0), 0.5, high.min(3.0)] {
                if x >= low && x <= high {
                    assert!(function.at(x).is_finite(), "{name}({x})");
                }
            }
        }
    }
}
