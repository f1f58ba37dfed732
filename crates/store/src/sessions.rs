//! Sessions of browsers: a hashed secret, the account behind it, a token against forged requests, and an end. Next:
//! `tokens.rs`, the same for programs.

use diesel::prelude::*;

use crate::accounts::{self, Account};
use crate::connection::Db;
use crate::schema::{sessions, sign_in_links};
use crate::{Id, Millis, Moment, Store, StoreError};

/// Sessions of one account at most; a further one ends the oldest.
const MOST: i64 = 100;

/// A signed-in browser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Whose.
    pub account: Id,
    /// What its forms must carry.
    pub csrf: String,
    /// When it began.
    pub created_at: Millis,
    /// When it ends.
    pub expires_at: Millis,
}

/// A session to be begun.
#[derive(Debug, Clone)]
pub struct NewSession {
    /// Whose.
    pub account: Id,
    /// Of the secret that the browser keeps.
    pub secret_hash: [u8; 32],
    /// What its forms must carry.
    pub csrf: String,
    /// When it ends.
    pub expires_at: Millis,
}

impl Store {
    /// Begins a session.
    ///
    /// # Errors
    /// `NotFound`; `Refused` for a suspended account.
    pub fn create_session(&self, moment: Moment, new: NewSession) -> Result<Session, StoreError> {
        self.write(move |tx| {
            let account = accounts::by_id(tx.db, new.account)?;
            if let Some((_, reason)) = account.suspended {
                return Err(StoreError::Refused(format!(
                    "This account is suspended: {reason}"
                )));
            }
            make_room(tx.db, account.id)?;
            diesel::insert_into(sessions::table)
                .values((
                    sessions::secret_hash.eq(new.secret_hash.as_slice()),
                    sessions::account_id.eq(account.id),
                    sessions::csrf.eq(&new.csrf),
                    sessions::created_at.eq(moment.now),
                    sessions::expires_at.eq(new.expires_at),
                ))
                .execute(tx.db)?;
            let (created_at, expires_at) = (moment.now, new.expires_at);
            Ok(Session {
                account: account.id,
                csrf: new.csrf,
                created_at,
                expires_at,
            })
        })
    }

    /// The session of a secret and its account, unless it ended or the account is suspended.
    ///
    /// # Errors
    /// `Unavailable`.
    pub fn session(
        &self,
        now: Millis,
        secret_hash: [u8; 32],
    ) -> Result<Option<(Session, Account)>, StoreError> {
        self.read(|db| {
            let row: Option<(Id, String, Millis, Millis)> = sessions::table
                .find(secret_hash.as_slice())
                .select((
                    sessions::account_id,
                    sessions::csrf,
                    sessions::created_at,
                    sessions::expires_at,
                ))
                .first(db)
                .optional()?;
            let Some((account, csrf, created_at, expires_at)) = row.filter(|row| now < row.3) else {
                return Ok(None);
            };
            let owner = accounts::by_id(db, account)?;
            if owner.suspended.is_some() {
                return Ok(None);
            }
            Ok(Some((
                Session {
                    account,
                    csrf,
                    created_at,
                    expires_at,
                },
                owner,
            )))
        })
    }

    /// Ends a session; one that ended already is no error.
    ///
    /// # Errors
    /// `Unavailable`.
    pub fn end_session(&self, _moment: Moment, secret_hash: [u8; 32]) -> Result<(), StoreError> {
        self.write_beside(move |tx| {
            diesel::delete(sessions::table.find(secret_hash.as_slice())).execute(tx.db)?;
            Ok(())
        })
    }

    /// Deletes the sessions and sign-in links that ended, and what the lists of the tracker's changes no longer need.
    ///
    /// # Errors
    /// `Unavailable`.
    pub fn sweep_expired(&self, moment: Moment) -> Result<(), StoreError> {
        self.write_beside(move |tx| {
            diesel::delete(sessions::table.filter(sessions::expires_at.le(moment.now))).execute(tx.db)?;
            diesel::delete(sign_in_links::table.filter(sign_in_links::expires_at.le(moment.now)))
                .execute(tx.db)?;
            crate::announce_keys::sweep(tx.db, moment.now)?;
            crate::listing::sweep(tx.db, moment.now)
        })
    }
}

/// Ends the oldest session if there are as many as may be.
fn make_room(db: &mut Db, account: Id) -> Result<(), StoreError> {
    let surplus: Vec<Vec<u8>> = sessions::table
        .filter(sessions::account_id.eq(account))
        .order((sessions::created_at.desc(), sessions::secret_hash))
        .offset(MOST - 1)
        .limit(MOST)
        .select(sessions::secret_hash)
        .load(db)?;
    for secret_hash in surplus {
        diesel::delete(sessions::table.find(secret_hash)).execute(db)?;
    }
    Ok(())
}
