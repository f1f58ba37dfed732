//! Addresses of this site: the query of a list with one thing changed, and path segments that any stored name survives.
//! Next in the flow: the pages with lists.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What may stand in a path segment or a query value as it is.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// A text as one path segment or query value.
pub(crate) fn segment(text: &str) -> String {
    utf8_percent_encode(text, PLAIN).to_string()
}

/// The address of a list: its path and the filters in force, in a fixed order.
#[derive(Clone, Debug)]
pub(crate) struct ListAddress {
    path: String,
    query: Vec<(&'static str, String)>,
}

impl ListAddress {
    /// A list without filters.
    pub(crate) fn new(path: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            query: Vec::new(),
        }
    }

    /// The same list with one filter set, or lifted when `value` is empty. The place in the list is forgotten.
    #[must_use]
    pub(crate) fn with(&self, key: &'static str, value: &str) -> Self {
        let mut query: Vec<_> = self
            .query
            .iter()
            .filter(|(k, _)| *k != key && *k != "cursor")
            .cloned()
            .collect();
        if !value.is_empty() {
            query.push((key, value.to_owned()));
        }
        Self {
            path: self.path.clone(),
            query,
        }
    }

    /// The value of a filter, empty when it is not set.
    pub(crate) fn get(&self, key: &str) -> &str {
        self.query
            .iter()
            .find(|(k, _)| *k == key)
            .map_or("", |(_, value)| value)
    }
}

impl std::fmt::Display for ListAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.path)?;
        for (at, (key, value)) in self.query.iter().enumerate() {
            write!(f, "{}{key}={}", if at == 0 { '?' } else { '&' }, segment(value))?;
        }
        Ok(())
    }
}

/// Whether a form may send the visitor here afterwards: a path on this site, never another host.
pub(crate) fn is_own_path(path: &str) -> bool {
    path.starts_with('/')
        && !path.starts_with("//")
        && path.len() <= 1_000
        && !path
            .chars()
            .any(|c| c == '\\' || c.is_control() || c.is_whitespace())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changing_a_filter_returns_to_the_first_page() {
        let list = ListAddress::new("/datasets")
            .with("sort", "title")
            .with("cursor", "abc");
        assert_eq!(list.to_string(), "/datasets?sort=title&cursor=abc");
        assert_eq!(
            list.with("tag", "sea & ice").to_string(),
            "/datasets?sort=title&tag=sea%20%26%20ice"
        );
        assert_eq!(list.with("sort", "").to_string(), "/datasets");
    }

    #[test]
    fn only_own_paths_are_returned_to() {
        assert!(is_own_path("/datasets/tides?sort=title"));
        for foreign in [
            "//evil.example",
            "https://evil.example",
            "/\\evil.example",
            "",
            "/a\r\nb",
            "datasets",
            "/\t/evil",
        ] {
            assert!(!is_own_path(foreign), "{foreign:?}");
        }
    }
}
