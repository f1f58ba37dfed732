//! Couriers that share a database watch each other. Each beats every few seconds; when another has not for a while, it is
//! dead, and what it had in hand is taken from it. Silence is measured by one's own clock, so that clocks may differ, and
//! nobody is judged while the database is away: then all are silent.

use super::desk::Desk;
use crate::{Federation, Shared};
use shoal_store::{Millis, StoreError};
use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

/// How often a courier shows that it lives.
const BEAT: Duration = Duration::from_secs(2);
/// How long one may be silent.
const SILENCE: Duration = Duration::from_secs(10);

/// How the names of all couriers begin that ran as this node. Only one at a time does, so the others are dead.
pub(super) fn family(federation: &Federation) -> String {
    format!("courier-{}-", federation.settings().node)
}

/// Ends what a courier that is dead, or stops, had in hand.
pub(super) async fn bury(shared: &Arc<Shared>, owner: String) -> Result<(), StoreError> {
    let moment = shared.moment();
    let freed = shared
        .with_store(move |store| store.end_claims(moment, &owner))
        .await?;
    if freed > 0 {
        shared.queued.notify_one();
    }
    Ok(())
}

/// Beats, and listens to the others.
pub(super) async fn keep(desk: Arc<Desk>) {
    let mut others = Others::default();
    loop {
        if let Err(error) = round(&desk, &mut others).await {
            tracing::warn!(%error, "the courier could not show that it lives");
            others = Others::default();
        }
        tokio::time::sleep(BEAT).await;
    }
}

async fn round(desk: &Desk, others: &mut Others) -> Result<(), StoreError> {
    let shared = desk.shared();
    let (moment, owner) = (shared.moment(), desk.owner.clone());
    let beats = shared.with_store(move |store| store.beat(moment, &owner)).await?;
    for dead in others.listen(Instant::now(), &desk.owner, beats) {
        tracing::warn!(courier = %dead, "another process fell silent; its deliveries are taken over");
        bury(shared, dead).await?;
    }
    Ok(())
}

/// How the others beat last, and since when they have not again.
#[derive(Default)]
struct Others(HashMap<String, (Millis, Instant)>);

impl Others {
    /// Hears all beats, and names those that have been silent for too long.
    fn listen(&mut self, now: Instant, own: &str, beats: Vec<(String, Millis)>) -> Vec<String> {
        let before = std::mem::take(&mut self.0);
        for (name, beat) in beats {
            let since = match before.get(&name) {
                Some((last, since)) if *last == beat => *since,
                _ => now,
            };
            self.0.insert(name, (beat, since));
        }
        let silent = |(name, (_, since)): (&String, &(Millis, Instant))| {
            (name != own && now.duration_since(*since) > SILENCE).then(|| name.clone())
        };
        self.0.iter().filter_map(silent).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn beats(of: &[(&str, Millis)]) -> Vec<(String, Millis)> {
        of.iter()
            .map(|(name, beat)| ((*name).to_owned(), *beat))
            .collect()
    }

    #[test]
    fn only_who_is_silent_for_long_is_dead() {
        let (mut others, start) = (Others::default(), Instant::now());
        let after = |seconds| start + Duration::from_secs(seconds);
        assert!(
            others
                .listen(after(0), "a", beats(&[("a", 1), ("b", 1), ("c", 900)]))
                .is_empty()
        );
        assert!(
            others
                .listen(after(6), "a", beats(&[("a", 1), ("b", 2), ("c", 900)]))
                .is_empty()
        );
        // Its own clock may stand, and another's run backwards: what counts is that it moves.
        let heard = others.listen(after(11), "a", beats(&[("a", 1), ("b", 1), ("c", 900)]));
        assert_eq!(heard, ["c"]);
        assert!(
            others
                .listen(after(12), "a", beats(&[("a", 1), ("b", 1)]))
                .is_empty()
        );
    }

    #[test]
    fn a_newcomer_has_its_time() {
        let (mut others, start) = (Others::default(), Instant::now());
        let after = |seconds| start + Duration::from_secs(seconds);
        assert!(others.listen(after(0), "a", beats(&[("a", 1)])).is_empty());
        assert!(
            others
                .listen(after(100), "a", beats(&[("a", 2), ("b", 5)]))
                .is_empty()
        );
        assert_eq!(
            others.listen(after(111), "a", beats(&[("a", 3), ("b", 5)])),
            ["b"]
        );
    }
}
