#!/usr/bin/env python3
"""btauth/1 of bittensor 11.3.0 as a peer that a test commands by JSON lines. See README.md.

The SDK's own `http_auth` signs and verifies; this program only moves the bytes. It serves any path: a request that
verifies is answered 200 with what it proved, any other 401 with the kind of the error.
"""

import argparse
import base64
import http.client
import http.server
import json
import os
import sys
import threading

from bittensor import http_auth
from bittensor.sp_core import CRYPTO_ED25519, CRYPTO_SR25519, Keypair
from importlib.metadata import version

AXON_MNEMONIC = "legal winner thank year wave sausage worth useful legal winner thank yellow"
DENDRITE_MNEMONIC = "letter advice cage absurd amount doctor acoustic avoid letter advice cage above"
BODY_BYTES_MAX = 1 << 20


class Peer:
    def __init__(self, arguments):
        self.lock = threading.Lock()
        self.receiver = keypair(arguments.mnemonic)
        self.senders = {name: keypair(arguments.dendrite_mnemonic, name) for name in ("sr25519", "ed25519")}
        self.nonces = http_auth.InMemoryNonceStore()
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", arguments.port), handler_of(self))
        self.server.daemon_threads = True

    def say(self, event, **members):
        with self.lock:
            print(json.dumps({"event": event, **members}), flush=True)

    def start(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.say(
            "ready", hotkey=self.receiver.ss58_address,
            dendrite_hotkey=self.senders["sr25519"].ss58_address,
            dendrite_hotkey_ed25519=self.senders["ed25519"].ss58_address,
            listen="127.0.0.1:%d" % self.server.server_address[1], pid=os.getpid(),
            agent="bittensor " + version("bittensor"),
        )  # fmt: skip

    def verified(self, method, path, headers, body):
        caller = http_auth.verify(
            headers, body, method=method, path=path, self_hotkey_ss58=self.receiver.ss58_address,
            nonce_store=self.nonces,
        )  # fmt: skip
        return {"hotkey": caller.hotkey_ss58, "nonce": str(caller.nonce_ns)}

    def call(self, command):
        """Signs a request and sends it; `change` names what is altered after signing."""
        method, path = command.get("method", "POST"), command["path"]
        body = base64.b64decode(command.get("body_b64", ""))
        sender = self.senders[command.get("scheme", "sr25519")]
        nonce = command.get("nonce_ns")
        headers = http_auth.sign(
            sender, method=method, path=path, body=body, receiver_ss58=command.get("receiver"),
            nonce_ns=int(nonce) if nonce else None,
        )  # fmt: skip
        headers["Content-Type"] = "application/json"
        headers.update(command.get("headers", {}))
        for name in command.get("without", []):
            headers.pop(name, None)
        if command.get("change") == "body":
            body += b" "
        if command.get("change") == "path":
            path += "?changed"
        host, _, port = command["axon"].rpartition(":")
        codes, text = [], b""
        for _ in range(command.get("times", 1)):
            connection = http.client.HTTPConnection(host, int(port), timeout=command.get("timeout", 12))
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            text = answer.read(BODY_BYTES_MAX)
            codes.append(answer.status)
            connection.close()
        return {"codes": codes, "body": text.decode("utf-8", "replace"), "headers": dict(answer.getheaders())}

    def perform(self, command):
        name = command.get("command")
        try:
            if name != "call":
                raise ValueError(f"no command {name}")
            self.say("result", id=command.get("id"), command=name, ok=True, **self.call(command))
        except Exception as error:
            failure = {"kind": type(error).__name__, "message": str(error)[:500]}
            self.say("result", id=command.get("id"), command=name, ok=False, error=failure)


def handler_of(peer):
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            body = self.rfile.read(min(int(self.headers.get("Content-Length", 0)), BODY_BYTES_MAX))
            try:
                answer, code = peer.verified(self.command, self.path, dict(self.headers), body), 200
                text = body if body else json.dumps(answer).encode()
            except http_auth.AuthError as error:
                code, text = 401, json.dumps({"message": f"{type(error).__name__}: {error}"}).encode()
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)
            peer.say("served", code=code, path=self.path, method=self.command)

        do_GET = do_POST

        def log_message(self, *_):
            pass

    return Handler


def keypair(mnemonic, scheme="sr25519"):
    kind = {"sr25519": CRYPTO_SR25519, "ed25519": CRYPTO_ED25519}[scheme]
    return Keypair.create_from_mnemonic(mnemonic, crypto_type=kind)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--mnemonic", default=AXON_MNEMONIC, help="of the receiver")
    parser.add_argument("--dendrite-mnemonic", default=DENDRITE_MNEMONIC, help="of the sender")
    peer = Peer(parser.parse_args())
    peer.start()
    for line in sys.stdin:
        if not line.strip():
            continue
        command = json.loads(line)
        if command.get("command") == "exit":
            break
        threading.Thread(target=peer.perform, args=(command,), daemon=True).start()
    peer.say("bye")
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
