//! Plain text as the little HTML that posts and actors carry. Everything is escaped; nothing that a person typed is ever
//! taken for markup.

/// Escapes text for HTML, in text and in quoted attributes; control characters other than line breaks are dropped.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\n' | '\t' => escaped.push(character),
            other if other.is_control() => {}
            other => escaped.push(other),
        }
    }
    escaped
}

/// Cuts to a number of characters at a word, and says so with an ellipsis.
pub fn cut(text: &str, characters: usize) -> String {
    let text = text.trim();
    let Some((end, _)) = text.char_indices().nth(characters) else {
        return text.to_owned();
    };
    let head = &text[..end];
    let word = head
        .rfind(char::is_whitespace)
        .filter(|&at| at > end / 2)
        .unwrap_or(end);
    format!("{}…", head[..word].trim_end())
}

/// A number of bytes as people read it: `84.1 GiB`.
pub fn size(bytes: i64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if bytes < 1024 {
        return format!("{bytes} bytes");
    }
    #[expect(clippy::cast_precision_loss, reason = "one decimal is shown")]
    let mut amount = bytes as f64 / 1024.0;
    let mut unit = 0;
    while amount >= 1023.95 && unit + 1 < UNITS.len() {
        amount /= 1024.0;
        unit += 1;
    }
    format!("{amount:.1} {}", UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_typed_becomes_markup() {
        assert_eq!(
            escape("<b onx='1'>\"&\u{0}\u{7}"),
            "&lt;b onx=&#39;1&#39;&gt;&quot;&amp;"
        );
    }

    #[test]
    fn a_cut_falls_between_words_and_characters() {
        assert_eq!(cut("sea ice thickness", 11), "sea ice…");
        assert_eq!(cut("海氷の厚さ", 2), "海氷…");
        assert_eq!(cut(" short ", 11), "short");
    }

    #[test]
    fn sizes_read_well() {
        for (bytes, text) in [
            (0, "0 bytes"),
            (1023, "1023 bytes"),
            (1024, "1.0 KiB"),
            (1_048_575, "1.0 MiB"),
            (90_310_000_000, "84.1 GiB"),
            (i64::MAX, "8.0 EiB"),
        ] {
            assert_eq!(size(bytes), text);
        }
    }
}
