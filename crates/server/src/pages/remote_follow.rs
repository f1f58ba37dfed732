//! Following from one's own server: a visitor names it, and is sent to the page there that asks whether to follow. We
//! ask that server nothing; the browser goes. Only a form of our own page is obeyed, so that nobody can use this
//! address to send people elsewhere. Following others as a member of this archive is `following.rs`.

use actix_web::http::{Uri, header};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use url::{Host, Url};

use super::frame::{Answer, go_to};
use super::lists::ListQuery;
use super::{account, collection};
use crate::app::App;
use crate::auth::{Visitor, same_origin};
use crate::routes::CONTENT_SECURITY;

#[derive(Deserialize)]
pub(crate) struct ServerForm {
    server: String,
}

/// Sends a visitor to their own server to follow a collection.
pub(crate) async fn follow_collection(
    request: HttpRequest,
    app: web::Data<App>,
    visitor: Visitor,
    name: web::Path<String>,
    form: web::Form<ServerForm>,
) -> Answer {
    same_origin(&request, &app.url)?;
    let uri = app.link(&format!("collections/{}", *name));
    match interaction(&form.server, &uri, app.config.federation.allow_http) {
        Ok(url) => Ok(go_to(url)),
        Err(fault) => {
            collection::show(
                &app,
                &visitor,
                &name,
                &ListQuery::default(),
                Some((&form.server, fault)),
            )
            .await
        }
    }
}

/// Sends a visitor to their own server to follow an account.
pub(crate) async fn follow_account(
    request: HttpRequest,
    app: web::Data<App>,
    visitor: Visitor,
    name: web::Path<String>,
    form: web::Form<ServerForm>,
) -> Answer {
    same_origin(&request, &app.url)?;
    let uri = app.link(&format!("accounts/{}", *name));
    match interaction(&form.server, &uri, app.config.federation.allow_http) {
        Ok(url) => Ok(go_to(url)),
        Err(fault) => account::show(&app, &visitor, &name, &ListQuery::default(), ("", fault)).await,
    }
}

/// A page whose form may lead on to another server: browsers apply `form-action` to where a form is sent on to, so that
/// page allows that much more than the rest.
pub(crate) fn leading_out(app: &App, mut page: HttpResponse) -> HttpResponse {
    let servers = if app.config.federation.allow_http {
        "https: http:"
    } else {
        "https:"
    };
    let policy = CONTENT_SECURITY.replace("form-action 'self'", &format!("form-action 'self' {servers}"));
    if let Ok(policy) = policy.parse() {
        page.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    page
}

/// The page of a server that asks whether to follow `uri`. What was typed may be a host, an address on it, or a whole
/// handle; only the host is used.
fn interaction(typed: &str, uri: &str, allow_http: bool) -> Result<String, &'static str> {
    const FAULT: &str = "That is not the name of a server. Type it as it stands in your handle after the last @, such as mastodon.example.";
    let typed = typed.trim();
    let (scheme, rest) = match typed.split_once("://") {
        Some(("https", rest)) => ("https", rest),
        Some(("http", rest)) => (if allow_http { "http" } else { "https" }, rest),
        Some(_) => return Err(FAULT),
        None => ("https", typed),
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let authority = authority.rsplit('@').next().unwrap_or_default();
    let mut url = Url::parse(&format!("{scheme}://{authority}/authorize_interaction")).map_err(|_| FAULT)?;
    let is_name = matches!(url.host(), Some(Host::Domain(name)) if name.contains('.') && name.len() <= 253);
    let is_usable = (is_name || allow_http) && url.username().is_empty() && url.password().is_none();
    if authority.is_empty() || authority.contains(char::is_whitespace) || !is_usable {
        return Err(FAULT);
    }
    url.query_pairs_mut().append_pair("uri", uri);
    if url.as_str().parse::<Uri>().is_err() {
        return Err(FAULT);
    }
    Ok(url.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: &str = "https://archive.example/collections/climate";

    #[test]
    fn a_host_an_address_and_a_handle_all_name_the_server() {
        let there = "https://mastodon.example/authorize_interaction?uri=https%3A%2F%2Farchive.example%2Fcollections%2Fclimate";
        for typed in [
            "mastodon.example",
            " MASTODON.example ",
            "@ann@mastodon.example",
            "https://mastodon.example/@ann",
            "http://mastodon.example",
        ] {
            assert_eq!(interaction(typed, HERE, false).as_deref(), Ok(there), "{typed}");
        }
        assert!(
            interaction("bücher.example", HERE, false)
                .is_ok_and(|url| url.starts_with("https://xn--bcher-kva.example/"))
        );
    }

    #[test]
    fn what_is_no_server_is_refused() {
        for typed in [
            "",
            "localhost",
            "127.0.0.1",
            "[::1]",
            "javascript://x.example/%0aalert(1)",
            "a b.example",
            "ftp://a.example",
            "@",
            "a.example\r\nX: y",
        ] {
            assert!(interaction(typed, HERE, false).is_err(), "{typed:?}");
        }
        assert_eq!(
            interaction("http://localhost:8081", HERE, true)
                .map(|url| url.starts_with("http://localhost:8081/authorize")),
            Ok(true)
        );
    }
}
