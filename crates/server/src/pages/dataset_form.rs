//! Describing a dataset: the form that publishes a new one, with a torrent in the same step if there is one, and the
//! form that edits it. Uploads into an existing dataset are `upload_form.rs`.

use actix_multipart::Multipart;
use actix_web::http::StatusCode;
use actix_web::web;
use askama::Template;
use serde::Deserialize;
use shoal_store::{Dataset, DatasetEdit, NewDataset, Scope, StoreError, Threat};
use shoal_torrent::Metainfo;

use super::dataset::may_edit;
use super::frame::{Answer, Frame, go_to, render};
use super::scarce::Scarcity;
use crate::app::App;
use crate::auth::{Member, Visitor};
use crate::error::Problem;
use crate::publishing::{self, UploadForm};
use crate::view::address::segment;
use crate::view::size::Size;
use crate::view::threat::Danger;

/// What stands in the form: what is stored, or what was typed and refused.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Draft {
    pub(crate) csrf: String,
    pub(crate) title: String,
    pub(crate) slug: String,
    pub(crate) publisher: String,
    pub(crate) homepage: String,
    pub(crate) licence: String,
    pub(crate) description: String,
    pub(crate) threat: String,
    pub(crate) tags: String,
}

impl Draft {
    fn of(dataset: &Dataset) -> Self {
        Self {
            csrf: String::new(),
            title: dataset.title.clone(),
            slug: dataset.slug.clone(),
            publisher: dataset.publisher.clone(),
            homepage: dataset.homepage.clone(),
            licence: dataset.licence.clone(),
            description: dataset.description.clone(),
            threat: Danger(dataset.threat).key().to_owned(),
            tags: dataset.tags.join(", "),
        }
    }

    fn typed(form: &UploadForm) -> Self {
        let text = |name: &str| form.text(name).trim().to_owned();
        Self {
            csrf: text("csrf"),
            title: text("title"),
            slug: text("slug"),
            publisher: text("publisher"),
            homepage: text("homepage"),
            licence: text("licence"),
            description: text("description"),
            threat: text("threat"),
            tags: text("tags"),
        }
    }

    fn threat(&self) -> Threat {
        Danger::from_key(&self.threat).map_or(Threat::Unknown, |danger| danger.0)
    }

    fn tags(&self) -> Vec<String> {
        self.tags
            .split(',')
            .map(str::trim)
            .filter(|tag| !tag.is_empty())
            .map(str::to_owned)
            .collect()
    }
}

#[derive(Clone, Template)]
#[template(path = "dataset_form.html")]
pub(crate) struct DatasetForm {
    pub(crate) frame: Frame,
    pub(crate) heading: &'static str,
    pub(crate) is_new: bool,
    pub(crate) may_upload: bool,
    pub(crate) most_bytes: Size,
    pub(crate) method: String,
    pub(crate) draft: Draft,
    pub(crate) dangers: [Danger; 6],
    pub(crate) fault: String,
    pub(crate) back: String,
}

impl DatasetForm {
    fn new(app: &App, member: &Member, draft: Draft) -> Self {
        let visitor = Visitor(Some(member.0.clone()));
        Self {
            frame: Frame::new(app, &visitor, "/datasets/new", "Publish a dataset")
                .within("/datasets/new")
                .private(),
            heading: "Publish a dataset",
            is_new: true,
            may_upload: member.may(Scope::Upload),
            most_bytes: Size(app.config.http.max_torrent_bytes as u64),
            method: String::new(),
            draft: Draft {
                threat: if draft.threat.is_empty() {
                    "unknown".into()
                } else {
                    draft.threat.clone()
                },
                ..draft
            },
            dangers: Danger::ALL,
            fault: String::new(),
            back: "/datasets".to_owned(),
        }
    }

    fn edit(app: &App, member: &Member, slug: &str, draft: Draft) -> Self {
        let mut form = Self::new(app, member, draft);
        let visitor = Visitor(Some(member.0.clone()));
        form.back = format!("/datasets/{}", segment(slug));
        form.frame = Frame::new(app, &visitor, &format!("{}/edit", form.back), "Edit a dataset")
            .within("/datasets")
            .private();
        form.heading = "Edit this dataset";
        form.is_new = false;
        form
    }

    fn refused(mut self, problem: &Problem) -> Answer {
        self.fault.clone_from(&problem.sentence);
        render(problem.status, &self)
    }
}

/// The form for a new dataset.
pub(crate) async fn new(app: web::Data<App>, member: Member) -> Answer {
    member.require(Scope::Submit)?;
    render(StatusCode::OK, &DatasetForm::new(&app, &member, Draft::default()))
}

