//! What the system tells of this process: processor time of its threads, memory; and on which core a thread runs.

use std::fs;
use std::time::{Duration, Instant};

use rustix::thread::{CpuSet, sched_setaffinity};

use crate::Fault;

/// How long a thread may take to begin.
const PATIENCE: Duration = Duration::from_secs(5);

/// Processor time that this thread has used.
pub(crate) fn worked() -> Result<Duration, Fault> {
    spent("/proc/thread-self")
}

/// Processor time that the threads of a name have used together.
pub(crate) fn worked_by(name: &str) -> Result<Duration, Fault> {
    Ok(worked_by_each(name)?.into_iter().sum())
}

/// Processor time that each of the threads of a name has used.
pub(crate) fn worked_by_each(name: &str) -> Result<Vec<Duration>, Fault> {
    let spent = |task| spent(&format!("/proc/self/task/{task}"));
    threads(name)?.into_iter().map(spent).collect()
}

/// Keeps this thread, and those that it starts, on a core.
pub(crate) fn pin_this(core: usize) -> Result<(), Fault> {
    let mut set = CpuSet::new();
    set.set(core);
    Ok(sched_setaffinity(None, &set)?)
}

/// Keeps the threads of a name on cores, one after the other. There must be as many as cores: a thread has its name only
/// once it runs, so they are waited for.
pub(crate) fn pin(name: &str, cores: &[usize]) -> Result<(), Fault> {
    let start = Instant::now();
    let mut tasks = threads(name)?;
    while tasks.len() < cores.len() {
        if start.elapsed() > PATIENCE {
            return Err(format!("there is no thread {name}").into());
        }
        std::thread::yield_now();
        tasks = threads(name)?;
    }
    for (task, core) in tasks.into_iter().zip(cores.iter().cycle()) {
        let mut set = CpuSet::new();
        set.set(*core);
        let task = rustix::process::Pid::from_raw(task).ok_or("a thread has a number above zero")?;
        sched_setaffinity(Some(task), &set)?;
    }
    Ok(())
}

/// The numbers of the threads of a name.
fn threads(name: &str) -> Result<Vec<i32>, Fault> {
    let mut found = Vec::new();
    for task in fs::read_dir("/proc/self/task")? {
        let task = task?.file_name().to_string_lossy().into_owned();
        let called = fs::read_to_string(format!("/proc/self/task/{task}/comm")).unwrap_or_default();
        if called.trim() == name {
            found.push(task.parse()?);
        }
    }
    Ok(found)
}

fn spent(task: &str) -> Result<Duration, Fault> {
    let text = fs::read_to_string(format!("{task}/schedstat"))?;
    let nanos = text.split_whitespace().next().ok_or("schedstat holds no time")?;
    Ok(Duration::from_nanos(nanos.parse()?))
}

/// Bytes of memory that this process holds.
pub(crate) fn resident() -> Result<u64, Fault> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .ok_or("no VmRSS in /proc/self/status")?;
    let kibibytes: u64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kibibytes * 1024)
}
