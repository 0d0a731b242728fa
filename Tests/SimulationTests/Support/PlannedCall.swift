import NIOCore
import SubnetTesting

/// A call of a scenario, decided before the run.
struct PlannedCall: Sendable, CustomStringConvertible {
    /// What is called, and what goes wrong on purpose.
    enum Kind: CaseIterable {
        case echo, large, template, slowReader, leftEarly, collect, talk
        case refused, crashed, expired, cancelled

        /// How often each comes, against the others.
        static let weights: [(kind: Kind, weight: Int)] = [
            (.echo, 30), (.large, 6), (.template, 8), (.slowReader, 7), (.leftEarly, 5), (.collect, 6),
            (.talk, 6),
            (.refused, 8), (.crashed, 4), (.expired, 10), (.cancelled, 10),
        ]
    }

    var number: Int
    var from: Int
    var to: Int
    /// When it starts.
    var at: TimeAmount
    var kind: Kind
    /// Where its payload starts in ``Payload``.
    var offset: Int
    /// Bytes of each message.
    var bytes: Int
    /// Messages of a stream.
    var count: Int
    /// Milliseconds until the call must be over.
    var deadline: Int
    /// Milliseconds until the caller is cancelled, or a handler answers that should not be waited for.
    var patience: Int

    var pair: NodePair { NodePair(self.from, self.to) }
    var description: String { "call \(self.number) \(self.kind) \(self.from)->\(self.to)" }

    init(_ number: Int, from: Int, to: Int, at: TimeAmount, _ random: inout SplitMix64) {
        (self.number, self.from, self.to, self.at) = (number, from, to, at)
        var draw = random.below(Kind.weights.reduce(0) { $0 + $1.weight })
        self.kind = .echo
        for (kind, weight) in Kind.weights {
            if draw < weight {
                self.kind = kind
                break
            }
            draw -= weight
        }
        self.offset = random.below(Payload.blockBytes)
        self.bytes = random.oneIn(8) ? random.within(0...20_000) : random.within(0...300)
        self.count = random.within(0...10)
        self.deadline = 8000
        self.patience = random.within(1...900)
        switch self.kind {
        case .large: self.bytes = random.within(20_000...(random.oneIn(4) ? 400_000 : 80_000))
        case .slowReader: (self.bytes, self.count) = (random.within(1...12_000), random.within(3...15))
        case .leftEarly: self.count = random.within(1...10)
        case .expired: self.deadline = random.within(1...1500)
        default: break
        }
    }
}
