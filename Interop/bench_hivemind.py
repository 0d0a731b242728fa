#!/usr/bin/env python3
"""One side of hivemind's RPC under load: a server or a client process that a benchmark commands.

Each side starts its own Go daemon, exactly as hivemind does for its users. Unary methods are timed by
their round trip; a stream is timed from its call to its end. Commands: README.md beside this file.
"""

import argparse
import asyncio
import json
import os
import sys
from typing import AsyncIterator

from hivemind.p2p import P2P, P2PContext, PeerID, ServicerBase
from hivemind.proto.runtime_pb2 import ExpertRequest, ExpertResponse
from hivemind.utils import switch_to_uvloop

import wire


class Bench(ServicerBase):
    async def rpc_echo(self, request: ExpertRequest, context: P2PContext) -> ExpertResponse:
        return ExpertResponse(metadata=request.metadata)

    async def rpc_stream(
        self, request: ExpertRequest, context: P2PContext
    ) -> AsyncIterator[ExpertResponse]:
        wanted = json.loads(request.uid)
        item = ExpertResponse(metadata=wire.payload_of({"size": wanted["bytes"]}))
        for _ in range(wanted["count"]):
            yield item


async def unary_round(stub, size, concurrency, seconds):
    request = ExpertRequest(metadata=wire.payload_of({"size": size}))
    latencies, began = [], wire.now()
    until = began + seconds

    async def caller():
        while wire.now() < until:
            started = wire.now()
            response = await stub.rpc_echo(request)
            if len(response.metadata) != size:
                raise ValueError("short answer")
            latencies.append(wire.now() - started)

    await asyncio.gather(*(caller() for _ in range(concurrency)))
    return wire.round_result(latencies, size, len(latencies), wire.now() - began)


async def stream_round(stub, size, count):
    began, received = wire.now(), 0
    async for item in await stub.rpc_stream(ExpertRequest(uid=json.dumps({"bytes": size, "count": count}))):
        if len(item.metadata) != size:
            raise ValueError("short item")
        received += 1
    if received != count:
        raise ValueError(f"{received} of {count} items")
    return wire.round_result([], size, received, wire.now() - began)


async def run(role, lines):
    p2p = await P2P.create(
        host_maddrs=["/ip4/127.0.0.1/tcp/0"],
        auto_nat=False,
        nat_port_map=False,
        use_relay=False,
        startup_timeout=60,
    )
    if role == "server":
        await Bench().add_p2p_handlers(p2p)
    addresses = [str(address) for address in await p2p.get_visible_maddrs()]
    lines.say("ready", peer_id=str(p2p.peer_id), addrs=addresses, pid=os.getpid(), agent="hivemind")
    stub = None
    commands = asyncio.StreamReader()
    protocol = asyncio.StreamReaderProtocol(commands)
    await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, sys.stdin)
    while line := await commands.readline():
        command = json.loads(line)
        try:
            name = command["command"]
            if name == "exit":
                break
            if name == "connect":
                transport, peer = wire.split_address(command["addr"])
                peer = PeerID.from_base58(peer)
                address = type(p2p.daemon_listen_maddr)(transport)
                await p2p._client.connect(peer, [address])
                stub = Bench.get_stub(p2p, peer)
                await stub.rpc_echo(ExpertRequest(metadata=b"warm"))
                lines.result(command, {"peer_id": str(peer)})
            elif name == "round" and command["kind"] == "unary":
                size, concurrency = command["bytes"], command.get("concurrency", 1)
                lines.result(command, await unary_round(stub, size, concurrency, command.get("seconds", 2)))
            elif name == "round" and command["kind"] == "stream":
                lines.result(command, await stream_round(stub, command["bytes"], command["count"]))
            else:
                raise ValueError("unknown command; one of connect, round (unary or stream), exit")
        except Exception as error:
            lines.failure(command, error)
    await p2p.shutdown()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--role", choices=["server", "client"], required=True)
    lines = wire.Lines()
    switch_to_uvloop().run_until_complete(run(parser.parse_args().role, lines))  # as hivemind itself does
    lines.say("bye")
    os._exit(0)


if __name__ == "__main__":
    main()
