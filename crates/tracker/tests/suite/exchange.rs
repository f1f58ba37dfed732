//! Guests as their doors see them: sessions that say messages and get letters. The rules one by one; any sequence of deeds
//! is in `parlour.rs`, the messages of the corpora in `messages.rs`.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde_json::{Value, json};
use shoal_tracker::{
    Caller, Event, Letter, MAX_TORRENTS, Mode, Pass, Refusal, Said, Seconds, Session, Settings, SocketId,
    SwarmKey, TooMuch,
};

use super::{MUCH, NOTHING, Sea, hybrid, key};

/// A tracker with sockets, and what each of them has been told.
pub(super) struct Hall {
    pub(super) sea: Sea,
    pub(super) sessions: BTreeMap<u64, Session>,
    told: BTreeMap<SocketId, Vec<Value>>,
}

/// Bytes as a message has them.
pub(super) fn binary(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}

/// The announce of a leecher who offers as many connections as it wants.
pub(super) fn announce(key: SwarmKey, peer: &str, offers: usize) -> Value {
    let offers: Vec<Value> = (0..offers)
        .map(|n| json!({ "offer_id": format!("{peer:-<18}{n:02}"), "offer": { "type": "offer", "sdp": format!("v=0 “{n}”\r\n") } }))
        .collect();
    json!({
        "action": "announce", "info_hash": binary(key.as_bytes()), "peer_id": format!("{peer:-<20}"), "left": 5,
        "uploaded": 0, "downloaded": 0, "event": "started", "numwant": offers.len(), "offers": offers,
    })
}

/// The same with other fields.
pub(super) fn with(mut message: Value, fields: Value) -> Value {
    let fields = fields.as_object().expect("the test names fields").clone();
    message
        .as_object_mut()
        .expect("a message is an object")
        .extend(fields);
    message
}

/// The answer to an offer that was handed over.
pub(super) fn answer(offer: &Value, peer: &str) -> Value {
    json!({
        "action": "announce", "info_hash": offer["info_hash"], "peer_id": format!("{peer:-<20}"),
        "to_peer_id": offer["peer_id"], "offer_id": offer["offer_id"], "answer": { "type": "answer", "sdp": "v=1" },
    })
}

impl Hall {
    pub(super) fn new(settings: Settings) -> Self {
        Self {
            sea: Sea::new(settings),
            sessions: BTreeMap::new(),
            told: BTreeMap::new(),
        }
    }

    pub(super) fn open() -> Self {
        Self::new(Settings {
            mode: Mode::Open,
            ..Settings::new(42)
        })
    }

    pub(super) fn enter(&mut self, n: u64) -> u64 {
        self.enter_with(n, Ok(None))
    }

    fn enter_with(&mut self, n: u64, pass: Result<Option<Pass>, Refusal>) -> u64 {
        let caller = Caller::new(Seconds(self.sea.now), IpAddr::from([8, 8, 4, n as u8]));
        self.sessions.insert(n, Session::new(SocketId(n), caller, pass));
        n
    }

    pub(super) fn try_say(&mut self, n: u64, text: &[u8]) -> Result<(), TooMuch> {
        let mut letters = Vec::new();
        let said = Said {
            now: Seconds(self.sea.now),
            text,
        };
        let session = self.sessions.get_mut(&n).expect("the socket is open");
        session.hear(&self.sea.tracker, said, &mut self.sea.rng, &mut letters)?;
        for Letter { to, text } in letters {
            let letter = serde_json::from_str(&text).unwrap_or_else(|wrong| panic!("{wrong}: {text}"));
            assert!(
                self.sessions.contains_key(&to.0),
                "a letter to a socket that is gone"
            );
            self.told.entry(to).or_default().push(letter);
        }
        Ok(())
    }

    pub(super) fn say(&mut self, n: u64, message: &Value) {
        self.sea.now += 1;
        self.try_say(n, message.to_string().as_bytes())
            .expect("the test says little");
    }

    pub(super) fn leave(&mut self, n: u64) {
        let mut session = self.sessions.remove(&n).expect("the socket is open");
        session.close(&self.sea.tracker);
        self.told.remove(&SocketId(n));
    }

