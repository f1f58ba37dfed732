//! One-time links that let an account sign in: printed when it is made, or given by an administrator. The secret itself
//! never comes here, only its hash. Next: `sessions.rs`.

use diesel::prelude::*;

use crate::accounts::{self, Account};
use crate::schema::sign_in_links;
use crate::{Id, Millis, Moment, Store, StoreError};

impl Store {
    /// Keeps the hash of a link's secret until it is used or `expires_at`.
    ///
    /// # Errors
    /// `NotFound`; `Refused` for a suspended account.
    pub fn create_sign_in_link(
        &self,
        moment: Moment,
        account: Id,
        secret_hash: [u8; 32],
        expires_at: Millis,
    ) -> Result<(), StoreError> {
        self.write(move |tx| {
            let account = accounts::by_id(tx.db, account)?;
            if let Some((_, reason)) = account.suspended {
                return Err(StoreError::Refused(format!(
                    "{} is suspended: {reason}",
                    account.name
                )));
            }
            let outlived = sign_in_links::table
                .filter(sign_in_links::account_id.eq(account.id))
                .filter(sign_in_links::expires_at.le(moment.now));
            diesel::delete(outlived).execute(tx.db)?;
            diesel::insert_into(sign_in_links::table)
                .values((
                    sign_in_links::secret_hash.eq(secret_hash.as_slice()),
                    sign_in_links::account_id.eq(account.id),
                    sign_in_links::created_at.eq(moment.now),
                    sign_in_links::expires_at.eq(expires_at),
                ))
                .execute(tx.db)?;
            Ok(())
        })
    }

    /// The account that a link signs in. The link is used up, whatever comes of it.
    ///
    /// # Errors
    /// `NotFound` for a link that is unknown, used or too old; `Refused` for a suspended account.
    pub fn use_sign_in_link(&self, moment: Moment, secret_hash: [u8; 32]) -> Result<Account, StoreError> {
        let used = self.write(move |tx| {
            let link = sign_in_links::table.find(secret_hash.as_slice());
            let kept: Option<(Id, Millis)> = link
                .select((sign_in_links::account_id, sign_in_links::expires_at))
                .first(tx.db)
                .optional()?;
            diesel::delete(sign_in_links::table.find(secret_hash.as_slice())).execute(tx.db)?;
            match kept {
                Some((account, expires_at)) if moment.now < expires_at => {
                    accounts::by_id(tx.db, account).map(Some)
                }
                _ => Ok(None),
            }
        })?;
        let account = used.ok_or(StoreError::NotFound { what: "sign-in link" })?;
        match &account.suspended {
            Some((_, reason)) => Err(StoreError::Refused(format!(
                "This account is suspended: {reason}"
            ))),
            None => Ok(account),
        }
    }
}
