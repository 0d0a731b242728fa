internal import EmbeddedModel

/// Fuzz targets of the model files and the tokenizer. Each takes any bytes and traps if an invariant breaks.
public enum ModelFuzz {
    /// Reads the bytes as model.safetensors.
    public static func safeTensors(_ bytes: [UInt8]) {
        guard let file = try? SafeTensors(bytes: bytes) else { return }
        var covered = 0
        for (name, tensor) in file.tensors {
            covered += tensor.range.count
            guard tensor.range.upperBound <= bytes.count else { fatalError("a tensor lies outside its file") }
            if let floats = try? file.floats(name, shape: tensor.shape) {
                guard floats.count == tensor.shape.reduce(1, *) else { fatalError("numbers are missing") }
            }
        }
        guard covered <= bytes.count - 8 else { fatalError("tensors overlap") }
    }

    /// Reads the bytes as config.json.
    public static func configuration(_ bytes: [UInt8]) {
        guard let configuration = try? ModelConfiguration(json: bytes) else { return }
        guard configuration.heads * configuration.headWidth == configuration.hidden,
            configuration.endToken < configuration.vocabulary
        else { fatalError("an impossible shape was accepted") }
    }

    /// Reads the bytes as tokenizer.json and, where that is valid, the same bytes as text.
    public static func tokenizer(_ bytes: [UInt8]) {
        guard let tokenizer = try? Tokenizer(json: bytes) else { return }
        self.roundTrip(bytes, tokenizer)
    }

    /// Reads the bytes as text for a tokenizer with a few merges, and as tokens for the text assembler.
    public static func text(_ bytes: [UInt8]) {
        guard let tokenizer = try? Tokenizer(json: TinyModel.tokenizer) else { fatalError("no tokenizer") }
        self.roundTrip(bytes, tokenizer)
        var assembler = TextAssembler()
        var text = ""
        var rest = bytes[...]
        while let first = rest.first {
            let piece = rest.prefix(Int(first % 7) + 1)
            text += assembler.append([UInt8](piece))
            rest = rest.dropFirst(piece.count)
        }
        text += assembler.finish()
        guard text == String(decoding: bytes, as: UTF8.self) else { fatalError("text depends on its pieces") }
    }

    /// Takes the bytes as changes (two of place, one of value) to a valid model.safetensors, loads what comes
    /// out and writes a few tokens with it.
    public static func model(_ bytes: [UInt8]) {
        var weights = TinyModel.weights(seed: 1)
        var index = 0
        while index + 2 < bytes.count {
            let place = Int(bytes[index]) << 8 | Int(bytes[index + 1])
            weights[place % weights.count] = bytes[index + 2]
            index += 3
        }
        guard
            let model = try? TextModel(
                configuration: TinyModel.configuration, weights: weights, tokenizer: TinyModel.tokenizer),
            var generation = try? Generation(
                model: model, prompt: "hello",
                options: GenerationOptions(maxNewTokens: 4, temperature: 1, topP: 0.9))
        else { return }
        while let token = try? generation.next() {
            guard token.index < 4 else { fatalError("the answer goes on") }
        }
    }

    private static func roundTrip(_ bytes: [UInt8], _ tokenizer: Tokenizer) {
        let ids = tokenizer.encode(bytes)
        guard ids.count <= bytes.count, !ids.contains(tokenizer.endToken) else { fatalError("wrong tokens") }
        guard tokenizer.decode(ids) == bytes else { fatalError("the tokens give another text") }
    }
}

/// The files of a model that is small enough to look at: one layer, 8 lanes, 264 ids, 16 positions.
package enum TinyModel {
    /// config.json.
    package static let configuration = Array(
        """
        {"model_type": "llama", "hidden_size": 8, "intermediate_size": 16, "num_hidden_layers": 1,
         "num_attention_heads": 1, "num_key_value_heads": 1, "vocab_size": 264, "max_position_embeddings": 16,
         "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "tie_word_embeddings": true,
         "bos_token_id": 263, "eos_token_id": 263}
        """.utf8)

    /// tokenizer.json: " t", "he", " the", "in", "er", "an" and "th" are tokens.
    package static let tokenizer = Array(
        """
        {"format": "subnet-byte-bpe/1", "end_token_id": 263,
         "merges": [[32,116],[104,101],[256,257],[105,110],[101,114],[97,110],[116,104]]}
        """.utf8)

    /// Names and shapes of all tensors, in the order of the file.
    package static let shapes: [(name: String, shape: [Int])] = [
        ("model.embed_tokens.weight", [264, 8]),
        ("model.layers.0.input_layernorm.weight", [8]),
        ("model.layers.0.mlp.down_proj.weight", [8, 16]),
        ("model.layers.0.mlp.gate_proj.weight", [16, 8]),
        ("model.layers.0.mlp.up_proj.weight", [16, 8]),
        ("model.layers.0.post_attention_layernorm.weight", [8]),
        ("model.layers.0.self_attn.k_proj.weight", [8, 8]),
        ("model.layers.0.self_attn.o_proj.weight", [8, 8]),
        ("model.layers.0.self_attn.q_proj.weight", [8, 8]),
        ("model.layers.0.self_attn.v_proj.weight", [8, 8]),
        ("model.norm.weight", [8]),
    ]

    /// model.safetensors in single precision, with weights between -1 and 1 that follow from `seed`.
    package static func weights(seed: UInt64) -> [UInt8] {
        var body: [UInt8] = []
        var entries: [String] = []
        var drawn = 0
        for (name, shape) in self.shapes {
            let begin = body.count
            for _ in 0..<shape.reduce(1, *) {
                let number = Float(PositionRandom.unit(seed: seed, position: drawn) * 2 - 1)
                drawn += 1
                body += (0..<4).map { UInt8(truncatingIfNeeded: number.bitPattern >> (8 * $0)) }
            }
            entries.append(
                "\"\(name)\":{\"dtype\":\"F32\",\"shape\":\(shape),\"data_offsets\":[\(begin),\(body.count)]}"
            )
        }
        return self.file(header: "{" + entries.joined(separator: ",") + "}", body: body)
    }

    /// A safetensors file of this header and these bytes, however wrong they are.
    package static func file(header: String, body: [UInt8]) -> [UInt8] {
        let header = Array(header.utf8)
        return (0..<8).map { UInt8(truncatingIfNeeded: header.count >> (8 * $0)) } + header + body
    }
}
