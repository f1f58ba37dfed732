//! As much JSON as the messages need (RFC 8259): values are looked at where they stand, nothing is copied, and what nobody
//! asks for is passed over. Knows no field of any message; `read.rs` does.

/// Objects and lists inside each other that are followed; more are refused.
const DEEPEST: u32 = 16;

/// A place in a text at which a value begins.
#[derive(Clone, Copy, Debug)]
pub(super) struct Json<'a> {
    text: &'a str,
    at: usize,
}

/// It is no JSON, or more deeply nested than any message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NotJson;

type Read<T> = Result<T, NotJson>;

impl<'a> Json<'a> {
    /// The value that a whole text is, checked to its end.
    pub(super) fn whole(text: &'a str) -> Read<Self> {
        let mut end = Self { text, at: 0 };
        end.blanks();
        let value = end;
        end.skip()?;
        end.blanks();
        if end.at == text.len() {
            Ok(value)
        } else {
            Err(NotJson)
        }
    }

    pub(super) fn is_object(&self) -> bool {
        self.peek() == Some(b'{')
    }

    pub(super) fn is_null(&self) -> bool {
        self.peek() == Some(b'n')
    }

    /// The text that this value is, if it is one.
    pub(super) fn text(mut self) -> Option<Text<'a>> {
        (self.peek() == Some(b'"')).then(|| self.string().ok()).flatten()
    }

    /// The number that this value is, if it is one.
    pub(super) fn number(mut self) -> Option<f64> {
        let is_number = self
            .peek()
            .is_some_and(|byte| byte == b'-' || byte.is_ascii_digit());
        is_number.then(|| self.digits().ok()).flatten()
    }

    /// Shows each field of an object; of any other value, none.
    pub(super) fn fields(mut self, see: impl FnMut(Text<'a>, Self)) {
        if self.is_object() {
            let _checked = self.members(see);
        }
    }

    /// Shows the values of a list until `see` has enough; whether this is a list.
    pub(super) fn items(mut self, mut see: impl FnMut(Self) -> bool) -> bool {
        let is_list = self.peek() == Some(b'[');
        let mut more = is_list && self.open(b']') == Ok(true);
        while more && see(self) {
            more = self.skip().is_ok() && self.next(b']') == Ok(true);
        }
        is_list
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn take(&mut self, byte: u8) -> Read<()> {
        if self.peek() == Some(byte) {
            self.at += 1;
            Ok(())
        } else {
            Err(NotJson)
        }
    }

    /// Goes into an object or a list that ends with `close`; whether there is anything in it.
    fn open(&mut self, close: u8) -> Read<bool> {
        self.at += 1;
        self.blanks();
        let is_empty = self.peek() == Some(close);
        self.at += usize::from(is_empty);
        Ok(!is_empty)
    }

    /// Goes on behind a value; whether there is another.
    fn next(&mut self, close: u8) -> Read<bool> {
        self.blanks();
        let is_over = self.peek() == Some(close);
        if is_over {
            self.at += 1;
        } else {
            self.take(b',')?;
            self.blanks();
        }
        Ok(!is_over)
    }

    /// Reads the name of a field and goes to its value.
    fn name(&mut self) -> Read<Text<'a>> {
        let name = self.string()?;
        self.blanks();
        self.take(b':')?;
        self.blanks();
        Ok(name)
    }

    fn members(&mut self, mut see: impl FnMut(Text<'a>, Self)) -> Read<()> {
        let mut more = self.open(b'}')?;
        while more {
            let name = self.name()?;
            see(name, *self);
            self.skip()?;
            more = self.next(b'}')?;
        }
        Ok(())
    }

    /// Goes behind a value of any kind. Which brackets are open stands in the bits of a number, so depth costs nothing.
    fn skip(&mut self) -> Read<()> {
        let (mut depth, mut objects) = (0_u32, 0_u32);
        loop {
            let opened = match self.peek().ok_or(NotJson)? {
                b'"' => {
                    self.string()?;
                    None
                }
                b'{' => Some(true),
                b'[' => Some(false),
                b'-' | b'0'..=b'9' => {
                    self.digits()?;
                    None
                }
                _ => {
                    self.word()?;
                    None
                }
            };
            let mut more = false;
            if let Some(is_object) = opened {
                if depth == DEEPEST {
                    return Err(NotJson);
                }
                depth += 1;
                objects = objects << 1 | u32::from(is_object);
                more = self.open(if is_object { b'}' } else { b']' })?;
                if !more {
                    (depth, objects) = (depth - 1, objects >> 1);
                }
            }
            while !more && depth > 0 {
                more = self.next(if objects & 1 == 1 { b'}' } else { b']' })?;
                if !more {
                    (depth, objects) = (depth - 1, objects >> 1);
                }
            }
            if depth == 0 {
                return Ok(());
            }
            if objects & 1 == 1 {
                self.name()?;
            }
        }
    }

    fn word(&mut self) -> Read<()> {
        let rest = &self.text.as_bytes()[self.at..];
        let word = ["true", "false", "null"]
            .into_iter()
            .find(|word| rest.starts_with(word.as_bytes()))
            .ok_or(NotJson)?;
        self.at += word.len();
        Ok(())
    }

    fn digits(&mut self) -> Read<f64> {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E')) {
            self.at += 1;
        }
        self.text[start..self.at].parse().map_err(|_| NotJson)
    }

    fn string(&mut self) -> Read<Text<'a>> {
        self.take(b'"')?;
        let start = self.at;
        loop {
            match self.peek().ok_or(NotJson)? {
                b'"' => break,
                b'\\' => self.escape()?,
                0..=0x1f => return Err(NotJson),
                _ => self.at += 1,
            }
        }
        let inside = &self.text[start..self.at];
        self.at += 1;
        Ok(Text(inside))
    }

    /// Goes behind an escape. Half a character (a surrogate alone) is refused: it could not be passed on as text.
    fn escape(&mut self) -> Read<()> {
        let rest = &self.text[self.at..];
        let (_, len) = unescape(rest.as_bytes()).ok_or(NotJson)?;
        self.at += len;
        Ok(())
    }
}

