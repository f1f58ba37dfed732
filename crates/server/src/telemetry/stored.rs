//! What the database knows: the catalogue, and what is on its way to other servers. Counted in the store.

use shoal_store::{DeliveryCounts, Stats};

use super::figure::Figure;
use crate::app::App;

/// Writes all of them, or that the database does not answer.
pub(super) async fn figures(app: &App, out: &mut String) {
    let asked = app
        .read(|store| Ok((store.stats()?, store.delivery_counts()?)))
        .await;
    Figure::new(out, "shoal_database_up", "gauge", "Whether the database answers.")
        .value("", u8::from(asked.is_ok()));
    match asked {
        Ok((stats, waiting)) => {
            catalogue(&stats, out);
            deliveries(&waiting, out);
        }
        Err(error) => tracing::error!(%error, "the figures of the database cannot be read"),
    }
}

fn catalogue(stats: &Stats, out: &mut String) {
    Figure::new(out, "shoal_catalogue", "gauge", "What is published and visible.")
        .value("kind=\"datasets\"", stats.datasets)
        .value("kind=\"uploads\"", stats.uploads)
        .value("kind=\"collections\"", stats.collections)
        .value("kind=\"accounts\"", stats.accounts)
        .value("kind=\"files\"", stats.files);
    Figure::new(
        out,
        "shoal_catalogue_bytes",
        "gauge",
        "Size of all visible content.",
    )
    .value("", stats.total_size);
}

fn deliveries(waiting: &DeliveryCounts, out: &mut String) {
    Figure::new(
        out,
        "shoal_deliveries_waiting",
        "gauge",
        "Activities on their way to an inbox.",
    )
    .value("", waiting.waiting);
    Figure::new(
        out,
        "shoal_delivery_hosts",
        "gauge",
        "Servers with something on its way, by how they do.",
    )
    .value("state=\"waiting\"", waiting.hosts_waiting)
    .value("state=\"failing\"", waiting.hosts_failing)
    .value("state=\"paused\"", waiting.hosts_paused);
    let oldest = waiting
        .oldest_waiting_at
        .map_or(0, |at| (crate::clock::now() - at).max(0) / 1000);
    Figure::new(
        out,
        "shoal_delivery_oldest_seconds",
        "gauge",
        "Age of what waits longest.",
    )
    .value("", oldest);
}
