#!/usr/bin/env python3
"""One side of py-libp2p's TaskProtocol under load, commanded like bench_hivemind.py (README.md here).

The server is the same program with nothing asked of it: it serves TaskProtocol as the test peer does.
"""

import argparse

import trio
from libp2p.peer.id import ID

import wire
from py_libp2p_peer import Peer, TaskRequest


class BenchPeer(Peer):
    remote = None

    async def connect(self, command):
        found = await super().connect(command)
        self.remote = ID.from_base58(found["peer_id"])
        await self.call_once(self.remote, wire.TASK_PROTOCOL, TaskRequest(task_id="echo").SerializeToString())
        return found

    async def round(self, command):
        if command["kind"] != "unary":
            raise ValueError("TaskProtocol has unary calls only")
        size, latencies = command["bytes"], []
        payload = wire.payload_of({"size": size})
        request = TaskRequest(task_id="echo", payload=payload).SerializeToString()
        began = wire.now()
        until = began + command.get("seconds", 2)

        async def caller():
            while wire.now() < until:
                started = wire.now()
                _, result, _ = await self.call_once(self.remote, wire.TASK_PROTOCOL, request)
                if len(result) != size:
                    raise ValueError("short answer")
                latencies.append(wire.now() - started)

        async with trio.open_nursery() as nursery:
            for _ in range(command.get("concurrency", 1)):
                nursery.start_soon(caller)
        return wire.round_result(latencies, size, len(latencies), wire.now() - began)

    def actions(self):
        return super().actions() | {"round": self.round}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--role", choices=["server", "client"], required=True)
    parser.add_argument("--security", choices=["noise", "tls"], default="noise")
    arguments = parser.parse_args()
    BenchPeer.serve_until_exit(
        argparse.Namespace(
            security=arguments.security, muxer="yamux", seed=None, alpn_muxer=False, pinned=False, agent=None
        ),
        "/ip4/127.0.0.1/tcp/0",
    )


if __name__ == "__main__":
    main()
