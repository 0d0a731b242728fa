#!/usr/bin/env python3
"""Makes the vectors of MultiformatsTests and LibP2PIdentityTests with independent implementations from PyPI.

    python3 -m venv venv && venv/bin/pip install -r Interop/vectors/requirements-identity.txt
    venv/bin/python Interop/vectors/identity_vectors.py            # writes the fixtures
    venv/bin/python Interop/vectors/identity_vectors.py --check    # compares; exit 1 on a difference

Every run gives the same bytes: keys come from fixed seeds, signatures are deterministic. All keys are public
test keys. The RSA key is the one that the libp2p peer-id specification prints.
"""

import argparse
import hashlib
import json
import pathlib
import sys

import base58
import coincurve
import multiaddr
import multibase
import multihash
import varint
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding
from libp2p.crypto import ed25519 as p2p_ed25519
from libp2p.crypto import rsa as p2p_rsa
from libp2p.crypto import secp256k1 as p2p_secp256k1
from libp2p.peer.envelope import seal_record
from libp2p.peer.id import ID
from libp2p.peer.peer_record import PeerRecord

ROOT = pathlib.Path(__file__).resolve().parents[2]
DER = serialization.Encoding.DER
MESSAGES = [b"", b"libp2p", bytes(range(256)) * 4]
ADDRESSES = [
    "/ip4/127.0.0.1/tcp/4001",
    "/ip4/0.0.0.0/tcp/0",
    "/ip4/255.255.255.255/udp/65535",
    "/ip4/192.0.2.42/udp/443/quic-v1",
    "/ip4/192.0.2.42/tcp/443/tls/ws",
    "/ip4/192.0.2.42/tcp/443/wss",
    "/ip4/192.0.2.42/tcp/80/ws",
    "/ip4/192.0.2.42/tcp/443/tls/sni/example.org/ws",
    "/ip4/192.0.2.42/tcp/80/http",
    "/ip4/192.0.2.42/tcp/80/noise",
    "/ip6/::1/tcp/4001",
    "/ip6/::/tcp/0",
    "/ip6/2001:db8::1:0:0:1/tcp/80",
    "/ip6/2001:db8:1:2:3:4:5:6/udp/9",
    "/ip6/1::/tcp/1",
    "/ip6/::ffff:192.0.2.1/tcp/80",
    "/ip6zone/eth0/ip6/fe80::1/tcp/80",
    "/dns/example.org/tcp/80",
    "/dns4/example.org/tcp/80",
    "/dns6/example.org/tcp/80",
    "/dnsaddr/bootstrap.libp2p.io",
    "/dnsaddr/bootstrap.libp2p.io/p2p/QmNnooDu7bfjPFoTZYxMNLWUQJyrVwtbZg5gBMjTezGAJN",
    "/unix/run/subnet/socket",
    "/p2p/12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA",
    "/ip4/127.0.0.1/tcp/4001/p2p/QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N",
    "/ip4/127.0.0.1/tcp/4001/p2p/QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N/p2p-circuit"
    "/p2p/12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA",
    "/p2p/QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N/p2p-circuit",
]


def seed(label: str, count: int = 32) -> bytes:
    """Bytes that depend on the label only."""
    return hashlib.shake_256(label.encode()).digest(count)


def message(key_type: int, data: bytes) -> bytes:
    """The protobuf around a key."""
    return b"\x08" + bytes([key_type]) + b"\x12" + varint.encode(len(data)) + data


def spec_rsa_der() -> bytes:
    """The RSA private key that the specification prints, out of its own fixture file."""
    path = ROOT / "Tests/LibP2PIdentityTests/Fixtures/peer-ids-spec.json"
    for key in json.loads(path.read_text())["keys"]:
        if key["name"] == "rsa":
            return bytes.fromhex(key["private"])[5:]
    raise SystemExit(f"no RSA key in {path}")


def multiformats() -> dict:
    numbers = [0, 1, 127, 128, 255, 300, 16383, 16384, 2**31, 2**32, 2**56 - 1, 2**56, 2**63 - 1]
    payloads = [b"", b"\0", b"\0\0\1", b"f", b"fo", b"foo", b"foob", b"yes mani !", bytes(range(256)), b"\xff" * 38]
    bases = ["base16", "base32", "base36", "base58btc", "base64", "base64url"]
    return {
        "varints": [{"value": str(n), "hex": varint.encode(n).hex()} for n in numbers],
        "base58": [{"hex": p.hex(), "text": base58.b58encode(p).decode()} for p in payloads],
        "multibase": [
            {"base": base, "hex": p.hex(), "text": multibase.encode(base, p).decode()}
            for base in bases
            for p in payloads
            # In these two bases the package loses leading zeros, which the specification keeps.
            if not (base in ("base36", "base58btc") and p[:1] in (b"", b"\0"))
        ],
        "multihash": [
            {"code": code, "digest": d.hex(), "hex": bytes(multihash.encode(d, code)).hex()}
            for code, d in [
                (0x00, seed("identity", 36)),
                (0x11, hashlib.sha1(b"a").digest()),
                (0x12, hashlib.sha256(b"a").digest()),
                (0x13, hashlib.sha512(b"a").digest()),
            ]
        ],
    }


