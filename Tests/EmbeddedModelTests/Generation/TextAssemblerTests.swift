internal import Testing

@testable internal import EmbeddedModel

@Suite struct TextAssemblerTests {
    @Test func `Text is the same however its bytes are split`() {
        let texts = ["plain", "caf\u{e9} \u{20ac} \u{1f600}!", "\u{1f469}\u{200d}\u{1f4bb}"].map {
            Array($0.utf8)
        }
        for bytes in texts {
            for cut in 0...bytes.count {
                var assembler = TextAssembler()
                let text = assembler.append(Array(bytes[..<cut])) + assembler.append(Array(bytes[cut...]))
                #expect(Array(text.utf8) == bytes && assembler.finish() == "")
            }
        }
    }

    @Test func `A character comes with its last byte`() {
        var assembler = TextAssembler()
        let pieces = Array("\u{20ac}x".utf8).map { assembler.append([$0]) }
        #expect(pieces == ["", "", "\u{20ac}", "x"])
    }

    @Test func `What is not text becomes what decoding it at once gives`() {
        for seed in 0..<300 as Range<UInt64> {
            // Many lead and continuation bytes.
            let bytes = ModelFixtures.bytes(40, seed: seed).map { $0 < 200 ? $0 | 0x80 : $0 & 0x7F }
            var assembler = TextAssembler()
            var text = ""
            for byte in bytes { text += assembler.append([byte]) }
            text += assembler.finish()
            #expect(text.unicodeScalars.elementsEqual(String(decoding: bytes, as: UTF8.self).unicodeScalars))
        }
    }
}
