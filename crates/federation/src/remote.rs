//! Other people's actors: fetched through `activitypub_federation`, which counts the fetches of one task and compares ids,
//! checked by `vocab/remote_actor.rs`, and kept by the store. Which of them may be believed about what is decided in
//! `inbox/`.

use crate::{
    Federation, Shared,
    fetch::{FetchError, Fetched, is_activity_json},
    policy,
    vocab::remote_actor::{Document, Unfit},
};
use activitypub_federation::{
    config::Data,
    error::Error as CrateError,
    fetch::object_id::ObjectId,
    traits::{Actor, Object},
};
use http::header;
use serde_json::Value;
use shoal_store::{NewRemoteActor, RemoteActor, StoreError};
use std::sync::Arc;
use url::Url;

/// An actor of another server, as the crate's traits want it.
#[derive(Debug)]
pub(crate) struct Foreigner {
    id: Url,
    inbox: Url,
    row: RemoteActor,
}

impl Foreigner {
    fn new(row: RemoteActor) -> Result<Self, FetchError> {
        let read = |text: &str| {
            Url::parse(text).map_err(|_| FetchError::Ours(format!("a kept URL is none: {text}")))
        };
        Ok(Self {
            id: read(&row.uri)?,
            inbox: read(&row.inbox)?,
            row,
        })
    }
}

#[async_trait::async_trait]
impl Object for Foreigner {
    type DataType = Arc<Shared>;
    type Kind = Document;
    type Error = FetchError;

    fn id(&self) -> &Url {
        &self.id
    }

    async fn read_from_id(id: Url, data: &Data<Self::DataType>) -> Result<Option<Self>, FetchError> {
        let found = data
            .with_store(move |store| store.remote_actor(id.as_str()))
            .await?;
        found
            .filter(|row| row.gone_at.is_none())
            .map(Self::new)
            .transpose()
    }

    async fn into_json(self, _: &Data<Self::DataType>) -> Result<Document, FetchError> {
        serde_json::from_str(&self.row.json).map_err(|error| FetchError::Ours(error.to_string()))
    }

    async fn verify(
        document: &Document,
        expected: &Url,
        data: &Data<Self::DataType>,
    ) -> Result<(), FetchError> {
        let actor = document.check()?;
        if actor.id != *expected || data.urls.is_ours(&actor.id) {
            return Err(FetchError::Unusable(
                "the document is not that of the actor asked for".to_owned(),
            ));
        }
        data.client.policy().check_url(&actor.inbox)?;
        Ok(())
    }

    async fn from_json(document: Document, data: &Data<Self::DataType>) -> Result<Self, FetchError> {
        let actor = document.check()?;
        let key = actor.keys.first().ok_or(Unfit::Member("publicKey"))?;
        let new = NewRemoteActor {
            uri: actor.id.to_string(),
            domain: policy::host_of(&actor.id),
            name: actor.name,
            actor_type: actor.kind,
            title: actor.title,
            inbox: actor.inbox.to_string(),
            shared_inbox: actor.shared_inbox.map(String::from),
            key_id: key.id.clone(),
            public_key_pem: key.pem.clone(),
            json: document.text()?,
            understands_records: document.understands_records(),
        };
        let moment = data.moment();
        let row = data
            .with_store(move |store| store.save_remote_actor(moment, new))
            .await?;
        Self::new(row)
    }
}

impl Actor for Foreigner {
    fn public_key_pem(&self) -> &str {
        &self.row.public_key_pem
    }

    fn private_key_pem(&self) -> Option<String> {
        None
    }

    fn inbox(&self) -> Url {
        self.inbox.clone()
    }

    fn shared_inbox(&self) -> Option<Url> {
        self.row
            .shared_inbox
            .as_deref()
            .and_then(|text| Url::parse(text).ok())
    }
}

