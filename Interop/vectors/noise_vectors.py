"""Makes the handshake vectors of LibP2PCoreTests with software that is not ours.

Noise transcripts come from `noiseprotocol`, signatures and certificates from `cryptography`, both from PyPI.
Keys are fixed, so the Noise file is the same on every run; certificates differ in keys and signatures.

    pip install -r Interop/vectors/requirements-handshake.txt
    python Interop/vectors/noise_vectors.py Tests/LibP2PCoreTests/Fixtures
"""

import datetime
import hashlib
import json
import pathlib
import sys

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa, x25519
from noise.connection import Keypair, NoiseConnection

LIBP2P_OID = x509.ObjectIdentifier("1.3.6.1.4.1.53594.1.1")


def seed(label):
    """32 bytes that anybody can make again."""
    return hashlib.sha256(b"subnet handshake vector: " + label.encode()).digest()


def varint(value):
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def field(number, data):
    return varint(number << 3 | 2) + varint(len(data)) + data


def public_key(seed_bytes):
    raw = ed25519.Ed25519PrivateKey.from_private_bytes(seed_bytes).public_key().public_bytes_raw()
    return b"\x08\x01" + field(2, raw)


def payload(identity, static, muxers, extra=b""):
    static_public = x25519.X25519PrivateKey.from_private_bytes(static).public_key().public_bytes_raw()
    key = ed25519.Ed25519PrivateKey.from_private_bytes(identity)
    signature = key.sign(b"noise-libp2p-static-key:" + static_public)
    out = field(1, public_key(identity)) + field(2, signature)
    if muxers:
        out += field(4, b"".join(field(2, m.encode()) for m in muxers))
    return out + extra


def frame(message):
    return len(message).to_bytes(2, "big") + message


def noise_vector(name, dialer_muxers, listener_muxers, early, extra=b"", first_payload=b"", prologue=b""):
    keys = {
        role: {k: seed(f"{role} {k}") for k in ("identity", "static", "ephemeral")}
        for role in ("dialer", "listener")
    }
    sides = {}
    for role in keys:
        side = NoiseConnection.from_name(b"Noise_XX_25519_ChaChaPoly_SHA256")
        side.set_keypair_from_private_bytes(Keypair.STATIC, keys[role]["static"])
        side.set_keypair_from_private_bytes(Keypair.EPHEMERAL, keys[role]["ephemeral"])
        side.set_prologue(prologue)
        side.set_as_initiator() if role == "dialer" else side.set_as_responder()
        side.start_handshake()
        sides[role] = side
    payloads = [
        first_payload,
        payload(keys["listener"]["identity"], keys["listener"]["static"], listener_muxers, extra),
        payload(keys["dialer"]["identity"], keys["dialer"]["static"], dialer_muxers, extra),
    ]
    messages = []
    for index, data in enumerate(payloads):
        sender, receiver = ("dialer", "listener") if index % 2 == 0 else ("listener", "dialer")
        message = bytes(sides[sender].write_message(data))
        assert bytes(sides[receiver].read_message(message)) == data
        messages.append(message)
    transport = []
    for index in range(6):
        sender = "dialer" if index % 2 == 0 else "listener"
        plaintext = hashlib.sha512(bytes([index])).digest() * index or b"x"
        record = frame(bytes(sides[sender].encrypt(plaintext)))
        transport.append({"from": sender, "plaintext": plaintext.hex(), "record": record.hex()})
    return {
        "name": name,
        "prologue": prologue.hex(),
        "dialer": {k: v.hex() for k, v in keys["dialer"].items()},
        "listener": {k: v.hex() for k, v in keys["listener"].items()},
        "dialer_muxers": dialer_muxers,
        "listener_muxers": listener_muxers,
        "early_muxer": early,
        "ours": not extra and not first_payload,
        "payloads": [p.hex() for p in payloads],
        "messages": [frame(m).hex() for m in messages],
        "handshake_hash": sides["dialer"].get_handshake_hash().hex(),
        "transport": transport,
    }


def der(tag, content):
    length = len(content)
    head = bytes([length]) if length < 0x80 else b"\x82" + length.to_bytes(2, "big")
    return bytes([tag]) + head + content


