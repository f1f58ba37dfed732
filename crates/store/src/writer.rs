//! SQLite's writer: one thread that has the only writing connection of this process. It takes the verbs that wait,
//! runs each in a savepoint of one shared transaction, commits, and answers only then, so that one sync to the disk
//! serves all of them. The first of them needs no savepoint, for which each page that it changes would be set aside: if
//! it fails, the transaction is begun anew. Verbs that somebody waits for go before the background (`lanes.rs`), and are
//! committed as soon as they are done. Knows nothing of what the verbs do. Next: `engine.rs`.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;

use diesel::connection::TransactionManager;

use crate::StoreError;
use crate::connection::{Db, Manager, WRITE, begin};
use crate::engine::Tx;
use crate::homing::Bell;
use crate::lanes::{Lane, Lanes};
use crate::observer::{News, Observer};

/// How many verbs may share a transaction.
const MOST_IN_A_BATCH: usize = 256;
/// How many verbs of the background may share one, for whoever comes next waits until it is committed.
const MOST_OF_THE_BACKGROUND: usize = 2;

/// The thread and the way to it. Dropping it finishes what waits and closes the connection.
pub(crate) struct Writer {
    jobs: Arc<Lanes<Box<dyn Job>>>,
    thread: Option<JoinHandle<()>>,
}

/// How the writing connection is made, and made again after trouble.
pub(crate) type Opener = Box<dyn FnMut() -> Result<Db, StoreError> + Send>;

impl Writer {
    /// Starts the thread on a connection that `open` makes; after each commit the observer hears what the tracker must know,
    /// and the bell is rung.
    pub(crate) fn start(
        mut open: Opener,
        (observer, bell): (Arc<Observer>, Arc<Bell>),
    ) -> Result<Self, StoreError> {
        let db = open()?;
        let jobs = Arc::new(Lanes::new());
        let queue = Arc::clone(&jobs);
        let thread = std::thread::Builder::new()
            .name("store-writer".into())
            .spawn(move || serve(db, open, &queue, (&observer, &bell)))
            .map_err(|error| StoreError::Unavailable(error.to_string()))?;
        Ok(Self {
            jobs,
            thread: Some(thread),
        })
    }

    /// Runs a verb on the thread, in its turn in this lane, and waits until it is committed.
    pub(crate) fn run<T: Send + 'static>(
        &self,
        lane: Lane,
        verb: impl FnOnce(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let stopped = || StoreError::Unavailable("the writer has stopped".into());
        let (answer, answered) = sync_channel(1);
        let job = Box::new(Waiting {
            verb: Some(verb),
            outcome: None,
            answer,
        });
        if !self.jobs.put(lane, job) {
            return Err(stopped());
        }
        answered.recv().map_err(|_| stopped())?
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.jobs.close();
        if let Some(thread) = self.thread.take()
            && thread.thread().id() != std::thread::current().id()
            && thread.join().is_err()
        {
            tracing::error!("the writer had panicked");
        }
    }
}

/// A verb on its way through the thread.
trait Job: Send {
    /// Runs the verb; what it changed is undone if it fails. `first` is the one before which nothing was written in this
    /// transaction. An error means that the whole transaction is lost, not only this verb.
    fn run(&mut self, tx: &mut Tx<'_>, first: bool) -> Result<(), StoreError>;
    /// Answers the caller: the verb's outcome if the transaction was committed, else why not.
    fn answer(self: Box<Self>, lost: Option<&StoreError>);
}

struct Waiting<F, T> {
    verb: Option<F>,
    outcome: Option<Result<T, StoreError>>,
    answer: SyncSender<Result<T, StoreError>>,
}

impl<F, T> Job for Waiting<F, T>
where
    F: FnOnce(&mut Tx<'_>) -> Result<T, StoreError> + Send,
    T: Send,
{
    fn run(&mut self, tx: &mut Tx<'_>, first: bool) -> Result<(), StoreError> {
        let Some(verb) = self.verb.take() else {
            return Ok(());
        };
        if !first {
            Manager::begin_transaction(tx.db)?;
        }
        let mut changes = News::default();
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            verb(&mut Tx {
                db: tx.db,
                news: &mut changes,
                is_awaited: tx.is_awaited,
            })
        }))
        .unwrap_or_else(|_| Err(StoreError::Internal("a verb of the store panicked".into())));
        match &outcome {
            Ok(_) => {
                if !first {
                    Manager::commit_transaction(tx.db)?;
                }
                tx.news.append(changes);
            }
            // The disk is full or failing: SQLite may have rolled back everything already.
            Err(StoreError::Unavailable(why)) => return Err(StoreError::Unavailable(why.clone())),
            Err(_) => {
                Manager::rollback_transaction(tx.db)?;
                if first {
                    begin(tx.db, &WRITE)?;
                }
            }
        }
        self.outcome = Some(outcome);
        Ok(())
    }

    fn answer(self: Box<Self>, lost: Option<&StoreError>) {
        let answer = match (lost, self.outcome) {
            (None, Some(outcome)) => outcome,
            (Some(StoreError::Unavailable(why)), _) => Err(StoreError::Unavailable(why.clone())),
            (Some(error), _) => Err(StoreError::Unavailable(error.to_string())),
            (None, None) => Err(StoreError::Internal("a verb was not run".into())),
        };
        // A caller that no longer listens has given up: what was committed stays.
        let _ = self.answer.send(answer);
    }
}

/// The thread's whole life: one batch after the other until the lanes are closed and empty.
fn serve(db: Db, mut open: Opener, queue: &Lanes<Box<dyn Job>>, (observer, bell): (&Observer, &Bell)) {
    let mut kept = Some(db);
    while let Some(first) = queue.wait() {
        let mut batch = vec![first];
        let mut news = News::default();
        let fate = match kept.take().map_or_else(&mut open, Ok) {
            Ok(mut db) => {
                let mut tx = Tx {
                    db: &mut db,
                    news: &mut news,
                    is_awaited: &|| queue.is_hurried(),
                };
                let fate = commit_batch(&mut tx, &mut batch, queue);
                // After trouble the connection is closed, which rolls back, and the next batch opens another.
                kept = fate.is_ok().then_some(db);
                fate
            }
            Err(error) => Err(error),
        };
        match &fate {
            Ok(()) => {
                observer.tell(&news);
                bell.ring();
            }
            Err(error) => tracing::error!(%error, verbs = batch.len(), "a transaction was lost"),
        }
        for (_, job) in batch {
            job.answer(fate.as_ref().err());
        }
    }
}

/// Runs the first job and those that wait behind it in one transaction. Nothing of the background comes after a prompt
/// one: somebody waits for the commit.
fn commit_batch(
    tx: &mut Tx<'_>,
    batch: &mut Vec<(Lane, Box<dyn Job>)>,
    queue: &Lanes<Box<dyn Job>>,
) -> Result<(), StoreError> {
    begin(tx.db, &WRITE)?;
    let (mut at, mut hurried) = (0, false);
    while let Some((lane, job)) = batch.get_mut(at) {
        job.run(tx, at == 0)?;
        hurried |= *lane == Lane::Prompt;
        at += 1;
        if at < MOST_IN_A_BATCH
            && let Some(next) = queue.take(hurried || at >= MOST_OF_THE_BACKGROUND)
        {
            batch.push(next);
        }
    }
    Ok(Manager::commit_transaction(tx.db)?)
}
