#!/usr/bin/env python3
"""A py-libp2p peer that a test commands by JSON lines. See README.md beside this file for the commands.

It offers exactly one security protocol and one muxer, answers identify and ping as the library does,
and serves and calls TaskProtocol the way the subnet template's ProtocolBase does: one varint-framed
message each way, body written in slices of 60 KiB, no half-close by the caller.
"""

import argparse
import hashlib
import json
import os
import struct
import sys

import trio
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from libp2p import new_host
from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.crypto.x25519 import create_new_key_pair as create_new_x25519_key_pair
from libp2p.custom_types import TProtocol
from libp2p.host.ping import PingService
from libp2p.identity.identify import identify
from libp2p.identity.identify.identify import parse_identify_response
from libp2p.network.stream.exceptions import StreamReset
from libp2p.peer.envelope import consume_envelope
from libp2p.peer.id import ID
from libp2p.peer.peerinfo import info_from_p2p_addr
from libp2p.security.noise.transport import PROTOCOL_ID as NOISE, Transport as NoiseTransport
from libp2p.security.tls.transport import PROTOCOL_ID as TLS, TLSTransport
from libp2p.stream_muxer import muxer_multistream
from libp2p.stream_muxer.mplex.mplex import MPLEX_PROTOCOL_ID, Mplex
from libp2p.stream_muxer.yamux.yamux import PROTOCOL_ID as YAMUX, Yamux
from multiaddr import Multiaddr

import wire


def task_messages():
    """TaskRequest and TaskResponse by Google's protobuf, so that our own codec is not its own judge."""
    file = descriptor_pb2.FileDescriptorProto(
        name="task_protocol.proto", package="task_protocol.pb", syntax="proto3"
    )
    kinds = descriptor_pb2.FieldDescriptorProto
    layout = {
        "TaskRequest": [("task_id", kinds.TYPE_STRING), ("payload", kinds.TYPE_BYTES)],
        "TaskResponse": [
            ("accepted", kinds.TYPE_BOOL),
            ("result", kinds.TYPE_BYTES),
            ("error", kinds.TYPE_STRING),
        ],
    }
    for name, members in layout.items():
        message = file.message_type.add(name=name)
        for number, (member, kind) in enumerate(members, start=1):
            message.field.add(name=member, number=number, type=kind, label=kinds.LABEL_OPTIONAL)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return [
        message_factory.GetMessageClass(pool.FindMessageTypeByName("task_protocol.pb." + name))
        for name in layout
    ]


TaskRequest, TaskResponse = task_messages()


async def read_exactly(stream, count):
    out = bytearray()
    while len(out) < count:
        chunk = await stream.read(count - len(out))
        if not chunk:
            raise EOFError(f"stream ended after {len(out)} of {count} bytes")
        out += chunk
    return bytes(out)


async def read_frame(stream):
    length, shift = 0, 0
    for _ in range(10):
        byte = (await read_exactly(stream, 1))[0]
        length |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            break
    else:
        raise ValueError("length prefix is longer than 10 bytes")
    if length > wire.FRAME_BYTES_MAX:
        raise ValueError(f"frame of {length} bytes")
    return await read_exactly(stream, length)


async def write_frame(stream, body):
    await stream.write(wire.varint(len(body)))
    for offset in range(0, len(body), wire.CHUNK_BYTES):
        await stream.write(body[offset : offset + wire.CHUNK_BYTES])


class PinnedConn:
    """A secured connection as the py-libp2p that the subnet template pins reads and writes it.

    That version loses its place in the byte stream at some legal frames; here each of them is reported and ends the
    connection. A write of more than one Noise record ends it too.
    """

    WRITE_BYTES_MAX = 65535 - 16
    DATA, WINDOW_UPDATE = 0, 1
    SYN, ACK, FIN, RST = 1, 2, 4, 8

    def __init__(self, connection, lines):
        self._connection, self._lines = connection, lines
        self._header, self._body = bytearray(), 0

    def __getattr__(self, name):
        return getattr(self._connection, name)

    async def read(self, n=None):
        data = await self._connection.read(n)
        self._follow(data)
        return data

    async def write(self, data):
        if len(data) > self.WRITE_BYTES_MAX:
            self._misread(f"a write of {len(data)} bytes")
        await self._connection.write(data)

    def _follow(self, data):
        offset = 0
        while offset < len(data):
            if self._body:
                skipped = min(self._body, len(data) - offset)
                self._body, offset = self._body - skipped, offset + skipped
                continue
            taken = data[offset : offset + 12 - len(self._header)]
            self._header += taken
            offset += len(taken)
            if len(self._header) == 12:
                self._check(*struct.unpack("!BBHII", self._header))
                self._header.clear()

    def _check(self, version, kind, flags, stream, length):
        what = f"frame of type {kind}, flags {flags}, length {length} on stream {stream}"
        if kind == self.WINDOW_UPDATE and flags & self.SYN and length:
            self._misread(f"{what}: takes the window for a count of bytes to swallow")
        if kind == self.DATA and flags & self.ACK and length:
            self._misread(f"{what}: leaves the body unread")
        if flags & (self.SYN | self.ACK) and flags & (self.FIN | self.RST):
            self._misread(f"{what}: ignores the end of the stream")
        if kind == self.DATA:
            self._body = length

    def _misread(self, what):
        self._lines.say("misread", what=what)
        raise ConnectionError(what)


