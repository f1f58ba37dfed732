//! Any bytes as the query of an announce and of a scrape: nothing panics, answers and refusals are whole and bounded,
//! and the tracker behind them stays within its limits. Run with
//! `cargo +nightly fuzz run announce_query -- -max_len=16384`.
#![no_main]

use std::net::{IpAddr, Ipv4Addr};
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use rand::SeedableRng;
use rand::rngs::SmallRng;
use shoal_tracker::wire::http::{parse_announce, parse_scrape, write_announce, write_failure, write_scrape};
use shoal_tracker::{AnnounceReply, Caller, Mode, Seconds, Settings, Tracker};

static TRACKER: LazyLock<Tracker> = LazyLock::new(|| {
    let limits = Settings { max_torrents: 100, max_peers: 1000, ..Settings::new(1) };
    Tracker::new(Settings { mode: Mode::Open, ..limits })
});

fuzz_target!(|query: &[u8]| {
    let mut rng = SmallRng::seed_from_u64(1);
    let (mut reply, mut out) = (AnnounceReply::new(), Vec::new());
    for host in 1..4 {
        let caller = Caller::new(Seconds(0), IpAddr::V4(Ipv4Addr::new(8, 8, 8, host)));
        out.clear();
        let asked = parse_announce(query);
        match asked.and_then(|request| TRACKER.announce(caller, &request, &mut rng, &mut reply)) {
            Ok(()) => write_announce(&reply, &mut out),
            Err(refusal) => write_failure(&refusal, &mut out),
        }
        assert!(out.starts_with(b"d") && out.ends_with(b"e") && out.len() < 20_000);
        assert!(reply.peers4.len() <= 200 && reply.peers6.is_empty());
    }
    let mut scraped = Vec::new();
    out.clear();
    let caller = Caller::new(Seconds(0), IpAddr::V4(Ipv4Addr::LOCALHOST));
    match parse_scrape(query).and_then(|keys| TRACKER.scrape(caller, &keys, &mut scraped)) {
        Ok(()) => write_scrape(&mut scraped, &mut out),
        Err(refusal) => write_failure(&refusal, &mut out),
    }
    assert!(out.starts_with(b"d") && out.ends_with(b"e") && scraped.len() <= 100);
    let totals = TRACKER.totals();
    assert!(totals.known <= 100 && totals.peers4 <= 1000 && totals.peers6 == 0);
});
