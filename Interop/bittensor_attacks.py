#!/usr/bin/env python3
"""Tries the known attacks on the synapse protocol against real axons and prints which succeed, as a table.

    bittensor_attacks.py [--subnet .build/debug/subnet] [--out FILE]

The first column is the unmodified Axon of the Bittensor SDK of this Python; with --subnet the next ones are this
project's axon in its two modes. "succeeds" means that the attacker got what he wanted, and the last column says how
that was seen. Runs on loopback alone, with keys made for it.
"""

import argparse
import base64
import contextlib
import hashlib
import http.client
import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from importlib.metadata import version

import bittensor_wallet

AXON_MNEMONIC = "legal winner thank year wave sausage worth useful legal winner thank yellow"
CALLER_MNEMONIC = "letter advice cage absurd amount doctor acoustic avoid letter advice cage above"
EMPTY_HASH = hashlib.sha3_256(b"").hexdigest()
SECOND = 1_000_000_000

caller = bittensor_wallet.Keypair.create_from_mnemonic(CALLER_MNEMONIC)
receiver = bittensor_wallet.Keypair.create_from_mnemonic(AXON_MNEMONIC)
stranger = bittensor_wallet.Keypair.create_from_uri("//Mallory")


# --- requests ------------------------------------------------------------------------------------


class Request:
    """A signed echo, as the SDK's client makes it; what an attack changes comes after signing."""

    def __init__(self, message="hello", age=0.0, key=caller):
        self.path, self.nonce, self.uuid = "/Echo", time.time_ns() - int(age * SECOND), str(uuid.uuid1())
        text = f"{self.nonce}.{key.ss58_address}.{receiver.ss58_address}.{self.uuid}.{EMPTY_HASH}"
        self.headers = {
            "name": "Echo",
            "timeout": "12.0",
            "bt_header_axon_ip": "127.0.0.1",
            "bt_header_axon_hotkey": receiver.ss58_address,
            "bt_header_dendrite_version": "10005000",
            "bt_header_dendrite_nonce": str(self.nonce),
            "bt_header_dendrite_uuid": self.uuid,
            "bt_header_dendrite_hotkey": key.ss58_address,
            "bt_header_dendrite_signature": "0x" + key.sign(text).hex(),
            "bt_header_input_obj_message": base64.b64encode(b'""').decode(),
            "computed_body_hash": EMPTY_HASH,
            "Content-Type": "application/json",
        }
        self.body = {"message": message}

    def send(self, port):
        """(status, what the reply says)"""
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            connection.request("POST", self.path, json.dumps(self.body), self.headers)
            answer = connection.getresponse()
            text = answer.read(1 << 20).decode("utf-8", "replace")
            try:
                return answer.status, json.loads(text)
            except ValueError:
                return answer.status, {"text": text}
        finally:
            connection.close()


# --- attacks: each returns (succeeded, what was seen) ---------------------------------------------


def unsigned(axon):
    request = Request()
    del request.headers["bt_header_dendrite_signature"]
    status, answer = request.send(axon.port)
    return status == 200, seen(status, answer)


def widened_window(axon):
    request = Request(age=3600)
    request.headers["timeout"] = "999999"
    status, answer = request.send(axon.port)
    return status == 200, seen(status, answer)


def stripped_version(axon):
    request = Request(age=3600)
    del request.headers["bt_header_dendrite_version"]
    status, answer = request.send(axon.port)
    return status == 200, seen(status, answer)


def changed_uuid(axon):
    request = Request()
    first = request.send(axon.port)
    request.headers["bt_header_dendrite_uuid"] = str(uuid.uuid1())
    status, answer = request.send(axon.port)
    return status == 200, f"first {first[0]}, then {seen(status, answer)}"


def replay(axon):
    request = Request()
    first = request.send(axon.port)
    status, answer = request.send(axon.port)
    return status == 200, f"first {first[0]}, then {seen(status, answer)}"


