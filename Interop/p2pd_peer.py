#!/usr/bin/env python3
"""A go-libp2p peer that a test commands by JSON lines: starts the Go daemon `p2pd` and drives it.

The daemon is the one inside the hivemind 1.1.12 wheel (go-libp2p 0.32.1). It negotiates, encrypts,
multiplexes and answers identify and ping itself; this program speaks its control protocol on a unix
socket and sees each stream as a raw pipe. No Python package is needed. Commands: README.md beside
this file.
"""

import argparse
import asyncio
import contextlib
import json
import os
import secrets
import shutil
import sys
import tempfile

import wire

IDENTIFY, CONNECT, STREAM_OPEN, STREAM_HANDLER, LIST_PEERS, DISCONNECT, PERSISTENT = 0, 1, 2, 3, 5, 7, 9
SOCKET_BUFFER_BYTES = 1 << 20
LINE_BYTES_MAX = 16 << 20
CALLER_CLOSES_SECONDS = 2


class DaemonError(Exception):
    pass


async def read_varint(reader):
    prefix = bytearray()
    while True:
        prefix += await reader.readexactly(1)
        if prefix[-1] < 0x80:
            return wire.read_varint(bytes(prefix))[0]
        if len(prefix) >= 10:
            raise ValueError("length prefix is longer than 10 bytes")


async def read_frame(reader):
    length = await read_varint(reader)
    if length > wire.FRAME_BYTES_MAX:
        raise ValueError(f"frame of {length} bytes")
    return await reader.readexactly(length)


async def write_frame(writer, body):
    writer.write(wire.varint(len(body)))
    for offset in range(0, len(body), wire.CHUNK_BYTES):
        writer.write(body[offset : offset + wire.CHUNK_BYTES])
        await writer.drain()
    await writer.drain()


def close_pipe(writer):
    """Closing the pipe closes the stream. The daemon has no way to ask for a reset."""
    with contextlib.suppress(Exception):
        writer.close()


class Daemon:
    """The Go process and its control socket; one new connection to it for each request."""

    def __init__(self, arguments, folder):
        self.binary, self.security, self.listen = arguments.p2pd, arguments.security, arguments.listen
        self.identity, self.folder = arguments.identity, folder
        self.control = os.path.join(folder, "control.sock")
        self.process = None

    async def start(self):
        flags = [
            f"-listen=/unix{self.control}",
            f"-hostAddrs={self.listen}",
            f"-noise={int(self.security == 'noise')}",
            f"-tls={int(self.security == 'tls')}",
            "-relay=0",
            "-relayService=0",
            "-autoRelay=0",
            "-relayDiscovery=0",
            # Without a control connection that stays open it ends by itself, so it survives no parent.
            "-idleTimeout=5s",
        ]
        if self.identity:
            flags.append(f"-id={self.identity}")
        self.process = await asyncio.create_subprocess_exec(
            self.binary, *flags, stdin=asyncio.subprocess.DEVNULL, stdout=sys.stderr, stderr=sys.stderr
        )
        for _ in range(200):
            if self.process.returncode is not None:
                raise DaemonError(f"p2pd ended with status {self.process.returncode}")
            with contextlib.suppress(OSError):
                self.keep_alive = await self.request(PERSISTENT)
                return
            await asyncio.sleep(0.05)
        raise DaemonError("p2pd did not open its control socket within 10 seconds")

    async def request(self, kind, number=None, body=b""):
        """(response fields, reader, writer) on a fresh control connection; raises what the daemon refuses."""
        reader, writer = await asyncio.open_unix_connection(self.control, limit=SOCKET_BUFFER_BYTES)
        message = wire.field(1, kind) + (b"" if number is None else wire.field(number, body))
        writer.write(wire.varint(len(message)) + message)
        try:
            response = wire.fields(await read_frame(reader))
        except asyncio.IncompleteReadError:
            close_pipe(writer)
            raise DaemonError("p2pd closed its control connection") from None
        if wire.first(response, 1, 0) != 0:
            close_pipe(writer)
            raise DaemonError(wire.first(wire.fields(wire.first(response, 2, b"")), 1, b"?").decode())
        return response, reader, writer

    async def ask(self, kind, number=None, body=b""):
        response, _, writer = await self.request(kind, number, body)
        close_pipe(writer)
        return response

    async def whoami(self):
        identity = wire.fields(wire.first(await self.ask(IDENTIFY), 4, b""))
        addresses = [wire.multiaddr_decode(item) for item in wire.every(identity, 2)]
        return wire.base58_encode(wire.first(identity, 1, b"")), addresses

    async def connect(self, address, timeout):
        transport, peer = wire.split_address(address)
        body = (
            wire.field(1, wire.base58_decode(peer))
            + wire.field(2, wire.multiaddr_encode(transport))
            + wire.field(3, int(timeout))
        )
        await self.ask(CONNECT, 2, body)
        return peer

    async def open(self, peer, protocol, timeout=20):
        body = wire.field(1, wire.base58_decode(peer)) + wire.field(2, protocol) + wire.field(3, int(timeout))
        _, reader, writer = await self.request(STREAM_OPEN, 3, body)
        return reader, writer

    async def handle(self, protocol, path):
        address = wire.multiaddr_encode(f"/unix{path}")
        body = wire.field(1, address) + wire.field(2, protocol) + wire.field(3, 0)
        await self.ask(STREAM_HANDLER, 4, body)

    async def peers(self):
        found = [wire.fields(item) for item in wire.every(await self.ask(LIST_PEERS), 6)]
        return [wire.base58_encode(wire.first(peer, 1, b"")) for peer in found]

    async def disconnect(self, peer):
        await self.ask(DISCONNECT, 7, wire.field(1, wire.base58_decode(peer)))

    def kill(self):
        if self.process is not None and self.process.returncode is None:
            self.process.kill()


