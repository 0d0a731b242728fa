import AccountKeys
import Bittensor
import BittensorCore
import ComputeSubnet
import Logging
import Testing

/// Specs, Allocate and Challenge with the real SDK, in both directions: their fields and outputs on the wire.
@Suite(.serialized, .bittensorInstalled, .timeLimit(.minutes(2)))
struct ComputeSynapsesInteropTests {
    private static let logger = Logger(label: "interop") { _ in SwiftLogNoOpLogHandler() }

    @Test func `our dendrite calls the three at its axon`() async throws {
        try await BittensorPeer.with(.sdk10) { peer in
            let axon = InteropSynapses.address(port: peer.port, hotkey: peer.hotkey)
            let dendrite = Dendrite(hotkey: try Keypair(uri: "//InteropCaller"), logger: Self.logger)
            let specs = await dendrite.call(Specs(), to: axon)
            #expect(specs.isSuccess, "\(specs.head.dendrite)")
            #expect(specs.specsOutput.contains("has_docker"))
            var allocate = Allocate()
            allocate.timeline = 60
            let available = await dendrite.call(allocate, to: axon)
            #expect(available.isSuccess, "\(available.head.dendrite)")
            #expect(available.output["status"] == true)
            var challenge = Challenge()
            challenge.challengeMask = "?1?1"
            let solved = await dendrite.call(challenge, to: axon)
            #expect(solved.isSuccess, "\(solved.head.dendrite)")
            #expect(solved.output["password"] == "1?1?")
            try await dendrite.shutdown()
        }
    }

    @Test func `its dendrite calls the three at our axon`() async throws {
        var configuration = Axon.Configuration()
        configuration.port = 0
        let key = try Keypair(uri: "//InteropAxon")
        let axon = try Axon(hotkey: key, configuration: configuration, logger: Self.logger)
        try axon.attach(Specs.self) { specs, _ in
            var specs = specs
            specs.specsOutput = #"{"cpu":{"count":2}}"#
            return specs
        }
        try axon.attach(Allocate.self) { allocate, _ in
            var allocate = allocate
            allocate.output = ["status": true, "port": 4444]
            return allocate
        }
        try axon.attach(Challenge.self) { challenge, _ in
            var challenge = challenge
            challenge.output = ["password": .string(challenge.challengeMask), "error": nil]
            return challenge
        }
        try await BittensorPeer.with(.sdk10) { peer in
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await axon.run() }
                defer { group.cancelAll() }
                let port = try await axon.listening.port
                func call(_ name: String, _ fields: [String: JSON]) async throws -> JSON {
                    try await peer.call(name, fields, port: port, hotkey: key.ss58Address)
                }
                let specs = try await call("Specs", [:])
                #expect(specs["fields"]["specs_output"].text == #"{"cpu":{"count":2}}"#, "\(specs.line)")
                let allocate = try await call("Allocate", ["timeline": 60, "checking": .bool(true)])
                #expect(allocate["fields"]["output"]["status"].bool == true, "\(allocate.line)")
                #expect(allocate["fields"]["docker_requirement"]["base_image"].text == "ubuntu")
                let challenge = try await call("Challenge", ["challenge_mask": "?1?1"])
                #expect(challenge["fields"]["output"]["password"].text == "?1?1", "\(challenge.line)")
            }
        }
    }
}
