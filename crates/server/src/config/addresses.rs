//! Which addresses torrent clients are told for the tracker: those that are configured, or what follows from the public URL
//! and from where is listened. Magnet links, records and the page about the archive have them. Next in the flow: `doors.rs`.

use std::net::IpAddr;

use url::{Host, Url};

use super::{Config, TrackerSettings};

/// The most that are told: clients announce to each.
const MOST: usize = 8;

impl Config {
    /// The tracker's public announce addresses, the most usual first. `base` is the public URL in force.
    #[must_use]
    pub fn announce_urls(&self, base: &Url) -> Vec<String> {
        let given = &self.tracker.announce_urls;
        if !given.is_empty() {
            return given.iter().map(Url::to_string).collect();
        }
        let Some(host) = base.host_str() else {
            return Vec::new();
        };
        let authority = base
            .port()
            .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        let (http, websocket) = match base.scheme() {
            "https" => ("https", "wss"),
            _ => ("http", "ws"),
        };
        let mut told = vec![format!("{http}://{authority}/announce")];
        for address in self.tracker.udp.listen.iter().filter(|at| at.port() > 0) {
            let host = match (address.ip().is_loopback(), is_here(base)) {
                (false, _) => host.to_owned(),
                (true, true) => named(address.ip()),
                // The world does not reach it.
                (true, false) => continue,
            };
            let told_as = format!("udp://{host}:{}/announce", address.port());
            if !told.contains(&told_as) {
                told.push(told_as);
            }
        }
        told.push(format!("{websocket}://{authority}/announce"));
        told.truncate(MOST);
        told
    }
}

impl TrackerSettings {
    /// What is wrong with the configured addresses, each a sentence that names the key.
    pub(super) fn faults_of_addresses(&self) -> Vec<String> {
        let schemes = ["http", "https", "udp", "ws", "wss"];
        let mut faults = Vec::new();
        for url in &self.announce_urls {
            if !schemes.contains(&url.scheme()) || url.host_str().is_none_or(str::is_empty) {
                faults.push(format!(
                    "tracker.announce_urls: {url} must begin with one of {} and have a host, such as \
                     udp://tracker.archive.example:6969/announce",
                    schemes.join(", ")
                ));
            }
        }
        if self.announce_urls.len() > MOST {
            faults.push(format!("tracker.announce_urls: must be at most {MOST}"));
        }
        faults
    }
}

/// Whether the public URL is one of this machine only.
fn is_here(base: &Url) -> bool {
    match base.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

fn named(ip: IpAddr) -> String {
    match ip {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => format!("[{ip}]"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(base: &str, listen: &[&str]) -> Vec<String> {
        let mut config = Config::default();
        config.tracker.udp.listen = listen.iter().map(|at| at.parse().expect("an address")).collect();
        config.announce_urls(&base.parse().expect("a URL"))
    }

    #[test]
    fn the_world_is_told_what_it_can_reach() {
        let https = [
            "https://archive.example/announce",
            "wss://archive.example/announce",
        ];
        assert_eq!(told("https://archive.example/", &["127.0.0.1:6969"]), https);
        assert_eq!(told("https://archive.example/", &[]), https);
        let both = told("https://archive.example/", &["0.0.0.0:6969", "[::]:6969"]);
        let udp = "udp://archive.example:6969/announce";
        assert_eq!(both, [https[0], udp, https[1]]);
        assert_eq!(
            told("http://127.0.0.1:8080/", &["127.0.0.1:6969", "[::1]:0"]),
            [
                "http://127.0.0.1:8080/announce",
                "udp://127.0.0.1:6969/announce",
                "ws://127.0.0.1:8080/announce"
            ]
        );
    }

    #[test]
    fn what_is_configured_is_told_as_it_is() {
        let mut config = Config::default();
        let base = "https://archive.example/".parse().expect("a URL");
        config.tracker.announce_urls = vec!["udp://t.example:1/announce".parse().expect("a URL")];
        assert_eq!(config.announce_urls(&base), ["udp://t.example:1/announce"]);
        assert!(config.tracker.faults_of_addresses().is_empty());
        config.tracker.announce_urls = vec!["ftp://t.example/announce".parse().expect("a URL"); 9];
        assert_eq!(config.tracker.faults_of_addresses().len(), 10);
    }
}
