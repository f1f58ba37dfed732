//! A thousand foreign servers in one process: every loopback address answers at once, shows actors that hold one key,
//! and counts what is delivered. It runs as a process of its own, so that its processor time is nobody else's.

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, OwnedFd};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use memchr::memmem;
use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::io::Errno;
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// How long nothing may arrive before nothing more is expected.
const PATIENCE: Duration = Duration::from_secs(30);
/// The answer to an activity.
const TAKEN: &[u8] = b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n";
/// The name of the variable that hands the stub its actors' public key.
const KEY: &str = "SHOAL_BENCH_KEY";

/// The foreign servers, as the bench holds them.
pub(super) struct Stub {
    child: Child,
    port: u16,
}

impl Stub {
    /// Starts them; every actor's key is this one.
    pub(super) fn start(pem: &str) -> Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg("--stub")
            .env(KEY, pem)
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().context("its output is ours")?).read_line(&mut line)?;
        let port = line.trim().parse()?;
        Ok(Self { child, port })
    }

    /// One of the servers, as `address:port`.
    pub(super) fn host(&self, number: usize) -> String {
        format!("127.2.{}.{}:{}", number / 250, number % 250 + 1, self.port)
    }

    /// How many activities all of them together have been sent.
    pub(super) async fn delivered(&self) -> Result<u64> {
        self.reached(0).await
    }

    /// Waits until so many have arrived in all.
    pub(super) async fn until(&self, count: u64) -> Result<()> {
        let mut before = 0;
        while tokio::time::timeout(PATIENCE, self.reached(count)).await.is_err() {
            let now = self.delivered().await?;
            if now == before {
                bail!(
                    "{now} of {count} deliveries came, and for {} s none did",
                    PATIENCE.as_secs()
                );
            }
            before = now;
        }
        Ok(())
    }

    /// How many have arrived in all, as soon as it is so many: whoever waits need not ask again and again.
    async fn reached(&self, count: u64) -> Result<u64> {
        let mut connection = TcpStream::connect(("127.2.0.1", self.port)).await?;
        let question = format!("GET /count/{count} HTTP/1.1\r\nHost: stub\r\n\r\n");
        connection.write_all(question.as_bytes()).await?;
        let mut answer = vec![0; 1024];
        let length = connection.read(&mut answer).await?;
        let answer = String::from_utf8_lossy(&answer[..length]);
        let (_, count) = answer.rsplit_once("\r\n").context("an answer")?;
        Ok(count.trim().parse()?)
    }
}

impl Drop for Stub {
    fn drop(&mut self) {
        let _ended = self.child.kill().and_then(|()| self.child.wait());
    }
}

/// Serves until the process is ended; the port is the first line of standard output. One thread and no runtime: it
/// shares the machine with what is measured, so it does no more than answer.
pub(super) fn serve() -> Result<()> {
    let listener = rustix::net::socket_with(
        AddressFamily::INET,
        SocketType::STREAM,
        SocketFlags::NONBLOCK,
        None,
    )?;
    rustix::net::bind(&listener, &SocketAddr::from(([0, 0, 0, 0], 0)))?;
    rustix::net::listen(&listener, 4096)?;
    let address: SocketAddr = rustix::net::getsockname(&listener)?.try_into()?;
    writeln!(std::io::stdout(), "{}", address.port())?;
    let poll = epoll::create(CreateFlags::empty())?;
    epoll::add(&poll, &listener, EventData::new_u64(u64::MAX), EventFlags::IN)?;
    let mut servers = Servers {
        pem: std::env::var(KEY)?,
        count: 0,
        asking: Vec::new(),
    };
    // Under the number of its file.
    let mut talks: Vec<Option<Talk>> = Vec::new();
    let (mut input, mut events) = (vec![0; 64 * 1024], Vec::with_capacity(256));
    loop {
        epoll::wait(&poll, spare_capacity(&mut events), None)?;
        for event in events.drain(..) {
            let number = event.data.u64() as usize;
            if let Some(place) = talks.get_mut(number) {
                if place
                    .as_mut()
                    .is_none_or(|talk| !talk.go_on(&mut servers, &mut input))
                {
                    *place = None;
                }
                continue;
            }
            while let Ok(socket) = rustix::net::accept_with(&listener, SocketFlags::NONBLOCK) {
                let number = socket.as_raw_fd() as usize;
                epoll::add(&poll, &socket, EventData::new_u64(number as u64), EventFlags::IN)?;
                talks.resize_with(talks.len().max(number + 1), || None);
                let held = Vec::new();
                talks[number] = Some(Talk { socket, held });
            }
        }
        servers.tell(&talks);
    }
}

