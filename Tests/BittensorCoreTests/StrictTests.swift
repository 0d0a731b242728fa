internal import AccountKeys
internal import NIOCore
internal import Testing

@testable internal import BittensorCore

@Suite struct StrictTests {
    static func server() throws -> TestServer {
        try TestServer(routes: [
            AxonRoute(schema: Echo.schema, hasBlacklist: true, hasPriority: true),
            AxonRoute(schema: Hashed.schema), AxonRoute(schema: Specs.schema, hasVerify: true),
            AxonRoute(schema: Slow.schema),
        ])
    }

    static func serve(
        _ request: SignedRequest, at now: UnixTime = .test, _ server: TestServer? = nil,
        _ behaviour: TestServer.Behaviour = .init()
    ) async throws -> TestServer.Outcome {
        let server = try server ?? Self.server()
        return await server.serve(request.head, body: request.body, at: now, behaviour)
    }

    @Test(arguments: DendriteAuthentication.allCases)
    func verifiesBeforeAnythingElseAndTellsTheHandlerWhoAsked(kind: DendriteAuthentication) async throws {
        var request = try SignedRequest(Echo(message: "hi"), authentication: kind)
        let outcome = try await Self.serve(request)
        #expect(outcome.status == 200)
        let body = kind == .synapse ? [] : ["body"]
        let late = kind == .synapse ? ["body"] : []
        #expect(outcome.steps == body + ["authenticate", "blacklist"] + late + ["priority", "run"])
        #expect(outcome.caller?.hotkey == TestKeys.dendriteAddress)
        #expect(outcome.caller?.isBodyAuthenticated == (kind != .synapse))
        #expect(outcome.handled?.head.dendrite.hotkey == TestKeys.dendriteAddress)
        #expect(outcome.handled?.head.dendrite.ip == "192.0.2.7")
        #expect(outcome.handled?.head.dendrite.port == 4242)
        #expect(outcome.handled?.head.axon.hotkey == TestKeys.axonAddress)
        #expect(outcome.reply.signing == nil)
        // A wrong signature ends before any function of the operator's.
        request.set(
            kind == .synapse ? "bt_header_dendrite_nonce" : "X-Bittensor-Nonce", "1795261045000000001")
        let refused = try await Self.serve(request)
        #expect(refused.status == 401)
        #expect(!refused.steps.contains("blacklist") && refused.reply.signing == nil)
    }

    @Test func bodyTerminalsAndStatusAreOverwritten() async throws {
        var request = try SignedRequest(Echo(message: "hi"))
        request.body = ByteBuffer(
            string: #"{"message":"m","dendrite":{"hotkey":"5Grw","ip":"9.9.9.9"},"axon":{"status_code":503}}"#
        )
        let outcome = try await Self.serve(request)
        #expect(outcome.status == 200)
        #expect(outcome.handled?.head.dendrite.hotkey == TestKeys.dendriteAddress)
        #expect(outcome.handled?.head.dendrite.ip == "192.0.2.7")
        #expect(outcome.handled?.head.axon.statusCode == nil)
        #expect(outcome.reply.headers.first("bt_header_dendrite_hotkey") == TestKeys.dendriteAddress)
    }

    @Test func handlersSetStatusAndMessage() async throws {
        let outcome = try await Self.serve(
            try SignedRequest(Echo(message: "hi")), nil,
            TestServer.Behaviour(handler: { synapse, _, _ in
                var synapse = synapse
                synapse.head.axon.statusCode = 418
                synapse.head.axon.statusMessage = "teapot \u{2603}"
                synapse.head.dendrite.hotkey = "5Forged"
                return .synapse(synapse)
            }))
        #expect(outcome.status == 418)
        #expect(outcome.reply.headers.first("bt_header_axon_status_message") == "teapot ?")
        #expect(outcome.reply.headers.first("bt_header_dendrite_hotkey") == TestKeys.dendriteAddress)
        let body = try #require(outcome.reply.body)
        #expect(String(buffer: body).contains("teapot \u{2603}"))
    }

    static func serve(
        _ request: SignedRequest, _ server: TestServer?, _ behaviour: TestServer.Behaviour
    ) async throws -> TestServer.Outcome {
        try await Self.serve(request, at: .test, server, behaviour)
    }

    @Test func nonceWindows() async throws {
        func status(age: Double, timeout: Double = 12) async throws -> Int {
            let request = try SignedRequest(
                Echo(message: "x"), nonce: UnixTime.test.plus(seconds: -age), timeout: timeout)
            return try await Self.serve(request).status
        }
        #expect(try await status(age: 15.9) == 200)
        #expect(try await status(age: 16.1) == 401)
        #expect(try await status(age: 63.9, timeout: 999_999) == 200)
        #expect(try await status(age: 64.1, timeout: 999_999) == 401)
        #expect(try await status(age: -3.9) == 200)
        #expect(try await status(age: -4.1) == 401)
        // Freshness does not depend on the version that a client states.
        var old = try SignedRequest(Echo(message: "x"), nonce: UnixTime.test.plus(seconds: -20))
        old.remove("bt_header_dendrite_version")
        #expect(try await Self.serve(old).status == 401)
        old.set("bt_header_dendrite_version", "7001000")
        #expect(try await Self.serve(old).status == 401)
    }

