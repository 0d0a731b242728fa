/// A matrix of weights, packed for ``Kernels/multiply(_:_:_:_:into:_:)``.
///
/// Layout: rows in groups of 8; within a group, column after column, the 8 numbers of a column side by side:
/// element (row, column) is at `(row / 8 * columns + column) * 8 + row % 8`.
struct PackedMatrix: Sendable {
    /// Number of outputs, a multiple of 8.
    let rows: Int
    /// Number of inputs.
    let columns: Int
    /// The numbers, `rows * columns` of them.
    let numbers: [Float]

    /// Packs row-major numbers; `rows` is a multiple of 8 and `rowMajor.count == rows * columns`.
    init(rows: Int, columns: Int, rowMajor: [Float]) {
        self.rows = rows
        self.columns = columns
        self.numbers = [Float](unsafeUninitializedCapacity: rows * columns) { output, initialized in
            rowMajor.withUnsafeBufferPointer { input in
                guard let input = input.baseAddress, let output = output.baseAddress else { return }
                var row = 0
                while row < rows {
                    let from = input + (row &* columns)
                    let group = row / 8 * columns * 8
                    let to = output + (group &+ row % 8)
                    var column = 0
                    while column < columns {
                        to[column &* 8] = from[column]
                        column &+= 1
                    }
                    row &+= 1
                }
            }
            initialized = rows * columns
        }
    }

    /// `output = self * input`. `input` has `columns` numbers, `output` has `rows`.
    func multiply(_ input: [Float], into output: inout [Float]) {
        let place = Kernels.Place(
            start: 0, groupStride: self.columns * 8, columns: self.columns, rows: self.rows)
        Kernels.multiply(self.numbers, place, input, 0, into: &output, 0)
    }

    /// Copies row `row` to the front of `output`.
    func copyRow(_ row: Int, into output: inout [Float]) {
        let start = (row / 8) * self.columns * 8 + row % 8
        for column in 0..<self.columns { output[column] = self.numbers[start + column * 8] }
    }
}
