//! Writing bencoded bytes (BEP 3). `create` and `trackers.rs` write torrents, and neither ever writes an info dictionary
//! that was read: those keep their bytes. `bencode/value.rs` writes whatever it is given. Next in the flow:
//! `create/dictionary.rs`.

/// Appends a string.
pub(crate) fn bytes(out: &mut Vec<u8>, content: &[u8]) {
    out.extend_from_slice(content.len().to_string().as_bytes());
    out.push(b':');
    out.extend_from_slice(content);
}

/// Appends a number.
pub(crate) fn int(out: &mut Vec<u8>, value: i64) {
    out.push(b'i');
    out.extend_from_slice(value.to_string().as_bytes());
    out.push(b'e');
}

/// Appends a size; sizes of files are far below what would not fit.
pub(crate) fn size(out: &mut Vec<u8>, value: u64) {
    int(out, i64::try_from(value).unwrap_or(i64::MAX));
}

/// Appends a list of strings.
pub(crate) fn list<T: AsRef<[u8]>>(out: &mut Vec<u8>, items: impl IntoIterator<Item = T>) {
    out.push(b'l');
    items.into_iter().for_each(|item| bytes(out, item.as_ref()));
    out.push(b'e');
}

/// A string as a value of its own.
pub(crate) fn of_bytes(content: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    bytes(&mut out, content);
    out
}

/// The values of `announce` and `announce-list` (BEP 12) for these tiers: the list only where there is more to say than
/// one address.
pub(crate) fn announce(tiers: &[Vec<String>]) -> Vec<(&'static str, Vec<u8>)> {
    let mut pairs = Vec::new();
    if let Some(first) = tiers.iter().flatten().next() {
        pairs.push(("announce", of_bytes(first.as_bytes())));
    }
    if tiers.iter().flatten().nth(1).is_some() {
        let mut list = vec![b'l'];
        tiers
            .iter()
            .filter(|tier| !tier.is_empty())
            .for_each(|tier| self::list(&mut list, tier));
        list.push(b'e');
        pairs.push(("announce-list", list));
    }
    pairs
}

/// A dictionary of these keys and bencoded values, sorted by key. A key must not be there twice.
pub(crate) fn dictionary<'v>(mut pairs: Vec<(&'v [u8], &'v [u8])>) -> Vec<u8> {
    pairs.sort_unstable();
    let mut out = Vec::with_capacity(pairs.iter().map(|(key, value)| key.len() + value.len() + 8).sum());
    out.push(b'd');
    for (key, value) in pairs {
        bytes(&mut out, key);
        out.extend_from_slice(value);
    }
    out.push(b'e');
    out
}