def replay_after_restart(axon):
    request = Request()
    first = request.send(axon.port)
    axon.restart()
    status, answer = request.send(axon.port)
    return status == 200, f"first {first[0]}, after the restart {seen(status, answer)}"


def spoofed_sender(axon):
    request = Request()
    request.body["dendrite"] = {"hotkey": stranger.ss58_address, "ip": "9.9.9.9"}
    status, answer = request.send(axon.port)
    claimed = answer.get("dendrite", {}).get("hotkey") if isinstance(answer.get("dendrite"), dict) else None
    return claimed == stranger.ss58_address, f"{status}; the handler's synapse names {short(claimed)}"


def steered_status(axon):
    request = Request()
    request.body["axon"] = {"status_code": 503, "status_message": "as you wish"}
    status, answer = request.send(axon.port)
    return status == 503, seen(status, answer)


def blacklist_probe(axon):
    request = Request()
    request.path = "/Denied"
    request.headers["name"] = "Denied"
    request.headers["bt_header_dendrite_signature"] = "0x" + "00" * 64
    status, answer = request.send(axon.port)
    if status == 404:
        return None, "no route with a blacklist here; see the tests"
    return status == 403, seen(status, answer)


def future_nonce(axon):
    request = Request(age=-3600)
    status, answer = request.send(axon.port)
    return status == 200, seen(status, answer)


def route_list(axon):
    request = Request()
    request.path = "/Nope"
    status, answer = request.send(axon.port)
    return "'Echo'" in str(answer.get("message")), seen(status, answer)


def changed_body(axon):
    request = Request(message="allocate to alice")
    request.body["message"] = "allocate to mallory"
    status, answer = request.send(axon.port)
    return status == 200 and "mallory" in str(answer.get("reply")), seen(status, answer)


def changed_route(axon):
    request = Request()
    request.path = "/Synapse"
    status, answer = request.send(axon.port)
    return status == 200, seen(status, answer)


def other_axon(axon):
    request = Request()
    text = f"{request.nonce}.{caller.ss58_address}.{stranger.ss58_address}.{request.uuid}.{EMPTY_HASH}"
    request.headers["bt_header_dendrite_signature"] = "0x" + caller.sign(text).hex()
    request.headers["bt_header_axon_hotkey"] = stranger.ss58_address
    status, answer = request.send(axon.port)
    return status == 200, seen(status, answer)


def impersonation(axon):
    request = Request(key=stranger)
    request.headers["bt_header_dendrite_hotkey"] = caller.ss58_address
    status, answer = request.send(axon.port)
    return status == 200, seen(status, answer)


def huge_body(axon):
    """One declared gigabyte from somebody who has proven nothing: does the axon take it in?"""
    with socket.create_connection(("127.0.0.1", axon.port), timeout=10) as link:
        lines = ["POST /Echo HTTP/1.1", "Host: x", "Content-Type: application/json", f"Content-Length: {1 << 30}"]
        link.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        sent, link_chunk = 0, b" " * (1 << 20)
        link.settimeout(3)
        try:
            while sent < 32:
                link.sendall(link_chunk)
                sent += 1
        except OSError:
            pass
        try:
            answer = link.recv(64).split(b"\r\n")[0].decode("latin-1")
        except OSError:
            answer = "no answer"
    return sent >= 32, f"{answer or 'closed'}; took {sent} MiB"


ATTACKS = [
    ("request without a signature", unsigned),
    ("nonce one hour old, unsigned `timeout` widened", widened_window),
    ("nonce one hour old, unsigned `version` stripped", stripped_version),
    ("replay under a fresh uuid", changed_uuid),
    ("replay", replay),
    ("replay after a restart", replay_after_restart),
    ("nonce one hour ahead", future_nonce),
    ("body names another sender than the signed headers", spoofed_sender),
    ("body sets the status of the reply", steered_status),
    ("blacklist asked by somebody who proved nothing", blacklist_probe),
    ("key of another sender", impersonation),
    ("request signed for another axon", other_axon),
    ("routes listed to a stranger", route_list),
    ("32 MiB of a body from a stranger", huge_body),
    ("body changed on the way (no declared hash fields)", changed_body),
    ("route changed on the way", changed_route),
]


