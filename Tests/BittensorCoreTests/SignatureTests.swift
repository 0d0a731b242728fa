internal import AccountKeys
internal import NIOCore
internal import Testing

@testable internal import BittensorCore

@Suite struct SignatureTests {
    @Test(arguments: try SynapseCodecTests.requests()) func capturedDendriteSignatures(
        exchange: CapturedExchange
    ) throws {
        let request = try #require(exchange.request)
        let head = try SynapseHeaders.decode(
            request.headers, schema: SynapseSchema(name: "Synapse", fields: []), rules: .strict
        ).head
        let message = SynapseSignature.dendriteMessage(
            nonce: head.dendrite.nonce, dendrite: head.dendrite.hotkey,
            axon: exchange.name == "wrong_axon_hotkey" ? head.axon.hotkey : TestKeys.axonAddress,
            uuid: head.dendrite.uuid, bodyHash: head.computedBodyHash)
        #expect(try Self.isValid(head.dendrite.signature, message, by: head.dendrite.hotkey))
    }

    @Test func capturedAxonSignatures() throws {
        var count = 0
        for exchange in try SynapseCodecTests.all() {
            guard let headers = exchange.response?.headers, headers.first("bt_header_axon_signature") != nil
            else {
                continue
            }
            var head = SynapseHead()
            SynapseHeaders.merge(headers, into: &head)
            let message = SynapseSignature.axonMessage(
                nonce: head.axon.nonce, dendrite: head.dendrite.hotkey, axon: head.axon.hotkey,
                uuid: head.axon.uuid)
            #expect(
                try Self.isValid(head.axon.signature, message, by: TestKeys.axonAddress), "\(exchange.name)")
            count += 1
        }
        #expect(count == 81)
    }

    static func isValid(_ signature: String?, _ message: String, by address: String?) throws -> Bool {
        let signature = try #require(signature)
        let address = try #require(address)
        return try AccountPublicKey(ss58: address)
            .isValidSignature(try SignatureText.decode(signature), for: Array(message.utf8))
    }

    @Test func absentPartsAreTheTextNone() {
        #expect(
            SynapseSignature.dendriteMessage(nonce: nil, dendrite: nil, axon: "a", uuid: nil, bodyHash: nil)
                == "None.None.a.None.None")
        #expect(
            SynapseSignature.axonMessage(nonce: 1, dendrite: nil, axon: nil, uuid: "u") == "1.None.None.u")
    }

    // MARK: btauth/1

    @Test(arguments: try Vectors.cases("http_auth_v11", "signed")) func btauthPayload(vector: JSONValue)
        throws
    {
        let scheme: KeyScheme = vector["label"]?.stringValue == "ed25519 signer" ? .ed25519 : .sr25519
        let body = try Self.body(vector)
        let text = BTAuth.payload(
            scheme: scheme, method: try Self.text(vector, "method"), target: try Self.text(vector, "path"),
            body: body, nonce: try #require(vector["nonce_ns"]),
            sender: try TestKeys.dendrite(scheme).ss58Address, receiver: vector["receiver"]?.stringValue)
        #expect(text == vector["payload_utf8"]?.stringValue)
    }

    @Test(arguments: try Vectors.cases("http_auth_v11", "signed"))
    func btauthSignsWhatItVerifies(vector: JSONValue) throws {
        let scheme: KeyScheme = vector["label"]?.stringValue == "ed25519 signer" ? .ed25519 : .sr25519
        let nonce = try #require(vector["nonce_ns"]?.intValue)
        let headers = try BTAuth.headers(
            method: try Self.text(vector, "method"), target: try Self.text(vector, "path"),
            body: try Self.body(vector), nonce: nonce, receiver: vector["receiver"]?.stringValue,
            signer: try TestKeys.dendrite(scheme))
        let policy = try BTAuthPolicy(requiresReceiver: vector["receiver"]?.stringValue != nil)
        let caller = try BTAuthVerifier(policy: policy, hotkey: TestKeys.axonAddress).verify(
            method: try Self.text(vector, "method"), target: try Self.text(vector, "path"), headers: headers,
            body: try Self.body(vector), now: UnixTime(nanoseconds: Int64(nonce)))
        #expect(caller.hotkey == (try TestKeys.dendrite(scheme).ss58Address))
        #expect(caller.isBodyAuthenticated)
    }

    static func text(_ vector: JSONValue, _ name: String) throws -> String {
        try #require(vector[name]?.stringValue)
    }

    static func body(_ vector: JSONValue) throws -> ByteBuffer {
        let text = try self.text(vector, "body_hex")
        return ByteBuffer(bytes: try #require(Hex.bytes(text.utf8)))
    }

    /// The reasons of the reference, by ours.
    static let reasons: [VerificationRefusal.Reason: String] = [
        .malformed: "MalformedAuth", .wrongReceiver: "WrongReceiver", .stale: "StaleRequest",
        .future: "StaleRequest", .signature: "BadSignature", .replayed: "ReplayedRequest",
    ]

    @Test(arguments: try Vectors.cases("http_auth_v11", "verify_cases"))
    func btauthVerifies(vector: JSONValue) async throws {
        let expected = try Self.text(vector, "result")
        let label = try Self.text(vector, "label")
        guard let object = vector["headers"]?.objectValue else {
            // The one case about a policy.
            #expect(expected.hasPrefix("ValueError"))
            #expect(throws: BittensorError.self) { try BTAuthPolicy(retention: .seconds(5)) }
            return
        }
        let headers = HeaderList(
            object.map {
                HeaderField(
                    label == "lower-case header names" ? $0.name.lowercased() : $0.name,
                    $0.value.stringValue ?? "")
            })
        let requiresReceiver = vector["kwargs"]?["require_receiver"]?.stringValue != "False"
        let policy = try BTAuthPolicy(
            requiresReceiver: requiresReceiver, acceptsWrappedSignatures: true, isLenient: true)
        // The headers of this case name the usual server; it was another that looked at them.
        let server = label == "wrong receiver" ? TestKeys.dendriteAddress : TestKeys.axonAddress
        let authenticator = try RequestAuthenticator(
            mode: .strict(StrictPolicy(btauth: policy)), hotkey: try AccountID(ss58: server))
        let request = AuthenticationRequest(
            method: try Self.text(vector, "method"), target: try Self.text(vector, "path"), headers: headers,
            head: SynapseHead(), body: try Self.body(vector))
        let now = UnixTime(nanoseconds: Int64(try #require(vector["now_ns"]?.intValue)))
        if label == "replay same store" { _ = try await authenticator.authenticate(request, now: now) }
        do throws(VerificationRefusal) {
            let caller = try await authenticator.authenticate(request, now: now)
            #expect(expected.hasPrefix("ok"))
            #expect(caller.hotkey == TestKeys.dendriteAddress)
        } catch {
            #expect(Self.reasons[error.reason] == expected)
            #expect(error.message == vector["message"]?.stringValue)
        }
    }

    @Test func btauthStrictWantsThePlainFormOnce() async throws {
        let policy = BTAuthPolicy.strict
        let verifier = BTAuthVerifier(policy: policy, hotkey: TestKeys.axonAddress)
        let nonce = Int(UnixTime.test.nanoseconds)
        let headers = try BTAuth.headers(
            method: "POST", target: "/x", body: ByteBuffer(), nonce: nonce, receiver: TestKeys.axonAddress,
            signer: try TestKeys.dendrite())
        func verify(_ change: (inout HeaderList) -> Void) throws -> VerifiedCaller {
            var changed = headers
            change(&changed)
            return try verifier.verify(
                method: "POST", target: "/x", headers: changed, body: ByteBuffer(), now: .test)
        }
        #expect(throws: Never.self) { try verify { _ in } }
        #expect(throws: VerificationRefusal.self) { try verify { $0.set("X-Bittensor-Nonce", "+\(nonce)") } }
        #expect(throws: VerificationRefusal.self) { try verify { $0.add("x-bittensor-nonce", "\(nonce)") } }
        #expect(throws: VerificationRefusal.self) { try verify { $0.add("X-Bittensor-Receiver", "x") } }
    }
}
