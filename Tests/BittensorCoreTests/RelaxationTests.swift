internal import AccountKeys
internal import NIOCore
internal import Testing

@testable internal import BittensorCore

/// Each relaxation alone: with it a request has one outcome, without it another, and nothing else differs.
@Suite struct RelaxationTests {
    /// What there is to see of an outcome.
    struct Seen: Equatable {
        var status: Int
        var firstStep: String?
        var message: String?
        var handlerSees: String?
    }

    static let old = UnixTime.test.plus(seconds: -3600)

    static func seen(_ relaxation: Relaxation, with relaxations: Set<Relaxation>) async throws -> Seen {
        let policy = CompatiblePolicy(relaxations: relaxations)
        let server = try TestServer(
            .compatible(policy),
            routes: [
                AxonRoute(
                    schema: Echo.schema, hasVerify: relaxation == .customVerifyReplaces, hasBlacklist: true)
            ])
        var outcome: TestServer.Outcome?
        for request in try Self.requests(relaxation) {
            outcome = await server.serve(
                request.head, body: request.body, at: .test,
                TestServer.Behaviour(handler: { synapse, _, _ in
                    var synapse = synapse
                    if relaxation == .nonLatin1MessageFails { synapse.head.axon.statusMessage = "\u{2603}" }
                    return .synapse(synapse)
                }))
        }
        let last = try #require(outcome)
        return Seen(
            status: last.status, firstStep: last.steps.first,
            message: last.reply.error == nil ? nil : last.message,
            handlerSees: last.handled?.head.dendrite.hotkey)
    }

    /// The requests whose last one tells.
    static func requests(_ relaxation: Relaxation) throws -> [SignedRequest] {
        var request = try SignedRequest(Echo(message: "x"))
        switch relaxation {
        case .blacklistBeforeSignature, .nonLatin1MessageFails: break
        case .signatureOptional, .customVerifyReplaces: request.remove("bt_header_dendrite_signature")
        case .uncappedTimeoutWindow:
            request = try SignedRequest(Echo(message: "x"), nonce: Self.old, timeout: 999_999)
        case .futureNonces:
            request = try SignedRequest(Echo(message: "x"), nonce: UnixTime.test.plus(seconds: 3600))
        case .versionlessSkipsFreshness:
            request = try SignedRequest(Echo(message: "x"), nonce: Self.old)
            request.remove("bt_header_dendrite_version")
        case .highWaterMarkNonces:
            return [request, try SignedRequest(Echo(message: "x"), nonce: UnixTime.test.plus(seconds: -1))]
        case .missingUUID:
            request.remove("bt_header_dendrite_uuid")
            try request.sign(uuid: nil)
        case .wrappedSignatures: try request.sign(wrapped: true)
        case .foreignAddresses:
            let address = try TestKeys.dendrite().accountID.ss58(prefix: 0)
            request.set("bt_header_dendrite_hotkey", address)
            try request.sign(hotkey: address)
        case .bodyTerminals: request.replaceInBody(TestKeys.dendriteAddress, TestKeys.axonAddress)
        case .routesDisclosed: request.head.target = "/Nope"
        case .mismatchEchoed: request.set("computed_body_hash", String(repeating: "0", count: 64))
        case .headerErrorsAs500: request.set("total_size", "x")
        case .bodyErrorsAs500: request.body = ByteBuffer(string: "[]")
        case .pythonHeaders:
            request.head.headers.add("bt_header_dendrite_nonce", "\(UnixTime.test.nanoseconds)")
        case .anyMethod: request.head.method = "GET"
        }
        return [request]
    }

    @Test(arguments: Relaxation.allCases) func eachIsHonouredAlone(relaxation: Relaxation) async throws {
        // An absent signature would hide what the operator's verify replaces.
        let all = Set(Relaxation.allCases)
            .subtracting(relaxation == .customVerifyReplaces ? [.signatureOptional] : [])
        let relaxed = try await Self.seen(relaxation, with: all)
        let tight = try await Self.seen(relaxation, with: all.subtracting([relaxation]))
        #expect(relaxed != tight)
        switch relaxation {
        case .signatureOptional, .uncappedTimeoutWindow, .futureNonces, .versionlessSkipsFreshness,
            .missingUUID,
            .wrappedSignatures, .foreignAddresses, .customVerifyReplaces:
            #expect(relaxed.status == 200 && tight.status == 401)
        case .highWaterMarkNonces: #expect(relaxed.status == 401 && tight.status == 200)
        case .blacklistBeforeSignature:
            #expect(relaxed.firstStep == "blacklist" && tight.firstStep == "authenticate")
        case .bodyTerminals:
            #expect(
                relaxed.handlerSees == TestKeys.axonAddress && tight.handlerSees == TestKeys.dendriteAddress)
        case .routesDisclosed:
            #expect(relaxed.message?.contains("['Echo']") == true && tight.message?.contains("Echo") == false)
        case .mismatchEchoed:
            #expect(relaxed.message?.contains(TestKeys.axonAddress) == true)
            #expect(tight.message == "Not Verified with error: Signature mismatch")
        case .headerErrorsAs500, .bodyErrorsAs500: #expect(relaxed.status == 500 && tight.status == 400)
        case .pythonHeaders: #expect(relaxed.status == 200 && tight.status == 500)
        case .anyMethod: #expect(relaxed.status == 200 && tight.status == 405)
        case .nonLatin1MessageFails: #expect(relaxed.status == 500 && tight.status == 200)
        }
    }

    @Test func theReleasesDifferInTheSignature() {
        #expect(!CompatiblePolicy.python105.relaxations.contains(.signatureOptional))
        #expect(CompatiblePolicy.python912.relaxations.contains(.signatureOptional))
        #expect(AxonMode.strict(.init()).relaxations.isEmpty)
        #expect(Set(Relaxation.allCases.map(\.explanation)).count == Relaxation.allCases.count)
    }
}

extension SignedRequest {
    /// Signs the headers again, in a way of its own.
    fileprivate mutating func sign(
        uuid: String? = "u-1", hotkey: String = TestKeys.dendriteAddress, wrapped: Bool = false
    ) throws {
        var message = SynapseSignature.dendriteMessage(
            nonce: Int(UnixTime.test.nanoseconds), dendrite: hotkey, axon: TestKeys.axonAddress, uuid: uuid,
            bodyHash: self.head.headers.first("computed_body_hash"))
        if wrapped { message = "<Bytes>\(message)</Bytes>" }
        self.set("bt_header_dendrite_signature", try TestKeys.dendrite().signatureText(of: message))
    }
}