    /// What a socket was told since the last time.
    pub(super) fn told(&mut self, n: u64) -> Vec<Value> {
        self.told.remove(&SocketId(n)).unwrap_or_default()
    }

    /// The one letter that a socket was told.
    fn one(&mut self, n: u64) -> Value {
        let mut told = self.told(n);
        assert_eq!(told.len(), 1, "{told:?}");
        told.remove(0)
    }

    fn failure(&mut self, n: u64) -> String {
        let letter = self.one(n);
        letter["failure reason"]
            .as_str()
            .unwrap_or_else(|| panic!("{letter}"))
            .to_owned()
    }
}

#[test]
fn an_offer_goes_to_another_and_its_answer_comes_back() {
    let mut hall = Hall::open();
    let (ann, bob) = (hall.enter(1), hall.enter(2));
    hall.say(ann, &announce(key(1), "ann", 3));
    let alone = hall.one(ann);
    assert_eq!((&alone["complete"], &alone["incomplete"]), (&json!(0), &json!(1)));
    assert!(
        alone["interval"]
            .as_u64()
            .is_some_and(|interval| (300..2025).contains(&interval))
    );
    hall.say(bob, &announce(key(1), "bob", 3));
    assert_eq!(hall.one(bob)["incomplete"], 2);
    let offer = hall.one(ann);
    assert_eq!(offer["offer"], json!({ "type": "offer", "sdp": "v=0 “0”\r\n" }));
    assert_eq!(offer["peer_id"], "bob-----------------");
    assert_eq!(offer["info_hash"], binary(key(1).as_bytes()));
    hall.say(ann, &answer(&offer, "ann"));
    let back = hall.one(bob);
    assert_eq!(back["answer"], json!({ "type": "answer", "sdp": "v=1" }));
    assert_eq!(
        (&back["peer_id"], &back["offer_id"]),
        (&json!("ann-----------------"), &offer["offer_id"])
    );
    assert!(hall.told(ann).is_empty(), "an answer is not answered");
    hall.say(ann, &answer(&offer, "ann"));
    assert!(hall.told(bob).is_empty(), "an offer is answered once");
}

#[test]
fn an_answer_to_no_offer_reaches_nobody() {
    let mut hall = Hall::open();
    let [ann, bob, eve] = [1, 2, 3].map(|n| hall.enter(n));
    hall.say(ann, &announce(key(1), "ann", 0));
    hall.say(eve, &announce(key(2), "eve", 0));
    hall.say(bob, &announce(key(1), "bob", 1));
    let offer = hall.told(ann).pop().expect("bob's offer");
    hall.told(bob);
    hall.told(eve);
    // By one that it was not handed to, in the swarm and out of it, and by another's name.
    hall.say(eve, &answer(&offer, "eve"));
    hall.say(eve, &announce(key(1), "eve", 0));
    hall.told(eve);
    for name in ["eve", "ann"] {
        hall.say(eve, &answer(&offer, name));
    }
    hall.say(ann, &answer(&offer, "bob"));
    hall.say(
        ann,
        &with(
            answer(&offer, "ann"),
            json!({ "offer_id": "00000000000000000000" }),
        ),
    );
    hall.say(
        ann,
        &with(
            answer(&offer, "ann"),
            json!({ "to_peer_id": "eve-----------------" }),
        ),
    );
    hall.say(
        ann,
        &with(
            answer(&offer, "ann"),
            json!({ "info_hash": binary(key(2).as_bytes()) }),
        ),
    );
    for socket in [ann, bob, eve] {
        assert_eq!(hall.told(socket), [Value::Null; 0], "{socket}");
    }
    hall.say(ann, &answer(&offer, "ann"));
    assert_eq!(hall.told(bob).len(), 1);
}

