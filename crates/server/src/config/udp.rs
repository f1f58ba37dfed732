//! `[tracker.udp]`: where and how the tracker listens for UDP. What the keys do is `crates/tracker/src/udp/`. Next in the flow:
//! `doors.rs`.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use shoal_tracker::udp::{Backend, LONGEST_LIFE};

/// How datagrams are read and sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UdpBackend {
    /// The fastest that works here.
    Auto,
    /// Linux from 6.1 on, where it is allowed.
    IoUring,
    /// Linux.
    Mmsg,
    /// Every system.
    Plain,
}

impl From<UdpBackend> for Backend {
    fn from(backend: UdpBackend) -> Self {
        match backend {
            UdpBackend::Auto => Self::Auto,
            UdpBackend::IoUring => Self::IoUring,
            UdpBackend::Mmsg => Self::Mmsg,
            UdpBackend::Plain => Self::Plain,
        }
    }
}

/// `[tracker.udp]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Udp {
    /// Addresses and ports; none switches UDP off.
    pub listen: Vec<SocketAddr>,
    /// Threads at each address; 0 means one per core.
    pub threads: usize,
    /// How datagrams are read and sent.
    pub backend: UdpBackend,
    /// Seconds for which a client may use a connection id.
    pub connection_lifetime: u16,
    /// A file with 32 hexadecimal digits, the key of connection ids; without it, a random one at each start.
    pub connection_key_file: Option<PathBuf>,
}

impl Default for Udp {
    fn default() -> Self {
        Self {
            listen: vec![SocketAddr::from(([127, 0, 0, 1], 6969))],
            threads: 1,
            backend: UdpBackend::Auto,
            connection_lifetime: 120,
            connection_key_file: None,
        }
    }
}

impl Udp {
    /// The key of connection ids in the configured file, if one is configured.
    ///
    /// # Errors
    /// A sentence that names the key, when the file cannot be read or holds something else.
    pub fn connection_key(&self) -> Result<Option<[u8; 16]>, String> {
        let Some(file) = &self.connection_key_file else {
            return Ok(None);
        };
        let name = "tracker.udp.connection_key_file";
        let text = std::fs::read_to_string(file)
            .map_err(|error| format!("{name}: cannot read {}: {error}", file.display()))?;
        let text = text.trim();
        let is_key = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let key = u128::from_str_radix(text, 16).ok().filter(|_| is_key);
        key.map(|key| Some(key.to_be_bytes())).ok_or_else(|| {
            format!(
                "{name}: {} must hold 32 hexadecimal digits, such as `openssl rand -hex 16` makes",
                file.display()
            )
        })
    }

    /// What is wrong with these settings, each a sentence that names the key.
    pub(super) fn faults(&self) -> Vec<String> {
        let mut faults: Vec<String> = self.connection_key().err().into_iter().collect();
        if self.threads > 256 {
            faults.push("tracker.udp.threads: must be at most 256".into());
        }
        if !(1..=LONGEST_LIFE).contains(&self.connection_lifetime) {
            faults.push(format!(
                "tracker.udp.connection_lifetime: must be between 1 and {LONGEST_LIFE} seconds"
            ));
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_key_file_holds_32_digits_and_nothing_else() {
        let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
        file.write_all(b"000102030405060708090a0b0c0d0e0F\n")
            .expect("it takes a line");
        let of = |path: &std::path::Path| Udp {
            connection_key_file: Some(path.into()),
            ..Udp::default()
        };
        let key = std::array::from_fn(|at| at as u8);
        assert_eq!(of(file.path()).connection_key(), Ok(Some(key)));
        file.write_all(b"0").expect("it takes a digit");
        assert!(of(file.path()).faults()[0].contains("32 hexadecimal digits"));
        let missing = of(std::path::Path::new("/nowhere/key"));
        assert!(missing.faults()[0].starts_with("tracker.udp.connection_key_file: cannot read"));
        assert_eq!(Udp::default().connection_key(), Ok(None));
        assert!(Udp::default().faults().is_empty());
    }
}
