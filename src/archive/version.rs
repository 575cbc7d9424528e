//! The version record (`torchscript.md` 1.9).

use super::error::ArchiveError;
use super::limits;

/// The leading integer of a version text, as C++ `stoull` reads it, when torch 2.11 accepts that version.
pub(super) fn parse(text: &[u8]) -> Result<u64, ArchiveError> {
    let text = &text[..text.len().min(limits::MAX_VERSION_TEXT)];
    let trimmed = text.trim_ascii_start();
    let trimmed = trimmed.strip_prefix(b"+").unwrap_or(trimmed);
    let digits = trimmed.iter().take_while(|it| it.is_ascii_digit()).count();
    let number = std::str::from_utf8(&trimmed[..digits])
        .ok()
        .and_then(|it| it.parse().ok());
    let version = number.ok_or_else(|| ArchiveError::VersionText {
        text: text.escape_ascii().to_string(),
    })?;
    if limits::VERSIONS.contains(&version) {
        Ok(version)
    } else {
        Err(ArchiveError::Version { version })
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn leading_integer() {
        for text in ["3", "3\n", " 3", "3xyz", "+3"] {
            assert_eq!(parse(text.as_bytes()).ok(), Some(3), "{text:?}");
        }
        for text in ["", "abc", "-1", "99999999999999999999999", "0", "11"] {
            assert!(parse(text.as_bytes()).is_err(), "{text:?}");
        }
    }
}
