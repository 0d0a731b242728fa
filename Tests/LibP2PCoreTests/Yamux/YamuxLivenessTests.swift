internal import SubnetFuzzing
internal import Testing

@Suite("Yamux liveness")
struct YamuxLivenessTests {
    /// SplitMix64: the script of a seed is the same on every machine.
    private struct Random {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var mixed = state
            mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
            mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
            return mixed ^ (mixed >> 31)
        }

        mutating func bytes(_ count: Int) -> [UInt8] {
            (0..<count).map { _ in UInt8(truncatingIfNeeded: next()) }
        }
    }

    @Test(
        "Two sessions under random chunks, delays and slow readers deliver every byte in order",
        arguments: 0..<16)
    func randomSimulation(block: UInt64) {
        for seed in block * 8..<block * 8 + 8 {
            var random = Random(state: seed)
            let script = random.bytes(1200)
            if let violation = YamuxSimulation.violation(script: script) {
                Issue.record("SEED=\(seed): \(violation)")
            }
        }
    }

    @Test("Random input never breaks an invariant", arguments: 0..<8)
    func randomFrames(block: UInt64) {
        for seed in block * 64..<block * 64 + 64 {
            var random = Random(state: seed)
            var bytes = random.bytes(2)
            // Frames that are almost right go deeper than noise.
            for _ in 0..<40 {
                let bits = random.next()
                let type = UInt8(bits & 3)
                let isSession = type >= 2
                let id = isSession ? 0 : UInt8(bits >> 8 & 7)
                let flags = UInt8(bits >> 16 & (bits >> 20 & 1 == 0 ? 1 : 15))
                let length = isSession || type == 1 ? UInt8(bits >> 24 & 7) : UInt8(bits >> 24 & 63)
                bytes += [0, type, 0, flags, 0, 0, 0, id, 0, 0, 0, length]
                if type == 0 { bytes += random.bytes(Int(length)) }
            }
            if let violation = YamuxFramesRun.violation(bytes) {
                Issue.record("SEED=\(seed): \(violation)")
            }
        }
    }
}
