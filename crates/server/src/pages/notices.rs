//! What was just done, told on the page that a form leads to: its address carries a word, the sentence is here. A word
//! that is not known says nothing, so that nobody can put sentences into our pages.

/// The sentence of a word in `?done=`.
pub(crate) fn sentence(word: &str) -> &'static str {
    match word {
        "published" => "Published. It can be found, followed and downloaded from now on.",
        "uploaded" => {
            "Published. Now open the torrent in your BitTorrent program with the data in place, and you are the first copy."
        }
        "saved" => "Saved.",
        "begun" => "The collection is here. Put the first datasets into it below.",
        "put" => "Put into the collection. Its followers will hear of it.",
        "taken" => "Taken out of the collection.",
        "hidden" => {
            "Hidden. Visitors read the reason, the tracker refuses it, and other servers are told to delete it."
        }
        "restored" => "Restored. It is visible again, and followers will be told anew.",
        "removed" => "Removed for good.",
        "suspended" => "Suspended.",
        "password" => "The password is set. Other sessions and all tokens have ended.",
        "welcome" => "You are signed in. Set a password below, so that you can come back without a link.",
        "signed-out" => "You are signed out.",
        "revoked" => "The key is revoked. Clients that have it are refused from now on.",
        "ended" => "The token is ended.",
        "followed" => "Asked. The other server will answer shortly.",
        "unfollowed" => "You no longer follow them.",
        "retried" => "The server is tried again now.",
        "blocked" => "Blocked. Nothing is taken from it, fetched from it or sent to it any more.",
        "allowed" => "Allowed.",
        "hash-blocked" => "Blocked. The tracker refuses it, and nobody can upload it here.",
        "reset" => "Taken back.",
        "dropped" => "The delivery is dropped.",
        "held-back" => "Nothing more is sent to this server until you let it go on.",
        "goes-on" => "What waits for this server is sent again.",
        "emptied" => "What waited for this server is dropped.",
        "emptied-in-part" => "Some of what waited for this server is dropped. There is more: drop again.",
        _ => "",
    }
}
