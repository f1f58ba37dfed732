//! Foreign servers, played by the test: many hosts behind one listener, with actors, and with answers as good or as bad as
//! the test wants them. The program finds them through `federation.known_hosts`. What they send is in `letter.rs`.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::Result;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::instance::{Setup, Shoal, own_address};
use crate::letter::Letter;
use crate::signer::Signer;
use crate::wait;
use crate::web::ACTIVITY;

/// A request that came to a foreign host.
#[derive(Clone, Debug)]
pub struct Asked {
    /// As in the Host header.
    pub host: String,
    /// In capitals.
    pub method: String,
    /// With the query.
    pub path: String,
    /// In order; names in lower case.
    pub headers: Vec<(String, String)>,
    /// The whole body.
    pub body: Vec<u8>,
}

impl Asked {
    /// A header, empty when it is not there.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value)
    }
}

/// How the body of an answer comes.
#[derive(Clone, Debug)]
pub enum Body {
    /// At once.
    Whole(Vec<u8>),
    /// Blanks without end, as fast as they are read.
    Endless,
    /// A byte a second.
    Dripping,
    /// Never: not even the head is sent.
    Silence,
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The status code.
    pub status: u16,
    /// Without `Content-Length`.
    pub headers: Vec<(String, String)>,
    /// What comes after the head.
    pub body: Body,
}

impl Reply {
    /// Nothing but a status.
    #[must_use]
    pub fn status(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Body::Whole(Vec::new()),
        }
    }

    /// A document of this media type.
    #[must_use]
    pub fn document(media: &str, body: impl Into<Vec<u8>>) -> Self {
        Self::body(media, Body::Whole(body.into()))
    }

    /// An answer of this media type whose body comes like this.
    #[must_use]
    pub fn body(media: &str, body: Body) -> Self {
        let kind = ("content-type".to_owned(), media.to_owned());
        Self {
            status: 200,
            headers: vec![kind],
            body,
        }
    }

    /// An ActivityPub document.
    #[must_use]
    pub fn activity(document: &Value) -> Self {
        Self::document(ACTIVITY, document.to_string())
    }

    /// A redirect.
    #[must_use]
    pub fn redirect(to: &str) -> Self {
        Self::status(302).with("location", to)
    }

    /// The same with one more header.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }
}

#[derive(Debug, Default)]
struct Seen {
    replies: Mutex<HashMap<String, Reply>>,
    asked: Mutex<Vec<Asked>>,
    connections: AtomicUsize,
}

/// The hosts.
#[derive(Debug)]
pub struct Foreign {
    address: SocketAddr,
    hosts: Vec<String>,
    signer: Signer,
    seen: Arc<Seen>,
    serving: JoinHandle<()>,
}

impl Foreign {
    /// Opens hosts of these names. All of their actors have one key.
    ///
    /// # Errors
    /// When nothing can be listened on.
    pub async fn open(hosts: &[&str]) -> Result<Self> {
        let listener = TcpListener::bind((own_address(), 0)).await?;
        let address = listener.local_addr()?;
        let seen = Arc::new(Seen::default());
        let state = Arc::clone(&seen);
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                state.connections.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(serve(stream, Arc::clone(&state)));
            }
        });
        Ok(Self {
            address,
            hosts: hosts.iter().map(|host| (*host).to_owned()).collect(),
            signer: Signer::generate()?,
            seen,
            serving,
        })
    }

    /// An instance that finds these hosts.
    #[must_use]
    pub fn known_to(&self, setup: Setup) -> Setup {
        let known: Vec<Value> = self
            .hosts
            .iter()
            .map(|host| json!({ "name": host, "address": self.address }))
            .collect();
        setup.set("federation.known_hosts", &Value::Array(known).to_string())
    }

    /// Where all of them listen.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The key of their actors.
    #[must_use]
    pub fn signer(&self) -> &Signer {
        &self.signer
    }

    /// Answers so from now on; `at` is a host with a path: `good.example/users/ann`.
    pub fn answer(&self, at: &str, reply: Reply) {
        self.seen.replies.lock().insert(at.to_owned(), reply);
    }

    /// What was asked at a host, or below one of its paths, oldest first.
    #[must_use]
    pub fn asked(&self, at: &str) -> Vec<Asked> {
        let asked = self.seen.asked.lock();
        let there = |one: &&Asked| format!("{}{}", one.host, one.path).starts_with(at);
        asked.iter().filter(there).cloned().collect()
    }

    /// How often anything connected.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.seen.connections.load(Ordering::SeqCst)
    }

    /// The actor document of somebody at a host.
    ///
    /// # Errors
    /// Never for a key that was generated.
    pub fn actor(&self, host: &str, name: &str) -> Result<Value> {
        let id = format!("http://{host}/users/{name}");
        let key = json!({ "id": format!("{id}#main-key"), "owner": id, "publicKeyPem": self.signer.pem()? });
        Ok(json!({
            "@context": ["https://www.w3.org/ns/activitystreams", "https://w3id.org/security/v1"],
            "id": id, "type": "Person", "preferredUsername": name, "name": name, "inbox": format!("{id}/inbox"),
            "endpoints": { "sharedInbox": format!("http://{host}/inbox") }, "publicKey": key,
        }))
    }

    /// Lets somebody live at a host, whose inboxes take everything.
    ///
    /// # Errors
    /// As [`Foreign::actor`].
    pub fn house(&self, host: &str, name: &str) -> Result<()> {
        self.answer(
            &format!("{host}/users/{name}"),
            Reply::activity(&self.actor(host, name)?),
        );
        self.answer(&format!("{host}/users/{name}/inbox"), Reply::status(202));
        self.answer(&format!("{host}/inbox"), Reply::status(202));
        Ok(())
    }

    /// An activity by somebody at a host, with an id of its own there.
    #[must_use]
    pub fn activity(&self, host: &str, name: &str, kind: &str, object: Value) -> Value {
        static COUNT: AtomicUsize = AtomicUsize::new(1);
        let count = COUNT.fetch_add(1, Ordering::SeqCst);
        json!({
            "@context": "https://www.w3.org/ns/activitystreams", "id": format!("http://{host}/activities/{count}"),
            "type": kind, "actor": format!("http://{host}/users/{name}"), "object": object,
        })
    }

    /// An activity on its way to the shared inbox of an instance, signed as it should be by its actor's key.
    ///
    /// # Errors
    /// When the activity has no actor.
    pub fn letter(&self, shoal: &Shoal, activity: &Value) -> Result<Letter> {
        let actor = activity["actor"].as_str().unwrap_or_default();
        self.unsigned(shoal, activity, &format!("{actor}#main-key"))?
            .signed(&self.signer)
    }

    /// The same before it is signed, by a key of that id.
    ///
    /// # Errors
    /// When the instance's URL is none.
    pub fn unsigned(&self, shoal: &Shoal, activity: &Value, key_id: &str) -> Result<Letter> {
        Letter::post(shoal.url(), "/inbox", key_id, activity)
    }
}

