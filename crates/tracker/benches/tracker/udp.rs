//! What a request costs over UDP, beside the floor of the same run: an echo that reads and sends by the dozen and answers
//! with as many bytes. The door's thread is kept on one core, the load on another; a request's cost is the processor time of
//! that thread. 1,000,000 peers in 100,000 torrents, 30 wanted, 128 requests outstanding over 16 sockets; many short runs of
//! floor and door in turn, and the median of their ratios, since a virtual machine is now faster and now slower. Two cores are in `udp/two.rs`, ten million peers in `udp/many.rs`; next: `swarm.rs`, the same
//! without sockets.

mod echo;
mod load;
mod many;
mod two;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use shoal_tracker::udp::{Backend, ConnectionIds, UdpDoor, UdpSettings};
use shoal_tracker::{Clock, Mode, Seconds, Settings, Tracker};

pub(crate) use self::echo::Echo;
use self::load::Ask;
pub(crate) use self::load::{CONNECT, Load};
pub(crate) use self::many::measure as measure_many;
pub(crate) use self::two::measure as measure_two;
use crate::crowd::LONG_TAILED;
use crate::machine::{pin, worked_by};
use crate::{Fault, go_on, median, say};

const REQUESTS: usize = 50_000;
const RUNS: usize = 15;

/// The name of the door's threads.
const DOOR: &str = "udp-tracker";

/// Requests of one kind, the bytes of their usual answer, and what that is called.
const ASKED: [(Ask, usize, &str); 3] = [
    (Ask::Connect, 16, "connect"),
    (Ask::Announce, 187, "announce"),
    (Ask::ScrapeFive, 68, "scrape of 5"),
];

/// The ways by which datagrams can be read and sent.
pub(crate) const BACKENDS: [Backend; 3] = [Backend::IoUring, Backend::Mmsg, Backend::Plain];

pub(crate) fn measure(backend: Backend) -> Result<(), Fault> {
    match Stand::open(backend, 1) {
        Ok(stand) => stand.measure(),
        Err(error) => say(&format!("UDP by {backend}"), "not measured", &error.to_string()),
    }
}

/// Opens the echo for each kind of answer, and says where.
pub(crate) fn open_floors() -> Result<Vec<Echo>, Fault> {
    let open = |(_, bytes, name): (Ask, usize, &str)| {
        let echo = Echo::open(bytes)?;
        let how = format!("as many bytes as a {name} has");
        say(&format!("echo of {bytes} bytes"), &echo.address.to_string(), &how)?;
        Ok(echo)
    };
    ASKED.into_iter().map(open).collect()
}

/// Microseconds of processor time that the threads of a name spend on each of so many answers.
fn cost(name: &str, run: impl FnOnce() -> Result<usize, Fault>) -> Result<f64, Fault> {
    let start = worked_by(name)?;
    let answers = run()?;
    Ok((worked_by(name)? - start).as_secs_f64() * 1e6 / answers as f64)
}

/// A tracker behind a door.
pub(crate) struct Stand {
    pub(crate) door: UdpDoor,
    pub(crate) tracker: Arc<Tracker>,
    clock: Clock,
}

impl Stand {
    pub(crate) fn open(backend: Backend, threads: usize) -> Result<Self, Fault> {
        let start = Instant::now();
        Self::open_by(Arc::new(move || start.elapsed()), backend, threads)
    }

    fn open_by(clock: Clock, backend: Backend, threads: usize) -> Result<Self, Fault> {
        let unlimited = Settings {
            mode: Mode::Open,
            max_torrents: 0,
            max_peers: 0,
            ..Settings::new(0x5ea1)
        };
        let tracker = Arc::new(Tracker::new(Settings {
            max_peers_per_torrent: 0,
            max_peers_per_address: 0,
            requests_per_second_per_address: 10_000_000,
            requests_per_second_per_network: 10_000_000,
            ..unlimited
        }));
        let settings = UdpSettings {
            listen: vec![SocketAddr::from(([127, 0, 0, 1], 0))],
            threads,
            backend,
            ids: ConnectionIds::new(&[5; 16], 7200, 1_790_000_000),
            seed: 1,
        };
        let door = UdpDoor::open(&settings, &tracker, &clock)?;
        pin(DOOR, if threads > 1 { &[0, 1] } else { &[0] })?;
        Ok(Self { door, tracker, clock })
    }

    /// Has all clients announce for the first time, and some minutes pass.
    fn fill(&self, load: &mut Load) -> Result<(), Fault> {
        load.run(Ask::Fill, LONG_TAILED.peers)?;
        go_on(&self.tracker, Seconds::of((self.clock)()));
        Ok(())
    }

    fn measure(&self) -> Result<(), Fault> {
        let backend = self.door.backend();
        let homes = LONG_TAILED.homes().into();
        let mut load = Load::new(self.door.addresses()[0], &homes)?;
        self.fill(&mut load)?;
        let stored = self.tracker.totals().peers4;
        for (ask, bytes, name) in ASKED {
            let echo = Echo::open(bytes)?;
            let mut shouts = Load::new(echo.address, &homes)?;
            let (before, mut runs) = (load.bytes, Vec::new());
            for _ in 0..RUNS {
                let floor = cost(echo::NAME, || shouts.run(ask, REQUESTS))?;
                runs.push((floor, cost(DOOR, || load.run(ask, REQUESTS))?));
            }
            let answered = (load.bytes - before) / (RUNS * REQUESTS);
            let ratio = median(runs.iter().map(|(floor, each)| each / floor).collect());
            let (floor, each) = runs.into_iter().unzip();
            let (floor, each) = (median(floor), median(each));
            let how = format!(
                "{each:.2} µs and {floor:.2} µs; answers of {answered} and {bytes} bytes, {stored} peers"
            );
            say(
                &format!("UDP {name} by {backend} ÷ echo"),
                &format!("{ratio:.2}"),
                &how,
            )?;
        }
        Ok(())
    }
}