#[test]
fn no_more_is_relayed_than_was_asked_for() {
    let mut hall = Hall::open();
    (2..40).for_each(|n| {
        hall.enter(n);
        hall.say(n, &announce(key(1), &format!("p{n}"), 0));
    });
    hall.enter(1);
    for (message, most) in [
        (announce(key(1), "ann", 5), 5),
        (with(announce(key(1), "ann", 5), json!({ "numwant": 2 })), 2),
        (with(announce(key(1), "ann", 5), json!({ "numwant": 0 })), 0),
        (with(announce(key(1), "ann", 5), json!({ "numwant": null })), 5),
        (with(announce(key(1), "ann", 5), json!({ "numwant": 50 })), 5),
        (announce(key(1), "ann", 90), 16),
        (with(announce(key(1), "ann", 5), json!({ "event": "stopped" })), 0),
    ] {
        (2..40).for_each(|n| drop(hall.told(n)));
        hall.say(1, &message);
        let handed: usize = (2..40).map(|n| hall.told(n).len()).sum();
        assert_eq!(handed, most, "{message}");
    }
}

#[test]
fn guests_and_native_peers_are_counted_together_and_kept_apart() {
    let mut hall = Hall::open();
    let (ann, bob) = (hall.enter(1), hall.enter(2));
    hall.sea.seed(key(1), "8.8.8.8:80");
    hall.say(ann, &announce(key(1), "ann", 3));
    let reply = hall.one(ann);
    assert_eq!((&reply["complete"], &reply["incomplete"]), (&json!(1), &json!(1)));
    assert!(reply.get("peers").is_none());
    hall.say(bob, &with(announce(key(1), "bob", 3), json!({ "left": 0 })));
    assert_eq!(hall.told(ann).len(), 1);
    let told = hall.sea.leech(key(1), "9.9.9.9:90");
    assert_eq!(told, super::peers(&["8.8.8.8:80"]));
    let counts = hall.sea.reply.counts;
    assert_eq!((counts.complete, counts.incomplete), (2, 2));
    let totals = hall.sea.tracker.totals();
    assert_eq!(
        (totals.torrents, totals.guests, totals.peers4, totals.seeders),
        (1, 2, 2, 2)
    );
    hall.say(
        bob,
        &json!({ "action": "scrape", "info_hash": binary(key(1).as_bytes()) }),
    );
    let files = hall.told(bob).pop().expect("a scrape")["files"].clone();
    let expected = json!({ "complete": 2, "incomplete": 2, "downloaded": 0, "downloaders": 2 });
    assert_eq!(files[binary(key(1).as_bytes())], expected);
    // Silence ends native peers; guests live as long as their sockets.
    hall.sea.now += 10_000;
    hall.sea.sweep();
    assert_eq!(hall.sea.counts(key(1)), (1, 1, 0));
    assert_eq!(hall.sea.tracker.totals().torrents, 1);
    hall.leave(ann);
    hall.leave(bob);
    hall.sea.sweep();
    assert_eq!(hall.sea.tracker.totals().known, 0);
}

#[test]
fn a_socket_is_one_peer_in_a_swarm_and_may_be_in_several() {
    let mut hall = Hall::open();
    hall.enter(1);
    hall.say(1, &announce(key(1), "ann", 0));
    hall.say(1, &announce(key(2), "ann", 0));
    hall.say(1, &announce(key(1), "ann", 0));
    assert_eq!(
        (hall.sea.counts(key(1)), hall.sea.counts(key(2))),
        ((0, 1, 0), (0, 1, 0))
    );
    hall.told(1);
    hall.say(1, &announce(key(1), "eve", 0));
    assert!(hall.failure(1).contains("another peer_id"));
    assert_eq!(hall.sea.counts(key(1)), (0, 1, 0));
    hall.say(
        1,
        &with(announce(key(1), "ann", 0), json!({ "event": "stopped" })),
    );
    hall.say(1, &announce(key(1), "eve", 0));
    assert_eq!(hall.sea.counts(key(1)), (0, 1, 0));
    hall.say(
        1,
        &with(announce(key(2), "ann", 0), json!({ "event": "stopped" })),
    );
    assert_eq!(hall.sea.counts(key(2)), (0, 0, 0));
    hall.leave(1);
    assert_eq!(hall.sea.tracker.totals().guests, 0);
}

