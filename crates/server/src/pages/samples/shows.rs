//! The pages that visitors read first, with sample content.

use shoal_store::Threat;

use super::html;
use super::pieces::{
    HOSTILE, ago, collection, datasets, frame, id, keep, leaves, list, prose, sheet, uploads, visitors_frame,
};
use crate::error::Problem;
use crate::pages::about::{AboutPage, FeedsPage, main_feeds};
use crate::pages::account::{AccountPage, FollowingRow};
use crate::pages::cards::UploadCard;
use crate::pages::collection::CollectionPage;
use crate::pages::dataset::{DatasetPage, May};
use crate::pages::error::MessagePage;
use crate::pages::frame::{Frame, Link};
use crate::pages::home::HomePage;
use crate::pages::keep::Keep;
use crate::pages::sign_in::{LinkPage, SignInPage};
use crate::pages::upload::UploadPage;
use crate::pages::vocabulary::{VocabularyPage, borrowed, parts};
use crate::view::hash::Hash;
use crate::view::markdown::Prose;
use crate::view::size::Size;
use crate::view::threat::Danger;
use crate::view::tree::{self, Extent};

pub(super) fn home() -> Vec<(&'static str, String)> {
    let home = HomePage {
        frame: visitors_frame(""),
        heading: "Tidewater Archive".into(),
        description: "Public data about seas, coasts and rivers, kept by everyone who keeps a copy.".into(),
        figures: "412 datasets in 530 uploads, 1,204,881 files and 18.2 TiB. 1,377 programs share them at the moment.".into(),
        is_new: false,
        scarce: uploads(),
        recent: datasets(),
        collections: vec![collection("Climate"), collection("City budgets")],
    };
    let empty = HomePage {
        frame: visitors_frame(""),
        figures: "0 datasets in 0 uploads, 0 files and 0 bytes. Nobody shares them at the moment.".into(),
        is_new: true,
        scarce: Vec::new(),
        recent: Vec::new(),
        collections: Vec::new(),
        ..home.clone()
    };
    vec![("home", html(&home)), ("home-empty", html(&empty))]
}

pub(super) fn doors() -> Vec<(&'static str, String)> {
    let sign_in = SignInPage {
        frame: Frame {
            here: "/sign-in",
            ..visitors_frame("Sign in")
        },
        name: String::new(),
        next: "/".into(),
        fault: "Name and password do not belong together.".into(),
    };
    let about = AboutPage {
        frame: visitors_frame("About"),
        description: "Public data about seas, coasts and rivers.".into(),
        figures: "412 datasets in 530 uploads".into(),
        handle: "@archive.example@archive.example".into(),
        announces: vec![
            "https://archive.example/announce".into(),
            "udp://archive.example:6969/announce".into(),
            "wss://archive.example/announce".into(),
        ],
        contact: Some(Link::new("mailto:desk@archive.example", "desk@archive.example")),
        version: "0.1.0",
    };
    let feeds = FeedsPage {
        frame: visitors_frame("Feeds"),
        feeds: main_feeds(),
    };
    let vocabulary = VocabularyPage {
        frame: visitors_frame("The words of our records"),
        parts: parts(),
        borrowed: borrowed(),
    };
    let link = LinkPage {
        frame: visitors_frame("Sign in"),
    };
    vec![
        ("sign-in", html(&sign_in)),
        ("sign-in-link", html(&link)),
        ("about", html(&about)),
        ("feeds", html(&feeds)),
        ("vocabulary", html(&vocabulary)),
    ]
}

pub(super) fn things() -> Vec<(&'static str, String)> {
    let bare = DatasetPage {
        frame: visitors_frame("Permafrost boreholes"),
        title: HOSTILE.into(),
        prose: Prose::default(),
        keep: None,
        uploads: Vec::new(),
        may: May::default(),
        moderation: None,
        shelves: Vec::new(),
        withheld: "Hidden by the moderators: a sample".into(),
        ..dataset_page()
    };
    vec![
        ("dataset", html(&dataset_page())),
        ("dataset-bare", html(&bare)),
        ("upload", html(&upload_page())),
        ("collection", html(&collection_page())),
        ("account", html(&account_page())),
    ]
}