/// The character that an escape stands for, and how many bytes the escape has.
fn unescape(bytes: &[u8]) -> Option<(char, usize)> {
    let plain = |character| Some((character, 2));
    match bytes.get(1)? {
        b'"' => plain('"'),
        b'\\' => plain('\\'),
        b'/' => plain('/'),
        b'b' => plain('\u{8}'),
        b'f' => plain('\u{c}'),
        b'n' => plain('\n'),
        b'r' => plain('\r'),
        b't' => plain('\t'),
        b'u' => {
            let first = unit(bytes.get(2..6)?)?;
            if let Some(character) = char::from_u32(first) {
                return Some((character, 6));
            }
            let second = bytes.get(6..8).filter(|sign| *sign == b"\\u");
            let second = second.and_then(|_| unit(bytes.get(8..12)?))?;
            let is_pair = (0xd800..0xdc00).contains(&first) && (0xdc00..0xe000).contains(&second);
            let character = is_pair.then(|| 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00))?;
            Some((char::from_u32(character)?, 12))
        }
        _ => None,
    }
}

fn unit(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |unit, digit| {
        Some(unit << 4 | char::from(*digit).to_digit(16)?)
    })
}

/// A text of a message, still escaped as it came, and known to be whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Text<'a>(&'a str);

impl<'a> Text<'a> {
    /// As it stands between the quotation marks: may be put between others as it is.
    pub(super) fn escaped(self) -> &'a str {
        self.0
    }

    pub(super) fn is(self, word: &str) -> bool {
        self.characters().eq(word.chars())
    }

    /// Its characters without escapes.
    pub(super) fn characters(self) -> impl Iterator<Item = char> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            let first = rest.chars().next()?;
            let (character, len) = match first {
                '\\' => unescape(rest.as_bytes())?,
                other => (other, other.len_utf8()),
            };
            rest = &rest[len..];
            Some(character)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_json(text: &str) -> bool {
        Json::whole(text).is_ok()
    }

    #[test]
    fn json_is_told_from_what_is_not() {
        let good = [
            "{}",
            " [ ] ",
            "null",
            "-1.5e3",
            "\"\"",
            "{\"a\":[1,{\"b\":null},\"c\"],\"d\":{}}",
            "[[],[[]],{\"a\":[]}]",
            "\"\\u00e9\\ud83d\\ude00\\n\"",
            "[true , false]",
        ];
        for text in good {
            assert!(is_json(text), "{text}");
        }
        let bad = [
            "",
            "{",
            "[1,]",
            "{\"a\"}",
            "{\"a\":}",
            "{a:1}",
            "[1 2]",
            "\"",
            "\"\\x\"",
            "\"\\ud800\"",
            "\"\\ud800\\u0041\"",
            "\"\u{1}\"",
            "tru",
            "nul",
            "1-",
            "-",
            "[}",
            "{]",
            "{\"a\":1]",
            "[1}",
            "1 1",
            "]",
        ];
        for text in bad {
            assert!(!is_json(text), "{text}");
        }
    }

    #[test]
    fn nesting_is_followed_sixteen_deep() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(is_json(&nested(16)));
        assert!(!is_json(&nested(17)) && !is_json(&nested(100_000)));
        assert!(!is_json(&"{\"a\":".repeat(100_000)));
    }

    #[test]
    fn fields_and_items_are_shown_where_they_stand() {
        let json = Json::whole(r#"{"a": [1, "x\u0031", {}], "b": null}"#).expect("it is JSON");
        let mut seen = Vec::new();
        json.fields(|name, value| seen.push((name, value)));
        assert!(seen[0].0.is("a") && seen[1].0.is("b") && seen[1].1.is_null());
        let mut items = Vec::new();
        assert!(seen[0].1.items(|item| {
            items.push(item);
            true
        }));
        assert_eq!(items.len(), 3);
        assert_eq!(items[0].number(), Some(1.0));
        assert!(items[1].text().is_some_and(|text| text.is("x1")));
        assert!(items[2].is_object() && items[2].text().is_none());
        assert!(!items[2].items(|_| true));
    }
}
