//! The head of one request (RFC 9112): where it ends, and the few things in it that matter here. Strict about what others
//! might read differently (line ends, blanks, bodies), indifferent to the rest. The target stays raw bytes, since an info
//! hash is not text. Next in the flow: `responder.rs`.

use memchr::memchr;

/// The longest head that is read, in bytes: a query may have 8,192.
pub const MAX_HEAD: usize = 16 * 1024;

/// The most header fields of a request.
const MAX_FIELDS: usize = 64;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    Get,
    Head,
    Other,
}

/// A request whose head is whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head<'a> {
    pub(super) method: Method,
    /// What stands before the first `?` of the target.
    pub(super) path: &'a [u8],
    /// What stands behind it.
    pub(super) query: &'a [u8],
    /// HTTP/1.0, whose connections end with the answer unless the client says otherwise.
    pub(super) is_old: bool,
    says_keep: bool,
    says_close: bool,
    pub(super) has_body: bool,
    pub(super) wants_websocket: bool,
    /// All header fields, each with its line end.
    fields: &'a [u8],
}

/// What stands at the beginning of the bytes received so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start<'a> {
    /// A head, and how many bytes it takes.
    Whole(Head<'a>, usize),
    /// Not enough.
    Part,
    Wrong(Fault),
}

/// Why bytes are no request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    Malformed(&'static str),
    TooLong,
}

