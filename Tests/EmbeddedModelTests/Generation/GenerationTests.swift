internal import SubnetFuzzing
internal import Testing

@testable internal import EmbeddedModel

@Suite struct GenerationTests {
    private static let sampled = GenerationOptions(
        maxNewTokens: 40, temperature: 0.9, topK: 50, topP: 0.95, seed: 7)

    private static func all(_ prompt: String, _ options: GenerationOptions) throws -> [GeneratedToken] {
        var generation = try Generation(model: try ModelFixtures.model(), prompt: prompt, options: options)
        var tokens: [GeneratedToken] = []
        while let token = try generation.next() { tokens.append(token) }
        #expect(try generation.next() == nil)
        #expect(generation.finishReason != nil && tokens.dropLast().allSatisfy { $0.finishReason == nil })
        if let last = tokens.last { #expect(last.finishReason == generation.finishReason) }
        return tokens
    }

    private static func tiny() throws -> TextModel {
        try TextModel(
            configuration: TinyModel.configuration, weights: TinyModel.weights(seed: 3),
            tokenizer: TinyModel.tokenizer)
    }

    @Test func `The same seed gives the same answer, another seed another one`() throws {
        var options = Self.sampled
        let first = try Self.all("Once upon a time", options)
        #expect(first == (try Self.all("Once upon a time", options)))
        options.seed = 8
        #expect(first.map(\.id) != (try Self.all("Once upon a time", options)).map(\.id))
    }

    @Test func `An answer that is cut anywhere and continued is the undisturbed answer`() throws {
        for temperature in [0, 0.9] {
            var options = Self.sampled
            options.temperature = temperature
            options.maxNewTokens = 24
            let whole = try Self.all("A subnet is", options)
            for cut in 0...whole.count {
                options.continuing = whole[..<cut].map(\.id)
                #expect(
                    try Self.all("A subnet is", options) == Array(whole[cut...]), "cut after \(cut) tokens")
            }
        }
    }

    @Test func `A character that is split over two nodes arrives whole`() throws {
        let model = try Self.tiny()
        // The first two bytes of the euro sign were written elsewhere.
        let options = GenerationOptions(maxNewTokens: 3, temperature: 1, continuing: [0xE2, 0x82])
        var generation = try Generation(model: model, prompt: "", options: options)
        let token = try generation.next()
        #expect(token?.text == String(decoding: [0xE2, 0x82] + (token?.bytes ?? []), as: UTF8.self))
    }

    @Test func `Of 500 sampled words at least 475 are words of the training text`() throws {
        let known = Set(try ModelFixtures.text("fixtures/words.txt").split(separator: "\n").map(String.init))
        let prompts = ["A subnet is", "Once upon a time", "Hello", "What is a peer?", ""]
        var sampled: [String] = []
        var options = GenerationOptions(maxNewTokens: 110, temperature: 0.8, topP: 0.95)
        while sampled.count < 500 {
            options.seed += 1
            let text = try Self.all(prompts[Int(options.seed) % prompts.count], options).map(\.text).joined()
            // The last word may be cut by the limit.
            sampled += words(text).dropLast()
        }
        let hits = sampled.prefix(500).count { known.contains($0) }
        #expect(hits >= 475, "\(sampled.prefix(500).filter { !known.contains($0) })")
    }

    @Test func `An answer ends with its reason`() throws {
        let limited = try Self.all("A subnet is", GenerationOptions(maxNewTokens: 5))
        #expect(limited.map(\.index) == [0, 1, 2, 3, 4])
        #expect(limited.map(\.finishReason) == [nil, nil, nil, nil, .length])
        #expect(try Self.all("A subnet is", GenerationOptions(maxNewTokens: 0)) == [])

        let model = try ModelFixtures.model()
        let ended = try Self.all(
            "How is the weather today?", GenerationOptions(maxNewTokens: 400, temperature: 0.5))
        #expect(
            ended.last?.id == model.endToken && ended.last?.finishReason == .end && ended.last?.bytes == [])
        var options = GenerationOptions(maxNewTokens: 400, temperature: 0.5, continuing: ended.map(\.id))
        #expect(try Self.all("How is the weather today?", options) == [])
        options.continuing = []
        options.stopsAtEnd = false
        options.maxNewTokens = ended.count + 5
        let endless = try Self.all("How is the weather today?", options)
        #expect(endless.count == ended.count + 5 && !endless.map(\.id).contains(model.endToken))
    }

    @Test func `An answer stops where the context is full`() throws {
        let model = try Self.tiny()
        let options = GenerationOptions(maxNewTokens: 1000, temperature: 2, stopsAtEnd: false)
        var generation = try Generation(model: model, prompt: "abcde", options: options)
        while try generation.next() != nil {}
        #expect(generation.tokens.count == 10 && generation.finishReason == .context)
        var continued = options
        continued.continuing = generation.tokens
        #expect(try Generation(model: model, prompt: "abcde", options: continued).finishReason == .context)
        continued.continuing.append(0)
        let error = #expect(throws: ModelError.self) {
            try Generation(model: model, prompt: "abcde", options: continued)
        }
        #expect(error?.code == .contextFull)
    }

    @Test func `A prompt that is too long is refused`() throws {
        let model = try Self.tiny()
        #expect(try model.promptTokens(String(repeating: "a", count: 14)).count == 15)
        for count in [15, 16, 100, 70_000] {
            let error = #expect(throws: ModelError.self) {
                try Generation(model: model, prompt: String(repeating: "a", count: count))
            }
            #expect(error?.code == .promptTooLong)
        }
    }

    @Test(arguments: [
        GenerationOptions(maxNewTokens: -1), GenerationOptions(temperature: -0.1),
        GenerationOptions(temperature: .nan),
        GenerationOptions(temperature: .infinity), GenerationOptions(topK: -1), GenerationOptions(topP: 0),
        GenerationOptions(topP: 1.1), GenerationOptions(topP: .nan), GenerationOptions(continuing: [-1]),
        GenerationOptions(continuing: [264]), GenerationOptions(continuing: [263, 1]),
        GenerationOptions(maxNewTokens: 1, continuing: [1, 2]),
    ])
    func `An option out of its range is refused`(options: GenerationOptions) throws {
        let model = try Self.tiny()
        let error = #expect(throws: ModelError.self) {
            try Generation(model: model, prompt: "a", options: options)
        }
        #expect(error?.code == .invalidOption)
    }

    @Test func `Weights that make no sense end the answer with an error`() throws {
        var weights = TinyModel.weights(seed: 1)
        let file = try SafeTensors(bytes: weights)
        for (name, tensor) in file.tensors where name.contains("norm") {
            for index in stride(from: tensor.range.lowerBound, to: tensor.range.upperBound, by: 4) {
                weights.replaceSubrange(index..<index + 4, with: [0xFF, 0xFF, 0x7F, 0x7F])
            }
        }
        let model = try TextModel(
            configuration: TinyModel.configuration, weights: weights, tokenizer: TinyModel.tokenizer)
        var generation = try Generation(model: model, prompt: "a")
        let error = #expect(throws: ModelError.self) { try generation.next() }
        #expect(error?.code == .notFinite)
    }
}
