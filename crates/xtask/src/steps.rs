//! The steps of a run: each is announced, timed, and remembered for the table at the end.

use std::fmt::Write;
use std::process::Command;
use std::time::{Duration, Instant};

/// How a step ended.
#[derive(Clone, Debug, PartialEq, Eq)]
enum End {
    Good,
    Failed(String),
    Skipped(String),
}

/// All steps so far.
#[derive(Debug)]
pub(crate) struct Steps {
    started: Instant,
    rows: Vec<(String, End, Duration)>,
}

impl Steps {
    pub(crate) fn new() -> Self {
        Self {
            started: Instant::now(),
            rows: Vec::new(),
        }
    }

    /// Runs a command as a step; whether it succeeded.
    pub(crate) fn run(&mut self, name: &str, command: &mut Command) -> bool {
        self.run_with(name, || match command.status() {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(status.to_string()),
            Err(error) => Err(format!(
                "cannot start {}: {error}",
                command.get_program().to_string_lossy()
            )),
        })
        .is_some()
    }

    /// Runs anything as a step; its value, if it succeeded.
    pub(crate) fn run_with<T, E: std::fmt::Display>(
        &mut self,
        name: &str,
        work: impl FnOnce() -> Result<T, E>,
    ) -> Option<T> {
        println!("\n==> {name}");
        let started = Instant::now();
        let (value, end) = match work() {
            Ok(value) => (Some(value), End::Good),
            Err(error) => (None, End::Failed(error.to_string())),
        };
        if let End::Failed(why) = &end {
            println!("==> {name} failed: {why}");
        }
        self.rows.push((name.to_owned(), end, started.elapsed()));
        value
    }

    /// Remembers what was not run, and why.
    pub(crate) fn skip(&mut self, name: &str, why: impl Into<String>) {
        self.rows
            .push((name.to_owned(), End::Skipped(why.into()), Duration::ZERO));
    }

    /// Prints the table; whether nothing failed.
    pub(crate) fn finish(self) -> bool {
        let mut table = String::from("\n");
        for (name, end, took) in &self.rows {
            let (word, why) = match end {
                End::Good => ("ok", ""),
                End::Failed(why) => ("FAILED", why.as_str()),
                End::Skipped(why) => ("skipped", why.as_str()),
            };
            let _infallible = writeln!(table, "{word:<8}{:>7.1} s  {name}  {why}", took.as_secs_f64());
        }
        let count = |wanted: fn(&End) -> bool| self.rows.iter().filter(|(_, end, _)| wanted(end)).count();
        let failed = count(|end| matches!(end, End::Failed(_)));
        println!("{}", table.trim_end());
        println!("{:<8}{:>7.1} s  in all", "", self.started.elapsed().as_secs_f64());
        let (good, skipped) = (
            count(|end| *end == End::Good),
            count(|end| matches!(end, End::Skipped(_))),
        );
        println!("\nsteps: {good} passed, {failed} failed, {skipped} skipped");
        failed == 0
    }
}