#[test]
fn a_hybrids_guests_meet_and_each_hears_its_own_hash() {
    let mut hall = Hall::new(Settings::new(1));
    hall.sea.tracker.list(hybrid(1, 2));
    let (ann, bob) = (hall.enter(1), hall.enter(2));
    hall.say(ann, &announce(key(2), "ann", 1));
    hall.say(bob, &announce(key(1), "bob", 1));
    let offer = hall.told(ann).pop().expect("bob's offer");
    assert_eq!(offer["info_hash"], binary(key(2).as_bytes()));
    hall.told(bob);
    hall.say(ann, &answer(&offer, "ann"));
    assert_eq!(hall.one(bob)["info_hash"], binary(key(1).as_bytes()));
    assert_eq!(hall.sea.counts(key(2)), (0, 2, 0));
    // Both hashes over one socket are one peer.
    hall.say(ann, &announce(key(1), "ann", 1));
    assert_eq!(hall.sea.counts(key(2)), (0, 2, 0));
    hall.say(
        bob,
        &with(announce(key(2), "bob", 0), json!({ "event": "stopped" })),
    );
    hall.leave(ann);
    assert_eq!(hall.sea.counts(key(1)), (0, 0, 0));
    hall.leave(bob);
}

#[test]
fn what_is_hidden_or_not_listed_is_refused_and_its_guests_are_dropped() {
    let mut hall = Hall::new(Settings::new(1));
    hall.enter(1);
    hall.say(1, &announce(key(1), "ann", 0));
    assert_eq!(hall.failure(1), Refusal::NotListed.to_string());
    hall.sea.tracker.list(hybrid(1, 2));
    hall.say(1, &announce(key(2), "ann", 0));
    assert_eq!(
        (hall.sea.counts(key(1)), hall.sea.tracker.totals().guests),
        ((0, 1, 0), 1)
    );
    hall.sea.tracker.forbid(hybrid(1, 2));
    assert_eq!(hall.sea.tracker.totals().guests, 0);
    hall.told(1);
    hall.say(1, &announce(key(1), "ann", 0));
    let refused = hall.one(1);
    assert_eq!(refused["failure reason"], Refusal::Forbidden.to_string());
    assert_eq!(
        (&refused["retry in"], &refused["info_hash"]),
        (&json!(60), &json!(binary(key(1).as_bytes())))
    );
    hall.sea.tracker.list(hybrid(1, 2));
    assert_eq!(hall.sea.counts(key(1)), (0, 0, 0));
    hall.leave(1);
}

#[test]
fn a_private_torrents_guests_bring_keys_and_go_with_them() {
    let mut hall = Hall::new(Settings::new(1));
    let pass = Pass::new([1; 16]);
    hall.sea.tracker.list_private(key(1).into());
    hall.sea.tracker.admit_pass(pass.hash());
    let (ann, bob) = (hall.enter_with(1, Ok(Some(pass))), hall.enter(2));
    let eve = hall.enter_with(3, Err(Refusal::UnknownKey));
    hall.say(ann, &announce(key(1), "ann", 0));
    assert!(hall.one(ann).get("failure reason").is_none());
    hall.say(bob, &announce(key(1), "bob", 3));
    assert_eq!(hall.failure(bob), Refusal::Private.to_string());
    let scrape = json!({ "action": "scrape", "info_hash": binary(key(1).as_bytes()) });
    hall.say(bob, &scrape);
    assert_eq!(hall.one(bob)["files"], json!({}));
    for message in [announce(key(2), "eve", 3), scrape.clone()] {
        hall.say(eve, &message);
        assert_eq!(hall.failure(eve), Refusal::UnknownKey.to_string());
    }
    hall.say(ann, &scrape);
    assert_eq!(hall.one(ann)["files"][binary(key(1).as_bytes())]["incomplete"], 1);
    hall.sea.tracker.revoke_pass(pass.hash());
    hall.say(ann, &announce(key(1), "ann", 0));
    assert_eq!(hall.failure(ann), Refusal::UnknownKey.to_string());
    assert_eq!(hall.sea.tracker.totals().guests, 0);
}

