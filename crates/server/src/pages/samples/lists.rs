//! Lists, forms and the desks of members and moderators, with sample content.

use super::html;
use super::pieces::{HOSTILE, ago, collection, datasets, frame, id, leaves, list, uploads, visitors_frame};
use crate::pages::announce_keys::{KeyList, KeyRow, RevokedRow};
use crate::pages::blocked_hashes::{HashRow, HashesPage};
use crate::pages::collection_form::CollectionForm;
use crate::pages::collections::CollectionsPage;
use crate::pages::dataset_form::{DatasetForm, Draft};
use crate::pages::datasets::{DatasetsPage, TagLink, TagsPage};
use crate::pages::deliveries::{DeliveriesPage, DeliveryCard};
use crate::pages::files::FilesPage;
use crate::pages::frame::{Frame, Link};
use crate::pages::instances::{DecisionRow, ServersPage};
use crate::pages::lists::List;
use crate::pages::moderation::{EntryRow, ModerationPage};
use crate::pages::queue::{HostCard, HostPage, QueuePage};
use crate::pages::search::{HitCard, SearchPage};
use crate::pages::settings::{SettingsPage, TokenRow};
use crate::pages::upload_form::{NewUploadPage, UploadEditPage};
use crate::pages::uploads::UploadsPage;
use crate::view::size::Size;
use crate::view::threat::Danger;
use crate::view::tree::{self, Extent};

pub(super) fn shelves() -> Vec<(&'static str, String)> {
    let datasets_page = DatasetsPage {
        frame: Frame {
            here: "/datasets",
            ..visitors_frame("Datasets")
        },
        heading: "Datasets".into(),
        introduction: "Bodies of public information.".into(),
        list: list("/datasets"),
        datasets: datasets(),
    };
    let uploads_page = UploadsPage {
        frame: Frame {
            here: "/needs-seeds",
            ..visitors_frame("Needs copies")
        },
        heading: "Needs copies".into(),
        introduction: "What would be lost first.".into(),
        list: list("/needs-seeds"),
        uploads: uploads(),
        empty_heading: "",
        empty_words: "",
    };
    let nothing = UploadsPage {
        frame: visitors_frame("Uploads"),
        heading: "Uploads".into(),
        introduction: "Concrete copies.".into(),
        list: List::default(),
        uploads: Vec::new(),
        empty_heading: "No uploads yet",
        empty_words: "Uploads stand here when someone publishes a torrent into a dataset.",
    };
    vec![
        ("datasets", html(&datasets_page)),
        ("needs-seeds", html(&uploads_page)),
        ("uploads-empty", html(&nothing)),
    ]
}

pub(super) fn finding() -> Vec<(&'static str, String)> {
    let collections = CollectionsPage {
        frame: Frame {
            here: "/collections",
            ..frame("Collections")
        },
        list: List::default(),
        collections: vec![collection("Climate"), collection(HOSTILE)],
        may_create: true,
    };
    let tag = |text: &str, count: &str| TagLink {
        href: "/tags/x".into(),
        text: text.into(),
        count: count.into(),
    };
    let tags = TagsPage {
        frame: visitors_frame("Tags"),
        count: "3 tags".into(),
        tags: vec![tag("climate", "14"), tag("sea level", "3"), tag(HOSTILE, "1")],
    };
    let hit = HitCard {
        href: "/datasets/tides".into(),
        title: "Tide gauge readings".into(),
        snippet: "Hourly water levels of 61 gauges".into(),
        kind: "Dataset",
    };
    let search = SearchPage {
        frame: Frame {
            here: "/search",
            ..visitors_frame("Search")
        },
        query: "tide".into(),
        kind: "dataset".into(),
        list: list("/search"),
        hits: vec![hit],
    };
    let files = FilesPage {
        frame: visitors_frame("Files"),
        href: "/uploads/0193".into(),
        title: "tide-gauges".into(),
        files: "100,000 files".into(),
        per_page: 200,
        tree: tree::lines(leaves(), Extent::Whole),
        list: List {
            count: "200 files on this page".into(),
            next: "/x".into(),
            ..List::default()
        },
    };
    vec![
        ("collections", html(&collections)),
        ("tags", html(&tags)),
        ("search", html(&search)),
        ("files", html(&files)),
    ]
}

