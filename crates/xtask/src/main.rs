//! Developers' chores: `cargo xtask test`, `cargo xtask bench` and `cargo xtask help`.
//!
//! Here is only the command line. What a test run consists of is in `test.rs`; what the machine must have, and how it
//! gets it, in `machine.rs` and `newer.rs`; the throw-away PostgreSQL in `postgres.rs`; measuring in `bench.rs`.

#![expect(clippy::print_stdout, reason = "a program for the terminal")]

mod bench;
mod machine;
mod newer;
mod postgres;
mod steps;
mod test;

use std::env;
use std::process::ExitCode;

const HELP: &str = "\
cargo xtask test          Everything that must hold before a change lands: format, lints, dependency rules, and all
                          tests on SQLite and PostgreSQL, with real torrent clients, a real fediverse server and a
                          real browser. Installs what it lacks (system packages only as root on Debian; the rest below
                          target/), or says what to install and skips what needs it. Fails when anything failed.
cargo xtask bench [NAME]  Builds for release and measures one of them, or all (an unknown NAME lists them);
                          the figures are written to docs/performance.md.
cargo xtask help          This.

`cargo test --workspace` alone runs all tests that need nothing but the Rust toolchain, and says what it skips.";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["test"] => test::run(),
        ["bench"] => bench::run(None),
        ["bench", name] => bench::run(Some(name)),
        ["help" | "--help" | "-h"] => {
            println!("{HELP}");
            return ExitCode::SUCCESS;
        }
        _ => {
            println!("{HELP}");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            println!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}
