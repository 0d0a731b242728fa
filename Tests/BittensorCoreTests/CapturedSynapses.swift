internal import NIOCore

@testable internal import BittensorCore

// The synapses that the captured server served, declared again: what they hold was read off the captures.

struct Echo: Synapse {
    static let fields: [SynapseField] = [
        .required("message", .string), .optional("count", .int, default: 1), .optional("reply", .string),
    ]
    var head = SynapseHead()
    var message: String
    var count = 1
    var reply: String?
}

struct Specs: Synapse {
    static let fields: [SynapseField] = [
        .optional("specs_input", .string, default: ""), .optional("specs_output", .string, default: ""),
    ]
    var head = SynapseHead()
    var specsInput = ""
    var specsOutput = ""

    func deserialize() -> String { self.specsOutput }
}

struct Allocate: Synapse {
    static let fields: [SynapseField] = [
        .optional("timeline", .int, default: 0), .optional("device_requirement", .dict, default: [:]),
        .optional("checking", .bool, default: true), .optional("output", .dict, default: [:]),
        .optional("public_key", .string, default: ""),
        .optional(
            "docker_requirement", .dict,
            default: [
                "base_image": "ubuntu", "ssh_key": "", "ssh_port": 4444, "volume_path": "/tmp",
                "dockerfile": "",
            ]),
        .optional("docker_change", .bool, default: false),
        .optional("docker_action", .dict, default: ["action": "", "ssh_key": "", "key_type": ""]),
    ]
    var head = SynapseHead()
    var timeline = 0
    var deviceRequirement: JSONValue = [:]
    var checking = true
    var output: JSONValue = [:]
    var publicKey = ""
    var dockerRequirement: JSONValue
    var dockerChange = false
    var dockerAction: JSONValue
}

struct Challenge: Synapse {
    static let fields: [SynapseField] = [
        .optional("challenge_hash", .string, default: ""), .optional("challenge_salt", .string, default: ""),
        .optional("challenge_mode", .string, default: ""), .optional("challenge_chars", .string, default: ""),
        .optional("challenge_mask", .string, default: ""),
        .optional("challenge_difficulty", .int, default: 7), .optional("output", .dict, default: [:]),
    ]
    var head = SynapseHead()
    var challengeHash = ""
    var challengeSalt = ""
    var challengeMode = ""
    var challengeChars = ""
    var challengeMask = ""
    var challengeDifficulty = 7
    var output: JSONValue = [:]
}

struct Required: Synapse {
    static let fields: [SynapseField] = [
        .required("s", .string), .required("i", .int), .required("f", .float), .required("b", .bool),
        .required("l", .list), .required("d", .dict), .optional("o", .string),
    ]
    var head = SynapseHead()
    var s: String
    var i: Int
    var f: Double
    var b: Bool
    var l: [JSONValue]
    var d: JSONValue
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
    var items: [JSONValue] = []
    var cfg: JSONValue = [:]
    var opt: String?
    var answer: String?
}

struct TensorSyn: Synapse {
    static let fields: [SynapseField] = [.optional("x", .tensor), .optional("y", .tensor)]
    var head = SynapseHead()
    var x: Tensor?
    var y: Tensor?
}

struct TensorReq: Synapse {
    static let fields: [SynapseField] = [.required("x", .tensor), .optional("y", .tensor)]
    var head = SynapseHead()
    var x: Tensor
    var y: Tensor?
}

struct Upper: Synapse {
    static let fields: [SynapseField] = [.required("MyField", .string)]
    enum CodingKeys: String, CodingKey { case head, myField = "MyField" }
    var head = SynapseHead()
    var myField: String
}

/// The captured synapses that only have `a: int = 0`.
protocol PlainSynapse: Synapse { var a: Int { get set } }
extension PlainSynapse {
    static var fields: [SynapseField] { [.optional("a", .int, default: 0)] }
}

struct Denied: PlainSynapse { var head = SynapseHead(); var a = 0 }
struct Picky: PlainSynapse { var head = SynapseHead(); var a = 0 }
struct Crash: PlainSynapse { var head = SynapseHead(); var a = 0 }
struct PrioTimeout: PlainSynapse { var head = SynapseHead(); var a = 0 }
struct PrioCrash: PlainSynapse { var head = SynapseHead(); var a = 0 }
struct BlackCrash: PlainSynapse { var head = SynapseHead(); var a = 0 }
struct Teapot: PlainSynapse { var head = SynapseHead(); var a = 0 }
struct BadHeader: PlainSynapse { var head = SynapseHead(); var a = 0 }
/// Only ever asked for: the captured server does not have it.
struct Nope: PlainSynapse { var head = SynapseHead(); var a = 0 }

struct Slow: Synapse {
    static let fields: [SynapseField] = [.optional("delay", .float, default: 0.0)]
    var head = SynapseHead()
    var delay = 0.0
}

struct SynErr: Synapse {
    static let fields: [SynapseField] = [.optional("kind", .string, default: "")]
    var head = SynapseHead()
    var kind = ""
}

struct Stream: StreamingSynapse {
    static let fields: [SynapseField] = [
        .optional("prompt", .string, default: ""), .optional("completion", .string, default: ""),
    ]
    static let requiredHashFields = ["prompt"]
    var head = SynapseHead()
    var prompt = ""
    var completion = ""

    mutating func received(_ chunk: ByteBuffer) { self.completion += String(buffer: chunk) }
}

enum CapturedSynapses {
    /// In the order in which the captured server attached them: its 404 lists them so.
    static let served: [any Synapse.Type] = [
        BaseSynapse.self, Echo.self, Specs.self, Allocate.self, Challenge.self, Required.self, Hashed.self,
        TensorSyn.self, TensorReq.self, Upper.self, Denied.self, Picky.self, Crash.self, Slow.self,
        PrioTimeout.self, PrioCrash.self, BlackCrash.self, Teapot.self, SynErr.self, BadHeader.self,
        Stream.self,
    ]

    static func type(_ name: String) -> (any Synapse.Type)? {
        (self.served + [Nope.self]).first { $0.name == name }
    }
}
