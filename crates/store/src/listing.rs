//! What the tracker may serve, and telling it: the observer hears each change after its commit and before the verb
//! that made it returns. Next: `moderation.rs` and `uploads.rs`, which change it.

use std::sync::Arc;

use parking_lot::RwLock;

/// One change of what the tracker may serve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListingChange;

type Hearing = Arc<dyn Fn(&[ListingChange]) + Send + Sync>;

/// Who hears of changes, once someone wants to.
#[derive(Default)]
pub(crate) struct Observer(RwLock<Option<Hearing>>);

impl Observer {
    /// Tells the changes of one transaction, in order.
    pub(crate) fn tell(&self, changes: &[ListingChange]) {
        if changes.is_empty() {
            return;
        }
        let hearing = self.0.read().clone();
        if let Some(hearing) = hearing {
            hearing(changes);
        }
    }

    pub(crate) fn set(&self, hearing: Hearing) {
        *self.0.write() = Some(hearing);
    }
}
