"""The few bytes that the interop peers need without any dependency.

Varints, protobuf fields, base58, the multiaddresses that a TCP peer prints, the two messages of
TaskProtocol, and the JSON lines over which a test commands a peer. Everything here is written from
the public specifications; the py-libp2p peer deliberately uses that library's own codecs instead
wherever it has one, so that the two peers do not share a mistake.
"""

import base64
import contextlib
import hashlib
import json
import os
import socket
import threading
import time

FRAME_BYTES_MAX = 64 << 20
CHUNK_BYTES = 60 * 1024  # the template writes bodies in slices of 60 KiB
BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"

TASK_PROTOCOL = "/subnet/task_protocol/1.0.0"
IDENTIFY_PROTOCOL = "/ipfs/id/1.0.0"
PING_PROTOCOL = "/ipfs/ping/1.0.0"


# --- varint and protobuf -------------------------------------------------------------------------


def varint(value):
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def read_varint(data, offset=0):
    """(value, offset behind it); raises ValueError when the bytes end inside it or it is longer than 10."""
    value = 0
    for index in range(10):
        if offset + index >= len(data):
            raise ValueError("varint is cut off")
        byte = data[offset + index]
        value |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            return value, offset + index + 1
    raise ValueError("varint is longer than 10 bytes")


def field(number, value):
    """One protobuf field: an int or bool as varint, bytes or text length-delimited."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    if isinstance(value, str):
        value = value.encode()
    return varint(number << 3 | 2) + varint(len(value)) + bytes(value)


def fields(data):
    """[(number, value)] of a protobuf message; groups are refused."""
    out, offset = [], 0
    while offset < len(data):
        tag, offset = read_varint(data, offset)
        kind = tag & 7
        if kind == 0:
            value, offset = read_varint(data, offset)
        elif kind in (1, 2, 5):
            size = {1: 8, 5: 4}.get(kind)
            if size is None:
                size, offset = read_varint(data, offset)
            if offset + size > len(data):
                raise ValueError("field runs over the end of the message")
            value, offset = data[offset : offset + size], offset + size
        else:
            raise ValueError(f"wire type {kind}")
        out.append((tag >> 3, value))
    return out


def first(message, number, default):
    for key, value in message:
        if key == number:
            return value
    return default


def every(message, number):
    return [value for key, value in message if key == number]


def task_request(task_id, payload):
    return (field(1, task_id) if task_id else b"") + (field(2, payload) if payload else b"")


def task_response(accepted, result=b"", error=""):
    return (
        (field(1, 1) if accepted else b"")
        + (field(2, result) if result else b"")
        + (field(3, error) if error else b"")
    )


def parse_task_request(data):
    message = fields(data)
    return first(message, 1, b"").decode(), first(message, 2, b"")


def parse_task_response(data):
    message = fields(data)
    return bool(first(message, 1, 0)), first(message, 2, b""), first(message, 3, b"").decode()


# --- base58 and multiaddresses -------------------------------------------------------------------


def base58_encode(data):
    number, text = int.from_bytes(data, "big"), ""
    while number:
        number, digit = divmod(number, 58)
        text = BASE58[digit] + text
    return "1" * (len(data) - len(data.lstrip(b"\0"))) + text


def base58_decode(text):
    number = 0
    for character in text:
        number = number * 58 + BASE58.index(character)
    body = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return b"\0" * (len(text) - len(text.lstrip("1"))) + body


def multiaddr_encode(text):
    """/ip4|ip6|tcp|unix|p2p only: what a peer on loopback has."""
    parts, out = text.strip("/").split("/"), b""
    while parts:
        name = parts.pop(0)
        if name == "unix":
            path = ("/" + "/".join(parts)).encode()
            return out + varint(400) + varint(len(path)) + path
        value = parts.pop(0)
        if name == "ip4":
            out += varint(4) + socket.inet_pton(socket.AF_INET, value)
        elif name == "ip6":
            out += varint(41) + socket.inet_pton(socket.AF_INET6, value)
        elif name == "tcp":
            out += varint(6) + int(value).to_bytes(2, "big")
        elif name in ("p2p", "ipfs"):
            peer = base58_decode(value)
            out += varint(421) + varint(len(peer)) + peer
        else:
            raise ValueError(f"unsupported protocol in a multiaddress: {name}")
    return out


def multiaddr_decode(data):
    text, offset = "", 0
    while offset < len(data):
        code, offset = read_varint(data, offset)
        if code == 4:
            text += "/ip4/" + socket.inet_ntop(socket.AF_INET, data[offset : offset + 4])
            offset += 4
        elif code == 41:
            text += "/ip6/" + socket.inet_ntop(socket.AF_INET6, data[offset : offset + 16])
            offset += 16
        elif code in (6, 273):
            name = "tcp" if code == 6 else "udp"
            text += f"/{name}/" + str(int.from_bytes(data[offset : offset + 2], "big"))
            offset += 2
        elif code in (400, 421):
            size, offset = read_varint(data, offset)
            value = data[offset : offset + size]
            text += "/p2p/" + base58_encode(value) if code == 421 else "/unix" + value.decode()
            offset += size
        else:
            return text + f"/unknown-{code}"
    return text


def split_address(text):
    """("/ip4/../tcp/..", peer id text)"""
    text = text.rstrip("/").replace("/ipfs/", "/p2p/")
    if "/p2p/" not in text:
        raise ValueError(f"{text} names no peer: /p2p/ID is missing")
    transport, peer = text.rsplit("/p2p/", 1)
    return transport, peer


# --- identify ------------------------------------------------------------------------------------


def describe_identify(data):
    """The Identify message as JSON; the signed record is taken apart, its signature is not checked here."""
    message = fields(data)
    record = first(message, 8, b"")
    described = {
        "protocol_version": first(message, 5, b"").decode(),
        "agent_version": first(message, 6, b"").decode(),
        "public_key_hex": first(message, 1, b"").hex(),
        "listen_addrs": [multiaddr_decode(address) for address in every(message, 2)],
        "observed_addr": multiaddr_decode(first(message, 4, b"")),
        "protocols": [name.decode() for name in every(message, 3)],
        "signed_peer_record": None,
    }
    if record:
        envelope = fields(record)
        payload = fields(first(envelope, 3, b""))
        described["signed_peer_record"] = {
            "public_key_hex": first(envelope, 1, b"").hex(),
            "payload_type_hex": first(envelope, 2, b"").hex(),
            "signature_bytes": len(first(envelope, 5, b"")),
            "peer_id": base58_encode(first(payload, 1, b"")),
            "sequence": first(payload, 2, 0),
            "addrs": [multiaddr_decode(first(fields(item), 1, b"")) for item in every(payload, 3)],
        }
    return described


# --- what a peer says and how it is commanded ----------------------------------------------------


class Lines:
    """JSON lines: commands in on stdin, events out on what was stdout; stray prints go to stderr."""

    def __init__(self):
        self._out = os.fdopen(os.dup(1), "w", buffering=1, encoding="utf-8")
        os.dup2(2, 1)
        self._lock = threading.Lock()

    def say(self, event, **values):
        line = json.dumps({"event": event, **values}, separators=(",", ":"))
        with self._lock, contextlib.suppress(BrokenPipeError):  # the test may be gone already
            self._out.write(line + "\n")
            self._out.flush()

    def result(self, command, values):
        self.say("result", id=command.get("id"), command=command.get("command"), ok=True, **values)

    def failure(self, command, error):
        while len(getattr(error, "exceptions", ())) == 1:  # a trio nursery wraps what its task raised
            error = error.exceptions[0]
        self.say(
            "result",
            id=command.get("id"),
            command=command.get("command"),
            ok=False,
            error={"kind": type(error).__name__, "message": str(error)[:500]},
        )


def payload_of(command):
    """`payload_b64`, `payload` (text) or `size` bytes of a fixed pattern that upper() changes."""
    if "payload_b64" in command:
        return base64.b64decode(command["payload_b64"])
    if "payload" in command:
        return command["payload"].encode()
    size = int(command.get("size", 0))
    pattern = bytes(range(251))
    return (pattern * (size // 251 + 1))[:size]


def percentile_ms(latencies, share):
    """The given share of sorted seconds, in milliseconds; None of none."""
    if not latencies:
        return None
    return round(latencies[min(len(latencies) - 1, int(len(latencies) * share))] * 1000, 4)


def summary(latencies, seconds, failures, last):
    """What `task_call` reports: counts, rate, latency percentiles in milliseconds, the last answer."""
    latencies = sorted(latencies)
    errors = {}
    for error in failures:
        errors[error] = errors.get(error, 0) + 1
    values = {
        "completed": len(latencies),
        "failed": len(failures),
        "errors": errors,
        "seconds": round(seconds, 6),
        "per_second": round(len(latencies) / seconds, 3) if seconds > 0 else 0,
        "p50_ms": percentile_ms(latencies, 0.50),
        "p99_ms": percentile_ms(latencies, 0.99),
    }
    if last is not None:
        accepted, result, error = last
        values |= {
            "accepted": accepted,
            "error_text": error,
            "result_bytes": len(result),
            "result_sha256": hashlib.sha256(result).hexdigest(),
        }
        if len(result) <= 4096:
            values["result_b64"] = base64.b64encode(result).decode()
    return values


def run_task(task_id, payload):
    """The seed's task (`payload.upper()`) and the few ids by which a test asks for trouble.

    echo: the payload as it came. reject: an answer that says no. fail: the handler raises, so the
    stream closes without a byte. (`slow` and `sleep:SECONDS` are waited out by the caller of this.)
    """
    if task_id == "fail":
        raise RuntimeError("the task failed on purpose")
    if task_id == "reject":
        return False, b"", "rejected on purpose"
    if task_id == "echo":
        return True, payload, ""
    return True, payload.upper(), ""


def sleep_of(task_id):
    """Seconds that a task waits before it answers: None for none, an hour for `slow`."""
    if task_id == "slow":
        return 3600.0
    if task_id.startswith("sleep:"):
        return float(task_id.split(":", 1)[1])
    return None


def now():
    return time.perf_counter()


def round_result(latencies, size, messages, seconds):
    """What a benchmark round reports: messages (calls or items), their rate, MiB/s one way, percentiles."""
    latencies = sorted(latencies)
    return {
        "messages": messages,
        "seconds": round(seconds, 6),
        "per_second": round(messages / seconds, 3),
        "mib_per_second": round(messages * size / seconds / (1 << 20), 3),
        "p50_ms": percentile_ms(latencies, 0.50),
        "p99_ms": percentile_ms(latencies, 0.99),
    }