impl<'a> Head<'a> {
    /// Looks for a head at the beginning of the input.
    pub(super) fn find(input: &'a [u8]) -> Start<'a> {
        // What follows the longest head does not change what is said of it, however much has come at once.
        let start = &input[..input.len().min(MAX_HEAD)];
        match Self::parse(start) {
            Ok(Some((head, length))) => Start::Whole(head, length),
            Ok(None) if start.len() == MAX_HEAD => Start::Wrong(Fault::TooLong),
            Ok(None) => Start::Part,
            Err(sentence) => Start::Wrong(Fault::Malformed(sentence)),
        }
    }

    fn parse(input: &'a [u8]) -> Result<Option<(Self, usize)>, &'static str> {
        // Some clients send an empty line behind a request, so one may come before the next.
        let before = if input.starts_with(b"\r\n") { 2 } else { 0 };
        let Some((line, mut at)) = line(input, before)? else {
            return Ok(None);
        };
        let mut head = Self::of_line(line)?;
        let first = at;
        for _ in 0..=MAX_FIELDS {
            let Some((field, next)) = self::line(input, at)? else {
                return Ok(None);
            };
            if field.is_empty() {
                head.fields = &input[first..at];
                return Ok(Some((head, next)));
            }
            head.take_field(field)?;
            at = next;
        }
        Err("a request must have at most 64 header fields")
    }

    /// Reads the first line.
    fn of_line(line: &'a [u8]) -> Result<Self, &'static str> {
        const WRONG: &str =
            "the first line must be a method, a target and HTTP/1.1, with one blank between them";
        let (rest, is_old) = match line.split_last_chunk::<9>() {
            Some((rest, b" HTTP/1.1")) => (rest, false),
            Some((rest, b" HTTP/1.0")) => (rest, true),
            _ => return Err(WRONG),
        };
        let blank = memchr(b' ', rest).ok_or(WRONG)?;
        let (method, target) = (&rest[..blank], &rest[blank + 1..]);
        let is_printed = target
            .iter()
            .fold(true, |all, byte| all & (*byte > b' ') & (*byte != 0x7f));
        let is_method = !method.is_empty() && method.iter().all(|byte| is_token(*byte));
        if target.is_empty() || !is_printed || !is_method {
            return Err(WRONG);
        }
        let target = from_root(target);
        let mark = memchr(b'?', target);
        Ok(Self {
            method: match method {
                b"GET" => Method::Get,
                b"HEAD" => Method::Head,
                _ => Method::Other,
            },
            path: &target[..mark.unwrap_or(target.len())],
            query: mark.map_or(&[], |mark| &target[mark + 1..]),
            is_old,
            says_keep: false,
            says_close: false,
            has_body: false,
            wants_websocket: false,
            fields: &[],
        })
    }

    /// Reads one header field.
    fn take_field(&mut self, field: &'a [u8]) -> Result<(), &'static str> {
        let (name, value) = split(field).ok_or("a header field must be a name, a colon and a value")?;
        match name.len() {
            10 if name.eq_ignore_ascii_case(b"connection") => {
                for word in value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii) {
                    self.says_close |= word.eq_ignore_ascii_case(b"close");
                    self.says_keep |= word.eq_ignore_ascii_case(b"keep-alive");
                }
            }
            14 if name.eq_ignore_ascii_case(b"content-length") => {
                self.has_body |= value.is_empty() || value.iter().any(|digit| *digit != b'0');
            }
            17 if name.eq_ignore_ascii_case(b"transfer-encoding") => self.has_body = true,
            7 if name.eq_ignore_ascii_case(b"upgrade") => {
                self.wants_websocket |= value.eq_ignore_ascii_case(b"websocket");
            }
            _ => {}
        }
        Ok(())
    }

    /// Whether the client goes on with this connection.
    pub(super) fn keeps(&self) -> bool {
        !self.says_close && (self.says_keep || !self.is_old)
    }

    /// The values of `X-Forwarded-For`, the last line first. What is no text is an empty one.
    pub(super) fn forwarded(&self) -> impl Iterator<Item = &'a str> {
        self.fields.rsplit(|byte| *byte == b'\n').filter_map(|line| {
            let (name, value) = split(line.strip_suffix(b"\r")?)?;
            name.eq_ignore_ascii_case(b"x-forwarded-for")
                .then(|| std::str::from_utf8(value).unwrap_or_default())
        })
    }
}

/// The line that begins at `at`, without its end, and where the next one begins. `None` if it is not whole yet.
fn line(input: &[u8], at: usize) -> Result<Option<(&[u8], usize)>, &'static str> {
    let rest = &input[at..];
    let Some(end) = memchr(b'\n', rest) else {
        return Ok(None);
    };
    match rest[..end].strip_suffix(b"\r") {
        Some(line) => Ok(Some((line, at + end + 1))),
        None => Err("a line must end with CR and LF"),
    }
}

/// The name and the value of a header field; `None` if it is none.
fn split(field: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = field.iter().position(|byte| !is_token(*byte))?;
    let (name, value) = (&field[..colon], field.get(colon + 1..)?);
    let is_text = value.iter().fold(true, |all, byte| {
        all & ((*byte >= b' ') | (*byte == b'\t')) & (*byte != 0x7f)
    });
    let is_field = field[colon] == b':' && !name.is_empty() && is_text;
    is_field.then(|| (name, value.trim_ascii()))
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_!#$%&'*+.^`|~".contains(&byte)
}

/// A target from its path on: proxies may be sent whole URLs, and whoever answers takes them too.
fn from_root(target: &[u8]) -> &[u8] {
    let Some((scheme, rest)) = target.split_at_checked(7) else {
        return target;
    };
    if !scheme.eq_ignore_ascii_case(b"http://") {
        return target;
    }
    let path = rest.iter().position(|byte| b"/?".contains(byte));
    path.map_or(b"/", |path| &rest[path..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(text: &[u8]) -> (Head<'_>, usize) {
        match Head::find(text) {
            Start::Whole(head, length) => (head, length),
            other => panic!("{}: {other:?}", text.escape_ascii()),
        }
    }

    fn keeps(text: &str) -> bool {
        whole(text.as_bytes()).0.keeps()
    }

    #[test]
    fn a_head_is_found_only_when_it_is_whole() {
        let text = b"GET /announce?info_hash=\xff%00?&a=b HTTP/1.1\r\nHost: a\r\nX:\r\n\r\nGET ";
        let (head, length) = whole(text);
        assert_eq!(
            (head.method, head.path, length),
            (Method::Get, &b"/announce"[..], text.len() - 4)
        );
        assert_eq!(head.query, b"info_hash=\xff%00?&a=b");
        for end in 0..length {
            assert_eq!(Head::find(&text[..end]), Start::Part, "{end} bytes");
        }
        assert_eq!(whole(b"\r\nHEAD / HTTP/1.0\r\n\r\n").0.method, Method::Head);
        assert_eq!(
            whole(b"get / HTTP/1.1\r\n\r\n").0.method,
            Method::Other,
            "methods have capitals"
        );
    }

    #[test]
    fn a_whole_url_is_as_good_as_its_path() {
        for (target, path, query) in [
            ("HTTP://host:1/scrape?x", "/scrape", "x"),
            ("http://host", "/", ""),
            ("http://host?x", "", "x"),
            ("*", "*", ""),
        ] {
            let text = format!("GET {target} HTTP/1.1\r\n\r\n");
            let (head, _) = whole(text.as_bytes());
            assert_eq!(
                (head.path, head.query),
                (path.as_bytes(), query.as_bytes()),
                "{target}"
            );
        }
    }

    #[test]
    fn connections_are_kept_as_the_version_and_the_client_say() {
        assert!(keeps("GET / HTTP/1.1\r\n\r\n") && !keeps("GET / HTTP/1.0\r\n\r\n"));
        assert!(keeps("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"));
        assert!(keeps("GET / HTTP/1.1\r\nConnection: TE, keep-alive\r\n\r\n"));
        assert!(!keeps("GET / HTTP/1.1\r\ncOnnection:close\r\n\r\n"));
        assert!(!keeps("GET / HTTP/1.1\r\nConnection: keep-alive , CLOSE\r\n\r\n"));
        assert!(!keeps("GET / HTTP/1.0\r\nConnection: close, keep-alive\r\n\r\n"));
    }

    #[test]
    fn bodies_and_websockets_are_seen() {
        let with = |field: &str| {
            let text = format!("GET / HTTP/1.1\r\n{field}\r\n\r\n");
            let (head, _) = whole(text.as_bytes());
            (head.has_body, head.wants_websocket)
        };
        assert_eq!(with("Content-Length: 0"), (false, false));
        for field in [
            "Content-Length: 1",
            "Content-Length:",
            "Content-Length: 0, 5",
            "Transfer-Encoding: chunked",
        ] {
            assert_eq!(with(field), (true, false), "{field}");
        }
        assert_eq!(with("Upgrade: WebSocket"), (false, true));
        assert_eq!(with("Upgrade: h2c"), (false, false));
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_refused() {
        for text in [
            "\n",
            "GET / HTTP/1.1\n\n",
            "GET / HTTP/1.1\r\nA: b\n\r\n",
            "GET /\r\n",
            "GET / HTTP/2.0\r\n",
            "GET  / HTTP/1.1\r\n",
            "GET / a HTTP/1.1\r\n",
            "GET /\tHTTP/1.1\r\n",
            "GET /\u{1} HTTP/1.1\r\n",
            "G(T / HTTP/1.1\r\n",
            " / HTTP/1.1\r\n",
            "GET / HTTP/1.1\r\nA : b\r\n",
            "GET / HTTP/1.1\r\n: b\r\n",
            "GET / HTTP/1.1\r\nA\r\n",
            "GET / HTTP/1.1\r\n A: b\r\n",
            "GET / HTTP/1.1\r\nA: b\r\n c\r\n",
            "GET / HTTP/1.1\r\nA: \u{0}\r\n",
            "GET / HTTP/1.1\r\nA: \rb\r\n",
        ] {
            assert!(
                matches!(Head::find(text.as_bytes()), Start::Wrong(Fault::Malformed(_))),
                "{text:?}"
            );
        }
    }

    #[test]
    fn heads_are_bounded_in_bytes_and_fields() {
        let long = format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(MAX_HEAD));
        assert_eq!(Head::find(long.as_bytes()), Start::Wrong(Fault::TooLong));
        assert_eq!(
            Head::find(&long.as_bytes()[..MAX_HEAD]),
            Start::Wrong(Fault::TooLong)
        );
        assert_eq!(Head::find(&long.as_bytes()[..MAX_HEAD - 1]), Start::Part);
        let with = |fields: usize| format!("GET / HTTP/1.1\r\n{}\r\n", "a:b\r\n".repeat(fields));
        assert!(matches!(Head::find(with(64).as_bytes()), Start::Whole(..)));
        assert!(matches!(
            Head::find(with(65).as_bytes()),
            Start::Wrong(Fault::Malformed(_))
        ));
    }

    #[test]
    fn forwarded_addresses_come_last_line_first() {
        let text = b"GET / HTTP/1.1\r\nX-Forwarded-For: a, b\r\nHost: x\r\nx-forwarded-for: \xff\r\nX-FORWARDED-FOR:c\r\n\r\n";
        assert_eq!(whole(text).0.forwarded().collect::<Vec<_>>(), ["c", "", "a, b"]);
    }
}
