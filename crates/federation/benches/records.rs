//! What a record costs from the row to the database, beside the one Ed25519 signature that it cannot do without: written,
//! canonicalised, signed and kept on SQLite, the database's work included. Processor time.

#![expect(clippy::print_stdout, reason = "printing figures is what a bench is for")]

use std::error::Error;
use std::hint::black_box;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use shoal_federation::{
    keys::{self, Signer},
    proof,
    records::{self, Edition},
    urls::{Urls, proof_key},
};
use shoal_store::{
    Account, Built, Dataset, Event, Millis, Moment, NewAccount, NewDataset, NewRecord, PendingEvent, Role,
    Scopes, Store, Subject, Threat,
};
use url::Url;

/// How often it is measured.
const ROUNDS: usize = 3;
/// How many records are made in a round, and how many for one event.
const RECORDS: usize = 2_000;
const OF_AN_EVENT: usize = 100;
const NOW: Millis = 1_795_161_600_000;

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let folder = tempfile::tempdir()?;
    let url = format!("sqlite:{}", folder.path().join("bench.sqlite").display());
    measure(&url)
}

/// The archive that the records are of.
struct Archive {
    store: Store,
    signer: Signer,
    urls: Urls,
    account: Account,
    dataset: Dataset,
}

impl Archive {
    fn open(url: &str) -> Outcome<Self> {
        let keys = keys::generate();
        let signer = Signer::load(&keys)?;
        let store = Store::open(url, Role::Serve)?;
        let account = store.create_account(
            moment(),
            NewAccount {
                name: "ann".to_owned(),
                title: String::new(),
                password_hash: None,
                scopes: Scopes::default(),
                keys,
            },
        )?;
        let dataset = store.create_dataset(moment(), described("tides", &account))?;
        let urls = Urls::new(&Url::parse("https://archive.example/")?);
        Ok(Self {
            store,
            signer,
            urls,
            account,
            dataset,
        })
    }

    fn record(&self, moment: &mut Moment, author: &str) -> Outcome<NewRecord> {
        let uri = self.urls.record(moment.id());
        let edition = Edition::first(&self.urls, &uri, author, NOW);
        let (document, key) = (records::dataset(&edition, &self.dataset), proof_key(author));
        let proved = proof::sign(document, &key, &self.signer, NOW)?;
        Ok(NewRecord {
            uri: uri.clone(),
            kind: "Dataset".to_owned(),
            actor: self.account.actor_id,
            subject: Subject {
                dataset: Some(self.dataset.id),
                ..Subject::default()
            },
            json: proved.to_string(),
            proof_key: Some(key),
            version: 1,
        })
    }

    /// So many events that nobody has built.
    fn events(&self, count: usize) -> Outcome<Vec<PendingEvent>> {
        for number in 0..count {
            let new = described(&format!("tides-{number}"), &self.account);
            self.store.create_dataset(moment(), new)?;
        }
        let mut events = self.store.unbuilt_events(u32::try_from(count)? + 10)?;
        events.retain(|pending| matches!(pending.event, Event::DatasetCreated { .. }));
        events.truncate(count);
        Ok(events)
    }
}

fn measure(url: &str) -> Outcome<()> {
    let archive = Archive::open(url)?;
    let author = archive.urls.actor(shoal_store::ActorKind::Account, "ann");
    let signature = || {
        median_of_three(|| {
            black_box(archive.signer.ed25519(black_box(&[7; 64])));
            Ok(())
        })
    };
    let mut same = moment();
    let made = median_of_three(|| archive.record(&mut same, &author).map(drop))?;
    let events = archive.events(RECORDS * ROUNDS / OF_AN_EVENT)?;
    let (mut rounds, mut before) = (Vec::new(), signature()?);
    for (round, events) in (0..).zip(events.chunks(RECORDS / OF_AN_EVENT)) {
        let begun = spent()?;
        for (second, event) in (0..).zip(events) {
            // The records of an event have ids of one moment, in order, as the courier draws them.
            let mut moment = Moment::new(NOW + 1_000_000 * round + 1_000 * second, rand::random());
            let records = (0..OF_AN_EVENT).map(|_| archive.record(&mut moment, &author));
            let built = Built {
                records: records.collect::<Outcome<_>>()?,
                ..Built::default()
            };
            archive.store.record_built(moment, event.id, built)?;
        }
        let whole = micros(spent()? - begun) / (events.len() * OF_AN_EVENT) as f64;
        let after = signature()?;
        rounds.push((whole, f64::midpoint(before, after)));
        before = after;
    }
    rounds.sort_by(|one, other| (one.0 / one.1).total_cmp(&(other.0 / other.1)));
    let (whole, signature) = rounds[ROUNDS / 2];
    println!(
        "figure: a record ÷ one Ed25519 signature | {:.1} | {whole:.1} µs of processor time each, written, \
         canonicalised, signed and kept, {OF_AN_EVENT} in an event; {made:.1} µs of it before the database; the signature \
         alone {signature:.1} µs, the mean of before and after; median of {ROUNDS} rounds of {RECORDS}",
        whole / signature
    );
    Ok(())
}

/// Microseconds of processor time that something takes.
fn median_of_three(mut once: impl FnMut() -> Outcome<()>) -> Outcome<f64> {
    let mut each = Vec::new();
    for _ in 0..3 {
        let (begun, mut count) = (spent()?, 0_u32);
        while spent()? - begun < Duration::from_millis(300) {
            for _ in 0..10 {
                once()?;
            }
            count += 10;
        }
        each.push(micros(spent()? - begun) / f64::from(count));
    }
    each.sort_by(f64::total_cmp);
    Ok(each[1])
}

/// Processor time of this process so far.
fn spent() -> Outcome<Duration> {
    Ok(clock_gettime(ClockId::ProcessCPUTime).try_into()?)
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

fn moment() -> Moment {
    Moment::new(NOW, rand::random())
}

fn described(slug: &str, account: &Account) -> NewDataset {
    NewDataset {
        slug: Some(slug.to_owned()),
        title: "Tide gauges of the southern coast, 1900–2025".to_owned(),
        publisher: "Office of Tides".to_owned(),
        homepage: "https://tides.example/".to_owned(),
        licence: "CC0-1.0".to_owned(),
        description: "Hourly water levels of 212 stations, with their calibrations.".repeat(4),
        threat: Threat::Endangered,
        tags: ["1900", "ocean", "sea-level"].map(str::to_owned).to_vec(),
        account: account.id,
    }
}
