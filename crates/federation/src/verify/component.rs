//! What a covered component of RFC 9421 §2 is worth in a request: the derived ones (§2.2) and whole header fields (§2.1).
//! Our own name takes the place of whatever a proxy wrote: `@authority`, `@scheme` and `@target-uri` come from the public
//! base URL. Parameters other than the name of a query parameter are not understood.

use super::{Head, Refusal, joined};
use sfv::{BareItem, Item};
use url::form_urlencoded;

/// The value of one component.
///
/// # Errors
/// [`Refusal`] when the request does not have it, or when it is not understood.
pub(super) fn value(part: &Item, head: Head<'_>, base: &str) -> Result<String, Refusal> {
    let BareItem::String(name) = &part.bare_item else {
        return Err(Refusal::Malformed("a component is not named by a string"));
    };
    let name = name.as_str();
    if name == "@query-param" {
        return query_param(part, head);
    }
    if !part.params.is_empty() {
        return Err(Refusal::Malformed(
            "a component has a parameter that is not understood here",
        ));
    }
    let (path, query) = match head.path_and_query.split_once('?') {
        Some((path, query)) => (path, query),
        None => (head.path_and_query, ""),
    };
    let (scheme, authority) = base.split_once("://").unwrap_or(("https", base));
    Ok(match name {
        "@method" => head.method.to_owned(),
        "@target-uri" => format!("{base}{}", head.path_and_query),
        "@authority" => authority.to_owned(),
        "@scheme" => scheme.to_owned(),
        "@request-target" => head.path_and_query.to_owned(),
        "@path" if path.is_empty() => "/".to_owned(),
        "@path" => path.to_owned(),
        "@query" => format!("?{query}"),
        derived if derived.starts_with('@') => {
            return Err(Refusal::Malformed("a component is not understood here"));
        }
        field if field.bytes().any(|byte| byte.is_ascii_uppercase()) => {
            return Err(Refusal::Malformed("a component has capital letters"));
        }
        field => joined(head, field)?,
    })
}

/// One query parameter, decoded and encoded again (§2.2.8); it must occur exactly once.
fn query_param(part: &Item, head: Head<'_>) -> Result<String, Refusal> {
    let unclear = Refusal::Malformed("a query parameter is not named, or not there exactly once");
    let (Some(BareItem::String(wanted)), 1) = (part.params.get("name"), part.params.len()) else {
        return Err(unclear);
    };
    let encode = |text: &str| {
        let plus: String = form_urlencoded::byte_serialize(text.as_bytes()).collect();
        plus.replace('+', "%20")
    };
    let query = head.path_and_query.split_once('?').map_or("", |(_, query)| query);
    let mut found =
        form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| encode(name) == wanted.as_str());
    match (found.next(), found.next()) {
        (Some((_, value)), None) => Ok(encode(&value)),
        _ => Err(unclear),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderMap, HeaderName, HeaderValue};
    use sfv::Parser;

    fn of(component: &str, target: &str) -> Result<String, Refusal> {
        let mut headers = HeaderMap::new();
        for (name, value) in [("x-ows", "  two  words "), ("x-list", "a, b"), ("x-list", " c ")] {
            let name = HeaderName::from_static(name);
            headers.append(name, HeaderValue::from_static(value));
        }
        let head = Head {
            method: "POST",
            path_and_query: target,
            headers: &headers,
            body: &[],
        };
        let part: Item = Parser::new(component).parse().expect(component);
        value(&part, head, "https://archive.example:8443")
    }

    #[test]
    fn derived_components_have_the_values_of_the_specification() {
        let target = "/path?param=value&foo=bar&baz=batman&qux=";
        for (component, value) in [
            ("\"@method\"", "POST"),
            ("\"@authority\"", "archive.example:8443"),
            ("\"@scheme\"", "https"),
            ("\"@path\"", "/path"),
            ("\"@query\"", "?param=value&foo=bar&baz=batman&qux="),
            ("\"@request-target\"", target),
            ("\"@query-param\";name=\"baz\"", "batman"),
            ("\"@query-param\";name=\"qux\"", ""),
        ] {
            assert_eq!(of(component, target).as_deref(), Ok(value), "{component}");
        }
        let whole = of("\"@target-uri\"", target).expect("known");
        assert_eq!(whole, format!("https://archive.example:8443{target}"));
        assert_eq!(of("\"@query\"", "/path").as_deref(), Ok("?"));
        // RFC 9421 §2.2.8: what is decoded is encoded again in one way.
        let odd = "/p?var=this%20is%20a%20big%0Amultiline%20value&bar=with+plus+whitespace&fa%C3%A7ade%22%3A%20=something";
        for (component, value) in [
            (
                "\"@query-param\";name=\"var\"",
                "this%20is%20a%20big%0Amultiline%20value",
            ),
            ("\"@query-param\";name=\"bar\"", "with%20plus%20whitespace"),
            ("\"@query-param\";name=\"fa%C3%A7ade%22%3A%20\"", "something"),
        ] {
            assert_eq!(of(component, odd).as_deref(), Ok(value), "{component}");
        }
    }

    #[test]
    fn header_fields_are_trimmed_and_joined() {
        assert_eq!(of("\"x-ows\"", "/").as_deref(), Ok("two  words"));
        assert_eq!(of("\"x-list\"", "/").as_deref(), Ok("a, b, c"));
    }

    #[test]
    fn what_is_not_understood_or_not_there_is_refused() {
        for component in [
            "\"@status\"",
            "\"@nonsense\"",
            "\"@method\";req",
            "\"x-list\";sf",
            "\"x-list\";bs",
            "\"x-list\";key=\"a\"",
            "\"X-List\"",
            "\"x-absent\"",
            "token",
            "1",
            "\"@query-param\"",
            "\"@query-param\";name=\"twice\"",
            "\"@query-param\";name=\"absent\"",
            "\"@query-param\";name=\"a\";req",
        ] {
            assert!(of(component, "/?twice=1&twice=2&a=b").is_err(), "{component}");
        }
    }
}
