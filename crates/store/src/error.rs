//! What can go wrong when something is asked of the store. Each variant carries a sentence for people where people
//! are the reason; the server decides what they see and with which status. Next: `connection.rs`.

use diesel::result::{DatabaseErrorKind, Error as DieselError};

use crate::Id;

/// Why a verb did not do what was asked. Nothing of it was written then.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// There is no such row.
    #[error("There is no such {what}.")]
    NotFound {
        /// What was looked for, in one word.
        what: &'static str,
    },
    /// The name or hash belongs to something else already.
    #[error("{sentence}")]
    Taken {
        /// What is taken, in one word.
        what: &'static str,
        /// A sentence for the one who asked.
        sentence: String,
        /// What has it, where that may be told.
        existing: Option<Id>,
    },
    /// It was here, and moderators removed it.
    #[error("This was removed by the moderators: {reason}")]
    Gone {
        /// The moderators' words.
        reason: String,
    },
    /// Not allowed, whatever the input looks like.
    #[error("{0}")]
    Refused(String),
    /// The input cannot be taken as it is.
    #[error("{0}")]
    Invalid(String),
    /// The database cannot be reached or cannot write now; the same call may succeed later.
    #[error("The database is not available: {0}")]
    Unavailable(String),
    /// The database was written by a newer Shoal.
    #[error(
        "The database has schema version {found}, but this Shoal knows only {known}. \
         Run the newer Shoal that upgraded it, or restore a backup made before."
    )]
    NewerSchema {
        /// The newest version found.
        found: String,
        /// The newest version known here.
        known: String,
    },
    /// Another process has this SQLite file.
    #[error("{path} is in use by another shoal process. Stop that one first.")]
    Locked {
        /// The database file.
        path: String,
    },
    /// The database URL names no database we know.
    #[error("{0:?} is not a database URL that Shoal knows: use sqlite:PATH or postgres://….")]
    UnknownScheme(String),
    /// A fault of ours or a damaged database.
    #[error("The database gave an unexpected answer: {0}")]
    Internal(String),
}

impl From<DieselError> for StoreError {
    fn from(error: DieselError) -> Self {
        let passing = match &error {
            DieselError::DatabaseError(kind, info) => {
                matches!(
                    kind,
                    DatabaseErrorKind::ClosedConnection
                        | DatabaseErrorKind::UnableToSendCommand
                        | DatabaseErrorKind::SerializationFailure
                        | DatabaseErrorKind::ReadOnlyTransaction
                ) || is_passing(info.message())
            }
            DieselError::BrokenTransactionManager | DieselError::RollbackErrorOnCommit { .. } => true,
            _ => false,
        };
        if passing {
            Self::Unavailable(error.to_string())
        } else {
            Self::Internal(error.to_string())
        }
    }
}

impl From<diesel::ConnectionError> for StoreError {
    fn from(error: diesel::ConnectionError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

impl StoreError {
    /// What a database said, sorted into troubles that pass and faults.
    pub(crate) fn passing_or_internal(message: String) -> Self {
        if is_passing(&message) {
            Self::Unavailable(message)
        } else {
            Self::Internal(message)
        }
    }
}

/// Turns `NotFound` into `None`.
pub(crate) fn found<T>(result: Result<T, StoreError>) -> Result<Option<T>, StoreError> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(StoreError::NotFound { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether the message of a database names a trouble of the machine, which passes, and not of the statement.
fn is_passing(message: &str) -> bool {
    const SIGNS: [&str; 17] = [
        // SQLite
        "database or disk is full",
        "disk I/O error",
        "unable to open database file",
        "database is locked",
        "database table is locked",
        "attempt to write a readonly database",
        "out of memory",
        // PostgreSQL
        "No space left on device",
        "could not extend file",
        "the database system is",
        "terminating connection",
        "server closed the connection",
        "connection to server",
        "too many clients",
        "lock timeout",
        "statement timeout",
        "deadlock detected",
    ];
    SIGNS.iter().any(|sign| message.contains(sign))
}
