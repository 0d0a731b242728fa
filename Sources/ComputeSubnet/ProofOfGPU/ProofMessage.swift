internal import Crypto

/// The four messages of a round, `docs/protocols/proof-of-gpu.md`. Little-endian, of fixed length each.
///
/// Each begins with `SPoG`, the version, its kind, and two zero bytes.
enum ProofMessage {
    enum Kind: UInt8, Sendable { case challenge = 1, commitment, openingRequest, opening }

    static let headerBytes = 8
    static let version: UInt8 = 1

    static func header(_ kind: Kind) -> [UInt8] {
        Array("SPoG".utf8) + [Self.version, kind.rawValue, 0, 0]
    }

    /// Checks length and header; the rest begins at ``headerBytes``.
    static func check(_ bytes: [UInt8], _ kind: Kind, count: Int) throws(ProofOfGPUError) {
        guard bytes.count == count else {
            throw ProofOfGPUError(.malformed, "a \(kind) has \(count) bytes, not \(bytes.count)")
        }
        guard bytes.starts(with: Self.header(kind)) else {
            throw ProofOfGPUError(.malformed, "this is no \(kind) of version \(Self.version)")
        }
    }

    /// The kind that the header tells; nil for other bytes.
    static func kind(of bytes: [UInt8]) -> Kind? {
        guard bytes.count >= Self.headerBytes, let kind = Kind(rawValue: bytes[5]) else { return nil }
        return bytes.starts(with: Self.header(kind)) ? kind : nil
    }

    static func encode(_ number: Int) -> [UInt8] {
        let word = UInt32(truncatingIfNeeded: number)
        return (0..<4).map { UInt8(truncatingIfNeeded: word >> UInt32(8 * $0)) }
    }

    /// The four bytes at `offset`, which must be there.
    static func decode(_ bytes: [UInt8], at offset: Int) -> Int {
        var word = 0
        for index in 0..<4 { word |= Int(bytes[offset + index]) << (8 * index) }
        return word
    }
}

/// What a validator asks of one GPU in one round.
package struct ProofChallenge: Sendable, Hashable {
    static let count = ProofMessage.headerBytes + 5 * 4 + 16 + 3 * 32

    /// How large the proof is.
    package let parameters: ProofOfGPUParameters
    /// Which round this is, from 0.
    package let round: Int
    /// 16 bytes.
    package let gpuUUID: [UInt8]
    /// 32 random bytes that nobody could know before.
    package let nonce: [UInt8]
    let validatorDigest: [UInt8]
    let minerDigest: [UInt8]
    /// The message.
    package let bytes: [UInt8]
    /// What all keys and all leaves of this round are derived from: SHA-256 of the whole message.
    package let digest: [UInt8]

    init(
        subject: ProofOfGPUSubject, parameters: ProofOfGPUParameters, round: Int, nonce: [UInt8]
    ) throws(ProofOfGPUError) {
        guard nonce.count == 32 else { throw ProofOfGPUError(.parameters, "a nonce has 32 bytes") }
        self.parameters = parameters
        self.round = round
        self.gpuUUID = subject.gpuUUID
        self.nonce = nonce
        self.validatorDigest = ProofOfGPUSubject.digest(ofHotkey: subject.validatorHotkey)
        self.minerDigest = ProofOfGPUSubject.digest(ofHotkey: subject.minerHotkey)
        var bytes = ProofMessage.header(.challenge)
        for number in [parameters.size, parameters.layers, parameters.openedRows, parameters.rounds, round] {
            bytes += ProofMessage.encode(number)
        }
        self.bytes = bytes + self.gpuUUID + nonce + self.validatorDigest + self.minerDigest
        self.digest = Self.digest(of: self.bytes)
    }

    init(_ bytes: [UInt8], limits: ProofOfGPULimits) throws(ProofOfGPUError) {
        try ProofMessage.check(bytes, .challenge, count: Self.count)
        let numbers = (0..<5).map { ProofMessage.decode(bytes, at: ProofMessage.headerBytes + 4 * $0) }
        self.parameters = try ProofOfGPUParameters(
            size: numbers[0], layers: numbers[1], openedRows: numbers[2], rounds: numbers[3], limits: limits)
        self.round = numbers[4]
        guard self.round < self.parameters.rounds else {
            throw ProofOfGPUError(.malformed, "round \(self.round) of \(self.parameters.rounds)")
        }
        self.gpuUUID = Array(bytes[28..<44])
        self.nonce = Array(bytes[44..<76])
        self.validatorDigest = Array(bytes[76..<108])
        self.minerDigest = Array(bytes[108..<140])
        self.bytes = bytes
        self.digest = Self.digest(of: bytes)
    }

    private static func digest(of bytes: [UInt8]) -> [UInt8] {
        Array(SHA256.hash(data: Array("subnet proof-of-gpu/1".utf8) + bytes))
    }
}

/// The root of the tree over the rows of the last layer.
struct ProofCommitment: Sendable, Hashable {
    static let count = ProofMessage.headerBytes + 64

    let challengeDigest: [UInt8]
    let root: [UInt8]

    init(challengeDigest: [UInt8], root: [UInt8]) {
        self.challengeDigest = challengeDigest
        self.root = root
    }

    init(_ bytes: [UInt8]) throws(ProofOfGPUError) {
        try ProofMessage.check(bytes, .commitment, count: Self.count)
        self.challengeDigest = Array(bytes[8..<40])
        self.root = Array(bytes[40..<72])
    }

    var bytes: [UInt8] { ProofMessage.header(.commitment) + self.challengeDigest + self.root }
}

/// The rows to be opened: distinct, in ascending order.
struct ProofOpeningRequest: Sendable, Hashable {
    let challengeDigest: [UInt8]
    let root: [UInt8]
    let rows: [Int]

    init(challengeDigest: [UInt8], root: [UInt8], rows: [Int]) {
        self.challengeDigest = challengeDigest
        self.root = root
        self.rows = rows
    }

    init(_ bytes: [UInt8], parameters: ProofOfGPUParameters) throws(ProofOfGPUError) {
        let count = ProofMessage.headerBytes + 64 + 4 * parameters.openedRows
        try ProofMessage.check(bytes, .openingRequest, count: count)
        self.challengeDigest = Array(bytes[8..<40])
        self.root = Array(bytes[40..<72])
        self.rows = (0..<parameters.openedRows).map { ProofMessage.decode(bytes, at: 72 + 4 * $0) }
        guard zip(self.rows, self.rows.dropFirst()).allSatisfy({ $0 < $1 }),
            self.rows.last ?? 0 < parameters.size
        else { throw ProofOfGPUError(.malformed, "rows are not distinct and ascending") }
    }

    var bytes: [UInt8] {
        ProofMessage.header(.openingRequest) + self.challengeDigest + self.root
            + self.rows.flatMap { ProofMessage.encode($0) }
    }
}
