//! What others notice of a flood: the time that announces of an honest client take, one after the other, while connects and
//! forged announces of one network come as fast as a thread can send them, beside the same while that thread floods a socket
//! that nobody reads. The thread and the client share one core, the door has the other.

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use shoal_tracker::udp::Backend;
use shoal_tracker::{Family, Outcome, Protocol};

use crate::crowd::LONG_TAILED;
use crate::datagrams::{BATCH, Batch};
use crate::machine::pin_this;
use crate::udp::{CONNECT, Load, Stand};
use crate::{Fault, median, say};

const ANNOUNCES: usize = 20_000;
const RUNS: usize = 3;

/// Addresses that flood, all of one network.
const FLOODERS: u8 = 8;

/// How long a flood lasts before anything is measured.
const RISE: Duration = Duration::from_millis(500);

pub(crate) fn measure() -> Result<(), Fault> {
    let stand = Stand::open(Backend::Auto, 1)?;
    let door = stand.door.addresses()[0];
    let mut load = Load::new(door, &LONG_TAILED.homes().into())?;
    pin_this(0)?;
    let sink = UdpSocket::bind("127.0.0.1:0")?;
    let (mut beside, mut under, mut sent) = (Vec::new(), Vec::new(), 0);
    for _ in 0..RUNS {
        let flood = Flood::begin(sink.local_addr()?);
        beside.push(late(&mut load)?);
        drop(flood);
        let flood = Flood::begin(door);
        under.push(late(&mut load)?);
        sent += flood.sent.load(Ordering::Relaxed);
    }
    let figures = stand.tracker.figures();
    let overrun = figures.count(Protocol::Udp, Family::Four, Outcome::Overrun);
    let (beside, under) = (median(beside), median(under));
    let how = format!(
        "{under:.0} µs and {beside:.0} µs; of {sent} forged datagrams {overrun} were kept out, {ANNOUNCES} announces"
    );
    let what = format!("UDP p99 under a flood by {} ÷ beside one", stand.door.backend());
    say(&what, &format!("{:.2}", under / beside), &how)
}

/// Microseconds that one announce in a hundred takes longer than.
fn late(load: &mut Load) -> Result<f64, Fault> {
    let mut times = Vec::with_capacity(ANNOUNCES);
    let socket = &load.sockets[0];
    socket.set_read_timeout(Some(Duration::from_secs(5)))?;
    for peer in 0..ANNOUNCES {
        let datagram = load.announce(peer * load.sockets.len(), 0, 0);
        let start = Instant::now();
        socket.send(&datagram)?;
        socket.recv(&mut [0; 2048])?;
        times.push(start.elapsed().as_secs_f64() * 1e6);
    }
    times.sort_by(f64::total_cmp);
    Ok(times[ANNOUNCES * 99 / 100])
}

/// A thread that floods until this is dropped.
struct Flood {
    is_over: Arc<AtomicBool>,
    sent: Arc<AtomicU64>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Flood {
    fn begin(at: SocketAddr) -> Self {
        let (is_over, sent) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let (end, count) = (Arc::clone(&is_over), Arc::clone(&sent));
        let thread = thread::spawn(move || pour(at, &end, &count).expect("a flood needs loopback"));
        let start = Instant::now();
        while start.elapsed() < RISE {
            thread::yield_now();
        }
        Self {
            is_over,
            sent,
            thread: Some(thread),
        }
    }
}

impl Drop for Flood {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn pour(at: SocketAddr, is_over: &AtomicBool, count: &AtomicU64) -> Result<(), Fault> {
    pin_this(1)?;
    let mut sockets = Vec::new();
    for host in 1..=FLOODERS {
        let socket = UdpSocket::bind(format!("127.9.9.{host}:0"))?;
        socket.connect(at)?;
        sockets.push(socket);
    }
    let mut batch = Batch::new(false);
    for place in 0..BATCH {
        // Every second one is an announce with a guessed connection id.
        let forged = [&[7_u8; 8][..], &[0, 0, 0, 1], &[9; 86]].concat();
        batch.put(place, if place % 2 == 0 { &CONNECT } else { &forged });
    }
    while !is_over.load(Ordering::Relaxed) {
        for socket in &sockets {
            let sent = batch.send(socket, BATCH);
            count.fetch_add(sent as u64, Ordering::Relaxed);
        }
    }
    Ok(())
}
