internal import Synchronization
internal import Testing

@testable internal import AccountKeys

@Suite struct KeypairTests {
    @Test func keysOfSeeds() throws {
        let vectors = try KeyVectors.load().seeds
        #expect(vectors.count == 8)
        for vector in vectors {
            let scheme = try #require(KeyScheme(rawValue: vector.cryptoType))
            let pair = try Keypair(seed: try bytes(vector.seed), scheme: scheme)
            #expect(Hexadecimal.prefixed(pair.publicKey.bytes) == vector.publicKey)
            #expect(pair.ss58Address == vector.ss58)
            let secret = pair.secret.withUnsafeBytes { Array($0) }
            let stored = scheme == .ed25519 ? Array(secret[..<32]) : secret
            #expect(Hexadecimal.prefixed(stored) == vector.privateKey)
            // What a keyfile stores makes the same key again.
            let again = try Keypair(privateKey: stored, scheme: scheme)
            #expect(again.publicKey == pair.publicKey)
            #expect(pair.publicKey.isValidSignature(try again.sign([1, 2]), for: [1, 2]))
        }
    }

    @Test func privateKeysOfBittensor() throws {
        for vector in try KeyVectors.load().privateKeyImport {
            let pair = try Keypair(privateKey: try bytes(vector.privateKey))
            #expect(Hexadecimal.prefixed(pair.publicKey.bytes) == vector.publicKey, "\(vector.label)")
        }
    }

    @Test func ed25519FormsOfScalarsAreRecognised() throws {
        let pair = try Keypair(seed: [UInt8](repeating: 5, count: 32))
        var form = pair.secret.withUnsafeBytes { Array($0) }
        var carry: UInt8 = 0
        for index in 0..<32 {
            let next = form[index] >> 5
            form[index] = form[index] << 3 | carry
            carry = next
        }
        let again = try Keypair(privateKey: form)
        #expect(again.publicKey == pair.publicKey)
    }

    @Test func badKeysAreRefused() throws {
        let order = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"
        let refused: [(KeyScheme, [UInt8])] = [
            (.sr25519, []), (.sr25519, [1]), (.sr25519, [UInt8](repeating: 255, count: 64)),
            (.sr25519, [UInt8](repeating: 0, count: 64)), (.sr25519, [UInt8](repeating: 1, count: 63)),
            (.ed25519, [UInt8](repeating: 1, count: 64)), (.ed25519, [UInt8](repeating: 1, count: 31)),
            (.ecdsa, [UInt8](repeating: 0, count: 32)), (.ecdsa, try bytes(order)),
            (.ecdsa, [UInt8](repeating: 1, count: 64)),
        ]
        for (scheme, key) in refused {
            #expect(throws: AccountKeyError.self, "\(scheme) \(key.count)") {
                try Keypair(privateKey: key, scheme: scheme)
            }
        }
        #expect(throws: AccountKeyError.self) { try Keypair(seed: [1, 2, 3]) }
    }

    @Test(arguments: KeyScheme.allCases) func newKeysDifferAndSign(scheme: KeyScheme) throws {
        let (one, two) = (try Keypair.generate(scheme), try Keypair.generate(scheme))
        #expect(one.publicKey != two.publicKey)
        let signature = try one.sign([7])
        #expect(one.publicKey.isValidSignature(signature, for: [7]))
        #expect(!two.publicKey.isValidSignature(signature, for: [7]))
    }

    @Test func nothingPrintsASecret() throws {
        let seed = [UInt8](repeating: 0x5a, count: 32)
        let pair = try Keypair(seed: seed)
        var dumped = ""
        dump(pair, to: &dumped)
        dump(pair.secret, to: &dumped)
        let texts = [dumped, "\(pair)", String(reflecting: pair), "\(pair.secret)"]
        let secret = pair.secret.withUnsafeBytes { Array($0) }
        for text in texts {
            #expect(!text.contains(Hexadecimal.encode(seed)))
            #expect(!text.contains(Hexadecimal.encode(secret[..<8])))
            #expect(!text.contains("90, 90, 90"))
        }
        #expect(texts[1] == "keypair sr25519 \(pair.ss58Address)")
    }

    @Test func secretsAreErasedBeforeTheirMemoryGoesBack() {
        let seen = Mutex<[[UInt8]]>([])
        var secret: SecretBytes? = SecretBytes(
            count: 4,
            release: { buffer in
                seen.withLock { $0.append(Array(buffer)) }
                buffer.deallocate()
            }
        ) { start in
            for index in 0..<4 { start[index] = 0xaa }
        }
        let copy = secret
        secret = nil
        #expect(seen.withLock { $0 }.isEmpty)
        #expect(copy?.withUnsafeBytes { Array($0) } == [0xaa, 0xaa, 0xaa, 0xaa])
        withExtendedLifetime(copy) {}
    }

    @Test func secretsAreErasedWithTheLastCopy() {
        let seen = Mutex<[[UInt8]]>([])
        do {
            let secret = SecretBytes(
                count: 4,
                release: { buffer in
                    seen.withLock { $0.append(Array(buffer)) }
                    buffer.deallocate()
                }
            ) { start in
                for index in 0..<4 { start[index] = 0xaa }
            }
            #expect(secret.slice(1..<9).count == 3)
        }
        #expect(seen.withLock { $0 } == [[0, 0, 0, 0]])
    }

    @Test func equalityOfSecrets() {
        #expect(SecretBytes([1, 2]).isEqual(to: SecretBytes([1, 2])))
        #expect(!SecretBytes([1, 2]).isEqual(to: SecretBytes([1, 3])))
        #expect(!SecretBytes([1, 2]).isEqual(to: SecretBytes([1, 2, 3])))
        #expect(SecretBytes([]).isEqual(to: SecretBytes([])))
    }
}
