//! `shoal database migrate | backup FILE | restore FILE`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{Place, say};

#[derive(Debug, Args)]
pub(super) struct Database {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Bring the database to this version's schema (`serve` does so by itself)
    Migrate(Place),
    /// Write everything into one file, also while a server runs
    Backup {
        /// The file to write; it must not exist yet
        file: PathBuf,
        #[command(flatten)]
        place: Place,
    },
    /// Read such a file into an empty database, of either kind; no server may be running on it
    Restore {
        /// The file to read
        file: PathBuf,
        #[command(flatten)]
        place: Place,
    },
}

impl Database {
    pub(super) fn run(self) -> anyhow::Result<()> {
        match self.act {
            Act::Migrate(place) => {
                let version = shoal_store::migrate(&place.config()?.database_url()?)?;
                say(&format!("The database has schema version {version}."));
            }
            Act::Backup { file, place } => {
                shoal_store::backup(&place.config()?.database_url()?, &file)?;
                say(&format!(
                    "Backed up to {}. It holds private keys: keep it as you would a password.",
                    file.display()
                ));
            }
            Act::Restore { file, place } => {
                shoal_store::restore(&place.config()?.database_url()?, &file)?;
                say(&format!("Restored from {}.", file.display()));
            }
        }
        Ok(())
    }
}
