//! What an announce costs with ten million peers in a million torrents, beside one with a million in a hundred thousand:
//! over a socket, in the fastest way there is, by runs in turn.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use rand::SeedableRng;
use rand::rngs::SmallRng;
use shoal_tracker::udp::Backend;
use shoal_tracker::{AnnounceReply, AnnounceRequest, Caller, Seconds};

use super::load::{Ask, Load, SOCKETS};
use super::{DOOR, REQUESTS, RUNS, Stand, cost};
use crate::crowd::{Crowd, LONG_TAILED, TEN_MILLION, key, port};
use crate::{Fault, go_on, median, say};

pub(crate) fn measure() -> Result<(), Fault> {
    let mut few = Filled::new(&LONG_TAILED)?;
    let mut many = Filled::new(&TEN_MILLION)?;
    let (mut of_few, mut of_many) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        of_few.push(few.announce()?);
        of_many.push(many.announce()?);
    }
    let ratio = median(
        of_many
            .iter()
            .zip(&of_few)
            .map(|(many, few)| many / few)
            .collect(),
    );
    let (of_few, of_many) = (median(of_few), median(of_many));
    let how = format!(
        "{of_many:.2} µs with {} peers, {of_few:.2} µs with {}",
        many.stand.tracker.totals().peers4,
        few.stand.tracker.totals().peers4
    );
    let what = format!(
        "UDP announce by {} with ten million peers ÷ with one million",
        few.stand.door.backend()
    );
    say(&what, &format!("{ratio:.2}"), &how)
}

/// A door with all the peers of a crowd, and those peers.
struct Filled {
    stand: Stand,
    load: Load,
}

impl Filled {
    fn new(crowd: &Crowd) -> Result<Self, Fault> {
        let stand = Stand::open(Backend::Auto, 1)?;
        let homes: Arc<[u32]> = crowd.homes().into();
        let (mut rng, mut reply) = (SmallRng::seed_from_u64(1), AnnounceReply::new());
        for (peer, home) in homes.iter().enumerate() {
            let request = AnnounceRequest {
                left: Some(u64::from(peer.is_multiple_of(4))),
                numwant: Some(0),
                ..AnnounceRequest::new(key(*home), [0; 20], port(peer))
            };
            // Each at the address of the socket by which it announces later.
            let address = Ipv4Addr::new(127, 0, 0, 2 + (peer % SOCKETS) as u8);
            // As slowly as one network may.
            let now = Seconds((peer / 50_000) as u32);
            let caller = Caller::new(now, IpAddr::V4(address));
            stand.tracker.announce(caller, &request, &mut rng, &mut reply)?;
        }
        go_on(&stand.tracker, Seconds(200));
        let load = Load::new(stand.door.addresses()[0], &homes)?;
        Ok(Self { stand, load })
    }

    /// Microseconds of an announce. Door after door is told apart by time: the threads of the other one wait.
    fn announce(&mut self) -> Result<f64, Fault> {
        cost(DOOR, || self.load.run(Ask::Announce, REQUESTS))
    }
}
