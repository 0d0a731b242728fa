import Crypto
import Foundation
import LibP2PIdentity
import NIOCore
import Testing

@testable import LibP2PCore

/// A libp2p transcript made by `Interop/vectors/noise_vectors.py`.
struct NoiseTranscript: Decodable, Sendable, CustomTestStringConvertible {
    struct Keys: Decodable, Sendable {
        var identity: String
        var `static`: String
        var ephemeral: String
    }
    struct Record: Decodable, Sendable {
        var from: String
        var plaintext: String
        var record: String
    }
    var name: String
    var prologue: String
    var dialer: Keys
    var listener: Keys
    var dialer_muxers: [String]
    var listener_muxers: [String]
    var early_muxer: String?
    /// Whether our own messages are the transcript's, byte for byte: not where it has fields that we never
    /// write.
    var ours: Bool
    var payloads: [String]
    var messages: [String]
    var handshake_hash: String
    var transport: [Record]

    var testDescription: String { self.name }

    static let all: [NoiseTranscript] = {
        struct File: Decodable { var vectors: [NoiseTranscript] }
        return (try? HandshakeFixtures.decode(File.self, from: "noise_libp2p"))?.vectors ?? []
    }()

    func handshake(_ role: ConnectionRole, expecting: PeerID? = nil) throws -> NoiseHandshake {
        let keys = role == .dialer ? self.dialer : self.listener
        let identity = try PrivateKey(ed25519Seed: HandshakeFixtures.bytes(keys.identity))
        let staticKey = try Curve25519.KeyAgreement.PrivateKey(
            rawRepresentation: HandshakeFixtures.bytes(keys.static))
        return NoiseHandshake(
            role: role, identity: identity, staticKey: staticKey,
            ephemeralKey: try .init(rawRepresentation: HandshakeFixtures.bytes(keys.ephemeral)),
            staticKeySignature: try NoisePayload.signature(ofStaticKey: staticKey.publicKey, by: identity),
            expectedPeer: expecting, muxers: role == .dialer ? self.dialer_muxers : self.listener_muxers,
            prologue: HandshakeFixtures.bytes(self.prologue))
    }

    func peerID(_ role: ConnectionRole) throws -> PeerID {
        let keys = role == .dialer ? self.dialer : self.listener
        return PeerID(
            publicKey: try PrivateKey(ed25519Seed: HandshakeFixtures.bytes(keys.identity)).publicKey)
    }

    func message(_ index: Int) -> ByteBuffer {
        ByteBuffer(bytes: HandshakeFixtures.bytes(self.messages[index]))
    }
}

/// Reading of fixture files and hexadecimal text.
enum HandshakeFixtures {
    static func decode<Value: Decodable>(_ type: Value.Type, from name: String) throws -> Value {
        guard let url = Bundle.module.url(forResource: name, withExtension: "json", subdirectory: "Fixtures")
        else {
            throw CocoaError(.fileNoSuchFile)
        }
        return try JSONDecoder().decode(type, from: Data(contentsOf: url))
    }

    /// The vectors kept beside the project, when they are there.
    static func sharedVectors(_ path: String) -> Data? {
        let root =
            ProcessInfo.processInfo.environment["SUBNET_SHARED"].map { URL(fileURLWithPath: $0) }
            ?? URL(fileURLWithPath: #filePath).deletingLastPathComponent()  // Noise
            .appendingPathComponent("../../../../shared").standardizedFileURL
        return try? Data(contentsOf: root.appendingPathComponent("vectors/public/\(path)"))
    }

    static func bytes(_ hex: String) -> [UInt8] {
        let digits = hex.utf8.compactMap { Character(UnicodeScalar($0)).hexDigitValue }
        return stride(from: 0, to: digits.count - 1, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
    }

    static func hex(_ bytes: some Sequence<UInt8>) -> String {
        let digits = Array("0123456789abcdef")
        return String(bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
    }
}
