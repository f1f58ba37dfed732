//! What the catalogue costs in the database: publishing small and very large uploads, listing, searching, and looking
//! up who is signed in. SQLite always, PostgreSQL where `SHOAL_TEST_POSTGRES` names a server.

#![expect(clippy::print_stdout, reason = "printing figures is what a bench is for")]

use std::error::Error;
use std::fs;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};
use shoal_store::{
    Account, ActorKeys, DatasetQuery, Moment, NewAccount, NewDataset, NewSession, NewUpload, Paging, Role,
    Scope, Scopes, SearchQuery, Store, Threat,
};
use shoal_torrent::Metainfo;

/// Files of the very large upload.
const FILES: usize = 100_000;
/// Datasets, each with one upload.
const DATASETS: usize = 5_000;
const THREADS: usize = 8;

type Outcome<T> = Result<T, Box<dyn Error>>;

struct Bench {
    database: &'static str,
    store: Store,
    clock: AtomicI64,
}

fn main() -> Outcome<()> {
    let folder = tempfile::tempdir()?;
    let url = format!("sqlite:{}", folder.path().join("bench.sqlite").display());
    measure("SQLite", &url)?;
    let Ok(server) = std::env::var("SHOAL_TEST_POSTGRES") else {
        println!("PostgreSQL is skipped: SHOAL_TEST_POSTGRES names no server");
        return Ok(());
    };
    let mut conn = PgConnection::establish(&server)?;
    let schema = format!("bench_{}", std::process::id());
    conn.batch_execute(&format!("CREATE SCHEMA {schema}"))?;
    let sep = if server.contains('?') { '&' } else { '?' };
    let measured = measure(
        "PostgreSQL",
        &format!("{server}{sep}options=-csearch_path%3D{schema}"),
    );
    conn.batch_execute(&format!("DROP SCHEMA {schema} CASCADE"))?;
    measured
}

fn measure(database: &'static str, url: &str) -> Outcome<()> {
    let bench = Bench {
        database,
        store: Store::open(url, Role::Serve)?,
        clock: AtomicI64::new(1_763_600_000_000),
    };
    let account = bench.account()?;
    bench.publish_a_large_one(&account)?;
    bench.publish_many(&account)?;
    let first = DatasetQuery {
        paging: Paging::first(50),
        ..DatasetQuery::default()
    };
    let took = median(200, || Ok(bench.store.datasets(&first)?.items.len()))?;
    bench.figure(
        "list 50 datasets",
        took,
        &format!("the first page of {DATASETS}, median of 200"),
    );
    for (q, what) in [("ocean", "in every dataset"), ("station 4711", "in one dataset")] {
        let query = SearchQuery {
            q: q.to_owned(),
            kind: None,
            paging: Paging::first(20),
        };
        let took = median(50, || Ok(bench.store.search(&query)?.items.len()))?;
        bench.figure(
            &format!("search “{q}”"),
            took,
            &format!("words that are {what}, median of 50"),
        );
    }
    let session = NewSession {
        account: account.id,
        secret_hash: [1; 32],
        csrf: String::new(),
        expires_at: i64::MAX,
    };
    bench.store.create_session(bench.moment(), session)?;
    let took = median(1000, || {
        Ok(usize::from(bench.store.session(0, [1; 32])?.is_some()))
    })?;
    bench.figure("look up a session", took, "median of 1,000");
    Ok(())
}

impl Bench {
    fn moment(&self) -> Moment {
        Moment::new(self.clock.fetch_add(1, Ordering::Relaxed), rand::random())
    }

    fn figure(&self, what: &str, took: Duration, how: &str) {
        println!(
            "figure: {}: {what} | {:.2} ms | {how}",
            self.database,
            took.as_secs_f64() * 1e3
        );
    }

    fn account(&self) -> Outcome<Account> {
        let keys = ActorKeys {
            rsa_private_der: vec![1; 1200],
            rsa_public_pem: "PEM".to_owned(),
            ed25519_private_der: vec![1; 48],
            ed25519_public: vec![1; 32],
        };
        let new = NewAccount {
            name: "archivist".to_owned(),
            title: String::new(),
            password_hash: None,
            scopes: Scopes::of(&[Scope::Owner]),
            keys,
        };
        Ok(self.store.create_account(self.moment(), new)?)
    }

