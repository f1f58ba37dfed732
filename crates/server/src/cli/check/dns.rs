//! Asking for the TXT records of one name, by the resolvers that the system is configured to use. The only place of the
//! program that does so; what the records mean is in `preferences.rs`.

use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::net::NetError;
use hickory_resolver::proto::rr::RData;

/// How long one may have to wait for an answer.
const PATIENCE: Duration = Duration::from_secs(6);

/// Names that no public resolver knows, and that must not be asked for (RFC 6761, RFC 7686).
const NOT_PUBLIC: [&str; 7] = ["localhost", "local", "test", "example", "invalid", "onion", "i2p"];

/// Whether a host has a name that is worth asking for: it is no address and may be public.
pub(super) fn is_askable(host: &str) -> bool {
    let last = host.trim_end_matches('.').rsplit('.').next().unwrap_or_default();
    let is_address = host.starts_with('[') || host.parse::<std::net::IpAddr>().is_ok();
    host.contains('.') && !is_address && !NOT_PUBLIC.contains(&last)
}

/// The TXT records of a name, each as one text.
///
/// # Errors
/// A reason, when there is no resolver or no answer within six seconds.
pub(super) fn texts(name: &str) -> Result<Vec<String>, String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    runtime.block_on(async {
        let resolver = TokioResolver::builder_tokio()
            .and_then(|builder| builder.build())
            .map_err(|error| error.to_string())?;
        match tokio::time::timeout(PATIENCE, ask(&resolver, name)).await {
            Ok(Err(error)) if error.is_nx_domain() => Err("there is no such name".to_owned()),
            Ok(answer) => answer.map_err(|error| error.to_string()),
            Err(_) => Err(format!("no answer within {} seconds", PATIENCE.as_secs())),
        }
    })
}

async fn ask(resolver: &TokioResolver, name: &str) -> Result<Vec<String>, NetError> {
    // With a dot at the end, so that no search domain of this machine is tried behind it.
    match resolver
        .txt_lookup(format!("{}.", name.trim_end_matches('.')))
        .await
    {
        Ok(found) => {
            let texts = found.answers().iter().filter_map(|record| match &record.data {
                RData::TXT(text) => Some(text.txt_data.concat()),
                _ => None,
            });
            Ok(texts
                .map(|text| String::from_utf8_lossy(&text).into_owned())
                .collect())
        }
        Err(error) if error.is_no_records_found() && !error.is_nx_domain() => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;

    use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig};
    use hickory_resolver::net::runtime::TokioRuntimeProvider;

    use super::*;

    #[test]
    fn names_that_are_nobodys_business_are_not_asked_for() {
        for host in ["archive.example.org", "tracker.archive.eu."] {
            assert!(is_askable(host), "{host}");
        }
        for host in [
            "localhost",
            "archive",
            "192.0.2.1",
            "[2001:db8::1]",
            "a.onion",
            "a.local",
            "a.example",
        ] {
            assert!(!is_askable(host), "{host}");
        }
    }

    /// Answers one question with these records, each a row of strings.
    fn name_server(records: &'static [&'static [&'static str]]) -> u16 {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
        let port = socket.local_addr().expect("it is bound").port();
        std::thread::spawn(move || {
            let mut query = [0; 512];
            let (_, from) = socket.recv_from(&mut query).expect("a query");
            // The question is the name, ended by an empty label, with type and class.
            let name = query[12..].iter().position(|byte| *byte == 0).expect("it ends") + 1;
            let question = &query[12..12 + name + 4];
            let mut answer = vec![
                query[0],
                query[1],
                0x85,
                0x80,
                0,
                1,
                0,
                records.len() as u8,
                0,
                0,
                0,
                0,
            ];
            answer.extend_from_slice(question);
            for strings in records {
                let data: Vec<u8> = strings
                    .iter()
                    .flat_map(|text| [&[text.len() as u8], text.as_bytes()].concat())
                    .collect();
                answer.extend_from_slice(&[0xc0, 12, 0, 16, 0, 1, 0, 0, 0, 60, 0, data.len() as u8]);
                answer.extend_from_slice(&data);
            }
            socket.send_to(&answer, from).expect("it is sent");
        });
        port
    }

    #[tokio::test]
    async fn the_strings_of_a_record_are_one_text() {
        let port = name_server(&[&["v=spf1 -all"], &["BITTORRENT UDP:6969 ", "TCP:443"]]);
        let mut connection = ConnectionConfig::udp();
        connection.port = port;
        let mut server = NameServerConfig::udp([127, 0, 0, 1].into());
        server.connections = vec![connection];
        let config = ResolverConfig::from_name_servers(vec![server]);
        let resolver = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
            .build()
            .expect("a resolver");
        let mut texts = ask(&resolver, "archive.example").await.expect("an answer");
        texts.sort();
        assert_eq!(texts, ["BITTORRENT UDP:6969 TCP:443", "v=spf1 -all"]);
    }
}
