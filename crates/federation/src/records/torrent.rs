//! The record of a torrent (FEP-d8c8), its short form, and the magnet link that both and the post carry.

use super::{Edition, json, torrent_context};
use crate::{
    html::cut,
    urls::Urls,
    vocab::{
        metainfo,
        record::{Link, ShortTorrent, TorrentNames, TorrentRecord},
    },
};
use serde_json::Value;
use shoal_store::Upload;
use shoal_torrent::Magnet;

/// How many trackers and web seeds are named, each.
const ADDRESSES: usize = 5;
/// The longest address that is named, in bytes.
const ADDRESS: usize = 300;
/// The longest name in a magnet link, in characters.
const NAME: usize = 200;

/// Writes the record of a torrent, by the account that published its upload; `bytes` are those of the `.torrent`. Its
/// metainfo stands in it whole when the JSON gives back the same bytes and the record stays below 1 MiB; else it is
/// abbreviated.
#[must_use]
pub fn torrent(edition: &Edition<'_>, upload: &Upload, bytes: &[u8]) -> Value {
    let metainfo = metainfo::to_json(bytes);
    let names = names(edition.urls, upload);
    let mut record = json(TorrentRecord {
        head: edition.head("Torrent", torrent_context(edition), false),
        url: links(edition.urls, upload, &names),
        names,
        byte_size: metainfo.is_none().then_some(upload.total_size),
    });
    if let (Some(members), Some(metainfo)) = (record.as_object_mut(), metainfo) {
        members.extend(metainfo);
    }
    record
}

/// The form in which a torrent stands in other documents: `id` is its record's.
#[must_use]
pub fn short_torrent(urls: &Urls, id: &str, upload: &Upload) -> ShortTorrent {
    ShortTorrent {
        id: id.to_owned(),
        kind: "Torrent",
        names: names(urls, upload),
    }
}

fn names(urls: &Urls, upload: &Upload) -> TorrentNames {
    TorrentNames {
        infohash_v1: upload.info_hash_v1.as_ref().map(ToString::to_string),
        infohash_v2: upload.info_hash_v2.as_ref().map(ToString::to_string),
        bencoded: urls.torrent(upload.id),
        magnet: magnet(urls, upload).map(|link| link.to_string()),
    }
}

/// The magnet link of an upload, with our trackers first. A private torrent has none: who follows a link looks for peers
/// everywhere until the torrent is there that forbids it (BEP 27).
#[must_use]
pub fn magnet(urls: &Urls, upload: &Upload) -> Option<Magnet> {
    if upload.private {
        return None;
    }
    let web_seeds = upload.web_seeds.iter().filter(|seed| is_short(seed));
    Some(Magnet {
        info_hash_v1: upload.info_hash_v1,
        info_hash_v2: upload.info_hash_v2,
        name: Some(cut(&upload.name, NAME)),
        size: u64::try_from(upload.total_size).ok(),
        trackers: trackers(urls, upload),
        web_seeds: web_seeds.take(ADDRESSES).cloned().collect(),
    })
}

/// Ours first, unless the torrent asks for its own only.
fn trackers(urls: &Urls, upload: &Upload) -> Vec<String> {
    let own = if upload.private { &[][..] } else { urls.announces() };
    let others = upload.trackers.iter().filter(|tracker| !own.contains(tracker));
    let all = own.iter().chain(others).filter(|tracker| is_short(tracker));
    all.take(ADDRESSES).cloned().collect()
}

fn is_short(address: &str) -> bool {
    address.len() <= ADDRESS
}

/// The links of a torrent as PeerTube writes them, so that what reads its videos finds ours.
fn links(urls: &Urls, upload: &Upload, names: &TorrentNames) -> Vec<Link> {
    let link = |media_type, href| Link {
        kind: "Link",
        name: None,
        rel: Vec::new(),
        media_type: Some(media_type),
        href,
    };
    let mut links = vec![
        link("text/html", urls.upload(upload.id)),
        link("application/x-bittorrent", names.bencoded.clone()),
    ];
    let magnet = names.magnet.clone();
    links.extend(magnet.map(|href| link("application/x-bittorrent;x-scheme-handler/magnet", href)));
    links.extend(trackers(urls, upload).into_iter().map(|href| {
        let scheme = match href.split(':').next().unwrap_or_default() {
            "ws" | "wss" => "websocket",
            "udp" => "udp",
            _ => "http",
        };
        Link {
            kind: "Link",
            name: Some(format!("tracker-{scheme}")),
            rel: vec!["tracker", scheme],
            media_type: None,
            href,
        }
    }));
    links
}
