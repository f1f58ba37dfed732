//! DNS tracker preferences (BEP 34): a TXT record at the name of a host, by which it tells clients on which ports it runs
//! trackers, or that it runs none. Reads records and compares; asking for them is in `dns.rs`.

use std::collections::BTreeSet;
use std::fmt;

/// Over what a tracker is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Transport {
    /// BEP 15.
    Udp,
    /// HTTP and WebSocket.
    Tcp,
}

/// A tracker of a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Endpoint {
    pub(super) transport: Transport,
    pub(super) port: u16,
}

impl fmt::Display for Endpoint {
    /// As a record names it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let transport = match self.transport {
            Transport::Udp => "UDP",
            Transport::Tcp => "TCP",
        };
        write!(f, "{transport}:{}", self.port)
    }
}

impl Endpoint {
    fn parse(word: &str) -> Option<Self> {
        let (transport, port) = match word.split_once(':')? {
            ("UDP", port) => (Transport::Udp, port),
            ("TCP", port) => (Transport::Tcp, port),
            _ => return None,
        };
        let port = Some(port).filter(|port| port.bytes().all(|digit| digit.is_ascii_digit()))?;
        let port = port.parse().ok().filter(|port| *port > 0)?;
        Some(Self { transport, port })
    }
}

/// The trackers that a record names, in the order in which they are preferred; none if the host denies that it runs any.
///
/// The answer is none at all for a record of another purpose. Words are case-sensitive; unknown ones are passed over.
pub(super) fn parse(record: &str) -> Option<Vec<Endpoint>> {
    let words = record.strip_prefix("BITTORRENT")?;
    let is_word = words.is_empty() || words.starts_with(' ');
    is_word.then(|| words.split(' ').filter_map(Endpoint::parse).collect())
}

/// What the TXT records of a host mean for the trackers that are offered there: a sentence for each thing to know.
pub(super) fn compare(host: &str, records: &[String], offered: &BTreeSet<Endpoint>) -> Vec<String> {
    let found: Vec<Vec<Endpoint>> = records.iter().filter_map(|record| parse(record)).collect();
    let named: BTreeSet<Endpoint> = found.iter().flatten().copied().collect();
    let mut told = Vec::new();
    match found.len() {
        0 => {
            told.push(format!(
                "{host} has no BITTORRENT record: clients try what torrents name."
            ));
            return told;
        }
        1 => {}
        many => told.push(format!(
            "{host} has {many} BITTORRENT records; clients may heed any one of them. Put all trackers into one."
        )),
    }
    if named.is_empty() {
        let wanted = list(offered);
        told.push(format!(
            "The BITTORRENT record of {host} denies that there is any tracker: clients that heed it will not announce. \
             Remove it, or let it be \"BITTORRENT {wanted}\"."
        ));
        return told;
    }
    let unnamed: BTreeSet<_> = offered.difference(&named).copied().collect();
    if !unnamed.is_empty() {
        told.push(format!(
            "The BITTORRENT record of {host} does not name {}: clients that heed it will not announce there.",
            list(&unnamed)
        ));
    }
    let absent: BTreeSet<_> = named.difference(offered).copied().collect();
    if !absent.is_empty() {
        told.push(format!(
            "The BITTORRENT record of {host} names {}, where this configuration offers no tracker.",
            list(&absent)
        ));
    }
    if unnamed.is_empty() && absent.is_empty() {
        told.push(format!("The BITTORRENT record of {host} names what is offered."));
    }
    told
}

fn list(endpoints: &BTreeSet<Endpoint>) -> String {
    let words: Vec<String> = endpoints.iter().map(ToString::to_string).collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(record: &str) -> Option<String> {
        let named = parse(record)?;
        Some(
            named
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join(" "),
        )
    }

    #[test]
    fn records_are_read_as_the_specification_says() {
        for (record, wanted) in [
            ("BITTORRENT", Some("")),
            ("BITTORRENT DENY ALL", Some("")),
            ("BITTORRENT UDP:1337 TCP:80", Some("UDP:1337 TCP:80")),
            ("BITTORRENT TCP:80 UDP:1337", Some("TCP:80 UDP:1337")),
            ("BITTORRENT  UDP:1337   WSS:443 TCP:80 ", Some("UDP:1337 TCP:80")),
            ("BITTORRENT DENY ALL TCP:80", Some("TCP:80")),
            ("BITTORRENT udp:1337 Tcp:80", Some("")),
            ("BITTORRENT UDP:0 UDP:65536 UDP:+1 UDP: UDP:1x TCP", Some("")),
            ("bittorrent UDP:1337", None),
            ("BITTORRENTS UDP:1337", None),
            (" BITTORRENT UDP:1337", None),
            ("v=spf1 -all BITTORRENT", None),
            ("", None),
        ] {
            assert_eq!(words(record).as_deref(), wanted, "{record:?}");
        }
    }

    #[test]
    fn what_differs_is_told() {
        let of = |words: &str| parse(&format!("BITTORRENT {words}")).expect("a record");
        let offered: BTreeSet<_> = of("TCP:443 UDP:6969").into_iter().collect();
        let told = |records: &[&str]| {
            let records: Vec<String> = records.iter().map(|&record| record.to_owned()).collect();
            compare("archive.example", &records, &offered).join("\n")
        };
        assert!(told(&["v=spf1 -all"]).contains("has no BITTORRENT record"));
        assert!(told(&["BITTORRENT DENY ALL"]).contains("\"BITTORRENT UDP:6969 TCP:443\""));
        assert!(told(&["BITTORRENT UDP:6969 TCP:443"]).ends_with("names what is offered."));
        let both = told(&["BITTORRENT TCP:80 TCP:443"]);
        assert!(
            both.contains("does not name UDP:6969:") && both.contains("names TCP:80, where"),
            "{both}"
        );
        assert!(told(&["BITTORRENT UDP:6969", "BITTORRENT TCP:443"]).contains("has 2 BITTORRENT records"));
    }
}