fn dataset_page() -> DatasetPage {
    DatasetPage {
        frame: Frame {
            here: "/datasets",
            ..frame("Tide gauge readings")
        },
        href: "/datasets/tides".into(),
        slug: "tides".into(),
        title: "Tide gauge readings, North Sea, 1890–2026".into(),
        publisher: "Federal Maritime Office".into(),
        homepage: Some(Link::typed("https://tides.example/data/gauges/")),
        licence: "CC0-1.0".into(),
        danger: Danger(Threat::Endangered),
        prose: prose(),
        tags: vec![
            Link::new("/tags/climate", "climate"),
            Link::new("/tags/sea%20level", "sea level"),
        ],
        account: Link::new("/accounts/ann", "ann"),
        created: ago(26),
        updated: Some(ago(2)),
        total: Size(13_314_398_610),
        keep: Some(keep()),
        upload_count: "2 uploads".into(),
        uploads: uploads()
            .into_iter()
            .take(2)
            .map(UploadCard::within_dataset)
            .collect(),
        more_uploads: String::new(),
        collections: vec![Link::new("/collections/climate", "Climate")],
        shelves: vec![Link::new("sea", "Seas and coasts")],
        feed: "/feeds/datasets/tides".into(),
        may: May {
            edit: true,
            upload: true,
        },
        withheld: String::new(),
        moderation: sheet(),
    }
}

fn upload_page() -> UploadPage {
    UploadPage {
        frame: Frame {
            here: "/datasets",
            ..frame("tide-gauges-2026-11")
        },
        href: "/uploads/0193".into(),
        title: "tide-gauges-2026-11".into(),
        dataset: Link::new("/datasets/tides", "Tide gauge readings, North Sea, 1890–2026"),
        account: Link::new("/accounts/ann", "ann"),
        created: ago(3),
        updated: None,
        danger: Danger(Threat::Endangered),
        keep: Keep {
            magnet: None,
            ..keep()
        },
        prose: Prose::default(),
        method: Prose::render(
            "Fetched with `wget --mirror` on 18 November, compared with the office's checksums.",
        ),
        files: "8 files".into(),
        tree: tree::lines(leaves(), Extent::Whole),
        shown_files: String::new(),
        more_files: String::new(),
        hashes: vec![
            Hash::v2("6b8f1c2de3a49075b1c2d3e4f5a6b7c8d9e0f1a2b3c4d5e6f708192a3b4c5d6e"),
            Hash::v1("0123456789abcdef0123456789abcdef01234567"),
        ],
        format: "Hybrid: BitTorrent v1 and v2",
        piece_length: Size(1 << 20),
        torrent_size: Size(148_222),
        is_private: true,
        hosts: vec![
            Link::new("/accounts/ann", "ann"),
            Link::new("/accounts/ben", HOSTILE),
        ],
        web_seeds: vec![Link::typed("https://mirror.example/tides/")],
        trackers: vec!["udp://tracker.example:6969/announce".into()],
        may_edit: true,
        withheld: String::new(),
        moderation: sheet(),
    }
}

fn collection_page() -> CollectionPage {
    CollectionPage {
        frame: Frame {
            here: "/collections",
            ..frame("Climate")
        },
        href: "/collections/climate".into(),
        title: "Climate".into(),
        prose: Prose::render("Measurements of the climate from public offices whose funding ends."),
        account: Link::new("/accounts/ann", "ann"),
        handle: "@climate@archive.example".into(),
        followers: "1,204 followers".into(),
        created: ago(900),
        updated: ago(4),
        list: list("/collections/climate"),
        datasets: datasets(),
        feed: "/feeds/collections/climate".into(),
        server: String::new(),
        follow_fault: String::new(),
        may_edit: true,
        withheld: String::new(),
        moderation: sheet(),
    }
}

fn account_page() -> AccountPage {
    AccountPage {
        frame: Frame {
            here: "/account",
            ..frame("Ann")
        },
        href: "/accounts/ann".into(),
        title: "Ann Archivist".into(),
        handle: "@ann@archive.example".into(),
        prose: Prose::render("Keeps what the sea office throws away."),
        created: ago(9_000),
        is_self: true,
        is_followable: true,
        followers: "31 followers".into(),
        feed: "/feeds/accounts/ann".into(),
        datasets: datasets(),
        more_datasets: "/datasets?account=ann".into(),
        uploads: uploads(),
        more_uploads: String::new(),
        following: vec![FollowingRow {
            id: id(),
            href: "https://other.example/collections/sea".into(),
            title: "Seas".into(),
            handle: "@sea@other.example".into(),
            state: "following",
            when: ago(50),
        }],
        typed: "@nobody@other.example".into(),
        follow_fault: "@nobody@other.example could not be followed: the server does not know this name."
            .into(),
        withheld: String::new(),
        moderation: None,
    }
}

pub(super) fn messages() -> Vec<(&'static str, String)> {
    let gone = Problem::gone("Holds names of private persons <b>.");
    let page = |problem: &Problem| html(&MessagePage::of(visitors_frame("Error"), problem));
    vec![
        ("error-404", page(&Problem::not_found())),
        ("error-410", page(&gone)),
        ("error-403", page(&Problem::scope("review"))),
        ("error-429", page(&Problem::too_many(30))),
        ("error-500", page(&Problem::ours(&"a sample"))),
    ]
}
