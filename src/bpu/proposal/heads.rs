//! The arguments of the operator, and the boxes that they hold.

use super::decode::{Shifts, corners};
use super::{CAPACITY, COLUMNS, Found, PLACE};
use crate::bpu::op::{Args, OpError};
use crate::bpu::suppress::{Candidate, Rule};

/// Entries of the table: one for each int8.
const TABLE: usize = 256;

/// Numbers of a box before its classes.
const DELTAS: usize = 4;

/// Quarters of a pixel in one.
const QUARTERS: i64 = 4;

/// One branch: its map, its anchors and how it is read.
struct Branch {
    anchors: usize,
    first_anchor: usize,
    classes: usize,
    label: i32,
    shift: u32,
    /// Vertical, horizontal, in pixels of the image.
    stride: [i64; 2],
    map: [usize; 2],
}

pub(super) struct Heads {
    pub(super) images: usize,
    pub(super) rows: usize,
    pub(super) padding: i32,
    pub(super) rule: Rule,
    with_place: bool,
    clips: bool,
    table_shift: u32,
    threshold: i32,
    /// Thresholds of single classes.
    exceptions: Vec<(i64, i64)>,
    branches: Vec<Branch>,
}

impl Heads {
    pub(super) fn columns(&self) -> usize {
        COLUMNS + if self.with_place { PLACE } else { 0 }
    }

    pub(super) fn read(a: &Args) -> Result<Self, OpError> {
        let extra = match a.len() {
            28 => 0,
            29 => 1,
            _ => {
                return Err(a.value_error(
                    "the older form without box_filter_threshold is known, its threshold is not",
                ));
            }
        };
        let at = |index: usize| index + extra;
        let (classes, values) = (a.ints(at(11))?, a.ints(at(12))?);
        if classes.len() != values.len() {
            return Err(a.value_error("each class of per_class_idx needs one threshold"));
        }
        let it = Self {
            images: images(a)?,
            rows: rows(a, at(24))?,
            padding: a.int32(at(26))?,
            rule: Rule {
                threshold: a.int32(at(23))?,
                margin: a.int32(at(25))?,
            },
            with_place: extra == 1 && !a.bool(11)?,
            clips: a.bool(at(18))?,
            table_shift: shift(a, a.int(7)?)?,
            threshold: a.int32(10)?,
            exceptions: classes
                .iter()
                .copied()
                .zip(values.iter().copied())
                .collect(),
            branches: branches(a, at)?,
        };
        a.march(at(27))?;
        match it.branches.iter().all(|b| b.shift <= it.table_shift) {
            true => Ok(it),
            false => Err(a.value_error("exp_shift is less than a shift of the inputs")),
        }
    }

    /// The boxes of one image that pass the threshold, by branch, anchor, row and column.
    pub(super) fn image(&self, a: &Args, image: usize) -> Result<Vec<Found>, OpError> {
        let (anchors, table) = (a.ints32(1)?, a.ints32(2)?);
        let needed = self.branches.iter().map(|b| b.first_anchor + b.anchors);
        let needed = needed.max().unwrap_or(0);
        if table.len() != TABLE || anchors.len() / 4 < needed {
            return Err(a.shape_error(format!(
                "a table of {} entries, not {TABLE}, or {} anchors for {needed}",
                table.len(),
                anchors.len() / 4
            )));
        }
        let last = self.last_pixel(a, image)?;
        let mut found = Vec::new();
        for (index, branch) in self.branches.iter().enumerate() {
            let data = a.tensors(0)?[index];
            if !data.has_data() {
                return Err(a.wrong(0, "tensors with data"));
            }
            let data = data
                .contiguous::<i8>()
                .ok_or_else(|| a.wrong(0, "int8 tensors"))?;
            let each = data.len() / self.images.max(1);
            let view = View {
                heads: self,
                branch,
                index: index as i32,
                data: &data[image * each..][..each],
                table: &table,
                last,
            };
            for anchor in 0..branch.anchors {
                let row = &anchors[(branch.first_anchor + anchor) * 4..][..4];
                view.anchor(anchor, row, &mut found);
            }
        }
        Ok(found)
    }

    /// Right and bottom ends in quarters of a pixel; none without clipping.
    fn last_pixel(&self, a: &Args, image: usize) -> Result<Option<[i32; 2]>, OpError> {
        let sizes = a.floats(3)?;
        match sizes.get(2 * image..2 * image + 2) {
            _ if !self.clips => Ok(None),
            Some(&[h, w]) => {
                Ok(Some([w, h].map(|size| {
                    ((size - 1.0) * QUARTERS as f64).floor() as i32
                })))
            }
            _ => Err(a.shape_error("image_sizes is not [N, 2]")),
        }
    }

    fn threshold(&self, class: i32) -> i64 {
        let own = self
            .exceptions
            .iter()
            .find(|(at, _)| *at == i64::from(class));
        own.map_or(i64::from(self.threshold), |(_, value)| *value)
    }
}

/// One branch of one image.
struct View<'a> {
    heads: &'a Heads,
    branch: &'a Branch,
    index: i32,
    data: &'a [i8],
    table: &'a [i32],
    last: Option<[i32; 2]>,
}

