//! What stands at `/objects/{id}` and `/activities/{id}`: the exact bytes that were published, or that they are gone.

use crate::{Federation, outbox, records, vocab};
use serde_json::Value;
use shoal_store::{ActivityRow, Buried, Id, Millis, Record, StoreError, Visibility};

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
    /// A post or a record. Blocks on the store, briefly.
    ///
    /// # Errors
    /// When the store does not answer.
    pub fn object(&self, id: Id) -> Result<ObjectAnswer, StoreError> {
        let uri = self.urls().object(id);
        let Some(record) = self.store().record(&uri)? else {
            return Ok(ObjectAnswer::Missing);
        };
        self.shown(&record, record.json.clone())
    }

    /// A version of a record, counted from 1; the present one too, which stands at the record's own id as well. Blocks on
    /// the store, briefly.
    ///
    /// # Errors
    /// When the store does not answer.
    pub fn version(&self, id: Id, version: i64) -> Result<ObjectAnswer, StoreError> {
        let uri = self.urls().object(id);
        let record = self.store().record(&uri)?.filter(|record| record.kind != "Note");
        match (record, self.store().record_version(&uri, version)?) {
            (Some(record), Some(json)) => self.shown(&record, json),
            _ => Ok(ObjectAnswer::Missing),
        }
    }

    /// A body of a record, or its Tombstone.
    fn shown(&self, record: &Record, json: String) -> Result<ObjectAnswer, StoreError> {
        let Some(at) = self.gone_since(record)? else {
            return Ok(ObjectAnswer::Found(json));
        };
        let context = Value::from(vocab::CONTEXT);
        let stone = records::tombstone(&record.uri, &record.kind, at, Some(context));
        let text = serde_json::to_string(&stone).map_err(|e| StoreError::Internal(e.to_string()))?;
        Ok(ObjectAnswer::Gone(text))
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
        let buried = match &row.buried {
            None if matches!(row.kind.as_str(), "Create" | "Update" | "Add") => self.buried_soon(&row)?,
            known => known.clone(),
        };
        Ok(match buried {
            Some(buried) => ObjectAnswer::Gone(outbox::buried(&row, &buried)?.to_string()),
            None => ObjectAnswer::Found(row.json),
        })
    }

    /// What the courier will find buried a moment later, when it tells the followers: hiding takes effect at once.
    fn buried_soon(&self, row: &ActivityRow) -> Result<Option<Buried>, StoreError> {
        let record = row.object_uri.as_deref().map(|uri| self.store().record(uri));
        let Some(record) = record.transpose()?.flatten() else {
            return Ok(None);
        };
        let kind = record.kind.clone();
        Ok(self.gone_since(&record)?.map(|at| Buried { kind, at }))
    }

    /// Since when a record may not be shown any more, as it is marked or as what it is about is hidden.
    fn gone_since(&self, record: &Record) -> Result<Option<Millis>, StoreError> {
        if record.tombstoned_at.is_some() {
            return Ok(record.tombstoned_at);
        }
        let subject = record.subject;
        let mut states = Vec::new();
        if let Some(id) = subject.upload {
            states.extend(self.store().upload(id)?.map(|upload| upload.state));
        } else if let Some(id) = subject.dataset {
            states.extend(self.store().dataset_by_id(id)?.map(|dataset| dataset.state));
        }
        if let Some(id) = subject.collection {
            states.extend(
                self.store()
                    .collection_by_id(id)?
                    .map(|collection| collection.state),
            );
        }
        Ok(states.into_iter().find_map(|state| match state {
            Visibility::Hidden { at, .. } | Visibility::Removed { at, .. } => Some(at),
            Visibility::Visible => None,
        }))
    }
}

/// Answers to somebody alone are nobody else's to read.
fn is_public(json: &str) -> bool {
    let activity: Value = serde_json::from_str(json).unwrap_or_default();
    activity["to"]
        .as_array()
        .is_some_and(|to| to.iter().any(|one| one == vocab::PUBLIC))
}