def key_entry(name, key_type, private, public, signatures) -> dict:
    public_message = message(key_type, public)
    if len(public_message) <= 42:
        digest = b"\x00" + bytes([len(public_message)]) + public_message
    else:
        digest = b"\x12\x20" + hashlib.sha256(public_message).digest()
    cid = b"\x01\x72" + digest
    return {
        "name": name,
        "type": key_type,
        "private": message(key_type, private).hex(),
        "public": public_message.hex(),
        "peer_id_bytes": digest.hex(),
        "peer_id": base58.b58encode(digest).decode(),
        "peer_id_cid": multibase.encode("base32", cid).decode(),
        "peer_id_cid_base36": multibase.encode("base36", cid).decode(),
        "signatures": [{"message": m.hex(), "signature": s.hex()} for m, s in zip(MESSAGES, signatures)],
    }


def keys() -> list:
    entries = []
    for label in ["a", "b"]:
        secret = seed(f"ed25519 {label}")
        key = ed25519.Ed25519PrivateKey.from_private_bytes(secret)
        public = key.public_key().public_bytes_raw()
        signatures = [key.sign(m) for m in MESSAGES]
        entries.append(key_entry(f"ed25519 {label} py", 1, secret, public, signatures))
        entries.append(key_entry(f"ed25519 {label} go", 1, secret + public, public, signatures))
        entries.append(key_entry(f"ed25519 {label} old", 1, secret + public + public, public, signatures))

        secret = seed(f"secp256k1 {label}")
        koblitz = coincurve.PrivateKey(secret)
        signatures = [koblitz.sign(m) for m in MESSAGES]
        entries.append(key_entry(f"secp256k1 {label}", 2, secret, koblitz.public_key.format(), signatures))

        nist = ec.derive_private_key(int.from_bytes(seed(f"p256 {label}")), ec.SECP256R1())
        algorithm = ec.ECDSA(hashes.SHA256(), deterministic_signing=True)
        public = nist.public_key().public_bytes(DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        signatures = [nist.sign(m, algorithm) for m in MESSAGES]
        for form, name in [
            (serialization.PrivateFormat.TraditionalOpenSSL, "sec1"),
            (serialization.PrivateFormat.PKCS8, "pkcs8"),
        ]:
            private = nist.private_bytes(DER, form, serialization.NoEncryption())
            entries.append(key_entry(f"ecdsa {label} {name}", 3, private, public, signatures))

    rsa = serialization.load_der_private_key(spec_rsa_der(), None)
    public = rsa.public_key().public_bytes(DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    signatures = [rsa.sign(m, padding.PKCS1v15(), hashes.SHA256()) for m in MESSAGES]
    for form, name in [
        (serialization.PrivateFormat.TraditionalOpenSSL, "pkcs1"),
        (serialization.PrivateFormat.PKCS8, "pkcs8"),
    ]:
        private = rsa.private_bytes(DER, form, serialization.NoEncryption())
        entries.append(key_entry(f"rsa4096 {name}", 0, private, public, signatures))
    return entries


def addresses() -> list:
    return [{"text": str(multiaddr.Multiaddr(t)), "hex": multiaddr.Multiaddr(t).to_bytes().hex()} for t in ADDRESSES]


def records() -> list:
    """Peer records that py-libp2p signs."""
    pairs = [
        ("ed25519", p2p_ed25519.create_new_key_pair(seed("record ed25519"))),
        ("secp256k1", p2p_secp256k1.create_new_key_pair(seed("record secp256k1"))),
    ]
    rsa = p2p_rsa.RSAPrivateKey.from_bytes(spec_rsa_der())
    entries = []
    for name, private, public in [(n, p.private_key, p.public_key) for n, p in pairs] + [
        ("rsa", rsa, rsa.get_public_key())
    ]:
        peer = ID.from_pubkey(public)
        for sequence, count in [(1, 0), (1570215229, 2), (2**64 - 1, 5)]:
            chosen = ADDRESSES[:count]
            record = PeerRecord(peer, [multiaddr.Multiaddr(a) for a in chosen], sequence)
            envelope = seal_record(record, private)
            entries.append(
                {
                    "name": f"{name} {count}",
                    "private": message(private.get_type().value, private.to_bytes()).hex(),
                    "peer_id": peer.to_base58(),
                    "sequence": str(sequence),
                    "addresses": chosen,
                    "payload": record.marshal_record().hex(),
                    "envelope": envelope.marshal_envelope().hex(),
                }
            )
    return entries


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare with the committed fixtures, write nothing")
    check = parser.parse_args().check
    fixtures = {
        "MultiformatsTests/Fixtures/multiformats.json": multiformats(),
        "LibP2PIdentityTests/Fixtures/identity-vectors.json": {
            "warning": "public test keys",
            "keys": keys(),
            "addresses": addresses(),
            "records": records(),
        },
    }
    different = False
    for name, value in fixtures.items():
        path = ROOT / "Tests" / name
        text = json.dumps(value, indent=1) + "\n"
        if check:
            same = path.exists() and path.read_text() == text
            print(f"{'same' if same else 'DIFFERENT'}: {path.relative_to(ROOT)}")
            different = different or not same
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            print(f"wrote {path.relative_to(ROOT)}")
    sys.exit(1 if different else 0)


if __name__ == "__main__":
    main()
