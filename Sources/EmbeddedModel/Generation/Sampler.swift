/// Chooses a token from logits.
///
/// The choice is a pure function of the logits, the options and one number from 0 to 1. In order:
/// temperature, top-k, top-p. Tokens less likely than the best one by a factor of 2^24 are never chosen, so
/// that there is little to sort.
enum Sampler {
    private struct Candidate {
        var id: Int
        var weight: Float
    }

    /// exp(-16.64) is 2^-24.
    private static let exponentMin: Float = -16.64

    /// - Throws: ``ModelError/Code/notFinite``.
    static func choose(
        _ logits: [Float], options: GenerationOptions, forbidden: Int?, unit: Double
    ) throws(ModelError) -> Int {
        guard let best = try self.best(logits, forbidden: forbidden) else {
            throw ModelError(.notFinite, "the model gave no logits")
        }
        guard options.temperature > 0 else { return best }
        var candidates = self.candidates(logits, best: best, options: options, forbidden: forbidden)
        if options.topK > 0 { candidates = Array(candidates.prefix(options.topK)) }
        var total = candidates.reduce(0.0) { $0 + Double($1.weight) }
        if options.topP < 1 {
            var sum = 0.0
            var kept = 0
            while kept < candidates.count, sum < total * options.topP {
                sum += Double(candidates[kept].weight)
                kept += 1
            }
            candidates.removeSubrange(Swift.max(kept, 1)...)
            total = sum
        }
        var left = unit * total
        for candidate in candidates {
            left -= Double(candidate.weight)
            if left < 0 { return candidate.id }
        }
        return candidates.last?.id ?? best
    }

    /// The id of the largest logit, the lowest id of equals.
    private static func best(_ logits: [Float], forbidden: Int?) throws(ModelError) -> Int? {
        var best: Int?
        var largest = -Float.infinity
        var finite = true
        logits.withUnsafeBufferPointer { logits in
            var id = 0
            while id < logits.count {
                let logit = logits[id]
                if !logit.isFinite { finite = false }
                if logit > largest, id != forbidden {
                    largest = logit
                    best = id
                }
                id &+= 1
            }
        }
        guard finite else { throw ModelError(.notFinite, "the model computed a logit that is not finite") }
        return best
    }

    /// The tokens that may be chosen, the likeliest first, the lowest id first of equals.
    private static func candidates(
        _ logits: [Float], best: Int, options: GenerationOptions, forbidden: Int?
    ) -> [Candidate] {
        let largest = logits[best], temperature = Float(options.temperature)
        var found: [Candidate] = []
        logits.withUnsafeBufferPointer { logits in
            var id = 0
            while id < logits.count {
                let exponent = (logits[id] - largest) / temperature
                if exponent > self.exponentMin, id != forbidden {
                    found.append(Candidate(id: id, weight: ExactMath.exp(exponent)))
                }
                id &+= 1
            }
        }
        found.sort { $0.weight > $1.weight || ($0.weight == $1.weight && $0.id < $1.id) }
        return found
    }
}
