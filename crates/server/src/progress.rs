//! How long work is shown at a terminal: a bar for a person, a line every tenth for a log.

use std::sync::atomic::{AtomicU64, Ordering};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// One piece of work measured in bytes.
pub(crate) struct Progress {
    name: &'static str,
    bar: ProgressBar,
    is_plain: bool,
    tenths: AtomicU64,
}

impl Progress {
    pub(crate) fn new(name: &'static str) -> Self {
        let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
        let is_plain = bar.is_hidden();
        let shape = "{prefix} {bar:30} {bytes}/{total_bytes}, {binary_bytes_per_sec}, {eta} left";
        bar.set_style(ProgressStyle::with_template(shape).expect("a constant template"));
        bar.set_prefix(name);
        Self {
            name,
            bar,
            is_plain,
            tenths: AtomicU64::new(0),
        }
    }

    /// Tells how far the work is, in bytes; may be called from several threads.
    pub(crate) fn show(&self, done: u64, total: u64) {
        self.bar.set_length(total);
        self.bar.set_position(done);
        let tenth = done.saturating_mul(10).checked_div(total).unwrap_or(10);
        if self.is_plain && self.tenths.fetch_max(tenth, Ordering::Relaxed) < tenth {
            crate::cli::remark(&format!("{} {}0 % of {total} bytes", self.name, tenth));
        }
    }

    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
