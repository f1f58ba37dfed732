//! A network of a test's own, for programs that refuse peers at 127.0.0.0/8: a namespace whose loopback device also has the
//! private addresses 10.77.0.1 to 10.77.0.6. The test starts itself again inside it, and so needs no rights outside.

use std::env;
use std::net::Ipv4Addr;
use std::process::{Command, Stdio};

use anyhow::{Result, ensure};

use crate::skip;

/// Set inside the network of its own.
const INSIDE: &str = "SHOAL_TEST_INSIDE";

/// Puts the addresses on the loopback device, then becomes the test.
const ENTER: &str = "ip link set lo up && for n in 1 2 3 4 5 6; do ip address add 10.77.0.$n/24 dev lo || exit 1; done && exec \"$@\"";

/// As root the network alone is new; anyone else needs a user namespace in which they are root.
const ATTEMPTS: [&[&str]; 2] = [&["--net"], &["--user", "--map-root-user", "--net"]];

/// One of the addresses of that network, by its number from 1 to 6.
#[must_use]
pub const fn address(number: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 77, 0, number)
}

/// Runs the work of a test in a network of its own, `test` being its whole name in its program; says why it is skipped
/// where one of these helpers is missing or no such network is allowed.
///
/// # Errors
/// When the work fails, with all that it said.
pub fn of_its_own(test: &str, helpers: &[&str], work: impl Future<Output = Result<()>>) -> Result<()> {
    if env::var_os(INSIDE).is_some() {
        return tokio::runtime::Runtime::new()?.block_on(work);
    }
    let story = test.rsplit("::").next().unwrap_or(test);
    if helpers
        .iter()
        .any(|variable| skip::helper(story, variable).is_none())
    {
        return Ok(());
    }
    let allowed = ATTEMPTS.into_iter().find(|flags| {
        let tried = enter(flags).arg("true").stderr(Stdio::null()).status();
        tried.is_ok_and(|status| status.success())
    });
    let Some(flags) = allowed else {
        skip::say(story, "this machine allows no network namespace (unshare --net)");
        return Ok(());
    };
    let mut inside = enter(flags);
    inside
        .arg(env::current_exe()?)
        .args(["--exact", test, "--nocapture"]);
    let output = inside.env(INSIDE, "1").output()?;
    let said = [output.stdout, output.stderr].concat();
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&said));
    Ok(())
}

fn enter(flags: &[&str]) -> Command {
    let mut command = Command::new("unshare");
    command.args(flags).args(["--", "sh", "-c", ENTER, "inside"]);
    command
}