impl Drop for Foreign {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(mut stream: TcpStream, seen: Arc<Seen>) -> Option<()> {
    let mut buffer = Vec::new();
    loop {
        let asked = read_request(&mut stream, &mut buffer).await?;
        let path = asked.path.split('?').next().unwrap_or_default();
        let at = format!("{}{path}", asked.host);
        let reply = seen.replies.lock().get(&at).cloned();
        seen.asked.lock().push(asked);
        answer(&mut stream, reply.unwrap_or_else(|| Reply::status(404))).await?;
    }
}

async fn answer(stream: &mut TcpStream, reply: Reply) -> Option<()> {
    let mut head = format!("HTTP/1.1 {} X\r\n", reply.status);
    for (name, value) in &reply.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    match reply.body {
        Body::Whole(body) => {
            head.push_str(&format!("content-length: {}\r\n\r\n", body.len()));
            stream.write_all(head.as_bytes()).await.ok()?;
            stream.write_all(&body).await.ok()
        }
        Body::Endless => {
            head.push_str("connection: close\r\n\r\n");
            stream.write_all(head.as_bytes()).await.ok()?;
            loop {
                stream.write_all(&[b' '; 8192]).await.ok()?;
            }
        }
        Body::Dripping => {
            head.push_str("connection: close\r\n\r\n");
            stream.write_all(head.as_bytes()).await.ok()?;
            loop {
                stream.write_all(b" ").await.ok()?;
                wait::pass(Duration::from_secs(1)).await;
            }
        }
        Body::Silence => {
            // Until the other side gives up.
            stream.read_u8().await.ok();
            None
        }
    }
}

async fn read_request(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<Asked> {
    let end = loop {
        if let Some(at) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            break at;
        }
        fill(stream, buffer).await?;
    };
    let head = String::from_utf8_lossy(&buffer[..end]).into_owned();
    let mut lines = head.split("\r\n");
    let mut first = lines.next()?.split(' ');
    let (method, path) = (first.next()?.to_owned(), first.next()?.to_owned());
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()))
        .collect();
    let mut asked = Asked {
        host: String::new(),
        method,
        path,
        headers,
        body: Vec::new(),
    };
    asked.host = asked.header("host").to_owned();
    let length: usize = asked.header("content-length").parse().unwrap_or(0);
    while buffer.len() < end + 4 + length {
        fill(stream, buffer).await?;
    }
    asked.body = buffer[end + 4..end + 4 + length].to_vec();
    buffer.drain(..end + 4 + length);
    Some(asked)
}

async fn fill(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<()> {
    let mut chunk = [0; 8192];
    let read = stream.read(&mut chunk).await.ok()?;
    buffer.extend_from_slice(&chunk[..read]);
    (read > 0).then_some(())
}
