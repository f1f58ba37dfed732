//! Has what comes at the same time written down together: while one page is being written, the next fills, and when many
//! come, a page waits a moment for those that are about to. So a busy server pays for few transactions, and a quiet one
//! waits for nothing. What a page means is for whoever opens the ledger; `inbox/` and `courier/desk.rs` do.

use shoal_store::StoreError;
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::JoinHandle,
    time::{Duration, Instant},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

/// How many entries may wait for their page; who comes later waits before that.
const MOST_WAITING: usize = 1024;
/// How long after a page was written those may come again whose entries were on it.
const BUSY: Duration = Duration::from_millis(2);
/// How many pages do not wait after one that waited in vain.
const REST: u32 = 16;

/// What pages wait for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Gather {
    /// Those whose entries were written a moment ago, this long at most, for they may come again at once: somebody waits
    /// for each entry.
    Returning(Duration),
    /// Whoever comes within this time: nobody is in a hurry.
    All(Duration),
}

/// An entry on its way into the store, and who waits for it to stand there.
struct Waiting<I, O> {
    entry: I,
    answer: oneshot::Sender<Result<O, StoreError>>,
    place: OwnedSemaphorePermit,
}

/// Entries on their way, and the keeper's bell. It is rung when there are as many as the keeper waits for, and not for
/// each: to wake a thread costs about as much as to write an entry.
struct Tray<I, O> {
    inside: Mutex<Inside<I, O>>,
    bell: Condvar,
}

struct Inside<I, O> {
    entries: Vec<Waiting<I, O>>,
    /// How many the keeper waits for.
    wanted: usize,
    closed: bool,
}

impl<I, O> Tray<I, O> {
    fn new() -> Self {
        let inside = Inside {
            entries: Vec::new(),
            wanted: usize::MAX,
            closed: false,
        };
        Self {
            inside: Mutex::new(inside),
            bell: Condvar::new(),
        }
    }

    fn inside(&self) -> MutexGuard<'_, Inside<I, O>> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, entry: Waiting<I, O>) {
        let mut inside = self.inside();
        inside.entries.push(entry);
        if inside.entries.len() >= inside.wanted {
            inside.wanted = usize::MAX;
            drop(inside);
            self.bell.notify_one();
        }
    }

    fn close(&self) {
        self.inside().closed = true;
        self.bell.notify_one();
    }

    /// How many entries there are, once it is this many, or the time is over, or no more can come.
    fn wait(&self, wanted: usize, until: Option<Instant>) -> usize {
        let mut inside = self.inside();
        while inside.entries.len() < wanted && !inside.closed {
            inside.wanted = wanted;
            let Some(until) = until else {
                inside = self.bell.wait(inside).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            let waited = self.bell.wait_timeout(inside, left);
            inside = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        inside.wanted = usize::MAX;
        inside.entries.len()
    }

    /// The first entries, at most so many.
    fn take(&self, most: usize) -> Vec<Waiting<I, O>> {
        let mut inside = self.inside();
        let count = most.min(inside.entries.len());
        inside.entries.drain(..count).collect()
    }
}

/// The way into the store for entries of one sort.
pub(crate) struct Ledger<I, O> {
    tray: Arc<Tray<I, O>>,
    places: Arc<Semaphore>,
    keeper: Option<JoinHandle<()>>,
}

impl<I: Send + 'static, O: Send + 'static> Ledger<I, O> {
    /// A ledger whose pages hold `page` entries at most, wait for `gather`, and are written by `write`, which answers for
    /// each in the same order, on a thread of that name. What was entered is written before the ledger is closed, by being
    /// dropped.
    ///
    /// # Errors
    /// When the machine has no thread to give.
    pub(crate) fn open<W>(name: &str, (page, gather): (usize, Gather), write: W) -> Result<Self, StoreError>
    where
        W: Fn(Vec<I>) -> Result<Vec<Result<O, StoreError>>, StoreError> + Send + 'static,
    {
        let tray = Arc::new(Tray::new());
        let kept = Arc::clone(&tray);
        let keeper = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || keep(page, gather, &write, &kept))
            .map_err(|error| StoreError::Unavailable(error.to_string()))?;
        Ok(Self {
            tray,
            places: Arc::new(Semaphore::new(MOST_WAITING)),
            keeper: Some(keeper),
        })
    }

    /// Writes an entry down; says what came of it once that stands. It is written even if nobody waits for that any more.
    ///
    /// # Errors
    /// The entry's own, or that of its page.
    pub(crate) async fn write(&self, entry: I) -> Result<O, StoreError> {
        let closed = || StoreError::Unavailable("the ledger is closed".to_owned());
        let place = Arc::clone(&self.places)
            .acquire_owned()
            .await
            .map_err(|_| closed())?;
        let (answer, answered) = oneshot::channel();
        self.tray.put(Waiting { entry, answer, place });
        answered.await.map_err(|_| closed())?
    }
}

impl<I, O> Drop for Ledger<I, O> {
    fn drop(&mut self) {
        self.tray.close();
        if let Some(keeper) = self.keeper.take()
            && keeper.thread().id() != std::thread::current().id()
            && keeper.join().is_err()
        {
            tracing::error!("the keeper of a ledger had panicked");
        }
    }
}

/// Those whose entries were written a moment ago and who may come again at once: a page waits for them, unless it did so
/// in vain lately.
#[derive(Default)]
struct Crowd {
    count: usize,
    since: Option<Instant>,
    resting: u32,
}

