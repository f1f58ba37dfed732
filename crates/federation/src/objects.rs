//! What stands at `/objects/{id}` and `/activities/{id}`: the exact bytes that were published, or that they are gone.

use crate::{Federation, outbox, vocab};
use serde_json::Value;
use shoal_store::{Id, Millis, Record, StoreError, Visibility};

/// What is at an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ObjectAnswer {
    /// JSON to serve with 200, byte for byte as it was signed.
    Found(String),
    /// A Tombstone to serve with 410.
    Gone(String),
    /// Nothing ever was (404).
    Missing,
}

impl Federation {
    /// A post. Blocks on the store, briefly.
    ///
    /// # Errors
    /// When the store does not answer.
    pub fn object(&self, id: Id) -> Result<ObjectAnswer, StoreError> {
        let uri = self.urls().object(id);
        let Some(record) = self.store().record(&uri)? else {
            return Ok(ObjectAnswer::Missing);
        };
        match self.gone_since(&record)? {
            None => Ok(ObjectAnswer::Found(record.json)),
            Some(at) => {
                let context = Value::from(vocab::CONTEXT);
                let tombstone = outbox::tombstone(&uri, at, Some(context));
                let text =
                    serde_json::to_string(&tombstone).map_err(|e| StoreError::Internal(e.to_string()))?;
                Ok(ObjectAnswer::Gone(text))
            }
        }
    }

    /// An activity of the public log; its body is gone when what it carried is. Blocks on the store, briefly.
    ///
    /// # Errors
    /// When the store does not answer.
    pub fn activity(&self, id: Id) -> Result<ObjectAnswer, StoreError> {
        let row = self.store().activity(&self.urls().activity(id))?;
        let Some(row) = row.filter(|row| is_public(&row.json)) else {
            return Ok(ObjectAnswer::Missing);
        };
        let record = row.object_uri.as_deref().map(|uri| self.store().record(uri));
        let record = record
            .transpose()?
            .flatten()
            .filter(|_| matches!(row.kind.as_str(), "Create" | "Update"));
        let gone = record
            .map(|record| self.gone_since(&record))
            .transpose()?
            .flatten();
        Ok(match row {
            row if row.buried.is_some() || gone.is_some() => {
                ObjectAnswer::Gone(outbox::buried(&row)?.to_string())
            }
            row => ObjectAnswer::Found(row.json),
        })
    }

    /// Since when a post may not be shown any more. Hiding takes effect at once; the courier buries the post itself a
    /// moment later, when it tells the followers.
    fn gone_since(&self, record: &Record) -> Result<Option<Millis>, StoreError> {
        if record.tombstoned_at.is_some() {
            return Ok(record.tombstoned_at);
        }
        let upload = record
            .subject
            .upload
            .map(|id| self.store().upload(id))
            .transpose()?;
        Ok(match upload.flatten().map(|upload| upload.state) {
            Some(Visibility::Hidden { at, .. } | Visibility::Removed { at, .. }) => Some(at),
            Some(Visibility::Visible) | None => None,
        })
    }
}

/// Answers to somebody alone are nobody else's to read.
fn is_public(json: &str) -> bool {
    let activity: Value = serde_json::from_str(json).unwrap_or_default();
    activity["to"]
        .as_array()
        .is_some_and(|to| to.iter().any(|one| one == vocab::PUBLIC))
}
