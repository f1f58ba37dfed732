//! Two requests that other programs really sent.

use super::{file, head, headers, text};
use crate::{
    time::parse_rfc3339,
    verify::{self, Head, Refusal, key::PublicKey, window},
};

#[test]
fn requests_captured_from_real_servers_verify() {
    let Some(file) = file("captured_http_signatures.json") else {
        return;
    };
    let vectors = file["vectors"].as_array().expect("vectors");
    assert_eq!(vectors.len(), 2);
    for vector in vectors {
        let id = text(vector, "id");
        let url = url::Url::parse(text(vector, "url")).expect("a URL");
        let base = url.origin().ascii_serialization();
        let pem = vector["actor"]["publicKey"]["publicKeyPem"].as_str();
        let pem = pem
            .or_else(|| vector["key"]["publicKeyPem"].as_str())
            .expect("a key");
        let headers = headers(&vector["headers"]);
        let head = head(text(vector, "method"), url.path(), &headers, vector);
        let now = parse_rfc3339(text(vector, "clock")).expect("a time");
        let claims = verify::read(head, &base, now).expect(id);
        let key = PublicKey::from_pem(pem).expect("a key");
        assert_eq!(claims[0].check(&key), Ok(()), "{id}");
        let late = now + window::OLDEST + 1_000;
        assert!(
            matches!(verify::read(head, &base, late), Err(Refusal::Clock(_))),
            "{id}"
        );
        let changed = format!("{} ", text(vector, "body"));
        let head = Head {
            body: changed.as_bytes(),
            ..head
        };
        let refused = verify::read(head, &base, now).expect_err(id);
        assert_eq!(refused, Refusal::Digest, "{id}");
    }
}
