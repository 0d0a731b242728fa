internal import CryptoExtras
internal import Foundation
internal import Testing

@testable internal import AccountKeys

@Suite struct SealedKeyfileTests {
    private static func secret(_ text: String) -> SecretBytes { SecretBytes(Array(text.utf8)) }
    private static let password = secret("correct-Horse7-battery")

    /// The one test that pays for the real Argon2: some seconds and 512 MiB.
    @Test func naclFileOfBittensor() throws {
        let vector = try KeyfileVectors.load().nacl
        let file = SecretBytes(Array(try #require(Data(base64Encoded: vector.base64))))
        guard case .nacl(let box) = try SealedKeyfile(file) else {
            Issue.record("not recognised")
            return
        }
        let key = SecretBytes(try bytes(vector.derivedKeyHex))
        #expect(String(decoding: try box.open(key: key).revealed, as: UTF8.self) == vector.plaintextUtf8)
        let contents = try SealedKeyfile(file).open(password: Self.secret(vector.password))
        #expect(contents.accountID.description == "5EHgWw2Af1pnoc7f1A8bfmM97W3DAYW8xr82RfhLL9oAabAe")
        #expect(contents.mnemonic != nil)
        // Version 11 seals with the same key.
        let newer = try KeyfileVectors.load().v11
        let newerFile = SecretBytes(Array(try #require(Data(base64Encoded: newer.naclBase64))))
        let plain = try NaClBox(newerFile).open(key: key)
        #expect(String(decoding: plain.revealed, as: UTF8.self) == newer.plaintext)
    }

    @Test func ansibleVaultOfBittensor() throws {
        let vector = try KeyfileVectors.load().ansibleVault
        let file = try SealedKeyfile(Self.secret(vector.text))
        #expect(file.form == .ansibleVault)
        #expect(file.needsPassword)
        let contents = try file.open(password: Self.secret(vector.password))
        let expected = try KeyfileContents(json: Self.secret(vector.plaintextUtf8))
        #expect(contents.accountID == expected.accountID)
        #expect(contents.keypair?.secret.isEqual(to: try #require(expected.keypair).secret) == true)
        let error = #expect(throws: AccountKeyError.self) { try file.open(password: Self.secret("wrong")) }
        #expect(error?.code == .passwordWrong)
    }

    @Test func fernetTokenWithItsKey() throws {
        let vector = try KeyfileVectors.load().legacyFernet
        let file = try SealedKeyfile(Self.secret(vector.token + "\n"))
        guard case .fernet(let token) = file else {
            Issue.record("not recognised")
            return
        }
        let key = SecretBytes(try bytes(vector.fernetKeyHex))
        #expect(String(decoding: try token.open(key: key).revealed, as: UTF8.self) == vector.plaintextUtf8)
        let error = #expect(throws: AccountKeyError.self) {
            try file.open(password: Self.password, cost: .cheapest)
        }
        #expect(error?.code == .passwordWrong)
    }

    @Test func fernetTokenOfBittensor() throws {
        let vector = try KeyfileVectors.load().legacyFernet
        let contents = try SealedKeyfile(Self.secret(vector.token)).open(password: Self.password)
        let expected = try KeyfileContents(json: Self.secret(vector.plaintextUtf8))
        #expect(contents.accountID == expected.accountID)
    }

    @Test func polkadotExport() async throws {
        let vector = try KeyfileVectors.load().polkadotjsV3
        let file = try SealedKeyfile(Self.secret(vector.json))
        #expect(file.form == .polkadotJS)
        let contents = try file.open(password: Self.secret(vector.passphrase))
        #expect(contents.accountID.description == vector.importedSs58)
        #expect(contents.keypair?.scheme == .sr25519)
        let inMemory = try await KeyfileContents.open(
            Self.secret(vector.json), password: Self.secret(vector.passphrase))
        #expect(inMemory.accountID == contents.accountID)
        for (password, code) in [
            (Self.secret("wrong"), AccountKeyError.Code.passwordWrong), (nil, .passwordRequired),
            (SecretBytes([]), .passwordRequired),
        ] {
            let error = #expect(throws: AccountKeyError.self) { try file.open(password: password) }
            #expect(error?.code == code)
        }
    }

    @Test func plainPolkadotExport() throws {
        let pair = try Keypair(uri: "//Alice", scheme: .ed25519)
        let header: [UInt8] = [48, 83, 2, 1, 1, 48, 5, 6, 3, 43, 101, 112, 4, 34, 4, 32]
        func json(_ plain: [UInt8], address: String, version: String = "3") -> SecretBytes {
            let encoded = Data(plain).base64EncodedString()
            return Self.secret(
                """
                {"encoded":"\(encoded)","encoding":{"content":["pkcs8","ed25519"],"type":["none"],\
                "version":"\(version)"},"address":"\(address)","meta":{}}
                """)
        }
        let plain = header + pair.secret.revealed + [161, 35, 3, 33, 0] + pair.publicKey.bytes
        let file = try SealedKeyfile(json(plain, address: pair.ss58Address))
        #expect(!file.needsPassword)
        #expect(try file.open(password: nil).accountID == pair.accountID)
        // Another network writes the same account otherwise.
        let foreign = json(plain, address: pair.accountID.ss58(prefix: 0))
        #expect(try SealedKeyfile(foreign).open(password: nil).accountID == pair.accountID)

        let other = try Keypair(uri: "//Bob", scheme: .ed25519)
        var altered = plain
        altered[20] ^= 1
        let refused: [(SecretBytes, AccountKeyError.Code)] = [
            (json(plain, address: other.ss58Address), .keyMismatch),
            (json(altered, address: pair.ss58Address), .keyMismatch),
            (json([0] + plain.dropFirst(), address: pair.ss58Address), .keyfileInvalid),
            (json(plain + [0], address: pair.ss58Address), .keyfileInvalid),
            (json(plain, address: pair.ss58Address, version: "2"), .keyfileInvalid),
            (json(plain, address: "5Grwva"), .addressPrefix),
        ]
        for (json, code) in refused {
            let error = #expect(throws: AccountKeyError.self) { try SealedKeyfile(json).open(password: nil) }
            #expect(error?.code == code)
        }
    }

    @Test func scryptCannotBeMadeHuge() throws {
        let vector = try KeyfileVectors.load().polkadotjsV3
        let object = try JSONSerialization.jsonObject(with: Data(vector.json.utf8)) as? [String: Any]
        let text = try #require(object?["encoded"] as? String)
        let encoded = Array(try #require(Data(base64Encoded: text)))
        for (offset, value) in [(32, 1 << 30), (32, 0), (32, 3), (36, 0), (36, 9999), (40, 0), (40, 1 << 20)]
        {
            var altered = encoded
            for byte in 0..<4 { altered[offset + byte] = UInt8(truncatingIfNeeded: value >> (8 * byte)) }
            let json = vector.json.replacing(text, with: Data(altered).base64EncodedString())
            let error = #expect(throws: AccountKeyError.self) {
                try SealedKeyfile(Self.secret(json)).open(password: Self.password)
            }
            #expect(error?.code == .limitExceeded)
        }
    }

    @Test func everyAlteredByteOfABoxIsRefused() throws {
        let contents = try KeyfileContents(try Keypair(uri: "//Alice").publicKey)
        let file = try NaClBox.seal(
            contents.json(), password: Self.password, nonce: [UInt8](repeating: 7, count: 24),
            cost: KeyfileCost.cheapest.argon2)
        #expect(file.count == contents.json().count + 45)
        let opened = try SealedKeyfile(file).open(password: Self.password, cost: .cheapest)
        #expect(opened.accountID == contents.accountID)
        let bytes = file.revealed
        for index in bytes.indices {
            var altered = bytes
            altered[index] ^= 0x40
            #expect(throws: AccountKeyError.self, "byte \(index)") {
                try SealedKeyfile(SecretBytes(altered)).open(password: Self.password, cost: .cheapest)
            }
        }
        for count in [0, 4, 5, 6, 28, 29, 44, 45, bytes.count - 1] {
            #expect(throws: AccountKeyError.self, "\(count) bytes") {
                try SealedKeyfile(SecretBytes(Array(bytes[..<count]))).open(
                    password: Self.password, cost: .cheapest)
            }
        }
        for password in [nil, SecretBytes([])] {
            let error = #expect(throws: AccountKeyError.self) {
                try SealedKeyfile(file).open(password: password, cost: .cheapest)
            }
            #expect(error?.code == .passwordRequired)
        }
    }

