//! `--keep PATTERN`: `*` stands for any run of characters, `?` for one.

/// A set of glob patterns; a text matches when one pattern matches all of it.
#[derive(Clone, Debug, Default)]
pub struct Patterns {
    items: Vec<String>,
}

impl Patterns {
    /// Patterns as typed by the user.
    pub fn new(items: impl IntoIterator<Item = String>) -> Patterns {
        Patterns {
            items: items.into_iter().collect(),
        }
    }

    /// Whether there is no pattern.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// The first pattern that matches one of the texts.
    pub fn find<'a>(&self, texts: impl IntoIterator<Item = &'a str> + Clone) -> Option<&str> {
        self.items
            .iter()
            .find(|p| {
                texts
                    .clone()
                    .into_iter()
                    .any(|t| matches(p.as_bytes(), t.as_bytes()))
            })
            .map(String::as_str)
    }
}

/// Greedy match that backtracks to the last `*` only, so it is linear in `pattern * text`.
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(&c) if c == b'?' || c == text[t] => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((star_p, star_t)) => {
                    star = Some((star_p, star_t + 1));
                    p = star_p + 1;
                    t = star_t + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|&c| c == b'*')
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn stars_and_question_marks() {
        let ok = |p: &str, t: &str| matches(p.as_bytes(), t.as_bytes());
        assert!(ok("encoder.*", "encoder.layer.0") && ok("*", "") && ok("a?c", "abc"));
        assert!(ok("*.weight", "a.b.weight") && ok("a*b*c", "axxbyybzc") && ok("dev", "dev"));
        assert!(!ok("encoder.*", "decoder.x") && !ok("a?c", "ac") && !ok("dev", "device"));
    }
}
