//! What two sockets on two cores answer, beside one on one, with the load counted out: the door's clock stands still while
//! requests are put into the queues of its sockets, and nobody but the door works while they are answered; answers wait in
//! the queues of the clients. Each client is at an address in a network of its own, as clients are. Two bare echoes are
//! measured in the same way, for what the cores themselves lose to each other.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use shoal_tracker::udp::Backend;

use super::echo::{self, Echo};
use super::load::{Ask, Load, SOCKETS};
use super::{DOOR, Stand};
use crate::crowd::LONG_TAILED;
use crate::machine::{worked_by, worked_by_each};
use crate::{Fault, median, say};

/// Requests that are put into the queue of each socket of the door, and how often.
const QUEUED: usize = 2048;
const ROUNDS: usize = 40;
const RUNS: usize = 3;

/// How long is waited at most until all that was queued is answered, and how often is looked.
const PATIENCE: Duration = Duration::from_secs(5);
const GLANCE: Duration = Duration::from_millis(2);

/// After so many looks at which nothing had been done, nothing is left to do.
const QUIET: u32 = 20;

/// Requests by which it is found out at which socket of the door a client arrives.
const TRIED: usize = 200;

pub(crate) fn measure() -> Result<(), Fault> {
    let homes = LONG_TAILED.homes().into();
    let (mut doors, mut echoes) = (Vec::new(), Vec::new());
    for threads in [1, 2] {
        let gate = Gate::open();
        let (start, passed) = (Instant::now(), Arc::clone(&gate));
        let clock = Arc::new(move || {
            passed.pass();
            start.elapsed()
        });
        let stand = Stand::open_by(clock, Backend::Auto, threads)?;
        let mut load = Load::spread(stand.door.addresses()[0], &homes)?;
        stand.fill(&mut load)?;
        doors.push(
            Drill {
                name: DOOR,
                gate,
                threads,
            }
            .per_second(&mut load)?,
        );

        let gate = Gate::open();
        let passed = Arc::clone(&gate);
        let echo = Echo::open_many(187, threads, &(Arc::new(move || passed.pass()) as echo::Pause))?;
        let mut load = Load::spread(echo.address, &homes)?;
        echoes.push(
            Drill {
                name: echo::NAME,
                gate,
                threads,
            }
            .per_second(&mut load)?,
        );
    }
    let how = format!(
        "{:.0} and {:.0} announces a second of the processor's time, while no load runs; two bare echoes: {:.2}, {:.0} and {:.0}",
        doors[1],
        doors[0],
        echoes[1] / echoes[0],
        echoes[1],
        echoes[0]
    );
    let ratio = format!("{:.2}", doors[1] / doors[0]);
    say("UDP: two sockets on two cores ÷ one on one", &ratio, &how)
}

/// Where threads that answer are made to wait.
struct Gate {
    is_shut: AtomicBool,
    lock: Mutex<()>,
    opened: Condvar,
}

impl Gate {
    fn open() -> Arc<Self> {
        Arc::new(Self {
            is_shut: AtomicBool::new(false),
            lock: Mutex::new(()),
            opened: Condvar::new(),
        })
    }

    fn pass(&self) {
        if self.is_shut.load(Ordering::Acquire) {
            let waiting = self.lock.lock().expect("nobody panics here");
            let shut = |_: &mut ()| self.is_shut.load(Ordering::Acquire);
            drop(self.opened.wait_while(waiting, shut));
        }
    }

    fn set(&self, is_shut: bool) {
        let _waiting = self.lock.lock().expect("nobody panics here");
        self.is_shut.store(is_shut, Ordering::Release);
        self.opened.notify_all();
    }
}

/// Some threads that answer, and the gate before them.
struct Drill {
    name: &'static str,
    gate: Arc<Gate>,
    threads: usize,
}

impl Drill {
    /// Answers that the threads give together in a second of the time of each: the median of some runs.
    fn per_second(&self, load: &mut Load) -> Result<f64, Fault> {
        let clients = self.clients(load)?;
        let mut runs = Vec::new();
        for _ in 0..RUNS {
            let (mut answers, mut spent) = (0, Duration::ZERO);
            for _ in 0..ROUNDS {
                let (answered, time) = self.round(load, &clients)?;
                answers += answered;
                spent += time;
            }
            runs.push(self.threads as f64 * answers as f64 / spent.as_secs_f64());
        }
        Ok(median(runs))
    }

    /// As many clients for each thread, so that none has to work alone at the end.
    fn clients(&self, load: &mut Load) -> Result<Vec<usize>, Fault> {
        let mut clients = vec![Vec::new(); self.threads];
        for at in 0..SOCKETS {
            let before = worked_by_each(self.name)?;
            load.send(Ask::Announce, at, TRIED);
            let mut answered = 0;
            let start = Instant::now();
            while answered < TRIED && start.elapsed() < PATIENCE {
                answered += load.read();
            }
            let after = worked_by_each(self.name)?;
            let busiest = (0..self.threads).max_by_key(|thread| after[*thread] - before[*thread]);
            clients[busiest.unwrap_or_default()].push(at);
        }
        let least = clients.iter().map(Vec::len).min().unwrap_or_default();
        if least == 0 {
            return Err("all clients arrive at one socket: run it again".into());
        }
        Ok(clients
            .iter()
            .flat_map(|of_one| of_one.iter().take(least).copied())
            .collect())
    }

    /// Has what is queued answered; how many answers that were, and the time of all threads.
    fn round(&self, load: &mut Load, clients: &[usize]) -> Result<(usize, Duration), Fault> {
        let each = QUEUED * self.threads / clients.len();
        self.gate.set(true);
        for client in clients {
            load.send(Ask::Announce, *client, each);
        }
        let before = worked_by(self.name)?;
        self.gate.set(false);
        // The last one has been answered when the threads have not worked for a while.
        let start = Instant::now();
        let (mut spent, mut quiet) = (Duration::ZERO, 0);
        while quiet < QUIET && start.elapsed() < PATIENCE {
            thread::sleep(GLANCE);
            let now = worked_by(self.name)? - before;
            quiet = if now == spent { quiet + 1 } else { 0 };
            spent = now;
        }
        let answered = load.read();
        if answered < each * clients.len() * 9 / 10 {
            return Err(format!("of {} requests {answered} were answered", each * clients.len()).into());
        }
        Ok((answered, spent))
    }
}
