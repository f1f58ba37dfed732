//! The Prometheus text format. Knows no figure; those are in `telemetry.rs` and beside this file.

use std::fmt::{Display, Write as _};

/// One figure with all its values.
pub(super) struct Figure<'a> {
    out: &'a mut String,
    name: &'static str,
}

impl<'a> Figure<'a> {
    /// Begins a figure of a kind: `counter`, `gauge` or `histogram`.
    pub(super) fn new(out: &'a mut String, name: &'static str, kind: &str, help: &str) -> Self {
        let _infallible = write!(out, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
        Self { out, name }
    }

    /// Adds a value with its labels, written `name="word"`, which may be none.
    pub(super) fn value(&mut self, labels: &str, value: impl Display) -> &mut Self {
        self.part("", labels, value)
    }

    /// Adds a value of a histogram, whose name ends in `_bucket`, `_sum` or `_count`.
    pub(super) fn part(&mut self, end: &str, labels: &str, value: impl Display) -> &mut Self {
        let name = self.name;
        let _infallible = if labels.is_empty() {
            writeln!(self.out, "{name}{end} {value}")
        } else {
            writeln!(self.out, "{name}{end}{{{labels}}} {value}")
        };
        self
    }
}
