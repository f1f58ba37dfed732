//! Pieces of sample content: uploads, datasets, swarms, prose, as the sample pages are put together from them.

use shoal_store::{Id, Threat};

use crate::pages::assets::Assets;
use crate::pages::cards::{CollectionCard, DatasetCard, UploadCard};
use crate::pages::datasets::SORTS;
use crate::pages::frame::{Frame, Link, Who};
use crate::pages::keep::Keep;
use crate::pages::lists::List;
use crate::pages::moderate::Sheet;
use crate::view::address::ListAddress;
use crate::view::markdown::Prose;
use crate::view::size::Size;
use crate::view::swarm::Swarm;
use crate::view::threat::Danger;
use crate::view::time::When;
use crate::view::tree::Leaf;

const NOW: i64 = 1_795_166_040_000;
const HOUR: i64 = 3_600_000;
/// Text that would break a page which does not escape it.
pub(super) const HOSTILE: &str = "\"><script>alert(1)</script> \u{202e}txt.exe 潮位 & <b>";

pub(super) fn frame(title: &str) -> Frame {
    Frame {
        site: "Tidewater Archive".into(),
        title: title.into(),
        summary: "Endangered. 2 complete copies.".into(),
        url: "https://archive.example/datasets/tides".into(),
        who: Some(Who {
            name: "ann".into(),
            is_moderator: true,
        }),
        csrf: "token".into(),
        assets: Assets {
            style: "shoal.css",
            script: "shoal.js",
            mark: "mark.svg",
        },
        ..Frame::default()
    }
}

pub(super) fn visitors_frame(title: &str) -> Frame {
    Frame {
        who: None,
        csrf: String::new(),
        ..frame(title)
    }
}

pub(super) fn id() -> Id {
    shoal_store::Moment::new(NOW, 7).id()
}

pub(super) fn ago(hours: i64) -> When {
    When::new(NOW - hours * HOUR, NOW)
}

pub(super) fn swarm(complete: u64, incomplete: u64) -> Swarm {
    Swarm {
        complete,
        incomplete,
        completed: 40,
    }
}

pub(super) fn upload(title: &str, swarm: Swarm, threat: Threat) -> UploadCard {
    UploadCard {
        href: "/uploads/0193".into(),
        title: "Tide gauge readings, North Sea, 1890–2026".into(),
        name: title.into(),
        account: Link::new("/accounts/ann", "ann"),
        when: ago(3),
        size: Size(13_314_398_610),
        files: "2,048 files".into(),
        swarm,
        danger: Danger(threat),
        magnet: Some("magnet:?xt=urn:btih:0123456789abcdef0123456789abcdef01234567&dn=tides".into()),
        torrent: "/api/v1/uploads/0193/torrent".into(),
        withheld: String::new(),
    }
}

pub(super) fn uploads() -> Vec<UploadCard> {
    vec![
        upload("tide-gauges-2026-11", swarm(1, 3), Threat::Extinct),
        upload("permafrost-boreholes-v4", swarm(0, 2), Threat::TakedownIssued),
        upload("urban-heat-atlas", swarm(2, 0), Threat::Endangered),
        upload(HOSTILE, swarm(4, 9), Threat::Watchlist),
    ]
}

pub(super) fn dataset(title: &str, swarm: Swarm, threat: Threat) -> DatasetCard {
    DatasetCard {
        href: "/datasets/tides".into(),
        slug: "tides".into(),
        title: title.into(),
        publisher: "Federal Maritime Office".into(),
        excerpt: "Hourly water levels of 61 gauges, corrected for land motion, with the original paper charts as scans."
            .into(),
        danger: Danger(threat),
        swarm,
        uploads: 2,
        size: Size(13_314_398_610),
        when: ago(26),
        withheld: String::new(),
    }
}

pub(super) fn datasets() -> Vec<DatasetCard> {
    vec![
        dataset(
            "Tide gauge readings, North Sea, 1890–2026",
            swarm(12, 3),
            Threat::Endangered,
        ),
        dataset("Air quality, all stations, raw", swarm(37, 6), Threat::Indefinite),
        DatasetCard {
            uploads: 0,
            ..dataset("Permafrost boreholes", swarm(0, 0), Threat::TakedownIssued)
        },
        dataset("潮位観測記録 (tidal observations)", swarm(2, 1), Threat::Unknown),
        dataset(
            "Census microdata 1970–2020, public-use files with every codebook",
            swarm(310, 44),
            Threat::Extinct,
        ),
    ]
}

pub(super) fn collection(title: &str) -> CollectionCard {
    CollectionCard {
        href: "/collections/climate".into(),
        title: title.into(),
        excerpt: "Measurements of the climate from public offices whose funding ends.".into(),
        handle: "@climate@archive.example".into(),
        datasets: "14 datasets".into(),
        followers: "1,204 followers".into(),
        withheld: String::new(),
    }
}

pub(super) fn keep() -> Keep {
    Keep {
        swarm: swarm(2, 3),
        magnet: Some("magnet:?xt=urn:btih:0123456789abcdef0123456789abcdef01234567&dn=tides".into()),
        torrent: "/api/v1/uploads/0193/torrent".into(),
        size: Size(13_314_398_610),
        has_web_seeds: true,
        picture: "/uploads/0193/swarm.png".into(),
    }
}

pub(super) fn list(path: &str) -> List {
    let address = ListAddress::new(path);
    let threats: Vec<_> = [("", "All")]
        .into_iter()
        .chain(Danger::ALL.iter().skip(1).map(|d| (d.key(), d.word())))
        .collect();
    List {
        count: "5 datasets on this page".into(),
        next: format!("{path}?cursor=6162"),
        ..List::default()
    }
    .choosing(&address, "sort", "Sort", &SORTS)
    .choosing(&address, "threat", "Source", &threats)
    .feeding("/feeds/all")
}

pub(super) fn sheet() -> Option<Sheet> {
    Some(Sheet {
        what: "dataset",
        action: "/moderation/datasets/0193".into(),
        back: "/datasets/tides".into(),
        hint: "Written to the person concerned and shown to every visitor.",
        is_visible: true,
        is_removed: false,
    })
}

pub(super) fn prose() -> Prose {
    Prose::render(
        "Hourly water levels of **61 gauges** along the coast, from the first paper charts of 1890 to this month, \
         corrected for land motion. The office that runs them closes at the end of the year.\n\n## What is in it\n\n\
         - one CSV for each gauge and year\n- the charts as scans, 600 dpi\n- [the method](https://tides.example/method)\n\n\
         > Readings before 1912 are in local mean time.\n\n| gauge | from | hours |\n|---|---|---|\n| Cuxhaven | 1890 | 1,192,008 |\n| Esbjerg | 1902 | 1,086,744 |\n",
    )
}

pub(super) fn leaves() -> Vec<Leaf> {
    let leaf = |path: &str, size| Leaf {
        path: path.split('/').map(str::to_owned).collect(),
        size: Size(size),
    };
    vec![
        leaf("gauges/cuxhaven/1890.csv", 812_331),
        leaf("gauges/cuxhaven/1891.csv", 812_992),
        leaf("gauges/esbjerg/潮位 1902.csv", 790_112),
        leaf("scans/0001.tiff", 91_223_001),
        leaf("scans/0002.tiff", 90_113_442),
        leaf("README.txt", 4_096),
        leaf("empty.txt", 0),
        leaf(HOSTILE, 12),
    ]
}
