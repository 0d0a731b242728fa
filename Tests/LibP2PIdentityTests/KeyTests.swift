internal import LibP2PIdentity
internal import Testing

@Suite struct KeyTests {
    @Test func `the keys of the specification come out as it prints them`() throws {
        for vector in try SpecificationVectors.load().keys {
            let file = bytes(hex: vector.private)
            let key = try PrivateKey(protobuf: file)
            #expect(key.type.rawValue == vector.type)
            #expect(key.publicKey.protobufEncoded == bytes(hex: vector.public), "\(vector.name)")
            #expect(key.protobufEncoded(form: .go) == file, "\(vector.name)")
            #expect(try PublicKey(protobuf: bytes(hex: vector.public)) == key.publicKey)
        }
    }

    @Test func `keys and signatures of independent implementations are understood, and the other way round`()
        throws
    {
        for vector in try IdentityVectors.load().keys {
            let key = try PrivateKey(protobuf: bytes(hex: vector.private))
            #expect(key.publicKey.protobufEncoded == bytes(hex: vector.public), "\(vector.name)")
            for signature in vector.signatures {
                let message = bytes(hex: signature.message)
                let foreign = bytes(hex: signature.signature)
                #expect(key.publicKey.isValidSignature(foreign, for: message), "\(vector.name)")
                #expect(!key.publicKey.isValidSignature(foreign, for: message + [0]))
                let own = try key.sign(message)
                #expect(key.publicKey.isValidSignature(own, for: message))
                // P-256 draws a random number for each signature; the others have one signature per message.
                if key.type != .ecdsa { #expect(own == foreign, "\(vector.name)") }
            }
        }
    }

    @Test func `the identities of the two templates are read, and Go and Python agree on their peer ids`()
        throws
    {
        for identity in try HivemindVectors.load().identities {
            let key = try PrivateKey(protobuf: bytes(hex: identity.identity_file_hex))
            #expect(key.type.rawValue == identity.key_type)
            #expect(key.peerID.description == identity.python_peer_id, "\(identity.name)")
            #expect(key.peerID.bytes == bytes(hex: identity.peer_id_bytes_hex))
            if let daemon = identity.p2pd_peer_id { #expect(key.peerID.description == daemon) }
        }
    }

    @Test func `the two written forms of Ed25519 are the 32-byte seed and the 64 bytes of Go`() throws {
        let key = try PrivateKey(ed25519Seed: Array(0..<32))
        let seed = bytes(hex: "08011220") + Array(0..<32)
        #expect(key.protobufEncoded(form: .py) == seed)
        #expect(key.protobufEncoded(form: .go) == bytes(hex: "08011240") + Array(0..<32) + key.publicKey.data)
        for form in [KeyForm.py, .go] {
            #expect(try PrivateKey(protobuf: key.protobufEncoded(form: form)).publicKey == key.publicKey)
        }
    }

    @Test(arguments: KeyType.all)
    func `a new key signs, verifies and survives both written forms`(_ type: KeyType) throws {
        let key = try PrivateKey.generate(type)
        #expect(key.type == type)
        let message = Array("message".utf8)
        let signature = try key.sign(message)
        for form in [KeyForm.py, .go] {
            let again = try PrivateKey(protobuf: key.protobufEncoded(form: form))
            #expect(again.publicKey == key.publicKey)
            #expect(again.protobufEncoded(form: form) == key.protobufEncoded(form: form))
        }
        let checker = try PublicKey(protobuf: key.publicKey.protobufEncoded)
        #expect(checker.isValidSignature(signature, for: message))
        #expect(!checker.isValidSignature([], for: message))
        #expect(!checker.isValidSignature(signature + [0], for: message))
        #expect(!checker.isValidSignature(Array(signature.dropLast()), for: message))
        for index in signature.indices {
            var broken = signature
            broken[index] ^= 0x01
            #expect(!checker.isValidSignature(broken, for: message), "byte \(index)")
        }
        #expect(
            try !PrivateKey.generate(type == .rsa ? .ed25519 : type).publicKey.isValidSignature(
                signature, for: message))
    }

    @Test func `a key cut short or with bytes behind it is refused at every length`() throws {
        for vector in try IdentityVectors.load().keys {
            let file = bytes(hex: vector.private)
            let publicKey = bytes(hex: vector.public)
            for count in 0..<file.count {
                #expect(throws: IdentityError.self) { try PrivateKey(protobuf: Array(file[..<count])) }
            }
            for count in 0..<publicKey.count {
                #expect(throws: IdentityError.self) { try PublicKey(protobuf: Array(publicKey[..<count])) }
            }
            #expect(throws: IdentityError.self) { try PrivateKey(protobuf: file + [0]) }
            #expect(throws: IdentityError.self) { try PublicKey(protobuf: publicKey + [0]) }
        }
    }

    @Test(arguments: [
        ("", IdentityError.Code.malformedProtobuf),
        ("08041220", .unsupportedKeyType),
        // The type as a padded varint, the fields in the other order, a third field, and no type at all.
        ("0881001220", .malformedProtobuf),
        ("12200801", .malformedProtobuf),
        (
            "080112200000000000000000000000000000000000000000000000000000000000000000" + "1801",
            .malformedProtobuf
        ),
        ("12200000000000000000000000000000000000000000000000000000000000000000", .malformedProtobuf),
        ("080112a00000000000000000000000000000000000000000000000000000000000000000", .malformedProtobuf),
        ("0801121f00000000000000000000000000000000000000000000000000000000000000", .malformedKey),
        ("08021221020000000000000000000000000000000000000000000000000000000000000005", .malformedKey),
        ("0802120100", .malformedKey),
        ("0803120100", .unsupportedKeyType),
        ("0800120100", .malformedKey),
    ])
    func `a broken public key is refused for the right reason`(_ hex: String, _ code: IdentityError.Code) {
        let error = #expect(throws: IdentityError.self) { try PublicKey(protobuf: bytes(hex: hex)) }
        #expect(error?.code == code)
    }

    @Test func `a public key beside an Ed25519 key that is not its own is refused`() throws {
        let public32 = try PrivateKey(ed25519Seed: Array(0..<32)).publicKey.data
        let wrong = [UInt8](repeating: 1, count: 32)
        for data in [
            Array(0..<32) + wrong, Array(0..<32) + public32 + wrong, Array(0..<32) + wrong + public32,
        ] {
            let error = #expect(throws: IdentityError.self) {
                try PrivateKey(protobuf: [0x08, 0x01, 0x12, UInt8(data.count)] + data)
            }
            #expect(error?.code == .keyMismatch)
        }
    }

