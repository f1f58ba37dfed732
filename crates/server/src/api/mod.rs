//! `/api/v1`: the HTTP API. One file per noun; what they share is in `paging.rs` and `shapes.rs`, and `openapi.rs`
//! describes them all. Errors are `application/problem+json` (RFC 9457) from `error.rs`.

mod accounts;
mod admin;
mod announce_keys;
pub(crate) mod blocked_hashes;
mod catalogue;
mod collections;
mod datasets;
pub(crate) mod deliveries;
pub(crate) mod following;
pub(crate) mod instances;
mod openapi;
mod paging;
mod scrape;
mod shapes;
mod uploads;

use actix_web::web;

use crate::error::Problem;

/// Longest JSON body of a call, in bytes.
const JSON_BYTES: usize = 256 * 1024;

/// Registers every call below `/api/v1`.
pub(crate) fn configure(config: &mut web::ServiceConfig) {
    let refused = |error: &dyn std::fmt::Display| {
        let text = error.to_string();
        let reason = text
            .trim_start_matches("Json deserialize error: ")
            .trim_end_matches('.');
        Problem::invalid(format!("The call cannot be read: {reason}."))
    };
    config
        .app_data(
            web::JsonConfig::default()
                .limit(JSON_BYTES)
                .error_handler(move |e, _| refused(&e).into()),
        )
        .app_data(web::QueryConfig::default().error_handler(move |e, _| refused(&e).into()))
        .app_data(web::PathConfig::default().error_handler(|_, _| Problem::not_found().into()))
        .configure(accounts::configure)
        .configure(announce_keys::configure)
        // Before the moderators' calls, whose paths are open.
        .configure(blocked_hashes::configure)
        .configure(deliveries::configure)
        .configure(instances::configure)
        .configure(admin::configure)
        .configure(catalogue::configure)
        .configure(collections::configure)
        .configure(datasets::configure)
        .configure(following::configure)
        .configure(openapi::configure)
        .configure(scrape::configure)
        .configure(uploads::configure)
        .default_service(web::to(|| async { Err::<web::Bytes, _>(Problem::not_found()) }));
}
