#!/usr/bin/env python3
"""The real Bittensor SDK (bittensor 10.5.0) as a peer that a test commands by JSON lines. See README.md.

An unmodified Axon with handlers of every kind and an unmodified Dendrite. The one thing replaced is the look-up of
the machine's public address, which would ask services on the Internet.
"""

import argparse
import asyncio
import base64
import json
import os
import socket
import statistics
import sys
import threading
import time
from typing import Any, Optional, Tuple

import bittensor_wallet
from bittensor.core import axon as axon_module
from bittensor.core import dendrite as dendrite_module
from bittensor.core import errors
from bittensor.core.axon import Axon
from bittensor.core.chain_data import AxonInfo
from bittensor.core.dendrite import Dendrite
from bittensor.core.stream import StreamingSynapse
from bittensor.core.synapse import Synapse
from bittensor.utils.version import __version__ as version

EXTERNAL_IP = "198.51.100.10"  # reserved for documentation
AXON_MNEMONIC = "legal winner thank year wave sausage worth useful legal winner thank yellow"
DENDRITE_MNEMONIC = "letter advice cage absurd amount doctor acoustic avoid letter advice cage above"


# --- synapses ------------------------------------------------------------------------------------


class Echo(Synapse):
    message: str
    count: int = 1
    reply: Optional[str] = None


class Specs(Synapse):
    specs_input: str = ""
    specs_output: str = ""

    def deserialize(self) -> str:
        return self.specs_output


class Allocate(Synapse):
    timeline: int = 0
    device_requirement: dict = {}
    checking: bool = True
    output: dict = {}
    public_key: str = ""
    docker_requirement: dict = {
        "base_image": "ubuntu",
        "ssh_key": "",
        "ssh_port": 4444,
        "volume_path": "/tmp",
        "dockerfile": "",
    }
    docker_change: bool = False
    docker_action: dict = {"action": "", "ssh_key": "", "key_type": ""}

    def deserialize(self) -> dict:
        return self.output


class Challenge(Synapse):
    challenge_hash: str = ""
    challenge_salt: str = ""
    challenge_mode: str = ""
    challenge_chars: str = ""
    challenge_mask: str = ""
    challenge_difficulty: int = 7
    output: dict = {}

    def deserialize(self) -> dict:
        return self.output


class Required(Synapse):
    s: str
    i: int
    f: float
    b: bool
    l: list  # noqa: E741
    d: dict
    o: Optional[str] = None


class Hashed(Synapse):
    prompt: str = ""
    n: int = 0
    ratio: float = 0.0
    flag: bool = False
    items: list = []
    cfg: dict = {}
    opt: Optional[str] = None
    answer: Optional[str] = None
    required_hash_fields = ["prompt", "n", "ratio", "flag", "items", "cfg", "opt"]


class Denied(Synapse):
    a: int = 0


class Picky(Synapse):
    a: int = 0


class Crash(Synapse):
    a: int = 0


class Slow(Synapse):
    delay: float = 0.0


class PrioTimeout(Synapse):
    a: int = 0


class PrioCrash(Synapse):
    a: int = 0


class BlackCrash(Synapse):
    a: int = 0


class Teapot(Synapse):
    a: int = 0


class SynErr(Synapse):
    kind: str = ""


class Nope(Synapse):
    """Nobody serves it."""

    a: int = 0


class Stream(StreamingSynapse):
    prompt: str = ""
    completion: str = ""

    async def process_streaming_response(self, response):
        async for chunk in response.content.iter_any():
            text = chunk.decode()
            self.completion += text
            yield text

    def extract_response_json(self, response):
        headers = {name.decode().lower(): value.decode() for name, value in response.__dict__["_raw_headers"]}

        def part(prefix):
            return {name[len(prefix) :]: value for name, value in headers.items() if name.startswith(prefix)}

        return {
            "name": headers.get("name", ""),
            "timeout": float(headers.get("timeout", 0)),
            "total_size": int(headers.get("total_size", 0)),
            "header_size": int(headers.get("header_size", 0)),
            "dendrite": part("bt_header_dendrite_"),
            "axon": part("bt_header_axon_"),
            "prompt": self.prompt,
            "completion": self.completion,
        }

    def deserialize(self) -> str:
        return self.completion


SYNAPSES = {
    kind.__name__: kind
    for kind in (
        Synapse, Echo, Specs, Allocate, Challenge, Required, Hashed, Denied, Picky, Crash, Slow, PrioTimeout,
        PrioCrash, BlackCrash, Teapot, SynErr, Nope, Stream,
    )
}  # fmt: skip


# --- what the axon answers -----------------------------------------------------------------------


def echo(synapse: Echo) -> Echo:
    synapse.reply = synapse.message * 1 if synapse.count == 1 else f"{synapse.message}x{synapse.count}"
    return synapse


def specs(synapse: Specs) -> Specs:
    synapse.specs_output = json.dumps({"cpu": {"count": os.cpu_count()}, "has_docker": False})
    return synapse


