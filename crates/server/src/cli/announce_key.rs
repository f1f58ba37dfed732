//! `shoal announce-key create | list | revoke`: personal announce keys of accounts. A serving process hears of what is done
//! here within a second.

use anyhow::bail;
use clap::{Args, Subcommand};
use shoal_store::{AnnounceKey as Row, Id, NewAnnounceKey};

use super::account::{base_url, find};
use super::{Place, say};
use crate::{announce_keys, clock};

#[derive(Debug, Args)]
pub(super) struct AnnounceKey {
    #[command(subcommand)]
    act: Act,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Make a key for an account and print its personal announce URL, once
    Create {
        /// The account
        name: String,
        /// Which clients will have it, to know it again in the list
        #[arg(long, default_value = "")]
        label: String,
        /// Name the account as host of what is seeded with it
        #[arg(long)]
        named: bool,
    },
    /// List an account's keys, without their secrets
    List { name: String },
    /// Refuse clients that have a key from now on
    Revoke { id: String },
}

impl AnnounceKey {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let store = self.place.store()?;
        match self.act {
            Act::Create { name, label, named } => {
                let key = announce_keys::fresh();
                let new = NewAnnounceKey {
                    account: find(&store, &name)?.id,
                    label,
                    named,
                    key_hash: key.hash().0,
                };
                store.create_announce_key(clock::moment(), new)?;
                say(&announce_keys::url(&base_url(&self.place, &store)?, &key));
            }
            Act::List { name } => {
                for key in store.announce_keys_of(find(&store, &name)?.id)? {
                    say(&line(&key));
                }
            }
            Act::Revoke { id } => {
                let Ok(id) = id.parse::<Id>() else {
                    bail!("{id:?} is not the id of a key; `shoal announce-key list NAME` shows them")
                };
                store.revoke_announce_key(clock::moment(), id, None)?;
                say("The key is revoked.");
            }
        }
        Ok(())
    }
}

fn line(key: &Row) -> String {
    let used = match (key.revoked_at, key.used_day) {
        (Some(at), _) => format!("revoked {}", clock::rfc3339(at)),
        (None, Some(day)) => format!("used {}", clock::date(day)),
        (None, None) => "not used yet".to_owned(),
    };
    let named = if key.named { "  named as host" } else { "" };
    format!("{}  {:<24} {used}{named}", key.id, key.label)
}
