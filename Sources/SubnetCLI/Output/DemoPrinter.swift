internal import LibP2PIdentity

/// Prints what happens in `subnet demo`: a story for people, or JSON lines.
struct DemoPrinter: Sendable {
    let json: Bool
    /// The answer goes on behind it.
    let prompt: String

    /// The JSON form of an event; fields that do not apply are left out.
    private struct Line: Encodable {
        var event: String
        var role: String?
        var peer: String?
        var address: String?
        var processId: Int32?
        var peers: [String]?
        var index: Int?
        var text: String?
    }

    /// The JSON form of the report.
    private struct ReportLine: Encodable {
        let event = "done"
        let text: String
        let equalToUndisturbed: Bool
        let firstTokenMilliseconds: Double
        let tokensPerSecond: Double
        let tokens: Int
        let bytesSent: Int
        let bytesReceived: Int
        let peers: Int
    }

    /// Prints what is asked.
    func start() throws {
        if !json {
            try StandardOutput.writeLine(
                "A subnet on loopback. The client knows the address of the bootnode only.\n")
        }
    }

    /// Prints one event.
    func print(_ event: DemoEvent) throws {
        if json {
            try JSONLine.write(Self.line(event))
        } else {
            try StandardOutput.write(text(event))
        }
    }

    /// Prints the table at the end.
    func print(_ report: DemoReport) throws {
        guard !json else {
            return try JSONLine.write(
                ReportLine(
                    text: report.text, equalToUndisturbed: report.isEqualToUndisturbed,
                    firstTokenMilliseconds: report.firstToken.milliseconds,
                    tokensPerSecond: report.tokensPerSecond,
                    tokens: report.tokens, bytesSent: report.bytesSent, bytesReceived: report.bytesReceived,
                    peers: report.peers))
        }
        let verdict = report.isEqualToUndisturbed ? "equal, no token lost or repeated" : "DIFFERENT"
        let bytes = [report.bytesSent, report.bytesReceived].map { Figures.bytes(Double($0)) }
        try StandardOutput.write(
            """
            \(report.rest)

            Undisturbed run   \(verdict)
            First token       \(Figures.milliseconds(report.firstToken.milliseconds))
            Tokens            \(report.tokens), \(Figures.rounded(report.tokensPerSecond, 1)) per second
            Bytes             \(bytes[0]) sent, \(bytes[1]) received
            Peers             \(report.peers)

            """)
    }

    private static func line(_ event: DemoEvent) -> Line {
        switch event {
        case .started(let role, let peer, let address, let process):
            Line(
                event: "started", role: role, peer: peer.description, address: address.description,
                processId: process)
        case .found(let hosters):
            Line(event: "found", peers: hosters.map(\.description))
        case .token(let token, let hoster):
            Line(event: "token", peer: hoster.description, index: token.index, text: token.text)
        case .killed(let hoster, let tokens):
            Line(event: "killed", peer: hoster.description, index: tokens)
        case .continued(let hoster, let token):
            Line(event: "continued", peer: hoster.description, index: token)
        }
    }

    private func text(_ event: DemoEvent) -> String {
        switch event {
        case .started(let role, let peer, let address, let process):
            "\(role), process \(process): \(short(peer)) at \(address)\n"
        case .found(let hosters):
            "client: the bootnode names the hosters \(hosters.map(short).joined(separator: " and "))\n"
                + "\n\(prompt)"
        case .token(let token, _):
            token.text
        case .killed(let hoster, let tokens):
            "\n  [\(short(hoster)) killed after \(tokens) tokens]\n"
        case .continued(let hoster, let token):
            "  [\(short(hoster)) continues with token \(token)]\n"
        }
    }

    /// The end of a peer id; its beginning is the same for all keys of a type.
    private func short(_ peer: PeerID) -> String {
        "…\(peer.description.suffix(8))"
    }
}
