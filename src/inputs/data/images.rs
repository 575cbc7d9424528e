//! Folders of images as float32 rows of 3 x height x width.
//!
//! The BPU is fed YUV444, and the guide advises to train and calibrate on it, centred around 0: RGB is converted with
//! the full-range BT.601 matrix of JPEG to integers 0 to 255, as the camera's pipeline delivers them, and 128 is
//! subtracted. Then every colour does `(x - mean) / std`.

use super::InputError;
use super::column::Layout;
use crate::tensor::DType;
use image::imageops::FilterType;
use image::{DynamicImage, ImageReader, Limits, RgbImage};
use std::path::{Path, PathBuf};

/// Endings of images.
const ENDINGS: [&str; 5] = ["png", "jpg", "jpeg", "bmp", "webp"];
/// Width and height of an image at most.
const MAX_SIDE: u32 = 1 << 15;
/// Bytes that decoding an image may take at most.
const MAX_ALLOC: u64 = 1 << 30;

/// What the three channels are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Color {
    /// Y, U, V around 0, from -128 to 127.
    #[default]
    Yuv444,
    /// Red, green, blue, from 0 to 255.
    Rgb,
    /// Blue, green, red, from 0 to 255.
    Bgr,
}

/// How an image becomes an array.
#[derive(Clone, Debug, PartialEq)]
pub struct ImageOptions {
    /// The channels.
    pub color: Color,
    /// Subtracted from each channel; by default 0 for YUV444, 128 otherwise.
    pub mean: Option<[f32; 3]>,
    /// Each channel is divided by it; by default 128, so that the model sees -1 to 1.
    pub std: [f32; 3],
    /// Height and width; by default those of the first image, which all must have.
    pub resize: Option<(u32, u32)>,
}

impl Default for ImageOptions {
    fn default() -> Self {
        ImageOptions {
            color: Color::default(),
            mean: None,
            std: [128.0; 3],
            resize: None,
        }
    }
}

impl ImageOptions {
    fn mean(&self) -> [f32; 3] {
        let default = match self.color {
            Color::Yuv444 => 0.0,
            Color::Rgb | Color::Bgr => 128.0,
        };
        self.mean.unwrap_or([default; 3])
    }
}

/// Whether a file's name ends as an image's does.
pub(super) fn is_image(path: &Path) -> bool {
    let ending = path.extension().and_then(|it| it.to_str());
    let ending = ending.unwrap_or_default().to_ascii_lowercase();
    ENDINGS.contains(&ending.as_str())
}

/// Images to come, in the order of their names.
pub(super) struct Images {
    paths: Vec<PathBuf>,
    next: usize,
    options: ImageOptions,
    height: u32,
    width: u32,
}

impl Images {
    /// Looks at the first image for the size.
    pub(super) fn new(paths: Vec<PathBuf>, options: ImageOptions) -> Result<Images, InputError> {
        let (height, width) = match (options.resize, paths.first()) {
            (Some(size), _) => size,
            (None, Some(path)) => {
                let (width, height) = reader(path)?
                    .into_dimensions()
                    .map_err(|e| error(path, e.to_string()))?;
                (height, width)
            }
            (None, None) => (0, 0),
        };
        Ok(Images {
            paths,
            next: 0,
            options,
            height,
            width,
        })
    }

    pub(super) fn layout(&self) -> Layout {
        Layout {
            name: None,
            index: 0,
            dtype: DType::F32,
            row: vec![3, i64::from(self.height), i64::from(self.width)],
            rows: self.paths.len() as u64,
        }
    }

    /// Decodes as many images as the place holds.
    pub(super) fn fill(&mut self, place: &mut [u8]) -> Result<(), InputError> {
        let size = 3 * self.height as usize * self.width as usize * size_of::<f32>();
        for row in place.chunks_exact_mut(size.max(1)) {
            let Some(path) = self.paths.get(self.next) else {
                break;
            };
            self.next += 1;
            let image = self.image(path)?;
            planes(&image, &self.options, row);
        }
        Ok(())
    }

    fn image(&self, path: &Path) -> Result<RgbImage, InputError> {
        let image = reader(path)?
            .decode()
            .map_err(|e| error(path, e.to_string()))?;
        let found = (image.height(), image.width());
        if found == (self.height, self.width) {
            return Ok(image.into_rgb8());
        }
        if self.options.resize.is_none() {
            return Err(error(
                path,
                format!(
                    "is {}x{} (height x width), expected {}x{} as in the first image; use --resize",
                    found.0, found.1, self.height, self.width
                ),
            ));
        }
        let rgb = DynamicImage::ImageRgb8(image.into_rgb8());
        let resized = rgb.resize_exact(self.width, self.height, FilterType::Triangle);
        Ok(resized.into_rgb8())
    }
}

fn error(path: &Path, message: String) -> InputError {
    InputError::File {
        file: path.display().to_string(),
        message,
    }
}

fn reader(path: &Path) -> Result<ImageReader<std::io::BufReader<std::fs::File>>, InputError> {
    let read = |source| InputError::Read {
        path: path.to_owned(),
        source,
    };
    let mut reader = ImageReader::open(path).map_err(read)?;
    reader = reader.with_guessed_format().map_err(read)?;
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_ALLOC);
    reader.limits(limits);
    Ok(reader)
}

/// Writes the three channels one after the other.
fn planes(image: &RgbImage, options: &ImageOptions, row: &mut [u8]) {
    let (mean, std) = (options.mean(), options.std);
    let plane = image.width() as usize * image.height() as usize;
    let floats = row.as_chunks_mut::<4>().0;
    for (at, pixel) in image.pixels().enumerate() {
        let channels = channels(pixel.0, options.color);
        for (channel, value) in channels.into_iter().enumerate() {
            let value = (value - mean[channel]) / std[channel];
            floats[channel * plane + at] = value.to_le_bytes();
        }
    }
}

fn channels([r, g, b]: [u8; 3], color: Color) -> [f32; 3] {
    let (r, g, b) = (f32::from(r), f32::from(g), f32::from(b));
    match color {
        Color::Rgb => [r, g, b],
        Color::Bgr => [b, g, r],
        Color::Yuv444 => {
            let y = 0.299 * r + 0.587 * g + 0.114 * b;
            let u = -0.168_736 * r - 0.331_264 * g + 0.5 * b + 128.0;
            let v = 0.5 * r - 0.418_688 * g - 0.081_312 * b + 128.0;
            [y, u, v].map(|it| it.round().clamp(0.0, 255.0) - 128.0)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yuv_of_known_colours() {
        for (rgb, yuv) in [
            ([0, 0, 0], [-128.0, 0.0, 0.0]),
            ([255, 255, 255], [127.0, 0.0, 0.0]),
            ([255, 0, 0], [-52.0, -43.0, 127.0]),
            ([0, 255, 0], [22.0, -84.0, -107.0]),
            ([0, 0, 255], [-99.0, 127.0, -21.0]),
            ([128, 128, 128], [0.0, 0.0, 0.0]),
        ] {
            assert_eq!(channels(rgb, Color::Yuv444), yuv, "{rgb:?}");
        }
        assert_eq!(channels([1, 2, 3], Color::Rgb), [1.0, 2.0, 3.0]);
        assert_eq!(channels([1, 2, 3], Color::Bgr), [3.0, 2.0, 1.0]);
    }
}
