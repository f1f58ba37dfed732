//! Servers that misbehave on the wire: each a listener on loopback that takes connections and then hangs, drips, breaks
//! off or answers what it was told to. `foreign.rs` has the well-behaved one.

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, crypto::aws_lc_rs, pki_types::PrivateKeyDer},
};

/// What a server does with a request.
#[derive(Debug, Clone)]
pub(crate) enum Manner {
    /// Takes it and says nothing.
    Hang,
    /// Answers with one byte of its head every second.
    DripHead,
    /// Answers at once, then drips the body for ever.
    DripBody(u16),
    /// Breaks the connection off with a reset.
    Reset,
    /// Answers with this head and no body.
    Answer(&'static str),
    /// Speaks TLS with this certificate, and then takes everything.
    Tls(Arc<ServerConfig>),
}

/// A server that misbehaves.
pub(crate) struct Stub {
    pub(crate) address: SocketAddr,
    taken: Arc<AtomicUsize>,
}

impl Stub {
    pub(crate) async fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let taken = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&taken);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (manner, count) = (manner.clone(), Arc::clone(&count));
                tokio::spawn(async move {
                    // A client that gives up is what these servers are for.
                    let _ = serve(stream, manner, &count).await;
                });
            }
        });
        Self { address, taken }
    }

    /// How many requests it took.
    pub(crate) fn taken(&self) -> usize {
        self.taken.load(Ordering::SeqCst)
    }
}

async fn serve(mut stream: TcpStream, manner: Manner, count: &AtomicUsize) -> std::io::Result<()> {
    if let Manner::Tls(config) = manner {
        let mut stream = TlsAcceptor::from(config).accept(stream).await?;
        request(&mut stream).await?;
        count.fetch_add(1, Ordering::SeqCst);
        return stream
            .write_all(b"HTTP/1.1 202 X\r\ncontent-length: 0\r\n\r\n")
            .await;
    }
    request(&mut stream).await?;
    count.fetch_add(1, Ordering::SeqCst);
    match manner {
        Manner::Hang => std::future::pending().await,
        Manner::Reset => {
            stream.set_zero_linger()?;
            Ok(())
        }
        Manner::DripHead => {
            drip(
                &mut stream,
                "HTTP/1.1 202 X\r\nx-drip: ".to_owned() + &"a".repeat(10_000),
            )
            .await
        }
        Manner::DripBody(status) => {
            let head = format!("HTTP/1.1 {status} X\r\ncontent-length: 1000\r\n\r\n");
            stream.write_all(head.as_bytes()).await?;
            drip(&mut stream, "b".repeat(999)).await
        }
        Manner::Answer(head) => stream.write_all(format!("{head}\r\n\r\n").as_bytes()).await,
        Manner::Tls(_) => Ok(()),
    }
}

/// One byte a second: what such servers do is all that takes time here.
async fn drip(stream: &mut (impl AsyncWrite + Unpin), text: String) -> std::io::Result<()> {
    let mut second = tokio::time::interval(Duration::from_secs(1));
    for byte in text.bytes() {
        second.tick().await;
        stream.write_all(&[byte]).await?;
        stream.flush().await?;
    }
    Ok(())
}

/// Reads a request's head and as much of its body as comes with it.
async fn request(stream: &mut (impl AsyncRead + Unpin)) -> std::io::Result<()> {
    let mut read = Vec::new();
    while !read.windows(4).any(|window| window == b"\r\n\r\n") {
        let mut chunk = [0; 8192];
        match stream.read(&mut chunk).await? {
            0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            count => read.extend_from_slice(&chunk[..count]),
        }
    }
    Ok(())
}

/// A certificate authority of a test.
pub(crate) struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.self_signed(&key).expect("a certificate");
        Self {
            pem: certificate.pem(),
            issuer: Issuer::new(params, key),
        }
    }

    /// Its certificate, for those who trust it.
    pub(crate) fn pem(&self) -> Vec<u8> {
        self.pem.clone().into_bytes()
    }

    /// What a server of that name needs, with a certificate that ends with this year.
    pub(crate) fn server(&self, name: &str, last_year: i32) -> Manner {
        let mut params = CertificateParams::new(vec![name.to_owned()]).expect("a name");
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(last_year, 12, 31);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        let private = PrivateKeyDer::try_from(key.serialize_der()).expect("a private key");
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], private);
        Manner::Tls(Arc::new(config.expect("they fit")))
    }
}
