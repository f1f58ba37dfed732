//! Whose signature it is: the activity's actor has to list the very key that signed, in `publicKey` or in
//! `assertionMethod`, as its own, everything on one origin. So the key document itself is never fetched, only the actor,
//! by a signed GET; that covers GoToSocial, whose key ids have no fragment and show strangers only a stub.

use super::{InboxError, budget::Failure, known::Sender};
use crate::{
    Federation, FetchError, policy, remote,
    verify::{Claim, Refusal},
    vocab::incoming::Incoming,
};
use shoal_store::{Millis, Store};
use std::{sync::Arc, time::Duration};
use url::Url;

/// After this long a kept actor is fetched anew when it does something that matters.
const STALE: Millis = 24 * 3600 * 1000;

/// How long a sender's server may take to show the actor; less than the sender waits for us.
const PATIENCE: Duration = Duration::from_secs(10);

/// The actor that certainly sent this, and when it was signed; `None` for what can be thanked for and forgotten without
/// knowing (a `Delete` or `Update` of somebody never heard of, whose key is often gone already; what was signed before its
/// actor left).
///
/// # Errors
/// [`InboxError`]: 401 when no signature holds, 503 when the sender's server cannot be asked.
pub(super) async fn identify(
    federation: &Arc<Federation>,
    claims: &[Claim],
    activity: &Incoming,
) -> Result<Option<(Arc<Sender>, Millis)>, InboxError> {
    if !claims
        .iter()
        .any(|claim| is_at_home(&claim.key_id, &activity.actor))
    {
        return Err(InboxError::Key("is not on the host of the activity's actor"));
    }
    if let Some(known) = known(federation, claims, &activity.actor) {
        let (sender, signed_at) = known;
        let fresh = refresh_if_stale(federation, sender, activity).await;
        return Ok(Some((fresh, signed_at)));
    }
    let kept = kept(federation, &activity.actor).await?;
    let gone_at = kept.as_ref().and_then(|actor| actor.gone_at);
    if gone_at.is_some_and(|gone_at| claims.iter().all(|claim| claim.signed_at <= gone_at)) {
        // Sent before the actor left, and overtaken by that.
        return Ok(None);
    }
    let kept = kept.filter(|actor| actor.gone_at.is_none());
    if kept.is_none() && matches!(activity.kind.as_str(), "Delete" | "Update") {
        return Ok(None);
    }
    let (sender, signed_at) = confirm_as(federation, claims, &activity.actor, kept).await?;
    Ok(Some((
        refresh_if_stale(federation, sender, activity).await,
        signed_at,
    )))
}

/// The actor, if one of the claims is borne out by one of its keys, and when that was signed. A key that does not fit is
/// fetched anew, within the budget.
///
/// # Errors
/// As [`identify`].
pub(crate) async fn confirm(
    federation: &Arc<Federation>,
    claims: &[Claim],
    actor: &Url,
) -> Result<(Arc<Sender>, Millis), InboxError> {
    if let Some(known) = known(federation, claims, actor) {
        return Ok(known);
    }
    let kept = present(federation, actor).await?;
    confirm_as(federation, claims, actor, kept).await
}

/// The actor, if it was heard of a moment ago and the key that was known then bears out a claim.
fn known(federation: &Federation, claims: &[Claim], actor: &Url) -> Option<(Arc<Sender>, Millis)> {
    let shared = federation.shared();
    let known = shared.known.find(shared.now(), actor.as_str())?;
    let signed_at = check(claims, &known).ok()?;
    Some((known, signed_at))
}

/// The actor as it is kept, even when it is gone.
async fn kept(federation: &Federation, actor: &Url) -> Result<Option<Arc<Sender>>, InboxError> {
    let (shared, uri) = (federation.shared(), actor.to_string());
    let now = shared.now();
    let kept = shared
        .with_store(move |store: &Store| store.remote_actor(&uri))
        .await?;
    Ok(kept.map(|actor| Arc::new(Sender::of(actor, now))))
}

async fn present(federation: &Federation, actor: &Url) -> Result<Option<Arc<Sender>>, InboxError> {
    let kept = kept(federation, actor).await?;
    Ok(kept.filter(|actor| actor.gone_at.is_none()))
}

async fn confirm_as(
    federation: &Arc<Federation>,
    claims: &[Claim],
    actor: &Url,
    kept: Option<Arc<Sender>>,
) -> Result<(Arc<Sender>, Millis), InboxError> {
    let (shared, known) = (federation.shared(), kept.is_some());
    if let Some(kept) = kept {
        match check(claims, &kept) {
            Ok(signed_at) => {
                shared.known.keep(actor.as_str(), &kept);
                return Ok((kept, signed_at));
            }
            Err(refusal) => {
                if !shared.budget.may_refetch(shared.now(), actor.as_str()) {
                    return Err(refusal);
                }
            }
        }
    }
    let fetched = fetch(federation, actor, known).await?;
    let signed_at = check(claims, &fetched)?;
    Ok((fetched, signed_at))
}