    @Test func everyAlteredByteOfAVaultIsRefused() throws {
        let text = Array(try KeyfileVectors.load().ansibleVault.text.utf8)
        // The rounds of the real file would take minutes here; what they make is no matter for the frame.
        for index in text.indices where text[index] != 0x0a {
            var altered = text
            altered[index] = text[index] == 0x41 ? 0x42 : 0x41
            #expect(throws: AccountKeyError.self, "byte \(index)") {
                try SealedKeyfile(SecretBytes(altered)).open(password: Self.password, cost: .cheapest)
            }
        }
        // With the key, every byte that the MAC covers.
        let vault = try AnsibleVault(text)
        for index in 0..<vault.ciphertext.count where index.isMultiple(of: 37) {
            var inner = vault.ciphertext
            inner[index] ^= 1
            let altered = try AnsibleVault(Self.vault(salt: vault.salt, mac: vault.mac, ciphertext: inner))
            let error = #expect(throws: AccountKeyError.self) {
                try altered.open(password: Self.password, rounds: 10_000)
            }
            #expect(error?.code == .passwordWrong)
        }
        let refused = [
            "$ANSIBLE_VAULT;1.2;AES256\n00", "$ANSIBLE_VAULT;1.1;AES256", "$ANSIBLE_VAULT;1.1;AES256\n0",
            "$ANSIBLE_VAULT;1.1;AES256\nzz", "$ANSIBLE_VAULT;1.1;AES256\n0a0a", "$ANSIBLE_VAULT",
        ]
        for text in refused {
            let error = #expect(throws: AccountKeyError.self) { try SealedKeyfile(Self.secret(text)) }
            #expect(error?.code == .keyfileInvalid)
        }
    }

    private static func vault(salt: [UInt8], mac: [UInt8], ciphertext: [UInt8]) -> [UInt8] {
        let inner = [salt, mac, ciphertext].map { Hexadecimal.encode($0) }.joined(separator: "\n")
        return Array("$ANSIBLE_VAULT;1.1;AES256\n\(Hexadecimal.encode(inner.utf8))\n".utf8)
    }

    @Test func everyAlteredByteOfATokenIsRefused() throws {
        let vector = try KeyfileVectors.load().legacyFernet
        let token = Array(vector.token.utf8)
        let key = SecretBytes(try bytes(vector.fernetKeyHex))
        var opened = 0
        for index in token.indices {
            var altered = token
            altered[index] = token[index] == 0x41 ? 0x42 : 0x41
            if let plain = try? FernetToken(altered).open(key: key) {
                // The last character before the padding has bits that mean nothing.
                opened += plain.count > 0 ? 1 : 0
            }
        }
        #expect(opened <= 1)
        for text in ["gAAAAA", "gAAAAA==", vector.token + "!", vector.token.dropLast(4) + "", "gAAAAA+/"] {
            let error = #expect(throws: AccountKeyError.self, "\(text.suffix(8))") {
                try SealedKeyfile(Self.secret(String(text)))
            }
            #expect(error?.code == .keyfileInvalid)
        }
    }

    /// PBKDF2 as RFC 7914, section 11, has it; the rounds of the formats are too many to repeat.
    @Test func passwordHashesOfTheStandards() throws {
        let one = try PasswordHash.pbkdf2(
            .sha256, password: Self.secret("passwd"), salt: Array("salt".utf8), rounds: 1, count: 64)
        #expect(
            Hexadecimal.encode(one.revealed)
                == "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc"
                + "49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783")
        let scrypt = try PasswordHash.scrypt(
            password: Self.secret("pleaseletmein"), salt: Array("SodiumChloride".utf8), n: 16384, r: 8, p: 1)
        #expect(
            Hexadecimal.encode(scrypt.revealed)
                == "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2")
    }

    @Test func hugeFilesAreNotLookedAt() {
        let error = #expect(throws: AccountKeyError.self) {
            try SealedKeyfile(SecretBytes([UInt8](repeating: 0x24, count: 70_000)))
        }
        #expect(error?.code == .keyfileInvalid)
    }
}
