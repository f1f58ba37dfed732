//! A torrent file with other trackers: the outermost dictionary is put together anew from its own bytes, the info
//! dictionary stays as it was, bit by bit, and with it every info-hash. Next in the flow: the server hands it out.

use thiserror::Error;

use crate::bencode::Tree;
use crate::error::MetainfoError;
use crate::limits::Limits;
use crate::{encode, outer};

/// Why a torrent could not be given other trackers.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum TrackersError {
    /// The bytes are no torrent file.
    #[error(transparent)]
    Torrent(#[from] MetainfoError),
    /// Not an address that a client could announce to.
    #[error("“{0}” is not the address of a tracker (http, https, udp, ws or wss).")]
    Address(String),
}

/// The torrent file `bytes` with the trackers `tiers` (BEP 12) instead of its own; no tiers take all of them away.
/// Limits: [`Limits::LOCAL`]. White space behind the end is dropped, all else stays.
pub fn with_trackers(bytes: &[u8], tiers: &[Vec<String>]) -> Result<Vec<u8>, TrackersError> {
    if let Some(bad) = tiers
        .iter()
        .flatten()
        .find(|url| outer::tracker(url.as_bytes()).is_none())
    {
        return Err(TrackersError::Address(bad.clone()));
    }
    let tree = Tree::scan(bytes, &Limits::LOCAL)?;
    let root = tree.root();
    outer::no_key_twice(root)?;
    root.get("info")
        .filter(|info| info.dict().is_some())
        .ok_or(MetainfoError::MissingInfo)?;
    let announce = encode::announce(tiers);
    let kept = root
        .dict()
        .into_iter()
        .flatten()
        .filter(|(key, _)| !matches!(*key, b"announce" | b"announce-list"));
    let kept = kept.map(|(key, value)| (key, value.raw()));
    let added = announce
        .iter()
        .map(|(key, value)| (key.as_bytes(), value.as_slice()));
    Ok(encode::dictionary(kept.chain(added).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TORRENT: &[u8] = b"d7:comment2:hi8:announce8:http://a4:infod6:lengthi5e4:name1:x12:piece lengthi16384e6:pieces20:aaaaaaaaaaaaaaaaaaaae1:zi1ee\n";

    #[test]
    fn the_info_dictionary_keeps_its_bytes() {
        let before = crate::Metainfo::parse(TORRENT).expect("it is a torrent");
        let tiers = [
            vec!["udp://one:1".to_owned(), "http://two/a".to_owned()],
            vec!["wss://three".to_owned()],
        ];
        let spliced = with_trackers(TORRENT, &tiers).expect("it can be spliced");
        let after = crate::Metainfo::parse(&spliced).expect("it is a torrent still");
        assert_eq!(after.trackers(), tiers);
        assert_eq!(after.info_hash_v1(), before.info_hash_v1());
        assert_eq!(after.comment(), Some("hi"));
        assert_eq!(spliced[after.info_range()], TORRENT[before.info_range()]);
        assert!(spliced.ends_with(b"1:zi1ee"));

        let none = with_trackers(&spliced, &[]).expect("it can be spliced");
        assert!(
            crate::Metainfo::parse(&none)
                .expect("it is a torrent still")
                .trackers()
                .is_empty()
        );
        assert_eq!(none.len() + "8:announce8:http://a".len() + 1, TORRENT.len());
    }

    #[test]
    fn what_cannot_be_announced_to_is_refused() {
        let address = |url: &str| with_trackers(TORRENT, &[vec![url.to_owned()]]);
        assert_eq!(
            address("javascript:1"),
            Err(TrackersError::Address("javascript:1".into()))
        );
        assert!(matches!(
            with_trackers(b"de", &[]),
            Err(TrackersError::Torrent(MetainfoError::MissingInfo))
        ));
    }
}
