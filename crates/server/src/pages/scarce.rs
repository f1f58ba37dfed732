//! What needs copies now: of the newest uploads those with the fewest complete copies, rarest and most endangered
//! first. Counted anew at most twice a minute for each worker, so that a busy front page costs nothing. Next in the flow:
//! `home.rs`, `uploads.rs` and `feeds.rs`, which show it.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use shoal_store::{Id, Millis, Paging, Store, StoreError, Threat, Upload, UploadQuery};
use shoal_tracker::Tracker;

use crate::app::App;
use crate::clock;
use crate::view::threat::Danger;

/// How long a count is good, in milliseconds.
const GOOD_FOR: Millis = 30_000;
/// Most uploads looked at, the newest first.
const MOST_LOOKED_AT: usize = 5_000;
/// Most uploads kept.
pub(crate) const MOST_KEPT: usize = 200;
/// From this many complete copies on an upload needs none.
const ENOUGH: u32 = 5;

/// An upload that needs copies, and how endangered its dataset is.
#[derive(Clone, Debug)]
pub(crate) struct Scarce {
    pub(crate) upload: Upload,
    pub(crate) danger: Danger,
}

/// The last count.
#[derive(Default)]
pub(crate) struct Scarcity(Mutex<Option<(Millis, Arc<Vec<Scarce>>)>>);

impl Scarcity {
    /// What needs copies, at most 200 uploads.
    pub(crate) async fn list(&self, app: &App) -> Result<Arc<Vec<Scarce>>, StoreError> {
        let now = clock::now();
        let last = self.0.lock().clone();
        if let Some((_, list)) = last.filter(|(at, _)| (*at..*at + GOOD_FOR).contains(&now)) {
            return Ok(list);
        }
        let tracker = Arc::clone(&app.tracker);
        let list = Arc::new(app.read(move |store| count(store, &tracker)).await?);
        *self.0.lock() = Some((now, Arc::clone(&list)));
        Ok(list)
    }

    /// Forgets the last count, after something was published or taken away here.
    pub(crate) fn forget(&self) {
        *self.0.lock() = None;
    }
}

fn complete(tracker: &Tracker, upload: &Upload) -> u32 {
    upload
        .swarm_keys()
        .map_or(0, |keys| tracker.counts(keys).complete)
}

fn count(store: &Store, tracker: &Tracker) -> Result<Vec<Scarce>, StoreError> {
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
        found.extend(scarce.filter(|(complete, _)| *complete < ENOUGH));
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
    found.sort_by_key(|(complete, upload)| (*complete, upload.created_at));
    found.truncate(2 * MOST_KEPT);
    let mut threats: HashMap<Id, Threat> = HashMap::new();
    let mut list = Vec::with_capacity(found.len());
    for (complete, upload) in found {
        let id = upload.dataset.id;
        let threat = match threats.get(&id) {
            Some(threat) => *threat,
            None => *threats
                .entry(id)
                .or_insert(store.dataset_by_id(id)?.map_or(Threat::Unknown, |d| d.threat)),
        };
        list.push((
            complete,
            Scarce {
                upload,
                danger: Danger(threat),
            },
        ));
    }
    list.sort_by_key(|(complete, one)| (*complete, std::cmp::Reverse(one.danger.0), one.upload.created_at));
    list.truncate(MOST_KEPT);
    Ok(list.into_iter().map(|(_, one)| one).collect())
}