impl Crowd {
    /// How many entries a page should have that is begun with so many, to be written without waiting longer.
    fn expected(&mut self, now: Instant, left: usize) -> usize {
        let busy = self.since.is_some_and(|since| now.duration_since(since) < BUSY);
        if self.resting > 0 {
            self.resting -= 1;
            return 1;
        }
        if busy { left + self.count } else { 1 }
    }

    fn wrote(&mut self, now: Instant, count: usize, in_vain: bool) {
        self.count = count;
        self.since = Some(now);
        if in_vain {
            self.resting = REST;
        }
    }
}

fn keep<I, O, W>(page: usize, gather: Gather, write: &W, tray: &Tray<I, O>)
where
    W: Fn(Vec<I>) -> Result<Vec<Result<O, StoreError>>, StoreError>,
{
    let mut crowd = Crowd::default();
    loop {
        // Who came while the last page was written is not of those whose entries were on it.
        let left = tray.wait(0, None).min(page);
        let alone = tray.wait(1, None);
        if alone == 0 {
            return;
        }
        let begun = Instant::now();
        let (expected, within) = match gather {
            Gather::Returning(within) => (crowd.expected(begun, left).min(page), within),
            Gather::All(within) => (page, within),
        };
        let count = tray.wait(expected, Some(begun + within)).min(page);
        answer(write, tray.take(count));
        crowd.wrote(Instant::now(), count, expected > alone && count == alone);
    }
}

/// Writes one page and tells everyone who waits for it.
fn answer<I, O, W>(write: &W, taken: Vec<Waiting<I, O>>)
where
    W: Fn(Vec<I>) -> Result<Vec<Result<O, StoreError>>, StoreError>,
{
    let (entries, waiting): (Vec<_>, Vec<_>) = taken
        .into_iter()
        .map(|one| (one.entry, (one.answer, one.place)))
        .unzip();
    let written = catch_unwind(AssertUnwindSafe(|| write(entries)));
    let written =
        written.unwrap_or_else(|_| Err(StoreError::Internal("a page's writing panicked".to_owned())));
    match written {
        Ok(written) => {
            for ((answer, _place), one) in waiting.into_iter().zip(written) {
                // Whoever waited may have been stopped.
                let _ = answer.send(one);
            }
        }
        Err(error) => {
            for (answer, _place) in waiting {
                let _ = answer.send(Err(StoreError::Unavailable(error.to_string())));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::Barrier;

    const AT_ONCE: Gather = Gather::Returning(Duration::from_millis(1));

    #[tokio::test]
    async fn each_is_answered_with_its_own_and_none_is_left_out() {
        let write = |page: Vec<u32>| {
            assert!(page.len() <= 4, "{page:?}");
            Ok(page.into_iter().map(|number| Ok(number * 2)).collect())
        };
        let ledger = Arc::new(Ledger::open("test", (4, AT_ONCE), write).expect("a thread"));
        let all = (0..50).map(|number| {
            let ledger = Arc::clone(&ledger);
            tokio::spawn(async move { (number, ledger.write(number).await) })
        });
        for one in all.collect::<Vec<_>>() {
            let (number, written) = one.await.expect("no panic");
            assert_eq!(written.expect("written"), number * 2);
        }
    }

    #[tokio::test]
    async fn a_page_that_fails_fails_for_all_on_it_and_for_nobody_else() {
        let write = |page: Vec<u32>| match page.contains(&13) {
            true => panic!("an unlucky page"),
            false => Ok(page.into_iter().map(Ok).collect()),
        };
        let ledger = Ledger::open("test", (4, AT_ONCE), write).expect("a thread");
        assert_eq!(ledger.write(1).await.expect("written"), 1);
        assert!(matches!(ledger.write(13).await, Err(StoreError::Unavailable(_))));
        assert_eq!(ledger.write(2).await.expect("written"), 2);
    }

    #[tokio::test]
    async fn what_was_entered_is_written_though_nobody_waits_for_it() {
        let written = Arc::new(std::sync::Mutex::new(Vec::<u32>::new()));
        let (seen, begun) = (Arc::clone(&written), Arc::new(Barrier::new(2)));
        let write = move |page: Vec<u32>| {
            seen.lock().expect("sound").extend(&page);
            Ok(page.into_iter().map(Ok).collect())
        };
        let ledger = Arc::new(Ledger::open("test", (4, AT_ONCE), write).expect("a thread"));
        let (entered, ready) = (Arc::clone(&ledger), Arc::clone(&begun));
        let gone = tokio::spawn(async move {
            let mut entry = Box::pin(entered.write(7));
            let polled = futures_util::poll!(&mut entry);
            drop((polled, entry));
            ready.wait().await;
        });
        begun.wait().await;
        gone.await.expect("no panic");
        drop(ledger);
        assert_eq!(*written.lock().expect("sound"), [7]);
    }

    #[test]
    fn a_page_waits_only_for_those_who_wrote_a_moment_ago() {
        let (mut crowd, start) = (Crowd::default(), Instant::now());
        let after = |micros| start + Duration::from_micros(micros);
        assert_eq!(crowd.expected(start, 0), 1);
        crowd.wrote(after(0), 4, false);
        assert_eq!(crowd.expected(after(10), 4), 8, "two groups become one");
        crowd.wrote(after(500), 8, false);
        assert_eq!(crowd.expected(after(600), 0), 8);
        assert_eq!(crowd.expected(after(5_000), 0), 1, "they are long gone");
        crowd.wrote(after(6_000), 1, true);
        for _ in 0..REST {
            assert_eq!(crowd.expected(after(6_100), 0), 1, "it was in vain");
        }
        assert_eq!(crowd.expected(after(6_100), 0), 1);
    }
}
