//! Moderators' acts: hide (reversible), restore, remove (final). Each is one transaction with its line in the log, its
//! event and its change of what the tracker may serve, so that it takes effect everywhere or not at all. Who may do it
//! is the server's question. The log itself is in `moderation_log.rs`. Next: `listing.rs`.

use diesel::prelude::*;

use crate::connection::each;
use crate::engine::Tx;
use crate::events::{Event, record_event};
use crate::listing::{self, Listing, ListingChange};
use crate::moderation_log::{Entry, log};
use crate::schema::{accounts as account_table, actors, blocked_hashes, datasets, tokens, uploads};
use crate::uploads::Upload;
use crate::visibility::{HIDDEN, REMOVED, VISIBLE, Visibility};
use crate::{Id, Moment, Store, StoreError, accounts, announce_keys, collections, search, text};

/// What an act is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Target {
    /// One upload.
    Upload(Id),
    /// A dataset with all its uploads.
    Dataset(Id),
    /// A collection, not the datasets in it.
    Collection(Id),
    /// An account, not what it published; hiding is suspending.
    Account(Id),
}

impl Target {
    /// The word for its kind, in the log and the API.
    #[must_use]
    pub fn kind(self) -> &'static str {
        match self {
            Self::Upload(_) => "upload",
            Self::Dataset(_) => "dataset",
            Self::Collection(_) => "collection",
            Self::Account(_) => "account",
        }
    }

    /// The id of the thing.
    #[must_use]
    pub fn id(self) -> Id {
        match self {
            Self::Upload(id) | Self::Dataset(id) | Self::Collection(id) | Self::Account(id) => id,
        }
    }
}

/// The three acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Hide,
    Restore,
    Remove,
}

impl Act {
    fn word(self) -> &'static str {
        match self {
            Self::Hide => "hide",
            Self::Restore => "restore",
            Self::Remove => "remove",
        }
    }

    /// The state it leads to.
    fn state(self) -> &'static str {
        match self {
            Self::Hide => HIDDEN,
            Self::Restore => VISIBLE,
            Self::Remove => REMOVED,
        }
    }
}

/// An act that is asked for.
struct Deed<'a> {
    act: Act,
    by: Option<Id>,
    reason: &'a str,
}

impl Store {
    /// Hides a thing until it is restored; an account is suspended. Hiding what is hidden changes only the reason.
    ///
    /// # Errors
    /// `NotFound`; `Gone` for what was removed; `Refused` for the last owner; `Invalid` without a reason.
    pub fn hide(&self, moment: Moment, target: Target, by: Id, reason: &str) -> Result<(), StoreError> {
        self.moderate(
            moment,
            target,
            Deed {
                act: Act::Hide,
                by: Some(by),
                reason,
            },
        )
    }

    /// Shows a hidden thing again. Restoring what is visible does nothing.
    ///
    /// # Errors
    /// `NotFound`; `Gone` for what was removed.
    pub fn restore(&self, moment: Moment, target: Target, by: Id, reason: &str) -> Result<(), StoreError> {
        self.moderate(
            moment,
            target,
            Deed {
                act: Act::Restore,
                by: Some(by),
                reason,
            },
        )
    }

    /// Removes a thing for ever. The hashes of removed uploads are blocked for ever, and so is the same content under
    /// other names where its files have hashes of their own (BEP 52). A removed account keeps its name, so that nobody
    /// inherits it, and loses its password, tokens, announce keys and words.
    ///
    /// # Errors
    /// `NotFound`; `Gone` for what was removed; `Refused` for the last owner; `Invalid` without a reason.
    pub fn remove(&self, moment: Moment, target: Target, by: Id, reason: &str) -> Result<(), StoreError> {
        self.moderate(
            moment,
            target,
            Deed {
                act: Act::Remove,
                by: Some(by),
                reason,
            },
        )
    }

    /// As `hide` for an account; `by` is `None` on the command line.
    ///
    /// # Errors
    /// As `hide`.
    pub fn suspend_account(
        &self,
        moment: Moment,
        account: Id,
        by: Option<Id>,
        reason: &str,
    ) -> Result<(), StoreError> {
        self.moderate(
            moment,
            Target::Account(account),
            Deed {
                act: Act::Hide,
                by,
                reason,
            },
        )
    }

