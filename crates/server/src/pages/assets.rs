//! The files that browsers load beside a page: one stylesheet, one script that no page needs, the mark. Built in; their
//! addresses carry a digest of their content, so that browsers may keep them for ever.

use std::sync::LazyLock;

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use sha2::{Digest, Sha256};

use crate::error::Problem;

const STYLE: &str = include_str!("../../assets/shoal.css");
const SCRIPT: &str = include_str!("../../assets/shoal.js");
const MARK: &str = include_str!("../../assets/mark.svg");

/// Addresses of the present files.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Assets {
    pub(crate) style: &'static str,
    pub(crate) script: &'static str,
    pub(crate) mark: &'static str,
}

impl Assets {
    /// The files of this build.
    pub(crate) fn current() -> Self {
        static ADDRESSES: LazyLock<[String; 3]> = LazyLock::new(|| {
            [("shoal.css", STYLE), ("shoal.js", SCRIPT), ("mark.svg", MARK)].map(|(name, content)| {
                let digest = Sha256::digest(content);
                format!(
                    "/assets/{name}?v={:02x}{:02x}{:02x}{:02x}",
                    digest[0], digest[1], digest[2], digest[3]
                )
            })
        });
        let [style, script, mark] = &*ADDRESSES;
        Self { style, script, mark }
    }
}

/// Serves a file by its name.
pub(crate) async fn asset(request: HttpRequest, name: web::Path<String>) -> Result<HttpResponse, Problem> {
    let (content, media) = match name.as_str() {
        "shoal.css" => (STYLE, "text/css; charset=utf-8"),
        "shoal.js" => (SCRIPT, "text/javascript; charset=utf-8"),
        "mark.svg" => (MARK, "image/svg+xml"),
        _ => return Err(Problem::not_found()),
    };
    Ok(kept(&request, content, media))
}

/// Serves the mark where browsers look without being told.
pub(crate) async fn favicon(request: HttpRequest) -> HttpResponse {
    kept(&request, MARK, "image/svg+xml")
}

/// Says to crawlers what is worth their time.
pub(crate) async fn robots() -> HttpResponse {
    let text =
        "User-agent: *\nDisallow: /moderation\nDisallow: /settings\nDisallow: /sign-in\nDisallow: /search\n";
    HttpResponse::Ok()
        .content_type("text/plain; charset=utf-8")
        .body(text)
}

fn kept(request: &HttpRequest, content: &'static str, media: &str) -> HttpResponse {
    let is_versioned = request.query_string().starts_with("v=");
    let keep = if is_versioned {
        "public, max-age=31536000, immutable"
    } else {
        "public, max-age=3600"
    };
    HttpResponse::Ok()
        .content_type(media)
        .insert_header((header::CACHE_CONTROL, keep))
        .body(content)
}
