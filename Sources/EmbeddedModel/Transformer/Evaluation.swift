/// One run of a model over a growing row of tokens, with a cache of keys and values.
///
/// The caches are laid out so that both halves of attention are products with a packed matrix: a head's keys
/// are a matrix of (position, lane) and its values one of (lane, position).
package struct Evaluation: Sendable {
    /// The model that runs.
    package let model: TextModel
    /// Most tokens that can be added.
    package let capacity: Int
    /// Tokens added so far.
    package private(set) var position = 0
    /// What the last token added says of the next: one number a token id.
    package private(set) var logits: [Float]

    /// Keys and values of one layer; a head has `headWidth * capacity` numbers in each.
    private struct Cache: Sendable {
        var keys: [Float]
        var values: [Float]
    }

    private var caches: [Cache]
    private var stream: [Float]
    private var normed: [Float]
    private var query: [Float]
    private var key: [Float]
    private var value: [Float]
    private var mixed: [Float]
    private var update: [Float]
    private var gate: [Float]
    private var up: [Float]
    private var scores: [Float]

    /// An empty run with room for `tokensMax` tokens, but never more than the model's context.
    package init(model: TextModel, tokensMax: Int) {
        let shape = model.configuration
        // Keys are written in groups of 8 positions.
        self.capacity = Swift.max(1, Swift.min(tokensMax, shape.contextTokens))
        let positions = (self.capacity + 7) / 8 * 8
        func zeros(_ count: Int) -> [Float] { [Float](repeating: 0, count: count) }
        self.model = model
        self.logits = zeros(shape.vocabulary)
        let cache = Cache(keys: zeros(positions * shape.hidden), values: zeros(positions * shape.hidden))
        self.caches = Array(repeating: cache, count: shape.layers)
        self.stream = zeros(shape.hidden)
        self.normed = zeros(shape.hidden)
        self.query = zeros(shape.hidden)
        self.key = zeros(shape.hidden)
        self.value = zeros(shape.hidden)
        self.mixed = zeros(shape.hidden)
        self.update = zeros(shape.hidden)
        self.gate = zeros(shape.intermediate)
        self.up = zeros(shape.intermediate)
        self.scores = zeros(positions)
    }

    /// Adds one token. Where only the cache is wanted, `needsLogits: false` saves a seventh of the work.
    ///
    /// - Throws: ``ModelError/Code/contextFull``; ``ModelError/Code/invalidOption`` for an unknown token.
    package mutating func append(_ token: Int, needsLogits: Bool = true) throws(ModelError) {
        guard self.position < self.capacity else {
            throw ModelError(
                .contextFull, "the model has read \(self.capacity) tokens, which is all it can hold")
        }
        guard (0..<self.model.vocabulary).contains(token) else {
            throw ModelError(.invalidOption, "there is no token \(token)")
        }
        let shape = self.model.configuration
        let rotation = self.model.frequencies.map { ExactMath.sineAndCosine(Double(self.position) * $0) }
        self.model.embedding.copyRow(token, into: &self.stream)
        for index in self.model.layers.indices {
            let layer = self.model.layers[index]
            Kernels.normalize(
                self.stream, weight: layer.attentionNorm, epsilon: shape.normEpsilon, into: &self.normed)
            layer.query.multiply(self.normed, into: &self.query)
            layer.key.multiply(self.normed, into: &self.key)
            layer.value.multiply(self.normed, into: &self.value)
            Self.rotate(&self.query, rotation, headWidth: shape.headWidth)
            Self.rotate(&self.key, rotation, headWidth: shape.headWidth)
            self.attend(layer: index)
            layer.output.multiply(self.mixed, into: &self.update)
            Kernels.add(self.update, to: &self.stream)

            Kernels.normalize(
                self.stream, weight: layer.feedForwardNorm, epsilon: shape.normEpsilon, into: &self.normed)
            layer.gate.multiply(self.normed, into: &self.gate)
            layer.up.multiply(self.normed, into: &self.up)
            Kernels.swiGLU(&self.gate, self.up)
            layer.down.multiply(self.gate, into: &self.update)
            Kernels.add(self.update, to: &self.stream)
        }
        self.position += 1
        guard needsLogits else { return }
        Kernels.normalize(
            self.stream, weight: self.model.finalNorm, epsilon: shape.normEpsilon, into: &self.normed)
        self.model.embedding.multiply(self.normed, into: &self.logits)
    }

    /// Turns lane i of the first half of each head against lane i of the second half.
    private static func rotate(
        _ lanes: inout [Float], _ rotation: [(sine: Double, cosine: Double)], headWidth: Int
    ) {
        let half = headWidth / 2
        for (index, turn) in rotation.enumerated() {
            let sine = Float(turn.sine), cosine = Float(turn.cosine)
            var lane = index
            while lane < lanes.count {
                let first = lanes[lane], second = lanes[lane + half]
                lanes[lane] = first * cosine - second * sine
                lanes[lane + half] = second * cosine + first * sine
                lane += headWidth
            }
        }
    }

    /// Stores the new key and value, and mixes the values of all positions so far, for each head.
    private mutating func attend(layer: Int) {
        let width = self.model.configuration.headWidth
        let positions = self.scores.count, position = self.position
        // 1 / sqrt(width); the square root is exact by IEEE 754.
        let scale = 1 / Float(width).squareRoot()
        for head in 0..<self.model.configuration.heads {
            let lanes = head * width, start = head * width * positions
            let keyStart = start + position / 8 * width * 8 + position % 8
            for lane in 0..<width {
                self.caches[layer].keys[keyStart + lane * 8] = self.key[lanes + lane]
                self.caches[layer].values[start + (lane / 8 * positions + position) * 8 + lane % 8] =
                    self.value[lanes + lane]
            }
            let keys = Kernels.Place(start: start, groupStride: width * 8, columns: width, rows: position + 1)
            Kernels.multiply(self.caches[layer].keys, keys, self.query, lanes, into: &self.scores, 0)
            Kernels.softmax(&self.scores, count: position + 1, scale: scale)
            let values = Kernels.Place(
                start: start, groupStride: positions * 8, columns: position + 1, rows: width)
            Kernels.multiply(self.caches[layer].values, values, self.scores, 0, into: &self.mixed, lanes)
        }
    }
}