    /// As `restore` for an account; `by` is `None` on the command line.
    ///
    /// # Errors
    /// As `restore`.
    pub fn restore_account(&self, moment: Moment, account: Id, by: Option<Id>) -> Result<(), StoreError> {
        self.moderate(
            moment,
            Target::Account(account),
            Deed {
                act: Act::Restore,
                by,
                reason: "",
            },
        )
    }

    fn moderate(&self, mut moment: Moment, target: Target, deed: Deed<'_>) -> Result<(), StoreError> {
        let Deed { act, by, reason } = deed;
        let reason = text::prose("reason", reason, text::REASON)?;
        if reason.is_empty() && act != Act::Restore {
            return Err(StoreError::Invalid(
                "The reason is missing: it is shown where the thing was.".into(),
            ));
        }
        self.write(move |tx| {
            let (state, label) = state_of(tx, target)?;
            if let Visibility::Removed { reason, .. } = state {
                return Err(StoreError::Gone { reason });
            }
            if state.is_visible() && act == Act::Restore {
                return Ok(());
            }
            let words = Entry {
                by,
                act: act.word(),
                target_kind: target.kind(),
                target_id: &target.id().to_string(),
                target_label: &label,
                reason: &reason,
            };
            log(tx.db, &mut moment, &words)?;
            let done = Done {
                act,
                was_visible: state.is_visible(),
                reason,
            };
            match target {
                Target::Upload(id) => done.to_upload(tx, &mut moment, id),
                Target::Dataset(id) => done.to_dataset(tx, &mut moment, id),
                Target::Collection(id) => {
                    collections::set_state(tx.db, id, done.act.state(), moment.now, &done.reason)?;
                    search::show(tx.db, &[id], act == Act::Restore)?;
                    done.tell(tx, &mut moment, collection_event(act, id))
                }
                Target::Account(id) => done.to_account(tx, &moment, id),
            }
        })
    }
}

/// An act that is allowed, on its way into the rows.
struct Done {
    act: Act,
    was_visible: bool,
    reason: String,
}

impl Done {
    /// Others hear of it, unless it was hidden before and is hidden again.
    fn tell(&self, tx: &mut Tx<'_>, moment: &mut Moment, event: Event) -> Result<(), StoreError> {
        if self.act == Act::Hide && !self.was_visible {
            return Ok(());
        }
        record_event(tx.db, moment, &event)
    }

    fn to_upload(&self, tx: &mut Tx<'_>, moment: &mut Moment, id: Id) -> Result<(), StoreError> {
        diesel::update(uploads::table.find(id))
            .set((
                uploads::state.eq(self.act.state()),
                uploads::state_at.eq(moment.now),
                uploads::state_reason.eq(&self.reason),
            ))
            .execute(tx.db)?;
        let upload = crate::uploads::by_id(tx.db, id)?;
        self.to_content(tx, moment, &upload)?;
        crate::datasets::recount(tx.db, upload.dataset.id)?;
        if self.act == Act::Restore && !upload.state.is_visible() {
            // Its dataset is still hidden; others hear of both when that is restored.
            return Ok(());
        }
        let event = match self.act {
            Act::Hide => Event::UploadHidden { upload: id },
            Act::Restore => Event::UploadRestored { upload: id },
            Act::Remove => Event::UploadRemoved { upload: id },
        };
        self.tell(tx, moment, event)
    }

    fn to_dataset(&self, tx: &mut Tx<'_>, moment: &mut Moment, id: Id) -> Result<(), StoreError> {
        diesel::update(datasets::table.find(id))
            .set((
                datasets::state.eq(self.act.state()),
                datasets::state_at.eq(moment.now),
                datasets::state_reason.eq(&self.reason),
            ))
            .execute(tx.db)?;
        search::show(tx.db, &[id], self.act == Act::Restore)?;
        let of_dataset = uploads::table
            .filter(uploads::dataset_id.eq(id))
            .order(uploads::id);
        for upload in of_dataset.select(uploads::id).load::<Id>(tx.db)? {
            let upload = crate::uploads::by_id(tx.db, upload)?;
            self.to_content(tx, moment, &upload)?;
        }
        let event = match self.act {
            Act::Hide => Event::DatasetHidden { dataset: id },
            Act::Restore => Event::DatasetRestored { dataset: id },
            Act::Remove => Event::DatasetRemoved { dataset: id },
        };
        self.tell(tx, moment, event)
    }

