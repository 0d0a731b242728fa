/// How an answer is chosen and when it ends.
public struct GenerationOptions: Sendable, Hashable {
    /// Most tokens of the whole answer, those in ``continuing`` counted.
    public var maxNewTokens: Int
    /// 0 takes the likeliest token each time; larger values spread the choice. At most 100.
    public var temperature: Double
    /// Choose among the `topK` likeliest tokens; 0 is all.
    public var topK: Int
    /// Choose among the likeliest tokens that together have this probability; above 0, at most 1, which is
    /// all.
    public var topP: Double
    /// Fixes all choices: the same prompt, options and seed give the same answer on every machine.
    public var seed: UInt64
    /// Tokens of the answer that were already written, perhaps on another node. They are read, not given out
    /// again.
    public var continuing: [Int]
    /// Whether the model may end the answer by itself. If not, it writes until a limit ends it.
    public var stopsAtEnd: Bool

    /// Options; the defaults give the likeliest answer of at most 128 tokens.
    public init(
        maxNewTokens: Int = 128, temperature: Double = 0, topK: Int = 0, topP: Double = 1, seed: UInt64 = 0,
        continuing: [Int] = [], stopsAtEnd: Bool = true
    ) {
        self.maxNewTokens = maxNewTokens
        self.temperature = temperature
        self.topK = topK
        self.topP = topP
        self.seed = seed
        self.continuing = continuing
        self.stopsAtEnd = stopsAtEnd
    }

    /// - Throws: ``ModelError/Code/invalidOption`` that names the option and its range.
    func validate(for model: TextModel) throws(ModelError) {
        guard self.maxNewTokens >= 0 else {
            throw ModelError(
                .invalidOption, "max new tokens is \(self.maxNewTokens), it must not be negative")
        }
        // The comparisons are false for what is not a number.
        guard self.temperature >= 0, self.temperature <= 100 else {
            throw ModelError(.invalidOption, "temperature is \(self.temperature), it must be from 0 to 100")
        }
        guard self.topK >= 0 else {
            throw ModelError(.invalidOption, "top-k is \(self.topK), it must not be negative")
        }
        guard self.topP > 0, self.topP <= 1 else {
            throw ModelError(.invalidOption, "top-p is \(self.topP), it must be above 0 and at most 1")
        }
        guard self.continuing.count <= self.maxNewTokens else {
            throw ModelError(
                .invalidOption,
                "\(self.continuing.count) tokens are to be continued, "
                    + "more than the \(self.maxNewTokens) of the answer"
            )
        }
        for id in self.continuing.dropLast() where id == model.endToken {
            throw ModelError(.invalidOption, "the tokens to be continued go on after their end")
        }
        for id in self.continuing where !(0..<model.vocabulary).contains(id) {
            throw ModelError(.invalidOption, "there is no token \(id) to be continued")
        }
    }
}
