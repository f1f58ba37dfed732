//! What the tests put into a store: accounts, datasets, torrents written by hand. Next: the tests of each noun.

use shoal_store::{
    Account, ActorKeys, Collection, Dataset, Id, NewAccount, NewCollection, NewDataset, NewUpload, Scope,
    Scopes, Store, StoreError, Threat, Upload,
};
use shoal_torrent::Metainfo;

use crate::scratch::Scratch;

/// Keys that are none, for no test here signs anything.
pub(crate) fn keys() -> ActorKeys {
    ActorKeys {
        rsa_private_der: vec![0xff, 0, 1],
        rsa_public_pem: "-----BEGIN PUBLIC KEY-----".to_owned(),
        ed25519_private_der: vec![2; 48],
        ed25519_public: vec![3; 32],
    }
}

pub(crate) fn new_account(name: &str, scope: Scope) -> NewAccount {
    NewAccount {
        name: name.to_owned(),
        title: String::new(),
        password_hash: None,
        scopes: Scopes::of(&[scope]),
        keys: keys(),
    }
}

pub(crate) fn new_dataset(account: Id, title: &str) -> NewDataset {
    NewDataset {
        slug: None,
        title: title.to_owned(),
        publisher: String::new(),
        homepage: String::new(),
        licence: String::new(),
        description: String::new(),
        threat: Threat::Unknown,
        tags: Vec::new(),
        account,
    }
}

impl Scratch {
    pub(crate) fn person(&self, name: &str, scope: Scope) -> Account {
        self.store()
            .create_account(self.moment(), new_account(name, scope))
            .expect("a new name")
    }

    pub(crate) fn dataset(&self, account: &Account, title: &str) -> Dataset {
        self.store()
            .create_dataset(self.moment(), new_dataset(account.id, title))
            .expect("a good dataset")
    }

    pub(crate) fn curated(&self, account: &Account, name: &str) -> Collection {
        let new = NewCollection {
            name: name.to_owned(),
            title: format!("The {name} collection"),
            summary: String::new(),
            account: account.id,
            keys: keys(),
        };
        self.store()
            .create_collection(self.moment(), new)
            .expect("a new name")
    }

    pub(crate) fn publish(
        &self,
        account: &Account,
        dataset: &Dataset,
        torrent: &[u8],
    ) -> Result<Upload, StoreError> {
        publish(self.store(), self.moment(), (account.id, &dataset.slug), torrent)
    }

    /// An owner, a dataset of theirs and one upload of it.
    pub(crate) fn published(&self) -> (Account, Dataset, Upload) {
        let account = self.person("archivist", Scope::Owner);
        let dataset = self.dataset(&account, "Storm events");
        let upload = self
            .publish(&account, &dataset, &v2("storms", &["a.csv", "b.csv"]))
            .expect("a good torrent");
        (account, dataset, upload)
    }
}

pub(crate) fn publish(
    store: &Store,
    moment: shoal_store::Moment,
    (account, slug): (Id, &str),
    torrent: &[u8],
) -> Result<Upload, StoreError> {
    let metainfo = Metainfo::parse(torrent).expect("a torrent of ours");
    let new = NewUpload {
        dataset: slug,
        account,
        metainfo: &metainfo,
        bytes: torrent.to_vec(),
        method: "copied by hand".to_owned(),
        description: String::new(),
    };
    store.publish_upload(moment, new)
}

/// A v1 torrent of one file of three bytes, with a tracker and a web seed.
pub(crate) fn v1(name: &str) -> Vec<u8> {
    let text = |text: &str| format!("{}:{text}", text.len());
    let mut torrent = format!("d8:announce{}4:info", text("https://tracker.example/announce")).into_bytes();
    torrent.extend(
        format!(
            "d6:lengthi3e4:name{}12:piece lengthi16384e6:pieces20:",
            text(name)
        )
        .into_bytes(),
    );
    torrent.extend([7; 20]);
    torrent.extend(format!("e8:url-list{}e", text("https://web.example/seed/")).into_bytes());
    torrent
}

/// A private torrent (BEP 27).
pub(crate) fn private(name: &str) -> Vec<u8> {
    let mut torrent = v1(name);
    let end = torrent.len() - "e8:url-list26:https://web.example/seed/e".len();
    torrent.splice(end..end, *b"7:privatei1e");
    torrent
}

/// A v2 torrent of some files in a folder, three bytes each; the same names give files with the same roots. Names must
/// be in order.
pub(crate) fn v2(folder: &str, files: &[&str]) -> Vec<u8> {
    let mut torrent = b"d4:infod9:file treed".to_vec();
    for (number, file) in (1_u32..).zip(files) {
        torrent.extend(format!("{}:{file}d0:d6:lengthi3e11:pieces root32:", file.len()).into_bytes());
        torrent.extend(number.to_be_bytes().repeat(8));
        torrent.extend(b"ee");
    }
    torrent.extend(b"e12:meta versioni2e");
    torrent.extend(format!("4:name{}:{folder}", folder.len()).into_bytes());
    torrent.extend(b"12:piece lengthi16384ee12:piece layersdee");
    torrent
}

/// Everything of a paged list, and how many pages that took.
pub(crate) fn all_pages<T>(
    limit: u32,
    mut page: impl FnMut(shoal_store::Paging) -> Result<shoal_store::Page<T>, StoreError>,
) -> Result<(Vec<T>, usize), StoreError> {
    let (mut all, mut pages) = (Vec::new(), 0);
    let mut cursor = None;
    loop {
        let part = page(shoal_store::Paging { limit, cursor })?;
        pages += 1;
        all.extend(part.items);
        cursor = part.next;
        if cursor.is_none() {
            return Ok((all, pages));
        }
    }
}
