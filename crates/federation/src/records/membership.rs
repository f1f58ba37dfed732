//! The record of a dataset in a collection.

use super::{Edition, json, plain_context};
use crate::vocab::record::MembershipRecord;
use serde_json::Value;

/// Which dataset, whose, and who put it in.
#[derive(Debug, Clone, Copy)]
pub struct Member<'a> {
    /// The id of the dataset's record.
    pub dataset: &'a str,
    /// The actor that this record is attributed to.
    pub author: &'a str,
    /// The actor of the account that put it in.
    pub added_by: &'a str,
}

/// Writes that a collection, which is the edition's author, holds a dataset.
#[must_use]
pub fn membership(edition: &Edition<'_>, member: &Member<'_>) -> Value {
    json(MembershipRecord {
        head: edition.head("Membership", plain_context(edition), false),
        collection: edition.author.to_owned(),
        dataset: member.dataset.to_owned(),
        author: member.author.to_owned(),
        added_by: member.added_by.to_owned(),
    })
}
