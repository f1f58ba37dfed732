//! What `shoal config check` says of a configuration that is good: where would be listened, where clients announce, what
//! does not fit together, and what the DNS record of the host says to clients (BEP 34). Faults are found in `config.rs`.
//!
//! Nothing is opened, and nothing is asked but one TXT record, which is said: `check/dns.rs`.

mod dns;
mod preferences;

use std::collections::BTreeSet;
use std::net::SocketAddr;

use url::Url;

use self::preferences::{Endpoint, Transport, compare};
use crate::config::{Config, TrackerMode};

/// Where would be listened.
struct Place {
    key: &'static str,
    at: SocketAddr,
    transport: Transport,
    /// For whom.
    what: &'static str,
    /// Whether torrent clients come to this place itself, and not through the public URL.
    is_door: bool,
}

/// The whole report, line by line.
pub(super) fn report(config: &Config) -> Vec<String> {
    let (places, url) = (places(config), public_url(config));
    let mut lines = vec!["Listening at:".to_owned()];
    lines.extend(places.iter().map(|place| {
        let transport = match place.transport {
            Transport::Udp => "UDP",
            Transport::Tcp => "TCP",
        };
        format!("  {} {transport} for {} ({})", place.at, place.what, place.key)
    }));
    lines.push("Clients announce to:".to_owned());
    lines.extend(announce_urls(config, &url).iter().map(|url| format!("  {url}")));
    lines.extend(misfits(config, &url, &places));
    lines.extend(asked(config, &url, &offered(&url, &places)));
    lines
}

fn places(config: &Config) -> Vec<Place> {
    let mut places = vec![Place {
        key: "http.listen",
        at: config.http.listen,
        transport: Transport::Tcp,
        what: "pages, the API and the tracker",
        is_door: false,
    }];
    let tracker = [
        ("tracker.udp.listen", &config.tracker.udp.listen, Transport::Udp),
        ("tracker.http.listen", &config.tracker.http.listen, Transport::Tcp),
    ];
    for (key, listen, transport) in tracker {
        places.extend(listen.iter().map(|at| Place {
            key,
            at: *at,
            transport,
            what: "the tracker",
            is_door: true,
        }));
    }
    places.extend(config.metrics.listen.parse().ok().map(|at| Place {
        key: "metrics.listen",
        at,
        transport: Transport::Tcp,
        what: "figures",
        is_door: false,
    }));
    places
}

fn public_url(config: &Config) -> Option<Url> {
    let url = config.instance.url.clone();
    url.or_else(|| Url::parse(&format!("http://{}/", config.http.listen)).ok())
}

/// Whether clients elsewhere can come to a place, as far as its address tells.
fn is_open(place: &Place) -> bool {
    !place.at.ip().is_loopback()
}

/// The places of the tracker to which clients come at the public host: all, if that is this machine itself.
fn doors<'a>(url: &Option<Url>, places: &'a [Place]) -> impl Iterator<Item = &'a Place> {
    let is_here = url.as_ref().is_some_and(is_this_machine);
    places
        .iter()
        .filter(move |place| place.is_door && (is_here || is_open(place)))
}

fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

fn announce_urls(config: &Config, url: &Option<Url>) -> Vec<String> {
    match url {
        _ if config.tracker.mode == TrackerMode::Closed => vec!["nowhere: tracker.mode is closed".to_owned()],
        Some(base) => config.announce_urls(base),
        None => Vec::new(),
    }
}

/// The trackers of the public host, as a record would name them.
fn offered(url: &Option<Url>, places: &[Place]) -> BTreeSet<Endpoint> {
    let web = url
        .as_ref()
        .and_then(Url::port_or_known_default)
        .map(|port| Endpoint {
            transport: Transport::Tcp,
            port,
        });
    let direct = doors(url, places).map(|place| Endpoint {
        transport: place.transport,
        port: place.at.port(),
    });
    web.into_iter().chain(direct).collect()
}

