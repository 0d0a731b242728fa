/// The shape of a model, as config.json gives it: the subset of Hugging Face's Llama configuration that
/// matters.
package struct ModelConfiguration: Sendable, Hashable {
    /// Width of the residual stream, a multiple of 8.
    package let hidden: Int
    /// Width inside a feed-forward block, a multiple of 8.
    package let intermediate: Int
    /// Number of layers.
    package let layers: Int
    /// Attention heads; each has `hidden / heads` lanes, a multiple of 8.
    package let heads: Int
    /// Token ids, a multiple of 8.
    package let vocabulary: Int
    /// Positions of the context.
    package let contextTokens: Int
    /// Added to the mean square before the root of a norm.
    package let normEpsilon: Float
    /// Base of the rotary frequencies.
    package let rotaryBase: Double
    /// The token before and after each document.
    package let endToken: Int

    /// Lanes of one attention head.
    package var headWidth: Int { self.hidden / self.heads }

    private struct File: Decodable {
        var model_type: String
        var hidden_size: Int
        var intermediate_size: Int
        var num_hidden_layers: Int
        var num_attention_heads: Int
        var num_key_value_heads: Int?
        var vocab_size: Int
        var max_position_embeddings: Int
        var rms_norm_eps: Double
        var rope_theta: Double
        var tie_word_embeddings: Bool
        var eos_token_id: Int
        var bos_token_id: Int
    }

    /// Reads config.json.
    ///
    /// - Throws: ``ModelError/Code/fileTooLarge``, ``ModelError/Code/malformedConfiguration``,
    ///   ``ModelError/Code/unsupported``.
    package init(json: [UInt8], limits: ModelLimits = ModelLimits()) throws(ModelError) {
        try ModelFile.check(size: json.count, bytesMax: limits.configurationBytesMax, name: "config.json")
        let file = try ModelFile.decode(
            File.self, from: json, name: "config.json", code: .malformedConfiguration)
        func check(_ name: String, _ value: Int, max: Int, multipleOf unit: Int) throws(ModelError) -> Int {
            guard value > 0, value <= max, value % unit == 0 else {
                throw ModelError(
                    .malformedConfiguration,
                    "config.json: \(name) is \(value), not a multiple of \(unit) between \(unit) and \(max)")
            }
            return value
        }
        guard file.model_type == "llama", file.tie_word_embeddings else {
            throw ModelError(.unsupported, "config.json: only a llama with tied embeddings can be run")
        }
        guard (file.num_key_value_heads ?? file.num_attention_heads) == file.num_attention_heads else {
            throw ModelError(.unsupported, "config.json: grouped key and value heads cannot be run")
        }
        let lanes = Kernels.lanes
        self.hidden = try check("hidden_size", file.hidden_size, max: limits.hiddenMax, multipleOf: lanes)
        self.intermediate = try check(
            "intermediate_size", file.intermediate_size, max: limits.intermediateMax, multipleOf: lanes)
        self.layers = try check(
            "num_hidden_layers", file.num_hidden_layers, max: limits.layersMax, multipleOf: 1)
        self.heads = try check(
            "num_attention_heads", file.num_attention_heads, max: self.hidden, multipleOf: 1)
        guard self.hidden % (self.heads * lanes) == 0 else {
            throw ModelError(
                .malformedConfiguration,
                "config.json: \(self.hidden) lanes cannot be split into \(self.heads) heads "
                    + "of a multiple of \(lanes)"
            )
        }
        self.vocabulary = try check(
            "vocab_size", file.vocab_size, max: limits.vocabularyMax, multipleOf: lanes)
        self.contextTokens = try check(
            "max_position_embeddings", file.max_position_embeddings, max: limits.contextTokensMax,
            multipleOf: 1)
        guard file.rms_norm_eps > 1e-12, file.rms_norm_eps < 1 else {
            throw ModelError(.malformedConfiguration, "config.json: rms_norm_eps is not between 1e-12 and 1")
        }
        guard file.rope_theta > 1, file.rope_theta < 1e9 else {
            throw ModelError(.malformedConfiguration, "config.json: rope_theta is not between 1 and 1e9")
        }
        guard file.eos_token_id == file.bos_token_id, (0..<self.vocabulary).contains(file.eos_token_id) else {
            throw ModelError(
                .malformedConfiguration,
                "config.json: bos_token_id and eos_token_id are not one id below vocab_size")
        }
        self.normEpsilon = Float(file.rms_norm_eps)
        self.rotaryBase = file.rope_theta
        self.endToken = file.eos_token_id
    }
}
