//! Names from a torrent made safe for showing: what a careful client would write to disk. Does not touch a disk and
//! keeps no raw names; `file.rs` keeps both side by side. Next in the flow: `file.rs`.
//!
//! The rules are those by which libtorrent names files, so that a person who compares our list with a client's sees
//! the same names: separators, NUL and characters that are invisible or turn the direction of writing are dropped,
//! control characters and broken UTF-8 become `_`, and a name is at most some 250 bytes long (480
//! if it is broken UTF-8 throughout).

use crate::limits::MAX_TEXT;

/// Bytes of a name after which only its extension is kept.
const LONG: usize = 240;

/// Bytes at the end of a name among which the dot of its extension is looked for.
const EXTENSION: usize = 9;

/// One component of a path, never empty, never `.` or `..`, without separators.
pub(crate) fn component(raw: &[u8]) -> String {
    usable(raw).unwrap_or_else(|| "_".to_owned())
}

/// As [`component`]; `None` if nothing would be left of it.
pub(crate) fn usable(raw: &[u8]) -> Option<String> {
    // Most names are plain, and there may be hundreds of thousands of them.
    let plain = |byte: &u8| matches!(byte, b' '..=b'~') && !matches!(byte, b'/' | b'\\');
    if raw.len() < LONG && raw.iter().all(plain) {
        let name = str::from_utf8(raw).ok()?;
        return (!matches!(name, "" | "." | "..")).then(|| name.to_owned());
    }
    let mut name = String::with_capacity(raw.len());
    let mut rest = raw;
    let mut extension_kept = false;
    while let Some((character, length)) = first_character(rest) {
        rest = &rest[length..];
        match character {
            Some(character) if is_dropped(character) => continue,
            Some(character) if !character.is_control() => name.push(character),
            _ if name.len() >= 2 * LONG => break,
            _ => {
                name.push('_');
                continue;
            }
        }
        if name.len() >= LONG && !extension_kept {
            // The extension says what to open a file with, so it stays when a name is cut.
            let tail = &rest[rest.len().saturating_sub(EXTENSION)..];
            match tail.iter().rposition(|byte| *byte == b'.') {
                Some(dot) => rest = &tail[dot..],
                None => break,
            }
            extension_kept = true;
        }
    }
    (!matches!(name.as_str(), "" | "." | "..")).then_some(name)
}

/// Free text, such as a comment: at most 16 KiB, broken UTF-8 and control characters except line breaks and tabs
/// replaced.
pub(crate) fn text(raw: &[u8]) -> String {
    let text = String::from_utf8_lossy(&raw[..raw.len().min(MAX_TEXT)]);
    let shown = |c: char| {
        if c.is_control() && !matches!(c, '\n' | '\r' | '\t') {
            '\u{fffd}'
        } else {
            c
        }
    };
    text.chars().filter(|c| !turns_direction(*c)).map(shown).collect()
}

fn is_dropped(c: char) -> bool {
    matches!(c, '/' | '\\' | '\0' | '\u{200b}'..='\u{200d}' | '\u{2060}'..='\u{2064}' | '\u{feff}')
        || turns_direction(c)
}

fn turns_direction(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The first character and how many bytes it takes; no character where the bytes are not UTF-8.
fn first_character(bytes: &[u8]) -> Option<(Option<char>, usize)> {
    let length = match bytes.first()? {
        0x00..=0x7f => 1,
        0xc0..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf7 => 4,
        // No character is that long, but it once was allowed for.
        0xf8..=0xfb => 5,
        _ => return Some((None, 1)),
    };
    let length = usize::min(length, bytes.len());
    let character = str::from_utf8(&bytes[..length])
        .ok()
        .and_then(|text| text.chars().next());
    Some((character, length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_names_become_harmless() {
        let cases: [(&[u8], &str); 16] = [
            (b"", "_"),
            (b".", "_"),
            (b"..", "_"),
            (b"/..", "_"),
            (b"...", "..."),
            (b"a/b", "ab"),
            (b"/etc", "etc"),
            (b"\\", "_"),
            (b"foo/../../../bar", "foo......bar"),
            (b"a\0b", "ab"),
            (b"a\x1fb", "a_b"),
            (b"\x7f", "_"),
            (b"\xff\xfeab", "__ab"),
            (b"\xe3\x81", "_"),
            (b"\xed\xa0\x80x", "_x"),
            ("\u{202e}gpj.exe".as_bytes(), "gpj.exe"),
        ];
        for (raw, safe) in cases {
            assert_eq!(component(raw), safe, "{raw:?}");
        }
        assert_eq!(
            component("テクス・テクサン.mkv".as_bytes()),
            "テクス・テクサン.mkv"
        );
    }

    #[test]
    fn long_names_keep_their_extension() {
        let name = component(&[&[b'x'; 300][..], b".txt"].concat());
        assert_eq!(name, ["x".repeat(240), ".txt".to_owned()].concat());
        assert_eq!(component(&[b'y'; 5_000]).len(), 240);
        assert!(component("あ".repeat(500).as_bytes()).len() <= 243);
        assert_eq!(component(&[0xff; 5_000]).len(), 480);
    }

    #[test]
    fn comments_lose_what_cannot_be_stored_or_shown() {
        assert_eq!(text(b"two\nlines\0"), "two\nlines\u{fffd}");
        assert_eq!(text("a\u{202e}b".as_bytes()), "ab");
        assert!(text(&[b'c'; 100_000]).len() <= 16 * 1024);
        assert!(text("あ".repeat(10_000).as_bytes()).len() <= 16 * 1024 + 3);
    }
}
