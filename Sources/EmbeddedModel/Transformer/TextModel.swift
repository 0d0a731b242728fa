/// A decoder-only transformer with its tokenizer, ready to write text.
///
/// The design is Llama's: RMS norm, rotary positions, SwiGLU feed-forward, no biases, and the token embedding
/// also gives the logits. All arithmetic is in single precision and the same on every machine (see
/// `Kernels`). A model never changes after it is loaded and may be used by many ``Generation``s at once.
///
/// - Source: <https://arxiv.org/abs/2302.13971>
public final class TextModel: Sendable {
    /// The weights of one layer. Comments give (outputs, inputs).
    struct Layer: Sendable {
        let attentionNorm: [Float]
        let query: PackedMatrix  // (hidden, hidden), as are the next three
        let key: PackedMatrix
        let value: PackedMatrix
        let output: PackedMatrix
        let feedForwardNorm: [Float]
        let gate: PackedMatrix  // (intermediate, hidden)
        let up: PackedMatrix  // (intermediate, hidden)
        let down: PackedMatrix  // (hidden, intermediate)
    }

    /// Names what the model computes: equal fingerprints mean equal files, and so equal answers to equal
    /// requests.
    ///
    /// FNV-1a over the three files, hexadecimal. It tells models apart; it proves nothing against somebody
    /// who wants to deceive.
    public let fingerprint: String
    /// The model's shape.
    package let configuration: ModelConfiguration
    /// Text to ids and back.
    package let tokenizer: Tokenizer
    /// What prompts are held to.
    let limits: ModelLimits
    /// One row a token id: (vocabulary, hidden).
    let embedding: PackedMatrix
    /// The layers, the first one next to the embedding.
    let layers: [Layer]
    /// The norm before the logits.
    let finalNorm: [Float]
    /// Rotary frequencies in radians a position, one for each pair of lanes of a head.
    let frequencies: [Double]

    /// Most tokens that prompt and answer may have together, the token that begins every document counted.
    public var contextTokens: Int { self.configuration.contextTokens }
    /// Number of token ids.
    public var vocabulary: Int { self.configuration.vocabulary }
    /// The id that ends a document.
    public var endToken: Int { self.configuration.endToken }
    /// Number of weights.
    public let parameters: Int

    /// Loads `config.json`, `model.safetensors` and `tokenizer.json` from a directory.
    ///
    /// - Throws: a ``ModelError`` that names the file: it cannot be read, is too large, is malformed, asks
    ///   for what this module does not do, or does not belong to the others.
    public convenience init(directory: String, limits: ModelLimits = ModelLimits()) throws(ModelError) {
        let configuration = try ModelFile.read(
            "\(directory)/config.json", bytesMax: limits.configurationBytesMax)
        let weights = try ModelFile.read(
            "\(directory)/model.safetensors", bytesMax: limits.weightsBytesMax)
        let tokenizer = try ModelFile.read(
            "\(directory)/tokenizer.json", bytesMax: limits.tokenizerBytesMax)
        try self.init(configuration: configuration, weights: weights, tokenizer: tokenizer, limits: limits)
    }

    /// Loads a model from the bytes of its three files.
    ///
    /// - Throws: as ``init(directory:limits:)``.
    public init(
        configuration: [UInt8], weights: [UInt8], tokenizer: [UInt8], limits: ModelLimits = ModelLimits()
    ) throws(ModelError) {
        self.fingerprint = Self.fingerprint(of: [configuration, weights, tokenizer])
        let shape = try ModelConfiguration(json: configuration, limits: limits)
        let tokenizer = try Tokenizer(json: tokenizer, limits: limits)
        guard tokenizer.vocabulary == shape.vocabulary, tokenizer.endToken == shape.endToken else {
            throw ModelError(
                .mismatch,
                "tokenizer.json has \(tokenizer.vocabulary) ids, config.json needs \(shape.vocabulary)")
        }
        let file = try SafeTensors(bytes: weights, limits: limits)
        var read = 0
        func vector(_ name: String) throws(ModelError) -> [Float] {
            read += 1
            return try file.floats(name, shape: [shape.hidden])
        }
        func matrix(_ name: String, _ rows: Int, _ columns: Int) throws(ModelError) -> PackedMatrix {
            read += 1
            let numbers = try file.floats(name, shape: [rows, columns])
            return PackedMatrix(rows: rows, columns: columns, rowMajor: numbers)
        }

        let hidden = shape.hidden, intermediate = shape.intermediate
        self.embedding = try matrix("model.embed_tokens.weight", shape.vocabulary, hidden)
        var layers: [Layer] = []
        for index in 0..<shape.layers {
            let layer = "model.layers.\(index)"
            layers.append(
                Layer(
                    attentionNorm: try vector("\(layer).input_layernorm.weight"),
                    query: try matrix("\(layer).self_attn.q_proj.weight", hidden, hidden),
                    key: try matrix("\(layer).self_attn.k_proj.weight", hidden, hidden),
                    value: try matrix("\(layer).self_attn.v_proj.weight", hidden, hidden),
                    output: try matrix("\(layer).self_attn.o_proj.weight", hidden, hidden),
                    feedForwardNorm: try vector("\(layer).post_attention_layernorm.weight"),
                    gate: try matrix("\(layer).mlp.gate_proj.weight", intermediate, hidden),
                    up: try matrix("\(layer).mlp.up_proj.weight", intermediate, hidden),
                    down: try matrix("\(layer).mlp.down_proj.weight", hidden, intermediate)))
        }
        self.layers = layers
        self.finalNorm = try vector("model.norm.weight")
        // A tensor that nobody reads means that the file is for another kind of model.
        guard read == file.tensors.count else {
            throw ModelError(
                .mismatch, "model.safetensors has \(file.tensors.count) tensors, config.json needs \(read)")
        }
        let half = shape.headWidth / 2
        let logarithm = ExactMath.log(shape.rotaryBase)
        self.frequencies = (0..<half).map { ExactMath.exp(-logarithm * Double($0) / Double(half)) }
        self.parameters = file.tensors.values.reduce(0) { $0 + $1.range.count / $1.dtype.byteWidth }
        self.configuration = shape
        self.tokenizer = tokenizer
        self.limits = limits
    }

    /// The ids that `prompt` is read as: the end token, then the text.
    ///
    /// - Throws: ``ModelError/Code/promptTooLong`` when no position is left for an answer.
    public func promptTokens(_ prompt: String) throws(ModelError) -> [Int] {
        let text = Array(prompt.utf8)
        guard text.count <= self.limits.promptBytesMax else {
            throw ModelError(
                .promptTooLong,
                "the prompt has \(text.count) bytes, more than the \(self.limits.promptBytesMax) allowed")
        }
        let ids = [self.endToken] + self.tokenizer.encode(text)
        guard ids.count < self.contextTokens else {
            throw ModelError(
                .promptTooLong,
                "the prompt has \(ids.count - 1) tokens, the model takes at most \(self.contextTokens - 2)")
        }
        return ids
    }
}

extension TextModel {
    private static func fingerprint(of files: [[UInt8]]) -> String {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for file in files {
            hash = (hash ^ UInt64(file.count)) &* 0x0000_0100_0000_01b3
            file.withUnsafeBytes { bytes in
                for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
            }
        }
        return String(hash, radix: 16)
    }
}
