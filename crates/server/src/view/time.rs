//! Moments as people read them: relative in the text, exact in `<time>` and on hover. Knows no clock: the present is
//! given by the page. Next in the flow: any page.

use std::fmt;

use askama::filters::HtmlSafe;
use jiff::{SignedDuration, Timestamp};

use super::size::counted;

/// A moment seen from now; prints as a `<time>` element.
#[derive(Clone, Copy, Debug)]
pub(crate) struct When {
    at: Timestamp,
    now: Timestamp,
}

impl When {
    /// A stored moment and the present, both in Unix milliseconds; one outside the calendar counts as 1970.
    pub(crate) fn new(at: i64, now: i64) -> Self {
        Self {
            at: timestamp(at),
            now: timestamp(now),
        }
    }

    /// The moment in Unix milliseconds.
    pub(crate) fn millis(&self) -> i64 {
        self.at.as_millisecond()
    }

    /// `3 hours ago`, `in 2 days`; from two months on the date itself.
    pub(crate) fn relative(&self) -> String {
        let seconds = self.now.duration_since(self.at).as_secs();
        let amount = match seconds.unsigned_abs() {
            0..=44 => return "just now".to_owned(),
            s @ 45..=5_399 => counted(((s + 30) / 60).max(1), "minute", "minutes"),
            s @ 5_400..=129_599 => counted((s + 1_800) / 3_600, "hour", "hours"),
            s @ 129_600..=5_270_399 => counted((s + 43_200) / 86_400, "day", "days"),
            _ => return self.at.strftime("%-d %B %Y").to_string(),
        };
        if seconds < 0 {
            format!("in {amount}")
        } else {
            format!("{amount} ago")
        }
    }

    /// `20 November 2026, 09:14 UTC`.
    pub(crate) fn exact(&self) -> String {
        self.at.strftime("%-d %B %Y, %H:%M UTC").to_string()
    }

    /// RFC 3339, to the second.
    pub(crate) fn rfc3339(&self) -> String {
        self.at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
    }

    /// As RSS 2.0 wants it: RFC 822 with a four-digit year.
    pub(crate) fn rfc822(&self) -> String {
        self.at.strftime("%a, %d %b %Y %H:%M:%S +0000").to_string()
    }
}

fn timestamp(millis: i64) -> Timestamp {
    Timestamp::from_duration(SignedDuration::from_millis(millis)).unwrap_or(Timestamp::UNIX_EPOCH)
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "<time datetime=\"{}\" title=\"{}\">{}</time>",
            self.rfc3339(),
            self.exact(),
            self.relative()
        )
    }
}

impl HtmlSafe for When {}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_795_166_040_000;

    #[test]
    fn moments_are_told_from_the_present() {
        for (ago, text) in [
            (0, "just now"),
            (60, "1 minute ago"),
            (-7_200, "in 2 hours"),
            (3 * 86_400, "3 days ago"),
            (100 * 86_400, "12 August 2026"),
        ] {
            assert_eq!(When::new(NOW - ago * 1000, NOW).relative(), text);
        }
    }

    #[test]
    fn feeds_get_their_own_spellings() {
        let when = When::new(NOW, NOW);
        assert_eq!(when.rfc3339(), "2026-11-20T09:14:00Z");
        assert_eq!(when.rfc822(), "Fri, 20 Nov 2026 09:14:00 +0000");
        assert_eq!(When::new(i64::MAX, NOW).rfc3339(), "1970-01-01T00:00:00Z");
    }
}
