internal import ArgumentParser
internal import LibP2PIdentity

/// `subnet infer`.
struct InferCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "infer", abstract: "Ask a model on the subnet and stream its answer.",
        discussion:
            "The target is an address with /p2p/ID, or a peer id whose address the bootstrap nodes tell.")

    @Argument(help: ArgumentHelp("Who is to answer.", valueName: "multiaddr|peerid"))
    var target: String

    @Option(parsing: .unconditional, help: ArgumentHelp("The prompt.", valueName: "text"))
    var prompt: String

    @Option(parsing: .unconditional, help: "Most tokens of the answer.")
    var maxNewTokens = 128

    @Option(
        help: ArgumentHelp(
            "Node that knows peers, with /p2p/ID; repeats or takes a,b,c.", valueName: "multiaddr"))
    var bootstrap: [String] = []

    @Option(parsing: .unconditional, help: "0 takes the likeliest token, more is more varied.")
    var temperature = 0.8

    @Option(parsing: .unconditional, help: "Choose among this many likeliest tokens; 0 means all.")
    var topK = 0

    @Option(
        parsing: .unconditional,
        help: "Choose among the likeliest tokens that have this share together; 1 means all.")
    var topP = 1.0

    @Option(parsing: .unconditional, help: "The same seed gives the same answer; without it one is drawn.")
    var seed: UInt64?

    @Option(
        parsing: .unconditional, help: ArgumentHelp("Seconds for the whole answer.", valueName: "seconds"),
        transform: ArgumentReader.seconds)
    var timeout: Duration = .seconds(300)

    @OptionGroup var client: ClientOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let request = try request()
        let json = output.json
        let progress = ProgressLine(isShown: StandardError.isTerminal && !json)
        progress.show("waiting for the first token")
        let report: InferReport
        do {
            report = try await NetworkOperations.infer(request) { token in
                progress.clear()
                if json {
                    try JSONLine.write(InferTokenLine(token))
                } else {
                    try StandardOutput.write(InferTokenLine.shown(token.text))
                }
            }
        } catch {
            progress.clear()
            throw error
        }
        progress.clear()
        if json {
            try JSONLine.write(InferReportLine(report))
        } else {
            try StandardOutput.writeLine(InferTokenLine.shown(report.rest))
            StandardError.writeLine(InferReportLine.sentence(report))
        }
    }

    private func request() throws -> InferRequest {
        try ArgumentReader.check(maxNewTokens, in: 1...1_000_000, "--max-new-tokens")
        try ArgumentReader.check(temperature, in: 0...100, "--temperature")
        try ArgumentReader.check(topK, in: 0...1_000_000, "--top-k")
        guard topP > 0, topP <= 1 else {
            throw CommandFailure("--top-p must be more than 0 and at most 1, not \(topP).", status: .usage)
        }
        let target = try ArgumentReader.target(target)
        let bootstrap = try ArgumentReader.addresses(bootstrap, peerIDNeeded: true)
        if case .peer(let peer) = target, bootstrap.isEmpty {
            throw CommandFailure(
                "To find \(peer) by its id, name a node that knows it with --bootstrap.", status: .usage)
        }
        return InferRequest(
            target: target, bootstrap: bootstrap, prompt: prompt, newTokensMax: maxNewTokens,
            temperature: temperature,
            topK: topK, topP: topP, seed: seed, timeout: timeout, client: try client.start())
    }
}

/// The JSON form of a token.
struct InferTokenLine: Encodable {
    let event = "token"
    let index: Int
    let tokenId: Int
    let text: String

    init(_ token: InferToken) {
        index = token.index
        tokenId = token.tokenID
        text = token.text
    }

    /// The text of a token for standard output; on a terminal without control characters.
    static func shown(_ text: String) -> String {
        StandardOutput.isTerminal ? PeerText.printable(text, keepsLines: true) : text
    }
}

/// The JSON form of the end of an answer.
struct InferReportLine: Encodable {
    let event = "done"
    let peer: String
    let newTokens: Int
    let finishReason: String
    let seed: UInt64
    let firstTokenMilliseconds: Double
    let milliseconds: Double
    let tokensPerSecond: Double
    /// What the answer has behind the text of its tokens; left out when that is nothing.
    let text: String?

    init(_ report: InferReport) {
        peer = report.peer.description
        newTokens = report.newTokens
        finishReason = report.finishReason
        seed = report.seed
        firstTokenMilliseconds = report.firstToken.milliseconds
        milliseconds = report.elapsed.milliseconds
        tokensPerSecond = Self.rate(report)
        text = report.rest.isEmpty ? nil : report.rest
    }

    /// The end of an answer for people.
    static func sentence(_ report: InferReport) -> String {
        let first = Figures.milliseconds(report.firstToken.milliseconds)
        let rate = Figures.rounded(rate(report), 1)
        let reason = PeerText.printable(report.finishReason)
        return """
            \(report.newTokens) tokens from \(report.peer), first after \(first), \(rate) tokens/s, \
            seed \(report.seed), \(reason)
            """
    }

    private static func rate(_ report: InferReport) -> Double {
        let milliseconds = report.elapsed.milliseconds
        return milliseconds > 0 ? Double(report.newTokens) * 1000 / milliseconds : 0
    }
}
