//! Waiting for something that another process does: by a condition, with a bound. The only clock that tests have.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// How long a test waits before it says that the thing will not come: generous, since a loaded machine is slow, and
/// nobody waits this long for a thing that does come.
pub const PATIENCE: Duration = Duration::from_secs(90);

/// How often a condition is looked at.
const GLANCE: Duration = Duration::from_millis(20);

/// Looks until the condition gives a value; `what` names it in the complaint.
///
/// # Errors
/// After [`PATIENCE`] without a value.
pub async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> Result<T> {
    let started = Instant::now();
    loop {
        if let Some(value) = look().await {
            return Ok(value);
        }
        if started.elapsed() > PATIENCE {
            bail!("waited {} s in vain for: {what}", PATIENCE.as_secs());
        }
        tokio::time::sleep(GLANCE).await;
    }
}

/// Lets time pass: for measuring what a program is like after a while, never for waiting until it has done something.
pub async fn pass(time: Duration) {
    tokio::time::sleep(time).await;
}
