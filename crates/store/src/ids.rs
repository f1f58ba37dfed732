//! `Id`: the name of every row that has one, a time-ordered UUID kept as text. Made by `Moment::id`, never here.
//! Next: `connection.rs`.

use std::fmt;
use std::io::Write;
use std::str::FromStr;

use diesel::backend::Backend;
use diesel::deserialize::{FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::pg::Pg;
use diesel::serialize::{self, IsNull, Output, ToSql};
use diesel::sql_types::{Nullable, Text};
use diesel::sqlite::Sqlite;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::StoreError;
use crate::connection::MultiBackend;

/// A UUIDv7 (RFC 9562 §5.7); 36 characters as text, and sorted by the time it was made.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, FromSqlRow, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Id(Uuid);

impl From<Uuid> for Id {
    fn from(uuid: Uuid) -> Self {
        Self(uuid)
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Id {
    type Err = StoreError;

    /// Reads the 36 characters that `Display` writes; other spellings of a UUID are refused, so that an object has one URL.
    fn from_str(text: &str) -> Result<Self, StoreError> {
        let wrong =
            || StoreError::Invalid("This is not an id: expected 36 characters like 01890a5d-….".into());
        let id = Uuid::try_parse(text).map(Self).map_err(|_| wrong())?;
        if id.to_string() == text {
            Ok(id)
        } else {
            Err(wrong())
        }
    }
}

impl TryFrom<String> for Id {
    type Error = StoreError;

    fn try_from(text: String) -> Result<Self, StoreError> {
        text.parse()
    }
}

impl From<Id> for String {
    fn from(id: Id) -> Self {
        id.to_string()
    }
}

impl<DB: Backend> FromSql<Text, DB> for Id
where
    String: FromSql<Text, DB>,
{
    fn from_sql(bytes: DB::RawValue<'_>) -> diesel::deserialize::Result<Self> {
        Ok(String::from_sql(bytes)?.parse()?)
    }
}

impl ToSql<Text, Sqlite> for Id {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(self.to_string());
        Ok(IsNull::No)
    }
}

impl ToSql<Text, Pg> for Id {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        write!(out, "{self}")?;
        Ok(IsNull::No)
    }
}

impl ToSql<Text, MultiBackend> for Id {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, MultiBackend>) -> serialize::Result {
        out.set_value((Text, self));
        Ok(IsNull::No)
    }
}

/// In a query an id is its text; written out for the owned and the borrowed, the plain and the nullable column.
macro_rules! as_text {
    ($id:ty, $sql:ty) => {
        impl AsExpression<$sql> for $id {
            type Expression = <String as AsExpression<$sql>>::Expression;

            fn as_expression(self) -> Self::Expression {
                <String as AsExpression<$sql>>::as_expression(self.to_string())
            }
        }
    };
}

as_text!(Id, Text);
as_text!(Id, Nullable<Text>);
as_text!(&Id, Text);
as_text!(&Id, Nullable<Text>);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_one_spelling() {
        let text = "018bcfe5-6800-7000-8000-000000000001";
        assert_eq!(text.parse::<Id>().expect("a good id").to_string(), text);
        for other in [
            "",
            "018BCFE5-6800-7000-8000-000000000001",
            "018bcfe5680070008000000000000001",
            "x",
        ] {
            assert!(other.parse::<Id>().is_err(), "{other}");
        }
    }
}
