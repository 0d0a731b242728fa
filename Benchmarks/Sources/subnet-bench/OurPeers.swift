internal import SubnetTesting

/// Our serving process.
enum OurServer {
    static func run() async throws {
        let server = try BenchServer()
        try Reply(event: "ready", addrs: await server.start()).say()
        while let command = try nextCommand() {
            try Reply(
                event: "result", ok: false,
                error: .init(kind: "BenchFailure", message: "a server takes no \(command.command)")
            ).say()
        }
        await server.stop()
    }
}

/// Our calling process.
enum OurClient {
    static func run() async throws {
        try Reply(event: "ready").say()
        var client: BenchClient?
        while let command = try nextCommand() {
            do {
                if command.command == "connect", let address = command.addr {
                    client = try await BenchClient(connectingTo: address)
                    try Reply(event: "result", ok: true).say()
                } else if command.command == "round", let client {
                    try await Self.round(command, client).say()
                } else {
                    throw BenchFailure("unknown command; one of connect, round, exit")
                }
            } catch {
                try Reply(
                    event: "result", ok: false, error: .init(kind: "\(type(of: error))", message: "\(error)")
                ).say()
            }
        }
        await client?.stop()
    }

    private static func round(_ command: Command, _ client: BenchClient) async throws -> Reply {
        let bytes = command.bytes ?? 64
        let (concurrency, seconds) = (command.concurrency ?? 1, command.seconds ?? 2)
        switch command.kind {
        case "unary":
            return Reply(try await client.unary(bytes: bytes, concurrency: concurrency, seconds: seconds))
        case "task":
            return Reply(try await client.task(bytes: bytes, concurrency: concurrency, seconds: seconds))
        case "stream": return Reply(try await client.stream(bytes: bytes, count: command.count ?? 1))
        case "bulk":
            let (calls, bulk) = try await client.unaryBesideBulk(
                bytes: bytes, itemBytes: command.count ?? 65_536, seconds: seconds)
            var reply = Reply(calls)
            reply.bulk_mib_per_second = bulk.mebibytesPerSecond
            return reply
        default: throw BenchFailure("unknown kind; one of unary, task, stream, bulk")
        }
    }
}

extension Reply {
    init(_ round: BenchRound) {
        self.init(
            event: "result", ok: true, per_second: round.perSecond, mib_per_second: round.mebibytesPerSecond,
            p50_ms: round.percentile(0.5), p99_ms: round.percentile(0.99))
    }
}
