import BittensorCore
import NIOCore

/// One number; what each test makes of it is its handler's.
struct Simple: Synapse {
    static let fields: [SynapseField] = [.optional("a", .int, default: 0)]
    var head = SynapseHead()
    var a = 0
}

/// Refused by its blacklist hook.
struct Denied: Synapse {
    static let fields: [SynapseField] = [.optional("a", .int, default: 0)]
    var head = SynapseHead()
    var a = 0
}

/// Refused by its verify hook.
struct Picky: Synapse {
    static let fields: [SynapseField] = [.optional("a", .int, default: 0)]
    var head = SynapseHead()
    var a = 0
}

/// Its body is covered by a hash that the signature covers.
struct Hashed: Synapse {
    static let fields: [SynapseField] = [
        .optional("prompt", .string, default: ""), .optional("answer", .string),
    ]
    static let requiredHashFields = ["prompt"]
    var head = SynapseHead()
    var prompt = ""
    var answer: String?
}

/// Answered with more than a socket takes at once.
struct Large: Synapse {
    static let fields: [SynapseField] = [.optional("text", .string)]
    /// How long the text of the answer is, in bytes.
    static let textBytes = 8 << 20
    var head = SynapseHead()
    var text: String?

    /// The answer.
    func filled() -> Large {
        var large = self
        large.text = String(repeating: "x", count: Self.textBytes)
        return large
    }
}

/// Pieces of text.
struct Pieces: StreamingSynapse {
    static let name = "Stream"
    static let fields: [SynapseField] = [
        .optional("prompt", .string, default: ""), .optional("completion", .string, default: ""),
    ]
    var head = SynapseHead()
    var prompt = ""
    var completion = ""

    mutating func received(_ chunk: ByteBuffer) throws {
        self.completion += String(buffer: chunk)
    }
}
