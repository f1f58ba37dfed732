//! `shoal account create | list | suspend | restore | password`.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use shoal_store::{Account as Row, Paging, Scopes, Store};
use url::Url;

use super::{Place, remark, say};
use crate::{accounts, clock, secrets};

#[derive(Debug, Args)]
pub(super) struct Account {
    #[command(subcommand)]
    act: Act,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Make an account and print its one-time sign-in link
    Create {
        name: String,
        /// What it may do: submit, upload, review, admin, owner
        #[arg(long, value_delimiter = ',', value_name = "S,…")]
        scope: Vec<String>,
        /// Set the password that stands in this file instead of printing a link
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
    },
    /// List all accounts
    List {
        /// One JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// End an account's sessions and tokens and keep it from signing in
    Suspend {
        name: String,
        /// Told to the person concerned
        #[arg(long, default_value = "")]
        reason: String,
    },
    /// Let a suspended account in again
    Restore { name: String },
    /// Set a new password, or print a one-time sign-in link
    Password {
        name: String,
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
    },
}

impl Account {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let store = self.place.store()?;
        match self.act {
            Act::Create {
                name,
                scope,
                password_file,
            } => {
                let scopes: Scopes = scope.join(",").parse()?;
                let hash = password_file.as_deref().map(password).transpose()?;
                let linked = hash.is_none();
                let row = accounts::create(&store, &name, scopes, hash)?;
                if linked {
                    print_link(&self.place, &store, &row)?
                } else {
                    say(&format!("{} is made.", row.name))
                }
            }
            Act::List { json } => list(&store, json)?,
            Act::Suspend { name, reason } => {
                let row = find(&store, &name)?;
                store.suspend_account(clock::moment(), row.id, None, &reason)?;
                say(&format!("{name} is suspended."));
            }
            Act::Restore { name } => {
                let row = find(&store, &name)?;
                store.restore_account(clock::moment(), row.id, None)?;
                say(&format!("{name} may sign in again."));
            }
            Act::Password { name, password_file } => {
                let row = find(&store, &name)?;
                match password_file {
                    None => print_link(&self.place, &store, &row)?,
                    Some(file) => {
                        store.set_password(clock::moment(), row.id, &password(&file)?)?;
                        say(&format!(
                            "{name} has a new password; its sessions and tokens are ended."
                        ));
                    }
                }
            }
        }
        Ok(())
    }
}

pub(super) fn find(store: &Store, name: &str) -> anyhow::Result<Row> {
    match store.account(name)? {
        Some(row) => Ok(row),
        None => bail!("there is no account {name:?}; `shoal account list` shows them"),
    }
}

/// The first line of a file, hashed.
fn password(file: &Path) -> anyhow::Result<String> {
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    secrets::hash_password(text.lines().next().unwrap_or_default()).map_err(anyhow::Error::msg)
}

/// Where the archive is reached: as configured, else as a serving process left it.
pub(super) fn base_url(place: &Place, store: &Store) -> anyhow::Result<Url> {
    let config = place.config()?;
    let left = store
        .setting(accounts::URL_SETTING)?
        .and_then(|text| Url::parse(&text).ok());
    Ok(match config.instance.url.clone().or(left) {
        Some(url) => url,
        None => Url::parse(&format!("http://{}/", config.http.listen))?,
    })
}

fn print_link(place: &Place, store: &Store, row: &Row) -> anyhow::Result<()> {
    let base = base_url(place, store)?;
    remark("One-time sign-in link, good for three days:");
    say(accounts::sign_in_link(store, row, &base)?.as_str());
    Ok(())
}

fn list(store: &Store, json: bool) -> anyhow::Result<()> {
    let mut cursor = None;
    loop {
        let page = store.accounts(&Paging { limit: 200, cursor })?;
        for row in &page.items {
            let suspended = row
                .suspended
                .as_ref()
                .map(|(at, reason)| (clock::rfc3339(*at), reason));
            if json {
                say(&serde_json::json!({ "name": row.name, "scopes": row.scopes.to_string(),
                    "created_at": clock::rfc3339(row.created_at), "suspended_at": suspended.as_ref().map(|(at, _)| at) })
                .to_string());
            } else {
                let state = suspended
                    .map(|(at, reason)| format!("  suspended {at} {reason}"))
                    .unwrap_or_default();
                say(&format!("{:<24} {}{state}", row.name, row.scopes));
            }
        }
        cursor = page.next;
        if cursor.is_none() {
            return Ok(());
        }
    }
}
