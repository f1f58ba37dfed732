//! Which Follows stand, and which are undone: the rules, in memory. What is in the database comes and goes by `book.rs`.
//!
//! A follower's server may send Follow, Undo and Follow again within a second, and they may arrive in any order. So a
//! follower has a set of standing Follows, each Undo takes away the one it names, even one that has yet to come, and
//! whoever has none left follows no more. A Follow that comes later than [`REORDERING`] after another is no straggler
//! but stands in for it. Some servers give each Follow of the same pair the same id: a known id counts again when it was
//! signed after what undid it. All times here are of the sender's clock. Next: `book.rs`.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::received::Effect;
use crate::{Id, Millis};

/// How far apart activities that were sent one after another may arrive in the wrong order.
pub const REORDERING: Millis = 10 * 60 * 1000;

/// The most Follows of one follower for one actor that stand at once; older ones count as undone.
const MOST: usize = 16;

/// A local actor and a remote one that follows it.
pub(crate) type Pair = (Id, Id);

/// A Follow that was not undone; `at` is when it was signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Standing {
    pub(crate) uri: String,
    pub(crate) at: Millis,
}

/// Follows, as far as they concern what is being taken in.
#[derive(Debug, Clone, Default)]
pub(crate) struct Book {
    /// The Follows that stand, the newest last; of a pair that is not here, none does.
    pub(crate) standing: HashMap<Pair, Vec<Standing>>,
    /// The Follows that were undone, by follower and id, with when that was signed.
    pub(crate) undone: HashMap<(Id, String), Millis>,
}

/// A Follow or Undo as it came.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Came {
    /// Whether its id came before.
    pub(crate) known: bool,
    /// When it was signed.
    pub(crate) signed_at: Millis,
}

impl Book {
    /// Makes a follower, or keeps it one. `Known` when nothing changes because it came before; false beside `Done` when it
    /// was undone before it came.
    pub(crate) fn follow(&mut self, pair: Pair, uri: &str, came: Came) -> (Effect, bool) {
        let name = (pair.1, uri.to_owned());
        if came.known {
            // A new wish, if it was undone, and signed so much later that it is no straggler.
            let latest = came.signed_at.saturating_sub(REORDERING);
            if self
                .undone
                .get(&name)
                .is_none_or(|undone_at| *undone_at >= latest)
            {
                return (Effect::Known, false);
            }
            self.undone.remove(&name);
        }
        if self.undone.contains_key(&name) {
            return (Effect::Done, false);
        }
        let before = self.standing.remove(&pair).unwrap_or_default();
        let (mut kept, mut replaced): (Vec<_>, Vec<_>) = before
            .into_iter()
            .filter(|other| other.uri != uri)
            .partition(|other| came.signed_at.saturating_sub(other.at) <= REORDERING);
        kept.push(Standing {
            uri: uri.to_owned(),
            at: came.signed_at,
        });
        replaced.extend(kept.drain(..kept.len().saturating_sub(MOST)));
        for old in replaced {
            self.undone.entry((pair.1, old.uri)).or_insert(came.signed_at);
        }
        self.standing.insert(pair, kept);
        (Effect::Done, true)
    }

    /// Ends what the follower followed: of the named actor, or of whichever its Follow was for. Only its own Follows can
    /// be meant.
    pub(crate) fn undo(&mut self, undo: &crate::UndoFollow, came: Came) -> Effect {
        let pairs = self.meant(undo);
        let Some(uri) = undo.follow_uri.as_deref() else {
            if came.known {
                return Effect::Known;
            }
            for pair in pairs.into_iter().filter(|_| undo.actor.is_some()) {
                self.end(pair, came.signed_at);
            }
            return Effect::Done;
        };
        if came.known && !self.names_a_later_follow(&pairs, uri, came.signed_at) {
            return Effect::Known;
        }
        let name = (undo.follower, uri.to_owned());
        if self.undone.contains_key(&name) {
            return Effect::Done;
        }
        self.undone.insert(name, came.signed_at);
        for pair in pairs {
            let Some(standing) = self.standing.get_mut(&pair) else {
                continue;
            };
            let before = standing.len();
            standing.retain(|one| one.uri != uri);
            let found = standing.len() < before;
            // Some servers name another Follow than the one they sent: once no straggler can be meant, the Undo is
            // taken for the follower's present wish.
            let newest = standing.last().map_or(came.signed_at, |one| one.at);
            let settled = came.signed_at.saturating_sub(newest) > REORDERING;
            if standing.is_empty() || (!found && undo.actor.is_some() && settled) {
                self.end(pair, came.signed_at);
            }
        }
        Effect::Done
    }

    /// Whether an Undo that came before names a Follow that stands and was signed before it: ids used a second time.
    fn names_a_later_follow(&self, pairs: &[Pair], uri: &str, signed_at: Millis) -> bool {
        let stands = |one: &Standing| one.uri == uri && one.at < signed_at;
        pairs
            .iter()
            .filter_map(|pair| self.standing.get(pair))
            .any(|standing| standing.iter().any(stands))
    }

    fn meant(&self, undo: &crate::UndoFollow) -> Vec<Pair> {
        match undo.actor {
            Some(actor) => vec![(actor, undo.follower)],
            None => {
                let all = self.standing.keys().copied();
                all.filter(|(_, follower)| *follower == undo.follower).collect()
            }
        }
    }

    /// Ends a following, with every Follow that still stands.
    fn end(&mut self, pair: Pair, signed_at: Millis) {
        for one in self.standing.remove(&pair).unwrap_or_default() {
            self.undone.entry((pair.1, one.uri)).or_insert(signed_at);
        }
    }
}
