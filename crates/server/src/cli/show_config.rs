//! `shoal config` and `shoal config check`.

use clap::{Args, Subcommand};

use super::{Place, say};
use crate::config::EXAMPLE;

#[derive(Debug, Args)]
pub(super) struct ShowConfig {
    #[command(subcommand)]
    act: Option<Act>,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Say what is wrong with the configuration that `serve` would use
    Check(Place),
}

impl ShowConfig {
    pub(super) fn run(self) -> anyhow::Result<()> {
        match self.act {
            None => say(EXAMPLE.trim_end()),
            Some(Act::Check(place)) => {
                place.config()?;
                say("The configuration is good.");
            }
        }
        Ok(())
    }
}
