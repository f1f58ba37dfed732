//! Messages over WebSocket from the corpora beside the checkout, when they are there: what is expected of each is kept here
//! by its name, and a case that is not known here fails.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use super::exchange::Hall;

/// What each message of the corpora is answered: letters to the socket that said it, and how many of them are failures.
const EXPECTED: [(&str, usize, usize); 18] = [
    ("announce with one offer", 1, 0),
    ("two torrents on one socket", 2, 0),
    ("answer", 0, 0),
    ("answer without to_peer_id", 1, 1),
    ("scrape", 1, 0),
    ("scrape list", 1, 0),
    ("scrape without info_hash", 1, 1),
    ("info_hash 40 hex characters", 1, 1),
    ("info_hash with a character above U+00FF", 1, 1),
    ("peer_id changed on the same socket", 2, 1),
    ("offers: 1000", 1, 1),
    ("offer_id 6 characters", 1, 1),
    ("sdp of 1 MiB", 1, 1),
    ("not JSON", 1, 1),
    ("JSON array", 1, 1),
    ("deep nesting", 1, 1),
    ("binary frame", 1, 1),
    ("action missing", 1, 1),
];

#[test]
fn the_messages_of_the_corpora_are_answered_as_expected() {
    let folder = std::env::var("SHOAL_CORPORA").map_or_else(
        |_| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpora"),
        PathBuf::from,
    );
    let Ok(text) = fs::read_to_string(folder.join("vectors/tracker/websocket.json")) else {
        eprintln!("skipped: no corpora at {}", folder.display());
        return;
    };
    let cases: Value = serde_json::from_str(&text).expect("the cases are JSON");
    for case in cases["cases"].as_array().expect("there are cases") {
        let name = case["name"].as_str().expect("a case has a name");
        let (_, letters, failures) = EXPECTED
            .into_iter()
            .find(|(known, ..)| *known == name)
            .unwrap_or_else(|| panic!("{name} is not known"));
        let mut hall = Hall::open();
        hall.enter(1);
        let message = &case["message"];
        match message.as_str() {
            Some(text) => hall.try_say(1, text.as_bytes()).expect("it is one message"),
            None if name == "JSON array" => hall.say(1, message),
            None => match message.as_array() {
                Some(all) => all.iter().for_each(|message| hall.say(1, message)),
                None => hall.say(1, message),
            },
        }
        let told = hall.told(1);
        let failed = told
            .iter()
            .filter(|letter| letter.get("failure reason").is_some());
        assert_eq!(
            (told.len(), failed.count()),
            (letters, failures),
            "{name}: {told:?}"
        );
        hall.leave(1);
        assert_eq!(hall.sea.tracker.totals().guests, 0);
    }
}
