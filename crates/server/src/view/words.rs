//! User text made fit for places that have no `<bdi>`: titles, attributes, feeds, one-line summaries. Markup belongs to
//! `markdown.rs`. Next in the flow: `frame.rs` of the pages and the feeds.

/// One line of plain text: no control characters, no bidirectional overrides, single blanks.
pub(crate) fn line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        let before = out.len();
        if before > 0 {
            out.push(' ');
        }
        let start = out.len();
        out.extend(
            word.chars()
                .filter(|c| !c.is_control() && !steers_direction(*c) && !is_noncharacter(*c)),
        );
        if out.len() == start {
            out.truncate(before);
        }
    }
    out
}

/// The first `limit` characters of one line of plain text, cut at a word, with an ellipsis if cut.
pub(crate) fn excerpt(text: &str, limit: usize) -> String {
    let text = line(text);
    let Some((cut, _)) = text.char_indices().nth(limit) else {
        return text;
    };
    let head = &text[..cut];
    let head = head
        .rfind(' ')
        .filter(|at| *at > cut / 2)
        .map_or(head, |at| &head[..at]);
    format!("{}…", head.trim_end_matches([',', ';', ':', '.', ' ']))
}

/// Embeddings, overrides and isolates, which could turn the text around them.
fn steers_direction(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Code points that XML 1.0 refuses beside the control characters.
fn is_noncharacter(c: char) -> bool {
    matches!(c, '\u{fffe}' | '\u{ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_and_direction_characters_are_dropped() {
        assert_eq!(line("  a\u{0}b \u{202e}c\n\u{2067} d\u{ffff} "), "ab c d");
    }

    #[test]
    fn an_excerpt_ends_at_a_word() {
        assert_eq!(excerpt("tide gauge readings, hourly", 21), "tide gauge readings…");
        assert_eq!(excerpt("short", 20), "short");
        assert_eq!(excerpt("潮位観測記録", 3), "潮位観…");
    }
}
