//! Feeds for readers and for BitTorrent programs: RSS 2.0 with torrents as enclosures (BEP 36) and the same in Atom. What
//! stands in a feed is chosen in `feeds/lists.rs` and `feeds/shelves.rs`; how an entry looks is `feeds/feed.rs`.

mod feed;
mod lists;
mod shelves;

use actix_web::web;

use crate::pages::read;

/// Registers every feed; `.rss` and `.atom` are endings of the last part of the address.
pub(crate) fn configure(config: &mut web::ServiceConfig) {
    config
        .route("/feeds/{name}", read().to(lists::whole))
        .route("/feeds/{shelf}/{name}", read().to(lists::shelf));
}