/// The actor of that id: the kept one, or fetched and kept.
///
/// # Errors
/// [`FetchError`].
pub(crate) async fn dereference(federation: &Federation, id: &Url) -> Result<RemoteActor, FetchError> {
    // Here, because the crate's client takes credentials out of an address before ours sees it.
    federation.client().policy().check_url(id)?;
    let data = federation.request();
    if id.domain().is_none() {
        // The crate knows only names; a bare address is met in tests and closed networks.
        return match Foreigner::read_from_id(id.clone(), &data).await? {
            Some(kept) => Ok(kept.row),
            None => fetch_by_address(&data, id).await,
        };
    }
    Ok(ObjectId::<Foreigner>::from(id.clone())
        .dereference(&data)
        .await?
        .row)
}

/// The actor of that id as it is now, fetched and kept; the kept one is left alone when that fails.
///
/// # Errors
/// [`FetchError`].
pub(crate) async fn refetch(federation: &Federation, id: &Url) -> Result<RemoteActor, FetchError> {
    let data = federation.request();
    if id.domain().is_none() {
        return fetch_by_address(&data, id).await;
    }
    Ok(ObjectId::<Foreigner>::from(id.clone())
        .dereference_forced(&data)
        .await?
        .row)
}

async fn fetch_by_address(data: &Data<Arc<Shared>>, id: &Url) -> Result<RemoteActor, FetchError> {
    let fetched = fetch_document(data, id).await?;
    let document: Document = serde_json::from_slice(&fetched.body)
        .map_err(|_| FetchError::Unusable("the answer is not a JSON object".to_owned()))?;
    Foreigner::verify(&document, &fetched.url, data).await?;
    Ok(Foreigner::from_json(document, data).await?.row)
}

/// The owner that the document of a key names: the key itself, its actor, or the stub of one. It has yet to list the key.
///
/// # Errors
/// [`FetchError`].
pub(crate) async fn owner_of_key(federation: &Federation, key: &Url) -> Result<Url, FetchError> {
    let fetched = fetch_document(&federation.request(), key).await?;
    let unusable = || FetchError::Unusable("the document there names no owner of a key".to_owned());
    let document: Value = serde_json::from_slice(&fetched.body).map_err(|_| unusable())?;
    let named = [&document["publicKey"]["owner"], &document["owner"]];
    let owner = named.into_iter().find_map(Value::as_str).ok_or_else(unusable)?;
    Url::parse(owner).map_err(|_| unusable())
}

async fn fetch_document(data: &Data<Arc<Shared>>, id: &Url) -> Result<Fetched, FetchError> {
    let fetched = data.client.get(id, crate::ACTIVITY_JSON).await?;
    match fetched.status.as_u16() {
        200..=299 => {}
        410 => return Err(FetchError::Gone),
        status => return Err(FetchError::Status(status)),
    }
    let kind = fetched
        .headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    if !is_activity_json(kind) {
        return Err(FetchError::Unusable(format!(
            "the answer is {kind:?}, not an ActivityPub document"
        )));
    }
    Ok(fetched)
}

impl From<Unfit> for FetchError {
    fn from(unfit: Unfit) -> Self {
        Self::Unusable(unfit.to_string())
    }
}

impl From<StoreError> for FetchError {
    fn from(error: StoreError) -> Self {
        Self::Ours(error.to_string())
    }
}

impl From<CrateError> for FetchError {
    /// Finds our own error again where the crate wrapped it, and translates its own.
    fn from(error: CrateError) -> Self {
        match error {
            CrateError::ReqwestMiddleware(reqwest_middleware::Error::Middleware(inner)) => inner
                .downcast::<Self>()
                .unwrap_or_else(|other| Self::Network(other.to_string())),
            CrateError::ReqwestMiddleware(other) => Self::Network(other.to_string()),
            CrateError::Reqwest(other) => Self::Network(other.to_string()),
            CrateError::ObjectDeleted(_) => Self::Gone,
            CrateError::RequestLimit => Self::Budget,
            CrateError::ResponseBodyLimit => Self::TooLarge,
            CrateError::ParseFetchedObject(..) => {
                Self::Unusable("the answer is not a JSON object".to_owned())
            }
            other => Self::Unusable(other.to_string()),
        }
    }
}