# --- axons ---------------------------------------------------------------------------------------


class PythonAxon:
    name = "SDK " + version("bittensor")

    def __init__(self):
        self.port = free_port()
        self.start()

    def start(self):
        here = pathlib.Path(__file__).with_name("bittensor_peer.py")
        self.process = subprocess.Popen(
            [sys.executable, str(here), "--port", str(self.port)], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        if json.loads(self.process.stdout.readline())["event"] != "ready":
            raise RuntimeError("the peer did not start")

    def stop(self):
        self.process.stdin.close()
        self.process.wait(10)

    def restart(self):
        self.stop()
        self.start()


class SubnetAxon(PythonAxon):
    def __init__(self, program, mode):
        self.program, self.mode, self.name = program, mode, f"subnet, {mode}"
        self.folder = tempfile.TemporaryDirectory()
        write_wallet(self.folder.name)
        super().__init__()

    def start(self):
        self.process = subprocess.Popen(
            [
                self.program, "axon", "serve", "--wallet-path", self.folder.name, "--wallet", "attacked",
                "--hotkey", "default", "--listen", f"127.0.0.1:{self.port}", "--mode", self.mode,
                "--serve", "echo", "--json",
            ],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        if json.loads(self.process.stdout.readline())["event"] != "ready":
            raise RuntimeError(f"{self.program} did not start")

    def stop(self):
        self.process.terminate()
        self.process.wait(15)


def write_wallet(folder):
    """A plaintext hotkey, as the SDK's wallet stores it."""
    hotkeys = pathlib.Path(folder, "attacked", "hotkeys")
    hotkeys.mkdir(parents=True, mode=0o700)
    public = "0x" + receiver.public_key.hex()
    contents = {
        "accountId": public, "publicKey": public, "secretPhrase": AXON_MNEMONIC,
        "ss58Address": receiver.ss58_address, "cryptoType": 1,
    }  # fmt: skip
    path = hotkeys / "default"
    path.write_text(json.dumps(contents))
    path.chmod(0o600)


# --- the table -----------------------------------------------------------------------------------


def seen(status, answer):
    message = answer.get("message") or answer.get("detail") or answer.get("reply") or ""
    text = " ".join(str(message).split())
    return f"{status} {text[:60]}{'…' if len(text) > 60 else ''}".strip()


def short(address):
    return f"{address[:6]}…" if address else "nobody"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def attempt(attack, axon):
    try:
        succeeded, evidence = attack(axon)
        return {True: "**succeeds**", False: "fails", None: "–"}[succeeded], evidence
    except (OSError, http.client.HTTPException) as error:
        return "fails", f"{type(error).__name__}"


def table(axons):
    head = ["attack"] + [axon.name for axon in axons] + [f"seen at {axon.name}" for axon in axons]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for title, attack in ATTACKS:
        results = [attempt(attack, axon) for axon in axons]
        cells = [title] + [verdict for verdict, _ in results]
        cells += [evidence.replace("|", "\\|") for _, evidence in results]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--subnet", help="the program of this project")
    parser.add_argument("--out", help="a file for the table; standard output when absent")
    arguments = parser.parse_args()
    with contextlib.ExitStack() as stack:
        axons = [PythonAxon()]
        if arguments.subnet:
            axons += [SubnetAxon(os.path.abspath(arguments.subnet), mode) for mode in ("strict", "compatible")]
        for axon in axons:
            stack.callback(axon.stop)
        text = table(axons)
    if arguments.out:
        pathlib.Path(arguments.out).write_text(text)
    else:
        print(text)


if __name__ == "__main__":
    main()
