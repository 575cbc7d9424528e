//! The names of dimensions.

use crate::quant::fuse::sizes::axis;

/// What `...` may stand for: more than tensors have dimensions.
const MAX_UNNAMED: usize = 16;

/// The last unnamed dimension; those before it count up, so that operands align at the end.
const UNNAMED: u8 = 128;

/// A letter for each dimension of each operand and of the result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Equation {
    pub(super) operands: Vec<Vec<u8>>,
    pub(super) out: Vec<u8>,
}

impl Equation {
    /// Reads `bij,bjk->bik`. None if it is no equation for so many operands, or takes a diagonal.
    pub(super) fn parse(text: &[u8], ranks: &[Option<i64>]) -> Option<Equation> {
        let text: String = std::str::from_utf8(text).ok()?.split_whitespace().collect();
        let (left, out) = match text.split_once("->") {
            Some((left, out)) => (left, Some(out)),
            None => (&text[..], None),
        };
        let parts: Vec<&str> = left.split(',').collect();
        if parts.len() != ranks.len() {
            return None;
        }
        let named = parts.iter().zip(ranks);
        let operands: Vec<Vec<u8>> = named
            .map(|(part, rank)| letters(part, *rank))
            .collect::<Option<_>>()?;
        let mut unnamed: Vec<u8> = operands.iter().flatten().copied().collect();
        unnamed.retain(|it| *it >= UNNAMED);
        unnamed.sort_unstable_by(|a, b| b.cmp(a));
        unnamed.dedup();
        let out = match out {
            Some(out) => {
                out.replacen("...", "\u{1}", 1)
                    .bytes()
                    .try_fold(Vec::new(), |mut all, byte| {
                        match byte {
                            1 => all.extend(&unnamed),
                            _ if byte.is_ascii_alphabetic() => all.push(byte),
                            _ => return None,
                        }
                        Some(all)
                    })?
            }
            None => implied(&operands, &unnamed),
        };
        let all = operands.iter().flatten();
        let known = out.iter().all(|it| all.clone().any(|letter| letter == it));
        let plain = operands.iter().chain([&out]).all(|it| is_plain(it));
        (known && plain).then_some(Equation { operands, out })
    }

    /// Sums over dimensions of two operands by their places.
    pub(super) fn contraction(ranks: [i64; 2], left: &[i64], right: &[i64]) -> Option<Equation> {
        let [x, y] = ranks.map(|it| usize::try_from(it).unwrap_or(0));
        if left.len() != right.len() || x + y > 26 {
            return None;
        }
        let names: Vec<u8> = (b'a'..=b'z').collect();
        let mut operands = [names[..x].to_vec(), names[x..x + y].to_vec()];
        for (&i, &j) in left.iter().zip(right) {
            operands[1][axis(j, y)?] = operands[0][axis(i, x)?];
        }
        let [first, second] = &operands;
        let alone = |it: &&u8| !(first.contains(it) && second.contains(it));
        let out = first.iter().chain(second).filter(alone).copied().collect();
        let equation = Equation {
            out,
            operands: operands.to_vec(),
        };
        let plain = equation.operands.iter().all(|it| is_plain(it));
        plain.then_some(equation)
    }
}

/// The letters of one operand.
fn letters(part: &str, rank: Option<i64>) -> Option<Vec<u8>> {
    let (before, after) = match part.split_once("...") {
        Some((before, after)) => (before, Some(after)),
        None => (part, None),
    };
    let mut found = before.as_bytes().to_vec();
    if let Some(after) = after {
        let named = before.len() + after.len();
        let unnamed = usize::try_from(rank?).ok()?.checked_sub(named)?;
        if unnamed > MAX_UNNAMED {
            return None;
        }
        found.extend((0..unnamed as u8).rev().map(|it| UNNAMED + it));
        found.extend(after.bytes());
    }
    let known = |it: &u8| *it >= UNNAMED || it.is_ascii_alphabetic();
    found.iter().all(known).then_some(found)
}

/// Without `->` the result has the unnamed dimensions and, in the alphabet's order, the letters that occur once.
fn implied(operands: &[Vec<u8>], unnamed: &[u8]) -> Vec<u8> {
    let mut all: Vec<u8> = operands.iter().flatten().copied().collect();
    all.retain(|it| *it < UNNAMED);
    all.sort_unstable();
    let once = |it: &&u8| all.iter().filter(|other| other == it).count() == 1;
    let letters = all.iter().filter(once);
    unnamed.iter().chain(letters).copied().collect()
}

/// Whether no letter occurs twice.
fn is_plain(letters: &[u8]) -> bool {
    let twice = |(at, letter)| letters[..at].contains(letter);
    !letters.iter().enumerate().any(twice)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str, ranks: &[i64]) -> Option<(Vec<Vec<u8>>, Vec<u8>)> {
        let ranks: Vec<Option<i64>> = ranks.iter().map(|it| Some(*it)).collect();
        let equation = Equation::parse(text.as_bytes(), &ranks)?;
        Some((equation.operands, equation.out))
    }

    #[test]
    fn letters_name_dimensions() {
        let (operands, out) = parsed("b i j, b j k -> b i k", &[3, 3]).unwrap();
        assert_eq!(operands, [b"bij", b"bjk"]);
        assert_eq!(out, b"bik");
    }

    #[test]
    fn without_an_arrow_the_letters_that_occur_once_stay_in_their_order() {
        assert_eq!(parsed("kb,ak", &[2, 2]).unwrap().1, b"ab");
        let (_, out) = parsed("...ij,...jk", &[3, 4]).unwrap();
        assert_eq!(out, [129, 128, b'i', b'k']);
    }

    #[test]
    fn unnamed_dimensions_align_at_the_end() {
        let (operands, out) = parsed("...ij,...jk->...ik", &[3, 4]).unwrap();
        assert_eq!(operands[0], [128, b'i', b'j']);
        assert_eq!(operands[1], [129, 128, b'j', b'k']);
        assert_eq!(out, [129, 128, b'i', b'k']);
    }

    #[test]
    fn what_is_no_plain_equation_is_none() {
        for (text, ranks) in [
            ("ii->i", &[2][..]),
            ("ij,jk", &[2]),
            ("ij->ik", &[2]),
            ("i1->i", &[2]),
            ("...ij->ij", &[1]),
            ("ij->ii", &[2]),
        ] {
            assert_eq!(parsed(text, ranks), None, "{text}");
        }
    }

    #[test]
    fn places_name_what_is_summed() {
        let found = Equation::contraction([3, 2], &[-1], &[0]).unwrap();
        assert_eq!(found.operands, [b"abc".to_vec(), b"ce".to_vec()]);
        assert_eq!(found.out, b"abe");
        assert_eq!(Equation::contraction([3, 2], &[3], &[0]), None);
    }
}