pub(super) fn forms() -> Vec<(&'static str, String)> {
    let draft = Draft {
        title: HOSTILE.into(),
        threat: "endangered".into(),
        ..Draft::default()
    };
    let new = DatasetForm {
        frame: Frame {
            here: "/datasets/new",
            ..frame("Publish a dataset")
        },
        heading: "Publish a dataset",
        is_new: true,
        may_upload: true,
        most_bytes: Size(10_000_000),
        method: String::new(),
        draft: draft.clone(),
        dangers: Danger::ALL,
        fault: String::new(),
        back: "/datasets".into(),
    };
    let edit = DatasetForm {
        frame: frame("Edit"),
        heading: "Edit this dataset",
        is_new: false,
        fault: "The address of the source is no web address.".into(),
        draft,
        back: "/datasets/tides".into(),
        ..new.clone()
    };
    vec![("dataset-new", html(&new)), ("dataset-edit", html(&edit))]
}

pub(super) fn more_forms() -> Vec<(&'static str, String)> {
    let upload = NewUploadPage {
        frame: frame("Upload a torrent"),
        dataset: Link::new("/datasets/tides", "Tide gauge readings"),
        is_new: false,
        most_bytes: Size(10_000_000),
        method: String::new(),
        description: String::new(),
        fault: "This torrent is here already.".into(),
        existing: "/uploads/0193".into(),
    };
    let upload_edit = UploadEditPage {
        frame: frame("Edit the description"),
        href: "/uploads/0193".into(),
        title: HOSTILE.into(),
        method: HOSTILE.into(),
        description: "</textarea>".into(),
        fault: String::new(),
    };
    let collection = CollectionForm {
        frame: frame("Begin a collection"),
        heading: "Begin a collection",
        is_new: true,
        domain: "archive.example".into(),
        name: String::new(),
        title: String::new(),
        summary: String::new(),
        fault: String::new(),
        back: "/collections".into(),
    };
    vec![
        ("upload-new", html(&upload)),
        ("upload-edit", html(&upload_edit)),
        ("collection-new", html(&collection)),
    ]
}

pub(super) fn deliveries() -> Vec<(&'static str, String)> {
    let desk = |title: &str| Frame {
        here: "/moderation",
        ..frame(title)
    };
    let all = DeliveriesPage {
        frame: desk("All deliveries"),
        list: List {
            is_filtered: true,
            ..list("/moderation/deliveries/all")
        },
        back: "/moderation/deliveries/all".into(),
        deliveries: deliveries_in_each_state(),
    };
    let queue = QueuePage {
        frame: desk("Deliveries"),
        figures: "12 deliveries wait for 3 servers, the oldest written 5 hours ago. Of these servers 1 did not answer lately and 1 is held back.".into(),
        list: list("/moderation/deliveries"),
        hosts: vec![failing(), held_back()],
    };
    let page = |host: HostCard, deliveries| HostPage {
        frame: desk("Deliveries to slow.example"),
        list: list(&host.href),
        back: host.href.clone(),
        host,
        deliveries,
    };
    vec![
        ("deliveries", html(&queue)),
        ("deliveries-all", html(&all)),
        (
            "deliveries-to",
            html(&page(failing(), deliveries_in_each_state())),
        ),
        ("deliveries-held-back", html(&page(held_back(), Vec::new()))),
    ]
}

fn deliveries_in_each_state() -> Vec<DeliveryCard> {
    let delivery = |state, state_word, reason: &str| DeliveryCard {
        id: 7,
        state,
        state_word,
        kind: "Create".into(),
        inbox: "https://mastodon.example/inbox".into(),
        attempts: "3 attempts".into(),
        reason: reason.into(),
        when: ago(5),
        changed: Some(ago(1)),
        may_drop: false,
    };
    vec![
        DeliveryCard {
            may_drop: true,
            ..delivery(
                "waiting",
                "Waiting",
                "The server took too long: operation timed out",
            )
        },
        delivery("refused", "Refused", "Answered 401: signature not accepted"),
        delivery("delivered", "Delivered", ""),
    ]
}