/// Publishes a dataset, and its first torrent when one was chosen.
pub(crate) async fn create(
    app: web::Data<App>,
    scarcity: web::Data<Scarcity>,
    member: Member,
    parts: Multipart,
) -> Answer {
    let form = UploadForm::read(parts, &app).await?;
    let draft = Draft::typed(&form);
    member.confirm(&draft.csrf)?;
    member.require(Scope::Submit)?;
    app.limits.change(member.id())?;
    let has_torrent = !form.torrent.is_empty();
    if has_torrent {
        member.require(Scope::Upload)?;
        // Checked before anything is written, so that a bad file leaves no half-published dataset behind.
        if let Err(problem) = check(&app, form.torrent.clone()).await {
            let method = form.text("method").to_owned();
            return DatasetForm {
                method,
                ..DatasetForm::new(&app, &member, draft)
            }
            .refused(&problem);
        }
    }
    let new = NewDataset {
        slug: Some(draft.slug.clone()).filter(|slug| !slug.is_empty()),
        title: draft.title.clone(),
        publisher: draft.publisher.clone(),
        homepage: draft.homepage.clone(),
        licence: draft.licence.clone(),
        description: draft.description.clone(),
        threat: draft.threat(),
        tags: draft.tags(),
        account: member.id(),
    };
    let dataset = match app
        .write(move |store, moment| store.create_dataset(moment, new))
        .await
    {
        Ok(dataset) => dataset,
        Err(error) => return DatasetForm::new(&app, &member, draft).refused(&error.into()),
    };
    if !has_torrent {
        return Ok(go_to(format!("/datasets/{}?done=published", dataset.slug)));
    }
    // The form's description is the dataset's; what is special about the copy is in its method.
    let mut form = form;
    form.texts.remove("description");
    match publishing::publish(&app, member.id(), &dataset.slug, form).await {
        Ok(upload) => {
            scarcity.forget();
            Ok(go_to(format!("/uploads/{}?done=uploaded", upload.id)))
        }
        Err(problem) => {
            super::upload_form::refused(&app, &member, &dataset, &UploadForm::default(), &problem)
        }
    }
}

/// Whether a torrent can be read and is not here yet.
async fn check(app: &App, torrent: Vec<u8>) -> Result<(), Problem> {
    let known = app.read(move |store| {
        let metainfo = Metainfo::parse(&torrent)
            .map_err(|e| StoreError::Invalid(format!("The torrent is refused: {e}")))?;
        let hashes = [
            metainfo.info_hash_v1().map(|h| h.to_string()),
            metainfo.info_hash_v2().map(|h| h.to_string()),
        ];
        for hash in hashes.into_iter().flatten() {
            if let Some(known) = store.upload_by_hash(&hash)? {
                return Ok(Some(known));
            }
        }
        Ok(None)
    });
    match known.await? {
        Some(known) => Err(Problem::new(
            StatusCode::CONFLICT,
            "taken",
            format!(
                "This torrent is here already, as an upload of “{}”.",
                known.dataset.title
            ),
        )),
        None => Ok(()),
    }
}

/// The form with what is stored.
pub(crate) async fn edit(app: web::Data<App>, member: Member, slug: web::Path<String>) -> Answer {
    let dataset = editable(&app, &member, &slug).await?;
    render(
        StatusCode::OK,
        &DatasetForm::edit(&app, &member, &slug, Draft::of(&dataset)),
    )
}

/// Saves the form.
pub(crate) async fn save(
    app: web::Data<App>,
    member: Member,
    slug: web::Path<String>,
    draft: web::Form<Draft>,
) -> Answer {
    member.confirm(&draft.csrf)?;
    app.limits.change(member.id())?;
    editable(&app, &member, &slug).await?;
    let draft = draft.into_inner();
    let edit = DatasetEdit {
        title: Some(draft.title.trim().to_owned()),
        publisher: Some(draft.publisher.trim().to_owned()),
        homepage: Some(draft.homepage.trim().to_owned()),
        licence: Some(draft.licence.trim().to_owned()),
        description: Some(draft.description.clone()),
        threat: Some(draft.threat()),
        tags: Some(draft.tags()),
    };
    let (name, by) = (slug.to_string(), member.id());
    match app
        .write(move |store, moment| store.edit_dataset(moment, &name, edit, by))
        .await
    {
        Ok(_) => Ok(go_to(format!("/datasets/{}?done=saved", segment(&slug)))),
        Err(error) => DatasetForm::edit(&app, &member, &slug, draft).refused(&error.into()),
    }
}

async fn editable(app: &App, member: &Member, slug: &str) -> Result<Dataset, Problem> {
    let slug = slug.to_owned();
    let dataset = app
        .read(move |store| store.dataset(&slug))
        .await?
        .ok_or_else(Problem::not_found)?;
    let visitor = Visitor(Some(member.0.clone()));
    super::moderate::open_to(&visitor, &dataset.state)?;
    if may_edit(&visitor, dataset.account.id) {
        Ok(dataset)
    } else {
        Err(Problem::new(
            StatusCode::FORBIDDEN,
            "not-yours",
            "Only who described a dataset, and moderators, can edit it.",
        ))
    }
}
