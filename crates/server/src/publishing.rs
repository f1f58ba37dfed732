//! Publishing a torrent into a dataset, the same for the API and the form: read the form within bounds, parse, store.

use std::collections::BTreeMap;
use std::sync::Arc;

use actix_multipart::{Multipart, MultipartError};
use actix_web::http::StatusCode;
use futures_util::TryStreamExt;
use shoal_store::{Id, NewUpload, StoreError, Upload};
use shoal_torrent::{Magnet, Metainfo};
use shoal_tracker::Pass;

use crate::app::App;
use crate::error::Problem;

/// Most fields of a form.
const MOST_FIELDS: usize = 20;

/// What is said of a torrent that would give a member's key to everybody.
const HOLDS_A_KEY: &str = "The torrent is refused: a personal announce URL of this archive stands in it, by which whoever \
    downloads it could announce in that member's name. Take the URL out of the torrent, and put it into your client instead.";

/// Longest text field, in bytes.
const LONGEST_TEXT: usize = 200_000;

/// A multipart form, read whole within its bounds.
#[derive(Debug, Default)]
pub struct UploadForm {
    /// Content of the field `torrent`; empty when no file was chosen.
    pub torrent: Vec<u8>,
    /// All other fields as text.
    pub texts: BTreeMap<String, String>,
}

impl UploadForm {
    /// A text field, empty when it was not sent.
    #[must_use]
    pub fn text(&self, name: &str) -> &str {
        self.texts.get(name).map_or("", String::as_str)
    }

    /// Reads a form: one file of at most `http.max_torrent_bytes`, at most 20 fields, texts of at most 200,000 bytes.
    ///
    /// # Errors
    /// 413 over a bound, 400 for what is not such a form.
    pub async fn read(mut parts: Multipart, app: &App) -> Result<Self, Problem> {
        let mut form = Self::default();
        let mut count = 0;
        while let Some(mut part) = parts.try_next().await.map_err(|e| not_a_form(&e))? {
            count += 1;
            if count > MOST_FIELDS {
                return Err(Problem::invalid(format!(
                    "A form has at most {MOST_FIELDS} fields."
                )));
            }
            let name = part.name().unwrap_or_default().to_owned();
            let most = if name == "torrent" {
                app.config.http.max_torrent_bytes
            } else {
                LONGEST_TEXT
            };
            let mut content = Vec::new();
            while let Some(chunk) = part.try_next().await.map_err(|e| not_a_form(&e))? {
                if content.len() + chunk.len() > most {
                    return Err(too_large(&name, most));
                }
                content.extend_from_slice(&chunk);
            }
            if name == "torrent" {
                form.torrent = content;
            } else {
                let text = String::from_utf8(content)
                    .map_err(|_| Problem::invalid(format!("{name} is not UTF-8 text.")))?;
                form.texts.insert(name, text);
            }
        }
        Ok(form)
    }
}

fn not_a_form(error: &MultipartError) -> Problem {
    Problem::invalid(format!(
        "The form cannot be read: {error}. Send multipart/form-data with a field torrent."
    ))
}

fn too_large(name: &str, most: usize) -> Problem {
    let sentence =
        format!("The field {name} is larger than {most} bytes, which is the most that is taken here.");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", sentence)
}

/// Publishes the form's torrent into a dataset.
///
/// # Errors
/// 400 when the torrent is refused, as one is that holds a member's announce key, with the reason; 409 naming the upload that has it already; what the store refuses.
pub async fn publish(app: &App, account: Id, slug: &str, form: UploadForm) -> Result<Upload, Problem> {
    if form.torrent.is_empty() {
        return Err(Problem::invalid(
            "No torrent was sent: put a .torrent file into the field torrent.",
        ));
    }
    let slug = slug.to_owned();
    let (method, description) = (
        form.text("method").to_owned(),
        form.text("description").to_owned(),
    );
    let tracker = Arc::clone(&app.tracker);
    let stored = app.write(move |store, moment| {
        let metainfo = Metainfo::parse(&form.torrent)
            .map_err(|e| StoreError::Invalid(format!("The torrent is refused: {e}")))?;
        if Pass::within(&form.torrent).any(|key| tracker.is_valid_pass(&key)) {
            return Err(StoreError::Invalid(HOLDS_A_KEY.to_owned()));
        }
        let new = NewUpload {
            dataset: &slug,
            account,
            metainfo: &metainfo,
            bytes: form.torrent.clone(),
            method,
            description,
        };
        store.publish_upload(moment, new)
    });
    stored.await.map_err(|error| {
        let existing = match &error {
            StoreError::Taken { existing, .. } => existing.map(|id| format!("/uploads/{id}")),
            _ => None,
        };
        Problem {
            existing,
            ..Problem::from(error)
        }
    })
}

/// The magnet link of an upload: its hashes, name, size, web seeds, and our trackers before its own. A private torrent has
/// none: who follows a link looks for peers everywhere until the torrent is there that forbids it (BEP 27).
#[must_use]
pub fn magnet(app: &App, upload: &Upload) -> Option<Magnet> {
    if upload.private {
        return None;
    }
    let mut trackers = app.federation.urls().announces().to_vec();
    let others = upload.trackers.iter().filter(|url| !trackers.contains(url));
    let others: Vec<String> = others.take(20).cloned().collect();
    trackers.extend(others);
    Some(Magnet {
        info_hash_v1: upload.info_hash_v1,
        info_hash_v2: upload.info_hash_v2,
        name: Some(upload.name.clone()),
        size: u64::try_from(upload.total_size).ok(),
        trackers,
        web_seeds: upload.web_seeds.iter().take(20).cloned().collect(),
    })
}
