"""A server of the fediverse that signs and verifies with apsig, in both schemes, with two people on it: `reader`, and
`strict`, whose addresses believe only RFC 9421 and answer 401 to everything else.

Orders on standard input, one JSON object a line:
  {"post": URL, "by": name, "scheme": "cavage" | "rfc9421" | "bare", "activity": {...}}  -> {"posted": scheme, "status"}
where "bare" is RFC 9421 with what apsig covers when it is told nothing, which leaves the body out.
Prints {"ready": base URL}, the answers above, and for each request that came in
  {"came": method, "path", "scheme", "signed_by": key id or null, "why": what apsig said, "type": of the activity}.

Usage: signatures.py HOST PORT
"""

import base64
import hashlib
import http.client
import json
import sys
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import urlsplit

from apsig.draft import Signer, Verifier
from apsig.rfc9421 import RFC9421Signer, RFC9421Verifier
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

HOST, PORT = sys.argv[1], int(sys.argv[2])
AUTHORITY = f"{HOST}:{PORT}"
BASE = f"http://{AUTHORITY}"
KIND = "application/activity+json"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM = KEY.public_key().public_bytes(
    serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
)


def say(**value):
    print(json.dumps(value), flush=True)


def actor(name):
    me = f"{BASE}/users/{name}"
    return {
        "@context": ["https://www.w3.org/ns/activitystreams", "https://w3id.org/security/v1"],
        "id": me,
        "type": "Person",
        "preferredUsername": name,
        "inbox": f"{me}/inbox",
        "publicKey": {"id": f"{me}#main-key", "owner": me, "publicKeyPem": PEM.decode()},
    }


def content_digest(body):
    return f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"


def key_of(key_id):
    """The public key that the actor behind a key id shows to everyone."""
    request = urllib.request.Request(key_id.split("#")[0], headers={"Accept": KIND})
    with urllib.request.urlopen(request, timeout=20) as answer:
        key = json.load(answer)["publicKey"]
    if key["id"] != key_id:
        raise ValueError(f"the actor lists {key['id']}, not {key_id}")
    return serialization.load_pem_public_key(key["publicKeyPem"].encode())


def signer_of(scheme, headers, method, path, body):
    """The key id that apsig finds to have signed a request; raises where it finds none."""
    if scheme == "cavage":
        key_id = headers["signature"].split('keyId="')[1].split('"')[0]
        url = f"{BASE}{path}"
        return Verifier(key_of(key_id), method, url, headers, body).verify(raise_on_fail=True)
    key_id = headers["signature-input"].split('keyid="')[1].split('"')[0]
    if body and headers["content-digest"] != content_digest(body):
        raise ValueError("the digest does not match")
    # apsig does not make this component itself and looks for it among the headers.
    seen = {**headers, "@target-uri": f"{BASE}{path}"}
    verifier = RFC9421Verifier(key_of(key_id), method, path, headers["host"], seen)
    return verifier.verify(raise_on_fail=True)


def sign(scheme, url, key_id, body):
    """The headers of a signed POST."""
    if scheme == "cavage":
        return Signer({"content-type": KIND}, KEY, "POST", url, key_id, body).sign()
    target = urlsplit(url)
    signer = RFC9421Signer(KEY, key_id)
    headers = {"content-type": KIND, "content-digest": content_digest(body)}
    if scheme == "rfc9421":
        signer.sign_headers = ["@method", "@path", "@authority", "date", "content-digest"]
    signed = signer.sign("POST", target.path, target.netloc, headers, body)
    # apsig writes a digest of its own into the header, in the form that goes with the other scheme.
    return {**signed, "content-digest": content_digest(body)}


class Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status, value=None):
        body = b"" if value is None else json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-type", KIND)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def take(self, method):
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(headers.get("content-length", "0")))
        scheme = "rfc9421" if "signature-input" in headers else "cavage"
        signed_by, why = None, "verified"
        try:
            signed_by = signer_of(scheme, headers, method, self.path, body)
        except Exception as error:
            why = repr(error)
        kind = json.loads(body)["type"] if body else None
        say(came=method, path=self.path, scheme=scheme, signed_by=signed_by, why=why, type=kind)
        return signed_by is not None and (scheme == "rfc9421" or "strict" not in self.path)

    def do_GET(self):
        believed = self.take("GET")
        name = self.path.rpartition("/")[2]
        self.answer(200, actor(name)) if believed else self.answer(401)

    def do_POST(self):
        self.answer(202 if self.take("POST") else 401)

    def log_message(self, *_):
        pass


def post(order):
    body = json.dumps(order["activity"]).encode()
    key_id = f"{BASE}/users/{order['by']}#main-key"
    headers = sign(order["scheme"], order["post"], key_id, body)
    target = urlsplit(order["post"])
    connection = http.client.HTTPConnection(target.netloc, timeout=30)
    connection.request("POST", target.path, body, headers)
    answer = connection.getresponse()
    say(posted=order["scheme"], status=answer.status, text=answer.read().decode())


server = ThreadingHTTPServer((HOST, PORT), Answers)
Thread(target=server.serve_forever, daemon=True).start()
say(ready=BASE)
for line in sys.stdin:
    try:
        post(json.loads(line))
    except Exception as error:
        say(error=repr(error))
