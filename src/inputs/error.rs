//! What can be wrong with model inputs.

use std::path::PathBuf;

/// Why inputs cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// The file cannot be read.
    #[error("cannot read `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The name says nothing about the format.
    #[error(
        "`{}` has an unknown extension; expected .npz, .npy, .safetensors, .pt or .pth",
        path.display()
    )]
    Extension {
        /// The file.
        path: PathBuf,
    },
    /// The file is not what its name says.
    #[error("`{file}`: {message}")]
    File {
        /// The file.
        file: String,
        /// What is wrong.
        message: String,
    },
    /// One array is not usable.
    #[error("`{file}`: array `{array}`: {message}")]
    Array {
        /// The file.
        file: String,
        /// The array.
        array: String,
        /// What is wrong.
        message: String,
    },
    /// `--shape` cannot be read.
    #[error(
        "shape `{text}`: {message}; expected such as 1x3x224x224, 2x16:int64 or scalar:float32"
    )]
    Shape {
        /// What was given.
        text: String,
        /// What is wrong.
        message: String,
    },
    /// The method takes another number of inputs.
    #[error("`{method}` takes {expected}, {origin} has {found}; it is `{signature}`")]
    Count {
        /// The method.
        method: String,
        /// Its parameters.
        signature: String,
        /// Where the inputs come from.
        origin: String,
        /// How many it takes.
        expected: String,
        /// How many there are.
        found: usize,
    },
    /// A parameter has no input of its name.
    #[error("{origin} has no array for parameter `{name}` of `{method}`, it has {found}")]
    Missing {
        /// The method.
        method: String,
        /// The parameter.
        name: String,
        /// Where the inputs come from.
        origin: String,
        /// The names there are.
        found: String,
    },
    /// An input has another type than its parameter.
    #[error("{origin}: `{array}` is {found}, parameter `{name}` expects {expected}")]
    Type {
        /// Where the inputs come from.
        origin: String,
        /// The array.
        array: String,
        /// The parameter.
        name: String,
        /// The parameter's type.
        expected: String,
        /// What was given.
        found: String,
    },
    /// There is no file to read.
    #[error("no data: give files or folders with `--data`")]
    NoData,
    /// The labels cannot be used.
    #[error("labels `{given}`: {message}")]
    Labels {
        /// What was given.
        given: String,
        /// What is wrong.
        message: String,
    },
    /// Nothing says what to run on.
    #[error(
        "`{model}` records no example inputs for `{method}`; give them with `--inputs FILE` or \
         make them up with `--shape 1x3x224x224[:dtype],…`; it is `{signature}`"
    )]
    None {
        /// The model.
        model: String,
        /// The method.
        method: String,
        /// Its parameters.
        signature: String,
    },
}
