//! Any bytes as what comes over a connection of the tracker's own HTTP listener: nothing panics, answers are whole and
//! bounded, and it makes no difference in what pieces the bytes come. Run with
//! `cargo +nightly fuzz run http_request -- -max_len=20000`.
#![no_main]

use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, LazyLock, Mutex};

use libfuzzer_sys::fuzz_target;
use shoal_tracker::http::{MAX_HEAD, Responder, Then};
use shoal_tracker::{Caller, Mode, Seconds, Settings, Tracker};

/// What stands before an open tracker, and before one whose answers are always the same. A tracker keeps what is counted
/// for each, so they are made once.
static RESPONDERS: LazyLock<Mutex<[Responder; 2]>> = LazyLock::new(|| {
    Mutex::new([&*OPEN, &CLOSED].map(|tracker| {
        let proxies = vec!["127.0.0.0/8".parse().expect("a network")];
        Responder::new(Arc::clone(tracker), proxies, "elsewhere".into(), 1)
    }))
});

static OPEN: LazyLock<Arc<Tracker>> = LazyLock::new(|| tracker(Mode::Open));
static CLOSED: LazyLock<Arc<Tracker>> = LazyLock::new(|| tracker(Mode::Closed));

fn tracker(mode: Mode) -> Arc<Tracker> {
    let limits = Settings { max_torrents: 100, max_peers: 1000, ..Settings::new(1) };
    Arc::new(Tracker::new(Settings { mode, ..limits }))
}

/// What is answered when the bytes come in pieces of this size.
fn answers(responder: &mut Responder, bytes: &[u8], piece: usize, is_last: bool) -> Vec<u8> {
    let caller = Caller::new(Seconds(0), IpAddr::V4(Ipv4Addr::LOCALHOST));
    let (mut all, mut input, mut out) = (Vec::new(), Vec::new(), Vec::new());
    for piece in bytes.chunks(piece) {
        input.extend_from_slice(piece);
        // As the listener does: without a line end, what has come is no more of a head than it was before.
        if input.len() < MAX_HEAD && !piece.contains(&b'\n') {
            continue;
        }
        loop {
            out.clear();
            let progress = responder.answer(&input, caller, is_last, &mut out);
            assert!(progress.taken <= input.len() && out.len() < 90_000);
            input.drain(..progress.taken);
            all.extend_from_slice(&out);
            match progress.then {
                Then::Write => {}
                Then::Read => break,
                Then::Close | Then::Refuse => return all,
            }
        }
        assert!(input.len() < MAX_HEAD, "what is held is no longer than a head");
    }
    all
}

/// Checks that bytes are answers, one behind the other, each as long as it says.
fn check(mut answers: &[u8]) {
    while !answers.is_empty() {
        assert!(answers.starts_with(b"HTTP/1.1 "));
        let end = answers.windows(4).position(|part| part == b"\r\n\r\n").expect("a head is whole") + 4;
        let head = std::str::from_utf8(&answers[..end]).expect("a head is text");
        let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: ")).expect("it is there");
        let length: usize = length.parse().expect("it is a number");
        let rest = &answers[end..];
        // Without a body it was asked for with HEAD.
        let is_told_only = rest.is_empty() || rest.starts_with(b"HTTP/1.1 ");
        answers = &rest[if is_told_only { 0 } else { length }..];
    }
}

fuzz_target!(|bytes: &[u8]| {
    let Some((first, bytes)) = bytes.split_first() else { return };
    let mut responders = RESPONDERS.lock().expect("nothing panicked before");
    let [open, closed] = &mut *responders;
    check(&answers(open, bytes, bytes.len().max(1), first % 2 == 0));
    let totals = OPEN.totals();
    assert!(totals.known <= 100 && totals.peers4 + totals.peers6 <= 1000);
    let whole = answers(closed, bytes, bytes.len().max(1), false);
    check(&whole);
    let pieces = answers(closed, bytes, 1 + usize::from(*first), false);
    assert_eq!(whole.escape_ascii().to_string(), pieces.escape_ascii().to_string());
});
