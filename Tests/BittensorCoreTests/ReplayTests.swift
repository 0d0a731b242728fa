internal import AccountKeys
internal import Foundation
internal import NIOCore
internal import Testing

@testable internal import BittensorCore

/// Every captured exchange is served again in compatible mode and must be answered as it was.
///
/// What is normalised, and nothing else: `date`, `server` and `connection`, which a driver writes;
/// `process_time` in header and body, and with it the digits that it adds to `content-length`; `header_size`
/// and `total_size` of replies, which are sizes of CPython's objects; the randomised signature of the server,
/// which is verified against the text that our reply wants signed, nonce and uuid included. Clock, ids of
/// opaque failures and the client's port are injected as captured.
@Suite struct ReplayTests {
    static let policies: [String: CompatiblePolicy] = ["9.12.2": .python912, "10.5.0": .python105]

    @Test(arguments: ["9.12.2", "10.5.0"]) func everyExchangeIsAnsweredAsItWas(version: String) async throws {
        let policy = try #require(Self.policies[version])
        var server = try CapturedServer(version, mode: .compatible(policy))
        var replayed = 0
        for exchange in try CapturedExchange.all(version) where exchange.request != nil {
            let outcome = try await server.serve(exchange)
            guard let captured = exchange.response else {
                // The client went away before the answer; here it is answered.
                #expect(outcome.status == 200, "\(exchange.name)")
                continue
            }
            let name = Comment(rawValue: exchange.name)
            #expect(outcome.status == captured.status, name)
            #expect(Self.normalized(outcome.reply.headers) == Self.normalized(captured.headers), name)
            #expect(try Self.body(outcome.reply) == Self.body(captured), name)
            #expect(outcome.reply.isStream == (exchange.name == "stream"), name)
            if let body = outcome.reply.body {
                #expect(outcome.reply.headers.first("content-length") == String(body.readableBytes), name)
            }
            try Self.checkSignature(outcome.reply, captured, name)
            replayed += 1
        }
        #expect(replayed == 89)
    }

    private static let normalizedNames: Set = [
        "date", "server", "connection", "transfer-encoding", "content-length", "header_size", "total_size",
        "bt_header_axon_process_time", "bt_header_axon_signature",
    ]

    /// Headers in order; of the normalised ones that both sides write, only that they are there.
    static func normalized(_ headers: HeaderList) -> [HeaderField] {
        headers.fields.compactMap { field in
            let name = field.name.lowercased()
            if ["date", "server", "connection", "transfer-encoding"].contains(name) { return nil }
            return HeaderField(name, Self.normalizedNames.contains(name) ? "*" : field.value)
        }
    }

    static func body(_ reply: AxonReply) throws -> String {
        try reply.body.map { try Self.normalized(String(buffer: $0)) } ?? ""
    }

    static func body(_ captured: CapturedMessage) throws -> String {
        captured.headers.first("transfer-encoding") == nil ? try Self.normalized(captured.text) : ""
    }

    /// The bytes of a body, with the handler's time taken out.
    private static func normalized(_ text: String) throws -> String {
        guard text.hasPrefix("{"), var json = try JSONValue(parsing: text).objectValue,
            case .object(var axon)? = json["axon"]
        else { return text }
        #expect(try JSONValue.object(json).text() == text, "the body is not compact JSON")
        axon["process_time"] = "*"
        json["axon"] = .object(axon)
        return try JSONValue.object(json).text()
    }

    private static func checkSignature(
        _ reply: AxonReply, _ captured: CapturedMessage, _ name: Comment
    ) throws {
        let text = captured.headers.first("bt_header_axon_signature")
        #expect((text == nil) == (reply.signing == nil), name)
        guard let text, let signing = reply.signing else { return }
        #expect(try SignatureTests.isValid(text, signing, by: TestKeys.axonAddress), name)
        var signed = reply
        try signed.sign(with: try TestKeys.axon())
        let ours = signed.headers.first("bt_header_axon_signature")
        #expect(try SignatureTests.isValid(ours, signing, by: TestKeys.axonAddress), name)
        #expect(signed.headers.fields.count == reply.headers.fields.count)
    }

