import AccountKeys
import Bittensor
import BittensorCore
import Logging
import NIOCore
import SubnetRPC
import Synchronization
import Testing

/// An error of a handler whose text nobody outside may read.
private struct Secret: Error {}

extension Trait where Self == ConditionTrait {
    /// Skips a test where the SDK is not installed; in CI nothing is skipped.
    static var bittensorInstalled: Self {
        .enabled(
            if: Repository.isCI
                || (BittensorPeer.Kind.sdk10.isInstalled && BittensorPeer.Kind.sdk11.isInstalled),
            "dev/interop-setup installs the Bittensor SDK")
    }
}

/// Our axon and dendrite with the real Bittensor SDK, in both directions.
@Suite(.serialized, .bittensorInstalled, .timeLimit(.minutes(3)))
struct BittensorInteropTests {
    static let logger = Logger(label: "interop") { _ in SwiftLogNoOpLogHandler() }

    /// The error classes of the SDK that a handler can raise, with what a caller sees.
    static let errors: [(name: String, error: SynapseError, status: Int)] = [
        ("RunException", SynapseError(.run, "raised RunException"), 500),
        ("PostProcessException", SynapseError(.postProcess, "raised PostProcessException"), 500),
        ("InternalServerError", SynapseError(.internalError, "raised InternalServerError"), 500),
        ("SynapseException", SynapseError(.synapse, "raised SynapseException"), 500),
        (
            "SynapseDendriteNoneException",
            SynapseError(.dendriteNone, "raised SynapseDendriteNoneException"), 500
        ),
        ("UnknownSynapseError", SynapseError(.unknownSynapse, "raised UnknownSynapseError"), 404),
        ("NotVerifiedException", SynapseError(.notVerified, "raised NotVerifiedException"), 401),
        ("BlacklistedException", SynapseError(.blacklisted, "raised BlacklistedException"), 403),
        ("PriorityException", SynapseError(.priority, "raised PriorityException"), 503),
        ("InvalidRequestNameError", SynapseError(.invalidRequestName, "raised InvalidRequestNameError"), 400),
    ]

