//! Tokens: how programs sign in. Only the hash of the secret is kept. Next: `datasets.rs`.

use diesel::prelude::*;

use crate::accounts::{self, Account};
use crate::schema::tokens;
use crate::{Id, Millis, Moment, Scopes, Store, StoreError, text};

/// Tokens of one account at most.
const MOST: i64 = 100;

/// A program's way in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Its id, to revoke it.
    pub id: Id,
    /// Whose.
    pub account: Id,
    /// What it is for, in its owner's words.
    pub label: String,
    /// What it may do; in the answer of [`Store::token`] no more than its account may.
    pub scopes: Scopes,
    /// When it was made.
    pub created_at: Millis,
}

/// A token to be made.
#[derive(Debug, Clone)]
pub struct NewToken {
    /// Whose.
    pub account: Id,
    /// What it is for.
    pub label: String,
    /// What it may do.
    pub scopes: Scopes,
    /// Of the secret that the program keeps.
    pub secret_hash: [u8; 32],
}

impl Store {
    /// Makes a token.
    ///
    /// # Errors
    /// `NotFound`; `Refused` when the account is suspended or has 100 already.
    pub fn create_token(&self, mut moment: Moment, new: NewToken) -> Result<Token, StoreError> {
        let label = text::line("label", &new.label, text::LINE)?;
        self.write(move |tx| {
            let account = accounts::by_id(tx.db, new.account)?;
            if let Some((_, reason)) = account.suspended {
                return Err(StoreError::Refused(format!(
                    "{} is suspended: {reason}",
                    account.name
                )));
            }
            let count: i64 = tokens::table
                .filter(tokens::account_id.eq(account.id))
                .count()
                .get_result(tx.db)?;
            if count >= MOST {
                return Err(StoreError::Refused(format!(
                    "{} has {count} tokens already. Revoke one that is no longer needed.",
                    account.name
                )));
            }
            let id = moment.id();
            diesel::insert_into(tokens::table)
                .values((
                    tokens::id.eq(id),
                    tokens::account_id.eq(account.id),
                    tokens::label.eq(&label),
                    tokens::scopes.eq(new.scopes.stored()),
                    tokens::secret_hash.eq(new.secret_hash.as_slice()),
                    tokens::created_at.eq(moment.now),
                ))
                .execute(tx.db)?;
            Ok(Token {
                id,
                account: account.id,
                label,
                scopes: new.scopes,
                created_at: moment.now,
            })
        })
    }

    /// The tokens of an account, the oldest first; at most 100.
    ///
    /// # Errors
    /// `Unavailable`.
    pub fn tokens(&self, account: Id) -> Result<Vec<Token>, StoreError> {
        self.read(|db| {
            let of_account = tokens::table
                .filter(tokens::account_id.eq(account))
                .order(tokens::id)
                .limit(MOST);
            Ok(of_account
                .select(COLUMNS)
                .load(db)?
                .into_iter()
                .map(of_row)
                .collect())
        })
    }

    /// Ends a token. With `account`, only one of that account: another's is not found.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn revoke_token(&self, _moment: Moment, id: Id, account: Option<Id>) -> Result<(), StoreError> {
        self.write(move |tx| {
            let token: Option<Id> = tokens::table
                .find(id)
                .select(tokens::account_id)
                .first(tx.db)
                .optional()?;
            if token.is_none() || account.is_some() && token != account {
                return Err(StoreError::NotFound { what: "token" });
            }
            diesel::delete(tokens::table.find(id)).execute(tx.db)?;
            Ok(())
        })
    }

    /// The token of a secret and its account, unless that is suspended.
    ///
    /// # Errors
    /// `Unavailable`.
    pub fn token(&self, _now: Millis, secret_hash: [u8; 32]) -> Result<Option<(Token, Account)>, StoreError> {
        self.read(|db| {
            let of_secret = tokens::table.filter(tokens::secret_hash.eq(secret_hash.as_slice()));
            let Some(row) = of_secret.select(COLUMNS).first(db).optional()? else {
                return Ok(None);
            };
            let token = of_row(row);
            let account = accounts::by_id(db, token.account)?;
            if account.suspended.is_some() {
                return Ok(None);
            }
            Ok(Some((
                Token {
                    scopes: token.scopes.both(account.scopes),
                    ..token
                },
                account,
            )))
        })
    }
}

type Columns = (
    tokens::id,
    tokens::account_id,
    tokens::label,
    tokens::scopes,
    tokens::created_at,
);
const COLUMNS: Columns = (
    tokens::id,
    tokens::account_id,
    tokens::label,
    tokens::scopes,
    tokens::created_at,
);

fn of_row((id, account, label, scopes, created_at): (Id, Id, String, i64, Millis)) -> Token {
    Token {
        id,
        account,
        label,
        scopes: Scopes::from_stored(scopes),
        created_at,
    }
}
