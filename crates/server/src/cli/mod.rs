//! The command line: what can be asked, and the way an answer becomes an exit code.
//!
//! 0 is done, 1 is refused with a sentence on standard error, 2 is wrong usage (clap's own). Standard output carries
//! only what was asked for. Each command is a file beside this one.

mod account;
mod announce_key;
mod check;
mod database;
mod publish;
mod record;
mod serve;
mod show_config;
mod token;
mod torrent;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, Parser, Subcommand};
use shoal_store::{Role, Store};

use crate::config::{Config, LogFormat, Overrides};

/// Federated BitTorrent tracker and dataset archive.
#[derive(Debug, Parser)]
#[command(name = "shoal", version, propagate_version = true)]
pub struct Command {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Run everything: pages, API, tracker, federation
    Serve(serve::Serve),
    /// Print the documented default configuration, or check the given one
    Config(show_config::ShowConfig),
    /// People with a login here
    Account(account::Account),
    /// API tokens
    Token(token::Token),
    /// Personal announce keys of torrent clients
    AnnounceKey(announce_key::AnnounceKey),
    /// Make, show and check torrents
    Torrent(torrent::Torrent),
    /// Check signed records
    Record(record::Record),
    /// Publish a folder, a file or a .torrent into a dataset of a server
    Publish(publish::Publish),
    /// Migrate, back up and restore the database
    Database(database::Database),
}

/// The flags of every command that opens the database.
#[derive(Clone, Debug, Args)]
pub(crate) struct Place {
    /// Configuration file [default: shoal.toml, when it is there]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Folder of database and swarms [default: ./shoal-data]
    #[arg(long, global = true, value_name = "DIR")]
    data: Option<PathBuf>,
}

impl Place {
    pub(crate) fn config(&self) -> anyhow::Result<Config> {
        let overrides = Overrides {
            config: self.config.clone(),
            data: self.data.clone(),
        };
        Ok(Config::load(&overrides)?)
    }

    /// Opens the database beside a server that may be running.
    pub(crate) fn store(&self) -> anyhow::Result<Arc<Store>> {
        let config = self.config()?;
        Ok(Arc::new(Store::open(&config.database_url()?, Role::Tool)?))
    }
}

/// How the log is written by commands that run long.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct LogFlags {
    /// How log lines look [default: log.format of the configuration]
    #[arg(long, value_enum, value_name = "FORMAT")]
    log_format: Option<LogFormat>,
}

impl Command {
    /// Runs the command to its end.
    #[must_use]
    pub fn run(self) -> ExitCode {
        let done = match self.verb {
            Verb::Serve(verb) => verb.run(),
            Verb::Config(verb) => verb.run(),
            Verb::Account(verb) => verb.run(),
            Verb::Token(verb) => verb.run(),
            Verb::AnnounceKey(verb) => verb.run(),
            Verb::Torrent(verb) => verb.run(),
            Verb::Record(verb) => verb.run(),
            Verb::Publish(verb) => verb.run(),
            Verb::Database(verb) => verb.run(),
        };
        match done {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                complain(&error);
                ExitCode::from(1)
            }
        }
    }
}

#[expect(
    clippy::print_stderr,
    reason = "the one place where a refused command says why"
)]
fn complain(error: &anyhow::Error) {
    eprintln!("shoal: {error:#}");
}

/// Writes what was asked for to standard output; a reader that went away (`| head`) is not an error.
pub(crate) fn say(text: &str) {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    let _gone = out
        .write_all(text.as_bytes())
        .and_then(|()| out.write_all(b"\n"))
        .and_then(|()| out.flush());
}

/// Writes a line for the person at the terminal, beside what was asked for.
#[expect(
    clippy::print_stderr,
    reason = "remarks stay out of standard output, which programs read"
)]
pub(crate) fn remark(text: &str) {
    eprintln!("{text}");
}
