internal import AccountKeys
internal import NIOCore
internal import Testing

@testable internal import BittensorCore

/// What is known to work against Python's server, one case per line of its list of security facts: against
/// compatible mode each still succeeds, as there, and against strict each fails.
@Suite struct AttackTests {
    enum Attack: String, CaseIterable, CustomTestStringConvertible {
        case signatureLeftOut, timeoutRaised, uuidRenewed, versionStripped, bodyNamesAnother,
            blacklistAskedForAnother
        case replayAfterRestart
        var testDescription: String { self.rawValue }
    }

    /// Requests of an honest client, and the attacker's last. `nil` stands for a restart of the server.
    static func requests(_ attack: Attack) throws -> [SignedRequest?] {
        let honest = try SignedRequest(Echo(message: "pay"))
        // Captured an hour ago.
        var captured = try SignedRequest(Echo(message: "pay"), nonce: UnixTime.test.plus(seconds: -3600))
        switch attack {
        case .signatureLeftOut:
            var forged = honest
            forged.remove("bt_header_dendrite_signature")
            return [forged]
        case .timeoutRaised:
            captured.set("timeout", "999999.0")
            return [captured]
        case .uuidRenewed:
            var again = honest
            again.set("bt_header_dendrite_uuid", "another")
            return [honest, again]
        case .versionStripped:
            captured.remove("bt_header_dendrite_version")
            return [captured]
        case .bodyNamesAnother:
            var forged = honest
            forged.body = ByteBuffer(
                string: #"{"message":"pay","dendrite":{"hotkey":"\#(TestKeys.axonAddress)"}}"#)
            return [forged]
        case .blacklistAskedForAnother:
            var forged = honest
            forged.set("bt_header_dendrite_hotkey", TestKeys.axonAddress)
            return [forged]
        case .replayAfterRestart: return [honest, nil, honest]
        }
    }

    /// Whether the attacker got what it wanted.
    static func succeeds(_ attack: Attack, against mode: AxonMode) async throws -> Bool {
        let journal = NonceTests.Journal()
        func start() async throws -> TestServer {
            let server = try TestServer(
                mode, routes: [AxonRoute(schema: Echo.schema, hasBlacklist: true)], journal: journal)
            try await server.authenticator.prepare()
            return server
        }
        var server = try await start()
        var outcome: TestServer.Outcome?
        for request in try Self.requests(attack) {
            guard let request else {
                server = try await start()
                continue
            }
            outcome = await server.serve(request.head, body: request.body, at: .test)
        }
        let last = try #require(outcome)
        switch attack {
        case .bodyNamesAnother: return last.handled?.head.dendrite.hotkey == TestKeys.axonAddress
        case .blacklistAskedForAnother: return last.steps.contains("blacklist")
        default: return last.handled != nil
        }
    }

    @Test(arguments: Attack.allCases) func strictWithstands(attack: Attack) async throws {
        #expect(try await !Self.succeeds(attack, against: .strict(.init())))
    }

    @Test(arguments: Attack.allCases) func compatibleIsAsWeakAsPython(attack: Attack) async throws {
        let isWeak = try await Self.succeeds(attack, against: .compatible(.python912))
        // A new uuid needs a new signature: nobody but the hotkey can make one.
        #expect(isWeak == (attack != .uuidRenewed))
    }
}
