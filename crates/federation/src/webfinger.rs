//! WebFinger (RFC 7033) in both directions: handles of ours answered, handles of others resolved. A name is believed only
//! when the actor's own server confirms it.

use crate::{Federation, fetch::FetchError, policy, remote};
use activitypub_federation::{
    FEDERATION_CONTENT_TYPE,
    fetch::webfinger::{Webfinger, build_webfinger_response},
};
use serde_json::Value;
use shoal_store::{LocalActor, RemoteActor, StoreError, Visibility};
use url::Url;

/// The longest `resource` that is looked at.
const MAX_RESOURCE: usize = 1024;

impl Federation {
    /// The answer to `/.well-known/webfinger?resource=…` (`application/jrd+json`): for `acct:name@host`, the same with a
    /// leading `@` or without `acct:`, and for the URL of an actor. `None` (404) for whoever is not here or not visible.
    /// Blocks on the store, briefly.
    ///
    /// # Errors
    /// When the store does not answer.
    pub fn webfinger(&self, resource: &str) -> Result<Option<Value>, StoreError> {
        if resource.len() > MAX_RESOURCE {
            return Ok(None);
        }
        let local = if resource.starts_with("http://") || resource.starts_with("https://") {
            match Url::parse(resource) {
                Ok(url) => self.shared().local_actor(&url)?,
                Err(_) => None,
            }
        } else {
            match self.read_handle(resource) {
                Some(name) => self.store().local_actor_by_name(&name)?,
                None => None,
            }
        };
        let visible = local.filter(|local| matches!(local.state, Visibility::Visible));
        visible.map(|local| self.resource(&local)).transpose()
    }

    fn resource(&self, local: &LocalActor) -> Result<Value, StoreError> {
        let id = self.urls().actor(local.kind, &local.name);
        let subject = format!("acct:{}@{}", local.name, self.urls().authority());
        let url = Url::parse(&id).map_err(|error| StoreError::Internal(error.to_string()))?;
        let mut answer = build_webfinger_response(subject, url.clone());
        answer.aliases = vec![url];
        let mut answer =
            serde_json::to_value(answer).map_err(|error| StoreError::Internal(error.to_string()))?;
        // Readers want the link to the actor first, and links without a template have none.
        if let Some(links) = answer.get_mut("links").and_then(Value::as_array_mut) {
            links.reverse();
            for link in links {
                if let Some(link) = link.as_object_mut() {
                    link.retain(|_, value| !value.is_null());
                }
            }
        }
        Ok(answer)
    }

    /// The name in a handle of ours; `None` for a handle of another host.
    fn read_handle(&self, resource: &str) -> Option<String> {
        let handle = resource.strip_prefix("acct:").unwrap_or(resource);
        let (name, host) = handle.strip_prefix('@').unwrap_or(handle).split_once('@')?;
        let ours = self.urls().authority();
        let bare = ours.split(':').next().unwrap_or_default();
        (host.eq_ignore_ascii_case(&ours) || host.eq_ignore_ascii_case(bare)).then(|| name.to_lowercase())
    }

    /// Finds somebody else's actor by handle (`@name@host`) or URL, and keeps it.
    ///
    /// # Errors
    /// [`FetchError`]: unreadable input, forbidden or unreachable host, no such actor, or an answer that its own host does
    /// not confirm.
    pub async fn resolve(&self, handle_or_url: &str) -> Result<RemoteActor, FetchError> {
        if !self.settings().enabled {
            return Err(FetchError::Unreadable(
                "This server does not federate.".to_owned(),
            ));
        }
        let text = handle_or_url.trim();
        let url = if text.starts_with("https://") || text.starts_with("http://") {
            Url::parse(text).map_err(|_| FetchError::Unreadable("This is not an address.".to_owned()))?
        } else {
            self.look_up(text).await?
        };
        if self.urls().is_ours(&url) {
            return Err(FetchError::Unreadable("This actor lives here.".to_owned()));
        }
        remote::dereference(self, &url).await
    }

    /// Asks a host for the actor behind a handle.
    async fn look_up(&self, handle: &str) -> Result<Url, FetchError> {
        let unreadable = || FetchError::Unreadable("A handle looks like @name@host.example.".to_owned());
        let handle = handle.strip_prefix("acct:").unwrap_or(handle);
        let (name, host) = handle
            .strip_prefix('@')
            .unwrap_or(handle)
            .split_once('@')
            .ok_or_else(unreadable)?;
        let odd = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '/' | '@' | '?' | '#' | '\\');
        if name.is_empty() || host.is_empty() || name.contains(odd) || host.contains(odd) {
            return Err(unreadable());
        }
        let scheme = if self.client().policy().allow_http {
            "http"
        } else {
            "https"
        };
        let mut url =
            Url::parse(&format!("{scheme}://{host}/.well-known/webfinger")).map_err(|_| unreadable())?;
        url.query_pairs_mut()
            .append_pair("resource", &format!("acct:{name}@{host}"));
        let answer = self
            .client()
            .get(&url, "application/jrd+json, application/json")
            .await?;
        match answer.status.as_u16() {
            200..=299 => {}
            410 => return Err(FetchError::Gone),
            status => return Err(FetchError::Status(status)),
        }
        let found: Webfinger = serde_json::from_slice(&answer.body)
            .map_err(|_| FetchError::Unusable("The host's answer is not WebFinger.".to_owned()))?;
        link_to_actor(&found)
            .filter(|actor| policy::host_of(actor) == policy::host_of(&answer.url) || same_site(actor, &url))
            .ok_or_else(|| {
                FetchError::Unusable("The host names no actor of its own by this handle.".to_owned())
            })
    }
}

/// The first link to an ActivityPub document.
fn link_to_actor(found: &Webfinger) -> Option<Url> {
    const PROFILE: &str = "application/ld+json; profile=\"https://www.w3.org/ns/activitystreams\"";
    let is_actor = |kind: &str| kind == FEDERATION_CONTENT_TYPE || kind == PROFILE;
    let mut links = found.links.iter().take(32);
    let link =
        links.find(|link| link.rel.as_deref() == Some("self") && link.kind.as_deref().is_some_and(is_actor));
    link.and_then(|link| link.href.clone())
}

/// Many hosts answer for `example.org` from `social.example.org`; the actor is fetched from its own host either way.
fn same_site(actor: &Url, asked: &Url) -> bool {
    match (actor.host_str(), asked.host_str()) {
        (Some(actor), Some(asked)) => actor == asked || actor.ends_with(&format!(".{asked}")),
        _ => false,
    }
}
