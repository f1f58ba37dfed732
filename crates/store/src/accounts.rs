//! Accounts: people with a login here. How they prove who they are is in `sign_in.rs`, `sessions.rs` and `tokens.rs`;
//! suspending them is in `moderation.rs`. Next: `sign_in.rs`.

use diesel::prelude::*;

use crate::actors::{self as local, ActorKeys, ActorKind, NewActor};
use crate::connection::Db;
use crate::error::found;
use crate::events::{Event, record_event};
use crate::moderation_log::{Entry, log};
use crate::schema::{accounts, actors, sessions, sign_in_links, tokens};
use crate::visibility::{VISIBLE, Visibility};
use crate::{Id, Millis, Moment, Page, Paging, Scope, Scopes, Store, StoreError, names, text};

/// An account, as others may see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its id.
    pub id: Id,
    /// Its name, unique over all actors for ever.
    pub name: String,
    /// The name for people.
    pub title: String,
    /// About the person, in their words.
    pub summary: String,
    /// What it may do.
    pub scopes: Scopes,
    /// Its actor.
    pub actor_id: Id,
    /// Whether others may follow it.
    pub followable: bool,
    /// Since when and why it is suspended.
    pub suspended: Option<(Millis, String)>,
    /// When it was made.
    pub created_at: Millis,
    /// Whether a password was set; without one, only a sign-in link leads in.
    pub has_password: bool,
}

/// Who owns or did something: the part of an account that goes with other things.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountRef {
    /// The account.
    pub id: Id,
    /// Its name.
    pub name: String,
}

/// An account to be made.
#[derive(Debug, Clone)]
pub struct NewAccount {
    /// `[a-z0-9_]` with single `-` or `.` inside, 1 to 64 characters.
    pub name: String,
    /// The name for people; the name itself if empty.
    pub title: String,
    /// As argon2 writes it; `None` for an account that signs in by link first.
    pub password_hash: Option<String>,
    /// What it may do.
    pub scopes: Scopes,
    /// Its actor's keys.
    pub keys: ActorKeys,
}

/// Changes of an account by its owner; `None` leaves as it is.
#[derive(Debug, Clone, Default)]
pub struct AccountEdit {
    /// The name for people.
    pub title: Option<String>,
    /// About the person.
    pub summary: Option<String>,
    /// Whether others may follow it.
    pub followable: Option<bool>,
}

impl Store {
    /// Makes an account and its actor.
    ///
    /// # Errors
    /// `Taken`, `Refused` or `Invalid` for a name that cannot be given.
    pub fn create_account(&self, mut moment: Moment, new: NewAccount) -> Result<Account, StoreError> {
        let title = text::line("title", &new.title, text::LINE)?;
        let title = if title.is_empty() { new.name.clone() } else { title };
        self.write(move |tx| {
            names::give(tx.db, &new.name, ActorKind::Account.word(), moment.now)?;
            let actor = NewActor {
                kind: ActorKind::Account,
                name: &new.name,
                title: &title,
                summary: "",
                keys: new.keys,
                followable: false,
            };
            let actor_id = local::insert(tx.db, &mut moment, &actor)?;
            let id = moment.id();
            diesel::insert_into(accounts::table)
                .values((
                    accounts::id.eq(id),
                    accounts::actor_id.eq(actor_id),
                    accounts::name.eq(&new.name),
                    accounts::password_hash.eq(new.password_hash),
                    accounts::scopes.eq(new.scopes.stored()),
                    accounts::created_at.eq(moment.now),
                    accounts::state.eq(VISIBLE),
                    accounts::state_at.eq(moment.now),
                    accounts::state_reason.eq(""),
                ))
                .execute(tx.db)?;
            by_id(tx.db, id)
        })
    }

    /// The account with a name, without regard to case.
    ///
    /// # Errors
    /// `Unavailable`.
    pub fn account(&self, name: &str) -> Result<Option<Account>, StoreError> {
        Ok(self.credentials(name)?.map(|(account, _)| account))
    }

    /// The account with an id.
    ///
    /// # Errors
    /// `Unavailable`.
    pub fn account_by_id(&self, id: Id) -> Result<Option<Account>, StoreError> {
        self.read(|db| found(by_id(db, id)))
    }

    /// The account with a name and its password hash, to check a sign-in; it may be suspended.
    ///
    /// # Errors
    /// `Unavailable`.
    pub fn credentials(&self, name: &str) -> Result<Option<(Account, Option<String>)>, StoreError> {
        let name = name.to_ascii_lowercase();
        self.read(|db| {
            let with_actor = accounts::table
                .inner_join(actors::table)
                .filter(accounts::name.eq(&name));
            let row = with_actor.select(COLUMNS).first(db).optional()?;
            Ok(row.map(of_row))
        })
    }

    /// All accounts by name.
    ///
    /// # Errors
    /// `Invalid` for a foreign cursor.
    pub fn accounts(&self, paging: &Paging) -> Result<Page<Account>, StoreError> {
        let after = paging.after::<1>()?.map_or_else(String::new, |[name]| name);
        let rows = self.read(|db| {
            Ok(accounts::table
                .inner_join(actors::table)
                .filter(accounts::name.gt(after))
                .order(accounts::name)
                .limit(paging.bounded() + 1)
                .select(COLUMNS)
                .load(db)?)
        })?;
        Ok(Page::of(
            rows.into_iter().map(|row| of_row(row).0).collect(),
            paging,
            |account: &Account| [account.name.clone()],
        ))
    }

    /// How many accounts there are, suspended ones included.
    ///
    /// # Errors
    /// `Unavailable`.
    pub fn account_count(&self) -> Result<i64, StoreError> {
        self.read(|db| Ok(accounts::table.count().get_result(db)?))
    }

