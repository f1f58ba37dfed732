//! draft-cavage-12, appendix C. Its key has 1024 bits, and its examples cover less than we ask for, so they go through the
//! reading and the arithmetic but not through the policy. C.3 as printed does not verify (its signature is over the string
//! without the times); the vectors carry it signed anew.

use super::{file, head, headers, text};
use crate::{
    time::parse_rfc3339,
    verify::{self, Refusal, cavage, key::PublicKey},
};
use http::HeaderValue;

#[test]
fn the_examples_of_the_draft_are_rebuilt_and_verify() {
    let Some(file) = file("cavage/draft-cavage-12_appendix_c.json") else {
        return;
    };
    let strong = PublicKey::from_pem(text(&file, "public_key_pem")).expect("a key");
    let key = PublicKey::from_pem(text(&file, "public_key_pem"))
        .expect("a key")
        .allow_1024_bits();
    let request = &file["request"];
    let mut seen = 0;
    for vector in file["vectors"].as_array().expect("vectors") {
        let id = text(vector, "id");
        let signature = text(vector, "recomputed_signature_pkcs1v15_sha256");
        let times = match (vector["created"].as_i64(), vector["expires"].as_i64()) {
            (Some(created), Some(expires)) => format!("created={created},expires={expires},"),
            _ => String::new(),
        };
        let list = text(vector, "headers_param");
        let header = format!("keyId=\"Test\",{times}headers=\"{list}\",signature=\"{signature}\"");
        let mut headers = headers(&request["headers"]);
        headers.insert("signature", HeaderValue::from_str(&header).expect("a header"));
        let head = head("POST", text(request, "target"), &headers, request);
        let statement = cavage::statement(&header, head).expect(id);
        assert_eq!(statement.texts, [text(vector, "signing_string")], "{id}");
        let claim = statement.into_claim();
        assert_eq!(claim.check(&key), Ok(()), "{id}");
        assert_eq!(
            claim.check(&strong),
            Err(Refusal::Signature),
            "1024 bits are too few outside this test"
        );
        let now = parse_rfc3339("2014-01-05T21:31:40Z").expect("a time");
        let refused = verify::read(head, "http://example.com", now).expect_err(id);
        let wanted = match id {
            "C.1" => Refusal::NotCovered("the method and the path"),
            "C.2" => Refusal::NotCovered("the digest"),
            // Its two times lie months apart.
            _ => Refusal::Clock("created"),
        };
        assert_eq!(refused, wanted, "{id}");
        seen += 1;
    }
    assert_eq!(seen, 3);
}
