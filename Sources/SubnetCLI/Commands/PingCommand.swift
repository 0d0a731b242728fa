internal import ArgumentParser
internal import LibP2PIdentity
internal import Synchronization

/// `subnet ping`.
struct PingCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ping", abstract: "Measure the latency to a peer.",
        discussion: "Without /p2p/ID in the address the peer that answers is reported.")

    @Argument(help: ArgumentHelp("Address of the peer.", valueName: "multiaddr"))
    var target: String

    @Option(parsing: .unconditional, help: "Number of pings.")
    var count = 5

    @Option(
        parsing: .unconditional, help: ArgumentHelp("Seconds between pings.", valueName: "seconds"),
        transform: ArgumentReader.seconds)
    var interval: Duration = .seconds(1)

    @OptionGroup var client: ClientOptions
    @OptionGroup var output: OutputOptions

    private struct Summary: Encodable {
        let event = "summary"
        let peer: String
        let received: Int
        let minimumMilliseconds: Double
        let meanMilliseconds: Double
        let maximumMilliseconds: Double
    }

    func run() async throws {
        try ArgumentReader.check(count, in: 1...1_000_000, "--count")
        let address = try ArgumentReader.address(target)
        let request = PingRequest(
            target: address, count: count, interval: interval, client: try client.start())
        let json = output.json
        let times = Mutex<PingTimes>(PingTimes())
        let peer = try await NetworkOperations.ping(request) { reply in
            times.withLock { $0.add(reply.milliseconds) }
            if json {
                try JSONLine.write(reply)
            } else {
                let time = Figures.milliseconds(reply.milliseconds)
                try StandardOutput.writeLine("\(reply.peer): ping \(reply.sequence), \(time)")
            }
        }
        let result = times.withLock { $0 }
        guard result.count > 0 else { throw CommandFailure("\(peer) answered no ping.") }
        if json {
            try JSONLine.write(
                Summary(
                    peer: peer.description, received: result.count, minimumMilliseconds: result.minimum,
                    meanMilliseconds: result.mean, maximumMilliseconds: result.maximum))
        } else {
            let figures = [result.minimum, result.mean, result.maximum].map(Figures.milliseconds)
            let span = "minimum \(figures[0]), mean \(figures[1]), maximum \(figures[2])"
            try StandardOutput.writeLine("\(result.count) of \(count) answered; \(span)")
        }
    }
}

/// The times of the answers so far.
struct PingTimes: Sendable {
    private(set) var count = 0
    private(set) var minimum = Double.infinity
    private(set) var maximum = 0.0
    private var sum = 0.0

    /// The mean; zero before the first answer.
    var mean: Double { count == 0 ? 0 : sum / Double(count) }

    /// Takes one more into account.
    mutating func add(_ milliseconds: Double) {
        count += 1
        sum += milliseconds
        minimum = min(minimum, milliseconds)
        maximum = max(maximum, milliseconds)
    }
}
