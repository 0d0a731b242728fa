internal import Testing

@testable internal import AccountKeys

@Suite struct DerivationTests {
    @Test func urisOfBittensor() throws {
        let vectors = try KeyVectors.load().uris
        #expect(vectors.count == 91)
        for vector in vectors {
            let scheme = try #require(KeyScheme(rawValue: vector.cryptoType))
            guard let key = vector.publicKey else {
                #expect(throws: AccountKeyError.self, "\(vector.uri) \(vector.error ?? "")") {
                    try Keypair(uri: vector.uri, scheme: scheme)
                }
                continue
            }
            let pair = try Keypair(uri: vector.uri, scheme: scheme)
            #expect(Hexadecimal.prefixed(pair.publicKey.bytes) == key, "\(vector.uri)")
            #expect(pair.ss58Address == vector.ss58)
            // The nonce half of softly derived keys is random in schnorrkel: the scalar must agree.
            let secret = pair.secret.withUnsafeBytes { Hexadecimal.prefixed($0[..<32]) }
            #expect(vector.privateKey?.hasPrefix(secret) == true, "\(vector.uri)")
            #expect(pair.seed == nil)
        }
    }

    @Test func stepsOfDerivations() throws {
        let traces = try TraceVectors.load().derivationTraces
        #expect(traces.count == 40)
        let legal = "legal winner thank year wave sausage worth useful legal winner thank yellow"
        for trace in traces {
            let codes = try SecretURI(trace.path).path.junctions.map { Hexadecimal.encode($0.chainCode) }
            #expect(codes == trace.steps.map(\.chainCode), "\(trace.path)")
            let base = trace.base == "legal12" ? legal : ""
            let pair = try Keypair(uri: base + trace.path)
            let scalar = pair.secret.withUnsafeBytes { Hexadecimal.encode($0[..<32]) }
            #expect(scalar == trace.secretScalarLe)
            #expect(Hexadecimal.prefixed(pair.publicKey.bytes) == trace.publicKey)
        }
        let first = try #require(traces.first)
        let root = try Keypair(uri: "")
        let mini = root.hardMiniSecret(try bytes(first.steps[0].chainCode)).withUnsafeBytes { Array($0) }
        #expect(Hexadecimal.encode(mini) == first.steps[0].miniSecret)
    }

    @Test func softlyDerivedKeysSign() throws {
        let pair = try Keypair(uri: "/soft/0//hard/x")
        let again = try Keypair(uri: "").derived(try DerivationPath("/soft/0//hard/x"))
        #expect(again.secret.isEqual(to: pair.secret))
        #expect(pair.publicKey.isValidSignature(try again.sign([1]), for: [1]))
    }

    @Test func ecdsaKeysOfSubstrate() throws {
        // subkey inspect --scheme ecdsa //Alice.
        let pair = try Keypair(uri: "//Alice", scheme: .ecdsa)
        #expect(
            Hexadecimal.encode(pair.publicKey.bytes)
                == "020a1091341fe5664bfa1782d5e04779689068c916b04cb365ec3153755684d9a1")
        #expect(throws: AccountKeyError.self) { try Keypair(uri: "/Alice", scheme: .ecdsa) }
    }

    @Test func ethereumKeysOfMnemonics() throws {
        let vectors = try AddressVectors.load().ethereumKeys
        let mnemonic = try Mnemonic(phrase: vectors.mnemonic)
        var checked = 0
        for key in vectors.keys {
            guard let path = key.path, let secret = key.privateKey else { continue }
            checked += 1
            let pair = try Keypair(ethereumMnemonic: mnemonic, path: path)
            #expect(pair.ethereumAddress?.description == key.h160Checksum)
            #expect(pair.secret.isEqual(to: SecretBytes(try bytes(secret))))
        }
        #expect(checked == 6)
        #expect(
            try Keypair(ethereumMnemonic: mnemonic).ethereumAddress?.description
                == vectors.keys[0].h160Checksum)
        let refused = [
            "", "44'", "m/", "m//0", "m/x", "m/-1", "m/2147483648", "m/0''", "M/0", "m/+1",
            "m" + String(repeating: "/0", count: 33),
        ]
        for path in refused {
            let error = #expect(throws: AccountKeyError.self) {
                try Keypair(ethereumMnemonic: mnemonic, path: path)
            }
            #expect(error?.code == .malformedDerivation, "\(path)")
        }
    }

    @Test func numbersAreReadAsRustReadsThem() throws {
        func code(_ text: String) throws -> [UInt8]? { try DerivationPath(text).junctions.first?.chainCode }
        #expect(try code("//+5") == code("//5"))
        #expect(try code("//007") == code("//7"))
        #expect(try code("//-0") != code("//0"))
        #expect(try code("//+") != code("//0"))
        #expect(try code("//18446744073709551616") != code("//0"))
        #expect(try code("//٣") != code("//3"))
        #expect(try code("/5") == code("//5"))
    }

    @Test func badPathsAreRefused() throws {
        let refused = [
            "Alice", "/", "//", "//a/", "//a//", "///a", "a/b", "//a////b",
            String(repeating: "//a", count: 33),
            "/" + String(repeating: "a", count: 5000),
        ]
        for path in refused {
            let error = #expect(throws: AccountKeyError.self) { try DerivationPath(path) }
            #expect(error?.code == .malformedDerivation, "\(path.prefix(20))")
        }
        for uri in [
            "0x", "0x11//a", "0x" + String(repeating: "g", count: 64), "not words//a", "//",
            String(repeating: "a", count: 5000), "0X" + String(repeating: "1", count: 64),
        ] {
            #expect(throws: AccountKeyError.self, "\(uri.prefix(20))") { try SecretURI(uri) }
        }
        // All behind the first three slashes is password.
        #expect(try SecretURI("//a///b//c///d").password == "b//c///d")
        #expect(try Keypair(uri: "//a///").publicKey == Keypair(uri: "//a").publicKey)
    }
}
