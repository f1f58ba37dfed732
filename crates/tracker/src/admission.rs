//! Who may ask how often: each address, and all addresses of a network together. Only a source that is proven counts, so
//! that nobody uses up the requests of another by forging packets. How counting works is in `budget.rs`; what is asked is
//! served by `shard.rs`.

use std::net::IpAddr;

use crate::budget::Budget;
use crate::mix::Mixer;
use crate::request::{Caller, Refusal};
use crate::settings::Settings;
use crate::time::Seconds;
use crate::tracker::Tracker;

/// For how many seconds' worth of requests an address may ask at once: a client with thousands of torrents begins with
/// all of them.
const ADDRESS_BURST: u32 = 60;

/// The same for a network, and for packets whose source is not proven.
const NETWORK_BURST: u32 = 20;
const UNPROVEN_BURST: u32 = 2;

/// Packets in a second that a network may send under overload without having proven its addresses. A client sends one
/// each time its connection id has become too old.
const UNPROVEN_PER_SECOND: u32 = 500;

/// Rows of eight buckets in each table: 112 KiB in all, so that they stay near the processor. That is room for those who ask
/// much; of those who ask little nothing has to be remembered.
const ADDRESS_ROWS: usize = 1024;
const NETWORK_ROWS: usize = 512;
const UNPROVEN_ROWS: usize = 256;

/// Hashes of a scrape that count as one request.
const SCRAPED_AT_ONCE: usize = 8;

/// The budgets of one tracker.
#[derive(Debug)]
pub(crate) struct Admission {
    addresses: Budget,
    networks: Budget,
    unproven: Budget,
}

impl Admission {
    pub(crate) fn new(settings: &Settings) -> Self {
        let address = settings.requests_per_second_per_address;
        let network = settings.requests_per_second_per_network;
        Self {
            addresses: Budget::new(address, ADDRESS_BURST, ADDRESS_ROWS),
            networks: Budget::new(network, NETWORK_BURST, NETWORK_ROWS),
            unproven: Budget::new(UNPROVEN_PER_SECOND, UNPROVEN_BURST, UNPROVEN_ROWS),
        }
    }

    /// Counts requests of an address, in canonical form, that is known to have sent them. What an address may not is not
    /// counted against its network.
    pub(crate) fn admit(
        &self,
        mixer: &Mixer,
        source: IpAddr,
        requests: u32,
        now: Seconds,
    ) -> Result<(), Refusal> {
        let (of_address, of_network) = (mixer.source(address(source)), mixer.source(network(source)));
        self.networks.fetch(of_network);
        let admitted = self.addresses.charge(of_address, requests, now)
            && self.networks.charge(of_network, requests, now);
        if admitted { Ok(()) } else { Err(Refusal::TooFast) }
    }
}

impl Tracker {
    /// Whether a packet whose source is not proven may be looked at: a UDP connect, or one with a wrong connection id. To
    /// be asked only while a door falls behind. Each network (IPv4 /24, IPv6 /48) may send 500 in a second, whatever
    /// others do. Never counts against those whose source is proven.
    pub fn admits_unproven(&self, source: IpAddr, now: Seconds) -> bool {
        let mark = self.house.mixer.source(network(source.to_canonical()));
        self.house.admission.unproven.charge(mark, 1, now)
    }

    /// Counts an announce.
    pub(crate) fn admit_announce(&self, caller: Caller) -> Result<(), Refusal> {
        let house = &self.house;
        house
            .admission
            .admit(&house.mixer, caller.source.to_canonical(), 1, caller.now)
    }

    /// Counts a scrape of so many hashes: eight of them as one request.
    pub(crate) fn admit_scrape(&self, caller: Caller, hashes: usize) -> Result<(), Refusal> {
        let house = &self.house;
        let requests = hashes
            .min(house.settings.max_scrape as usize)
            .div_ceil(SCRAPED_AT_ONCE);
        let source = caller.source.to_canonical();
        house
            .admission
            .admit(&house.mixer, source, requests as u32, caller.now)
    }
}

/// What counts as one address: an IPv4 address, the first 64 bits of an IPv6 address.
fn address(ip: IpAddr) -> u64 {
    match ip {
        IpAddr::V4(ip) => u64::from(ip.to_bits()),
        IpAddr::V6(ip) => (ip.to_bits() >> 64) as u64,
    }
}

/// What counts as one network: the first 24 bits of an IPv4 address, the first 48 of an IPv6 address.
fn network(ip: IpAddr) -> u64 {
    match ip {
        IpAddr::V4(_) => address(ip) >> 8,
        IpAddr::V6(_) => address(ip) >> 16,
    }
}
