//! `Accept` and `Reject` of a Follow that came in, with the whole Follow inside, signed by the actor that was to be
//! followed and for its follower alone. They are made while the Follow is taken in (`inbox/follow.rs`) and kept in the
//! same breath, so that no post can overtake them.

use crate::{
    Shared, federation::Identity, proof, time::rfc3339, urls::proof_key, vocab, vocab::activity::Activity,
};
use serde_json::Value;
use shoal_store::{Answer, Id, StoreError};

/// What is answered.
pub(crate) struct Asked<'a> {
    /// The local actor that was to be followed.
    pub(crate) actor: Id,
    /// Its id in the fediverse, and what it signs with.
    pub(crate) identity: &'a Identity,
    /// Who asked.
    pub(crate) follower_uri: &'a str,
    /// Its own inbox, and the host of that.
    pub(crate) inbox: (&'a str, &'a str),
    /// The Follow's id.
    pub(crate) follow_uri: &'a str,
    /// The Follow as it was written.
    pub(crate) follow: &'a Value,
}

/// Answers a Follow.
///
/// # Errors
/// When the answer cannot be proved, which cannot be.
pub(crate) fn answer(shared: &Shared, kind: &'static str, asked: &Asked<'_>) -> Result<Answer, StoreError> {
    let mut moment = shared.moment();
    let uri = shared.urls.activity(moment.id());
    let activity = Activity {
        context: vocab::plain_context(),
        id: uri.clone(),
        kind,
        actor: asked.identity.uri.clone(),
        published: rfc3339(moment.now),
        to: vec![asked.follower_uri.to_owned()],
        cc: Vec::new(),
        object: asked.follow.clone(),
        target: None,
    };
    let document = serde_json::to_value(activity).map_err(super::draft::internal)?;
    let (key, signer) = (proof_key(&asked.identity.uri), &asked.identity.signer);
    let proved = proof::sign(document, &key, signer, moment.now).map_err(super::draft::internal)?;
    let (inbox, host) = asked.inbox;
    Ok(Answer {
        uri,
        actor: asked.actor,
        kind: kind.to_owned(),
        object_uri: asked.follow_uri.to_owned(),
        json: proved.to_string(),
        inbox: inbox.to_owned(),
        host: host.to_owned(),
    })
}