    /// Sets a password, given as argon2 writes its hash, and ends every session, token and sign-in link that the
    /// account had: whoever came in by them must come in anew.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn set_password(&self, _moment: Moment, account: Id, hash: &str) -> Result<(), StoreError> {
        let hash = hash.to_owned();
        self.write(move |tx| {
            let row = diesel::update(accounts::table.find(account));
            if row.set(accounts::password_hash.eq(Some(hash))).execute(tx.db)? == 0 {
                return Err(StoreError::NotFound { what: "account" });
            }
            end_sessions(tx.db, account)?;
            diesel::delete(tokens::table.filter(tokens::account_id.eq(account))).execute(tx.db)?;
            Ok(())
        })
    }

    /// Changes what an account may do, and writes it into the moderation log.
    ///
    /// # Errors
    /// `NotFound`; `Refused` when nobody could name owners any more.
    pub fn set_scopes(
        &self,
        mut moment: Moment,
        account: Id,
        scopes: Scopes,
        by: Option<Id>,
    ) -> Result<Account, StoreError> {
        self.write(move |tx| {
            let before = by_id(tx.db, account)?;
            if !scopes.allows(Scope::Owner) {
                keep_an_owner(tx.db, &before)?;
            }
            let row = diesel::update(accounts::table.find(account));
            row.set(accounts::scopes.eq(scopes.stored())).execute(tx.db)?;
            let words = format!("{} → {scopes}", before.scopes);
            let entry = Entry {
                by,
                act: "scopes",
                target_kind: "account",
                target_id: &account.to_string(),
                target_label: &before.name,
                reason: &words,
            };
            log(tx.db, &mut moment, &entry)?;
            by_id(tx.db, account)
        })
    }

    /// Changes what an account says of itself.
    ///
    /// # Errors
    /// `NotFound`; `Invalid` for text that is too long.
    pub fn edit_account(
        &self,
        mut moment: Moment,
        account: Id,
        edit: AccountEdit,
    ) -> Result<Account, StoreError> {
        let title = edit.title.map(|title| text::title("title", &title)).transpose()?;
        let summary = edit
            .summary
            .map(|summary| text::prose("summary", &summary, text::PROSE))
            .transpose()?;
        self.write(move |tx| {
            let before = by_id(tx.db, account)?;
            diesel::update(actors::table.find(before.actor_id))
                .set((
                    actors::title.eq(title.unwrap_or(before.title)),
                    actors::summary.eq(summary.unwrap_or(before.summary)),
                    actors::followable.eq(edit.followable.unwrap_or(before.followable)),
                ))
                .execute(tx.db)?;
            record_event(tx.db, &mut moment, &Event::AccountEdited { account })?;
            by_id(tx.db, account)
        })
    }
}

/// Ends what the account is signed in with: sessions and links, not tokens.
pub(crate) fn end_sessions(db: &mut Db, account: Id) -> Result<(), StoreError> {
    diesel::delete(sessions::table.filter(sessions::account_id.eq(account))).execute(db)?;
    diesel::delete(sign_in_links::table.filter(sign_in_links::account_id.eq(account))).execute(db)?;
    Ok(())
}

/// Refuses what would leave nobody who is an owner and not suspended.
pub(crate) fn keep_an_owner(db: &mut Db, without: &Account) -> Result<(), StoreError> {
    let others: Vec<i64> = accounts::table
        .filter(accounts::id.ne(without.id).and(accounts::state.eq(VISIBLE)))
        .select(accounts::scopes)
        .distinct()
        .load(db)?;
    let is_owner = without.scopes.allows(Scope::Owner) && without.suspended.is_none();
    if is_owner
        && !others
            .iter()
            .any(|&scopes| Scopes::from_stored(scopes).allows(Scope::Owner))
    {
        return Err(StoreError::Refused(format!(
            "{} is the only owner. Make another account an owner first.",
            without.name
        )));
    }
    Ok(())
}

/// The account, or `NotFound`.
pub(crate) fn by_id(db: &mut Db, id: Id) -> Result<Account, StoreError> {
    let with_actor = accounts::table
        .inner_join(actors::table)
        .filter(accounts::id.eq(id));
    let row = with_actor.select(COLUMNS).first(db).optional()?;
    row.map(|row| of_row(row).0)
        .ok_or(StoreError::NotFound { what: "account" })
}

type Columns = (
    (
        accounts::id,
        accounts::name,
        accounts::actor_id,
        accounts::scopes,
        accounts::created_at,
    ),
    (actors::title, actors::summary, actors::followable),
    (accounts::state, accounts::state_at, accounts::state_reason),
    accounts::password_hash,
);
const COLUMNS: Columns = (
    (
        accounts::id,
        accounts::name,
        accounts::actor_id,
        accounts::scopes,
        accounts::created_at,
    ),
    (actors::title, actors::summary, actors::followable),
    (accounts::state, accounts::state_at, accounts::state_reason),
    accounts::password_hash,
);
type Row = (
    (Id, String, Id, i64, Millis),
    (String, String, bool),
    (String, Millis, String),
    Option<String>,
);

fn of_row(row: Row) -> (Account, Option<String>) {
    let ((id, name, actor_id, scopes, created_at), (title, summary, followable), state, hash) = row;
    let suspended = match Visibility::from_columns(&state.0, state.1, state.2) {
        Visibility::Visible => None,
        Visibility::Hidden { at, reason } | Visibility::Removed { at, reason } => Some((at, reason)),
    };
    let scopes = Scopes::from_stored(scopes);
    let has_password = hash.is_some();
    (
        Account {
            id,
            name,
            title,
            summary,
            scopes,
            actor_id,
            followable,
            suspended,
            created_at,
            has_password,
        },
        hash,
    )
}