    /// What an upload's new state means for the tracker, the search and later uploads of the same.
    fn to_content(&self, tx: &mut Tx<'_>, moment: &Moment, upload: &Upload) -> Result<(), StoreError> {
        let visible = upload.state.is_visible();
        search::show(tx.db, &[upload.id], visible)?;
        if self.act == Act::Remove {
            self.block(tx, moment, upload)?;
        }
        let keys = upload
            .swarm_keys()
            .ok_or_else(|| StoreError::Internal("an upload without hashes".into()))?;
        let change = ListingChange {
            keys,
            state: if visible {
                Listing::Listed
            } else {
                Listing::Forbidden
            },
            private: upload.private,
        };
        listing::change(tx, moment.now, change)
    }

    fn block(&self, tx: &mut Tx<'_>, moment: &Moment, upload: &Upload) -> Result<(), StoreError> {
        let content: Option<String> = uploads::table
            .find(upload.id)
            .select(uploads::content_hash)
            .first(tx.db)?;
        let hashes = [
            ("v1", upload.info_hash_v1.map(|hash| hash.to_string())),
            ("v2", upload.info_hash_v2.map(|hash| hash.to_string())),
            ("content", content),
        ];
        for (kind, hash) in hashes {
            let Some(hash) = hash else { continue };
            let row = (
                blocked_hashes::hash.eq(hash),
                blocked_hashes::kind.eq(kind),
                blocked_hashes::upload_id.eq(upload.id),
                blocked_hashes::reason.eq(&self.reason),
                blocked_hashes::blocked_at.eq(moment.now),
            );
            each!(&mut *tx.db, conn => diesel::insert_into(blocked_hashes::table)
                .values(row)
                .on_conflict_do_nothing()
                .execute(conn))?;
        }
        Ok(())
    }

    fn to_account(&self, tx: &mut Tx<'_>, moment: &Moment, id: Id) -> Result<(), StoreError> {
        let account = accounts::by_id(tx.db, id)?;
        if self.act != Act::Restore {
            accounts::keep_an_owner(tx.db, &account)?;
            accounts::end_sessions(tx.db, id)?;
        }
        announce_keys::of_account_become(tx, moment.now, id, self.act == Act::Restore)?;
        diesel::update(account_table::table.find(id))
            .set((
                account_table::state.eq(self.act.state()),
                account_table::state_at.eq(moment.now),
                account_table::state_reason.eq(&self.reason),
            ))
            .execute(tx.db)?;
        if self.act == Act::Remove {
            announce_keys::forget(tx.db, id)?;
            diesel::delete(tokens::table.filter(tokens::account_id.eq(id))).execute(tx.db)?;
            let none = account_table::password_hash.eq(None::<String>);
            diesel::update(account_table::table.find(id))
                .set(none)
                .execute(tx.db)?;
            diesel::update(actors::table.find(account.actor_id))
                .set((
                    actors::title.eq(&account.name),
                    actors::summary.eq(""),
                    actors::followable.eq(false),
                ))
                .execute(tx.db)?;
        }
        Ok(())
    }
}

fn collection_event(act: Act, collection: Id) -> Event {
    match act {
        Act::Hide => Event::CollectionHidden { collection },
        Act::Restore => Event::CollectionRestored { collection },
        Act::Remove => Event::CollectionRemoved { collection },
    }
}

/// The thing's own state, and what the log calls it.
fn state_of(tx: &mut Tx<'_>, target: Target) -> Result<(Visibility, String), StoreError> {
    macro_rules! row {
        ($table:ident, $label:ident, $id:expr) => {
            $table::table
                .find($id)
                .select((
                    $table::state,
                    $table::state_at,
                    $table::state_reason,
                    $table::$label,
                ))
                .first(tx.db)
                .optional()?
        };
    }
    let row: Option<(String, i64, String, String)> = match target {
        Target::Upload(id) => row!(uploads, name, id),
        Target::Dataset(id) => row!(datasets, title, id),
        Target::Account(id) => row!(account_table, name, id),
        Target::Collection(id) => {
            use crate::schema::collections;
            row!(collections, name, id)
        }
    };
    let (state, at, reason, label) = row.ok_or(StoreError::NotFound { what: target.kind() })?;
    Ok((Visibility::from_columns(&state, at, reason), label))
}
