//! Publishing a torrent into a dataset, and editing what is said about it. The torrent itself never changes. What the
//! API does with the same form is in the core's `publishing.rs`.

use actix_multipart::Multipart;
use actix_web::http::StatusCode;
use actix_web::web;
use askama::Template;
use serde::Deserialize;
use shoal_store::{Dataset, Id, Scope, Upload, UploadEdit};

use super::dataset::may_edit;
use super::frame::{Answer, Frame, Link, go_to, render};
use super::moderate::open_to;
use super::scarce::Scarcity;
use crate::app::App;
use crate::auth::{Member, Visitor};
use crate::error::Problem;
use crate::publishing::{self, UploadForm};
use crate::view::size::Size;
use crate::view::words;

#[derive(Template)]
#[template(path = "upload_form.html")]
pub(crate) struct NewUploadPage {
    pub(crate) frame: Frame,
    pub(crate) dataset: Link,
    pub(crate) is_new: bool,
    pub(crate) most_bytes: Size,
    pub(crate) method: String,
    pub(crate) description: String,
    pub(crate) fault: String,
    pub(crate) existing: String,
}

#[derive(Template)]
#[template(path = "upload_edit.html")]
pub(crate) struct UploadEditPage {
    pub(crate) frame: Frame,
    pub(crate) href: String,
    pub(crate) title: String,
    pub(crate) method: String,
    pub(crate) description: String,
    pub(crate) fault: String,
}

#[derive(Deserialize)]
pub(crate) struct EditForm {
    csrf: String,
    method: String,
    description: String,
}

fn form_of(app: &App, member: &Member, dataset: &Dataset) -> NewUploadPage {
    let visitor = Visitor(Some(member.0.clone()));
    let href = format!("/datasets/{}", dataset.slug);
    NewUploadPage {
        frame: Frame::new(app, &visitor, &format!("{href}/upload"), "Upload a torrent")
            .within("/datasets")
            .private(),
        dataset: Link::new(href, words::line(&dataset.title)),
        is_new: false,
        most_bytes: Size(app.config.http.max_torrent_bytes as u64),
        method: String::new(),
        description: String::new(),
        fault: String::new(),
        existing: String::new(),
    }
}

/// The form again, with why it was refused and what was typed. The file has to be chosen again: browsers do not keep it.
pub(crate) fn refused(
    app: &App,
    member: &Member,
    dataset: &Dataset,
    form: &UploadForm,
    problem: &Problem,
) -> Answer {
    let page = NewUploadPage {
        method: form.text("method").to_owned(),
        description: form.text("description").to_owned(),
        fault: problem.sentence.clone(),
        existing: problem.existing.clone().unwrap_or_default(),
        ..form_of(app, member, dataset)
    };
    render(problem.status, &page)
}

async fn open_dataset(app: &App, member: &Member, slug: &str) -> Result<Dataset, Problem> {
    member.require(Scope::Upload)?;
    let slug = slug.to_owned();
    let dataset = app
        .read(move |store| store.dataset(&slug))
        .await?
        .ok_or_else(Problem::not_found)?;
    open_to(&Visitor(Some(member.0.clone())), &dataset.state)?;
    Ok(dataset)
}

/// The form for a torrent.
pub(crate) async fn new(app: web::Data<App>, member: Member, slug: web::Path<String>) -> Answer {
    let dataset = open_dataset(&app, &member, &slug).await?;
    render(StatusCode::OK, &form_of(&app, &member, &dataset))
}

/// Publishes the torrent.
pub(crate) async fn create(
    app: web::Data<App>,
    scarcity: web::Data<Scarcity>,
    member: Member,
    slug: web::Path<String>,
    parts: Multipart,
) -> Answer {
    let form = UploadForm::read(parts, &app).await?;
    member.confirm(form.text("csrf"))?;
    app.limits.change(member.id())?;
    let dataset = open_dataset(&app, &member, &slug).await?;
    let typed = UploadForm {
        torrent: Vec::new(),
        texts: form.texts.clone(),
    };
    match publishing::publish(&app, member.id(), &dataset.slug, form).await {
        Ok(upload) => {
            scarcity.forget();
            Ok(go_to(format!("/uploads/{}?done=uploaded", upload.id)))
        }
        Err(problem) => refused(&app, &member, &dataset, &typed, &problem),
    }
}

fn edit_page(app: &App, member: &Member, upload: &Upload) -> UploadEditPage {
    let visitor = Visitor(Some(member.0.clone()));
    let href = format!("/uploads/{}", upload.id);
    UploadEditPage {
        frame: Frame::new(app, &visitor, &format!("{href}/edit"), "Edit the description")
            .within("/datasets")
            .private(),
        title: words::line(&upload.name),
        method: upload.method.clone(),
        description: upload.description.clone(),
        fault: String::new(),
        href,
    }
}

async fn editable(app: &App, member: &Member, id: Id) -> Result<Upload, Problem> {
    let upload = app
        .read(move |store| store.upload(id))
        .await?
        .ok_or_else(Problem::not_found)?;
    let visitor = Visitor(Some(member.0.clone()));
    open_to(&visitor, &upload.state)?;
    if may_edit(&visitor, upload.account.id) {
        Ok(upload)
    } else {
        Err(Problem::new(
            StatusCode::FORBIDDEN,
            "not-yours",
            "Only who uploaded it, and moderators, can edit this.",
        ))
    }
}

/// The form with what is stored.
pub(crate) async fn edit(app: web::Data<App>, member: Member, id: web::Path<Id>) -> Answer {
    let upload = editable(&app, &member, id.into_inner()).await?;
    render(StatusCode::OK, &edit_page(&app, &member, &upload))
}

/// Saves what is said about an upload.
pub(crate) async fn save(
    app: web::Data<App>,
    member: Member,
    id: web::Path<Id>,
    form: web::Form<EditForm>,
) -> Answer {
    member.confirm(&form.csrf)?;
    app.limits.change(member.id())?;
    let id = id.into_inner();
    let upload = editable(&app, &member, id).await?;
    let EditForm {
        method, description, ..
    } = form.into_inner();
    let edit = UploadEdit {
        method: Some(method.clone()),
        description: Some(description.clone()),
    };
    let by = member.id();
    match app
        .write(move |store, moment| store.edit_upload(moment, id, edit, by))
        .await
    {
        Ok(_) => Ok(go_to(format!("/uploads/{id}?done=saved"))),
        Err(error) => {
            let problem = Problem::from(error);
            let page = edit_page(&app, &member, &upload);
            render(
                problem.status,
                &UploadEditPage {
                    method,
                    description,
                    fault: problem.sentence,
                    ..page
                },
            )
        }
    }
}