def allocate(synapse: Allocate) -> Allocate:
    if synapse.checking:
        synapse.output = {"status": synapse.timeline > 0, "port": 4444}
    else:
        synapse.output = {"status": synapse.timeline > 0, "info": "aW5mbw==", "port": 4444}
    return synapse


def challenge(synapse: Challenge) -> Challenge:
    synapse.output = {"password": synapse.challenge_mask[::-1], "local_execution_time": 0.125, "error": None}
    return synapse


def required(synapse: Required) -> Required:
    return synapse


def hashed(synapse: Hashed) -> Hashed:
    synapse.answer = synapse.prompt.upper()
    return synapse


def denied(synapse: Denied) -> Denied:
    return synapse


def denied_blacklist(synapse: Denied) -> Tuple[bool, str]:
    return True, "hotkey not in allow list"


def picky(synapse: Picky) -> Picky:
    return synapse


def picky_verify(synapse: Picky) -> None:
    raise ValueError("custom verify says no")


def crash(synapse: Crash) -> Crash:
    raise RuntimeError("a secret of the handler")


async def slow(synapse: Slow) -> Slow:
    await asyncio.sleep(min(synapse.delay, 60))
    return synapse


def prio_timeout(synapse: PrioTimeout) -> PrioTimeout:
    return synapse


def prio_timeout_priority(synapse: PrioTimeout) -> float:
    raise TimeoutError("too late")


def prio_crash(synapse: PrioCrash) -> PrioCrash:
    return synapse


def prio_crash_priority(synapse: PrioCrash) -> float:
    raise RuntimeError("a secret of the priority function")


def black_crash(synapse: BlackCrash) -> BlackCrash:
    return synapse


def black_crash_blacklist(synapse: BlackCrash) -> Tuple[bool, str]:
    raise RuntimeError("a secret of the blacklist function")


def teapot(synapse: Teapot) -> Teapot:
    synapse.axon.status_code = 418
    synapse.axon.status_message = "short and stout"
    return synapse


def syn_err(synapse: SynErr) -> SynErr:
    raise getattr(errors, synapse.kind)(f"raised {synapse.kind}")


def stream(synapse: Stream) -> Any:
    async def pieces(send):
        for piece in ("alpha ", "beta ", "gamma"):
            await send({"type": "http.response.body", "body": piece.encode(), "more_body": True})
            await asyncio.sleep(0.01)

    return synapse.create_streaming_response(pieces)


stream.__annotations__["return"] = Stream.BTStreamingResponse


def attach(axon):
    axon.attach(echo)
    axon.attach(specs)
    axon.attach(allocate)
    axon.attach(challenge)
    axon.attach(required)
    axon.attach(hashed)
    axon.attach(denied, blacklist_fn=denied_blacklist)
    axon.attach(picky, verify_fn=picky_verify)
    axon.attach(crash)
    axon.attach(slow)
    axon.attach(prio_timeout, priority_fn=prio_timeout_priority)
    axon.attach(prio_crash, priority_fn=prio_crash_priority)
    axon.attach(black_crash, blacklist_fn=black_crash_blacklist)
    axon.attach(teapot)
    axon.attach(syn_err)
    axon.attach(stream)


class Wallet:
    """What an Axon needs of a wallet: three keys that stand in memory."""

    def __init__(self, mnemonic):
        self.hotkey = bittensor_wallet.Keypair.create_from_mnemonic(mnemonic)
        self.coldkey = self.coldkeypub = self.hotkey
        self.name = self.hotkey_str = "interop"


# --- commands ------------------------------------------------------------------------------------


def described(synapse):
    """What the dendrite made of an answer, as JSON."""
    fields = json.loads(synapse.model_dump_json())
    for name in ("dendrite", "axon"):
        fields.pop(name, None)
    return {
        "class": type(synapse).__name__,
        "status_code": synapse.dendrite.status_code,
        "status_message": synapse.dendrite.status_message,
        "axon_status_code": synapse.axon.status_code,
        "axon_status_message": synapse.axon.status_message,
        "process_time": synapse.dendrite.process_time,
        "fields": fields,
        "is_success": synapse.is_success,
        "is_timeout": synapse.is_timeout,
        "is_blacklist": synapse.is_blacklist,
        "failed_verification": synapse.failed_verification,
    }


def spread(seconds):
    ordered = sorted(seconds)
    return {
        "p50_ms": statistics.median(ordered) * 1000 if ordered else None,
        "p95_ms": ordered[int(len(ordered) * 0.95)] * 1000 if ordered else None,
    }


