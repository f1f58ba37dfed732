//! What records said before they were edited: the exact JSON of every former version. Kept for ever, because the version
//! after it names its digest; whether it may be shown is that of the record itself. Next: `records.rs`.

use diesel::prelude::*;

use crate::connection::{Db, each};
use crate::kept::kept;
use crate::schema::{record_versions, records};
use crate::{Store, StoreError};

impl Store {
    /// The exact JSON of a record's version, counted from 1, the present one included; whether or not the record was
    /// removed.
    ///
    /// # Errors
    /// When the database does not answer.
    pub fn record_version(&self, uri: &str, version: i64) -> Result<Option<String>, StoreError> {
        self.read(|db| {
            let present = records::table
                .find(uri)
                .filter(records::version.eq(version))
                .select(records::json);
            if let Some(json) = present.first(db).optional()? {
                return Ok(Some(json));
            }
            Ok(record_versions::table
                .find((uri, version))
                .select(record_versions::json)
                .first(db)
                .optional()?)
        })
    }
}

/// Puts the body that is about to be replaced by a later version aside.
pub(crate) fn keep_former(db: &mut Db, uri: &str, next: i64) -> Result<(), StoreError> {
    let former: Option<(i64, String, Option<String>)> = records::table
        .find(uri)
        .filter(records::version.lt(next))
        .select((records::version, records::json, records::proof_key))
        .first(db)
        .optional()?;
    let Some((version, json, proof_key)) = former else {
        return Ok(());
    };
    let row = (
        record_versions::uri.eq(uri),
        record_versions::version.eq(version),
        record_versions::json.eq(json),
        record_versions::proof_key.eq(proof_key),
    );
    each!(db, conn => kept(diesel::insert_into(record_versions::table).values(row)).execute(conn))?;
    Ok(())
}
