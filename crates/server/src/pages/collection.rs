//! A collection's page: what is in it and how to follow it, from here or from one's own server; its curator puts
//! datasets in and takes them out. Next in the flow: `remote_follow.rs` and `collection_form.rs`.

use actix_web::http::StatusCode;
use actix_web::web;
use askama::Template;
use serde::Deserialize;
use shoal_store::{Collection, DatasetQuery, Id, Page, Scope, StoreError};

use super::cards::{self, Counted, DatasetCard};
use super::datasets::{SORTS, sort_of};
use super::frame::{Answer, Frame, Link, go_to, render};
use super::lists::{List, ListQuery};
use super::moderate::{Sheet, open_to};
use super::remote_follow::leading_out;
use crate::app::App;
use crate::auth::{Member, Visitor};
use crate::clock;
use crate::error::Problem;
use crate::view::address::{ListAddress, segment};
use crate::view::markdown::Prose;
use crate::view::size::counted;
use crate::view::time::When;
use crate::view::words;

#[derive(Template)]
#[template(path = "collection.html")]
pub(crate) struct CollectionPage {
    pub(crate) frame: Frame,
    pub(crate) href: String,
    pub(crate) title: String,
    pub(crate) prose: Prose,
    pub(crate) account: Link,
    pub(crate) handle: String,
    pub(crate) followers: String,
    pub(crate) created: When,
    pub(crate) updated: When,
    pub(crate) list: List,
    pub(crate) datasets: Vec<DatasetCard>,
    pub(crate) feed: String,
    /// What was typed as a server, and what is wrong with it.
    pub(crate) server: String,
    pub(crate) follow_fault: String,
    pub(crate) may_edit: bool,
    pub(crate) withheld: String,
    pub(crate) moderation: Option<Sheet>,
}

pub(crate) async fn collection(
    app: web::Data<App>,
    visitor: Visitor,
    name: web::Path<String>,
    query: web::Query<ListQuery>,
) -> Answer {
    show(&app, &visitor, &name, &query, None).await
}

/// Whether a visitor may change a collection.
pub(crate) fn may_edit(visitor: &Visitor, owner: Id) -> bool {
    visitor.0.as_ref().is_some_and(|identity| {
        identity.may(Scope::Review) || (identity.id() == owner && identity.may(Scope::Submit))
    })
}

/// The page; `refused` is what was typed as a server and why it cannot be used.
pub(crate) async fn show(
    app: &App,
    visitor: &Visitor,
    name: &str,
    query: &ListQuery,
    refused: Option<(&str, &str)>,
) -> Answer {
    let wanted = DatasetQuery {
        paging: query.paging(),
        sort: sort_of(&query.sort),
        collection: Some(name.to_owned()),
        ..DatasetQuery::default()
    };
    let asked = name.to_owned();
    let found = app.read(move |store| {
        let Some(collection) = store.collection(&asked)? else {
            return Ok(None);
        };
        let page = store.datasets(&wanted)?;
        let rows = Counted::all(store, page.items)?;
        Ok::<_, StoreError>(Some((
            collection,
            Page {
                items: rows,
                next: page.next,
            },
        )))
    });
    let (collection, page) = found.await?.ok_or_else(Problem::not_found)?;
    open_to(visitor, &collection.state)?;
    let (server, follow_fault) = refused.unwrap_or_default();
    let view = CollectionPage {
        server: server.to_owned(),
        follow_fault: follow_fault.to_owned(),
        ..view(app, visitor, query, &collection, &page)
    };
    let status = if refused.is_some() {
        StatusCode::BAD_REQUEST
    } else {
        StatusCode::OK
    };
    Ok(leading_out(app, render(status, &view)?))
}

