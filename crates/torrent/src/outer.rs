//! What stands beside the info dictionary: trackers (BEP 12), web seeds (BEP 19), DHT nodes (BEP 5), comment, creator
//! and date. None of the addresses is ever contacted; they are texts. Next in the flow: `metainfo.rs`.

use std::collections::HashSet;

use percent_encoding::{AsciiSet, CONTROLS, percent_encode};

use crate::bencode::Node;
use crate::error::MetainfoError;
use crate::limits::{Limits, MAX_URL};
use crate::names;

/// The keys of the outermost dictionary that are read, apart from `info` and `piece layers`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Outer {
    pub(crate) trackers: Vec<Vec<String>>,
    pub(crate) web_seeds: Vec<String>,
    pub(crate) nodes: Vec<(String, u16)>,
    pub(crate) comment: Option<String>,
    pub(crate) created_by: Option<String>,
    pub(crate) creation_date: Option<i64>,
}

/// Keys that must not be there twice, because readers take the first, the last or none.
const ONCE: [&str; 8] = [
    "info",
    "piece layers",
    "announce",
    "announce-list",
    "url-list",
    "nodes",
    "comment",
    "creation date",
];

/// What URLs may hold only percent-encoded, beside what is not ASCII.
const ENCODED: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'<')
    .add(b'>')
    .add(b'`')
    .add(b'{')
    .add(b'}')
    .add(b'|')
    .add(b'\\')
    .add(b'^');

/// Reads the keys of the outermost dictionary.
pub(crate) fn read(root: Node<'_>, limits: &Limits) -> Result<Outer, MetainfoError> {
    let text = |keys: [&str; 2]| {
        let raw = keys
            .iter()
            .find_map(|key| root.get(key)?.bytes().filter(|text| !text.is_empty()));
        raw.map(names::text).filter(|text| !text.is_empty())
    };
    Ok(Outer {
        trackers: trackers(root, limits)?,
        web_seeds: web_seeds(root, limits)?,
        nodes: nodes(root, limits)?,
        comment: text(["comment.utf-8", "comment"]),
        created_by: text(["created by.utf-8", "created by"]),
        creation_date: root
            .get("creation date")
            .and_then(|date| date.int())
            .filter(|date| *date > 0),
    })
}

/// Refuses an outermost dictionary that has a key of ours twice.
pub(crate) fn no_key_twice(root: Node<'_>) -> Result<(), MetainfoError> {
    let mut seen = [false; ONCE.len()];
    for (key, _) in root.dict().into_iter().flatten() {
        if let Some(index) = ONCE.iter().position(|once| once.as_bytes() == key)
            && std::mem::replace(&mut seen[index], true)
        {
            return Err(MetainfoError::DuplicateKey {
                key: ONCE[index].to_owned(),
            });
        }
    }
    Ok(())
}

fn trackers(root: Node<'_>, limits: &Limits) -> Result<Vec<Vec<String>>, MetainfoError> {
    let mut tiers = Vec::new();
    let mut count = 0;
    for tier in root
        .get("announce-list")
        .and_then(|tiers| tiers.list())
        .into_iter()
        .flatten()
    {
        let urls = tier
            .list()
            .into_iter()
            .flatten()
            .filter_map(|url| tracker(url.bytes()?));
        // One more than allowed is enough to refuse.
        let tier: Vec<String> = urls.take(limits.addresses + 1 - count).collect();
        count += tier.len();
        if count > limits.addresses {
            return Err(MetainfoError::TooManyAddresses {
                what: "trackers",
                limit: limits.addresses,
            });
        }
        if !tier.is_empty() {
            tiers.push(tier);
        }
    }
    if tiers.is_empty() {
        let single = root.get("announce").and_then(|url| tracker(url.bytes()?));
        tiers.extend(single.map(|url| vec![url]));
    }
    Ok(tiers)
}

/// A tracker's address without the white space in front that some programs write; none if it is not an address that a
/// client could announce to.
pub(crate) fn tracker(raw: &[u8]) -> Option<String> {
    let url = str::from_utf8(raw.trim_ascii_start())
        .ok()
        .filter(|url| url.len() <= MAX_URL)?;
    let (scheme, rest) = url.split_once("://")?;
    let known = ["http", "https", "udp", "ws", "wss"]
        .iter()
        .any(|known| scheme.eq_ignore_ascii_case(known));
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host_and_port = authority.rsplit('@').next().unwrap_or_default();
    let (host, port) = match host_and_port.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, port),
        _ => (host_and_port, ""),
    };
    let sound = !host.is_empty() && port.bytes().all(|digit| digit.is_ascii_digit());
    let printable = url.chars().all(|c| !c.is_control() && !c.is_whitespace());
    (known && sound && printable).then(|| url.to_owned())
}

/// Whether `url` can be written as a web seed.
pub(crate) fn is_web_seed(url: &str) -> bool {
    let known = url.split_once("://").is_some_and(|(scheme, rest)| {
        !rest.is_empty()
            && ["http", "https", "ftp"]
                .iter()
                .any(|known| scheme.eq_ignore_ascii_case(known))
    });
    known && url.len() <= MAX_URL && url.chars().all(|c| !c.is_control() && !c.is_whitespace())
}

fn web_seeds(root: Node<'_>, limits: &Limits) -> Result<Vec<String>, MetainfoError> {
    let Some(seeds) = root.get("url-list") else {
        return Ok(Vec::new());
    };
    let single = seeds.bytes();
    let listed = seeds.list().into_iter().flatten().filter_map(|url| url.bytes());
    let mut seen = HashSet::new();
    let mut urls = Vec::new();
    for raw in single
        .into_iter()
        .chain(listed)
        .filter(|raw| !raw.is_empty() && raw.len() <= MAX_URL)
    {
        if !seen.insert(raw) {
            continue;
        }
        if urls.len() == limits.addresses {
            return Err(MetainfoError::TooManyAddresses {
                what: "web seeds",
                limit: limits.addresses,
            });
        }
        urls.push(percent_encode(raw, ENCODED).to_string());
    }
    Ok(urls)
}

fn nodes(root: Node<'_>, limits: &Limits) -> Result<Vec<(String, u16)>, MetainfoError> {
    let mut nodes = Vec::new();
    for node in root
        .get("nodes")
        .and_then(|nodes| nodes.list())
        .into_iter()
        .flatten()
    {
        let Some(mut pair) = node.list() else { continue };
        let host = pair
            .next()
            .and_then(|host| host.bytes())
            .filter(|host| host.len() <= 255);
        let port = pair
            .next()
            .and_then(|port| port.int())
            .and_then(|port| u16::try_from(port).ok());
        let Some((host, port)) = host.zip(port) else {
            continue;
        };
        if nodes.len() == limits.addresses {
            return Err(MetainfoError::TooManyAddresses {
                what: "DHT nodes",
                limit: limits.addresses,
            });
        }
        nodes.push((names::text(host), port));
    }
    Ok(nodes)
}
