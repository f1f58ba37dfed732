//! What needs copies now: of the newest uploads those with the fewest complete copies, rarest and most endangered
//! first. Counted anew at most twice a minute for each worker, so that a busy front page costs nothing. Next in the flow:
//! `home.rs`, `uploads.rs` and `feeds.rs`, which show it.

use std::cmp::Reverse;
use std::sync::Arc;

use parking_lot::Mutex;
use shoal_store::{Id, Millis, Paging, Store, StoreError, Threat, Upload, UploadQuery};
use shoal_tracker::Tracker;

use super::cards;
use crate::app::App;
use crate::clock;
use crate::view::swarm::SAFE_COPIES;
use crate::view::threat::Danger;

/// How long a count is good, in milliseconds.
const GOOD_FOR: Millis = 30_000;
/// Most uploads looked at, the newest first.
const MOST_LOOKED_AT: usize = 5_000;
/// Most uploads kept.
pub(crate) const MOST_KEPT: usize = 200;

/// An upload that needs copies, and how endangered its dataset is.
#[derive(Clone, Debug)]
pub(crate) struct Scarce {
    pub(crate) upload: Upload,
    pub(crate) danger: Danger,
}

/// The last count: the ids, rarest first. Rows are read anew for each page, so that nothing taken away is shown.
#[derive(Default)]
pub(crate) struct Scarcity(Mutex<Option<(Millis, Arc<[Id]>)>>);

impl Scarcity {
    /// What needs copies, at most `most` uploads of the 200 that need them most.
    pub(crate) async fn list(&self, app: &App, most: usize) -> Result<Vec<Scarce>, StoreError> {
        let ids = self.ranked(app).await?;
        app.read(move |store| {
            ids.iter()
                .filter_map(|id| fresh(store, *id).transpose())
                .take(most)
                .collect()
        })
        .await
    }

    async fn ranked(&self, app: &App) -> Result<Arc<[Id]>, StoreError> {
        let now = clock::now();
        let last = self.0.lock().clone();
        if let Some((_, ids)) = last.filter(|(at, _)| (*at..*at + GOOD_FOR).contains(&now)) {
            return Ok(ids);
        }
        let tracker = Arc::clone(&app.tracker);
        let ids = app.read(move |store| count(store, &tracker)).await?;
        *self.0.lock() = Some((now, Arc::clone(&ids)));
        Ok(ids)
    }

    /// Forgets the last count, after something was published or taken away here.
    pub(crate) fn forget(&self) {
        *self.0.lock() = None;
    }
}

/// The upload as it is now, if everyone may see it.
fn fresh(store: &Store, id: Id) -> Result<Option<Scarce>, StoreError> {
    let Some(upload) = store.upload(id)?.filter(|upload| upload.state.is_visible()) else {
        return Ok(None);
    };
    let danger = Danger(
        store
            .dataset_by_id(upload.dataset.id)?
            .map_or(Threat::Unknown, |dataset| dataset.threat),
    );
    Ok(Some(Scarce { upload, danger }))
}

fn complete(tracker: &Tracker, upload: &Upload) -> u32 {
    upload
        .swarm_keys()
        .map_or(0, |keys| tracker.counts(keys).complete)
}

fn count(store: &Store, tracker: &Tracker) -> Result<Arc<[Id]>, StoreError> {
    let mut found = Vec::new();
    let (mut looked_at, mut paging) = (0, Paging::first(Paging::MOST));
    loop {
        let page = store.uploads(&UploadQuery {
            paging,
            ..UploadQuery::default()
        })?;
        looked_at += page.items.len();
        let scarce = page
            .items
            .into_iter()
            .map(|upload| (complete(tracker, &upload), upload));
        found.extend(scarce.filter(|(complete, _)| u64::from(*complete) < SAFE_COPIES));
        match page.next {
            Some(cursor) if looked_at < MOST_LOOKED_AT => {
                paging = Paging {
                    limit: Paging::MOST,
                    cursor: Some(cursor),
                };
            }
            _ => break,
        }
    }
    // Dangers are looked up only for those that can come into the list at all.
    found.sort_by_key(|(complete, upload)| (*complete, upload.created_at));
    found.truncate(2 * MOST_KEPT);
    let (complete, uploads): (Vec<u32>, Vec<Upload>) = found.into_iter().unzip();
    let dangers = cards::dangers(store, &uploads)?;
    let key = |(complete, upload): (u32, &Upload)| {
        (
            complete,
            Reverse(cards::danger_of(&dangers, upload).0),
            upload.created_at,
            upload.id,
        )
    };
    let mut ranked: Vec<_> = complete.into_iter().zip(&uploads).map(key).collect();
    ranked.sort();
    Ok(ranked.into_iter().take(MOST_KEPT).map(|(.., id)| id).collect())
}
