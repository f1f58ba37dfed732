//! A record as the log speaks of it: whose it is, what it is about, and who hears of it. The files of one activity each
//! say how; `settle.rs` decides when.

use super::draft::{Deed, Draft, Kept, everyone};
use crate::vocab;
use serde_json::Value;
use shoal_store::{Audience, Id, LocalActor, Subject};

/// A record and its audience.
pub(super) struct Entry<'e> {
    /// Who signs it and tells of it.
    pub(super) author: &'e LocalActor,
    /// Its id.
    pub(super) uri: &'e str,
    /// `Dataset`, `Upload`, `Torrent` or `Membership`.
    pub(super) kind: &'static str,
    /// What it is about.
    pub(super) subject: Subject,
    /// Whose followers hear of it, if they understand records.
    pub(super) followers_of: &'e [Id],
}

impl Entry<'_> {
    /// An activity about it, whose object is known to the log as `object_uri`.
    pub(super) fn deed(
        &self,
        draft: &Draft<'_>,
        kind: &'static str,
        (object, object_uri): (Value, &str),
    ) -> Deed {
        let torrents = matches!(self.kind, "Upload" | "Torrent");
        Deed {
            kind,
            context: vocab::record_context(draft.urls().base(), torrents),
            to: everyone(),
            cc: vec![draft.followers_uri(self.author)],
            object,
            object_uri: Some(object_uri.to_owned()),
            audience: Audience::KeepersOfRecords {
                followers_of: self.followers_of.to_vec(),
                record: self.uri.to_owned(),
            },
            in_outbox: true,
            target: None,
        }
    }

    /// Where a membership is put into and taken out of.
    pub(super) fn target(&self, draft: &Draft<'_>) -> Option<String> {
        Some(format!("{}/datasets", draft.actor_uri(self.author)))
    }

    /// What a version of it is kept as.
    pub(super) fn kept(&self, version: i64) -> Kept<'_> {
        Kept {
            uri: self.uri,
            kind: self.kind,
            subject: self.subject,
            version,
        }
    }
}
