//! Sizes, counts and durations as people read them: GiB with the exact bytes beside, thousands in groups, the time a
//! download takes. Knows nothing of what is measured. Next in the flow: `swarm.rs`, which counts copies.

use std::fmt;

use askama::filters::HtmlSafe;

/// The line that pages reckon with when they say how long a download takes, in bits per second.
const LINE_BITS_PER_SECOND: u64 = 50_000_000;

/// A number of bytes; prints as HTML with the exact count on hover and for screen readers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Size(pub(crate) u64);

impl Size {
    /// From a stored column, in which sizes are signed and never negative.
    pub(crate) fn stored(bytes: i64) -> Self {
        Self(u64::try_from(bytes).unwrap_or(0))
    }

    /// `1.24 GiB`: three significant digits in binary units.
    pub(crate) fn short(self) -> String {
        const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
        if self.0 < 1024 {
            return counted(self.0, "byte", "bytes");
        }
        let (mut value, mut unit) = (self.0 as f64 / 1024.0, 0);
        while value >= 1023.5 && unit + 1 < UNITS.len() {
            value /= 1024.0;
            unit += 1;
        }
        let digits = match value {
            v if v < 9.995 => 2,
            v if v < 99.95 => 1,
            _ => 0,
        };
        format!("{value:.digits$}\u{a0}{}", UNITS[unit])
    }

    /// `1,331,439,861 bytes`.
    pub(crate) fn exact(self) -> String {
        counted(self.0, "byte", "bytes")
    }

    /// How long it takes at 50 Mbit/s: `about 4 minutes`.
    pub(crate) fn download_time(self) -> String {
        let seconds = (u128::from(self.0) * 8 / u128::from(LINE_BITS_PER_SECOND)) as u64;
        match seconds {
            0..=9 => "a few seconds".to_owned(),
            10..=59 => "less than a minute".to_owned(),
            60..=5_399 => format!("about {}", counted((seconds + 30) / 60, "minute", "minutes")),
            5_400..=129_599 => format!("about {}", counted((seconds + 1_800) / 3_600, "hour", "hours")),
            _ => format!("about {}", counted((seconds + 43_200) / 86_400, "day", "days")),
        }
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 < 1024 {
            return write!(
                f,
                "<data class=\"size\" value=\"{}\">{}</data>",
                self.0,
                self.short()
            );
        }
        write!(
            f,
            "<data class=\"size\" value=\"{}\" title=\"{exact}\">{}<span class=\"unseen\">, exactly {exact}</span></data>",
            self.0,
            self.short(),
            exact = self.exact(),
        )
    }
}

impl HtmlSafe for Size {}

/// `1234567` as `1,234,567`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 file`, `2,048 files`.
pub(crate) fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", grouped(number), if number == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_keep_three_digits_and_change_units_before_four() {
        for (bytes, text) in [
            (0, "0 bytes"),
            (1, "1 byte"),
            (1023, "1,023 bytes"),
            (1024, "1.00\u{a0}KiB"),
            (1_331_439_861, "1.24\u{a0}GiB"),
            (1024 * 1024 - 1, "1.00\u{a0}MiB"),
            (u64::MAX, "16.0\u{a0}EiB"),
        ] {
            assert_eq!(Size(bytes).short(), text);
        }
    }

    #[test]
    fn a_download_is_told_in_the_unit_that_fits() {
        assert_eq!(Size(1_000_000).download_time(), "a few seconds");
        assert_eq!(Size(31_000_000_000).download_time(), "about 83 minutes");
        assert_eq!(Size(1 << 40).download_time(), "about 2 days");
        assert_eq!(Size(u64::MAX).download_time(), "about 34,160,637 days");
    }
}
