internal import SubnetFuzzing
internal import Testing

@testable internal import EmbeddedModel

/// Short runs of the fuzz targets; the long ones are not part of the tests.
@Suite struct ModelFuzzTests {
    @Test func `No bytes trap a parser`() {
        for seed in 0..<150 as Range<UInt64> {
            let bytes = ModelFixtures.bytes(Int(seed), seed: seed)
            ModelFuzz.text(bytes)
            ModelFuzz.model(bytes)
            for valid in [TinyModel.weights(seed: 1), TinyModel.tokenizer, TinyModel.configuration] {
                var changed = valid
                for (index, byte) in bytes.prefix(3).enumerated() {
                    changed[(Int(byte) * 37 + index * 11) % min(changed.count, 1400)] = bytes[index / 2]
                }
                ModelFuzz.safeTensors(changed)
                ModelFuzz.tokenizer(changed)
                ModelFuzz.configuration(changed)
            }
        }
    }
}
