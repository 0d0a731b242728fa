internal import Foundation
internal import SubnetFuzzing
internal import Testing

@testable internal import EmbeddedModel

@Suite struct TextModelTests {
    @Test func `Logits are PyTorch's within a thousandth`() throws {
        let model = try ModelFixtures.model()
        for figures in try ModelFixtures.figures().cases {
            #expect(try model.promptTokens(figures.text) == figures.ids)
            var evaluation = Evaluation(model: model, tokensMax: figures.ids.count)
            var difference: Float = 0
            for (position, id) in figures.ids.enumerated() {
                try evaluation.append(id)
                let probes = stride(from: 0, to: 1023, by: 146).map { evaluation.logits[$0] }
                #expect(probes.count == figures.probes[position].count)
                for (ours, theirs) in zip(probes, figures.probes[position]) {
                    difference = max(difference, abs(ours - theirs))
                }
                let best = evaluation.logits.indices.max { evaluation.logits[$0] < evaluation.logits[$1] }
                #expect(best == figures.best[position])
            }
            #expect(evaluation.logits.count == figures.last.count)
            for (ours, theirs) in zip(evaluation.logits, figures.last) {
                difference = max(difference, abs(ours - theirs))
            }
            #expect(difference < 1e-3)
        }
    }

    /// The bound is a little above what the committed weights reach; the text's own entropy is most of it.
    @Test func `Held-out text is as likely as it was to PyTorch, and likelier than the bound`() throws {
        let model = try ModelFixtures.model()
        let perplexityMax = 1.45
        var total = 0.0
        var count = 0
        let text = try ModelFixtures.text("fixtures/heldout.txt")
        for document in text.trimmingCharacters(in: .newlines).components(separatedBy: "\n\n") {
            let ids = try model.promptTokens(document) + [model.endToken]
            var evaluation = Evaluation(model: model, tokensMax: ids.count)
            for (id, next) in zip(ids, ids.dropFirst()) {
                try evaluation.append(id)
                let logits = evaluation.logits.map(Double.init), largest = logits.max() ?? 0
                total +=
                    largest + Foundation.log(logits.reduce(0) { $0 + Foundation.exp($1 - largest) })
                    - logits[next]
                count += 1
            }
        }
        let perplexity = Foundation.exp(total / Double(count))
        #expect(count > 1000)
        #expect(perplexity < perplexityMax)
        #expect(abs(perplexity - (try ModelFixtures.figures().heldout_perplexity)) < 1e-3)
    }

    @Test func `The cache changes nothing, bit for bit`() throws {
        let model = try ModelFixtures.model()
        let ids = try model.promptTokens("The weather in the north is cold today.")
        var cached = Evaluation(model: model, tokensMax: 100)
        for (index, id) in ids.enumerated() {
            try cached.append(id)
            var fresh = Evaluation(model: model, tokensMax: index + 1)
            for earlier in ids[...index] { try fresh.append(earlier, needsLogits: earlier == id) }
            #expect(fresh.logits == cached.logits)
        }
    }

    /// An answer can only be continued on another node when this holds; the bits were written down on x86-64.
    @Test func `Logits are the same bits on every machine and in every build`() throws {
        let model = try TextModel(
            configuration: TinyModel.configuration, weights: TinyModel.weights(seed: 1),
            tokenizer: TinyModel.tokenizer)
        var evaluation = Evaluation(model: model, tokensMax: 16)
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for id in 100..<116 {
            try evaluation.append(id)
            for logit in evaluation.logits { hash = (hash ^ UInt64(logit.bitPattern)) &* 0x100_0000_01B3 }
        }
        #expect(hash == 18_254_371_587_047_152_221)
    }

    @Test func `The embedded files are the files of the Models folder`() throws {
        let embedded = try ModelFixtures.model(), stored = try TextModel(directory: ModelFixtures.directory)
        #expect(embedded.configuration == stored.configuration)
        #expect(embedded.embedding.numbers == stored.embedding.numbers)
        #expect(embedded.layers.map(\.down.numbers) == stored.layers.map(\.down.numbers))
        #expect(embedded.parameters == 935_040)
        let bytes = try ["config.json", "model.safetensors", "tokenizer.json"]
            .reduce(0) { $0 + (try ModelFixtures.data($1).count) }
        #expect(bytes <= 5_000_000)
    }

    @Test func `An evaluation refuses a token too many and a token that does not exist`() throws {
        let model = try TextModel(
            configuration: TinyModel.configuration, weights: TinyModel.weights(seed: 1),
            tokenizer: TinyModel.tokenizer)
        var evaluation = Evaluation(model: model, tokensMax: 1000)
        #expect(throws: ModelError.self) { try evaluation.append(-1) }
        #expect(throws: ModelError.self) { try evaluation.append(264) }
        for id in 0..<16 { try evaluation.append(id) }
        let error = #expect(throws: ModelError.self) { try evaluation.append(0) }
        #expect(error?.code == .contextFull)
    }

    @Test func `Files that do not belong together are refused`() throws {
        let header = String(decoding: TinyModel.weights(seed: 1).prefix(1200), as: UTF8.self)
        #expect(header.contains("model.norm.weight"))
        func code(configuration: (String, String) = ("", ""), weights: (String, String) = ("", ""))
            -> ModelError.Code?
        {
            let text = String(decoding: TinyModel.configuration, as: UTF8.self)
            var bytes = TinyModel.weights(seed: 1)
            if !weights.0.isEmpty, let range = bytes.firstRange(of: Array(weights.0.utf8)) {
                bytes.replaceSubrange(range, with: Array(weights.1.utf8))
            }
            let changed =
                configuration.0.isEmpty ? text : text.replacing(configuration.0, with: configuration.1)
            do {
                _ = try TextModel(
                    configuration: Array(changed.utf8), weights: bytes, tokenizer: TinyModel.tokenizer)
                return nil
            } catch {
                return error.code
            }
        }
        #expect(code() == nil)
        #expect(code(weights: ("model.norm.weight", "model.form.weight")) == .mismatch)
        #expect(code(weights: ("[264, 8]", "[8, 264]")) == .mismatch)
        #expect(code(configuration: (#""num_hidden_layers": 1"#, #""num_hidden_layers": 2"#)) == .mismatch)
        #expect(code(configuration: (#""vocab_size": 264"#, #""vocab_size": 272"#)) == .mismatch)
        #expect(code(configuration: (#""intermediate_size": 16"#, #""intermediate_size": 8"#)) == .mismatch)
    }

    @Test func `A directory without a model is an error that names the file`() {
        let error = #expect(throws: ModelError.self) { try TextModel(directory: "/nonexistent") }
        #expect(error?.code == .unreadableFile && error?.message.contains("/nonexistent/config.json") == true)
        var limits = ModelLimits()
        limits.weightsBytesMax = 1000
        let large = #expect(throws: ModelError.self) {
            try TextModel(directory: ModelFixtures.directory, limits: limits)
        }
        #expect(large?.code == .fileTooLarge)
        let pipe = #expect(throws: ModelError.self) { try ModelFile.read("/dev/zero", bytesMax: 10) }
        #expect(pipe?.code == .unreadableFile)
    }
}
