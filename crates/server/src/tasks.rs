//! What happens by the clock: swarms are swept, saved and restored, completions counted, idle keys forgotten, listings
//! of other nodes heard. The courier runs beside; it is the federation's own.

use std::fs::{File, OpenOptions};
use std::io::{BufReader, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use rustix::time::{ClockId, clock_gettime};
use shoal_federation::Federation;
use shoal_store::{Backend, Listing, ListingChange, ListingCursor, Store, StoreError};
use shoal_tracker::{Mode, Seconds, Settings, Tracker};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::app::App;
use crate::config::{Config, TrackerMode};
use crate::strain::Strain;
use crate::{announce_keys, clock};

type Stopped = watch::Receiver<bool>;

/// How much the courier's threads step back: with it they get a fifth of a core that others want whole.
const YIELDING: i32 = 7;

/// Ages stand still while the program is down; swarms saved longer ago than this would be full of peers that are gone.
const STALE: Duration = Duration::from_secs(2 * 3600);

/// Peers looked at in a second: ten million are gone through in some minutes, a million in seconds.
const SWEPT_PER_SECOND: usize = 100_000;

/// A tracker that knows every listed torrent and the swarms that were saved, and hears of every change.
pub(crate) fn open_tracker(config: &Config, store: &Store) -> anyhow::Result<Arc<Tracker>> {
    let settings = &config.tracker;
    let bound = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let tracker = Arc::new(Tracker::new(Settings {
        mode: match settings.mode {
            TrackerMode::Listed => Mode::Listed,
            TrackerMode::Open => Mode::Open,
            TrackerMode::Closed => Mode::Closed,
        },
        interval: settings.interval,
        min_interval: settings.min_interval,
        max_torrents: bound(settings.max_torrents),
        max_peers: bound(settings.max_peers),
        max_peers_per_torrent: bound(settings.max_peers_per_torrent),
        max_peers_per_address: bound(settings.max_peers_per_address),
        requests_per_second_per_address: settings.requests_per_second_per_address,
        requests_per_second_per_network: settings.requests_per_second_per_network,
        clients: settings.clients.read()?,
        ..Settings::new(rand::random())
    }));
    let listener = Arc::clone(&tracker);
    announce_keys::load(&tracker, store)?;
    store.on_listing_change(Arc::new(move |changes: &[ListingChange]| {
        hear(&listener, changes)
    }));
    store.for_each_listing(|change| hear(&tracker, &[change]))?;
    store.for_each_completed(|keys, completed| tracker.set_completed(keys, completed))?;
    restore(&tracker, &config.swarms_file());
    Ok(tracker)
}

/// Tells the registry what the store decided.
fn hear(tracker: &Tracker, changes: &[ListingChange]) {
    for change in changes {
        match change.state {
            Listing::Listed if change.private => tracker.list_private(change.keys),
            Listing::Listed => tracker.list(change.keys),
            Listing::Forbidden => tracker.forbid(change.keys),
            Listing::Unlisted => tracker.unlist(change.keys),
        }
    }
}

/// Reads saved swarms; a file that cannot be used costs nothing but one announce interval.
fn restore(tracker: &Tracker, file: &Path) {
    let Ok(saved) = File::open(file) else {
        return;
    };
    let saved_at = saved.metadata().and_then(|about| about.modified()).ok();
    if saved_at
        .and_then(|at| at.elapsed().ok())
        .is_some_and(|age| age > STALE)
    {
        tracing::info!("saved swarms are too old to be of use; clients will announce again");
        return;
    }
    match tracker.restore(Seconds(0), &mut BufReader::new(saved)) {
        Ok(peers) => tracing::info!(?peers, "swarms restored"),
        Err(error) => tracing::warn!(%error, "saved swarms cannot be used; clients will announce again"),
    }
}

/// Writes swarms, and what was counted of them; swarms are saved although the database may be gone.
///
/// # Errors
/// When the file or the database cannot be written.
pub(crate) fn save(app: &App) -> anyhow::Result<()> {
    let saved = save_swarms(app);
    count_completions(app)?;
    announce_keys::keep_uses(app)?;
    saved
}

/// Writes the swarms; the file is replaced as a whole or not at all.
fn save_swarms(app: &App) -> anyhow::Result<()> {
    let started = Instant::now();
    let file = app.config.swarms_file();
    let fresh = file.with_extension("new");
    let said = || format!("cannot save the swarms to {}", file.display());
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder).with_context(said)?;
    }
    let mut out = BufWriter::new(private(&fresh).with_context(said)?);
    let peers = (app.tracker)
        .snapshot(app.tracker_now(), &mut out)
        .with_context(said)?;
    out.flush().with_context(said)?;
    out.get_ref().sync_all().with_context(said)?;
    std::fs::rename(&fresh, &file).with_context(said)?;
    app.chores.saved(app.uptime(), started.elapsed(), peers);
    Ok(())
}

