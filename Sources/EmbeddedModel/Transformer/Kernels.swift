/// The arithmetic of the transformer.
///
/// Two promises shape this code. The same tokens give the same numbers, bit for bit, on every machine, so
/// that an answer begun on one node can be continued on another: each sum has one fixed order, no
/// multiplication and addition is fused (Swift never does that by itself), and `exp` is our own. And a debug
/// build is fast enough for tests: the hot loop is written over pointers and plain scalars, which the
/// optimizer turns into vector instructions and which cost little without it (SIMD types cost 25 times as
/// much there).
enum Kernels {
    /// Outputs computed side by side. A packed matrix keeps 8 rows together: see ``PackedMatrix``.
    static let lanes = 8

    /// Where a packed matrix lies in an array of floats.
    struct Place {
        /// Index of the first number.
        var start: Int
        /// From the first number of a group of 8 rows to that of the next; at least `columns * 8`.
        var groupStride: Int
        /// Columns to multiply.
        var columns: Int
        /// Rows to multiply, rounded up to whole groups by the callee.
        var rows: Int
    }

    /// `output[outputStart + r] = sum over c of matrix[r, c] * input[inputStart + c]`, summed in the order of
    /// c.
    ///
    /// Writes whole groups of 8 outputs. The caller has checked that everything lies inside its array.
    static func multiply(
        _ matrix: [Float], _ place: Place, _ input: [Float], _ inputStart: Int,
        into output: inout [Float], _ outputStart: Int
    ) {
        matrix.withUnsafeBufferPointer { matrix in
            input.withUnsafeBufferPointer { input in
                output.withUnsafeMutableBufferPointer { output in
                    guard let matrix = matrix.baseAddress, let input = input.baseAddress,
                        let output = output.baseAddress
                    else { return }
                    var rows = matrix + place.start
                    var row = 0
                    while row < place.rows {
                        self.multiplyGroup(
                            rows, input + inputStart, place.columns, output + (outputStart &+ row))
                        rows += place.groupStride
                        row &+= self.lanes
                    }
                }
            }
        }
    }

    @inline(__always)
    private static func multiplyGroup(
        _ rows: UnsafePointer<Float>, _ input: UnsafePointer<Float>, _ columns: Int,
        _ output: UnsafeMutablePointer<Float>
    ) {
        var sum0: Float = 0, sum1: Float = 0, sum2: Float = 0, sum3: Float = 0
        var sum4: Float = 0, sum5: Float = 0, sum6: Float = 0, sum7: Float = 0
        var row = rows
        var column = 0
        while column < columns {
            let value = input[column]
            sum0 += row[0] * value
            sum1 += row[1] * value
            sum2 += row[2] * value
            sum3 += row[3] * value
            sum4 += row[4] * value
            sum5 += row[5] * value
            sum6 += row[6] * value
            sum7 += row[7] * value
            row += 8
            column &+= 1
        }
        output[0] = sum0
        output[1] = sum1
        output[2] = sum2
        output[3] = sum3
        output[4] = sum4
        output[5] = sum5
        output[6] = sum6
        output[7] = sum7
    }

    /// `output[i] = input[i] * weight[i] / sqrt(mean of input squared + epsilon)`.
    static func normalize(_ input: [Float], weight: [Float], epsilon: Float, into output: inout [Float]) {
        input.withUnsafeBufferPointer { input in
            weight.withUnsafeBufferPointer { weight in
                output.withUnsafeMutableBufferPointer { output in
                    guard let values = input.baseAddress, let weight = weight.baseAddress,
                        let output = output.baseAddress
                    else { return }
                    let count = input.count
                    var sum: Float = 0
                    var index = 0
                    while index < count {
                        sum += values[index] * values[index]
                        index &+= 1
                    }
                    let scale = 1 / (sum / Float(count) + epsilon).squareRoot()
                    index = 0
                    while index < count {
                        output[index] = values[index] * scale * weight[index]
                        index &+= 1
                    }
                }
            }
        }
    }

    /// `values[i] += other[i]`.
    static func add(_ other: [Float], to values: inout [Float]) {
        let count = Swift.min(values.count, other.count)
        values.withUnsafeMutableBufferPointer { values in
            other.withUnsafeBufferPointer { other in
                guard let values = values.baseAddress, let other = other.baseAddress else { return }
                var index = 0
                while index < count {
                    values[index] += other[index]
                    index &+= 1
                }
            }
        }
    }

    /// `gate[i] = gate[i] * sigmoid(gate[i]) * up[i]`.
    static func swiGLU(_ gate: inout [Float], _ up: [Float]) {
        let count = Swift.min(gate.count, up.count)
        gate.withUnsafeMutableBufferPointer { gate in
            up.withUnsafeBufferPointer { up in
                guard let gate = gate.baseAddress, let up = up.baseAddress else { return }
                var index = 0
                while index < count {
                    let value = gate[index]
                    gate[index] = value / (1 + ExactMath.exp(-value)) * up[index]
                    index &+= 1
                }
            }
        }
    }

    /// Turns the first `count` scores into weights that sum to one: `exp(scale * (score - max)) / sum`.
    static func softmax(_ scores: inout [Float], count: Int, scale: Float) {
        scores.withUnsafeMutableBufferPointer { scores in
            guard let scores = scores.baseAddress else { return }
            var largest = scores[0]
            var index = 1
            while index < count {
                if scores[index] > largest { largest = scores[index] }
                index &+= 1
            }
            var sum: Float = 0
            index = 0
            while index < count {
                let weight = ExactMath.exp((scores[index] - largest) * scale)
                scores[index] = weight
                sum += weight
                index &+= 1
            }
            index = 0
            while index < count {
                scores[index] /= sum
                index &+= 1
            }
        }
    }
}