    @Test func `a public point beside a P-256 key that is not its own is refused`() throws {
        let vector = try #require(try SpecificationVectors.load().keys.first { $0.name == "ecdsa" })
        var file = bytes(hex: vector.private)
        file[20] ^= 1
        let error = #expect(throws: IdentityError.self) { try PrivateKey(protobuf: file) }
        #expect(error?.code == .keyMismatch)
    }

    @Test func `secret numbers outside the curve's range are refused`() {
        let ones = [UInt8](repeating: 0xff, count: 32)
        let zeros = [UInt8](repeating: 0, count: 32)
        for secret in [ones, zeros] {
            #expect(throws: IdentityError.self) {
                try PrivateKey(protobuf: [0x08, 0x02, 0x12, 0x20] + secret)
            }
        }
    }

    @Test func `RSA keys outside 2048 to 8192 bits are refused`() throws {
        for bits in [0, 1024, 2047, 2049, 8193, 16384] {
            let error = #expect(throws: IdentityError.self) { try PrivateKey.generate(.rsa, rsaBits: bits) }
            #expect(error?.code == .keySize)
        }
        // SubjectPublicKeyInfo of a 1024-bit modulus.
        let modulus: [UInt8] = [0x00, 0xc1] + [UInt8](repeating: 0x5b, count: 127)
        let key: [UInt8] = [0x30, 0x81, 0x89, 0x02, 0x81, 0x81] + modulus + [0x02, 0x03, 0x01, 0x00, 0x01]
        let algorithm = bytes(hex: "300d06092a864886f70d0101010500")
        let info = [0x30, 0x81, 0x9f] + algorithm + [0x03, 0x81, 0x8d, 0x00] + key
        let error = #expect(throws: IdentityError.self) { try PublicKey(type: .rsa, data: info) }
        #expect(error?.code == .keySize)
        let huge = [UInt8](repeating: 0, count: IdentityLimits.publicKeyBytesMax + 1)
        #expect(throws: IdentityError.self) { try PublicKey(type: .rsa, data: huge) }
        #expect(throws: IdentityError.self) { try PublicKey(protobuf: [0x08, 0, 0x12] + huge + huge) }
    }

    @Test func `the higher S of a secp256k1 signature is refused`() throws {
        let key = try PrivateKey(protobuf: [0x08, 0x02, 0x12, 0x20] + [UInt8](repeating: 7, count: 32))
        let order = bytes(hex: "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141")
        let message: [UInt8] = [1, 2, 3]
        let signature = try key.sign(message)
        let rCount = Int(signature[3])
        let s = Array(signature[(6 + rCount)...])
        var high = [UInt8](repeating: 0, count: 32)
        let padded = [UInt8](repeating: 0, count: max(0, 32 - s.count)) + s.suffix(32)
        var borrow = 0
        for index in stride(from: 31, through: 0, by: -1) {
            let difference = Int(order[index]) - Int(padded[index]) - borrow
            borrow = difference < 0 ? 1 : 0
            high[index] = UInt8(difference & 0xff)
        }
        var body = Array(signature[2..<(4 + rCount)])
        body += [0x02, 33, 0] + high
        #expect(!key.publicKey.isValidSignature([0x30, UInt8(body.count)] + body, for: message))
        #expect(key.publicKey.isValidSignature(signature, for: message))
    }

    @Test func `a private key never prints its secret`() throws {
        let seed = [UInt8](repeating: 0x5a, count: 32)
        let key = try PrivateKey(ed25519Seed: seed)
        var dumped = ""
        dump(key, to: &dumped)
        #expect("\(key)" == "private key ed25519 \(key.peerID)")
        #expect(String(reflecting: key) == "\(key)")
        #expect(dumped.contains("PublicKey") && !dumped.contains("Signing.PrivateKey"))
    }
}
