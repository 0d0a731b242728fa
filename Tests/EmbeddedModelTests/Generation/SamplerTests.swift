internal import Testing

@testable internal import EmbeddedModel

@Suite struct SamplerTests {
    private static let logits: [Float] = [0, 2, 1, 2, -40]

    private func choose(
        _ logits: [Float] = logits, temperature: Double = 1, topK: Int = 0, topP: Double = 1,
        forbidden: Int? = nil,
        unit: Double
    ) throws -> Int {
        try Sampler.choose(
            logits, options: GenerationOptions(temperature: temperature, topK: topK, topP: topP),
            forbidden: forbidden, unit: unit)
    }

    @Test func `Without temperature the likeliest token wins, the lowest id of equals`() throws {
        #expect(try self.choose(temperature: 0, unit: 0.99) == 1)
        #expect(try self.choose(temperature: 0, forbidden: 1, unit: 0) == 3)
    }

    @Test func `The number from 0 to 1 walks from the likeliest token to the least likely`() throws {
        // The weights are 1, 1, 0.368 and 0.135.
        #expect(try self.choose(unit: 0) == 1)
        #expect(try self.choose(unit: 0.39) == 1)
        #expect(try self.choose(unit: 0.41) == 3)
        #expect(try self.choose(unit: 0.81) == 2)
        #expect(try self.choose(unit: 0.95) == 0)
        #expect(try self.choose(unit: 1.0.nextDown) == 0)
    }

    @Test func `Top-k and top-p cut the tail`() throws {
        #expect(try self.choose(topK: 1, unit: 1.0.nextDown) == 1)
        #expect(try self.choose(topK: 3, unit: 1.0.nextDown) == 2)
        #expect(try self.choose(topP: 0.7, unit: 1.0.nextDown) == 3)
        #expect(try self.choose(topP: 0.85, unit: 1.0.nextDown) == 2)
        #expect(try self.choose(topP: 1e-300, unit: 1.0.nextDown) == 1)
    }

    @Test func `Logits that are not finite are an error`() {
        for bad in [Float.nan, .infinity, -.infinity] {
            let error = #expect(throws: ModelError.self) { try self.choose([0, bad], unit: 0) }
            #expect(error?.code == .notFinite)
        }
        #expect(throws: ModelError.self) { try self.choose([], unit: 0) }
    }

    @Test func `Sampling follows the probabilities`() throws {
        var counts = [0, 0, 0, 0, 0]
        for position in 0..<10_000 {
            counts[try self.choose(unit: PositionRandom.unit(seed: 9, position: position))] += 1
        }
        for (count, share) in zip(counts, [0.0541, 0.3995, 0.1470, 0.3995, 0]) {
            #expect(abs(Double(count) / 10_000 - share) < 0.015)
        }
    }

    @Test func `The number of a position is fixed`() {
        // From an implementation in Python.
        #expect(PositionRandom.unit(seed: 0, position: 0) == 0x14e0dba5e9a32fp-53)
        #expect(PositionRandom.unit(seed: 42, position: 7) == 0x1782d47a99890cp-53)
        #expect(PositionRandom.unit(seed: UInt64.max, position: 511) == 0x17c293197e88cfp-53)
        #expect(PositionRandom.unit(seed: 0, position: 1) != PositionRandom.unit(seed: 1, position: 0))
    }
}