class Peer:
    def __init__(self, daemon, lines):
        self.daemon, self.lines, self.served = daemon, lines, 0

    # --- what it serves ---

    async def serve_task(self, reader, writer):
        remote = "?"
        try:
            remote = wire.base58_encode(wire.first(wire.fields(await read_frame(reader)), 1, b""))
            task_id, payload = wire.parse_task_request(await read_frame(reader))
            self.served += 1
            seconds = wire.sleep_of(task_id)
            if seconds is not None:
                self.lines.say("task_started", task_id=task_id, peer=remote)
                done, _ = await asyncio.wait([asyncio.ensure_future(reader.read(1))], timeout=seconds)
                if done:
                    self.lines.say("task_cancelled", task_id=task_id, peer=remote)
                    return
            await write_frame(writer, wire.task_response(*wire.run_task(task_id, payload)))
            # On the end of the pipe the daemon closes the stream and then resets it, and about one answer
            # in 4,000 is lost to that reset. So the caller, who closes after its answer, goes first.
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(reader.read(1), CALLER_CLOSES_SECONDS)
        except Exception as error:
            self.lines.say("task_failed", peer=remote, error=f"{type(error).__name__}: {error}"[:300])
        finally:
            close_pipe(writer)

    # --- what it does on command ---

    async def connect(self, command):
        return {"peer_id": await self.daemon.connect(command["addr"], command.get("timeout", 20))}

    async def peer_of(self, command):
        if "addr" in command:
            return (await self.connect(command))["peer_id"]
        return command["peer_id"]

    async def identify(self, command):
        peer = await self.peer_of(command)
        reader, writer = await self.daemon.open(peer, wire.IDENTIFY_PROTOCOL)
        try:
            body = await asyncio.wait_for(read_frame(reader), command.get("timeout", 20))
            return {"peer_id": peer, "identify": wire.describe_identify(body)}
        finally:
            close_pipe(writer)

    async def ping(self, command):
        peer, rtts = await self.peer_of(command), []
        reader, writer = await self.daemon.open(peer, wire.PING_PROTOCOL)
        try:
            for _ in range(command.get("count", 1)):
                sent, began = secrets.token_bytes(32), wire.now()
                writer.write(sent)
                if await asyncio.wait_for(reader.readexactly(32), command.get("timeout", 20)) != sent:
                    raise ValueError("the ping came back changed")
                rtts.append(round((wire.now() - began) * 1000, 3))
        finally:
            close_pipe(writer)
        return {"rtts_ms": rtts}

    async def call_once(self, peer, protocol, request):
        reader, writer = await self.daemon.open(peer, protocol)
        try:
            await write_frame(writer, request)
            return wire.parse_task_response(await read_frame(reader))
        finally:
            close_pipe(writer)

    async def task_call(self, command):
        peer = await self.peer_of(command)
        task_id, payload = command.get("task_id", ""), wire.payload_of(command)
        protocol = command.get("protocol", wire.TASK_PROTOCOL)
        request = wire.task_request(task_id, payload)
        expected = payload if task_id == "echo" else payload.upper()
        latencies, failures, last = [], [], None
        left = command.get("count", 1)

        async def caller():
            nonlocal left, last
            while left > 0:
                left -= 1
                began = wire.now()
                try:
                    call = self.call_once(peer, protocol, request)
                    last = await asyncio.wait_for(call, command.get("timeout", 60))
                    if last[0] and last[1] != expected:
                        raise ValueError("the result is not the expected one")
                    latencies.append(wire.now() - began)
                except asyncio.IncompleteReadError as error:
                    failures.append(f"EOFError: stream ended after {len(error.partial)} bytes")
                except Exception as error:
                    failures.append(f"{type(error).__name__}: {error}"[:200])

        began = wire.now()
        await asyncio.gather(*(caller() for _ in range(min(command.get("concurrency", 1), left))))
        return wire.summary(latencies, wire.now() - began, failures, last)

    async def raw(self, command):
        """Opens `protocol`, writes `bytes_hex`, optionally half-closes, reads until end or `read_bytes`."""
        peer = await self.peer_of(command)
        reader, writer = await self.daemon.open(peer, command["protocol"])
        received, ended = bytearray(), "open"

        async def read_to_end():
            nonlocal ended
            while len(received) < command.get("read_bytes", 1 << 20):
                chunk = await reader.read(65536)
                if not chunk:
                    ended = "eof"
                    return
                received.extend(chunk)

        try:
            writer.write(bytes.fromhex(command.get("bytes_hex", "")))
            if command.get("close_write"):
                writer.write_eof()
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(read_to_end(), command.get("timeout", 5))
        finally:
            close_pipe(writer)
        return {"received_hex": bytes(received).hex(), "ended": ended}

    async def disconnect(self, command):
        peer = command.get("peer_id") or wire.split_address(command["addr"])[1]
        await self.daemon.disconnect(peer)
        return {}

    async def stats(self, command):
        return {"served": self.served, "peers": await self.daemon.peers()}

    async def kill(self, command):
        self.daemon.kill()
        return {}

    async def obey(self, command):
        actions = {
            "connect": self.connect,
            "identify": self.identify,
            "ping": self.ping,
            "task_call": self.task_call,
            "raw": self.raw,
            "disconnect": self.disconnect,
            "stats": self.stats,
            "kill": self.kill,
        }
        try:
            action = actions.get(command.get("command"))
            if action is None:
                raise ValueError(f"unknown command; one of {', '.join(actions)}, exit")
            self.lines.result(command, await action(command))
        except Exception as error:
            self.lines.failure(command, error)

    async def run(self):
        await self.daemon.start()
        handler = os.path.join(self.daemon.folder, "task.sock")
        await asyncio.start_unix_server(self.serve_task, handler, limit=SOCKET_BUFFER_BYTES, backlog=512)
        await self.daemon.handle(wire.TASK_PROTOCOL, handler)
        peer_id, addresses = await self.daemon.whoami()
        self.lines.say(
            "ready",
            peer_id=peer_id,
            addrs=[f"{address}/p2p/{peer_id}" for address in addresses],
            pid=os.getpid(),
            daemon_pid=self.daemon.process.pid,
            agent="p2pd",
        )
        commands = asyncio.StreamReader(limit=LINE_BYTES_MAX)
        loop = asyncio.get_running_loop()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(commands), sys.stdin)
        running = set()
        while line := await commands.readline():
            command = json.loads(line)
            if command.get("command") == "exit":
                break
            task = asyncio.ensure_future(self.obey(command))
            running.add(task)
            task.add_done_callback(running.discard)


async def run(arguments, lines):
    folder = tempfile.mkdtemp(prefix="p2pd-")
    daemon = Daemon(arguments, folder)
    try:
        await Peer(daemon, lines).run()
    finally:
        daemon.kill()
        shutil.rmtree(folder, ignore_errors=True)


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--security", choices=["noise", "tls"], default="noise")
    parser.add_argument("--muxer", choices=["yamux"], default="yamux")
    parser.add_argument("--listen", default="/ip4/127.0.0.1/tcp/0")
    parser.add_argument("--identity", help="libp2p key file in Go's 64-byte form; random when absent")
    parser.add_argument("--p2pd", default=os.path.join(here, "..", ".build", "interop", "p2pd"))
    lines = wire.Lines()
    asyncio.run(run(parser.parse_args(), lines))
    lines.say("bye")


if __name__ == "__main__":
    main()