    @Test func outOfOrderIsLegalReplayIsNot() async throws {
        let server = try Self.server()
        for offset in [0, -3, 2, -10] as [Double] {
            let request = try SignedRequest(Echo(message: "x"), nonce: UnixTime.test.plus(seconds: offset))
            #expect(try await Self.serve(request, at: .test, server).status == 200)
            #expect(try await Self.serve(request, at: .test, server).status == 401)
        }
    }

    /// Each header of the classic form absent, doubled, malformed and oversized: none is answered with 200
    /// where it matters, and each has its status.
    @Test(arguments: [
        ("bt_header_dendrite_nonce", 401), ("bt_header_dendrite_hotkey", 401),
        ("bt_header_dendrite_signature", 401), ("bt_header_dendrite_uuid", 401), ("computed_body_hash", 401),
        ("timeout", 200), ("name", 200), ("bt_header_axon_ip", 200), ("bt_header_axon_hotkey", 200),
        ("bt_header_dendrite_ip", 200), ("bt_header_dendrite_version", 200), ("header_size", 200),
        ("total_size", 200), ("bt_header_input_obj_message", 200), ("content-type", 200),
    ]) func absentHeaders(name: String, status: Int) async throws {
        var request = try SignedRequest(Echo(message: "x"))
        request.remove(name)
        #expect(try await Self.serve(request).status == status)
    }

    @Test(arguments: [
        "bt_header_dendrite_nonce", "bt_header_dendrite_hotkey", "bt_header_dendrite_signature",
        "bt_header_dendrite_uuid", "computed_body_hash", "timeout", "name", "bt_header_axon_hotkey",
        "bt_header_input_obj_message",
    ]) func doubledAndUnreadableHeaders(name: String) async throws {
        let request = try SignedRequest(Echo(message: "x"))
        var doubled = request
        doubled.head.headers.add(name.uppercased(), request.head.headers.first(name) ?? "")
        var foreign = request
        foreign.set(name, "caf\u{e9}")
        var oversized = request
        oversized.set(name, String(repeating: "1", count: 9000))
        #expect(try await Self.serve(doubled).status == 400)
        #expect(try await Self.serve(foreign).status == 400)
        #expect(try await Self.serve(oversized).status == 431)
    }

    @Test func otherRefusals() async throws {
        var request = try SignedRequest(Echo(message: "x"))
        request.set("bt_header_dendrite_nonce", "12a")
        #expect(try await Self.serve(request).status == 400)
        request = try SignedRequest(Echo(message: "x"))
        request.head.target = "/" + String(repeating: "e", count: 4000)
        #expect(try await Self.serve(request).status == 414)
        request.head.target = "*"
        #expect(try await Self.serve(request).status == 400)
        request.head.target = "/Echo/more"
        #expect(try await Self.serve(request).status == 404)
        request.head.target = "/echo"
        let unknown = try await Self.serve(request)
        #expect(unknown.message == "Synapse name 'echo' not found.")
        request.remove("bt_header_dendrite_signature")
        let stranger = try await Self.serve(request)
        #expect(stranger.status == 401)
        request = try SignedRequest(Echo(message: "x"))
        request.head.method = "GET"
        #expect(try await Self.serve(request).status == 405)
        request.head.method = "POST"
        request.set("content-type", "text/plain")
        #expect(try await Self.serve(request).status == 415)
        request.set("content-type", "application/json; charset=utf-8")
        #expect(try await Self.serve(request).status == 200)
    }

