//! Stored things as cards in lists: an upload, a dataset, a collection, with their swarms counted. Next in the flow: the
//! templates of the same names.

use std::collections::HashMap;

use shoal_store::{
    AccountRef, Collection, Dataset, Id, Millis, Paging, Store, StoreError, Threat, Upload, UploadQuery,
    Visibility,
};

use super::frame::Link;
use crate::app::App;
use crate::publishing;
use crate::view::address::segment;
use crate::view::markdown::Prose;
use crate::view::size::{Size, counted};
use crate::view::swarm::Swarm;
use crate::view::threat::Danger;
use crate::view::time::When;
use crate::view::words;

/// Most uploads of a dataset whose copies are counted for its card.
const COUNTED_UPLOADS: u32 = 20;

/// An upload in a list.
#[derive(Clone, Debug)]
pub(crate) struct UploadCard {
    pub(crate) href: String,
    /// What it is a copy of; in a list of one dataset its own name.
    pub(crate) title: String,
    /// Its own name; empty where that is the title.
    pub(crate) name: String,
    pub(crate) account: Link,
    pub(crate) when: When,
    pub(crate) size: Size,
    pub(crate) files: String,
    pub(crate) swarm: Swarm,
    pub(crate) danger: Danger,
    pub(crate) magnet: Option<String>,
    pub(crate) torrent: String,
    /// Why it is not shown to everyone; empty when it is.
    pub(crate) withheld: String,
}

impl UploadCard {
    /// The card of an upload; `danger` is its dataset's.
    pub(crate) fn of(app: &App, upload: &Upload, danger: Danger, now: Millis) -> Self {
        Self {
            href: format!("/uploads/{}", upload.id),
            title: words::line(&upload.dataset.title),
            name: words::line(&upload.name),
            account: account_link(&upload.account),
            when: When::new(upload.created_at, now),
            size: Size::stored(upload.total_size),
            files: counted(upload.file_count.unsigned_abs(), "file", "files"),
            swarm: swarm(app, upload),
            danger,
            magnet: publishing::magnet(app, upload).map(|link| link.to_string()),
            torrent: torrent_path(upload),
            withheld: withheld(&upload.state),
        }
    }

    /// The same card in a list of one dataset.
    pub(crate) fn within_dataset(self) -> Self {
        Self {
            title: self.name,
            name: String::new(),
            danger: Danger(Threat::Unknown),
            ..self
        }
    }
}

/// A dataset in a list.
#[derive(Clone, Debug)]
pub(crate) struct DatasetCard {
    pub(crate) href: String,
    pub(crate) slug: String,
    pub(crate) title: String,
    pub(crate) publisher: String,
    pub(crate) excerpt: String,
    pub(crate) danger: Danger,
    pub(crate) swarm: Swarm,
    pub(crate) uploads: u64,
    pub(crate) size: Size,
    pub(crate) when: When,
    pub(crate) withheld: String,
}

/// A dataset and those of its uploads whose copies are counted.
pub(crate) struct Counted {
    pub(crate) dataset: Dataset,
    pub(crate) uploads: Vec<Upload>,
}

impl Counted {
    /// Reads the uploads of each dataset, at most 20 of each.
    pub(crate) fn all(store: &Store, datasets: Vec<Dataset>) -> Result<Vec<Self>, StoreError> {
        let read = |dataset: Dataset| {
            let uploads = match dataset.upload_count {
                0 => Vec::new(),
                _ => {
                    let paging = Paging::first(COUNTED_UPLOADS);
                    store
                        .uploads(&UploadQuery {
                            paging,
                            dataset: Some(dataset.slug.clone()),
                            ..UploadQuery::default()
                        })?
                        .items
                }
            };
            Ok(Self { dataset, uploads })
        };
        datasets.into_iter().map(read).collect()
    }
}

