import Bittensor
import BittensorCore
import NIOCore
import SubnetRPC

/// The synapses of `Interop/bittensor_peer.py` in Swift, with the same handlers.
enum InteropSynapses {
    private struct Secret: Error {}

    struct Required: Synapse {
        static let fields: [SynapseField] = [
            .required("s", .string), .required("i", .int), .required("f", .float), .required("b", .bool),
            .required("l", .list), .required("d", .dict), .optional("o", .string),
        ]
        var head = SynapseHead()
        var s = ""
        var i = 0
        var f = 0.0
        var b = false
        var l: JSONValue = []
        var d: JSONValue = [:]
        var o: String?
    }

    struct Hashed: Synapse {
        static let fields: [SynapseField] = [
            .optional("prompt", .string, default: ""), .optional("n", .int, default: 0),
            .optional("ratio", .float, default: 0.0), .optional("flag", .bool, default: false),
            .optional("items", .list, default: []), .optional("cfg", .dict, default: [:]),
            .optional("opt", .string), .optional("answer", .string),
        ]
        static let requiredHashFields = ["prompt", "n", "ratio", "flag", "items", "cfg", "opt"]
        var head = SynapseHead()
        var prompt = ""
        var n = 0
        var ratio = 0.0
        var flag = false
        var items: JSONValue = []
        var cfg: JSONValue = [:]
        var opt: String?
        var answer: String?
    }

    /// The shape of ni-compute's Specs.
    struct SpecsLike: Synapse {
        static let name = "Specs"
        static let fields: [SynapseField] = [
            .optional("specs_input", .string, default: ""), .optional("specs_output", .string, default: ""),
        ]
        var head = SynapseHead()
        var specsInput = ""
        var specsOutput = ""
    }

    struct SynErr: Synapse {
        static let fields: [SynapseField] = [.optional("kind", .string, default: "")]
        var head = SynapseHead()
        var kind = ""

        init(kind: String) { self.kind = kind }
    }

    struct Slow: Synapse {
        static let fields: [SynapseField] = [.optional("delay", .float, default: 0.0)]
        var head = SynapseHead()
        var delay = 0.0

        init(delay: Double) { self.delay = delay }
    }

    struct Pieces: StreamingSynapse {
        static let name = "Stream"
        static let fields: [SynapseField] = [
            .optional("prompt", .string, default: ""), .optional("completion", .string, default: ""),
        ]
        var head = SynapseHead()
        var prompt = ""
        var completion = ""

        init(prompt: String) { self.prompt = prompt }

        mutating func received(_ chunk: ByteBuffer) throws { self.completion += String(buffer: chunk) }
    }

    private static let number: [SynapseField] = [.optional("a", .int, default: 0)]

    struct Denied: Synapse {
        static let fields = InteropSynapses.number
        var head = SynapseHead()
        var a = 0
    }
    struct Picky: Synapse {
        static let fields = InteropSynapses.number
        var head = SynapseHead()
        var a = 0
    }
    struct Crash: Synapse {
        static let fields = InteropSynapses.number
        var head = SynapseHead()
        var a = 0
    }
    struct PrioTimeout: Synapse {
        static let fields = InteropSynapses.number
        var head = SynapseHead()
        var a = 0
    }
    struct Teapot: Synapse {
        static let fields = InteropSynapses.number
        var head = SynapseHead()
        var a = 0
    }
    /// Nobody serves it.
    struct Nobody: Synapse {
        static let fields = InteropSynapses.number
        var head = SynapseHead()
        var a = 0
    }

    static func address(port: Int, hotkey: String) -> AxonInfo {
        AxonInfo(version: 1, ip: "127.0.0.1", port: port, ipType: 4, hotkey: hotkey, coldkey: hotkey)
    }

    /// Serves them all, as the peer does.
    static func attach(to axon: Axon) throws {
        try axon.attach(Echo.self) { echo, _ in
            var echo = echo
            echo.reply = echo.count == 1 ? echo.message : "\(echo.message)x\(echo.count)"
            return echo
        }
        try axon.attach(Required.self) { required, _ in required }
        try axon.attach(Hashed.self) { hashed, _ in
            var hashed = hashed
            hashed.answer = hashed.prompt.uppercased()
            return hashed
        }
        try axon.attach(SpecsLike.self) { specs, _ in
            var specs = specs
            specs.specsOutput = #"{"cpu":{"count":2}}"#
            return specs
        }
        try axon.attach(Teapot.self) { teapot, _ in
            var teapot = teapot
            teapot.head.axon.statusCode = 418
            teapot.head.axon.statusMessage = "short and stout"
            return teapot
        }
        try axon.attach(SynErr.self) { request, _ in
            throw BittensorInteropTests.errors.first { $0.name == request.kind }?.error
                ?? SynapseError(.synapse, "no such kind")
        }
        try axon.attach(Crash.self) { _, _ in throw Secret() }
        try axon.attach(Slow.self) { slow, _ in
            let (never, continuation) = AsyncStream.makeStream(of: Void.self)
            for await _ in never {}
            withExtendedLifetime(continuation) {}
            return slow
        }
        var denied = SynapseHooks<Denied>()
        denied.blacklist = { _ in .refused("hotkey not in allow list") }
        try axon.attach(Denied.self, hooks: denied) { synapse, _ in synapse }
        var picky = SynapseHooks<Picky>()
        picky.verify = { _ in throw SynapseError(.notVerified, "custom verify says no") }
        try axon.attach(Picky.self, hooks: picky) { synapse, _ in synapse }
        var late = SynapseHooks<PrioTimeout>()
        late.priority = { _ in throw SynapseError(.timedOut, "too late") }
        try axon.attach(PrioTimeout.self, hooks: late) { synapse, _ in synapse }
        try axon.attach(
            Pieces.self,
            streaming: { _, _, writer in
                for piece in ["alpha ", "beta ", "gamma"] {
                    try await writer.write(ByteBuffer(string: piece))
                }
            })
    }
}