class Peer:
    def __init__(self, arguments):
        self.arguments = arguments
        self.lock = threading.Lock()
        self.wallet = Wallet(arguments.mnemonic)
        self.dendrite_wallet = Wallet(arguments.dendrite_mnemonic)
        self.axon = None
        self.port = None

    def say(self, event, **members):
        with self.lock:
            print(json.dumps({"event": event, **members}), flush=True)

    def start(self):
        if not self.arguments.no_axon:
            self.port = self.arguments.port or free_port()
            self.axon = Axon(wallet=self.wallet, port=self.port, ip="127.0.0.1", external_ip="127.0.0.1")
            attach(self.axon)
            self.axon.start()
            wait_until_listening(self.port)
        self.say(
            "ready",
            hotkey=self.wallet.hotkey.ss58_address,
            dendrite_hotkey=self.dendrite_wallet.hotkey.ss58_address,
            listen=f"127.0.0.1:{self.port}" if self.port else None,
            addrs=[f"127.0.0.1:{self.port}"] if self.port else [],
            pid=os.getpid(),
            agent=f"bittensor {version}",
        )

    def target(self, command):
        host, _, port = command["axon"].rpartition(":")
        return AxonInfo(
            version=1, ip=host, port=int(port), ip_type=4, hotkey=command["axon_hotkey"],
            coldkey=command["axon_hotkey"],
        )  # fmt: skip

    async def call(self, command):
        """One call, or `count` calls `concurrency` at a time, of an unmodified Dendrite."""
        kind = SYNAPSES[command["name"]]
        target, timeout = self.target(command), command.get("timeout", 12.0)
        dendrite = Dendrite(wallet=self.dendrite_wallet.hotkey)
        left, taken, codes, last = command.get("count", 1), [], {}, None

        async def caller():
            nonlocal left, last
            while left > 0:
                left -= 1
                began = time.perf_counter()
                synapse = kind(**command.get("fields", {}))
                last = await dendrite.call(target, synapse=synapse, timeout=timeout, deserialize=False)
                taken.append(time.perf_counter() - began)
                code = str(last.dendrite.status_code)
                codes[code] = codes.get(code, 0) + 1

        began = time.perf_counter()
        try:
            await asyncio.gather(*(caller() for _ in range(min(command.get("concurrency", 1), left))))
        finally:
            await dendrite.aclose_session()
        seconds = time.perf_counter() - began
        return {
            "synapse": described(last), "deserialized": json.loads(json.dumps(last.deserialize(), default=str)),
            "codes": codes, "completed": len(taken), "seconds": seconds, "per_second": len(taken) / seconds,
            **spread(taken),
        }  # fmt: skip

    async def call_stream(self, command):
        """The pieces of a streaming call as they came, and the synapse at its end."""
        dendrite = Dendrite(wallet=self.dendrite_wallet.hotkey)
        pieces, last = [], None
        try:
            answer = dendrite.call_stream(
                self.target(command), synapse=SYNAPSES[command["name"]](**command.get("fields", {})),
                timeout=command.get("timeout", 12.0), deserialize=False,
            )  # fmt: skip
            async for piece in answer:
                if isinstance(piece, Synapse):
                    last = piece
                else:
                    pieces.append(piece)
        finally:
            await dendrite.aclose_session()
        return {"pieces": pieces, "synapse": described(last) if last is not None else None}

    async def raw(self, command):
        """Bytes to a socket and what comes back until its end."""
        host, _, port = command["axon"].rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        try:
            writer.write(base64.b64decode(command["bytes_b64"]))
            received = await asyncio.wait_for(reader.read(1 << 20), command.get("timeout", 5))
        finally:
            writer.close()
        return {"received_b64": base64.b64encode(received).decode()}

    async def perform(self, command):
        name = command.get("command")
        try:
            if name == "call":
                result = await self.call(command)
            elif name == "call_stream":
                result = await self.call_stream(command)
            elif name == "raw":
                result = await self.raw(command)
            else:
                raise ValueError(f"no command {name}")
            self.say("result", id=command.get("id"), command=name, ok=True, **result)
        except Exception as error:
            failure = {"kind": type(error).__name__, "message": str(error)[:500]}
            self.say("result", id=command.get("id"), command=name, ok=False, error=failure)

    async def serve(self):
        loop = asyncio.get_running_loop()
        running = set()
        while True:
            line = await loop.run_in_executor(None, sys.stdin.readline)
            if not line:
                return
            if not line.strip():
                continue
            command = json.loads(line)
            if command.get("command") == "exit":
                return
            task = loop.create_task(self.perform(command))
            running.add(task)
            task.add_done_callback(running.discard)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until_listening(port, seconds=20):
    ends = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            if time.monotonic() > ends:
                raise
            time.sleep(0.02)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="of the axon; a free one when absent")
    parser.add_argument("--mnemonic", default=AXON_MNEMONIC, help="of the axon's hotkey")
    parser.add_argument("--dendrite-mnemonic", default=DENDRITE_MNEMONIC)
    parser.add_argument("--no-axon", action="store_true", help="only a dendrite")
    arguments, sys.argv[1:] = parser.parse_args(), []
    axon_module.networking.get_external_ip = lambda: EXTERNAL_IP
    dendrite_module.networking.get_external_ip = lambda: EXTERNAL_IP
    peer = Peer(arguments)
    peer.start()
    asyncio.run(peer.serve())
    peer.say("bye")
    sys.stdout.flush()
    os._exit(0)  # the thread of the axon has no other end


if __name__ == "__main__":
    main()
