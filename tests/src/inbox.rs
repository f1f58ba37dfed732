//! Stub servers that only receive: one address per host, one list of what each inbox got, in order of arrival.
//!
//! A gate holds every answer back until the test lets it through, so that a crash falls between two deliveries and
//! not after the last one.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use anyhow::Result;
use parking_lot::Mutex;
use serde_json::Value;
use tokio::sync::Semaphore;

use crate::instance;

/// What the inboxes got.
#[derive(Clone, Debug)]
pub struct Inboxes {
    got: Arc<Mutex<BTreeMap<String, Vec<Value>>>>,
    gate: Arc<Semaphore>,
    hosts: Vec<SocketAddr>,
    server: ServerHandle,
}

impl Inboxes {
    /// Opens so many hosts, each on a loopback address of its own, with the gate shut.
    ///
    /// # Errors
    /// When an address cannot be listened on.
    pub fn open(count: usize) -> Result<Self> {
        let got = Arc::new(Mutex::new(BTreeMap::new()));
        let gate = Arc::new(Semaphore::new(0));
        let shared = web::Data::new((Arc::clone(&got), Arc::clone(&gate)));
        let mut server = HttpServer::new(move || {
            App::new()
                .app_data(shared.clone())
                .app_data(web::PayloadConfig::new(1 << 20))
                .default_service(web::to(receive))
        })
        .workers(1)
        .disable_signals();
        let mut hosts = Vec::new();
        for _ in 0..count {
            let address: Ipv4Addr = instance::own_address();
            let listener = std::net::TcpListener::bind((address, 0))?;
            hosts.push(listener.local_addr()?);
            server = server.listen(listener)?;
        }
        let server = server.run();
        let handle = server.handle();
        tokio::spawn(server);
        Ok(Self {
            got,
            gate,
            hosts,
            server: handle,
        })
    }

    /// The addresses of the hosts.
    #[must_use]
    pub fn hosts(&self) -> &[SocketAddr] {
        &self.hosts
    }

    /// Lets so many more requests through; each of them is answered 202.
    pub fn let_through(&self, count: usize) {
        self.gate.add_permits(count);
    }

    /// How many more requests the gate would let through.
    #[must_use]
    pub fn still_free(&self) -> usize {
        self.gate.available_permits()
    }

    /// What each host got that was let through, in order of arrival.
    #[must_use]
    pub fn got(&self) -> BTreeMap<String, Vec<Value>> {
        self.got.lock().clone()
    }

    /// How many activities were let through in all.
    #[must_use]
    pub fn count(&self) -> usize {
        self.got.lock().values().map(Vec::len).sum()
    }
}

impl Drop for Inboxes {
    fn drop(&mut self) {
        self.gate.close();
        drop(self.server.stop(false));
    }
}

type Shared = (Arc<Mutex<BTreeMap<String, Vec<Value>>>>, Arc<Semaphore>);

async fn receive(request: HttpRequest, body: web::Bytes, shared: web::Data<Shared>) -> HttpResponse {
    let (got, gate) = shared.get_ref();
    match gate.acquire().await {
        Ok(permit) => permit.forget(),
        Err(_) => return HttpResponse::ServiceUnavailable().finish(),
    }
    let host = request.connection_info().host().to_owned();
    match serde_json::from_slice(&body) {
        Ok(activity) => {
            got.lock().entry(host).or_default().push(activity);
            HttpResponse::Accepted().finish()
        }
        Err(_) => HttpResponse::BadRequest().finish(),
    }
}