#[test]
fn who_has_long_not_announced_is_handed_nothing() {
    let mut hall = Hall::open();
    let (ann, bob) = (hall.enter(1), hall.enter(2));
    hall.say(ann, &announce(key(1), "ann", 0));
    hall.told(ann);
    for (silence, offers) in [(2600, 1), (200, 0)] {
        hall.sea.now += silence;
        hall.say(bob, &announce(key(1), "bob", 1));
        assert_eq!(hall.told(ann).len(), offers);
    }
}

#[test]
fn a_download_is_counted_once_for_an_address() {
    let mut hall = Hall::new(Settings::new(1));
    hall.sea.tracker.list(key(1).into());
    let done = with(
        announce(key(1), "ann", 0),
        json!({ "left": 0, "event": "completed" }),
    );
    hall.enter(1);
    hall.say(1, &announce(key(1), "ann", 0));
    hall.say(1, &done);
    hall.say(1, &done);
    assert_eq!(hall.sea.counts(key(1)), (1, 0, 1));
    for _ in 0..5 {
        hall.leave(1);
        hall.enter(1);
        hall.say(1, &done);
    }
    hall.enter(2);
    hall.say(2, &with(done, json!({ "left": 7 })));
    assert_eq!(hall.sea.counts(key(1)), (1, 1, 1));
    assert_eq!(hall.sea.tracker.take_completions(), [(key(1), 1)]);
}

#[test]
fn guests_count_against_the_limits_on_peers() {
    let mut hall = Hall::new(Settings {
        mode: Mode::Open,
        max_peers_per_torrent: 3,
        max_peers: 5,
        ..Settings::new(1)
    });
    hall.sea.leech(key(1), "8.8.8.8:1");
    for n in 1..=6 {
        hall.enter(n);
        hall.say(n, &announce(key(1), &format!("p{n}"), 5));
        assert_eq!(hall.told(n)[0].get("warning message").is_some(), n > 2, "{n}");
    }
    assert_eq!(hall.sea.counts(key(1)), (0, 3, 0));
    for n in 3..=6 {
        hall.say(n, &announce(key(2), &format!("p{n}"), 5));
    }
    assert_eq!(hall.sea.counts(key(2)), (0, 2, 0));
    (1..=6).for_each(|n| hall.leave(n));
    let totals = hall.sea.tracker.totals();
    assert_eq!((totals.guests, totals.peers4), (0, 1));
    hall.sea.announce(key(3), "8.8.8.9:1", NOTHING, Event::Started);
    hall.sea.announce(key(3), "8.8.8.10:1", MUCH, Event::Started);
    assert_eq!(hall.sea.counts(key(3)), (1, 1, 0), "there is room again");
}

#[test]
fn a_socket_is_in_a_bounded_number_of_swarms() {
    let mut hall = Hall::new(Settings::new(1));
    hall.enter(1);
    for n in 0..=MAX_TORRENTS as u32 {
        hall.sea.tracker.list(key(n).into());
        hall.say(1, &announce(key(n), "ann", 0));
    }
    let told = hall.told(1);
    assert_eq!(hall.sea.tracker.totals().guests, MAX_TORRENTS as u64);
    assert!(
        told.iter()
            .rev()
            .skip(1)
            .all(|letter| letter.get("failure reason").is_none())
    );
    assert!(
        told[MAX_TORRENTS]["failure reason"]
            .as_str()
            .is_some_and(|words| words.contains("256"))
    );
    // What was hidden meanwhile makes room.
    hall.sea.tracker.forbid(key(7).into());
    hall.say(1, &announce(key(MAX_TORRENTS as u32), "ann", 0));
    assert!(hall.one(1).get("failure reason").is_none());
}

#[test]
fn a_socket_that_says_too_much_is_given_up() {
    let mut hall = Hall::open();
    hall.enter(1);
    let mut said = 0;
    while hall.try_say(1, b"{}").is_ok() {
        said += 1;
        assert!(said <= 400);
    }
    assert_eq!(said, 400);
    hall.sea.now += 2;
    (0..40).for_each(|_| hall.try_say(1, b"[]").expect("two seconds have passed"));
    assert_eq!(hall.try_say(1, b"[]"), Err(TooMuch));
}
