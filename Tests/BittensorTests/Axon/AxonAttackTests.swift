import AccountKeys
import Bittensor
import BittensorCore
import Testing

/// The attacks of the synapse specification (§2.5) and their neighbours: each fails against strict mode, or
/// stands on the closed list of what the classic signature cannot protect and fails under `btauth/1`.
/// `Interop/bittensor_attacks.py` runs the same against the real Python axon;
/// docs/protocols/bittensor-attacks.md has what came of it.
@Suite(.timeLimit(.minutes(1))) struct AxonAttackTests {
    /// Runs an axon; with `btauth` one that believes `btauth/1` alone.
    private static func with<Value: Sendable>(
        btauth: Bool = false, clock: TestClock = TestClock(), nonceFile: String? = nil,
        attach: (Axon) throws -> Void = { _ in },
        _ body: @escaping @Sendable (Stage) async throws -> Value
    ) async throws -> Value {
        var configuration = Axon.Configuration()
        var policy = StrictPolicy()
        policy.requiresBTAuth = btauth
        configuration.mode = .strict(policy)
        configuration.nonceFile = nonceFile
        return try await Stage.with(configuration, clock: clock, attach: attach, body)
    }

    @Test func `a request without a signature`() async throws {
        try await Self.with { stage in
            var request = try stage.request()
            request["bt_header_dendrite_signature"] = nil
            let seen1 = try await stage.send(request).status
            #expect(seen1 == 401)
        }
    }

    @Test(arguments: ["999999", "1e9", "inf", "60.0"])
    func `an unsigned timeout does not widen the window beyond its cap`(timeout: String) async throws {
        try await Self.with { stage in
            let request = try stage.request(age: .seconds(3600), timeout: timeout)
            let seen2 = try await stage.send(request).status
            #expect([400, 401].contains(seen2))
        }
    }

    @Test func `a request without a version is no older than any other`() async throws {
        try await Self.with { stage in
            for version in [nil, "7001000", "0", "-1"] {
                let request = try stage.request(age: .seconds(3600), version: version)
                let seen3 = try await stage.send(request).status
                #expect([400, 401].contains(seen3))
            }
            let fresh = try stage.request(version: nil)
            let seen4 = try await stage.send(fresh).status
            #expect(seen4 == 200)
        }
    }

    @Test func `a replay, also under another uuid`() async throws {
        try await Self.with { stage in
            var request = try stage.request()
            let seen5 = try await stage.send(request).status
            #expect(seen5 == 200)
            let seen6 = try await stage.send(request).status
            #expect(seen6 == 401)
            request["bt_header_dendrite_uuid"] = "another"
            let seen7 = try await stage.send(request).status
            #expect(seen7 == 401)
        }
    }

    @Test(arguments: [true, false]) func `a replay after a restart`(hasFile: Bool) async throws {
        let clock = TestClock()
        let folder = try TemporaryFolder()
        let file = hasFile ? folder.path("nonces") : nil
        let request = try await Self.with(clock: clock, nonceFile: file) { stage in
            let request = try stage.request()
            let seen8 = try await stage.send(request).status
            #expect(seen8 == 200)
            return request
        }
        clock.advance(by: .milliseconds(1))
        try await Self.with(clock: clock, nonceFile: file) { stage in
            let seen9 = try await stage.send(request).status
            #expect(seen9 == 401)
            // Who signs anew is heard soon: with a file, what it has set aside must pass first.
            clock.advance(by: .seconds(3))
            let seen10 = try await stage.send(stage.request()).status
            #expect(seen10 == 200)
        }
    }

    @Test func `a replay after a restart with a nonce file that is not there`() async throws {
        let clock = TestClock()
        let folder = try TemporaryFolder()
        let request = try await Self.with(clock: clock) { stage in
            let request = try stage.request()
            let first = try await stage.send(request).status
            #expect(first == 200)
            return request
        }
        clock.advance(by: .milliseconds(1))
        try await Self.with(clock: clock, nonceFile: folder.path("nonces")) { stage in
            let replay = try await stage.send(request).status
            #expect(replay == 401)
            let fresh = try await stage.send(stage.request()).status
            #expect(fresh == 200)
        }
        withExtendedLifetime(folder) {}
    }

    @Test func `requests out of order are no replays`() async throws {
        try await Self.with { stage in
            let first = try stage.request()
            let second = try stage.request()
            let seen11 = try await stage.send(second).status
            #expect(seen11 == 200)
            let seen12 = try await stage.send(first).status
            #expect(seen12 == 200)
        }
    }

    @Test func `a nonce from the future`() async throws {
        try await Self.with { stage in
            let request = try stage.request(age: .seconds(-3600))
            let seen13 = try await stage.send(request).status
            #expect(seen13 == 401)
            let seen14 = try await stage.send(stage.request()).status
            #expect(seen14 == 200)
        }
    }

    @Test func `a body that names another sender`() async throws {
        try await Self.with { stage in
            var request = try stage.request()
            request.set(
                body: #"{"message": "hi", "dendrite": {"hotkey": "5Mallory", "ip": "9.9.9.9", "nonce": 1}}"#)
            let reply = try await stage.send(request)
            #expect(reply.status == 200)
            #expect(!reply.text.contains("5Mallory"))
            #expect(!reply.text.contains("9.9.9.9"))
            #expect(reply["bt_header_dendrite_hotkey"] == stage.callerKey.ss58Address)
        }
    }

    @Test func `a body that sets the status of the reply`() async throws {
        try await Self.with { stage in
            var request = try stage.request()
            request.set(body: #"{"message": "hi", "axon": {"status_code": 503, "status_message": "no"}}"#)
            let reply = try await stage.send(request)
            #expect(reply.status == 200)
            #expect(reply["bt_header_axon_status_code"] == "200")
        }
    }

    @Test func `the blacklist is not asked about somebody who has proven nothing`() async throws {
        let asked = Order()
        var hooks = SynapseHooks<Denied>()
        hooks.blacklist = { _ in
            asked.append(1)
            return .refused("not you")
        }
        try await Self.with(attach: { [hooks] axon in
            try axon.attach(Denied.self, hooks: hooks) { synapse, _ in synapse }
        }) { stage in
            var request = try stage.request(name: "Denied")
            request["bt_header_dendrite_signature"] = "0x" + String(repeating: "00", count: 64)
            let seen15 = try await stage.send(request).status
            #expect(seen15 == 401)
            #expect(asked.values.isEmpty)
            let seen16 = try await stage.send(stage.request(name: "Denied")).status
            #expect(seen16 == 403)
            #expect(asked.values == [1])
        }
    }

    @Test func `another's name and another's axon`() async throws {
        try await Self.with { stage in
            var request = try stage.request()
            request["bt_header_dendrite_hotkey"] = try Keypair(uri: "//Mallory").ss58Address
            let seen17 = try await stage.send(request).status
            #expect(seen17 == 401)
            let elsewhere = try SignedRequest(
                from: stage.callerKey, to: Keypair(uri: "//Other").ss58Address, nonce: stage.clock.now)
            let seen18 = try await stage.send(elsewhere).status
            #expect(seen18 == 401)
        }
    }

    @Test func `a changed hash and a body that does not have the declared one`() async throws {
        try await Self.with(attach: { axon in
            try axon.attach(Hashed.self) { hashed, call in
                // The declared fields are the caller's; the others of the body are not.
                #expect(!call.isBodyAuthenticated)
                return hashed
            }
        }) { stage in
            let hash = BodyHash.hex(of: [.string("pay alice")])
            func request() throws -> SignedRequest {
                stage.clock.advance(by: .nanoseconds(1))
                var request = try SignedRequest(
                    from: stage.callerKey, to: stage.axonKey.ss58Address, nonce: stage.clock.now,
                    bodyHash: hash, name: "Hashed", inputs: [])
                request.set(body: #"{"prompt": "pay alice"}"#)
                return request
            }
            let seen19 = try await stage.send(request()).status
            #expect(seen19 == 200)
            var changed = try request()
            changed.set(body: #"{"prompt": "pay mallory"}"#)
            let seen20 = try await stage.send(changed).status
            #expect(seen20 == 400)
            var other = try request()
            other["computed_body_hash"] = SignedRequest.emptyHash
            let seen21 = try await stage.send(other).status
            #expect(seen21 == 401)
        }
    }

    // MARK: The closed list

    @Test func `closed list: a body without declared hash fields, and its route`() async throws {
        try await Self.with(attach: { axon in
            try axon.attach(Simple.self) { simple, call in
                #expect(!call.isBodyAuthenticated)
                return simple
            }
        }) { stage in
            var body = try stage.request()
            body.set(body: #"{"message": "changed"}"#)
            let reply = try await stage.send(body)
            #expect(reply.status == 200)
            #expect(reply.text.contains("changed"))
            var route = try stage.request()
            route.path = "/Simple"
            route.set(body: "{}")
            let seen22 = try await stage.send(route).status
            #expect(seen22 == 200)
        }
    }

    @Test func `btauth protects what the closed list names`() async throws {
        try await Self.with(
            btauth: true,
            attach: { axon in
                try axon.attach(Simple.self) { simple, call in
                    #expect(call.isBodyAuthenticated)
                    return simple
                }
            }
        ) { stage in
            func request() throws -> SignedRequest {
                stage.clock.advance(by: .nanoseconds(1))
                return try .btauth(
                    from: stage.callerKey, to: stage.axonKey.ss58Address, nonce: stage.clock.now)
            }
            let good = try request()
            let seen23 = try await stage.send(good).status
            #expect(seen23 == 200)
            let seen24 = try await stage.send(good).status
            #expect(seen24 == 401)
            var body = try request()
            body.set(body: #"{"message": "changed"}"#)
            let seen25 = try await stage.send(body).status
            #expect(seen25 == 401)
            var route = try request()
            route.path = "/Simple"
            let seen26 = try await stage.send(route).status
            #expect(seen26 == 401)
            var query = try request()
            query.path = "/Echo?x=1"
            let seen27 = try await stage.send(query).status
            #expect(seen27 == 401)
            // The classic headers are not enough here.
            let seen28 = try await stage.send(stage.request()).status
            #expect(seen28 == 401)
        }
    }

    @Test func `the seven attacks on the classic headers fail under btauth too`() async throws {
        let clock = TestClock()
        let folder = try TemporaryFolder()
        let asked = Order()
        var hooks = SynapseHooks<Denied>()
        hooks.blacklist = { _ in
            asked.append(1)
            return .refused("not you")
        }
        @Sendable func fresh(_ stage: Stage, age: Duration = .zero, path: String = "/Echo") throws
            -> SignedRequest
        {
            stage.clock.advance(by: .nanoseconds(1))
            return try .btauth(
                from: stage.callerKey, to: stage.axonKey.ss58Address,
                nonce: stage.clock.now - Int64(age / .nanoseconds(1)), path: path)
        }
        let attach: @Sendable (Axon) throws -> Void = { [hooks] axon in
            try axon.attach(Denied.self, hooks: hooks) { synapse, _ in synapse }
        }
        let captured = try await Self.with(
            btauth: true, clock: clock, nonceFile: folder.path("nonces"), attach: attach
        ) { stage in
            // No signature; an hour old with a wide timeout; an hour old without a version; no version.
            var unsigned = try fresh(stage)
            unsigned["X-Bittensor-Signature"] = nil
            var wide = try fresh(stage, age: .seconds(3600))
            wide["timeout"] = "999999"
            var old = try fresh(stage, age: .seconds(3600))
            old["X-Bittensor-Version"] = nil
            var unversioned = try fresh(stage)
            unversioned["X-Bittensor-Version"] = nil
            for (request, refusal) in [(unsigned, 400), (wide, 401), (old, 401), (unversioned, 401)] {
                let status = try await stage.send(request).status
                #expect(status == refusal)
            }
            // A name of one's own for the same nonce.
            let sent = try fresh(stage)
            let first = try await stage.send(sent).status
            #expect(first == 200)
            var renamed = sent
            renamed["bt_header_dendrite_uuid"] = "another"
            let second = try await stage.send(renamed).status
            #expect(second == 401)
            // The signer's own body may name whom it likes: the handler is told who signed.
            stage.clock.advance(by: .nanoseconds(1))
            let spoofed = try SignedRequest.btauth(
                from: stage.callerKey, to: stage.axonKey.ss58Address, nonce: stage.clock.now,
                body: #"{"message": "hi", "dendrite": {"hotkey": "5Mallory"}}"#)
            let reply = try await stage.send(spoofed)
            #expect(reply.status == 200 && !reply.text.contains("5Mallory"))
            // The blacklist hears of nobody who has proven nothing.
            var forged = try fresh(stage, path: "/Denied")
            forged["X-Bittensor-Signature"] = "0x" + String(repeating: "00", count: 64)
            let refused = try await stage.send(forged).status
            #expect(refused == 401 && asked.values.isEmpty)
            let denied = try await stage.send(fresh(stage, path: "/Denied")).status
            #expect(denied == 403 && asked.values == [1])
            return sent
        }
        clock.advance(by: .milliseconds(1))
        try await Self.with(btauth: true, clock: clock, nonceFile: folder.path("nonces")) { stage in
            let status = try await stage.send(captured).status
            #expect(status == 401)
        }
    }

    @Test func `a request cannot fall back from btauth to the classic headers`() async throws {
        try await Self.with { stage in
            // Both sets of headers, the newer one broken: strict does not try the older.
            stage.clock.advance(by: .nanoseconds(1))
            var request = try SignedRequest.btauth(
                from: stage.callerKey, to: stage.axonKey.ss58Address, nonce: stage.clock.now)
            request.headers += try stage.request().headers.filter { $0.name != "Content-Type" }
            request.set(body: #"{"message": "changed"}"#)
            let seen29 = try await stage.send(request).status
            #expect(seen29 == 401)
        }
    }
}
