//! Pages of long lists: how many, from where on, and where the next page begins. A cursor is opaque to callers and
//! names the last row they saw, so that rows that come or go between two pages neither repeat nor hide others.
//! Next: the nouns, such as `datasets.rs`.

use crate::StoreError;

/// Which part of a list is wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Paging {
    /// How many items at most: 1 to 200; anything else is moved to the nearest of them.
    pub limit: u32,
    /// `Page::next` of the page before; `None` for the first page.
    pub cursor: Option<String>,
}

impl Paging {
    /// The most items one page may have.
    pub const MOST: u32 = 200;

    /// The first page, with at most `limit` items.
    #[must_use]
    pub fn first(limit: u32) -> Self {
        Self { limit, cursor: None }
    }

    /// The limit within its bounds.
    pub(crate) fn bounded(&self) -> i64 {
        i64::from(self.limit.clamp(1, Self::MOST))
    }

    /// The parts of the cursor, which `Page::of` wrote, or `None` on the first page.
    pub(crate) fn after<const N: usize>(&self) -> Result<Option<[String; N]>, StoreError> {
        let Some(cursor) = &self.cursor else {
            return Ok(None);
        };
        let wrong =
            || StoreError::Invalid("This cursor is not one that a page of this list gave out.".into());
        let parts: Vec<String> = decode(cursor)
            .ok_or_else(wrong)?
            .split('\0')
            .map(str::to_owned)
            .collect();
        parts.try_into().map(Some).map_err(|_| wrong())
    }
}

/// One part of a list and where it goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The items, at most as many as were asked for.
    pub items: Vec<T>,
    /// The cursor of the next page; `None` at the end of the list.
    pub next: Option<String>,
}

impl<T> Page<T> {
    /// A page of rows that were asked for with one more than the limit; `key` names a row for the next page's cursor.
    pub(crate) fn of<const N: usize>(
        mut rows: Vec<T>,
        paging: &Paging,
        key: impl FnOnce(&T) -> [String; N],
    ) -> Self {
        let limit = usize::try_from(paging.bounded()).expect("at most 200");
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = if more {
            rows.last().map(|row| cursor(&key(row)))
        } else {
            None
        };
        Self { items: rows, next }
    }

    /// The same page with each item turned into something else.
    #[must_use]
    pub fn map<U>(self, f: impl FnMut(T) -> U) -> Page<U> {
        Page {
            items: self.items.into_iter().map(f).collect(),
            next: self.next,
        }
    }

    /// As `map`, for a step that can fail.
    pub(crate) fn try_map<U>(self, f: impl FnMut(T) -> Result<U, StoreError>) -> Result<Page<U>, StoreError> {
        Ok(Page {
            items: self.items.into_iter().map(f).collect::<Result<_, _>>()?,
            next: self.next,
        })
    }
}

/// The cursor that `Paging::after` takes apart; hexadecimal, so that it needs no escaping in an address.
pub(crate) fn cursor(parts: &[String]) -> String {
    crate::hex::encode(parts.join("\0").as_bytes())
}

/// A number out of a cursor.
pub(crate) fn whole(text: &str) -> Result<i64, StoreError> {
    text.parse()
        .map_err(|_| StoreError::Invalid("This cursor belongs to a list in another order.".into()))
}

fn decode(cursor: &str) -> Option<String> {
    if cursor.len() > 4096 {
        return None;
    }
    String::from_utf8(crate::hex::decode(cursor)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_begins_after_the_last_row() {
        let paging = Paging::first(2);
        let page = Page::of(vec!["a", "b", "c"], &paging, |row| {
            [(*row).to_owned(), "x".to_owned()]
        });
        assert_eq!(page.items, ["a", "b"]);
        let next = Paging {
            limit: 2,
            cursor: page.next,
        };
        assert_eq!(
            next.after::<2>().expect("our own cursor"),
            Some(["b".to_owned(), "x".to_owned()])
        );
        assert!(
            Page::of(vec!["a", "b"], &paging, |row| [(*row).to_owned()])
                .next
                .is_none()
        );
    }

    #[test]
    fn a_foreign_cursor_is_refused_with_a_sentence() {
        for cursor in ["", "zz", "0", "é€", "6", &"61".repeat(5000)] {
            let paging = Paging {
                limit: 1,
                cursor: Some(cursor.to_owned()),
            };
            assert!(
                matches!(paging.after::<2>(), Err(StoreError::Invalid(_))),
                "{cursor}"
            );
        }
    }

    #[test]
    fn a_limit_out_of_bounds_is_moved_into_them() {
        assert_eq!(Paging::first(0).bounded(), 1);
        assert_eq!(Paging::first(u32::MAX).bounded(), 200);
    }
}
