//! The OpenAPI 3.1 description of the API, served at `/api/v1/openapi.json`.
//!
//! It is gathered from the calls themselves; a test in `tests/` asks that every route is in it.

use actix_web::{HttpResponse, web};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};

use super::{
    accounts, admin, announce_keys, blocked_hashes, catalogue, collections, datasets, deliveries, following,
    instances, scrape, uploads,
};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Shoal",
        description = "Datasets, their copies as torrents, and the collections that present them. Errors are \
            application/problem+json (RFC 9457) with a stable `code`; lists take limit and cursor and name the next \
            page in Link; 429 answers carry Retry-After. With a session cookie instead of a token, calls that change \
            something need the page's form token in X-CSRF-Token."
    ),
    paths(
        accounts::own, accounts::edit, accounts::show, accounts::tokens, accounts::create_token, accounts::revoke_token,
        admin::decide, admin::log, admin::accounts,
        announce_keys::list, announce_keys::create, announce_keys::edit, announce_keys::revoke,
        blocked_hashes::list, blocked_hashes::block, blocked_hashes::unblock,
        deliveries::deliveries, deliveries::drop_delivery, deliveries::hosts, deliveries::host, deliveries::order,
        catalogue::search, catalogue::stats, catalogue::tags,
        collections::list, collections::create, collections::show, collections::edit, collections::put_dataset,
        collections::take_dataset,
        datasets::list, datasets::create, datasets::show, datasets::edit, datasets::withdraw,
        following::list, following::follow, following::unfollow,
        scrape::scrape,
        instances::list, instances::block, instances::allow, instances::reset,
        uploads::list, uploads::of_dataset, uploads::create, uploads::show, uploads::edit, uploads::files, uploads::hosts,
        uploads::torrent
    ),
    modifiers(&Bearer)
)]
struct Description;

struct Bearer;

impl Modify for Bearer {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let scheme = SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build());
        openapi
            .components
            .get_or_insert_with(Default::default)
            .add_security_scheme("token", scheme);
    }
}

pub(super) fn configure(config: &mut web::ServiceConfig) {
    config.route("/openapi.json", web::get().to(describe));
}

async fn describe() -> HttpResponse {
    HttpResponse::Ok().json(Description::openapi())
}