def pinned_yamux(lines):
    """Yamux with the faults of the version that the template pins; also its 256 outbound streams, ever."""

    class PinnedYamux(Yamux):
        def __init__(self, connection, *arguments, **options):
            super().__init__(PinnedConn(connection, lines), *arguments, **options)

        def _finalize_stream_locked(self, stream, *, fully_closed):
            stream._backlog_slot_released = True  # so it is never given back
            super()._finalize_stream_locked(stream, fully_closed=fully_closed)

    return PinnedYamux


class Peer:
    def __init__(self, arguments, lines):
        self.lines = lines
        seed = hashlib.sha256(arguments.seed.encode()).digest() if arguments.seed else None
        self.key = create_new_key_pair(seed)
        security = {
            "noise": (NOISE, lambda: NoiseTransport(self.key, create_new_x25519_key_pair().private_key)),
            "tls": (TLS, lambda: TLSTransport(self.key, muxers=["yamux"] if arguments.alpn_muxer else None)),
        }
        if arguments.agent:
            identify.AGENT_VERSION = arguments.agent
        if arguments.pinned:
            # The library makes its own Yamux for the id, whatever class it was given.
            muxer_multistream.Yamux = pinned_yamux(lines)
        muxers = {"yamux": (YAMUX, Yamux), "mplex": (MPLEX_PROTOCOL_ID, Mplex)}
        name, make = security[arguments.security]
        muxer, muxer_class = muxers[arguments.muxer]
        self.host = new_host(
            key_pair=self.key,
            sec_opt={TProtocol(name): make()},
            muxer_opt={TProtocol(muxer): muxer_class},
        )
        self.served = 0

    # --- what it serves ---

    async def serve_task(self, stream):
        remote = str(stream.muxed_conn.peer_id)
        try:
            request = TaskRequest.FromString(await read_frame(stream))
            self.served += 1
            seconds = wire.sleep_of(request.task_id)
            if seconds is not None and not await self.wait_unless_cancelled(stream, request, seconds):
                self.lines.say("task_cancelled", task_id=request.task_id, peer=remote)
                await stream.reset()
                return
            accepted, result, error = wire.run_task(request.task_id, request.payload)
            await write_frame(
                stream, TaskResponse(accepted=accepted, result=result, error=error).SerializeToString()
            )
        except Exception as error:  # as ProtocolBase does: every failure closes the stream without a byte
            self.lines.say("task_failed", peer=remote, error=f"{type(error).__name__}: {error}"[:300])
        await stream.close()

    async def wait_unless_cancelled(self, stream, request, seconds):
        """False when the caller closed or reset its stream before the task was done."""
        self.lines.say("task_started", task_id=request.task_id, peer=str(stream.muxed_conn.peer_id))
        with trio.move_on_after(seconds):
            try:
                await stream.read(1)
            except Exception:
                pass
            return False
        return True

    # --- what it does on command ---

    async def connect(self, command):
        info = info_from_p2p_addr(Multiaddr(command["addr"]))
        with trio.fail_after(command.get("timeout", 20)):
            await self.host.connect(info)
        return {"peer_id": str(info.peer_id)}

    async def peer_of(self, command):
        if "addr" in command:
            return ID.from_base58((await self.connect(command))["peer_id"])
        return ID.from_base58(command["peer_id"])

    async def open(self, peer, protocol):
        return await self.host.new_stream(peer, [TProtocol(protocol)])

    async def identify(self, command):
        peer = await self.peer_of(command)
        stream = await self.open(peer, wire.IDENTIFY_PROTOCOL)
        body = await read_frame(stream)
        await stream.close()
        message = parse_identify_response(wire.varint(len(body)) + body)
        described = wire.describe_identify(message.SerializeToString())
        if message.signedPeerRecord:
            envelope, record = consume_envelope(message.signedPeerRecord, "libp2p-peer-record")
            described["signed_peer_record"]["valid"] = record.peer_id == peer
        return {"peer_id": str(peer), "identify": described}

    async def ping(self, command):
        peer = await self.peer_of(command)
        rtts = await PingService(self.host).ping(peer, command.get("count", 1))
        return {"rtts_ms": rtts}

    async def call_once(self, peer, protocol, request):
        stream = await self.open(peer, protocol)
        finished = False
        try:
            await write_frame(stream, request)
            response = TaskResponse.FromString(await read_frame(stream))
            finished = True
            return response.accepted, response.result, response.error
        finally:
            with trio.CancelScope(shield=True):
                await (stream.close() if finished else stream.reset())

    async def task_call(self, command):
        peer = await self.peer_of(command)
        task_id, payload = command.get("task_id", ""), wire.payload_of(command)
        protocol = command.get("protocol", wire.TASK_PROTOCOL)
        request = TaskRequest(task_id=task_id, payload=payload).SerializeToString()
        expected = payload if task_id == "echo" else payload.upper()
        latencies, failures, last = [], [], None
        left = command.get("count", 1)

        async def caller():
            nonlocal left, last
            while left > 0:
                left -= 1
                began = wire.now()
                try:
                    with trio.fail_after(command.get("timeout", 60)):
                        await self.peer_of(command)  # as the template's callers do: connects unless connected
                        last = await self.call_once(peer, protocol, request)
                    if last[0] and last[1] != expected:
                        raise ValueError("the result is not the expected one")
                    latencies.append(wire.now() - began)
                except Exception as error:
                    failures.append(f"{type(error).__name__}: {error}"[:200])

        began = wire.now()
        async with trio.open_nursery() as nursery:
            for _ in range(min(command.get("concurrency", 1), left)):
                nursery.start_soon(caller)
        return wire.summary(latencies, wire.now() - began, failures, last)

    async def raw(self, command):
        """Opens `protocol`, writes `bytes_hex`, optionally half-closes, reads until end or `read_bytes`."""
        peer = await self.peer_of(command)
        stream = await self.open(peer, command["protocol"])
        received, ended = bytearray(), "open"
        try:
            await stream.write(bytes.fromhex(command.get("bytes_hex", "")))
            if command.get("close_write"):
                await stream.close_write()
            with trio.move_on_after(command.get("timeout", 5)):
                try:
                    while len(received) < command.get("read_bytes", 1 << 20):
                        chunk = await stream.read(65536)
                        if not chunk:
                            raise EOFError
                        received += chunk
                except StreamReset:
                    ended = "reset"
                except EOFError:
                    ended = "eof"
        finally:
            with trio.CancelScope(shield=True):
                await (stream.close() if ended != "open" else stream.reset())
        return {"received_hex": bytes(received).hex(), "ended": ended}

    async def list_protocols(self, command):
        return {"protocols": await self.host.send_command(await self.peer_of(command), "ls")}

    async def disconnect(self, command):
        await self.host.disconnect(await self.peer_of(command))
        return {}

    async def stats(self, command):
        return {
            "served": self.served,
            "peers": [str(peer) for peer in self.host.get_connected_peers()],
            "streams": sum(
                len(connection.get_streams())
                for connections in self.host.get_network().connections.values()
                for connection in connections
            ),
        }

    def actions(self):
        return {
            "connect": self.connect,
            "identify": self.identify,
            "ping": self.ping,
            "task_call": self.task_call,
            "raw": self.raw,
            "ls": self.list_protocols,
            "disconnect": self.disconnect,
            "stats": self.stats,
        }

    async def obey(self, command):
        actions = self.actions()
        try:
            action = actions.get(command.get("command"))
            if action is None:
                raise ValueError(f"unknown command; one of {', '.join(actions)}, exit")
            self.lines.result(command, await action(command))
        except Exception as error:
            self.lines.failure(command, error)

    async def run(self, listen):
        self.host.set_stream_handler(TProtocol(wire.TASK_PROTOCOL), self.serve_task)
        commands = trio.wrap_file(sys.stdin)
        async with self.host.run(listen_addrs=[Multiaddr(listen)]), trio.open_nursery() as nursery:
            peer_id = str(self.host.get_id())
            addrs = [str(address).split("/p2p/")[0] + "/p2p/" + peer_id for address in self.host.get_addrs()]
            self.lines.say("ready", peer_id=peer_id, addrs=addrs, pid=os.getpid(), agent="py-libp2p")
            async for line in commands:
                command = json.loads(line)
                if command.get("command") == "exit":
                    break
                nursery.start_soon(self.obey, command)
            nursery.cancel_scope.cancel()

    @classmethod
    def serve_until_exit(cls, arguments, listen):
        lines = wire.Lines()
        trio.run(cls(arguments, lines).run, listen)
        lines.say("bye")
        os._exit(0)  # py-libp2p leaves threads behind that keep the process alive


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--security", choices=["noise", "tls"], default="noise")
    parser.add_argument("--muxer", choices=["yamux", "mplex"], default="yamux")
    parser.add_argument("--listen", default="/ip4/127.0.0.1/tcp/0")
    parser.add_argument("--seed", help="text from which the identity key is derived; random when absent")
    parser.add_argument("--agent", help="what identify says instead of py-libp2p/VERSION")
    parser.add_argument("--pinned", action="store_true", help="with the faults of the template's version")
    parser.add_argument("--alpn-muxer", action="store_true", help="with tls: offer the muxer in ALPN")
    arguments = parser.parse_args()
    Peer.serve_until_exit(arguments, arguments.listen)


if __name__ == "__main__":
    main()