fn failing() -> HostCard {
    HostCard {
        name: "slow.example".into(),
        href: "/moderation/deliveries/to/slow.example".into(),
        state: "refused",
        state_word: "does not answer",
        waiting: "9 deliveries wait, the oldest written 5 hours ago.".into(),
        health: "4 failed attempts since 20 November 2026, 04:14 UTC. Next attempt in 2 hours, as it asked. It last took something 6 hours ago.".into(),
        reason: "Answered 503: Service Unavailable".into(),
        pause: String::new(),
        is_paused: false,
        may_retry: true,
        may_drop: true,
    }
}

fn held_back() -> HostCard {
    HostCard {
        name: HOSTILE.into(),
        href: "/moderation/deliveries/to/held.example".into(),
        state: "waiting",
        state_word: "is held back",
        waiting: "Nothing waits for it.".into(),
        health: "It last took something 6 hours ago.".into(),
        reason: String::new(),
        pause: format!("Held back by owner since 20 November 2026, 04:14 UTC: {HOSTILE}"),
        is_paused: true,
        may_retry: false,
        may_drop: false,
    }
}

pub(super) fn servers() -> Vec<(&'static str, String)> {
    let servers = ServersPage {
        frame: Frame {
            here: "/moderation",
            ..frame("Other servers")
        },
        list: list("/moderation/servers"),
        decisions: vec![DecisionRow {
            domain: "spam.example".into(),
            standing: "Blocked",
            reason: HOSTILE.into(),
            by: "ann".into(),
            when: ago(5),
        }],
    };
    vec![("servers", html(&servers))]
}

pub(super) fn hashes() -> Vec<(&'static str, String)> {
    let hashes = HashesPage {
        frame: Frame {
            here: "/moderation",
            ..frame("Blocked torrents")
        },
        list: list("/moderation/hashes"),
        hashes: vec![HashRow {
            hash: "ab".repeat(32),
            reason: HOSTILE.into(),
            by: "ann".into(),
            when: ago(5),
        }],
    };
    vec![("hashes", html(&hashes))]
}

pub(super) fn desks() -> Vec<(&'static str, String)> {
    let entry = |act: &str, href: &str| EntryRow {
        who: "ann".into(),
        act: act.into(),
        kind: "upload".into(),
        label: "tide-gauges-2026-11".into(),
        href: href.into(),
        reason: "Holds names and addresses of private persons in scans/0031.tiff.".into(),
        when: ago(7),
    };
    let moderation = ModerationPage {
        frame: Frame {
            here: "/moderation",
            ..frame("Moderation")
        },
        is_admin: true,
        entries: vec![entry("hid", "/uploads/0193"), entry("restored", "")],
        list: List {
            count: "2 acts".into(),
            ..List::default()
        },
    };
    vec![("moderation", html(&moderation)), ("settings", html(&settings()))]
}

fn settings() -> SettingsPage {
    let token = TokenRow {
        id: id(),
        label: "scanner".into(),
        scopes: "submit,upload".into(),
        when: ago(99),
    };
    SettingsPage {
        frame: Frame {
            here: "/settings",
            notice: "You are signed in.",
            ..frame("Settings")
        },
        name: "ann".into(),
        handle: "@ann@archive.example".into(),
        scopes: "describe datasets and keep collections; publish torrents".into(),
        title: "Ann".into(),
        summary: String::new(),
        followable: true,
        has_password: true,
        least: 10,
        tokens: vec![token],
        grantable: vec![
            ("submit", "describe datasets and keep collections", true),
            ("upload", "publish torrents", true),
        ],
        fresh_token: Some("shoal_abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG".into()),
        keys: keys(),
        fresh_key: Some("https://archive.example/announce/00112233445566778899aabbccddeeff".into()),
        fault: String::new(),
    }
}

fn keys() -> KeyList {
    let key = |label: &str, named| KeyRow {
        id: id(),
        label: label.into(),
        named,
        made: ago(99),
        used: if named { "today".into() } else { String::new() },
        seeds: if named { "12 uploads".into() } else { String::new() },
        seeding: vec![Link::new("/uploads/0193", "tide-gauges-2026-11")],
        more: "and 11 more".into(),
    };
    KeyList {
        valid: vec![key("the server in the cellar", true), key(HOSTILE, false)],
        revoked: vec![RevokedRow {
            label: HOSTILE.into(),
            when: ago(3),
        }],
        usual: "https://archive.example/announce".into(),
    }
}
