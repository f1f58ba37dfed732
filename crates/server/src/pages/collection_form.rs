//! Beginning a collection and editing what is said about it. Its name is for ever, because it is the name of an actor
//! that other servers know. Putting datasets in is `collection.rs`.

use actix_web::http::StatusCode;
use actix_web::web;
use askama::Template;
use serde::Deserialize;
use shoal_store::{CollectionEdit, NewCollection, Scope};

use super::collection::allowed;
use super::frame::{Answer, Frame, go_to, render};
use crate::app::App;
use crate::auth::{Member, Visitor};
use crate::error::Problem;
use crate::view::address::segment;

#[derive(Template)]
#[template(path = "collection_form.html")]
pub(crate) struct CollectionForm {
    pub(crate) frame: Frame,
    pub(crate) heading: &'static str,
    pub(crate) is_new: bool,
    pub(crate) domain: String,
    pub(crate) name: String,
    pub(crate) title: String,
    pub(crate) summary: String,
    pub(crate) fault: String,
    pub(crate) back: String,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Typed {
    csrf: String,
    #[serde(default)]
    name: String,
    title: String,
    summary: String,
}

fn form(app: &App, member: &Member, name: Option<&str>) -> CollectionForm {
    let visitor = Visitor(Some(member.0.clone()));
    let (heading, back) = match name {
        None => ("Begin a collection", "/collections".to_owned()),
        Some(name) => ("Edit this collection", format!("/collections/{}", segment(name))),
    };
    let path = if name.is_none() {
        "/collections/new".to_owned()
    } else {
        format!("{back}/edit")
    };
    CollectionForm {
        frame: Frame::new(app, &visitor, &path, heading)
            .within("/collections")
            .private(),
        heading,
        is_new: name.is_none(),
        domain: app.authority(),
        name: String::new(),
        title: String::new(),
        summary: String::new(),
        fault: String::new(),
        back,
    }
}

fn refused(form: CollectionForm, typed: Typed, problem: &Problem) -> Answer {
    let Typed {
        name, title, summary, ..
    } = typed;
    render(
        problem.status,
        &CollectionForm {
            name,
            title,
            summary,
            fault: problem.sentence.clone(),
            ..form
        },
    )
}

/// The empty form.
pub(crate) async fn new(app: web::Data<App>, member: Member) -> Answer {
    member.require(Scope::Submit)?;
    render(StatusCode::OK, &form(&app, &member, None))
}

/// Begins a collection.
pub(crate) async fn create(app: web::Data<App>, member: Member, typed: web::Form<Typed>) -> Answer {
    member.confirm(&typed.csrf)?;
    member.require(Scope::Submit)?;
    app.limits.change(member.id())?;
    let typed = typed.into_inner();
    let (name, title, summary) = (
        typed.name.trim().to_owned(),
        typed.title.trim().to_owned(),
        typed.summary.clone(),
    );
    let account = member.id();
    let begun = app.write(move |store, moment| {
        let keys = shoal_federation::keys::generate();
        store.create_collection(
            moment,
            NewCollection {
                name,
                title,
                summary,
                account,
                keys,
            },
        )
    });
    match begun.await {
        Ok(collection) => Ok(go_to(format!("/collections/{}?done=begun", collection.name))),
        Err(error) => refused(form(&app, &member, None), typed, &error.into()),
    }
}

/// The form with what is stored.
pub(crate) async fn edit(app: web::Data<App>, member: Member, name: web::Path<String>) -> Answer {
    let csrf = member.csrf().to_owned();
    allowed(&app, &member, &csrf, &name).await?;
    let asked = name.to_string();
    let stored = app
        .read(move |store| store.collection(&asked))
        .await?
        .ok_or_else(Problem::not_found)?;
    let page = CollectionForm {
        title: stored.title,
        summary: stored.summary,
        ..form(&app, &member, Some(&name))
    };
    render(StatusCode::OK, &page)
}

/// Saves title and summary.
pub(crate) async fn save(
    app: web::Data<App>,
    member: Member,
    name: web::Path<String>,
    typed: web::Form<Typed>,
) -> Answer {
    let by = allowed(&app, &member, &typed.csrf, &name).await?;
    let typed = typed.into_inner();
    let edit = CollectionEdit {
        title: Some(typed.title.trim().to_owned()),
        summary: Some(typed.summary.clone()),
    };
    let asked = name.to_string();
    match app
        .write(move |store, moment| store.edit_collection(moment, &asked, edit, by))
        .await
    {
        Ok(_) => Ok(go_to(format!("/collections/{}?done=saved", segment(&name)))),
        Err(error) => refused(form(&app, &member, Some(&name)), typed, &error.into()),
    }
}