    // MARK: Strict

    /// Where strict answers otherwise, in the words of docs/protocols/bittensor-strict.md.
    static func differences() async throws -> [String] {
        var compatible = try CapturedServer("10.5.0", mode: .compatible(.python105))
        var strict = try CapturedServer("10.5.0", mode: .strict(.init()))
        var rows: [String] = []
        for exchange in try CapturedExchange.all("10.5.0") where exchange.request != nil {
            let before = try await compatible.serve(exchange)
            let after = try await strict.serve(exchange)
            let (left, right) = (Self.words(before), Self.words(after))
            if left != right { rows.append("| \(exchange.name) | \(left) | \(right) |") }
        }
        return rows
    }

    private static func words(_ outcome: TestServer.Outcome) -> String {
        var text = "\(outcome.status)"
        if outcome.reply.error != nil, var message = outcome.message {
            if let start = message.firstRange(of: "#") { message = message[..<start.lowerBound] + "#id" }
            if let start = message.firstRange(of: " Available") {
                message = message[..<start.lowerBound] + " (routes)"
            }
            if let start = message.firstRange(of: "mismatch with") {
                message = message[..<start.lowerBound] + "mismatch (with message and signature)"
            }
            if let start = message.firstRange(of: "but request was ") {
                message = message[..<start.lowerBound] + "…"
            }
            text += " " + message
        } else if outcome.reply.headers.first("content-type")?.hasPrefix("text/plain") == true {
            text += " as text"
        } else if outcome.status >= 300, outcome.handled == nil {
            text += " of the framework"
        }
        if let head = outcome.handled?.head, let hotkey = head.dendrite.hotkey,
            hotkey != TestKeys.dendriteAddress
        {
            text += ", the handler sees \(hotkey)"
        }
        return text.replacing("|", with: "\\|")
    }

    @Test func thePageNamesEveryDifferenceOfStrict() async throws {
        let rows = try await Self.differences()
        let page = try Self.page()
        let start = try #require(page.firstRange(of: "<!-- differences: begin -->\n"))
        let end = try #require(page.firstRange(of: "<!-- differences: end -->"))
        let table = page[start.upperBound..<end.lowerBound].split(separator: "\n").dropFirst(2).map(
            String.init)
        if ProcessInfo.processInfo.environment["SUBNET_PRINT_TABLE"] != nil {
            print(rows.joined(separator: "\n"))
        }
        #expect(table == rows)
        #expect(!rows.isEmpty)
    }

    @Test func thePageNamesEveryRelaxation() throws {
        let page = try Self.page()
        for relaxation in Relaxation.allCases {
            #expect(
                page.contains(
                    "| `\(relaxation.rawValue)` | \(relaxation.explanation.replacing("|", with: "\\|")) |"))
        }
    }

    static func page() throws -> String {
        let file = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../docs/protocols/bittensor-strict.md")
        return try String(contentsOf: file, encoding: .utf8)
    }

    /// Unmodified clients of both releases work against strict: whatever a real dendrite sent and Python's
    /// server answered with 200, strict answers with 200.
    @Test(arguments: ["9.12.2", "10.5.0"]) func unmodifiedDendritesWorkAgainstStrict(version: String)
        async throws
    {
        var server = try CapturedServer(version, mode: .strict(.init()))
        var successes = 0
        for exchange in try CapturedExchange.all(version)
        where exchange.isFromDendrite && exchange.response?.status == 200 {
            let outcome = try await server.serve(exchange)
            let name = Comment(rawValue: exchange.name)
            #expect(outcome.status == 200, name)
            #expect(outcome.caller?.isProven == true, name)
            let captured = try #require(exchange.response)
            if !outcome.reply.isStream {
                let type = try SynapseCodecTests.type(outcome.reply.headers.first("name"))
                let body = try #require(outcome.reply.body)
                let ours = try AnySynapse(body: body, schema: type.schema)
                let theirs = try AnySynapse(body: captured.body, schema: type.schema)
                #expect(ours.fields == theirs.fields, name)
            }
            successes += 1
        }
        #expect(successes == 11)
    }
}
