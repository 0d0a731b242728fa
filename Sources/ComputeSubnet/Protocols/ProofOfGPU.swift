public import BittensorCore
public import NIOCore

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// `POST /ProofOfGPU`: one message of the proof of GPU to one GPU of a miner, and the answer as raw bytes.
///
/// Not of the reference, which proves GPUs by a login. Layout (JSON members): `gpu` (text, `GPU-…`),
/// `message` (base64). The answer can have many megabytes, so it is a stream; docs/protocols/proof-of-gpu.md
/// has the bytes.
public struct ProofOfGPU: StreamingSynapse {
    public static let name = "ProofOfGPU"
    public static let fields: [SynapseField] = [
        .optional("gpu", .string, default: ""), .optional("message", .string, default: ""),
    ]

    public var head = SynapseHead()
    /// The UUID of the GPU, as its driver writes it.
    public var gpu = ""
    /// The message, base64.
    public var message = ""
    /// What came so far, at the caller's end.
    public private(set) var answer: [UInt8] = []
    /// Most bytes of the answer that the caller takes.
    public var answerBytesMax = 0

    private enum CodingKeys: String, CodingKey {
        case gpu, message
    }

    /// A message to a GPU.
    public init(gpu: String, message: [UInt8], answerBytesMax: Int) {
        self.gpu = gpu
        self.message = Data(message).base64EncodedString()
        self.answerBytesMax = answerBytesMax
    }

    /// The bytes of ``message``; `nil` when it is not base64 or longer than any message is.
    public var messageBytes: [UInt8]? {
        guard self.message.utf8.count <= 4096 else { return nil }
        return Data(base64Encoded: self.message).map { Array($0) }
    }

    public mutating func received(_ chunk: ByteBuffer) throws {
        guard self.answer.count + chunk.readableBytes <= self.answerBytesMax else {
            throw ComputeError(.malformedRequest, "The answer of the miner is longer than asked for.")
        }
        self.answer += chunk.readableBytesView
    }
}
