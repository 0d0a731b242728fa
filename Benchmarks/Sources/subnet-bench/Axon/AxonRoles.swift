internal import Bittensor
internal import NIOCore

/// Our serving process of the Bittensor rounds: an axon in strict mode with the same echo as the Python one.
enum AxonServer {
    static func run() async throws {
        var configuration = Axon.Configuration()
        configuration.port = 0
        let axon = try Axon(hotkey: SignedEcho.keys(SignedEcho.axonPhrase), configuration: configuration)
        var hooks = SynapseHooks<Echo>()
        hooks.runsOnEventLoop = true
        try axon.attach(Echo.self, hooks: hooks) { echo, _ in
            var echo = echo
            echo.reply = echo.message
            return echo
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await axon.run() }
            let endpoint = try await axon.listening
            try Reply(event: "ready", addrs: ["127.0.0.1:\(endpoint.port)"]).say()
            while try nextCommand() != nil {}
            group.cancelAll()
        }
    }
}

/// The calling process of the Bittensor rounds, the same for both axons.
enum AxonClient {
    /// Requests that a round may send in a second; more are not signed.
    static let perSecondMax = 9_000.0

    static func run() async throws {
        try Reply(event: "ready").say()
        var echo: SignedEcho?
        var port = 0
        while let command = try nextCommand() {
            do {
                if command.command == "connect", let address = command.addr {
                    port = address.split(separator: ":").last.flatMap { Int($0) } ?? 0
                    echo = try SignedEcho(to: port)
                    try Reply(event: "result", ok: true).say()
                } else if command.command == "round", let echo {
                    try await Self.round(command, echo, port).say()
                } else {
                    throw BenchFailure("unknown command; one of connect, round, exit")
                }
            } catch {
                try Reply(
                    event: "result", ok: false, error: .init(kind: "\(type(of: error))", message: "\(error)")
                ).say()
            }
        }
    }

    /// Signed echoes over `concurrency` connections at the same time. `count` says how many requests to sign
    /// in all.
    private static func round(_ command: Command, _ echo: SignedEcho, _ port: Int) async throws -> Reply {
        let (concurrency, seconds) = (command.concurrency ?? 1, command.seconds ?? 2)
        let each = max(1, (command.count ?? Int(Self.perSecondMax * seconds)) / concurrency)
        let prepared = try (0..<concurrency).map { _ in try echo.requests(each) }
        let start = NIODeadline.now()
        let ends = start + .nanoseconds(Int64(seconds * 1e9))
        let times = try await withThrowingTaskGroup(of: [UInt64].self) { group in
            for requests in prepared {
                group.addTask { try await EchoConnection.run(requests, port: port, until: ends) }
            }
            var all: [UInt64] = []
            for try await times in group { all += times }
            return all.sorted()
        }
        let took = Double((NIODeadline.now() - start).nanoseconds) / 1e9
        func percentile(_ share: Double) -> Double? {
            times.isEmpty ? nil : Double(times[min(times.count - 1, Int(Double(times.count) * share))]) / 1e6
        }
        return Reply(
            event: "result", ok: true, per_second: Double(times.count) / took, p50_ms: percentile(0.5),
            p99_ms: percentile(0.99))
    }
}
