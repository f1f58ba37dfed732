//! What comes in: one file per activity that means something here, and the door before them, which believes nothing.
//! The order at the door is cheap first: size, signature header, clock, digest, then the body, and only then the sender's
//! key (`sender.rs`), which may cost a fetch. Everything that is understood ends in one store verb, which also remembers
//! the activity's id, so that the same activity never acts twice. What goes out is `outbox/`.

mod accept;
pub(crate) mod budget;
mod delete;
mod error;
mod follow;
pub(crate) mod known;
mod nothing;
mod reject;
pub(crate) mod sender;
mod silence;
mod undo;
mod update;

pub use error::InboxError;

use crate::{
    Federation, Shared, policy,
    verify::{self, Head, Refusal},
    vocab::incoming,
};
use activitypub_federation::{config::Data, protocol::verification::verify_domains_match, traits::Activity};
use bytes::Bytes;
use http::HeaderMap;
use known::Sender;
use shoal_store::{Arrival, CallsFor, Effect, Id, Millis, Received, Store, StoreError};
use std::{sync::Arc, time::Duration};
use url::Url;

/// The largest body that is read.
pub const MAX_BODY: usize = 1024 * 1024;
/// How long one activity may take, fetching its sender included. Senders wait about as long.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

/// A POST to an inbox, as the server hands it over.
#[derive(Debug)]
pub struct Incoming {
    /// Upper-case method.
    pub method: String,
    /// Path with query, as on the request line.
    pub path_and_query: String,
    /// All headers; `Host` is the public one (over HTTP/2, `:authority`).
    pub headers: HeaderMap,
    /// The body; the server need not read more than [`MAX_BODY`] + 1 bytes.
    pub body: Bytes,
    /// Whose inbox it is; `None` for the shared one.
    pub inbox_of: Option<Id>,
}

/// What to answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// HTTP status. 202 also for what was understood and means nothing here.
    pub status: u16,
    /// One sentence for whoever looks at the sender's log.
    pub sentence: String,
}

impl From<&InboxError> for Receipt {
    fn from(error: &InboxError) -> Self {
        Self {
            status: error.status(),
            sentence: error.sentence(),
        }
    }
}

impl Federation {
    /// Takes in one activity.
    pub async fn receive(self: &Arc<Self>, incoming: Incoming) -> Receipt {
        let (path, inbox_of) = (incoming.path_and_query.clone(), incoming.inbox_of);
        let outcome = tokio::time::timeout(DEADLINE, Box::pin(self.admit(incoming))).await;
        let outcome = outcome.unwrap_or(Err(InboxError::TooSlow));
        match &outcome {
            Ok(()) => tracing::debug!(%path, ?inbox_of, "activity taken in"),
            Err(error) if error.status() >= 500 => {
                tracing::warn!(%path, ?inbox_of, %error, "activity not taken in")
            }
            Err(error) => {
                tracing::debug!(%path, ?inbox_of, %error, "activity refused");
                self.suspect_clock(error);
            }
        }
        match outcome {
            Ok(()) => Receipt {
                status: 202,
                sentence: "Taken in.".to_owned(),
            },
            Err(error) => Receipt::from(&error),
        }
    }

    /// If it is our own clock that is wrong, everything is refused: somebody has to be told.
    fn suspect_clock(&self, error: &InboxError) {
        let is_about_time = matches!(error, InboxError::Signature(Refusal::Clock(_)));
        if is_about_time && self.shared().budget.may_tell_of_clocks(self.shared().now()) {
            tracing::warn!(%error, "another server's clock is far from ours; if there are many, ours is wrong");
        }
    }

    async fn admit(self: &Arc<Self>, incoming: Incoming) -> Result<(), InboxError> {
        if !self.settings().enabled {
            return Err(InboxError::NotHere("This server does not federate."));
        }
        if incoming.body.len() > MAX_BODY {
            return Err(InboxError::TooLarge);
        }
        let head = Head {
            method: &incoming.method,
            path_and_query: &incoming.path_and_query,
            headers: &incoming.headers,
            body: &incoming.body,
        };
        let claims = verify::read(head, self.urls().base(), self.shared().now())?;
        self.refuse_the_blocked(&claims).await?;
        let activity = incoming::Incoming::parse(&incoming.body)?;
        self.refuse_if_blocked(&activity.actor).await?;
        if self.urls().is_ours(&activity.actor) || self.urls().is_ours(&activity.id) {
            return Err(InboxError::Forbidden(
                "Nobody else speaks for actors of this server.",
            ));
        }
        if !policy::same_origin(&activity.id, &activity.actor) {
            return Err(InboxError::Forbidden(
                "The activity's id is not on its actor's host.",
            ));
        }
        match sender::identify(self, &claims, &activity).await? {
            Some((sender, signed_at)) => {
                self.note_that_it_lives(&sender).await?;
                self.act(activity, signed_at, sender).await
            }
            None => Ok(()),
        }
    }