impl View<'_> {
    fn anchor(&self, anchor: usize, row: &[i32], found: &mut Vec<Found>) {
        let [h, w] = self.branch.map;
        let first = anchor * (DELTAS + self.branch.classes);
        for y in 0..h {
            for x in 0..w {
                let value =
                    |channel: usize| i32::from(self.data[((first + channel) * h + y) * w + x]);
                let Some((class, score)) = self.best(&value) else {
                    continue;
                };
                let corners = self.corners(row, &value, [y as i64, x as i64]);
                if corners[0] < corners[2] && corners[1] < corners[3] {
                    found.push(Found {
                        it: Candidate {
                            corners,
                            score,
                            label: class.saturating_add(self.branch.label),
                        },
                        place: [self.index, anchor as i32, y as i32, x as i32],
                    });
                }
            }
        }
    }

    /// The class of the greatest score and that score, if it passes.
    fn best(&self, value: &impl Fn(usize) -> i32) -> Option<(i32, i32)> {
        let mut best = (0, value(DELTAS));
        for class in 1..self.branch.classes {
            let score = value(DELTAS + class);
            if score > best.1 {
                best = (class as i32, score);
            }
        }
        (i64::from(best.1) >= self.heads.threshold(best.0)).then_some(best)
    }

    fn corners(&self, row: &[i32], value: &impl Fn(usize) -> i32, cell: [i64; 2]) -> [i32; 4] {
        let shifts = Shifts {
            delta: self.branch.shift,
            table: self.heads.table_shift,
        };
        let along = |axis: usize, delta: usize| {
            let moved = cell[axis] * self.branch.stride[axis] * QUARTERS;
            let (side, centre) = (i64::from(row[axis]), i64::from(row[2 + axis]) + moved);
            let grow = i64::from(self.table[(value(delta + 2) + 128) as usize]);
            corners([centre, side], value(delta).into(), grow, shifts)
        };
        let ([y1, y2], [x1, x2]) = (along(0, 1), along(1, 0));
        let clip = |v: i32, end: usize| match self.last {
            Some(last) => v.min(last[end]).max(0),
            None => v,
        };
        [clip(x1, 0), clip(y1, 1), clip(x2, 0), clip(y2, 1)]
    }
}

fn shift(a: &Args, value: i64) -> Result<u32, OpError> {
    match value {
        0..=20 => Ok(value as u32),
        _ => Err(a.value_error(format!("a shift of {value}, which is not from 0 to 20"))),
    }
}

fn rows(a: &Args, index: usize) -> Result<usize, OpError> {
    match a.size(index)? {
        rows @ 0..=CAPACITY => Ok(rows),
        rows => Err(a.value_error(format!(
            "{rows} boxes wanted, the hardware sorts {CAPACITY}"
        ))),
    }
}

fn images(a: &Args) -> Result<usize, OpError> {
    let shapes: Vec<&[usize]> = a.tensors(0)?.iter().map(|t| t.shape).collect();
    let first = shapes.first().and_then(|shape| shape.first()).copied();
    match first {
        Some(n) if shapes.iter().all(|s| s.len() == 4 && s[0] == n) => Ok(n),
        _ => Err(a.shape_error(format!("data {shapes:?} is not [N, C, H, W] per branch"))),
    }
}

fn branches(a: &Args, at: impl Fn(usize) -> usize) -> Result<Vec<Branch>, OpError> {
    let data = a.tensors(0)?;
    let lists = [4, 5, 6, at(13), at(15), at(16), at(17)].map(|index| a.ints(index));
    let mut columns = Vec::new();
    for list in lists {
        columns.push(list?);
    }
    if columns.iter().any(|list| list.len() != data.len()) {
        return Err(a.value_error(
            "each branch needs one number of anchors, classes, shift, offset, start and strides",
        ));
    }
    let small = |value: i64| match value {
        0..=65535 => Ok(value as usize),
        _ => Err(a.value_error(format!("{value} as a number of anchors, classes or pixels"))),
    };
    let mut branches = Vec::new();
    for (index, tensor) in data.iter().enumerate() {
        let number = |list: usize| columns[list][index];
        let branch = Branch {
            anchors: small(number(0))?,
            classes: small(number(1))?,
            shift: shift(a, number(2))?,
            label: i32::try_from(number(3)).map_err(|_| a.value_error("an offset of a class"))?,
            first_anchor: small(number(4))?,
            stride: [small(number(5))? as i64, small(number(6))? as i64],
            map: [
                small(tensor.shape[2] as i64)?,
                small(tensor.shape[3] as i64)?,
            ],
        };
        let channels = branch.anchors * (DELTAS + branch.classes);
        if branch.classes == 0 || tensor.shape[1] != channels {
            return Err(a.shape_error(format!(
                "branch {index} has {} channels, {} anchors of {} classes need {channels}",
                tensor.shape[1], branch.anchors, branch.classes
            )));
        }
        branches.push(branch);
    }
    Ok(branches)
}
