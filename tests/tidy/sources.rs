//! How each source file reads: its head, its length, the words and calls that the house does without.
//!
//! What clippy can see (function length, number of arguments, `println!`) is left to clippy.
//! Next in the flow: `migrations.rs`, the two databases side by side.

use super::{Faults, Text, files};

/// The only file that may wait by the clock: it polls a condition, and bounds the wait.
const WAITING: &str = "tests/src/wait.rs";

/// Names that say nothing about what is inside.
const EMPTY_NAMES: &[&str] = &[
    "common", "core", "util", "utils", "types", "helper", "helpers", "manager", "service", "handler",
    "handlers", "data", "misc",
];

fn sources() -> Vec<Text> {
    ["crates", "tests", "fuzz"]
        .into_iter()
        .flat_map(|folder| files(folder, &[".rs"]))
        .collect()
}

/// The lines that are code, numbered from 1; comments are passed over.
fn code(body: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = body.lines().enumerate().map(|(number, line)| (number + 1, line));
    lines.filter(|(_, line)| !line.trim_start().starts_with("//"))
}

/// The number of the first line that only tests see: a whole file of tests has 1.
fn first_test_line(text: &Text) -> usize {
    let in_tests =
        text.path.starts_with("tests/") || text.path.contains("/tests/") || text.path.ends_with("/tests.rs");
    if in_tests {
        return 1;
    }
    let marked = text.body.lines().position(|line| line.trim() == "#[cfg(test)]");
    marked.map_or(usize::MAX, |line| line + 1)
}

#[test]
fn every_file_says_what_it_holds() {
    let mut faults = Faults::default();
    for text in sources() {
        if !text.body.starts_with("//! ") {
            faults.add(format!("{}: does not open with //!", text.path));
        }
    }
    faults.report();
}

#[test]
fn no_file_is_longer_than_five_hundred_lines() {
    let mut faults = Faults::default();
    let mut lengths = Vec::new();
    for text in sources() {
        let length = text.body.lines().count();
        lengths.push(length);
        if length > 500 {
            faults.add(format!("{}: {length} lines", text.path));
        }
    }
    let long = lengths.iter().filter(|length| **length > 350).count();
    if long * 10 > lengths.len() {
        faults.add(format!(
            "{long} of {} files are longer than 350 lines: more than a tenth",
            lengths.len()
        ));
    }
    lengths.sort_unstable();
    let median = lengths[lengths.len() / 2];
    if median > 200 {
        faults.add(format!("the median file has {median} lines"));
    }
    faults.report();
}

#[test]
fn names_say_what_is_inside() {
    let mut faults = Faults::default();
    for text in sources() {
        let parts = text.path.trim_end_matches(".rs").split('/');
        for part in parts.filter(|part| EMPTY_NAMES.contains(part)) {
            faults.add(format!(
                "{}: {part:?} says nothing about what is inside",
                text.path
            ));
        }
    }
    faults.report();
}

#[test]
fn shortcuts_are_not_taken() {
    // Written in halves, so that this file does not find itself.
    let banned = [
        (
            concat!(".unw", "rap()"),
            "say why it cannot fail: expect(\"…\"), or use ?",
        ),
        (concat!("unwrap_", "err()"), "expect_err(\"…\")"),
        (concat!("todo", "!("), "finish it"),
        (concat!("unimpl", "emented!("), "finish it"),
        (concat!("db", "g!("), "a leftover"),
        (concat!("#[al", "low("), "#[expect(…, reason = \"…\")]"),
        (concat!("#![al", "low("), "#![expect(…, reason = \"…\")]"),
    ];
    let mut faults = Faults::default();
    for text in sources() {
        for (number, line) in code(&text.body) {
            for (word, instead) in banned.iter().filter(|(word, _)| line.contains(word)) {
                faults.add(format!("{}:{number}: {word} — {instead}", text.path));
            }
        }
    }
    faults.report();
}

#[test]
fn tests_neither_sleep_nor_queue_nor_try_again() {
    let banned = [
        concat!("sle", "ep("),
        concat!("#[ser", "ial"),
        concat!("#[ret", "ry"),
        concat!("ret", "ries ="),
    ];
    let mut faults = Faults::default();
    for text in sources().into_iter().filter(|text| text.path != WAITING) {
        let from = first_test_line(&text);
        for (number, line) in code(&text.body).filter(|(number, _)| *number >= from) {
            for word in banned.iter().filter(|word| line.contains(**word)) {
                faults.add(format!(
                    "{}:{number}: {word} in a test: wait on a condition",
                    text.path
                ));
            }
        }
    }
    faults.report();
}

#[test]
fn time_and_chance_come_in_as_arguments_below_the_server() {
    let banned = [
        "SystemTime::now",
        "Instant::now",
        "Timestamp::now",
        "Zoned::now",
        "thread_rng()",
        "rand::rng()",
        "now_v7()",
    ];
    let pure = ["crates/torrent/src", "crates/tracker/src", "crates/store/src"];
    let mut faults = Faults::default();
    for text in pure.into_iter().flat_map(|folder| files(folder, &[".rs"])) {
        let tests = first_test_line(&text);
        for (number, line) in code(&text.body).filter(|(number, _)| *number < tests) {
            for word in banned.iter().filter(|word| line.contains(**word)) {
                faults.add(format!("{}:{number}: {word}: take it as an argument", text.path));
            }
        }
    }
    faults.report();
}

#[test]
fn every_queue_has_a_limit() {
    let banned = [
        "unbounded_channel",
        "UnboundedSender",
        "mpsc::channel()",
        "unbounded()",
    ];
    let mut faults = Faults::default();
    for text in files("crates", &[".rs"]) {
        let tests = first_test_line(&text);
        for (number, line) in code(&text.body).filter(|(number, _)| *number < tests) {
            for word in banned.iter().filter(|word| line.contains(**word)) {
                faults.add(format!("{}:{number}: {word} has no limit", text.path));
            }
        }
    }
    faults.report();
}

#[test]
fn every_test_name_is_a_sentence() {
    let mut faults = Faults::default();
    for text in sources() {
        let mut marked = false;
        for (number, line) in code(&text.body) {
            let line = line.trim();
            if marked && let Some(name) = function_name(line) {
                if name.starts_with("test_") || !name.contains('_') {
                    faults.add(format!("{}:{number}: {name} is no sentence", text.path));
                }
                marked = false;
            }
            marked |= line == "#[test]"
                || line.starts_with("#[tokio::test")
                || line.starts_with("#[actix_web::test");
        }
    }
    faults.report();
}

fn function_name(line: &str) -> Option<&str> {
    let rest = line
        .trim_start_matches("pub ")
        .trim_start_matches("async ")
        .strip_prefix("fn ")?;
    rest.split(['(', '<']).next()
}