    /// A dataset and its upload, as one publishes them.
    fn publish(&self, account: &Account, title: String, torrent: &[u8], metainfo: &Metainfo) -> Outcome<()> {
        let dataset = NewDataset {
            slug: None,
            title,
            publisher: "The Ocean Institute".to_owned(),
            homepage: String::new(),
            licence: "CC0-1.0".to_owned(),
            description: "Temperature and salt, hour by hour, as measured. ".repeat(20),
            threat: Threat::Endangered,
            tags: vec!["climate".to_owned(), "ocean".to_owned()],
            account: account.id,
        };
        let dataset = self.store.create_dataset(self.moment(), dataset)?;
        let upload = NewUpload {
            dataset: &dataset.slug,
            account: account.id,
            metainfo,
            bytes: torrent.to_vec(),
            method: String::new(),
            description: String::new(),
        };
        self.store.publish_upload(self.moment(), upload)?;
        Ok(())
    }

    fn publish_a_large_one(&self, account: &Account) -> Outcome<()> {
        let torrent = torrent("large", FILES);
        let metainfo = Metainfo::parse(&torrent)?;
        fs::write("/proc/self/clear_refs", "5")?;
        let (before, start) = (memory("VmRSS:")?, Instant::now());
        self.publish(account, "Large".to_owned(), &torrent, &metainfo)?;
        let took = start.elapsed();
        let size = torrent.len() as f64 / 1e6;
        self.figure(
            "publish an upload of many files",
            took,
            &format!("{FILES} files, a torrent of {size:.1} MB"),
        );
        let more = (memory("VmHWM:")?.saturating_sub(before)) as f64 / 1024.0;
        println!(
            "figure: {}: memory for it | {more:.0} MiB | at the peak, beyond the parsed torrent",
            self.database
        );
        Ok(())
    }

    fn publish_many(&self, account: &Account) -> Outcome<()> {
        let start = Instant::now();
        std::thread::scope(|scope| -> Outcome<()> {
            let publishers: Vec<_> = (0..THREADS)
                .map(|thread| {
                    scope.spawn(move || -> Result<(), String> {
                        for number in (thread..DATASETS).step_by(THREADS) {
                            let torrent = torrent(&format!("station-{number}"), 5);
                            let metainfo = Metainfo::parse(&torrent).map_err(|error| error.to_string())?;
                            let title = format!("Ocean station {number}");
                            self.publish(account, title, &torrent, &metainfo)
                                .map_err(|error| error.to_string())?;
                        }
                        Ok(())
                    })
                })
                .collect();
            for publisher in publishers {
                publisher.join().map_err(|_| "a publisher panicked")??;
            }
            Ok(())
        })?;
        let each = start.elapsed() / u32::try_from(DATASETS)?;
        let how = format!("with its dataset, {DATASETS} by {THREADS} threads, time of all divided");
        self.figure("publish an upload of 5 files", each, &how);
        Ok(())
    }
}

fn median(runs: usize, work: impl Fn() -> Outcome<usize>) -> Outcome<Duration> {
    let mut took = Vec::with_capacity(runs);
    for _ in 0..runs {
        let start = Instant::now();
        if work()? == 0 {
            return Err("what is measured must find something".into());
        }
        took.push(start.elapsed());
    }
    took.sort_unstable();
    Ok(took[runs / 2])
}

/// A figure of this process in KiB.
fn memory(field: &str) -> Outcome<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix(field))
        .ok_or("no such field")?;
    Ok(line.trim_end_matches("kB").trim().parse()?)
}

/// A v2 torrent of small files; the roots are made up, which reading cannot see.
fn torrent(name: &str, files: usize) -> Vec<u8> {
    let mut torrent = b"d4:infod9:file treed".to_vec();
    for number in 0..files {
        torrent.extend(format!("11:{number:07}.csvd0:d6:lengthi9999e11:pieces root32:").into_bytes());
        torrent.extend((number as u64 + 1).to_be_bytes().repeat(4));
        torrent.extend(b"ee");
    }
    torrent.extend(
        format!(
            "e12:meta versioni2e4:name{}:{name}12:piece lengthi16384ee",
            name.len()
        )
        .into_bytes(),
    );
    torrent.extend(b"12:piece layersdee");
    torrent
}
