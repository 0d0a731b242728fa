/// Elementary functions made of additions, multiplications and divisions alone, which IEEE 754 fixes to the
/// last bit: the C library's differ between systems, and an answer must not.
enum ExactMath {
    /// e to the power of `x`, to about 2 units in the last place. Arguments below -87 give 0, those above 88
    /// as 88 does, and what is not a number gives 0.
    @inline(__always)
    static func exp(_ x: Float) -> Float {
        guard x > -87 else { return 0 }
        let x = x < 88 ? x : 88
        // x = n ln 2 + r with |r| <= ln 2 / 2; ln 2 in two parts, of which the first has few bits.
        let shifted = x * 1.442_695_04 + (x < 0 ? -0.5 : 0.5)
        let n = Int32(shifted)
        let multiple = Float(n)
        let r = (x - multiple * 0.693_359_375) - multiple * -2.121_944_4e-4
        // The Taylor polynomial of degree 7: its error, r to the 8th / 8!, is below 1e-8.
        var sum: Float = 1 / 5040
        sum = sum * r + 1 / 720
        sum = sum * r + 1 / 120
        sum = sum * r + 1 / 24
        sum = sum * r + 1 / 6
        sum = sum * r + 0.5
        sum = sum * r + 1
        sum = sum * r + 1
        return sum * Float(bitPattern: UInt32(bitPattern: n &+ 127) &<< 23)
    }

    /// e to the power of `x`, |x| <= 700, in double precision.
    static func exp(_ x: Double) -> Double {
        let n = (x * 1.442_695_040_888_963_4).rounded()
        let r = (x - n * 0x1.62e42feep-1) - n * 0x1.a39ef35793c76p-33
        var sum = 1.0
        for divisor in stride(from: 20, through: 1, by: -1) { sum = 1 + sum * r / Double(divisor) }
        return sum * Double(sign: .plus, exponent: Int(n), significand: 1)
    }

    /// The natural logarithm of `x` > 0: Newton's method on ``exp(_:)-(Double)``.
    static func log(_ x: Double) -> Double {
        var y = Double(x.exponent) * 0.693_147_180_559_945_3
        for _ in 0..<40 {
            let power = self.exp(y)
            y += 2 * (x - power) / (x + power)
        }
        return y
    }

    /// Sine and cosine of `angle`, 0 <= angle <= 10 000, to about 1e-12.
    static func sineAndCosine(_ angle: Double) -> (sine: Double, cosine: Double) {
        // The nearest multiple of pi / 2 is taken off in two parts.
        let quarter = (angle * 0.636_619_772_367_581_4).rounded()
        let r = (angle - quarter * 0x1.921fb544p+0) - quarter * 0x1.0b4611a626331p-34
        var sine = 1.0, cosine = 1.0
        for n in stride(from: 20, through: 2, by: -2) {
            sine = 1 - sine * r * r / Double(n * (n + 1))
            cosine = 1 - cosine * r * r / Double(n * (n - 1))
        }
        sine *= r
        return switch Int(quarter) % 4 {
        case 0: (sine, cosine)
        case 1: (cosine, -sine)
        case 2: (-sine, -cosine)
        default: (-cosine, sine)
        }
    }
}
