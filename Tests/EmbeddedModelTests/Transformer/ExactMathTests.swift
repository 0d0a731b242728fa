internal import Foundation
internal import Testing

@testable internal import EmbeddedModel

@Suite struct ExactMathTests {
    @Test func `The exponential is right to some units in the last place`() {
        var x: Float = -86
        while x < 87 {
            let exact = Foundation.exp(Double(x))
            #expect(abs(Double(ExactMath.exp(x)) / exact - 1) < 3e-7, "at \(x)")
            x += 0.0931
        }
        #expect(ExactMath.exp(Float(0)) == 1)
    }

    @Test func `The exponential never traps`() {
        #expect(ExactMath.exp(-Float.infinity) == 0 && ExactMath.exp(Float.nan) == 0)
        #expect(
            ExactMath.exp(Float.infinity) == ExactMath.exp(Float(88)) && ExactMath.exp(Float(88)).isFinite)
        #expect(ExactMath.exp(Float(-87)) == 0 && ExactMath.exp(Float(-86.99)) > 0)
    }

    @Test func `The double functions agree with the system's`() {
        for step in 0..<400 {
            let x = Double(step) * 1.37 - 270
            #expect(abs(ExactMath.exp(x) / Foundation.exp(x) - 1) < 1e-13)
            let angle = Double(step) * 10.123
            let turn = ExactMath.sineAndCosine(angle)
            #expect(abs(turn.sine - Foundation.sin(angle)) < 1e-12)
            #expect(abs(turn.cosine - Foundation.cos(angle)) < 1e-12)
            let positive = Foundation.exp(Double(step) / 10 - 15)
            #expect(abs(ExactMath.log(positive) - Foundation.log(positive)) < 1e-13)
        }
    }

    /// The bits that every machine must give. They were written down on x86-64.
    @Test func `The functions give the same bits everywhere`() {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for step in 0..<2000 {
            let x = Float(step) * 0.0871 - 87
            hash = (hash ^ UInt64(ExactMath.exp(x).bitPattern)) &* 0x100_0000_01B3
            let turn = ExactMath.sineAndCosine(Double(step) * 0.7)
            hash = (hash ^ turn.sine.bitPattern) &* 0x100_0000_01B3
            hash = (hash ^ turn.cosine.bitPattern) &* 0x100_0000_01B3
        }
        #expect(hash == 2_285_129_763_231_629_810)
    }
}
