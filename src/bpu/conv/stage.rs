//! The staged image: one input image, padded and spread, in the element type and channel order of the kernels.

use std::borrow::Cow;

#[cfg(target_arch = "x86_64")]
use super::amx;
use super::window::Window;
use crate::bpu::channel::Int;
use crate::bpu::op::{Element, TensorRef};
use crate::bpu::simd::{Isa, Level, per_isa};

/// An element type of staged images.
pub(super) trait Staged: Element {
    /// Channels that one kernel step reads.
    const STEP: usize;
    /// The integer 0.
    const ZERO: Self;
}

/// Signed bytes moved up by 128, as the byte dot product of VNNI wants them.
impl Staged for u8 {
    const STEP: usize = 4;
    const ZERO: Self = 0x80;
}

impl Staged for i16 {
    const STEP: usize = 2;
    const ZERO: Self = 0;
}

/// Conversion of an input element to a staged one.
pub(super) trait StageAs<S>: Int {
    fn stage(self) -> S;
}

impl StageAs<u8> for i8 {
    #[inline(always)]
    fn stage(self) -> u8 {
        (self as u8) ^ 0x80
    }
}

impl StageAs<i16> for i8 {
    #[inline(always)]
    fn stage(self) -> i16 {
        self.into()
    }
}

impl StageAs<i16> for i16 {
    #[inline(always)]
    fn stage(self) -> i16 {
        self
    }
}

/// Elements that kernels may read past the last pixel: the rest of a step, which meets weights of 0.
const SLACK: usize = 4;

/// A staged image of zeros with `channels` channels.
pub(super) fn blank<S: Staged>(window: &Window, channels: usize, isa: Isa) -> Image<S> {
    let cells: usize = window.staged().iter().product();
    let slack = match isa.level() {
        #[cfg(target_arch = "x86_64")]
        Level::Amx => amx::slack(window.stride[2] * channels),
        _ => 0,
    };
    Image::new(cells * channels + SLACK + slack)
}

/// Bytes of a cache line: rows of a whole number of lines never straddle two.
pub(super) const LINE: usize = 64;

/// Staged elements from the start of a cache line on.
pub(super) struct Image<S> {
    memory: Vec<S>,
    start: usize,
}

impl<S: Staged> Image<S> {
    fn new(len: usize) -> Self {
        let most = LINE / size_of::<S>();
        let memory = vec![S::ZERO; len + most];
        let start = memory.as_ptr().align_offset(LINE).min(most);
        Self { memory, start }
    }
}

impl<S> std::ops::Deref for Image<S> {
    type Target = [S];

    fn deref(&self) -> &[S] {
        &self.memory[self.start..]
    }
}

impl<S> std::ops::DerefMut for Image<S> {
    fn deref_mut(&mut self) -> &mut [S] {
        &mut self.memory[self.start..]
    }
}

/// An input tensor `[N, C, spatial…]` in whichever dense order it has.
pub(super) enum Images<'a, T: Element> {
    Planes(Cow<'a, [T]>),
    Pixels(Cow<'a, [T]>),
}

impl<'a, T: Element> Images<'a, T> {
    /// `None` if the element type is another.
    pub(super) fn of(tensor: &TensorRef<'a>) -> Option<Self> {
        if tensor.is_contiguous() && tensor.shape.len() > 2 && !tensor.is_channels_last() {
            return tensor.contiguous().map(Images::Planes);
        }
        tensor.channels_last().map(Images::Pixels)
    }
}

/// Writes image `index` of `channels` channels into `staged`, whose other elements are zero already.
pub(super) fn write<T: StageAs<S>, S: Staged>(
    staged: &mut [S],
    window: &Window,
    channels: usize,
    images: &Images<T>,
    index: usize,
    isa: Isa,
) {
    let pixels: usize = window.input.iter().product();
    let image = index * pixels * channels..(index + 1) * pixels * channels;
    match images {
        Images::Pixels(all) => write_pixels(staged, window, channels, &all[image], isa),
        Images::Planes(all) => write_planes(staged, window, channels, &all[image], pixels),
    }
}

fn write_pixels<T: StageAs<S>, S: Staged>(
    staged: &mut [S],
    window: &Window,
    channels: usize,
    image: &[T],
    isa: Isa,
) {
    window.for_rows(|from, to, n| {
        let from = &image[from * channels..(from + n) * channels];
        let to = &mut staged[to * channels..];
        if window.insert[2] == 1 {
            return stage_run(isa, to, from);
        }
        let to = to.chunks_mut(window.insert[2] * channels);
        for (to, from) in to.zip(from.chunks_exact(channels)) {
            to.iter_mut().zip(from).for_each(|(s, x)| *s = x.stage());
        }
    });
}

per_isa! {
    fn stage_run<S: Staged, T: StageAs<S>>(to: &mut [S], from: &[T]) {
        to.iter_mut().zip(from).for_each(|(s, x)| *s = x.stage());
    }
}

fn write_planes<T: StageAs<S>, S: Staged>(
    staged: &mut [S],
    window: &Window,
    channels: usize,
    image: &[T],
    pixels: usize,
) {
    let step = window.insert[2] * channels;
    for (channel, plane) in image.chunks_exact(pixels).enumerate() {
        window.for_rows(|from, to, n| {
            let to = staged[to * channels + channel..].iter_mut().step_by(step);
            to.zip(&plane[from..from + n])
                .for_each(|(s, x)| *s = x.stage());
        });
    }
}
