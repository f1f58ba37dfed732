//! Lists: `?limit=&cursor=` in, `Link: rel="next"` out.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse};
use serde::{Deserialize, Serialize};
use shoal_store::{Page, Paging};
use utoipa::{IntoParams, ToSchema};

use crate::app::App;

/// Entries of a page when nothing is asked.
const USUAL: u32 = 50;

/// Most entries of a page.
const MOST: u32 = 200;

/// Which page of a list is wanted.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct PageQuery {
    /// Entries of a page, 1 to 200; 50 when not given.
    pub(crate) limit: Option<u32>,
    /// Where to go on, from the `Link` header of the page before.
    pub(crate) cursor: Option<String>,
}

impl From<&PageQuery> for Paging {
    fn from(query: &PageQuery) -> Self {
        Self {
            limit: query.limit.unwrap_or(USUAL).clamp(1, MOST),
            cursor: query.cursor.clone(),
        }
    }
}

/// A list as it is answered.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct List<T> {
    /// The entries of this page.
    pub(crate) items: Vec<T>,
    /// The cursor of the next page, when there is one.
    pub(crate) next: Option<String>,
}

/// Answers a page, each row in its shape, with the next page's address in `Link`.
pub(crate) fn answer<R, T: Serialize>(
    request: &HttpRequest,
    app: &App,
    page: Page<R>,
    shape: impl Fn(R) -> T,
) -> HttpResponse {
    let mut response = HttpResponse::Ok();
    if let Some(next) = &page.next {
        let link = format!("<{}>; rel=\"next\"", next_address(request, app, next));
        response.insert_header((header::LINK, link));
    }
    response.json(List {
        items: page.items.into_iter().map(shape).collect(),
        next: page.next,
    })
}

/// This call's address with another cursor.
fn next_address(request: &HttpRequest, app: &App, cursor: &str) -> String {
    let mut url = url::Url::parse(&app.link(request.path())).unwrap_or_else(|_| app.url.clone());
    let asked =
        url::form_urlencoded::parse(request.query_string().as_bytes()).filter(|(key, _)| key != "cursor");
    url.query_pairs_mut()
        .extend_pairs(asked)
        .append_pair("cursor", cursor);
    url.into()
}
