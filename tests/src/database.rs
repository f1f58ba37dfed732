//! A PostgreSQL database of one test's own, on the throw-away cluster that `SHOAL_TEST_POSTGRES` names.
//!
//! `cargo xtask test` starts that cluster. The database is dropped when the test ends, however it ends.

use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::Result;

use crate::{binary, skip};

/// A database that lives as long as this value.
#[derive(Debug)]
pub struct Postgres {
    cluster: String,
    name: String,
}

impl Postgres {
    /// A fresh, empty database; `None`, said aloud, where there is no cluster.
    ///
    /// # Errors
    /// When the cluster refuses.
    pub fn fresh(story: &str) -> Result<Option<Self>> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let Some(cluster) = skip::helper(story, "SHOAL_TEST_POSTGRES") else {
            return Ok(None);
        };
        let name = format!(
            "story_{}_{}",
            std::process::id(),
            COUNT.fetch_add(1, Ordering::Relaxed)
        );
        let database = Self { cluster, name };
        database.tell(&format!("create database {}", database.name))?;
        Ok(Some(database))
    }

    /// Its URL, as `database.url` takes it.
    #[must_use]
    pub fn url(&self) -> String {
        let (server, _) = self.cluster.rsplit_once('/').unwrap_or((&self.cluster, ""));
        format!("{server}/{}", self.name)
    }

    fn tell(&self, statement: &str) -> Result<String> {
        let mut psql = Command::new("psql");
        psql.args(["--no-psqlrc", "--quiet", "--command", statement])
            .arg(&self.cluster);
        binary::finish(&mut psql)?.good()
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // The whole cluster is thrown away soon after: a database that cannot be dropped does no harm.
        let _left = self.tell(&format!("drop database if exists {} with (force)", self.name));
    }
}
