/// An answer being written, token by token.
///
/// The answer is a pure function of the model, the prompt and the options. A generation that was stopped
/// after n tokens goes on elsewhere, bit for bit, when those tokens are given as
/// ``GenerationOptions/continuing``.
///
/// - Important: ``next()`` computes on the calling thread: run it where blocking some milliseconds a token is
///   allowed. To cancel, do not call it again.
public struct Generation: Sendable {
    /// The options of this answer.
    public let options: GenerationOptions
    /// Ids of the answer so far, those that were continued included.
    public private(set) var tokens: [Int]
    /// Why the answer ended; nil while it goes on.
    public private(set) var finishReason: FinishReason?
    /// Number of tokens that the prompt has, the one that begins every document included.
    public let promptTokenCount: Int

    private var evaluation: Evaluation
    private var text = TextAssembler()
    /// Tokens that the model has not read yet: at first the prompt and what is continued, then the last
    /// token.
    private var unread: [Int]

    /// Prepares an answer to `prompt`; the model runs from the first ``next()`` on.
    ///
    /// - Throws: ``ModelError/Code/promptTooLong``, ``ModelError/Code/invalidOption``,
    ///   ``ModelError/Code/contextFull`` when prompt and continued tokens do not fit together.
    public init(
        model: TextModel, prompt: String, options: GenerationOptions = GenerationOptions()
    ) throws(ModelError) {
        try options.validate(for: model)
        let prompt = try model.promptTokens(prompt)
        guard prompt.count + options.continuing.count <= model.contextTokens else {
            throw ModelError(
                .contextFull,
                "the prompt has \(prompt.count) tokens and \(options.continuing.count) are to be continued, "
                    + "the model holds \(model.contextTokens)")
        }
        let room = Swift.min(options.maxNewTokens, model.contextTokens - prompt.count)
        self.options = options
        self.tokens = options.continuing
        self.promptTokenCount = prompt.count
        self.evaluation = Evaluation(model: model, tokensMax: prompt.count + room)
        self.unread = prompt + options.continuing
        for id in options.continuing { _ = self.text.append(model.tokenizer.bytes(of: id) ?? []) }
        self.finishReason = self.reasonToFinish()
    }

    /// Writes the next token; nil after the last one. The first call also reads the prompt.
    ///
    /// - Throws: ``ModelError/Code/notFinite`` when the weights make no sense.
    public mutating func next() throws(ModelError) -> GeneratedToken? {
        guard self.finishReason == nil else { return nil }
        let model = self.evaluation.model
        for (index, token) in self.unread.enumerated() {
            try self.evaluation.append(token, needsLogits: index == self.unread.count - 1)
        }
        let id = try Sampler.choose(
            self.evaluation.logits, options: self.options,
            forbidden: self.options.stopsAtEnd ? nil : model.endToken,
            unit: PositionRandom.unit(seed: self.options.seed, position: self.evaluation.position))
        self.unread = [id]
        self.tokens.append(id)
        self.finishReason = self.reasonToFinish()
        let bytes = model.tokenizer.bytes(of: id) ?? []
        var text = self.text.append(bytes)
        if self.finishReason != nil { text += self.text.finish() }
        return GeneratedToken(
            id: id, index: self.tokens.count - 1, bytes: bytes, text: text, finishReason: self.finishReason)
    }

    private func reasonToFinish() -> FinishReason? {
        if self.tokens.last == self.evaluation.model.endToken { return .end }
        if self.tokens.count >= self.options.maxNewTokens { return .length }
        if self.promptTokenCount + self.tokens.count >= self.evaluation.model.contextTokens {
            return .context
        }
        return nil
    }
}
