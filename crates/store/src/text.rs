//! What people write, made fit to keep: trimmed, bounded, without control characters, which neither database, JSON
//! readers nor XML feeds agree on. Escaping for pages happens where pages are written. Next: the nouns.

use crate::StoreError;

/// Characters at most in a title, a label, a publisher and the like.
pub(crate) const LINE: usize = 250;
/// Characters at most in a description or a summary.
pub(crate) const PROSE: usize = 20_000;
/// Characters at most in a reason that moderators give.
pub(crate) const REASON: usize = 2_000;
/// Characters at most in an address.
pub(crate) const ADDRESS: usize = 2_000;

/// One line: any white space becomes one space. May be empty.
pub(crate) fn line(what: &str, text: &str, most: usize) -> Result<String, StoreError> {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    checked(what, text, most, |_| false)
}

/// One line that may not be empty.
pub(crate) fn title(what: &str, text: &str) -> Result<String, StoreError> {
    let text = line(what, text, LINE)?;
    if text.is_empty() {
        Err(StoreError::Invalid(format!("The {what} is missing.")))
    } else {
        Ok(text)
    }
}

/// Several lines. May be empty.
pub(crate) fn prose(what: &str, text: &str, most: usize) -> Result<String, StoreError> {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    checked(what, text.trim().to_owned(), most, |letter| {
        letter == '\n' || letter == '\t'
    })
}

/// A web address, or nothing.
pub(crate) fn web_address(what: &str, text: &str) -> Result<String, StoreError> {
    let text = line(what, text, ADDRESS)?;
    let host = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    let good = host.is_some_and(|host| {
        !host.is_empty() && !host.starts_with('/') && !text.contains([' ', '"', '<', '>'])
    });
    if text.is_empty() || good {
        Ok(text)
    } else {
        Err(StoreError::Invalid(format!(
            "The {what} is not a web address: it must begin with https:// or http://."
        )))
    }
}

fn checked(what: &str, text: String, most: usize, allowed: fn(char) -> bool) -> Result<String, StoreError> {
    if text.chars().any(|letter| letter.is_control() && !allowed(letter)) {
        return Err(StoreError::Invalid(format!(
            "The {what} has a control character in it."
        )));
    }
    let length = text.chars().count();
    if length > most {
        return Err(StoreError::Invalid(format!(
            "The {what} is {length} characters long; {most} are allowed."
        )));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_is_made_even() {
        assert_eq!(line("title", "  a\n b\t", 9).expect("good"), "a b");
        assert_eq!(prose("text", "\r\na\r\n\tb\rc ", 9).expect("good"), "a\n\tb\nc");
    }

    #[test]
    fn what_cannot_be_kept_is_refused_with_its_name() {
        assert!(line("title", "a\0", 9).is_err_and(|error| error.to_string().contains("title")));
        assert!(prose("summary", "\u{1b}[31m", 9).is_err());
        assert!(title("title", " \n").is_err());
        assert!(line("title", "氷氷氷", 2).is_err_and(|error| error.to_string().contains("3 characters")));
        assert!(line("title", "氷氷", 2).is_ok());
    }

    #[test]
    fn an_address_is_of_the_web_or_missing() {
        for good in ["", "https://a.example/x?y=1#z", "http://a.example"] {
            assert_eq!(web_address("homepage", good).expect("good"), good);
        }
        for bad in [
            "javascript:alert(1)",
            "https://",
            "https:///x",
            "//a.example",
            "https://a b",
            "a.example",
        ] {
            assert!(web_address("homepage", bad).is_err(), "{bad}");
        }
    }
}
