"""Proofs inside documents (FEP-8b32), made and checked with apsig.

Orders on standard input, one JSON object a line:
  {"verify": document, "key": multibase}   -> {"verified": key id or null}
  {"sign": document, "key_id": key id}     -> {"signed": document, "key": multibase}

Usage: proofs.py
"""

import json
import sys

from apsig.proof import ProofSigner, ProofVerifier
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519
from multiformats import multibase, multicodec

KEY = ed25519.Ed25519PrivateKey.generate()
PUBLIC = KEY.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
MULTIBASE = multibase.encode(multicodec.wrap("ed25519-pub", PUBLIC), "base58btc")


def verify(document, key):
    try:
        return {"verified": ProofVerifier(key).verify_proof(document, raise_on_fail=True)}
    except Exception as reason:  # whatever apsig raises, it does not believe the document
        return {"verified": None, "why": repr(reason)}


def sign(document, key_id):
    options = {
        "type": "DataIntegrityProof",
        "cryptosuite": "eddsa-jcs-2022",
        "verificationMethod": key_id,
        "proofPurpose": "assertionMethod",
        "created": "2026-01-01T00:00:00Z",
    }
    return {"signed": ProofSigner(KEY).sign(document, options), "key": MULTIBASE}


for line in sys.stdin:
    order = json.loads(line)
    if "verify" in order:
        answer = verify(order["verify"], order["key"])
    else:
        answer = sign(order["sign"], order["key_id"])
    print(json.dumps(answer), flush=True)
