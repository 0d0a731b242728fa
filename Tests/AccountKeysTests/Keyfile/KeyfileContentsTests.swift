internal import Foundation
internal import Testing

@testable internal import AccountKeys

@Suite struct KeyfileContentsTests {
    @Test func readingsOfVersion4() throws {
        let readings = try KeyfileVectors.readings()
        #expect(readings.count == 17)
        for reading in readings {
            let contents = try? KeyfileContents(json: reading.keyfile, rules: .version4)
            #expect(contents?.accountID.description == reading.ss58, "\(reading.label)")
            #expect(contents?.scheme.rawValue == reading.scheme, "\(reading.label)")
            #expect((contents?.keypair != nil) == (reading.canSign ?? false), "\(reading.label)")
        }
    }

    @Test func readingsOfVersion11() throws {
        let readings = try KeyfileVectors.readings()
        let expected = try KeyfileVectors.load().v11.deserializeCases
        #expect(readings.map(\.label) == expected.map(\.label))
        for (reading, expected) in zip(readings, expected) {
            let contents = try? KeyfileContents(json: reading.keyfile)
            #expect(contents?.accountID.description == expected.ss58, "\(reading.label)")
            #expect(contents?.scheme.rawValue == expected.cryptoType, "\(reading.label)")
        }
    }

    @Test func readingsWithNamedErrors() throws {
        let alice = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"
        let seed = String(repeating: "11", count: 32)
        let refused: [(String, AccountKeyError.Code)] = [
            ("", .keyfileInvalid), ("{", .keyfileInvalid), ("[]", .keyfileInvalid), ("null", .keyfileInvalid),
            ("{}", .keyfileInvalid), ("{\"secretSeed\":1}", .keyfileInvalid),
            ("{\"secretSeed\":\"0x\"}", .malformedKey), ("{\"secretSeed\":\"zz\"}", .keyfileInvalid),
            ("{\"secretPhrase\":\"a b c\"}", .malformedMnemonic),
            ("{\"privateKey\":\"0x00\"}", .malformedKey), ("{\"ss58Address\":\"5Grwva\"}", .addressPrefix),
            ("{\"secretSeed\":\"\(seed)\",\"ss58Address\":\"\(alice)\"}", .keyMismatch),
            ("{\"secretSeed\":\"\(seed)\",\"publicKey\":\"0x00\"}", .keyMismatch),
            ("{\"secretSeed\":\"\(seed)\",\"cryptoType\":7}", .keyfileInvalid),
            ("{\"secretSeed\":\"\(seed)\",\"cryptoType\":-1}", .keyfileInvalid),
            ("{\"secretSeed\":\"\(seed)\",\"cryptoType\":1e99}", .keyfileInvalid),
            ("{\"secretSeed\":\"\(seed)\",\"cryptoType\":\"ecdsa\"}", .keyfileInvalid),
            (String(repeating: "[", count: 60_000), .keyfileInvalid),
            ("{\"a\":" + String(repeating: "[", count: 60_000), .keyfileInvalid),
            (String(repeating: " ", count: 70_000), .keyfileInvalid),
        ]
        for (json, code) in refused {
            let error = #expect(throws: AccountKeyError.self) {
                try KeyfileContents(json: SecretBytes(Array(json.utf8)))
            }
            #expect(error?.code == code, "\(json.prefix(60))")
            #expect(error?.description.contains("1111") == false)
        }
    }

    @Test(arguments: [KeyScheme.sr25519, .ed25519]) func whatIsWrittenIsRead(scheme: KeyScheme) throws {
        let mnemonic = try Mnemonic.generate(words: 24)
        let pair = try Keypair(mnemonic: mnemonic, scheme: scheme)
        let all = [
            try KeyfileContents(mnemonic: mnemonic, scheme: scheme), try KeyfileContents(pair),
            try KeyfileContents(try pair.derived(try DerivationPath("//a"))),
            try KeyfileContents(pair.publicKey),
        ]
        for (contents, members) in zip(all, [7, 6, 5, 4]) {
            let json = contents.json()
            let object = try JSONSerialization.jsonObject(with: Data(json.revealed)) as? [String: Any]
            #expect(object?.count == members)
            #expect(object?["cryptoType"] as? Int == Int(scheme.rawValue))
            for rules in KeyfileRules.allCases {
                let again = try KeyfileContents(json: json, rules: rules)
                #expect(again.accountID == contents.accountID)
                #expect(again.scheme == scheme)
                #expect(again.mnemonic?.withPhrase { $0 } == contents.mnemonic?.withPhrase { $0 })
                if let keypair = contents.keypair {
                    #expect(again.keypair?.secret.isEqual(to: keypair.secret) == true)
                }
            }
        }
        #expect(throws: AccountKeyError.self) { try KeyfileContents(Keypair.generate(.ecdsa)) }
        #expect(!"\(all[0])".contains(mnemonic.withPhrase { $0 }.prefix(8)))
        #expect(all[0].publicHalf.keypair == nil && all[0].publicHalf.mnemonic == nil)
    }

    /// The members and their values, as bittensor_wallet wrote them for the same mnemonic.
    @Test func whatIsWrittenIsWhatBittensorWrites() throws {
        let vectors = try KeyfileVectors.load()
        let contents = try KeyfileContents(mnemonic: try Mnemonic(phrase: vectors.mnemonic))
        let ours = try JSONSerialization.jsonObject(with: Data(contents.json().revealed)) as? NSDictionary
        let theirs = try JSONSerialization.jsonObject(with: Data(vectors.nacl.plaintextUtf8.utf8))
        #expect(ours == theirs as? NSDictionary)
        let publicFile = try #require(vectors.files.first { $0.path.hasSuffix("coldkeypub.txt") })
        let text = try #require(Data(base64Encoded: publicFile.base64))
        let ourPublic = Data(contents.publicHalf.json().revealed)
        #expect(
            try JSONSerialization.jsonObject(with: ourPublic) as? NSDictionary
                == (try JSONSerialization.jsonObject(with: text) as? NSDictionary))
        #expect(ourPublic.count == publicFile.size)
    }
}
