//! `shoal config` and `shoal config check`. What the latter reports is in `check.rs`.

use clap::{Args, Subcommand};

use super::{Place, check, say};
use crate::config::EXAMPLE;

#[derive(Debug, Args)]
pub(super) struct ShowConfig {
    #[command(subcommand)]
    act: Option<Act>,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Say what is wrong with the configuration that `serve` would use, where it would listen and where clients announce
    Check(Place),
}

impl ShowConfig {
    pub(super) fn run(self) -> anyhow::Result<()> {
        match self.act {
            None => say(EXAMPLE.trim_end()),
            Some(Act::Check(place)) => {
                let config = place.config()?;
                say("The configuration is good.");
                check::report(&config).iter().for_each(|line| say(line));
            }
        }
        Ok(())
    }
}
