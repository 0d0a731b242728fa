import Crypto
import Foundation
import Testing

@testable import LibP2PCore

/// One case of the cacophony and snow vector files.
private struct NoiseVector: Decodable, Sendable, CustomTestStringConvertible {
    struct Message: Decodable, Sendable {
        var payload: String
        var ciphertext: String
    }
    var protocol_name: String
    var init_prologue: String
    var init_static: String?
    var init_ephemeral: String?
    var init_remote_static: String?
    var resp_prologue: String
    var resp_static: String?
    var resp_ephemeral: String?
    var resp_remote_static: String?
    var handshake_hash: String?
    var messages: [Message]

    var testDescription: String { self.protocol_name }

    static let all: [NoiseVector] = {
        guard let data = HandshakeFixtures.sharedVectors("noise_25519_ChaChaPoly_SHA256.json"),
            let files = try? JSONDecoder().decode([String: [NoiseVector]].self, from: data)
        else { return [] }
        return files.sorted { $0.key < $1.key }.flatMap(\.value)
    }()

    /// The patterns of the Noise spec, sections 7.4, 7.5 and 18.1: known keys, then the messages.
    static let patterns: [String: String] = [
        "N": "<s|e es", "K": ">s<s|e es ss", "X": "<s|e es s ss",
        "NN": "|e|e ee", "NK": "<s|e es|e ee", "NX": "|e|e ee s es",
        "XN": "|e|e ee|s se", "XK": "<s|e es|e ee|s se", "XX": "|e|e ee s es|s se",
        "KN": ">s|e|e ee se", "KK": ">s<s|e es ss|e ee se", "KX": ">s|e|e ee se s es",
        "IN": "|e s|e ee se", "IK": "<s|e es s ss|e ee se", "IX": "|e s|e ee se s es",
        "NK1": "<s|e|e ee es", "NX1": "|e|e ee s|es", "X1N": "|e|e ee|s|se", "X1K": "<s|e es|e ee|s|se",
        "XK1": "<s|e|e ee es|s se", "X1K1": "<s|e|e ee es|s|se", "X1X": "|e|e ee s es|s|se",
        "XX1": "|e|e ee s|es s se", "X1X1": "|e|e ee s|es s|se", "K1N": ">s|e|e ee|se",
        "K1K": ">s<s|e es|e ee|se",
        "KK1": ">s<s|e|e ee se es", "K1K1": ">s<s|e|e ee es|se", "K1X": ">s|e|e ee s es|se",
        "KX1": ">s|e|e ee se s|es", "K1X1": ">s|e|e ee s|se es", "I1N": "|e s|e ee|se",
        "I1K": "<s|e es s|e ee|se",
        "IK1": "<s|e s|e ee se es", "I1K1": "<s|e s|e ee es|se", "I1X": "|e s|e ee s es|se",
        "IX1": "|e s|e ee se s|es", "I1X1": "|e s|e ee s|se es",
    ]

    var pattern: NoisePattern? {
        let name = String(self.protocol_name.split(separator: "_")[1])
        guard let parts = Self.patterns[name]?.split(separator: "|", omittingEmptySubsequences: false) else {
            return nil
        }
        return NoisePattern(
            name: name, initiatorStaticIsKnown: parts[0].contains(">"),
            responderStaticIsKnown: parts[0].contains("<"),
            messages: parts.dropFirst().map {
                $0.split(separator: " ").compactMap { .init(rawValue: String($0)) }
            })
    }

    func state(_ role: ConnectionRole) throws -> NoiseHandshakeState {
        func key(_ hex: String?) throws -> Curve25519.KeyAgreement.PrivateKey? {
            try hex.map { try .init(rawRepresentation: HandshakeFixtures.bytes($0)) }
        }
        let pattern = try #require(self.pattern)
        let isDialer = role == .dialer
        let remote = isDialer ? self.init_remote_static : self.resp_remote_static
        return try NoiseHandshakeState(
            pattern: pattern, role: role, staticKey: key(isDialer ? self.init_static : self.resp_static),
            ephemeralKey: key(isDialer ? self.init_ephemeral : self.resp_ephemeral),
            remoteStatic: remote.map { try .init(rawRepresentation: HandshakeFixtures.bytes($0)) },
            prologue: HandshakeFixtures.bytes(isDialer ? self.init_prologue : self.resp_prologue))
    }
}