    /// Our axon with the same synapses as the peer's.
    private static func withAxon<Value: Sendable>(
        _ mode: AxonMode, _ body: @escaping @Sendable (Int, String) async throws -> Value
    ) async throws -> Value {
        var configuration = Axon.Configuration()
        configuration.port = 0
        configuration.mode = mode
        let key = try Keypair(uri: "//InteropAxon")
        let axon = try Axon(hotkey: key, configuration: configuration, logger: Self.logger)
        try InteropSynapses.attach(to: axon)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await axon.run() }
            defer { group.cancelAll() }
            let endpoint = try await axon.listening
            return try await body(endpoint.port, key.ss58Address)
        }
    }

    private static func withDendrite<Value>(
        _ configuration: Dendrite.Configuration = .init(), _ body: (Dendrite) async throws -> Value
    ) async throws -> Value {
        let dendrite = Dendrite(
            hotkey: try Keypair(uri: "//InteropCaller"), configuration: configuration, logger: Self.logger)
        do {
            let value = try await body(dendrite)
            try await dendrite.shutdown()
            return value
        } catch {
            try? await dendrite.shutdown()
            throw error
        }
    }

    private static let modes: [AxonMode] = [.strict(.init()), .compatible(.python105)]

    // MARK: Their dendrite, our axon

    @Test(arguments: 0..<2) func `its dendrite calls our axon`(mode: Int) async throws {
        try await BittensorPeer.with(.sdk10) { peer in
            try await Self.withAxon(Self.modes[mode]) { port, hotkey in
                func call(_ name: String, _ fields: [String: JSON]) async throws -> JSON {
                    try await peer.call(name, fields, port: port, hotkey: hotkey)
                }
                let echo = try await call("Echo", ["message": "ä \"quoted\" 🎉", "count": 3])
                #expect(echo["status_code"].int == 200)
                #expect(echo["status_message"].text == "Success")
                #expect(echo["fields"]["reply"].text == "ä \"quoted\" 🎉x3")
                #expect(echo["is_success"].bool == true)
                let ping = try await call("Synapse", [:])
                #expect(ping["is_success"].bool == true)
                let required = try await call(
                    "Required",
                    [
                        "s": "x", "i": 5, "f": .number(1.5), "b": .bool(true), "l": .list([1]),
                        "d": .object(["k": .list([1, .null, .bool(true)])]),
                    ])
                #expect(required["is_success"].bool == true, "\(required.line)")
                #expect(required["fields"]["d"] == .object(["k": .list([1, .null, .bool(true)])]))
                let hashed = try await call(
                    "Hashed",
                    [
                        "prompt": "it's \"q\"", "n": -3, "ratio": .number(1e-7), "flag": .bool(true),
                        "items": .list(["a", 1, .number(2.5), .null, .bool(true)]),
                        "cfg": .object(["k": "v"]),
                    ])
                #expect(hashed["is_success"].bool == true, "\(hashed.line)")
                #expect(hashed["fields"]["answer"].text == "IT'S \"Q\"")
                let teapot = try await call("Teapot", [:])
                #expect(teapot["status_code"].int == 418)
                #expect(teapot["status_message"].text == "short and stout")
                let specs = try await call("Specs", ["specs_input": "why"])
                #expect(specs["fields"]["specs_output"].text == "{\"cpu\":{\"count\":2}}")
            }
        }
    }

    @Test(arguments: 0..<2) func `every class of error reaches its dendrite`(mode: Int) async throws {
        try await BittensorPeer.with(.sdk10) { peer in
            try await Self.withAxon(Self.modes[mode]) { port, hotkey in
                for (name, _, status) in Self.errors {
                    let answer = try await peer.call(
                        "SynErr", ["kind": .text(name)], port: port, hotkey: hotkey)
                    #expect(answer["status_code"].int == status, "\(name)")
                    #expect(answer["status_message"].text == "raised \(name)")
                }
                let opaque = try await peer.call("Crash", [:], port: port, hotkey: hotkey)
                #expect(opaque["status_code"].int == 500)
                #expect(opaque["status_message"].text?.hasPrefix("Internal Server Error #") == true)
                let denied = try await peer.call("Denied", [:], port: port, hotkey: hotkey)
                #expect(denied["is_blacklist"].bool == true)
                #expect(
                    denied["status_message"].text
                        == "Forbidden. Key is blacklisted: hotkey not in allow list.")
                let picky = try await peer.call("Picky", [:], port: port, hotkey: hotkey)
                #expect(picky["failed_verification"].bool == true)
                #expect(picky["status_message"].text == "Not Verified with error: custom verify says no")
                let unknown = try await peer.call("Nope", [:], port: port, hotkey: hotkey)
                #expect(unknown["status_code"].int == 404)
                let late = try await peer.call("PrioTimeout", [:], port: port, hotkey: hotkey)
                #expect(late["status_code"].int == 408)
                let wrong = try await peer.call(
                    "Echo", ["message": "x"], port: port, hotkey: peer.hotkey)
                #expect(wrong["failed_verification"].bool == true)
                let slow = try await peer.call(
                    "Slow", ["delay": .number(30)], port: port, hotkey: hotkey, timeout: 0.5)
                #expect(slow["is_timeout"].bool == true)
            }
        }
    }

    @Test(arguments: 0..<2) func `its dendrite streams from our axon`(mode: Int) async throws {
        try await BittensorPeer.with(.sdk10) { peer in
            try await Self.withAxon(Self.modes[mode]) { port, hotkey in
                let answer = try await peer.command(
                    "call_stream",
                    [
                        "name": "Stream", "fields": .object(["prompt": "go"]),
                        "axon": .text("127.0.0.1:\(port)"), "axon_hotkey": .text(hotkey),
                    ])
                #expect(answer["pieces"].texts.joined() == "alpha beta gamma")
                #expect(answer["synapse"]["is_success"].bool == true)
                #expect(answer["synapse"]["fields"]["completion"].text == "alpha beta gamma")
            }
        }
    }

    @Test func `many calls of its dendrite over a few connections are all answered`() async throws {
        try await BittensorPeer.with(.sdk10) { peer in
            try await Self.withAxon(.strict(.init())) { port, hotkey in
                let answer = try await peer.command(
                    "call",
                    [
                        "name": "Echo", "fields": .object(["message": "x"]), "count": 200, "concurrency": 16,
                        "axon": .text("127.0.0.1:\(port)"), "axon_hotkey": .text(hotkey),
                    ])
                // Strict mode takes nonces out of order, which the SDK's own axon does not.
                #expect(answer["codes"] == .object(["200": 200]), "\(answer["codes"].line)")
            }
        }
    }

    // MARK: Our dendrite, their axon

    @Test func `our dendrite calls its axon`() async throws {
        try await BittensorPeer.with(.sdk10) { peer in
            let axon = InteropSynapses.address(port: peer.port, hotkey: peer.hotkey)
            try await Self.withDendrite { dendrite in
                let echo = await dendrite.call(Echo(message: "ä \"quoted\" 🎉", count: 3), to: axon)
                #expect(echo.isSuccess, "\(echo.head.dendrite)")
                #expect(echo.reply == "ä \"quoted\" 🎉x3")
                #expect(echo.head.axon.statusMessage == "Success")
                let ping = await dendrite.call(BaseSynapse(), to: axon)
                #expect(ping.isSuccess)
                var hashed = InteropSynapses.Hashed()
                hashed.prompt = "it's \"q\""
                hashed.n = -3
                hashed.ratio = 1e-7
                hashed.flag = true
                hashed.items = ["a", 1, 2.5, nil, true]
                hashed.cfg = ["k": "v"]
                let answer = await dendrite.call(hashed, to: axon)
                #expect(answer.isSuccess, "\(answer.head.dendrite)")
                #expect(answer.answer == "IT'S \"Q\"")
                let teapot = await dendrite.call(InteropSynapses.Teapot(), to: axon)
                #expect(teapot.head.dendrite.statusCode == 418)
                #expect(teapot.head.dendrite.statusMessage == "short and stout")
            }
        }
    }

    @Test func `every class of error of its axon reaches our dendrite`() async throws {
        try await BittensorPeer.with(.sdk10) { peer in
            let axon = InteropSynapses.address(port: peer.port, hotkey: peer.hotkey)
            try await Self.withDendrite { dendrite in
                for (name, _, status) in Self.errors {
                    let answer = await dendrite.call(InteropSynapses.SynErr(kind: name), to: axon)
                    #expect(answer.head.dendrite.statusCode == status, "\(name)")
                    #expect(answer.head.dendrite.statusMessage == "raised \(name)")
                }
                let crash = await dendrite.call(InteropSynapses.Crash(), to: axon)
                #expect(crash.head.dendrite.statusMessage?.hasPrefix("Internal Server Error #") == true)
                let seen1 = await dendrite.call(InteropSynapses.Denied(), to: axon).isBlacklisted
                #expect(seen1)
                let seen2 = await dendrite.call(InteropSynapses.Picky(), to: axon).failedVerification
                #expect(seen2)
                let seen3 = await dendrite.call(InteropSynapses.PrioTimeout(), to: axon).isTimeout
                #expect(seen3)
                #expect(
                    await dendrite.call(InteropSynapses.Nobody(), to: axon).head.dendrite.statusCode == 404)
                let late = await dendrite.call(
                    InteropSynapses.Slow(delay: 30), to: axon, timeout: .milliseconds(300))
                #expect(late.isTimeout)
                #expect(late.head.dendrite.statusMessage == "Request timeout after 0.3 seconds")
                let nowhere = InteropSynapses.address(port: 1, hotkey: peer.hotkey)
                let refused = await dendrite.call(Echo(message: "x"), to: nowhere)
                #expect(refused.head.dendrite.statusCode == 503)
                #expect(refused.head.dendrite.statusMessage == "Service unavailable at 127.0.0.1:1/Echo")
            }
        }
    }

    @Test func `our dendrite streams from its axon`() async throws {
        try await BittensorPeer.with(.sdk10) { peer in
            let axon = InteropSynapses.address(port: peer.port, hotkey: peer.hotkey)
            try await Self.withDendrite { dendrite in
                let answer = await dendrite.stream(InteropSynapses.Pieces(prompt: "go"), to: axon)
                #expect(answer.isSuccess, "\(answer.head.dendrite)")
                #expect(answer.completion == "alpha beta gamma")
            }
        }
    }

    @Test func `calls at the same time to its axon do not lose their nonces`() async throws {
        try await BittensorPeer.with(.sdk10) { peer in
            let axon = InteropSynapses.address(port: peer.port, hotkey: peer.hotkey)
            try await Self.withDendrite { dendrite in
                let axons = [AxonInfo](repeating: axon, count: 64)
                let answers = await dendrite.call(Echo(message: "x"), to: axons, concurrencyMax: 16)
                #expect(answers.filter(\.isSuccess).count == 64)
            }
        }
    }

    // MARK: btauth/1

    @Test func `requests that SDK 11 signs are believed, and no changed one`() async throws {
        try await BittensorPeer.with(.sdk11) { peer in
            try await Self.withAxon(.strict(.init())) { port, hotkey in
                func call(_ more: [String: JSON]) async throws -> [Int] {
                    let arguments: [String: JSON] = [
                        "path": "/Echo", "body_b64": "eyJtZXNzYWdlIjogImhlbGxvIn0=",
                        "axon": .text("127.0.0.1:\(port)"), "receiver": .text(hotkey),
                    ]
                    let answer = try await peer.command("call", arguments.merging(more) { $1 })
                    return answer["codes"].list.compactMap(\.int)
                }
                let seen4 = try await call([:])
                #expect(seen4 == [200])
                let seen5 = try await call(["scheme": "ed25519"])
                #expect(seen5 == [200])
                let seen6 = try await call(["times": 2])
                #expect(seen6 == [200, 401])
                let seen7 = try await call(["change": "body"])
                #expect(seen7 == [401])
                let seen8 = try await call(["change": "path"])
                #expect(seen8 == [401])
                let seen9 = try await call(["receiver": .text(peer.hotkey)])
                #expect(seen9 == [401])
                let seen10 = try await call(["nonce_ns": "1700000000123456789"])
                #expect(seen10 == [401])
                for header in ["Hotkey", "Nonce", "Signature", "Receiver"] {
                    let codes = try await call(["without": .list([.text("X-Bittensor-\(header)")])])
                    #expect(codes == [400] || codes == [401], "\(header)")
                }
            }
        }
    }

    @Test func `SDK 11 believes what our dendrite signs`() async throws {
        try await BittensorPeer.with(.sdk11) { peer in
            var configuration = Dendrite.Configuration()
            configuration.signing = .btauth1
            try await Self.withDendrite(configuration) { dendrite in
                // It gives the body back, which is a synapse.
                let axon = InteropSynapses.address(port: peer.port, hotkey: peer.hotkey)
                let echo = await dendrite.call(Echo(message: "hello"), to: axon)
                #expect(echo.isSuccess, "\(echo.head.dendrite)")
                #expect(echo.message == "hello")
                let elsewhere = InteropSynapses.address(port: peer.port, hotkey: peer.dendriteHotkey)
                let seen11 = await dendrite.call(Echo(message: "hello"), to: elsewhere).failedVerification
                #expect(seen11)
            }
        }
    }
}