/// A new file that only its owner may read: swarms hold addresses.
fn private(path: &Path) -> std::io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
}

/// Stores the completions since the last time, in one transaction; what cannot be stored is kept for the next time.
fn count_completions(app: &App) -> Result<(), StoreError> {
    let counted = app.tracker.take_completions();
    if counted.is_empty() {
        return Ok(());
    }
    let rows: Vec<_> = counted
        .iter()
        .map(|(key, n)| (*key, i64::try_from(*n).unwrap_or(i64::MAX)))
        .collect();
    let stored = app.store.add_completions(clock::moment(), &rows);
    if stored.is_err() {
        app.tracker.give_back_completions(counted);
    }
    stored
}

/// Starts everything that runs beside the sockets.
pub(crate) fn start(app: &Arc<App>, stopped: &Stopped) -> Vec<JoinHandle<()>> {
    let mut work = vec![
        every(Duration::from_secs(1), app, stopped, |app| {
            let started = Instant::now();
            let swept = app.tracker.sweep(app.tracker_now(), SWEPT_PER_SECOND);
            app.chores.swept(started.elapsed(), swept.forgotten as u64);
            Ok(())
        }),
        every(Duration::from_secs(10), app, stopped, tell_strain()),
        every(Duration::from_secs(30), app, stopped, |app| {
            announce_keys::keep_uses(app)?;
            Ok(count_completions(app)?)
        }),
        every(Duration::from_secs(300), app, stopped, save),
        every(Duration::from_secs(600), app, stopped, |app| {
            app.limits.forget_idle();
            app.store.sweep_expired(clock::moment())?;
            let swept = app.store.sweep(clock::moment())?;
            tracing::debug!(?swept, "let go of what was kept long enough");
            Ok(())
        }),
    ];
    let mut hear_keys = announce_keys::Ear::default();
    work.push(every(Duration::from_secs(1), app, stopped, move |app| {
        Ok(hear_keys.listen(app)?)
    }));
    if app.store.kind() == Backend::Postgres {
        work.push(hear_other_nodes(app, stopped));
    }
    if app.config.federation.enabled {
        let (federation, stopped) = (Arc::clone(&app.federation), stopped.clone());
        work.push(tokio::task::spawn_blocking(move || carry(&federation, stopped)));
    }
    work
}

/// Tells the tracker how hard this program works.
fn tell_strain() -> impl FnMut(&App) -> anyhow::Result<()> + Send + 'static {
    let mut strain = Strain::default();
    move |app| {
        let [now, worked] = [ClockId::Monotonic, ClockId::ProcessCPUTime]
            .map(|clock| Duration::try_from(clock_gettime(clock)).unwrap_or_default());
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let eighths = strain.measure(now, worked, processors);
        if eighths != app.tracker.strain() {
            tracing::info!(eighths, "the tracker's clients are told to come later by so much");
        }
        app.tracker.set_strain(app.tracker_now(), eighths);
        Ok(())
    }
}

