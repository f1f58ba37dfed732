//! Actors of ours that follow others: the wish is written down with the id of the Follow that will carry it, and the
//! courier sends it (`outbox/follow.rs`). The answer comes in through `inbox/accept.rs` or `inbox/reject.rs`.

use crate::{Federation, FetchError};
use shoal_store::{Following, Id, LocalActor};
use url::Url;

impl Federation {
    /// Follows somebody elsewhere, by handle or address. Asking again makes a new wish.
    ///
    /// # Errors
    /// [`FetchError`] when they cannot be found or the store does not answer.
    pub async fn follow(&self, actor: &LocalActor, handle_or_url: &str) -> Result<Following, FetchError> {
        let target = self.resolve(handle_or_url).await?;
        // One that is kept was not fetched, so nobody asked yet whether its server is blocked.
        self.client()
            .check(&Url::parse(&target.uri).map_err(|error| FetchError::Ours(error.to_string()))?)
            .await?;
        let (actor, mut moment) = (actor.id, self.shared().moment());
        let follow_uri = self.urls().activity(moment.id());
        let asked =
            move |store: &shoal_store::Store| store.request_follow(moment, actor, target.id, &follow_uri);
        let following = self.shared().with_store(asked).await?;
        self.wake();
        Ok(following)
    }

    /// Follows no more; the other side is told.
    ///
    /// # Errors
    /// [`FetchError`] when there is no such wish or the store does not answer.
    pub async fn unfollow(&self, following: Id) -> Result<(), FetchError> {
        let moment = self.shared().moment();
        self.shared()
            .with_store(move |store| store.withdraw_follow(moment, following))
            .await?;
        self.wake();
        Ok(())
    }
}