fn view(
    app: &App,
    visitor: &Visitor,
    query: &ListQuery,
    collection: &Collection,
    page: &Page<Counted>,
) -> CollectionPage {
    let now = clock::now();
    let href = format!("/collections/{}", collection.name);
    let title = words::line(cards::title_or(&collection.title, &collection.name));
    let feed = format!("/feeds{href}");
    let address = ListAddress::new(&href).with("sort", &query.sort);
    let list = List::of(&address, query, page, ("dataset", "datasets"))
        .out_of(collection.dataset_count, ("dataset", "datasets"))
        .choosing(&address, "sort", "Sort", &SORTS)
        .feeding(feed.clone());
    let mut frame = Frame::new(app, visitor, &href, &title)
        .within("/collections")
        .about(&format!(
            "A collection to follow. {}",
            Prose::plain(&collection.summary)
        ))
        .noticing(query.done.as_deref())
        .feeding(format!("New in {title}"), feed.clone());
    frame.activities = vec![app.link(&href)];
    CollectionPage {
        moderation: Sheet::of(visitor, "collection", collection.id, &collection.state, &href),
        prose: Prose::render(&collection.summary),
        account: cards::account_link(&collection.account),
        handle: format!("@{}@{}", collection.name, app.authority()),
        followers: counted(collection.follower_count.unsigned_abs(), "follower", "followers"),
        created: When::new(collection.created_at, now),
        updated: When::new(collection.updated_at, now),
        datasets: page
            .items
            .iter()
            .map(|one| DatasetCard::of(app, one, now))
            .collect(),
        may_edit: may_edit(visitor, collection.account.id),
        withheld: cards::withheld(&collection.state),
        server: String::new(),
        follow_fault: String::new(),
        href,
        title,
        list,
        feed,
        frame,
    }
}

#[derive(Deserialize)]
pub(crate) struct PutForm {
    csrf: String,
    dataset: String,
}

/// Puts a dataset in, named by its short name or its address.
pub(crate) async fn put(
    app: web::Data<App>,
    member: Member,
    name: web::Path<String>,
    form: web::Form<PutForm>,
) -> Answer {
    let PutForm { csrf, dataset } = form.into_inner();
    let by = allowed(&app, &member, &csrf, &name).await?;
    let (collection, slug) = (name.to_string(), slug_of(&dataset));
    app.write(move |store, moment| store.put_dataset(moment, &collection, &slug, by))
        .await?;
    Ok(go_to(format!("/collections/{}?done=put", segment(&name))))
}

/// Takes a dataset out.
pub(crate) async fn take(
    app: web::Data<App>,
    member: Member,
    name: web::Path<String>,
    form: web::Form<PutForm>,
) -> Answer {
    let PutForm { csrf, dataset } = form.into_inner();
    let by = allowed(&app, &member, &csrf, &name).await?;
    let (collection, slug) = (name.to_string(), slug_of(&dataset));
    app.write(move |store, moment| store.take_dataset(moment, &collection, &slug, by))
        .await?;
    Ok(go_to(format!("/collections/{}?done=taken", segment(&name))))
}

#[derive(Deserialize)]
pub(crate) struct ShelfForm {
    csrf: String,
    collection: String,
}

/// Puts a dataset into a collection, from the dataset's page.
pub(crate) async fn put_from_dataset(
    app: web::Data<App>,
    member: Member,
    slug: web::Path<String>,
    form: web::Form<ShelfForm>,
) -> Answer {
    let ShelfForm { csrf, collection } = form.into_inner();
    let by = allowed(&app, &member, &csrf, &collection).await?;
    let dataset = slug.to_string();
    app.write(move |store, moment| store.put_dataset(moment, &collection, &dataset, by))
        .await?;
    Ok(go_to(format!("/datasets/{}?done=put", segment(&slug))))
}

/// Checks the form's token and that the member keeps the collection; the id for the verb's `by`.
pub(crate) async fn allowed(app: &App, member: &Member, csrf: &str, name: &str) -> Result<Id, Problem> {
    member.confirm(csrf)?;
    app.limits.change(member.id())?;
    let name = name.to_owned();
    let collection = app
        .read(move |store| store.collection(&name))
        .await?
        .ok_or_else(Problem::not_found)?;
    let visitor = Visitor(Some(member.0.clone()));
    open_to(&visitor, &collection.state)?;
    if may_edit(&visitor, collection.account.id) {
        Ok(member.id())
    } else {
        Err(Problem::new(
            StatusCode::FORBIDDEN,
            "not-yours",
            "Only who keeps a collection, and moderators, can change it.",
        ))
    }
}

/// The short name in what was typed: itself, or the end of the address of a dataset's page.
fn slug_of(typed: &str) -> String {
    let path = typed
        .trim()
        .split(['?', '#'])
        .next()
        .unwrap_or_default()
        .trim_end_matches('/');
    path.rsplit_once("/datasets/")
        .map_or(path, |(_, slug)| slug)
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dataset_is_known_by_name_or_address() {
        for typed in [
            "tides",
            " tides ",
            "https://a.example/datasets/tides?sort=title",
            "/datasets/tides/",
            "a.example/datasets/tides#uploads",
        ] {
            assert_eq!(slug_of(typed), "tides", "{typed}");
        }
    }
}