@Suite("Noise framework")
struct NoiseHandshakeStateTests {
    @Test(
        "Every 25519 ChaChaPoly SHA256 vector of cacophony and snow is reproduced by both sides",
        .enabled(if: !NoiseVector.all.isEmpty, "the shared vectors are not here"), arguments: NoiseVector.all)
    private func vectors(vector: NoiseVector) throws {
        var dialer = try vector.state(.dialer)
        var listener = try vector.state(.listener)
        var index = 0
        while !dialer.isFinished {
            let message = vector.messages[index]
            let payload = HandshakeFixtures.bytes(message.payload)
            let written: [UInt8]
            let read: [UInt8]
            if dialer.isOurTurn {
                written = try dialer.writeMessage(payload: payload)
                read = try listener.readMessage(written)
            } else {
                written = try listener.writeMessage(payload: payload)
                read = try dialer.readMessage(written)
            }
            #expect(HandshakeFixtures.hex(written) == message.ciphertext)
            #expect(read == payload)
            index += 1
        }
        let isFinished = listener.isFinished
        #expect(isFinished)
        #expect(dialer.handshakeHash == listener.handshakeHash)
        if let hash = vector.handshake_hash { #expect(HandshakeFixtures.hex(dialer.handshakeHash) == hash) }
        let isOneWay = vector.pattern?.messages.count == 1
        var sending = try dialer.split()
        var receiving = try listener.split()
        var isDialer = isOneWay || index.isMultiple(of: 2)
        for message in vector.messages[index...] {
            let plaintext = HandshakeFixtures.bytes(message.payload)
            let sealed: [UInt8]
            let opened: [UInt8]
            if isDialer {
                sealed = try sending.initiatorToResponder.sealed(plaintext, associatedData: [])
                opened = try receiving.initiatorToResponder.opened(sealed[...], associatedData: [])
            } else {
                sealed = try receiving.responderToInitiator.sealed(plaintext, associatedData: [])
                opened = try sending.responderToInitiator.opened(sealed[...], associatedData: [])
            }
            #expect(HandshakeFixtures.hex(sealed) == message.ciphertext)
            #expect(opened == plaintext)
            if !isOneWay { isDialer.toggle() }
        }
    }

    @Test("A cipher refuses to use its last counter, in both directions")
    func counterExhaustion() throws {
        let bytes = [UInt8](repeating: 7, count: 32)
        var sender = NoiseCipherState(key: try NoiseCipherKey(copying: bytes), counter: .max - 1)
        var receiver = NoiseCipherState(key: try NoiseCipherKey(copying: bytes), counter: .max - 1)
        let last = try sender.sealed([1, 2, 3], associatedData: [])
        #expect(try receiver.opened(last[...], associatedData: []) == [1, 2, 3])
        do {
            _ = try sender.sealed([4], associatedData: [])
            Issue.record("the last counter was used")
        } catch { #expect(error.code == .nonceExhausted) }
        do {
            _ = try receiver.opened(last[...], associatedData: [])
            Issue.record("the last counter was used")
        } catch { #expect(error.code == .nonceExhausted) }
    }

    @Test(
        "The cipher is the AEAD of RFC 8439; its nonce is four zeros and the counter, little-endian"
    )
    func nonceLayout() throws {
        let bytes = (0..<32).map { UInt8($0) }
        var cipher = NoiseCipherState(key: try NoiseCipherKey(copying: bytes), counter: 0x0102_0304_0506_0708)
        let sealed = try cipher.sealed([9, 9, 9], associatedData: [1])
        let expected = try ChaChaPoly.seal(
            [9, 9, 9] as [UInt8], using: SymmetricKey(data: bytes),
            nonce: .init(data: [0, 0, 0, 0, 8, 7, 6, 5, 4, 3, 2, 1] as [UInt8]),
            authenticating: [1] as [UInt8])
        #expect(sealed == Array(expected.ciphertext + expected.tag))
    }

    @Test("A forged message leaves the counter where it was")
    func forgedMessageKeepsCounter() throws {
        let bytes = [UInt8](repeating: 1, count: 32)
        var sender = NoiseCipherState(key: try NoiseCipherKey(copying: bytes))
        var receiver = NoiseCipherState(key: try NoiseCipherKey(copying: bytes))
        let sealed = try sender.sealed([1, 2, 3], associatedData: [5])
        for index in sealed.indices {
            var forged = sealed
            forged[index] ^= 0x40
            do {
                _ = try receiver.opened(forged[...], associatedData: [5])
                Issue.record("byte \(index) is not authenticated")
            } catch { #expect(error.code == .decryptionFailed) }
        }
        #expect(receiver.counter == 0)
        #expect(try receiver.opened(sealed[...], associatedData: [5]) == [1, 2, 3])
    }
}
