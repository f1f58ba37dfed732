//! A UDP tracker client (BEP 15) as small as can be: it connects, and announces by the connection id that it was given.

use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

/// The word by which a connect is known.
const PROTOCOL: u64 = 0x0417_2710_1980;

/// A client with a socket and a connection id.
#[derive(Debug)]
pub struct UdpClient {
    socket: UdpSocket,
    connection: [u8; 8],
}

/// What an announce was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UdpAnswer {
    /// Seconds to wait, leechers and seeders.
    Peers(u32, u32, u32),
    /// A refusal.
    Error(String),
}

impl UdpClient {
    /// Connects to a tracker on the same machine.
    ///
    /// # Errors
    /// When there is no answer within some seconds, or another than a connection id.
    pub fn connect(tracker: SocketAddr) -> Result<Self> {
        let socket = UdpSocket::bind(SocketAddr::new(tracker.ip(), 0))?;
        socket.connect(tracker)?;
        socket.set_read_timeout(Some(Duration::from_secs(5)))?;
        let mut client = Self {
            socket,
            connection: PROTOCOL.to_be_bytes(),
        };
        let answer = client.exchange(0, &[])?;
        ensure!(
            answer.len() == 16 && answer[..4] == [0; 4],
            "no connection id: {answer:02x?}"
        );
        client.connection = answer[8..].try_into().context("eight bytes")?;
        Ok(client)
    }

    /// Announces a peer at this machine and a port; a hash is its first 40 digits.
    ///
    /// # Errors
    /// When there is no answer within some seconds, or one that is no answer to an announce.
    pub fn announce(&self, info_hash: &str, port: u16, left: u64) -> Result<UdpAnswer> {
        let mut body = Vec::with_capacity(82);
        for at in (0..40).step_by(2) {
            let digits = info_hash.get(at..at + 2).context("forty digits")?;
            body.push(u8::from_str_radix(digits, 16)?);
        }
        body.extend_from_slice(format!("-ST0001-{port:0>12}").as_bytes());
        body.extend_from_slice(&[0; 8]);
        body.extend_from_slice(&left.to_be_bytes());
        body.extend_from_slice(&[0; 8]);
        for number in [2_u32, 0, u32::from(port), 50] {
            body.extend_from_slice(&number.to_be_bytes());
        }
        body.extend_from_slice(&port.to_be_bytes());
        let answer = self.exchange(1, &body)?;
        let number = |at: usize| {
            let bytes = answer.get(at..at + 4).and_then(|bytes| bytes.try_into().ok());
            bytes
                .map(u32::from_be_bytes)
                .context("an answer that is cut short")
        };
        match number(0)? {
            1 => Ok(UdpAnswer::Peers(number(8)?, number(12)?, number(16)?)),
            3 => Ok(UdpAnswer::Error(
                String::from_utf8_lossy(answer.get(8..).unwrap_or_default()).into_owned(),
            )),
            other => anyhow::bail!("action {other}"),
        }
    }

    fn exchange(&self, action: u32, body: &[u8]) -> Result<Vec<u8>> {
        let transaction: u32 = rand::random();
        let mut packet = self.connection.to_vec();
        packet.extend_from_slice(&action.to_be_bytes());
        packet.extend_from_slice(&transaction.to_be_bytes());
        packet.extend_from_slice(body);
        self.socket.send(&packet)?;
        let mut answer = vec![0; 2048];
        let length = self.socket.recv(&mut answer).context("no answer over UDP")?;
        answer.truncate(length);
        ensure!(
            answer.get(4..8) == Some(&transaction.to_be_bytes()[..]),
            "an answer to something else: {answer:02x?}"
        );
        Ok(answer)
    }
}
