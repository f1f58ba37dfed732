//! “Keep a copy”: how many copies there are, and everything needed to become one. Shown on the pages of datasets and
//! uploads by `templates/keep.html`.

use shoal_store::Upload;

use super::cards;
use super::frame::Picture;
use crate::app::App;
use crate::publishing;
use crate::view::size::Size;
use crate::view::swarm::Swarm;

/// What it takes to keep a copy of an upload.
#[derive(Clone, Debug)]
pub(crate) struct Keep {
    pub(crate) swarm: Swarm,
    /// None if it is private: the tracker serves it to personal announce URLs only (BEP 27).
    pub(crate) magnet: Option<String>,
    pub(crate) torrent: String,
    pub(crate) size: Size,
    pub(crate) has_web_seeds: bool,
    /// Path of the glyph as a picture.
    pub(crate) picture: String,
}

impl Keep {
    /// For an upload, as its swarm is now.
    pub(crate) fn of(app: &App, upload: &Upload) -> Self {
        Self {
            swarm: cards::swarm(app, upload),
            magnet: publishing::magnet(app, upload).map(|link| link.to_string()),
            torrent: cards::torrent_path(upload),
            size: Size::stored(upload.total_size),
            has_web_seeds: !upload.web_seeds.is_empty(),
            picture: format!("/uploads/{}/swarm.png", upload.id),
        }
    }

    /// The glyph for previews of the page elsewhere.
    pub(crate) fn preview(&self, app: &App) -> Picture {
        Picture {
            url: app.link(&self.picture),
            alt: self.swarm.sentence(),
        }
    }
}