impl DatasetCard {
    /// The card of a dataset. Its swarm is that of its uploads together.
    pub(crate) fn of(app: &App, counted: &Counted, now: Millis) -> Self {
        let dataset = &counted.dataset;
        let together =
            counted
                .uploads
                .iter()
                .map(|upload| swarm(app, upload))
                .fold(Swarm::default(), |sum, one| Swarm {
                    complete: sum.complete + one.complete,
                    incomplete: sum.incomplete + one.incomplete,
                    completed: sum.completed + one.completed,
                });
        Self {
            href: format!("/datasets/{}", dataset.slug),
            slug: dataset.slug.clone(),
            title: words::line(&dataset.title),
            publisher: words::line(&dataset.publisher),
            excerpt: words::excerpt(&Prose::plain(&dataset.description), 180),
            danger: Danger(dataset.threat),
            swarm: together,
            uploads: dataset.upload_count.unsigned_abs(),
            size: Size::stored(dataset.total_size),
            when: When::new(dataset.created_at, now),
            withheld: withheld(&dataset.state),
        }
    }
}

/// A collection in a list.
#[derive(Clone, Debug)]
pub(crate) struct CollectionCard {
    pub(crate) href: String,
    pub(crate) title: String,
    pub(crate) excerpt: String,
    pub(crate) handle: String,
    pub(crate) datasets: String,
    pub(crate) followers: String,
    pub(crate) withheld: String,
}

impl CollectionCard {
    /// The card of a collection.
    pub(crate) fn of(app: &App, collection: &Collection) -> Self {
        Self {
            href: format!("/collections/{}", collection.name),
            title: words::line(title_or(&collection.title, &collection.name)),
            excerpt: words::excerpt(&Prose::plain(&collection.summary), 180),
            handle: format!("@{}@{}", collection.name, app.authority()),
            datasets: counted(collection.dataset_count.unsigned_abs(), "dataset", "datasets"),
            followers: counted(collection.follower_count.unsigned_abs(), "follower", "followers"),
            withheld: withheld(&collection.state),
        }
    }
}

/// Who has an upload now, as the tracker counts them.
pub(crate) fn swarm(app: &App, upload: &Upload) -> Swarm {
    let counts = upload
        .swarm_keys()
        .map(|keys| app.tracker.counts(keys))
        .unwrap_or_default();
    Swarm {
        complete: u64::from(counts.complete),
        incomplete: u64::from(counts.incomplete),
        completed: u64::from(counts.completed).max(upload.completed.unsigned_abs()),
    }
}

/// How endangered the datasets of some uploads are, each read once.
pub(crate) fn dangers(store: &Store, uploads: &[Upload]) -> Result<HashMap<Id, Danger>, StoreError> {
    let mut ids: Vec<Id> = uploads.iter().map(|upload| upload.dataset.id).collect();
    ids.sort();
    ids.dedup();
    let mut dangers = HashMap::with_capacity(ids.len());
    for id in ids {
        dangers.extend(
            store
                .dataset_by_id(id)?
                .map(|dataset| (id, Danger(dataset.threat))),
        );
    }
    Ok(dangers)
}

/// How endangered an upload's dataset is.
pub(crate) fn danger_of(dangers: &HashMap<Id, Danger>, upload: &Upload) -> Danger {
    dangers
        .get(&upload.dataset.id)
        .copied()
        .unwrap_or(Danger(Threat::Unknown))
}

/// Where the `.torrent` is.
pub(crate) fn torrent_path(upload: &Upload) -> String {
    format!("/api/v1/uploads/{}/torrent", upload.id)
}

/// The dataset of an upload.
pub(crate) fn dataset_link(upload: &Upload) -> Link {
    Link::new(
        format!("/datasets/{}", upload.dataset.slug),
        words::line(&upload.dataset.title),
    )
}

/// A collection by its title.
pub(crate) fn collection_link(collection: &Collection) -> Link {
    let title = words::line(title_or(&collection.title, &collection.name));
    Link::new(format!("/collections/{}", collection.name), title)
}

/// An account by name.
pub(crate) fn account_link(account: &AccountRef) -> Link {
    Link::new(
        format!("/accounts/{}", segment(&account.name)),
        account.name.clone(),
    )
}

/// The title, or what stands in when nobody wrote one.
pub(crate) fn title_or<'a>(title: &'a str, name: &'a str) -> &'a str {
    if title.trim().is_empty() { name } else { title }
}

/// What moderators and owners read on something that others do not see; empty when everyone does.
pub(crate) fn withheld(state: &Visibility) -> String {
    match state {
        Visibility::Visible => String::new(),
        Visibility::Hidden { reason, .. } => format!("Hidden by the moderators: {reason}"),
        Visibility::Removed { reason, .. } => format!("Removed by the moderators: {reason}"),
    }
}
