//! Info-hashes as people compare them: in groups of four, short by default, whole on demand. Next in the flow: the
//! facts of `templates/upload.html`.

use std::fmt;

use askama::filters::HtmlSafe;

/// An info-hash in hexadecimal digits; prints as `<code>` in groups of four that copies without blanks.
#[derive(Clone, Debug)]
pub(crate) struct Hash {
    /// What kind of hash it is, in a word or two.
    pub(crate) label: &'static str,
    hex: String,
}

impl Hash {
    /// A v1 info-hash: SHA-1, 40 digits (BEP 3).
    pub(crate) fn v1(hex: impl fmt::Display) -> Self {
        Self {
            label: "v1 hash",
            hex: digits(hex),
        }
    }

    /// A v2 info-hash: SHA-256, 64 digits (BEP 52).
    pub(crate) fn v2(hex: impl fmt::Display) -> Self {
        Self {
            label: "v2 hash",
            hex: digits(hex),
        }
    }

    /// All digits, as programs want them.
    pub(crate) fn whole(&self) -> &str {
        &self.hex
    }

    /// The first twelve digits in groups, enough to recognise it by.
    pub(crate) fn short(&self) -> String {
        groups(&self.hex[..self.hex.len().min(12)])
    }
}

/// Keeps hexadecimal digits only, so that the text is safe in HTML.
fn digits(hex: impl fmt::Display) -> String {
    hex.to_string().chars().filter(char::is_ascii_hexdigit).collect()
}

fn groups(hex: &str) -> String {
    let mut text = String::with_capacity(hex.len() + hex.len() / 4);
    for (at, digit) in hex.chars().enumerate() {
        if at > 0 && at % 4 == 0 {
            text.push('\u{2009}');
        }
        text.push(digit);
    }
    text
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<code class=\"hash\">")?;
        for group in self.hex.as_bytes().chunks(4) {
            write!(f, "<span>{}</span><wbr>", String::from_utf8_lossy(group))?;
        }
        f.write_str("</code>")
    }
}

impl HtmlSafe for Hash {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_shows_in_groups_and_copies_whole() {
        let hash = Hash::v1("0123456789abcdef0123456789abcdef01234567");
        assert_eq!(hash.short(), "0123\u{2009}4567\u{2009}89ab");
        assert!(
            hash.to_string()
                .starts_with("<code class=\"hash\"><span>0123</span><wbr><span>4567</span>")
        );
        assert_eq!(hash.whole().len(), 40);
    }
}
