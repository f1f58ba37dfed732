//! The pages that people read: which address shows what. Each page is a file of its own beside its template; how things
//! look on all of them is `view.rs`; the same addresses answer servers in the core's `activitypub.rs`.

mod about;
mod account;
mod announce_keys;
mod assets;
mod blocked_hashes;
mod cards;
mod collection;
mod collection_form;
mod collections;
mod dataset;
mod dataset_form;
mod datasets;
mod deliveries;
mod error;
mod files;
mod following;
mod frame;
mod home;
mod instances;
mod keep;
mod lists;
mod moderate;
mod moderation;
mod notices;
mod picture;
mod queue;
mod remote_follow;
#[cfg(test)]
mod samples;
pub(crate) mod scarce;
mod search;
mod settings;
mod sign_in;
mod upload;
mod upload_form;
mod uploads;
mod vocabulary;

use actix_web::middleware::{Compress, from_fn};
use actix_web::web::{self, post};
use actix_web::{Route, guard};

use crate::feeds;

pub(crate) use cards::{swarm, torrent_path};

/// Most bytes of a form without files: two texts of 20,000 characters, percent-encoded.
const FORM_BYTES: usize = 1 << 20;

/// Registers every page and feed. Must come last: what no page has is answered here too.
pub(crate) fn configure(config: &mut web::ServiceConfig) {
    let everything = web::scope("")
        .wrap(from_fn(error::face))
        .wrap(Compress::default())
        .app_data(web::Data::new(scarce::Scarcity::default()))
        .app_data(web::FormConfig::default().limit(FORM_BYTES))
        .configure(reading)
        .configure(publishing)
        .configure(curating)
        .configure(members)
        .configure(moderators)
        .configure(feeds::configure)
        .default_service(web::to(error::nothing_here));
    config.service(everything);
}

/// A route that is read: GET, and HEAD for those who only look whether it is there.
pub(crate) fn read() -> Route {
    web::route().guard(guard::Any(guard::Get()).or(guard::Head()))
}

fn reading(config: &mut web::ServiceConfig) {
    config
        .route("/", read().to(home::home))
        .route("/about", read().to(about::about))
        .route("/feeds", read().to(about::feeds))
        .route("/ns", read().to(vocabulary::vocabulary))
        .route("/search", read().to(search::search))
        .route("/tags", read().to(datasets::tags))
        .route("/tags/{tag}", read().to(datasets::tag))
        .route("/needs-seeds", read().to(uploads::needs_seeds))
        .route("/uploads/{id}/swarm.png", read().to(picture::swarm))
        .route("/assets/{name}", read().to(assets::asset))
        .route("/favicon.ico", read().to(assets::favicon))
        .route("/robots.txt", read().to(assets::robots));
}

fn publishing(config: &mut web::ServiceConfig) {
    config
        .route("/datasets", read().to(datasets::datasets))
        .service(
            web::resource("/datasets/new")
                .route(read().to(dataset_form::new))
                .route(post().to(dataset_form::create)),
        )
        .route("/datasets/{slug}", read().to(dataset::dataset))
        .service(
            web::resource("/datasets/{slug}/edit")
                .route(read().to(dataset_form::edit))
                .route(post().to(dataset_form::save)),
        )
        .service(
            web::resource("/datasets/{slug}/upload")
                .route(read().to(upload_form::new))
                .route(post().to(upload_form::create)),
        )
        .route(
            "/datasets/{slug}/collections",
            post().to(collection::put_from_dataset),
        )
        .route("/uploads", read().to(uploads::uploads))
        .route("/uploads/{id}", read().to(upload::upload))
        .route("/uploads/{id}/files", read().to(files::files))
        .service(
            web::resource("/uploads/{id}/edit")
                .route(read().to(upload_form::edit))
                .route(post().to(upload_form::save)),
        );
}

fn curating(config: &mut web::ServiceConfig) {
    config
        .route("/collections", read().to(collections::collections))
        .service(
            web::resource("/collections/new")
                .route(read().to(collection_form::new))
                .route(post().to(collection_form::create)),
        )
        .route("/collections/{name}", read().to(collection::collection))
        .service(
            web::resource("/collections/{name}/edit")
                .route(read().to(collection_form::edit))
                .route(post().to(collection_form::save)),
        )
        .route("/collections/{name}/put", post().to(collection::put))
        .route("/collections/{name}/take", post().to(collection::take))
        .route(
            "/collections/{name}/follow",
            post().to(remote_follow::follow_collection),
        );
}

fn members(config: &mut web::ServiceConfig) {
    config
        .service(
            web::resource("/sign-in")
                .route(read().to(sign_in::form))
                .route(post().to(sign_in::sign_in)),
        )
        .service(
            web::resource("/sign-in/{secret}")
                .route(read().to(sign_in::link))
                .route(post().to(sign_in::use_link)),
        )
        .route("/sign-out", post().to(sign_in::sign_out))
        .route("/accounts/{name}", read().to(account::account))
        .route(
            "/accounts/{name}/follow",
            post().to(remote_follow::follow_account),
        )
        .route("/settings", read().to(settings::settings))
        .route("/settings/profile", post().to(settings::profile))
        .route("/settings/password", post().to(settings::password))
        .route("/settings/tokens", post().to(settings::make_token))
        .route("/settings/tokens/{id}/end", post().to(settings::end_token))
        .route("/settings/announce-keys", post().to(announce_keys::make))
        .route(
            "/settings/announce-keys/{id}/name",
            post().to(announce_keys::name),
        )
        .route(
            "/settings/announce-keys/{id}/revoke",
            post().to(announce_keys::revoke),
        )
        .route("/settings/following", post().to(following::follow))
        .route("/settings/following/{id}/end", post().to(following::end));
}

fn moderators(config: &mut web::ServiceConfig) {
    config
        .route("/moderation", read().to(moderation::log))
        .route("/moderation/deliveries", read().to(queue::queue))
        .route("/moderation/deliveries/all", read().to(deliveries::deliveries))
        .route("/moderation/deliveries/to/{host}", read().to(queue::host))
        .route("/moderation/deliveries/to/{host}/{act}", post().to(queue::order))
        .route(
            "/moderation/deliveries/{id}/drop",
            post().to(deliveries::drop_one),
        )
        .service(
            web::resource("/moderation/hashes")
                .route(read().to(blocked_hashes::hashes))
                .route(post().to(blocked_hashes::decide)),
        )
        .service(
            web::resource("/moderation/servers")
                .route(read().to(instances::servers))
                .route(post().to(instances::decide)),
        )
        .route("/moderation/{kind}/{id}", post().to(moderate::act));
}