def certificate(
    name,
    error,
    *,
    key=None,
    sign=None,
    identity="tls",
    extension=True,
    critical=False,
    others=(),
    before=-1,
    after=365,
    signed=None,
    value=None,
    algorithm=hashes.SHA256(),
):
    key = key or ec.generate_private_key(ec.SECP256R1())
    spki = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    host = ed25519.Ed25519PrivateKey.from_private_bytes(seed(identity))
    signature = host.sign(b"libp2p-tls-handshake:" + spki if signed is None else signed)
    content = (
        der(0x30, der(0x04, public_key(seed(identity))) + der(0x04, signature)) if value is None else value
    )
    now = datetime.datetime(2026, 11, 21, tzinfo=datetime.timezone.utc)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "vectors")])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(int.from_bytes(seed(name)[:8], "big"))
        .not_valid_before(now + datetime.timedelta(days=before))
        .not_valid_after(now + datetime.timedelta(days=after))
    )
    if extension:
        builder = builder.add_extension(x509.UnrecognizedExtension(LIBP2P_OID, content), critical=critical)
    for extension_value, is_critical in others:
        builder = builder.add_extension(extension_value, critical=is_critical)
    encoded = builder.sign(sign or key, algorithm).public_bytes(serialization.Encoding.DER)
    return {
        "name": name,
        "error": error,
        "certificate": encoded.hex(),
        "public_key": public_key(seed(identity)).hex(),
    }


def certificates():
    unknown = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.99999.7"), b"\x05\x00")
    usage = x509.KeyUsage(True, *([False] * 8))
    no_signature = x509.KeyUsage(False, False, True, *([False] * 6))
    constraints = x509.BasicConstraints(ca=False, path_length=None)
    other = ec.generate_private_key(ec.SECP256R1())
    small = der(0x30, der(0x04, public_key(seed("tls"))))
    longer = der(0x30, der(0x04, public_key(seed("tls"))) + der(0x04, b"\0" * 64) + der(0x04, b""))
    return {
        "unix_time": int(datetime.datetime(2026, 11, 21, tzinfo=datetime.timezone.utc).timestamp()),
        "certificates": [
            certificate("a P-256 certificate", None),
            certificate(
                "a P-384 certificate",
                None,
                key=ec.generate_private_key(ec.SECP384R1()),
                algorithm=hashes.SHA384(),
            ),
            certificate("an RSA-2048 certificate", None, key=rsa.generate_private_key(65537, 2048)),
            certificate(
                "an Ed25519 certificate", None, key=ed25519.Ed25519PrivateKey.generate(), algorithm=None
            ),
            certificate("a critical libp2p extension", None, critical=True),
            certificate("an unknown extension that is not critical", None, others=[(unknown, False)]),
            certificate(
                "critical key usage and basic constraints", None, others=[(usage, True), (constraints, True)]
            ),
            certificate("an unknown critical extension", "invalidCertificate", others=[(unknown, True)]),
            certificate("a key that must not sign", "invalidCertificate", others=[(no_signature, True)]),
            certificate("no libp2p extension", "missingField", extension=False),
            certificate("another key's self-signature", "invalidCertificate", sign=other),
            certificate(
                "an identity signature over other bytes", "invalidSignature", signed=b"libp2p-tls-handshake:"
            ),
            certificate("a signature without the prefix", "invalidSignature", signed=b""),
            certificate("an expired certificate", "certificateNotValidNow", before=-30, after=-1),
            certificate("a certificate of the future", "certificateNotValidNow", before=1),
            certificate("an empty extension", "invalidCertificate", value=b""),
            certificate("an extension without signature", "invalidCertificate", value=small),
            certificate("an extension with a third field", "invalidCertificate", value=longer),
        ],
    }


def main():
    folder = pathlib.Path(sys.argv[1])
    yamux, mplex = "/yamux/1.0.0", "/mplex/6.7.0"
    unknown = field(15, b"unknown") + varint(9 << 3) + varint(300)
    vectors = [
        noise_vector("both offer yamux", [yamux], [yamux], yamux),
        noise_vector("the dialer's preference counts", [yamux, mplex], [mplex, yamux], yamux),
        noise_vector("nobody offers a muxer, as py-libp2p", [], [], None),
        noise_vector("only the listener offers a muxer", [], [yamux], None),
        noise_vector("no muxer in common", [yamux], [mplex], None),
        noise_vector("unknown fields in the payload", [yamux], [yamux], yamux, extra=unknown),
        noise_vector("bytes in the first message", [yamux], [yamux], yamux, first_payload=b"early"),
        noise_vector("with a prologue", [yamux], [yamux], yamux, prologue=b"prologue"),
    ]
    (folder / "noise_libp2p.json").write_text(json.dumps({"vectors": vectors}, indent=1) + "\n")
    (folder / "tls_certificates.json").write_text(json.dumps(certificates(), indent=1) + "\n")


if __name__ == "__main__":
    main()