/// All the servers, who are one.
struct Servers {
    pem: String,
    /// How many activities were delivered.
    count: u64,
    /// Who wants to know when that is how many, by the number of the file.
    asking: Vec<(usize, u64)>,
}

impl Servers {
    /// The answer to a request; `None` for who asks for a number that is not reached yet.
    fn answer(&mut self, head: &[u8], number: usize) -> Option<Vec<u8>> {
        if head.starts_with(b"POST ") {
            self.count += 1;
            return Some(TAKEN.to_vec());
        }
        let head = String::from_utf8_lossy(head);
        let path = head.split(' ').nth(1).unwrap_or("/");
        if let Some(wanted) = path.strip_prefix("/count/") {
            self.asking.push((number, wanted.parse().unwrap_or(0)));
            return None;
        }
        let host = field(&head, "host").unwrap_or_default();
        let document = actor(host, path, &self.pem).to_string();
        Some(found("application/activity+json", &document).into_bytes())
    }

    /// Tells those who asked for a number that is reached.
    fn tell(&mut self, talks: &[Option<Talk>]) {
        let count = self.count;
        self.asking.retain(|(number, wanted)| {
            if let Some(Some(talk)) = talks.get(*number)
                && *wanted <= count
            {
                let _gone = talk.say(found("text/plain", &count.to_string()).as_bytes());
            }
            *wanted > count
        });
    }
}

/// One connection.
struct Talk {
    socket: OwnedFd,
    /// The beginning of a request that is not whole yet.
    held: Vec<u8>,
}

impl Talk {
    /// Reads what has come and answers what is whole; false when the connection is over.
    fn go_on(&mut self, servers: &mut Servers, input: &mut [u8]) -> bool {
        let length = match rustix::net::recv(&self.socket, &mut *input, RecvFlags::empty()) {
            Ok((length, _)) if length > 0 => length,
            Ok(_) => return false,
            Err(error) => return error == Errno::AGAIN,
        };
        let number = self.socket.as_raw_fd() as usize;
        let mut held = std::mem::take(&mut self.held);
        let mut rest = if held.is_empty() {
            &input[..length]
        } else {
            held.extend_from_slice(&input[..length]);
            &held
        };
        while let Some((head, after)) = whole(rest) {
            if let Some(answer) = servers.answer(head, number)
                && !self.say(&answer)
            {
                return false;
            }
            rest = after;
        }
        self.held = rest.to_vec();
        true
    }

    fn say(&self, answer: &[u8]) -> bool {
        rustix::net::send(&self.socket, answer, SendFlags::NOSIGNAL).is_ok()
    }
}

/// The head of a request that is there with its whole body, and what comes after it.
fn whole(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = memmem::find(bytes, b"\r\n\r\n")?;
    let head = &bytes[..end];
    // As the program writes it, and any other way.
    let length = match memmem::find(head, b"\r\ncontent-length: ") {
        Some(at) => std::str::from_utf8(&head[at + 18..]).ok()?.lines().next(),
        None => std::str::from_utf8(head)
            .ok()
            .and_then(|head| field(head, "content-length")),
    };
    let length: usize = length.map_or(Some(0), |length| length.parse().ok())?;
    let rest = bytes.get(end + 4 + length..)?;
    Some((head, rest))
}

fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines()
        .filter_map(|line| line.split_once(": "))
        .find_map(|(known, value)| known.eq_ignore_ascii_case(name).then_some(value))
}

fn found(media_type: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: {media_type}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// The actor at a path of one of the servers.
pub(super) fn actor(host: &str, path: &str, pem: &str) -> serde_json::Value {
    let id = format!("http://{host}{path}");
    serde_json::json!({
        "@context": ["https://www.w3.org/ns/activitystreams", "https://w3id.org/security/v1"],
        "id": id,
        "type": "Person",
        "preferredUsername": path.trim_matches('/').replace('/', "_"),
        "inbox": format!("{id}/inbox"),
        "outbox": format!("{id}/outbox"),
        "endpoints": { "sharedInbox": format!("http://{host}/inbox") },
        "publicKey": { "id": format!("{id}#main-key"), "owner": id, "publicKeyPem": pem },
    })
}
