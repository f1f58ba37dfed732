//! A story that needs what this machine lacks says so, aloud and for the list at the end of `cargo xtask test`.

use std::env;
use std::fs::OpenOptions;
use std::io::Write;

/// Says why a story does not run. Written past the test runner's capture, and added to the file that
/// `SHOAL_TEST_SKIPPED` names.
pub fn say(story: &str, reason: &str) {
    let line = format!("skipped: {story}: {reason}\n");
    let _unheard = std::io::stderr().write_all(line.as_bytes());
    if let Some(path) = env::var_os("SHOAL_TEST_SKIPPED") {
        let list = OpenOptions::new().create(true).append(true).open(path);
        let _unkept = list.and_then(|mut list| list.write_all(line.as_bytes()));
    }
}

/// The value of a variable that names a helper, or the reason for going without.
#[must_use]
pub fn helper(story: &str, variable: &str) -> Option<String> {
    let value = env::var(variable).ok().filter(|value| !value.is_empty());
    if value.is_none() {
        say(
            story,
            &format!("{variable} is not set; `cargo xtask test` sets it"),
        );
    }
    value
}
