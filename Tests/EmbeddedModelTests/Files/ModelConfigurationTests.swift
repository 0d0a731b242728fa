internal import SubnetFuzzing
internal import Testing

@testable internal import EmbeddedModel

@Suite struct ModelConfigurationTests {
    private static func code(replacing old: String, with new: String) -> ModelError.Code? {
        let text = String(decoding: TinyModel.configuration, as: UTF8.self)
        do {
            _ = try ModelConfiguration(json: Array(text.replacing(old, with: new).utf8))
            return nil
        } catch {
            return error.code
        }
    }

    @Test func `The shape is read`() throws {
        let shape = try ModelConfiguration(json: TinyModel.configuration)
        #expect(shape.hidden == 8 && shape.intermediate == 16 && shape.layers == 1 && shape.headWidth == 8)
        #expect(shape.vocabulary == 264 && shape.endToken == 263 && shape.contextTokens == 16)
        #expect(shape.normEpsilon == 1e-5 && shape.rotaryBase == 10_000)
    }

    @Test(arguments: [
        (#""hidden_size": 8"#, #""hidden_size": 12"#), (#""hidden_size": 8"#, #""hidden_size": 0"#),
        (#""hidden_size": 8"#, #""hidden_size": 1e9"#), (#""hidden_size": 8"#, #""hidden_size": "8""#),
        (#""hidden_size": 8"#, #""width": 8"#), (#""intermediate_size": 16"#, #""intermediate_size": -16"#),
        (#""num_hidden_layers": 1"#, #""num_hidden_layers": 65"#),
        (#"heads": 1"#, #"heads": 2"#), (#"heads": 1"#, #"heads": 9223372036854775807"#),
        (#""vocab_size": 264"#, #""vocab_size": 99999992"#),
        (#"embeddings": 16"#, #"embeddings": 4097"#),
        ("1e-5", "0"), ("1e-5", "-1"), ("10000.0", "1"), ("10000.0", "1e300"),
        (#""eos_token_id": 263"#, #""eos_token_id": 264"#), (": 263", ": -1"), ("{", "["), ("}", ""),
    ])
    func `A shape that makes no sense is refused`(old: String, new: String) {
        #expect(Self.code(replacing: old, with: new) == .malformedConfiguration)
    }

    @Test(arguments: [
        ("llama", "gpt2"), (#"embeddings": true"#, #"embeddings": false"#),
        (#""num_key_value_heads": 1"#, #""num_key_value_heads": 2"#),
    ])
    func `Another kind of model is refused by name`(old: String, new: String) {
        #expect(Self.code(replacing: old, with: new) == .unsupported)
    }

    @Test func `A file that is cut at any byte is refused`() {
        for length in TinyModel.configuration.indices {
            #expect(throws: ModelError.self) {
                try ModelConfiguration(json: Array(TinyModel.configuration[..<length]))
            }
        }
    }
}
