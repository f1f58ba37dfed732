//! The record of a dataset. Next: `upload.rs`.

use super::{Edition, json, plain_context};
use crate::vocab::record::DatasetRecord;
use serde_json::Value;
use shoal_store::Dataset;

/// Writes the record of a dataset, by the account that described it.
#[must_use]
pub fn dataset(edition: &Edition<'_>, dataset: &Dataset) -> Value {
    json(DatasetRecord {
        head: edition.head("Dataset", plain_context(edition), true),
        name: dataset.title.clone(),
        identifier: dataset.slug.clone(),
        url: edition.urls.dataset(&dataset.slug),
        description: dataset.description.clone(),
        publisher: dataset.publisher.clone(),
        landing_page: dataset.homepage.clone(),
        license: dataset.licence.clone(),
        keyword: dataset.tags.clone(),
        threat: dataset.threat.word(),
    })
}
