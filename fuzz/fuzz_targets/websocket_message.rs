//! Any bytes as messages on several sockets: nothing panics, every letter is JSON of bounded length for an open socket,
//! nobody is handed more than was asked for, and nothing is left when all are closed. Lines of the input are messages; the
//! first byte of each says on which socket and whether that is closed first. Run with
//! `cargo +nightly fuzz run websocket_message -- -max_len=131072`.
#![no_main]

use std::net::{IpAddr, Ipv4Addr};

use libfuzzer_sys::fuzz_target;
use rand::SeedableRng;
use rand::rngs::SmallRng;
use shoal_tracker::wire::websocket::{MAX_OFFERS, Message, parse};
use shoal_tracker::{Caller, Mode, Said, Seconds, Session, Settings, SocketId, SwarmKey, SwarmKeys, Tracker};

const SOCKETS: u64 = 4;

/// Messages of one input; more would say nothing that these do not.
const MESSAGES: usize = 100;

fuzz_target!(|input: &[u8]| {
    let settings = Settings { max_torrents: 20, max_peers: 30, ..Settings::new(1) };
    let tracker = Tracker::new(Settings { mode: Mode::Open, ..settings });
    let [primary, alias] = [b'a', b'b'].map(|byte| SwarmKey::new([byte; 20]));
    tracker.list(SwarmKeys { primary, alias: Some(alias) });
    let mut rng = SmallRng::seed_from_u64(1);
    let open = |n: u64, now: u32| {
        let source = IpAddr::V4(Ipv4Addr::new(8, 8, 8, (n % SOCKETS) as u8));
        Session::new(SocketId(n), Caller::new(Seconds(now), source), Ok(None))
    };
    let mut sessions: Vec<Session> = (0..SOCKETS).map(|n| open(n, 0)).collect();
    let mut last = SOCKETS;
    for (now, line) in input.split(|byte| *byte == b'\n').enumerate().take(MESSAGES) {
        let Some((first, text)) = line.split_first() else { continue };
        let (now, at) = (now as u32, usize::from(first % SOCKETS as u8));
        if *first >= 0xf0 {
            sessions[at].close(&tracker);
            last += SOCKETS;
            sessions[at] = open(last - SOCKETS + at as u64, now);
        }
        let offered = match parse(text) {
            Ok(Message::Announce(request, offers)) => {
                assert!(offers.len() <= MAX_OFFERS);
                offers.len().min(request.numwant.map_or(usize::MAX, |numwant| numwant as usize))
            }
            Ok(Message::Answer(_)) => 1,
            _ => 0,
        };
        let mut letters = Vec::new();
        let said = Said { now: Seconds(now), text };
        let heard = sessions[at].hear(&tracker, said, &mut rng, &mut letters);
        assert!(heard.is_ok() || letters.is_empty());
        let own = sessions[at].socket();
        assert!(letters.iter().filter(|letter| letter.to == own).count() <= 1);
        assert!(letters.iter().filter(|letter| letter.to != own).count() <= offered);
        for letter in &letters {
            assert!(sessions.iter().any(|session| session.socket() == letter.to));
            assert!(letter.text.len() < 40_000);
            let value: serde_json::Value = serde_json::from_str(&letter.text).expect("a letter is JSON");
            assert!(value["action"].is_string());
        }
    }
    let totals = tracker.totals();
    assert!(totals.guests <= 30 && totals.known <= 22);
    sessions.iter_mut().for_each(|session| session.close(&tracker));
    assert_eq!(tracker.totals().guests, 0);
});