/// Runs the courier on threads of its own, to which the system prefers all others: however much there is to sign and to
/// tell, whoever asks is answered first.
fn carry(federation: &Arc<Federation>, stopped: Stopped) {
    let threads = tokio::runtime::Builder::new_multi_thread()
        .thread_name("courier")
        .on_thread_start(|| {
            // Of this thread alone, and the same whichever thread asked for it.
            if let Err(error) = rustix::process::setpriority_process(None, YIELDING) {
                tracing::debug!(%error, "the courier's threads are as urgent as the others");
            }
        })
        .enable_all()
        .build();
    match threads {
        Ok(threads) => threads.block_on(federation.run_courier(stopped)),
        Err(error) => tracing::error!(%error, "the courier cannot work"),
    }
}

/// Runs blocking work again and again until the program stops; a failure is told and the work goes on.
fn every(
    pause: Duration,
    app: &Arc<App>,
    stopped: &Stopped,
    mut work: impl FnMut(&App) -> anyhow::Result<()> + Send + 'static,
) -> JoinHandle<()> {
    let (app, mut stopped) = (Arc::clone(app), stopped.clone());
    tokio::spawn(async move {
        while !until(pause, &mut stopped).await {
            let app = Arc::clone(&app);
            let ran = tokio::task::spawn_blocking(move || {
                let done = attempt(|| work(&app));
                (work, done)
            });
            let Ok((again, done)) = ran.await else { return };
            work = again;
            if let Err(error) = done {
                tracing::error!("work in the background failed and will be tried again: {error:#}");
            }
        }
    })
}

/// Does some work. A panic, which the program has told of where it happened, is a failure like any other: whoever waits for
/// the work to be done again must not wait for ever.
fn attempt(work: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<()> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err(anyhow!("it panicked, by a fault of the program")))
}

/// Waits for the pause or the stop; true when it is the stop.
async fn until(pause: Duration, stopped: &mut Stopped) -> bool {
    tokio::select! {
        () = tokio::time::sleep(pause) => false,
        _ = stopped.wait_for(|stop| *stop) => true,
    }
}

/// Hears within a second what other nodes on the same PostgreSQL listed or forbade, and heals misses by comparing the
/// whole every ten minutes.
fn hear_other_nodes(app: &Arc<App>, stopped: &Stopped) -> JoinHandle<()> {
    let mut cursor = None;
    let mut rounds = 0_u32;
    every(Duration::from_secs(1), app, stopped, move |app| {
        let at = match cursor {
            Some(at) if !rounds.is_multiple_of(600) => at,
            _ => compare_listing(app)?,
        };
        rounds = rounds.wrapping_add(1);
        let (changes, next) = app.store.listing_changes_since(at)?;
        hear(&app.tracker, &changes);
        cursor = Some(next);
        Ok(())
    })
}

/// Brings the registry to what is stored, and says where later changes begin.
fn compare_listing(app: &App) -> Result<ListingCursor, StoreError> {
    let mut resync = app.tracker.resync();
    let cursor = app.store.for_each_listing(|change| match change.state {
        Listing::Listed if change.private => resync.list_private(change.keys),
        Listing::Listed => resync.list(change.keys),
        Listing::Forbidden => resync.forbid(change.keys),
        Listing::Unlisted => {}
    })?;
    resync.finish();
    Ok(cursor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_a_failure_that_can_be_tried_again() {
        assert!(attempt(|| Ok(())).is_ok());
        let failed = attempt(|| panic!("a test panics on purpose")).expect_err("it panicked");
        assert!(failed.to_string().contains("panicked"), "{failed}");
        assert_eq!(
            attempt(|| Err(anyhow!("no room")))
                .expect_err("it failed")
                .to_string(),
            "no room"
        );
    }
}
