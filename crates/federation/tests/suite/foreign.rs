//! The other side of a test: a small HTTP/1.1 server on loopback that is one foreign server, with an actor `ann`, an
//! inbox that keeps what it gets, and answers that the test sets.

use bytes::Bytes;
use http::HeaderMap;
use serde_json::{Value, json};
use shoal_federation::{
    Incoming,
    keys::Signer,
    sign::{self, Body, Request, Scheme, Signature},
    verify::{self, Head, key::PublicKey},
};
use shoal_store::ActorKeys;
use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use url::Url;

/// A request that came to the foreign server.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

/// What it answers to one path.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn status(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    pub(crate) fn activity(body: &Value) -> Self {
        let kind = (
            "content-type",
            "application/activity+json; charset=utf-8".to_owned(),
        );
        Self {
            status: 200,
            headers: vec![kind],
            body: body.to_string().into_bytes(),
        }
    }

    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }
}

/// What is answered to each path: in turn, the last one for ever.
type Replies = Arc<Mutex<HashMap<String, Vec<Reply>>>>;

/// A foreign server.
pub(crate) struct Foreign {
    pub(crate) host: String,
    pub(crate) address: SocketAddr,
    replies: Replies,
    asked: Arc<Mutex<Vec<Asked>>>,
    pub(crate) connections: Arc<AtomicUsize>,
    /// The most requests that it ever had in hand at once.
    pub(crate) most_at_once: Arc<AtomicUsize>,
}

impl Foreign {
    /// Starts one that answers to `host` (without port; its base is `http://host`).
    pub(crate) async fn start(host: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let replies = Arc::new(Mutex::new(HashMap::new()));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let connections = Arc::new(AtomicUsize::new(0));
        let foreign = Self {
            host: host.to_owned(),
            address,
            replies,
            asked,
            connections,
            most_at_once: Arc::default(),
        };
        let crowd = (Arc::default(), Arc::clone(&foreign.most_at_once));
        let (replies, asked) = (Arc::clone(&foreign.replies), Arc::clone(&foreign.asked));
        let connections = Arc::clone(&foreign.connections);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                connections.fetch_add(1, Ordering::SeqCst);
                let (replies, asked) = (Arc::clone(&replies), Arc::clone(&asked));
                tokio::spawn(serve(stream, (replies, asked), crowd.clone()));
            }
        });
        foreign.reply("/inbox", Reply::status(202));
        foreign
    }

    /// Where the world finds it.
    pub(crate) fn known(&self) -> (String, SocketAddr) {
        (self.host.clone(), self.address)
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.host)
    }

    /// Answers so from now on.
    pub(crate) fn reply(&self, path: &str, reply: Reply) {
        self.replies
            .lock()
            .expect("no panic")
            .insert(path.to_owned(), vec![reply]);
    }

    /// Answers so once, then as before.
    pub(crate) fn reply_once(&self, path: &str, reply: Reply) {
        let mut replies = self.replies.lock().expect("no panic");
        replies.entry(path.to_owned()).or_default().insert(0, reply);
    }

    /// What came to a path, oldest first.
    pub(crate) fn asked(&self, path: &str) -> Vec<Asked> {
        self.asked
            .lock()
            .expect("no panic")
            .iter()
            .filter(|asked| asked.target == path)
            .cloned()
            .collect()
    }

    /// The activities in its shared inbox, each checked as a strict server would.
    pub(crate) fn inbox(&self, sender: &ActorKeys, now: i64) -> Vec<Value> {
        let key = PublicKey::from_pem(&sender.rsa_public_pem).expect("our key");
        let mut activities = Vec::new();
        for asked in self.asked("/inbox") {
            let head = Head {
                method: &asked.method,
                path_and_query: &asked.target,
                headers: &asked.headers,
                body: &asked.body,
            };
            let claims = verify::read(head, &self.url(""), now).expect("well signed");
            claims[0].check(&key).expect("signed by the sender");
            assert_eq!(asked.headers["content-type"], "application/activity+json");
            assert!(asked.headers.contains_key("user-agent"));
            activities.push(serde_json::from_slice(&asked.body).expect("JSON"));
        }
        activities
    }

    /// The actor document of somebody there.
    pub(crate) fn actor(&self, name: &str, keys: &ActorKeys) -> Value {
        let id = self.url(&format!("/users/{name}"));
        json!({
            "@context": ["https://www.w3.org/ns/activitystreams", "https://w3id.org/security/v1"],
            "id": id, "type": "Person", "preferredUsername": name, "name": name,
            "inbox": format!("{id}/inbox"), "outbox": format!("{id}/outbox"),
            "endpoints": { "sharedInbox": self.url("/inbox") },
            "publicKey": { "id": format!("{id}#main-key"), "owner": id, "publicKeyPem": keys.rsa_public_pem },
        })
    }

    /// Lets somebody live there.
    pub(crate) fn house(&self, name: &str, keys: &ActorKeys) {
        self.reply(
            &format!("/users/{name}"),
            Reply::activity(&self.actor(name, keys)),
        );
    }

    /// A signed POST to an inbox of ours, by somebody there.
    pub(crate) fn post(&self, name: &str, keys: &ActorKeys, body: &Value, now: i64) -> Incoming {
        let key_id = self.url(&format!("/users/{name}#main-key"));
        self.post_as(&key_id, keys, body, now)
    }

    pub(crate) fn post_as(&self, key_id: &str, keys: &ActorKeys, body: &Value, now: i64) -> Incoming {
        Self::post_in(Scheme::Cavage, (key_id, keys), body, now)
    }

    /// The same in a scheme, under any key's name.
    pub(crate) fn post_in(
        scheme: Scheme,
        (key_id, keys): (&str, &ActorKeys),
        body: &Value,
        now: i64,
    ) -> Incoming {
        let signer = Signer::load(keys).expect("a key");
        Self::post_at("/inbox", (key_id, &signer), scheme, body, now)
    }

    /// The same at any inbox of ours.
    pub(crate) fn post_at(
        path: &str,
        (key_id, signer): (&str, &Signer),
        scheme: Scheme,
        body: &Value,
        now: i64,
    ) -> Incoming {
        let body = body.to_string().into_bytes();
        let url = Url::parse(&format!("http://shoal.test{path}")).expect("a URL");
        let signature = Signature { key_id, signer };
        let request = Request {
            method: "POST",
            url: &url,
            body: Some(&Body::new(body.clone())),
        };
        let headers = sign::headers(scheme, signature, request, now).expect("signs");
        Incoming {
            method: "POST".to_owned(),
            path_and_query: path.to_owned(),
            headers,
            body: Bytes::from(body),
            inbox_of: None,
        }
    }
}