/// What does not fit together, a sentence each. No fault: something in front of the program may make it right.
fn misfits(config: &Config, url: &Option<Url>, places: &[Place]) -> Vec<String> {
    let mut told = Vec::new();
    let listen = config.http.listen;
    match url {
        _ if config.instance.url.is_none() => told.push(format!(
            "instance.url is not set, so torrents made here name {listen}, which only this machine or network knows."
        )),
        Some(url) if url.scheme() == "https" => {
            told.push(format!(
                "{url} is https, which is left to a reverse proxy: it must pass requests on to {listen}."
            ));
            if config.tracker.trusted_proxies.is_empty() {
                told.push(
                    "tracker.trusted_proxies is empty: behind the proxy, all clients of the tracker would seem to be at \
                     its address. Name its network."
                        .to_owned(),
                );
            }
        }
        Some(url) if url.port_or_known_default() != Some(listen.port()) => told.push(format!(
            "{url} is at another port than http.listen, {listen}: something must pass requests on."
        )),
        Some(url) if listen.ip().is_loopback() && !is_this_machine(url) => told.push(format!(
            "http.listen is {listen}, where only this machine comes: {url} leads there only if something passes requests on."
        )),
        _ => {}
    }
    let is_here = url.as_ref().is_none_or(is_this_machine);
    for place in places
        .iter()
        .filter(|place| place.is_door && !is_open(place) && !is_here)
    {
        told.push(format!(
            "{} has {}, where only this machine comes: no client elsewhere can announce there. Use 0.0.0.0 and [::].",
            place.key, place.at
        ));
    }
    told
}

/// What the DNS record of the public host says to clients. Never a fault: there may be no DNS here.
fn asked(config: &Config, url: &Option<Url>, offered: &BTreeSet<Endpoint>) -> Vec<String> {
    let named = config.instance.url.as_ref().and(url.as_ref());
    let Some(host) = named.and_then(Url::host_str) else {
        return Vec::new();
    };
    if !dns::is_askable(host) {
        return vec![format!(
            "{host} is no public name, so its DNS record was not asked for."
        )];
    }
    let mut lines = vec![format!(
        "Asked this machine's resolvers for the TXT record of {host}, and for nothing else:"
    )];
    match dns::texts(host) {
        Ok(records) => lines.extend(compare(host, &records, offered)),
        Err(why) => lines.push(format!(
            "DNS gave no answer ({why}), so it is not known what clients are told there."
        )),
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(url: &str) -> Config {
        let mut config = Config::default();
        config.instance.url = Some(url.parse().expect("a URL"));
        config
    }

    fn names(config: &Config) -> Vec<String> {
        let (places, url) = (places(config), public_url(config));
        offered(&url, &places).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn without_any_configuration_nothing_is_asked_and_all_is_on_this_machine() {
        let told = report(&Config::default()).join("\n");
        for wanted in [
            "127.0.0.1:8080 TCP",
            "(http.listen)",
            "127.0.0.1:6969 UDP",
            "127.0.0.1:6969 TCP",
            "(metrics.listen)",
        ] {
            assert!(told.contains(wanted), "{wanted} in {told}");
        }
        assert!(
            told.contains("http://127.0.0.1:8080/announce\n  udp://127.0.0.1:6969/announce"),
            "{told}"
        );
        assert!(!told.contains("TXT"), "{told}");
    }

    #[test]
    fn what_only_this_machine_reaches_is_not_offered_to_the_world() {
        let mut public = config("https://archive.example");
        assert_eq!(names(&public), ["TCP:443"]);
        let told = report(&public).join("\n");
        for wanted in [
            "reverse proxy",
            "trusted_proxies is empty",
            "tracker.udp.listen has 127.0.0.1:6969",
            "tracker.http.listen has",
        ] {
            assert!(told.contains(wanted), "{wanted} in {told}");
        }
        public.tracker.udp.listen = vec![
            "0.0.0.0:6969".parse().expect("an address"),
            "[::]:6969".parse().expect("one"),
        ];
        public.tracker.http.listen.clear();
        public.tracker.trusted_proxies = vec!["127.0.0.1/32".parse().expect("a network")];
        assert_eq!(names(&public), ["UDP:6969", "TCP:443"]);
        let told = report(&public).join("\n");
        assert!(told.contains("  udp://archive.example:6969/announce\n"), "{told}");
        assert!(
            !told.contains("trusted_proxies") && !told.contains("only this machine comes"),
            "{told}"
        );
        assert!(
            told.ends_with("archive.example is no public name, so its DNS record was not asked for."),
            "{told}"
        );
    }

    #[test]
    fn a_port_that_leads_elsewhere_is_told() {
        let mut config = config("http://archive.example");
        assert!(
            report(&config)
                .join("\n")
                .contains("at another port than http.listen")
        );
        config.http.listen = "0.0.0.0:80".parse().expect("an address");
        assert!(!report(&config).join("\n").contains("at another port"));
        config.tracker.mode = TrackerMode::Closed;
        assert!(
            report(&config)
                .join("\n")
                .contains("nowhere: tracker.mode is closed")
        );
    }
}
