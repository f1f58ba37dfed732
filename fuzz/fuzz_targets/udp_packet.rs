//! Any bytes as a datagram, from a client that has proved its address and from one that has not: nothing panics, answers are
//! whole and bounded, and never longer than what was asked before the address is proven. Run with
//! `cargo +nightly fuzz run udp_packet -- -max_len=2048`.
#![no_main]

use std::net::SocketAddr;
use std::sync::{Arc, LazyLock, Mutex};

use libfuzzer_sys::fuzz_target;
use shoal_tracker::udp::{ConnectionIds, Desk, When};
use shoal_tracker::{Mode, Seconds, Settings, Tracker};

const CONNECT: [u8; 16] = [0, 0, 4, 0x17, 0x27, 0x10, 0x19, 0x80, 0, 0, 0, 0, 1, 2, 3, 4];
const NOW: When = When { now: Seconds(1000), is_busy: false };

static TRACKER: LazyLock<Arc<Tracker>> = LazyLock::new(|| {
    let limits = Settings {
        max_torrents: 100,
        max_peers: 1000,
        requests_per_second_per_address: 0,
        requests_per_second_per_network: 0,
        ..Settings::new(1)
    };
    Arc::new(Tracker::new(Settings { mode: Mode::Open, ..limits }))
});

static DESK: LazyLock<Mutex<Desk>> = LazyLock::new(|| {
    let ids = ConnectionIds::new(&[7; 16], 120, 1_790_000_000);
    Mutex::new(Desk::new(Arc::clone(&TRACKER), ids, 1))
});

fuzz_target!(|bytes: &[u8]| {
    let mut desk = DESK.lock().expect("nothing has panicked");
    let mut out = Vec::new();
    for from in ["8.8.8.8:6881", "[2600::1]:6881", "10.0.0.1:0"] {
        let from: SocketAddr = from.parse().expect("an address and a port");
        desk.answer(from, bytes, NOW, &mut out);
        assert!(out.len() <= bytes.len(), "nothing was proven");
        desk.answer(from, &CONNECT, NOW, &mut out);
        if out.len() == 16 && bytes.len() >= 8 {
            let proven = [&out[8..], &bytes[8..]].concat();
            desk.answer(from, &proven, NOW, &mut out);
            assert!(out.len() <= 1432 && (out.is_empty() || out[4..8] == proven[12..16]));
        }
    }
    let totals = TRACKER.totals();
    assert!(totals.known <= 100 && totals.peers4 + totals.peers6 <= 1000);
});