/// Whether a key of that name can be one of the actor's: an address on its origin, or a handle on its host.
fn is_at_home(key_id: &str, actor: &Url) -> bool {
    // The usual way: the actor's own address, with a fragment.
    if key_id
        .strip_prefix(actor.as_str())
        .is_some_and(|rest| rest.starts_with('#'))
    {
        return true;
    }
    match key_id.strip_prefix("acct:").map(|handle| handle.rsplit_once('@')) {
        Some(handle) => handle.is_some_and(|(_, host)| host == policy::host_of(actor)),
        None => Url::parse(key_id).is_ok_and(|key| policy::same_origin(&key, actor)),
    }
}

/// When the first claim was made that one of the actor's keys bears out; the first refusal when there is none.
fn check(claims: &[Claim], sender: &Sender) -> Result<Millis, InboxError> {
    let mut refused = None;
    for claim in claims {
        let held = match sender.with_key(&claim.key_id, |key| claim.check(key)) {
            Some(checked) => checked.map_err(InboxError::from),
            None => Err(InboxError::Key(
                "is not one that the activity's actor lists and that can be read here",
            )),
        };
        match held {
            Ok(()) => return Ok(claim.signed_at),
            Err(refusal) => refused = refused.or(Some(refusal)),
        }
    }
    Err(refused.unwrap_or(InboxError::Signature(Refusal::Unsigned)))
}

/// Fetches an actor within the budget, and remembers a failure. Goes on if whoever wants it stops waiting.
pub(super) async fn fetch(
    federation: &Arc<Federation>,
    actor: &Url,
    known: bool,
) -> Result<Arc<Sender>, InboxError> {
    let (out, actor) = (Arc::clone(federation), actor.clone());
    let fetching = async move { fetch_now(&out, &actor, known).await };
    federation.shared().outside(fetching).await?
}

async fn fetch_now(federation: &Federation, actor: &Url, known: bool) -> Result<Arc<Sender>, InboxError> {
    let shared = federation.shared();
    let _turn = shared.budget.turn(actor.as_str()).await;
    if !known && let Some(brought) = shared.known.find(shared.now(), actor.as_str()) {
        // Others who asked for it have brought it in.
        return Ok(brought);
    }
    let fetching = remote::refetch(federation, actor);
    let fetched = ask(federation, actor, fetching)
        .await
        .map_err(|refusal| match refusal {
            // The kept key did not fit, and there is no newer one: the signature is simply wrong.
            InboxError::Key(_) if known => InboxError::Signature(Refusal::Signature),
            other => other,
        })?;
    let sender = Arc::new(Sender::of(fetched, shared.now()));
    shared.known.keep(actor.as_str(), &sender);
    Ok(sender)
}

/// Asks another server for an actor or a key within the budget, and remembers a failure.
///
/// # Errors
/// [`InboxError`]: `Key` for what is not there, `Unreachable` for what may be there later, `TooMany`.
pub(crate) async fn ask<T>(
    federation: &Federation,
    what: &Url,
    asking: impl Future<Output = Result<T, FetchError>>,
) -> Result<T, InboxError> {
    let budget = &federation.shared().budget;
    let now = federation.shared().now();
    match budget.failure(now, what.as_str()) {
        Some(Failure::Final) => return Err(InboxError::Key("belongs to nobody who is there")),
        Some(Failure::Passing) => return Err(InboxError::Unreachable("it failed a moment ago".to_owned())),
        None => {}
    }
    let host = policy::host_of(what);
    if budget.silence.is_silent(now, &host) {
        return Err(InboxError::Unreachable("its server does not answer".to_owned()));
    }
    if !budget.may_fetch(now, &host) {
        return Err(InboxError::TooMany);
    }
    let (Some(_at_host), Ok(_place)) = (budget.silence.turn(&host), budget.at_once.try_acquire()) else {
        return Err(InboxError::TooMany);
    };
    let came = tokio::time::timeout(PATIENCE, asking).await;
    let came = came.unwrap_or_else(|_| Err(FetchError::Network("the server took too long".to_owned())));
    let answered = !matches!(came, Err(FetchError::Network(_)));
    budget.silence.heard(now, &host, answered);
    came.map_err(|error| {
        let failure = if error.may_pass() {
            Failure::Passing
        } else {
            Failure::Final
        };
        if !matches!(error, FetchError::Ours(_)) {
            budget.remember_failure(now, what.as_str(), failure);
        }
        match failure {
            Failure::Passing => InboxError::Unreachable(error.to_string()),
            Failure::Final => InboxError::Key("belongs to nobody who is there"),
        }
    })
}

/// A follower's inbox may have moved since it was last looked at; the old one does until the new one is known. One that
/// said that it changed, when it could not be looked at, is looked at whatever it does.
async fn refresh_if_stale(
    federation: &Arc<Federation>,
    kept: Arc<Sender>,
    activity: &Incoming,
) -> Arc<Sender> {
    let now = federation.shared().now();
    let stale = kept.fetched_at == 0 || now - kept.fetched_at > STALE && activity.kind == "Follow";
    if !stale
        || !federation
            .shared()
            .budget
            .may_refetch(now, activity.actor.as_str())
    {
        return kept;
    }
    fetch(federation, &activity.actor, true).await.unwrap_or(kept)
}
