//! `Update` of an actor by itself. What it carries is not believed: the actor is fetched anew from where it lives, so that it
//! does not matter in which order Updates come, nor how old they are. Updates of anything else mean nothing here yet, and
//! those of actors never heard of do not come this far (`sender.rs`). That it came is remembered by `nothing.rs`.

use super::{Envelope, InboxError, sender};
use crate::Federation;
use std::sync::Arc;

/// Brings a kept actor up to date; once in five minutes, after that when it next does something.
///
/// # Errors
/// 503 and 429 when its server cannot be asked now: then the Update is to come again.
pub(super) async fn refresh(federation: &Arc<Federation>, envelope: &Envelope) -> Result<(), InboxError> {
    let shared = federation.shared();
    let (id, uri) = (envelope.id.to_string(), envelope.actor.to_string());
    let known = shared.with_store(move |store| store.was_received(&id));
    if known.await? {
        return Ok(());
    }
    if !shared.budget.may_refresh(shared.now(), &uri) {
        let doubted = uri.clone();
        let doubt = shared.with_store(move |store| store.doubt_remote_actor(&doubted));
        doubt.await?;
        shared.known.forget(&uri);
        return Ok(());
    }
    match sender::fetch(federation, &envelope.actor, true).await {
        Err(passing @ (InboxError::Unreachable(_) | InboxError::TooMany | InboxError::Store(_))) => {
            Err(passing)
        }
        // What it shows now is no actor, or nothing: the kept one stays until its deliveries say more.
        Ok(_) | Err(_) => Ok(()),
    }
}
