internal import Crypto
internal import Testing

@testable internal import AccountKeys

@Suite struct MnemonicTests {
    @Test func wordListIsTheOneOfTheStandard() {
        #expect(MnemonicWords.all.count == 2048)
        #expect(MnemonicWords.all == MnemonicWords.all.sorted())
        #expect(Set(MnemonicWords.all.map { $0.prefix(4) }).count == 2048)
        // Of english.txt in the repository of the standard, one word per line.
        let text = MnemonicWords.all.map { $0 + "\n" }.joined()
        #expect(
            Hexadecimal.encode(SHA256.hash(data: Array(text.utf8)))
                == "2f5eed53a4727b4bf8880d8f3f199efc90e58503646d9ff8eff3a2ed3b24dbda")
    }

    @Test func keysOfMnemonics() throws {
        let vectors = try KeyVectors.load().mnemonics
        #expect(vectors.count == 16)
        for vector in vectors {
            let mnemonic = try Mnemonic(phrase: vector.mnemonic)
            let scheme = try #require(KeyScheme(rawValue: vector.cryptoType))
            let pair = try Keypair(mnemonic: mnemonic, scheme: scheme)
            let seed = try mnemonic.miniSecret(password: "").withUnsafeBytes { Array($0) }
            #expect(Hexadecimal.prefixed(seed) == vector.seed)
            #expect(Hexadecimal.prefixed(pair.publicKey.bytes) == vector.publicKey)
            #expect(pair.ss58Address == vector.ss58)
            #expect(mnemonic.withPhrase { $0 } == vector.mnemonic)
        }
    }

    @Test func acceptanceAsBittensor() throws {
        let vectors = try KeyVectors.load().mnemonicAcceptance
        #expect(vectors.count == 6)
        for vector in vectors {
            let mnemonic = try? Mnemonic(phrase: vector.mnemonic)
            #expect((mnemonic != nil) == vector.accepted, "\(vector.mnemonic)")
            if let mnemonic { #expect(try Keypair(mnemonic: mnemonic).ss58Address == vector.ss58) }
        }
    }

    @Test(arguments: Mnemonic.wordCounts) func allLengthsGoThereAndBack(words: Int) throws {
        for fill in [0x00, 0x7f, 0x80, 0xff, 0x5a] as [UInt8] {
            let entropy = [UInt8](repeating: fill, count: words / 3 * 4)
            let mnemonic = try Mnemonic(entropy: entropy)
            #expect(mnemonic.wordCount == words)
            let phrase = mnemonic.withPhrase { $0 }
            #expect(phrase.split(separator: " ").count == words)
            let again = try Mnemonic(phrase: phrase)
            #expect(again.entropy.isEqual(to: SecretBytes(entropy)))
        }
        let new = try Mnemonic.generate(words: words)
        #expect(new.wordCount == words)
        #expect(!new.entropy.isEqual(to: try Mnemonic.generate(words: words).entropy))
        // The checksum has words/3 bits: that share of the last words fits, and no more.
        let phrase = new.withPhrase { $0 }.split(separator: " ")
        let fitting = MnemonicWords.all.filter { last in
            let text = (phrase.dropLast() + [last]).joined(separator: " ")
            return (try? Mnemonic(phrase: text)) != nil
        }
        #expect(fitting.count == 2048 >> (words / 3))
        #expect(fitting.contains { $0 == phrase[words - 1] })
    }

    /// From the vectors of the standard: entropy 7f…, password TREZOR.
    @Test func seedOfTheStandard() throws {
        let mnemonic = try Mnemonic(
            phrase: "legal winner thank year wave sausage worth useful legal winner thank yellow")
        let seed = try mnemonic.bip39Seed(password: "TREZOR").withUnsafeBytes { Array($0) }
        #expect(
            Hexadecimal.encode(seed)
                == "2e8905819b8723fe2c1d161860e5ee1830318dbf49a83bd451cfb8440c28bd6f"
                + "a457fe1296106559a3c80937a1c1069be3a3a5bd381ee6260e8d9739fce1f607")
    }

    @Test func badPhrasesAreRefusedWithoutNamingAWord() throws {
        let good = "legal winner thank year wave sausage worth useful legal winner thank yellow"
        let words = good.split(separator: " ")
        let refused = [
            "", " ", "legal", words.dropLast().joined(separator: " "), good + " legal",
            good.uppercased(), good.replacing("legal", with: "xyzzy"),
            words.reversed().joined(separator: " "), good.replacing(" ", with: "\u{0}"),
            String(repeating: "abandon ", count: 25), String(repeating: "a", count: 100_000),
            String(repeating: " ", count: 2000) + good, good.replacing("yellow", with: "yéllow"),
        ]
        for phrase in refused {
            let error = #expect(throws: AccountKeyError.self) { try Mnemonic(phrase: phrase) }
            #expect(error?.code == .malformedMnemonic)
            for word in ["legal", "xyzzy", "yellow", "winner"] {
                #expect(error?.description.contains(word) == false)
            }
        }
        for count in [0, 1, 15, 17, 18, 31, 33, 64] {
            #expect(throws: AccountKeyError.self) {
                try Mnemonic(entropy: [UInt8](repeating: 1, count: count))
            }
        }
        for count in [-12, 0, 11, 13, 27] {
            #expect(throws: AccountKeyError.self) { try Mnemonic.generate(words: count) }
        }
        let mnemonic = try Mnemonic(phrase: good)
        var dumped = ""
        dump(mnemonic, to: &dumped)
        #expect(!(dumped + "\(mnemonic)").contains("legal"))
        #expect("\(mnemonic)" == "mnemonic of 12 words")
    }
}
