//! `shoal token create | list | revoke`: secrets for programs that use the API.

use anyhow::bail;
use clap::{Args, Subcommand};
use shoal_store::{Id, NewToken, Scopes};

use super::account::find;
use super::{Place, say};
use crate::{clock, secrets};

#[derive(Debug, Args)]
pub(super) struct Token {
    #[command(subcommand)]
    act: Act,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Make a token for an account and print it, once
    Create {
        /// The account
        name: String,
        /// What it is for, to know it again in the list
        #[arg(long, default_value = "")]
        label: String,
        /// What it may do, never more than its account [default: all that the account may]
        #[arg(long, value_delimiter = ',', value_name = "S,…")]
        scope: Vec<String>,
    },
    /// List an account's tokens, without their secrets
    List { name: String },
    /// End a token
    Revoke { id: String },
}

impl Token {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let store = self.place.store()?;
        match self.act {
            Act::Create { name, label, scope } => {
                let account = find(&store, &name)?;
                let scopes: Scopes = if scope.is_empty() {
                    account.scopes
                } else {
                    scope.join(",").parse()?
                };
                let secret = secrets::fresh("shoal_");
                let token = NewToken {
                    account: account.id,
                    label,
                    scopes,
                    secret_hash: secrets::hash(&secret),
                };
                store.create_token(clock::moment(), token)?;
                say(&secret);
            }
            Act::List { name } => {
                for token in store.tokens(find(&store, &name)?.id)? {
                    say(&format!("{}  {:<24} {}", token.id, token.label, token.scopes));
                }
            }
            Act::Revoke { id } => {
                let Ok(id) = id.parse::<Id>() else {
                    bail!("{id:?} is not the id of a token; `shoal token list NAME` shows them")
                };
                store.revoke_token(clock::moment(), id, None)?;
                say("The token is ended.");
            }
        }
        Ok(())
    }
}