    /// Nothing is done for a server that moderators blocked, nor for a request that says to be of one.
    pub(crate) async fn refuse_the_blocked(&self, claims: &[verify::Claim]) -> Result<(), InboxError> {
        let shared = self.shared();
        if shared.blocklist.is_empty(shared.now()).await? {
            return Ok(());
        }
        for claim in claims {
            if let Ok(key) = Url::parse(&claim.key_id) {
                self.refuse_if_blocked(&key).await?;
            }
        }
        Ok(())
    }

    pub(crate) async fn refuse_if_blocked(&self, url: &Url) -> Result<(), InboxError> {
        let shared = self.shared();
        if shared.blocklist.covers(shared.now(), url).await? {
            return Err(InboxError::Forbidden("Your server is blocked here."));
        }
        Ok(())
    }

    /// Whoever sends something lives: what waits for its host may be tried at once, however often it failed.
    async fn note_that_it_lives(&self, sender: &Sender) -> Result<(), InboxError> {
        let shared = self.shared();
        let held_up = |host: &String| shared.known.may_be_held_up(shared.now(), host);
        let Some(host) = sender.host.clone().filter(held_up) else {
            return Ok(());
        };
        let moment = shared.moment();
        let due = move |store: &Store| store.host_answered(moment, &host);
        if self.shared().with_store(due).await? {
            self.wake();
        }
        Ok(())
    }

    /// Hands an activity whose sender is certain to the file that knows what it means.
    async fn act(
        self: &Arc<Self>,
        activity: incoming::Incoming,
        signed_at: Millis,
        sender: Arc<Sender>,
    ) -> Result<(), InboxError> {
        let data = self.request();
        let (kind, object) = (activity.kind, activity.object);
        let host = policy::host_of(&activity.id);
        let received = Received {
            activity_id: activity.id.to_string(),
            host,
            kind: kind.clone(),
            signed_at,
        };
        let envelope = Envelope {
            id: activity.id,
            actor: activity.actor,
            received,
        };
        let (about, as_written) = (object.as_ref(), activity.as_written);
        match kind.as_str() {
            "Follow" => {
                let shared = self.shared();
                if !shared.budget.may_follow(shared.now(), &envelope.received.host) {
                    return Err(InboxError::TooMany);
                }
                return take(
                    follow::Follow::read(envelope, (object, as_written), sender)?,
                    &data,
                )
                .await;
            }
            "Undo" => {
                if let Some(meant) = undo::UndoFollow::read(&envelope, about) {
                    let undo = undo::UndoFollow::new(envelope, meant, sender.id);
                    return take(undo, &data).await;
                }
            }
            "Accept" => {
                if let Some(accept) = accept::Accept::read(&envelope, about, &data) {
                    return take(accept, &data).await;
                }
            }
            "Reject" => {
                if let Some(reject) = reject::Reject::read(&envelope, about, &data) {
                    return take(reject, &data).await;
                }
            }
            "Delete" if delete::is_of_the_actor(&envelope, about) => {
                return take(delete::Delete::new(envelope), &data).await;
            }
            "Update" if delete::is_of_the_actor(&envelope, about) => {
                update::refresh(self, &envelope).await?;
            }
            _ => {}
        }
        take(nothing::Nothing::new(envelope), &data).await
    }
}

/// Verifies and receives one activity of a known kind.
async fn take<A>(activity: A, data: &Data<Arc<Shared>>) -> Result<(), InboxError>
where
    A: Activity<DataType = Arc<Shared>, Error = InboxError>,
{
    verify_domains_match(activity.id(), activity.actor())
        .map_err(|_| InboxError::Forbidden("The activity's id is not on its actor's host."))?;
    activity.verify(data).await?;
    activity.receive(data).await
}

/// Writes an activity down with what it calls for, together with others that come at the same time.
async fn take_in(shared: &Shared, received: Received, calls_for: CallsFor) -> Result<Effect, StoreError> {
    shared.arrivals.write(Arrival { received, calls_for }).await
}

/// What every activity has: its id, its actor, and what the store remembers of it, so that it acts once.
#[derive(Debug, Clone)]
struct Envelope {
    id: Url,
    actor: Url,
    received: Received,
}
