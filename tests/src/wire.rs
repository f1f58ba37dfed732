//! HTTP/1.1 as bytes: for requests that no client would send, and answers that no client would show. What is asked of the
//! program properly goes through `web.rs`.

use std::net::SocketAddr;

use anyhow::{Context, Result};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::wait::PATIENCE;

/// The most of an answer that is read.
const MOST: u64 = 4 << 20;

/// An answer as it came.
#[derive(Clone, Debug)]
pub struct Raw {
    /// The status code; 0 when the connection was closed without an answer.
    pub status: u16,
    /// The head, as text.
    pub head: String,
    /// What came after it.
    pub body: String,
}

impl Raw {
    /// Reads a whole answer, or the part of one that came before the connection ended.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let status = head.split(' ').nth(1).and_then(|word| word.parse().ok());
        Self {
            status: status.unwrap_or(0),
            head: head.to_owned(),
            body: body.to_owned(),
        }
    }

    /// A header field, empty when absent.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        let line = self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then_some(value)
        });
        line.unwrap_or_default().trim()
    }
}

/// Sends a request on a connection of its own and reads the answer to its end. The request should ask to close.
///
/// # Errors
/// When there is no connection, or no end within the tests' patience.
pub async fn send(to: SocketAddr, request: &[u8]) -> Result<Raw> {
    let exchange = async {
        let mut stream = TcpStream::connect(to).await?;
        let (coming, mut going) = stream.split();
        let (mut coming, mut answer) = (coming.take(MOST), Vec::new());
        // An answer that comes before the request is through is read; the rest of the request is then in vain.
        let asking = async {
            let _in_vain = going.write_all(request).await;
            std::future::pending::<()>().await;
        };
        tokio::select! {
            () = asking => {}
            _ = coming.read_to_end(&mut answer) => {}
        }
        anyhow::Ok(Raw::of(&answer))
    };
    tokio::time::timeout(PATIENCE, exchange)
        .await
        .context("no end of the answer")?
}
