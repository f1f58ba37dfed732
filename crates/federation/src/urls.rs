//! Every address of ours, made in one place from the configured base URL, and the way back from an address to what it
//! names. No Host header ever takes part in it.

use crate::sign;
use shoal_store::{ActorKind, Id};
use url::Url;

/// The addresses of one server.
#[derive(Debug, Clone)]
pub struct Urls {
    base: Url,
    text: String,
    announces: Vec<String>,
}

impl Urls {
    /// From the public base URL; a path, a query or a trailing slash in it is dropped.
    pub fn new(base: &Url) -> Self {
        let mut base = base.clone();
        base.set_path("");
        base.set_query(None);
        base.set_fragment(None);
        let text = base.as_str().trim_end_matches('/').to_owned();
        let announces = vec![format!("{text}/announce")];
        Self {
            base,
            text,
            announces,
        }
    }

    /// With the addresses at which torrent clients are told to announce, instead of the one under the base URL.
    #[must_use]
    pub fn with_announces(self, announces: Vec<String>) -> Self {
        Self { announces, ..self }
    }

    /// The base URL without a trailing slash.
    pub fn base(&self) -> &str {
        &self.text
    }

    /// `host` or `host:port`, as it stands in handles and Host headers.
    pub fn authority(&self) -> String {
        sign::authority(&self.base)
    }

    /// Whether a URL is on our host, whatever its scheme and port.
    pub fn is_ours(&self, url: &Url) -> bool {
        let host = url.host_str().map(|host| host.trim_end_matches('.'));
        host == self.base.host_str() && (url.port() == self.base.port() || self.base.port().is_none())
    }

    /// An actor's id and page.
    pub fn actor(&self, kind: ActorKind, name: &str) -> String {
        match kind {
            ActorKind::Instance => format!("{}/actor", self.text),
            ActorKind::Account => format!("{}/accounts/{name}", self.text),
            ActorKind::Collection => format!("{}/collections/{name}", self.text),
        }
    }

    /// The actor that an id names, by kind and name; `None` for anything else.
    pub fn read_actor(&self, url: &Url) -> Option<(ActorKind, String)> {
        if !crate::policy::same_origin(url, &self.base) || url.query().is_some() || url.fragment().is_some() {
            return None;
        }
        let mut segments = url.path().trim_start_matches('/').split('/');
        let found = match (segments.next()?, segments.next()) {
            ("actor", None) => (ActorKind::Instance, String::new()),
            ("accounts", Some(name)) => (ActorKind::Account, name.to_owned()),
            ("collections", Some(name)) => (ActorKind::Collection, name.to_owned()),
            _ => return None,
        };
        segments.next().is_none().then_some(found)
    }

    /// The shared inbox.
    pub fn shared_inbox(&self) -> String {
        format!("{}/inbox", self.text)
    }

    /// A post.
    pub fn object(&self, id: Id) -> String {
        format!("{}/objects/{id}", self.text)
    }

    /// The record of a dataset or an upload, which has the same id as what it is about.
    pub fn record(&self, of: Id) -> String {
        self.object(of)
    }

    /// An activity.
    pub fn activity(&self, id: Id) -> String {
        format!("{}/activities/{id}", self.text)
    }

    /// An upload's page.
    pub fn upload(&self, id: Id) -> String {
        format!("{}/uploads/{id}", self.text)
    }

    /// An upload's `.torrent`, byte for byte as it was uploaded.
    pub fn torrent(&self, id: Id) -> String {
        format!("{}/api/v1/uploads/{id}/torrent", self.text)
    }

    /// A dataset's page.
    pub fn dataset(&self, slug: &str) -> String {
        format!("{}/datasets/{slug}", self.text)
    }

    /// A tag's page.
    pub fn tag(&self, tag: &str) -> String {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.clear().push("tags").push(tag);
        }
        url.into()
    }

    /// Where torrent clients are told to announce, the most usual address first.
    pub fn announces(&self) -> &[String] {
        &self.announces
    }
}

/// The id of an actor's RSA key.
pub fn main_key(actor: &str) -> String {
    format!("{actor}#main-key")
}

/// The id of an actor's Ed25519 key.
pub fn proof_key(actor: &str) -> String {
    format!("{actor}#ed25519-key")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_actor_is_found_by_its_id_and_by_nothing_else() {
        let urls = Urls::new(&Url::parse("https://a.example/").expect("a URL"));
        for kind in [ActorKind::Account, ActorKind::Collection] {
            let id = Url::parse(&urls.actor(kind, "tides")).expect("a URL");
            assert_eq!(urls.read_actor(&id), Some((kind, "tides".to_owned())));
        }
        for other in [
            "https://a.example/",
            "https://a.example/accounts",
            "https://a.example/accounts/x/inbox",
            "https://a.example/accounts/x?y",
            "http://a.example/accounts/x",
            "https://b.example/accounts/x",
            "https://a.example:8443/accounts/x",
        ] {
            assert_eq!(
                urls.read_actor(&Url::parse(other).expect("a URL")),
                None,
                "{other}"
            );
        }
    }

    #[test]
    fn our_host_is_ours_on_any_port_and_scheme() {
        let urls = Urls::new(&Url::parse("https://a.example/").expect("a URL"));
        for ours in [
            "https://a.example/x",
            "http://a.example/x",
            "https://a.example:8443/",
            "https://a.example./x",
        ] {
            assert!(urls.is_ours(&Url::parse(ours).expect("a URL")), "{ours}");
        }
        let with_port = Urls::new(&Url::parse("http://a.example:8080/").expect("a URL"));
        assert!(!with_port.is_ours(&Url::parse("http://a.example:8081/").expect("a URL")));
        assert_eq!(with_port.authority(), "a.example:8080");
    }

    #[test]
    fn a_tag_is_one_path_segment() {
        let urls = Urls::new(&Url::parse("https://a.example").expect("a URL"));
        assert_eq!(urls.tag("sea/ice"), "https://a.example/tags/sea%2Fice");
    }
}
