//! BPU generations (`horizon.md` 1.2).

use std::fmt;
use std::str::FromStr;

/// A BPU generation, by the string that the operators take as their last argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum March {
    /// `bernoulli`: power-of-two scales only.
    Bernoulli,
    /// `bernoulli2` (RDK X3): int8 activations; convolution drops the bits it shifts out.
    Bernoulli2,
    /// `bayes` (RDK Ultra): int8 and int16 activations; every output shift rounds.
    Bayes,
    /// `bayes-e`.
    BayesE,
    /// `bayes-a825-03`.
    BayesA82503,
    /// `nash`, `nash-e`, `nash-m`, `nash-p`: another tool chain; the arithmetic of `bayes` is used.
    Nash,
    /// `meta`: separate kernels with 64-bit sums, whose formulas are not public.
    Meta,
}

/// The string names no march that is known here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "unrecognized march `{0}`: expected bernoulli, bernoulli2, bayes, bayes-e, bayes-a825-03, nash, nash-e, nash-m, nash-p or meta"
)]
pub struct UnknownMarch(pub String);

impl March {
    /// The name as the operators take it.
    pub const fn name(self) -> &'static str {
        match self {
            March::Bernoulli => "bernoulli",
            March::Bernoulli2 => "bernoulli2",
            March::Bayes => "bayes",
            March::BayesE => "bayes-e",
            March::BayesA82503 => "bayes-a825-03",
            March::Nash => "nash",
            March::Meta => "meta",
        }
    }

    /// Whether convolution, deconvolution and matmul round the output shift (`hbir.md` 1.2).
    pub const fn conv_rounds(self) -> bool {
        !matches!(self, March::Bernoulli | March::Bernoulli2)
    }

    /// Largest shift of the accumulator before the multiplication (`horizon.md` 3.2, step 4).
    pub const fn max_pre(self) -> i32 {
        match self {
            March::Bayes | March::BayesE => 17,
            _ => 31,
        }
    }

    /// Whether resize and warp work in the 8+8 bit legacy form (`hbir.md` 1.6).
    pub const fn legacy_resize(self) -> bool {
        matches!(self, March::Bernoulli | March::Bernoulli2)
    }
}

impl FromStr for March {
    type Err = UnknownMarch;

    fn from_str(text: &str) -> Result<Self, UnknownMarch> {
        Ok(match text {
            "bernoulli" => March::Bernoulli,
            "bernoulli2" => March::Bernoulli2,
            "bayes" => March::Bayes,
            "bayes-e" => March::BayesE,
            "bayes-a825-03" => March::BayesA82503,
            "nash" | "nash-e" | "nash-m" | "nash-p" => March::Nash,
            "meta" => March::Meta,
            _ => return Err(UnknownMarch(text.to_owned())),
        })
    }
}

impl fmt::Display for March {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
