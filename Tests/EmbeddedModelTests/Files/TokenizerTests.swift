internal import SubnetFuzzing
internal import Testing

@testable internal import EmbeddedModel

@Suite struct TokenizerTests {
    private static func code(merges: String, end: Int) -> ModelError.Code? {
        let text = #"{"format":"subnet-byte-bpe/1","end_token_id":\#(end),"merges":\#(merges)}"#
        do {
            _ = try Tokenizer(json: Array(text.utf8))
            return nil
        } catch {
            return error.code
        }
    }

    @Test func `Text is encoded as the trainer encodes it`() throws {
        let tokenizer = try ModelFixtures.model().tokenizer
        for encoding in try ModelFixtures.figures().encodings {
            #expect(tokenizer.encode(Array(encoding.text.utf8)) == encoding.ids)
        }
    }

    @Test func `Any bytes come back from their tokens`() throws {
        let tokenizer = try ModelFixtures.model().tokenizer
        #expect(tokenizer.encode([]) == [])
        for byte in UInt8.min...UInt8.max {
            #expect(tokenizer.encode([byte]) == [Int(byte)])
        }
        for seed in 0..<200 as Range<UInt64> {
            let random = ModelFixtures.bytes(Int(seed), seed: seed)
            // Mostly letters and spaces, so that merges and long runs occur.
            let wordy = random.map { $0 < 60 ? 0x20 : $0 < 250 ? UInt8(ascii: "a") + $0 % 26 : $0 }
            for text in [random, wordy] {
                let ids = tokenizer.encode(text)
                #expect(tokenizer.decode(ids) == text)
                #expect(ids.count <= text.count)
            }
        }
    }

    @Test func `Merges join the lowest pair first and stay inside a word`() throws {
        let tokenizer = try Tokenizer(json: TinyModel.tokenizer)
        #expect(tokenizer.encode(Array(" the".utf8)) == [258])
        #expect(tokenizer.encode(Array("the".utf8)) == [116, 257])
        #expect(tokenizer.encode(Array("  the".utf8)) == [32, 258])
        #expect(tokenizer.encode(Array("i n".utf8)) == [105, 32, 110])
        #expect(tokenizer.bytes(of: 258) == Array(" the".utf8))
        #expect(
            tokenizer.bytes(of: 263) == [] && tokenizer.bytes(of: 264) == nil
                && tokenizer.bytes(of: -1) == nil)
    }

    @Test func `A long word takes time in proportion to its length`() throws {
        let tokenizer = try ModelFixtures.model().tokenizer
        let text = [UInt8](repeating: UInt8(ascii: "e"), count: 20_000)
        #expect(tokenizer.decode(tokenizer.encode(text)) == text)
    }

    @Test(arguments: [
        ("[[1]]", 257), ("[[1,2,3]]", 257), ("[[1,256]]", 257), ("[[-1,2]]", 257), ("[[1,2],[1,2]]", 258),
        ("[[1,2]]", 256), ("[[1,2]]", 258), ("[1,2]", 258), (#"[["a","b"]]"#, 257), ("{}", 256),
        ("[[0,0],[256,256],[257,257],[258,258],[259,259],[260,260]]", 262),
    ])
    func `A tokenizer that makes no sense is refused`(merges: String, end: Int) {
        #expect(Self.code(merges: merges, end: end) == .malformedTokenizer)
    }

    @Test func `A file that is cut at any byte, too large, or of another format is refused`() {
        for length in TinyModel.tokenizer.indices {
            #expect(throws: ModelError.self) { try Tokenizer(json: Array(TinyModel.tokenizer[..<length])) }
        }
        var limits = ModelLimits()
        limits.tokenizerBytesMax = 10
        #expect(throws: ModelError.self) { try Tokenizer(json: TinyModel.tokenizer, limits: limits) }
        limits = ModelLimits()
        limits.vocabularyMax = 263
        #expect(throws: ModelError.self) { try Tokenizer(json: TinyModel.tokenizer, limits: limits) }
        let other = String(decoding: TinyModel.tokenizer, as: UTF8.self).replacing("bpe/1", with: "bpe/2")
        let error = #expect(throws: ModelError.self) { try Tokenizer(json: Array(other.utf8)) }
        #expect(error?.code == .unsupported)
    }
}