    @Test(arguments: [
        ("", 400), ("{not json", 400), ("[1,2]", 400), ("{}", 400), (#"{"message":1}"#, 400),
        (#"{"message":"m","count":"abc"}"#, 400), ("\u{0}", 400),
        (String(repeating: "[", count: 100_000), 413), (#"{"message":"m"}"#, 200),
    ]) func bodies(text: String, status: Int) async throws {
        var request = try SignedRequest(Echo(message: "x"))
        request.body = ByteBuffer(string: text)
        #expect(try await Self.serve(request).status == status)
    }

    @Test func declaredHashesAreEnforced() async throws {
        var request = try SignedRequest(Hashed(prompt: "it's", ratio: 2))
        #expect(try await Self.serve(request).status == 200)
        request.replaceInBody("it's", "its")
        let outcome = try await Self.serve(request)
        #expect(outcome.status == 400)
        #expect(outcome.handled == nil)
    }

    @Test func bodiesAreBounded() async throws {
        var limits = SynapseLimits()
        limits.bodyBytesMax = 2000
        let server = try TestServer(limits: limits)
        let request = try SignedRequest(Echo(message: String(repeating: "m", count: 2000)))
        let outcome = try await Self.serve(request, at: .test, server)
        #expect(outcome.status == 413)
    }

    @Test func nanInAReplyIsAnOpaqueFailure() async throws {
        var request = try SignedRequest(Slow())
        request.replaceInBody("\"delay\": 0.0", "\"delay\": NaN")
        let outcome = try await Self.serve(request)
        #expect(outcome.status == 500)
        #expect(outcome.message == "Internal Server Error #error-id")
        #expect(outcome.reply.fault?.hasPrefix("the reply cannot be written as JSON") == true)
    }

    @Test func aReplyBeyondItsBoundIsAnOpaqueFailure() async throws {
        let request = try SignedRequest(Echo(message: String(repeating: "m", count: 2000)))
        let bytes = try #require(try await Self.serve(request).reply.body?.readableBytes)
        for (bytesMax, status) in [(bytes, 200), (bytes - 1, 500)] {
            var limits = SynapseLimits()
            limits.replyBytesMax = bytesMax
            let outcome = try await Self.serve(request, at: .test, try TestServer(limits: limits))
            #expect(outcome.status == status)
            let fault = "the reply has \(bytes) bytes, more than \(bytesMax)"
            #expect(outcome.reply.fault == (status == 200 ? nil : fault))
        }
    }

    @Test func theOperatorsVerifyComesOnTop() async throws {
        let refusing = TestServer.Behaviour(verify: { _, _ in .refused("no") })
        let request = try SignedRequest(Specs())
        let outcome = try await Self.serve(request, nil, refusing)
        #expect(outcome.status == 401)
        #expect(outcome.message == "Not Verified with error: no")
        #expect(outcome.steps == ["authenticate", "verify"])
        var unsigned = request
        unsigned.remove("bt_header_dendrite_signature")
        let stranger = try await Self.serve(unsigned, nil, .init())
        #expect(stranger.steps == ["authenticate"])
    }

    @Test func btauthCanBeRequired() async throws {
        let server = try TestServer(.strict(StrictPolicy(requiresBTAuth: true)))
        let classic = try SignedRequest(Echo(message: "x"))
        #expect(try await Self.serve(classic, at: .test, server).status == 401)
        let btauth = try SignedRequest(Echo(message: "x"), authentication: .btauth1)
        #expect(try await Self.serve(btauth, at: .test, server).status == 200)
        let ed25519 = try SignedRequest(
            Echo(message: "x"), nonce: UnixTime.test.plus(seconds: 1), authentication: .btauth1,
            scheme: .ed25519)
        #expect(try await Self.serve(ed25519, at: .test, server).status == 200)
    }

    @Test func btauthIsCheckedBeforeTheBodyIsRead() async throws {
        var request = try SignedRequest(Echo(message: "x"), authentication: .btauth1)
        request.set("X-Bittensor-Receiver", TestKeys.dendriteAddress)
        #expect(try await Self.serve(request).steps == [])
        request = try SignedRequest(
            Echo(message: "x"), nonce: UnixTime.test.plus(seconds: -11), authentication: .btauth1)
        let stale = try await Self.serve(request)
        #expect(stale.steps == [] && stale.status == 401)
        request.set("X-Bittensor-Version", "2")
        #expect(try await Self.serve(request).status == 400)
    }

    @Test func classicHeadersBesideBTAuthProveNothing() async throws {
        var request = try SignedRequest(Echo(message: "x"), authentication: .both)
        request.set("bt_header_dendrite_hotkey", "5Forged")
        request.set("timeout", "50.0")
        let outcome = try await Self.serve(request)
        #expect(outcome.status == 200)
        #expect(outcome.handled?.head.dendrite.hotkey == TestKeys.dendriteAddress)
        #expect(outcome.handled?.head.dendrite.signature == nil)
        #expect(outcome.handled?.head.timeout == 12)
    }

    @Test func inputsAfterTheReplyChangeNothing() throws {
        var request = try SignedRequest(Echo(message: "x"))
        request.head.target = "*"
        var core = RequestCore(
            request.head, configuration: try Self.server().configuration, errorID: "e", at: .test)
        guard case .authenticate = core.start() else {
            Issue.record("authentication comes first")
            return
        }
        let refusal = VerificationRefusal(.signature, "no")
        guard case .respond(let reply) = core.authenticated(.failure(refusal), at: .test),
            case .respond(let again) = core.received(body: ByteBuffer(), at: .test)
        else {
            Issue.record("a refusal ends the request")
            return
        }
        #expect(reply.status == 401 && again.headers == reply.headers)
    }

    @Test func repliesCanBeSignedAsOldReleasesDid() async throws {
        var server = try Self.server()
        server.configuration.signsSuccess = true
        var outcome = try await Self.serve(try SignedRequest(Echo(message: "x")), at: .test, server)
        let signing = try #require(outcome.reply.signing)
        try outcome.reply.sign(with: try TestKeys.axon())
        let text = outcome.reply.headers.first("bt_header_axon_signature")
        #expect(try SignatureTests.isValid(text, signing, by: TestKeys.axonAddress))
        #expect(outcome.reply.headers.first("bt_header_axon_nonce") == "\(UnixTime.test.nanoseconds)")
        #expect(outcome.reply.headers.first("bt_header_axon_version") == "10005000")
    }
}
