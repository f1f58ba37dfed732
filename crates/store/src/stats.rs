//! Figures of the whole: how much there is to see. Next: the home page of the server.

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::BigInt;

use crate::connection::each;
use crate::schema::{accounts, collections, datasets};
use crate::visibility::VISIBLE;
use crate::{Store, StoreError};

/// What there is, counting only what is visible.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// Datasets.
    pub datasets: i64,
    /// Uploads of visible datasets.
    pub uploads: i64,
    /// Collections.
    pub collections: i64,
    /// Accounts that are not suspended.
    pub accounts: i64,
    /// Files of these uploads, without padding.
    pub files: i64,
    /// Their bytes.
    pub total_size: i64,
}

#[derive(QueryableByName)]
struct Sums {
    #[diesel(sql_type = BigInt)]
    uploads: i64,
    #[diesel(sql_type = BigInt)]
    files: i64,
    #[diesel(sql_type = BigInt)]
    total_size: i64,
}

impl Store {
    /// Counts anew; a walk over all uploads, so keep the answer for a while.
    ///
    /// # Errors
    /// `Unavailable`.
    pub fn stats(&self) -> Result<Stats, StoreError> {
        self.read(|db| {
            // Sums are cast, for a sum of bigint is another type on PostgreSQL.
            let sums: Sums = each!(&mut *db, conn => sql_query(
                "SELECT count(*) AS uploads, CAST(coalesce(sum(u.file_count), 0) AS BIGINT) AS files, \
                 CAST(coalesce(sum(u.total_size), 0) AS BIGINT) AS total_size \
                 FROM uploads u JOIN datasets d ON d.id = u.dataset_id \
                 WHERE u.state = 'visible' AND d.state = 'visible'"
            ).get_result(conn))?;
            Ok(Stats {
                datasets: datasets::table
                    .filter(datasets::state.eq(VISIBLE))
                    .count()
                    .get_result(db)?,
                uploads: sums.uploads,
                collections: collections::table
                    .filter(collections::state.eq(VISIBLE))
                    .count()
                    .get_result(db)?,
                accounts: accounts::table
                    .filter(accounts::state.eq(VISIBLE))
                    .count()
                    .get_result(db)?,
                files: sums.files,
                total_size: sums.total_size,
            })
        })
    }
}
