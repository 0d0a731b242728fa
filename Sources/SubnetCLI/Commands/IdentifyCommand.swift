internal import ArgumentParser

/// `subnet identify`.
struct IdentifyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "identify", abstract: "Ask a peer what it speaks.",
        discussion: "Without /p2p/ID in the address the peer that answers is reported.")

    @Argument(help: ArgumentHelp("Address of the peer.", valueName: "multiaddr"))
    var target: String

    @OptionGroup var client: ClientOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let address = try ArgumentReader.address(target)
        let report = try await NetworkOperations.identify(
            IdentifyRequest(target: address, client: try client.start()))
        if output.json {
            try JSONLine.write(report)
        } else {
            try StandardOutput.write(Self.text(report))
        }
    }

    /// The report for people. What the peer wrote is shown without control characters.
    static func text(_ report: IdentifyReport) -> String {
        var lines = [
            "Peer id     \(report.peerId) (\(report.keyType))",
            "Agent       \(PeerText.printable(report.agentVersion))",
            "Protocol    \(PeerText.printable(report.protocolVersion))",
            "Connection  \(report.security) \(report.muxer)",
            "Sees us at  \(report.observed ?? "(not told)")",
            "Record      \(report.hasSignedRecord ? "signed" : "not signed")",
        ]
        let listen = report.listen.joined(separator: "\n            ")
        lines.append("Listens on  \(listen.isEmpty ? "(not told)" : listen)")
        let protocols = report.protocols.map(PeerText.printable).joined(separator: "\n            ")
        lines.append("Speaks      \(protocols.isEmpty ? "(nothing)" : protocols)")
        return lines.joined(separator: "\n") + "\n"
    }
}

/// Texts that a peer wrote, on their way to a terminal.
enum PeerText {
    /// `text` with control characters replaced, so that it cannot steer the terminal. Line feeds and tabs
    /// stay when `keepsLines` is set.
    static func printable(_ text: String, keepsLines: Bool) -> String {
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            let isLine = scalar == "\n" || scalar == "\t"
            let isControl =
                scalar.value < 0x20 || (0x7F..<0xA0).contains(scalar.value)
                || (0x202A...0x202E).contains(scalar.value) || (0x2066...0x2069).contains(scalar.value)
            result.append(isControl && !(isLine && keepsLines) ? "\u{FFFD}" : scalar)
        }
        return String(result)
    }

    /// `text` on one line.
    static func printable(_ text: String) -> String {
        printable(text, keepsLines: false)
    }
}
