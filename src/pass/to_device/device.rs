//! Device texts: what torch accepts, and what a rewrite turns them into.

use super::ToDeviceError;
use std::fmt;

/// Device type names that `torch.device` accepts in 2.11 (`torchscript.md` section 7).
pub const DEVICE_TYPES: &[&str] = &[
    "cpu",
    "cuda",
    "ipu",
    "xpu",
    "mkldnn",
    "opengl",
    "opencl",
    "ideep",
    "hip",
    "ve",
    "fpga",
    "maia",
    "xla",
    "lazy",
    "vulkan",
    "mps",
    "meta",
    "hpu",
    "mtia",
    "privateuseone",
];

/// The target that makes a graph take the device of its input.
pub const FOLLOW_INPUT: &str = "follow-input";

/// A device as torch spells it: a type and an optional index.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Device {
    kind: &'static str,
    index: Option<u8>,
}

impl Device {
    /// Reads `cuda`, `cuda:1`, `cpu`, …; `None` for any other text.
    pub fn parse(text: &str) -> Option<Device> {
        let (name, index) = match text.split_once(':') {
            Some((name, digits)) => (name, Some(parse_index(digits)?)),
            None => (text, None),
        };
        let kind = DEVICE_TYPES.iter().copied().find(|t| *t == name)?;
        Some(Device { kind, index })
    }

    /// The type name, such as `cuda`.
    pub fn kind(&self) -> &'static str {
        self.kind
    }

    /// The index, when one is written.
    pub fn index(&self) -> Option<u8> {
        self.index
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.index {
            Some(index) => write!(f, "{}:{index}", self.kind),
            None => f.write_str(self.kind),
        }
    }
}

/// torch keeps device indices in an `i8` and refuses leading zeros.
fn parse_index(digits: &str) -> Option<u8> {
    let canonical = digits.bytes().all(|b| b.is_ascii_digit())
        && (digits.len() == 1 || !digits.starts_with('0'));
    let index = digits.parse().ok().filter(|i| *i <= i8::MAX as u8)?;
    canonical.then_some(index)
}

/// Where everything goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Every device becomes this one.
    Device(Device),
    /// Device literals become the device of the first tensor input; storages stay.
    FollowInput,
}

impl std::str::FromStr for Target {
    type Err = ToDeviceError;

    fn from_str(text: &str) -> Result<Target, ToDeviceError> {
        if text == FOLLOW_INPUT {
            return Ok(Target::FollowInput);
        }
        Device::parse(text)
            .map(Target::Device)
            .ok_or_else(|| ToDeviceError::UnknownDevice {
                text: text.to_owned(),
                known: DEVICE_TYPES.join(", "),
            })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::Device(device) => device.fmt(f),
            Target::FollowInput => f.write_str(FOLLOW_INPUT),
        }
    }
}

impl Target {
    /// The device type things move to; `None` when it is known only at run time.
    pub fn kind(&self) -> Option<&'static str> {
        match self {
            Target::Device(device) => Some(device.kind()),
            Target::FollowInput => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_what_torch_parses() {
        for text in [
            "cpu",
            "cuda",
            "cuda:0",
            "cuda:17",
            "cpu:0",
            "meta",
            "privateuseone:1",
        ] {
            assert_eq!(
                Device::parse(text).map(|d| d.to_string()).as_deref(),
                Some(text)
            );
        }
        for text in [
            "", "cud", "CUDA", "cuda:", "cuda:-1", "cuda:01", "cuda:128", "cuda:0 ", "cuda:1:2",
            ":0",
        ] {
            assert_eq!(Device::parse(text), None, "{text}");
        }
    }

    #[test]
    fn unknown_target_names_the_known_ones() {
        let message = "gpu".parse::<Target>().unwrap_err().to_string();
        assert!(
            message.contains("`gpu`") && message.contains("privateuseone"),
            "{message}"
        );
    }
}
