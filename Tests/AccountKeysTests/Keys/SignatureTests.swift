internal import Testing

@testable internal import AccountKeys

@Suite struct SignatureTests {
    /// The order of the group, little-endian.
    private static let order =
        "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010"

    @Test func fixedWitnessesGiveTheKnownSignatures() throws {
        let vectors = try FixedVectors.load().vectors
        #expect(vectors.count == 4)
        for vector in vectors {
            let secret = try Sr25519.expand(SecretBytes(try bytes(vector.miniSecret)))
            let halves = try bytes(vector.secretScalarLe) + bytes(vector.nonceHalf)
            #expect(secret.isEqual(to: SecretBytes(halves)))
            let key = try Sr25519.publicKey(of: secret)
            #expect(Hexadecimal.prefixed(key) == vector.publicKey)
            let message = try bytes(vector.message)
            #expect(
                Sr25519.challenge(message, publicKey: key, commitment: try bytes(vector.R))
                    == (try bytes(vector.challengeKLe)))
            let signature = try Sr25519.sign(
                message, secret: secret, publicKey: key,
                witness: SecretBytes(try bytes(vector.witnessScalarRLe)))
            #expect(Hexadecimal.prefixed(signature) == vector.signature)
            #expect(Sr25519.isValid(signature, for: message, publicKey: key))
        }
    }

    @Test func challengesOfRealSignatures() throws {
        let vectors = try TraceVectors.load().signatureChallenges
        #expect(vectors.count == 10)
        for vector in vectors {
            let challenge = Sr25519.challenge(
                try bytes(vector.messageHex), publicKey: try bytes(vector.publicKey),
                commitment: Array(try bytes(vector.signature)[..<32]))
            #expect(Hexadecimal.encode(challenge) == vector.challengeScalarLe)
        }
    }

    @Test func signaturesOfBittensorVerify() throws {
        let vectors = try SignatureVectors.load().positive
        #expect(vectors.count == 15)
        for vector in vectors {
            let scheme = try #require(KeyScheme(rawValue: vector.cryptoType))
            let key = try AccountPublicKey(scheme: scheme, bytes: try bytes(vector.publicKey))
            let signature = try SignatureText.decode(vector.signature, scheme: scheme)
            let message = try bytes(vector.messageHex)
            #expect(key.isValidSignature(signature, for: message))
            #expect(!key.isValidSignature(signature, for: message + [0]))
            // The other scheme must never accept it.
            let other = KeyScheme.sr25519 == scheme ? KeyScheme.ed25519 : .sr25519
            if let confused = try? AccountPublicKey(scheme: other, bytes: key.bytes) {
                #expect(!confused.isValidSignature(signature, for: message))
            }
        }
    }

    @Test func verifyCasesOfBittensor() throws {
        let vectors = try SignatureVectors.load().verifyCases
        #expect(vectors.count == 15)
        for vector in vectors {
            let key = try AccountPublicKey(scheme: .sr25519, bytes: try bytes(vector.publicKey))
            // A message is bytes here: the text `0x…` is what Python decodes first, and version 11 does not.
            let message =
                if vector.message.hasPrefix("hex:") {
                    try bytes(String(vector.message.dropFirst(4)))
                } else if vector.message.hasPrefix("0x") {
                    try bytes(vector.message)
                } else {
                    Array(vector.message.utf8)
                }
            let signature: [UInt8]
            do {
                signature = try SignatureText.decode(vector.signature)
            } catch {
                #expect(vector.verify == nil, "\(vector.label): \(error)")
                let isLength = error.code == .signatureLength
                #expect(isLength == vector.error?.contains("Invalid SR25519 signature."), "\(vector.label)")
                continue
            }
            let isValid = key.isValidSignature(signature, for: message, allowsBytesWrapper: true)
            #expect(isValid == vector.verify, "\(vector.label)")
            if vector.label.hasPrefix("signature over <Bytes>") {
                #expect(!key.isValidSignature(signature, for: message))
            }
        }
    }

    @Test(arguments: KeyScheme.allCases) func everyFlippedBitIsRefused(scheme: KeyScheme) throws {
        let pair = try Keypair(seed: [UInt8](repeating: 9, count: 32), scheme: scheme)
        let message = Array("a message".utf8)
        let signature = try pair.sign(message)
        #expect(signature.count == scheme.signatureBytes)
        #expect(pair.publicKey.isValidSignature(signature, for: message))
        for index in signature.indices {
            for bit in [0, 3, 7] {
                var altered = signature
                altered[index] ^= 1 << UInt8(bit)
                #expect(!pair.publicKey.isValidSignature(altered, for: message), "byte \(index), bit \(bit)")
            }
        }
        for count in [0, 1, 63, 64, 65, 66] where count != signature.count {
            let resized = Array((signature + [0, 0])[..<count])
            #expect(!pair.publicKey.isValidSignature(resized, for: message))
        }
        let other = try Keypair(seed: [UInt8](repeating: 8, count: 32), scheme: scheme)
        #expect(!other.publicKey.isValidSignature(signature, for: message))
    }

    @Test func nonCanonicalScalarIsRefused() throws {
        let pair = try Keypair(seed: [UInt8](repeating: 9, count: 32))
        let message = Array("m".utf8)
        let order = try bytes(Self.order)
        // s + l encodes the same number; it fits in 255 bits and must not pass as a second signature.
        var signature = try pair.sign(message)
        signature[63] &= 0x7f
        var carry: UInt16 = 0
        for index in 0..<32 {
            let sum = UInt16(signature[32 + index]) + UInt16(order[index]) + carry
            signature[32 + index] = UInt8(truncatingIfNeeded: sum)
            carry = sum >> 8
        }
        #expect(carry == 0)
        signature[63] |= 0x80
        #expect(!pair.publicKey.isValidSignature(signature, for: message))
    }

    @Test func canonicalScalars() throws {
        var below = try bytes(Self.order)
        #expect(!RistrettoScalar.isCanonical(below))
        below[0] -= 1
        #expect(RistrettoScalar.isCanonical(below))
        #expect(!RistrettoScalar.isCanonical([UInt8](repeating: 255, count: 32)))
        #expect(RistrettoScalar.isCanonical([UInt8](repeating: 0, count: 32)))
        var eight = [UInt8](repeating: 0, count: 32)
        eight[0] = 8
        eight[31] = 0x80
        eight.withUnsafeMutableBufferPointer { buffer in
            if let start = buffer.baseAddress { RistrettoScalar.divideByCofactor(start) }
        }
        #expect(eight[0] == 1)
        #expect(eight[31] == 0x10)
    }

    @Test func neutralAndBrokenPointsAreNoKeys() throws {
        for scheme in [KeyScheme.sr25519, .ed25519] {
            for bytes in [
                [UInt8](repeating: 0, count: 32), [UInt8](repeating: 255, count: 32), [], [1],
                [1] + [UInt8](repeating: 0, count: 31), [UInt8](repeating: 0, count: 33),
            ] {
                #expect(throws: AccountKeyError.self) { try AccountPublicKey(scheme: scheme, bytes: bytes) }
            }
        }
        for bytes in [[UInt8](repeating: 0, count: 33), [4] + [UInt8](repeating: 1, count: 32), []] {
            #expect(throws: AccountKeyError.self) { try AccountPublicKey(scheme: .ecdsa, bytes: bytes) }
        }
        // With the neutral point as its key, s·B = R would verify for every message.
        let scalar = [1] + [UInt8](repeating: 0, count: 31)
        let base = "e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76"
        var forged = try bytes(base) + scalar
        forged[63] |= 0x80
        #expect(!Sr25519.isValid(forged, for: [1], publicKey: [UInt8](repeating: 0, count: 32)))
    }

    @Test func witnessDependsOnAllItsInputs() throws {
        let pair = try Keypair(seed: [UInt8](repeating: 1, count: 32))
        let one = [UInt8](repeating: 1, count: 32)
        let two = [UInt8](repeating: 2, count: 32)
        let signature = try pair.sign([1], randomness: one)
        #expect(try pair.sign([1], randomness: one) == signature)
        // A repeated witness under two messages gives the key away: R must differ.
        #expect(try pair.sign([2], randomness: one)[..<32] != signature[..<32])
        #expect(try pair.sign([1], randomness: two)[..<32] != signature[..<32])
        let other = try Keypair(seed: two)
        #expect(try other.sign([1], randomness: one)[..<32] != signature[..<32])
        #expect(try pair.sign([1]) != pair.sign([1]))
        #expect(throws: AccountKeyError.self) { try pair.sign([1], randomness: [1]) }
    }

    @Test func highOrderHalvesOfEcdsaAreRefused() throws {
        let pair = try Keypair(seed: [UInt8](repeating: 3, count: 32), scheme: .ecdsa)
        let message = Array("m".utf8)
        let signature = try pair.signEthereum(message)
        #expect(pair.publicKey.isValidEthereumSignature(signature, for: message))
        #expect(signature[64] < 2)
        // As Ethereum's own tools write it.
        #expect(
            pair.publicKey.isValidEthereumSignature(signature[..<64] + [signature[64] + 27], for: message))
        #expect(!pair.publicKey.isValidSignature(signature, for: message))
        // n - s with the other recovery mark is the twin that BIP 62 forbids.
        let n = try bytes("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141")
        var twin = signature
        var borrow = 0
        for index in (0..<32).reversed() {
            let difference = Int(n[index]) - Int(signature[32 + index]) - borrow
            twin[32 + index] = UInt8(truncatingIfNeeded: difference)
            borrow = difference < 0 ? 1 : 0
        }
        twin[64] ^= 1
        #expect(!pair.publicKey.isValidEthereumSignature(twin, for: message))
        let hotkey = try Keypair.generate()
        #expect(throws: AccountKeyError.self) { try hotkey.signEthereum(message) }
        #expect(!hotkey.publicKey.isValidEthereumSignature(signature, for: message))
    }

    @Test func signatureTexts() throws {
        let text = "0x" + String(repeating: "aB", count: 64)
        let signature = try SignatureText.decode(text)
        #expect(SignatureText.encode(signature) == text.lowercased())
        let refused: [(String, AccountKeyError.Code)] = [
            ("", .signatureFormat), ("0x", .signatureLength), ("0X" + text.dropFirst(2), .signatureFormat),
            (String(text.dropFirst(2)), .signatureFormat), ("0x0", .signatureFormat),
            ("0x" + String(repeating: "zz", count: 64), .signatureFormat),
            (text + "00", .signatureLength),
            ("0x" + String(repeating: "0", count: 100_000), .signatureFormat),
        ]
        for (text, code) in refused {
            let error = #expect(throws: AccountKeyError.self) { try SignatureText.decode(text) }
            #expect(error?.code == code)
        }
    }
}
