//! Flags for data.

use clap::ValueEnum;
use ptool::inputs::data::{Color, DEFAULT_BATCH, DataOptions, ImageOptions};
use std::num::NonZeroU32;
use std::path::PathBuf;

/// Data as a stream of batches.
#[derive(clap::Args)]
#[command(next_help_heading = "Data")]
pub(crate) struct DataArgs {
    /// Files of arrays (.npz, .npy, .safetensors, .pt/.pth of torch.save), folders of them, or
    /// folders of images; rows lie along the first axis.
    ///
    /// Named arrays go to the parameters of that name, others in order.
    #[arg(short, long, value_name = "PATH", required = true, num_args = 1..)]
    pub(crate) data: Vec<PathBuf>,
    /// Rows of a batch; the last one may have fewer.
    #[arg(long, value_name = "N", default_value_t = batch())]
    pub(crate) batch: NonZeroU32,
    /// Rows at most.
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<u64>,
    /// A file of labels, or the name of the array of labels; `labels` and `y` are found without.
    #[arg(long, value_name = "FILE|KEY")]
    pub(crate) labels: Option<String>,
    #[command(flatten)]
    pub(crate) images: ImageArgs,
}

/// How images become arrays.
#[derive(clap::Args)]
#[command(next_help_heading = "Images")]
pub(crate) struct ImageArgs {
    /// The channels; yuv444 is centred, -128 to 127, the others are 0 to 255.
    #[arg(long, value_name = "COLOR", default_value = "yuv444")]
    pub(crate) image_color: ColorArg,
    /// Subtracted from the channels: one number or three; 0 for yuv444 and 128 for the others when
    /// not given.
    #[arg(long, value_name = "M,M,M", value_parser = triple, allow_hyphen_values = true)]
    pub(crate) mean: Option<Triple>,
    /// The channels are divided by it: one number or three.
    #[arg(long, value_name = "S,S,S", value_parser = divisor, default_value = "128")]
    pub(crate) std: Triple,
    /// Height and width, such as 224x224; images of one size are left as they are.
    #[arg(long, value_name = "HxW", value_parser = size)]
    pub(crate) resize: Option<(u32, u32)>,
}

/// `--image-color`; `--color` is the terminal's.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorArg {
    /// Luma and chroma around 0, what the guide advises to train on
    Yuv444,
    /// Red, green, blue
    Rgb,
    /// Blue, green, red
    Bgr,
}

/// A number for each channel.
#[derive(Clone, Copy, PartialEq)]
pub(crate) struct Triple([f32; 3]);

fn batch() -> NonZeroU32 {
    u32::try_from(DEFAULT_BATCH)
        .ok()
        .and_then(NonZeroU32::new)
        .unwrap_or(NonZeroU32::MIN)
}

fn triple(text: &str) -> Result<Triple, String> {
    let numbers = text.split(',').map(|it| it.trim().parse::<f32>());
    let numbers: Vec<f32> = numbers
        .collect::<Result<_, _>>()
        .map_err(|_| "expected one number or three, such as 123.7,116.3,103.5".to_owned())?;
    match numbers.as_slice() {
        [all] if all.is_finite() => Ok(Triple([*all; 3])),
        [a, b, c] if numbers.iter().all(|it| it.is_finite()) => Ok(Triple([*a, *b, *c])),
        _ => Err("expected one finite number or three".to_owned()),
    }
}

fn divisor(text: &str) -> Result<Triple, String> {
    let triple = triple(text)?;
    match triple.0.contains(&0.0) {
        true => Err("a channel cannot be divided by 0".to_owned()),
        false => Ok(triple),
    }
}

fn size(text: &str) -> Result<(u32, u32), String> {
    let sides = text.split_once('x').and_then(|(height, width)| {
        let side = |text: &str| text.parse().ok().filter(|n| (1..=1 << 15).contains(n));
        Some((side(height)?, side(width)?))
    });
    sides.ok_or_else(|| "expected height and width, such as 224x224".to_owned())
}

impl DataArgs {
    /// What the library reads.
    pub(crate) fn options(&self) -> DataOptions {
        DataOptions {
            batch: self.batch.get() as usize,
            limit: self.limit,
            labels: self.labels.clone(),
            images: ImageOptions {
                color: match self.images.image_color {
                    ColorArg::Yuv444 => Color::Yuv444,
                    ColorArg::Rgb => Color::Rgb,
                    ColorArg::Bgr => Color::Bgr,
                },
                mean: self.images.mean.map(|it| it.0),
                std: self.images.std.0,
                resize: self.images.resize,
            },
            ..DataOptions::new(self.data.clone())
        }
    }
}