async fn serve(
    mut stream: TcpStream,
    (replies, asked): (Replies, Arc<Mutex<Vec<Asked>>>),
    (in_hand, most): (Arc<AtomicUsize>, Arc<AtomicUsize>),
) -> Option<()> {
    let mut buffer = Vec::new();
    loop {
        let request = read_request(&mut stream, &mut buffer).await?;
        let path = request.target.split('?').next().unwrap_or_default().to_owned();
        most.fetch_max(in_hand.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        asked.lock().expect("no panic").push(request);
        let reply = next_reply(&replies, &path);
        let mut head = format!(
            "HTTP/1.1 {} X\r\ncontent-length: {}\r\n",
            reply.status,
            reply.body.len()
        );
        for (name, value) in &reply.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        in_hand.fetch_sub(1, Ordering::SeqCst);
        stream.write_all(head.as_bytes()).await.ok()?;
        stream.write_all(&reply.body).await.ok()?;
    }
}

fn next_reply(replies: &Replies, path: &str) -> Reply {
    let mut replies = replies.lock().expect("no panic");
    match replies.get_mut(path) {
        Some(queue) if queue.len() > 1 => queue.remove(0),
        Some(queue) => queue[0].clone(),
        None => Reply::status(404),
    }
}

async fn read_request(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<Asked> {
    let end = loop {
        if let Some(at) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            break at;
        }
        fill(stream, buffer).await?;
    };
    let head = String::from_utf8(buffer[..end].to_vec()).ok()?;
    let mut lines = head.split("\r\n");
    let mut first = lines.next()?.split(' ');
    let (method, target) = (first.next()?.to_owned(), first.next()?.to_owned());
    let mut headers = HeaderMap::new();
    for line in lines {
        let (name, value) = line.split_once(':')?;
        headers.append(http::HeaderName::try_from(name).ok()?, value.trim().parse().ok()?);
    }
    let length = headers
        .get("content-length")
        .and_then(|value| value.to_str().ok()?.parse().ok())
        .unwrap_or(0);
    while buffer.len() < end + 4 + length {
        fill(stream, buffer).await?;
    }
    let body = buffer[end + 4..end + 4 + length].to_vec();
    buffer.drain(..end + 4 + length);
    Some(Asked {
        method,
        target,
        headers,
        body,
    })
}

async fn fill(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<()> {
    let mut chunk = [0; 8192];
    let read = stream.read(&mut chunk).await.ok()?;
    buffer.extend_from_slice(&chunk[..read]);
    (read > 0).then_some(())
}
