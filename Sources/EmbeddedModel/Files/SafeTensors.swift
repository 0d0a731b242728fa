/// A parsed safetensors file: named tensors over one run of bytes.
///
/// Layout: header length u64, little-endian | header, a JSON object | tensor bytes. The header maps a name to
/// `{"dtype": "F16", "shape": [8, 4], "data_offsets": [begin, end]}`, offsets counted from the end of the
/// header; `__metadata__` maps strings to strings and is ignored.
///
/// - Source: <https://github.com/huggingface/safetensors#format>
/// - Limits: ``ModelLimits/weightsBytesMax``, ``ModelLimits/tensorHeaderBytesMax``,
///   ``ModelLimits/tensorsMax``, ``ModelLimits/tensorDimensionsMax``. The tensors cover the bytes after the
///   header without hole or overlap, so that one file has one meaning.
package struct SafeTensors: Sendable {
    /// The number formats that can be read.
    package enum DType: String, Sendable, Hashable {
        /// IEEE 754 half precision, single precision, and the upper half of single precision.
        case half = "F16"
        case single = "F32"
        case brain = "BF16"

        /// Bytes of one number.
        var byteWidth: Int { self == .single ? 4 : 2 }
    }

    /// A tensor's place in the file. `shape` is row-major; `range.count == shape.product * dtype.byteWidth`.
    package struct Tensor: Sendable, Hashable {
        /// The number format.
        package let dtype: DType
        /// Sizes, the slowest dimension first.
        package let shape: [Int]
        /// The tensor's bytes in the whole file.
        package let range: Range<Int>
    }

    /// The whole file.
    let bytes: [UInt8]
    /// The tensors by name.
    package let tensors: [String: Tensor]

    private struct Header: Decodable {
        struct Entry: Decodable {
            var dtype: String
            var shape: [Int]
            var data_offsets: [Int]
        }

        struct Name: CodingKey {
            var stringValue: String
            var intValue: Int? { nil }
            init(stringValue: String) { self.stringValue = stringValue }
            init?(intValue: Int) { nil }
        }

        var entries: [String: Entry] = [:]

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: Name.self)
            for name in container.allKeys {
                if name.stringValue == "__metadata__" {
                    _ = try container.decode([String: String].self, forKey: name)
                } else {
                    self.entries[name.stringValue] = try container.decode(Entry.self, forKey: name)
                }
            }
        }
    }

    /// Reads a whole file.
    ///
    /// - Throws: ``ModelError/Code/fileTooLarge``, ``ModelError/Code/malformedWeights``,
    ///   ``ModelError/Code/unsupported`` for another number format.
    package init(bytes: [UInt8], limits: ModelLimits = ModelLimits()) throws(ModelError) {
        try ModelFile.check(size: bytes.count, bytesMax: limits.weightsBytesMax, name: "model.safetensors")
        guard bytes.count >= 8 else { throw Self.malformed("is shorter than its length field") }
        let length = bytes[0..<8].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard length <= UInt64(limits.tensorHeaderBytesMax) else {
            throw Self.malformed("announces a header of \(length) bytes")
        }
        let dataStart = 8 + Int(length)
        guard dataStart <= bytes.count else { throw Self.malformed("ends inside its header") }
        guard length > 0, bytes[8] == UInt8(ascii: "{") else {
            throw Self.malformed("has a header that is no JSON object")
        }
        let header = try ModelFile.decode(
            Header.self, from: [UInt8](bytes[8..<dataStart]), name: "model.safetensors",
            code: .malformedWeights)
        guard header.entries.count <= limits.tensorsMax else {
            throw Self.malformed("names \(header.entries.count) tensors")
        }

        var tensors: [String: Tensor] = [:]
        for (name, entry) in header.entries {
            guard let dtype = DType(rawValue: entry.dtype) else {
                throw ModelError(
                    .unsupported, "model.safetensors: tensor \(name.debugDescription) is \(entry.dtype)")
            }
            guard entry.shape.count <= limits.tensorDimensionsMax, entry.data_offsets.count == 2 else {
                throw Self.malformed("gives tensor \(name.debugDescription) no proper shape or offsets")
            }
            let begin = entry.data_offsets[0], end = entry.data_offsets[1]
            guard begin >= 0, begin <= end, end <= bytes.count - dataStart,
                Self.byteCount(shape: entry.shape, byteWidth: dtype.byteWidth) == end - begin
            else {
                throw Self.malformed("gives tensor \(name.debugDescription) bytes that do not fit its shape")
            }
            tensors[name] = Tensor(
                dtype: dtype, shape: entry.shape, range: dataStart + begin..<dataStart + end)
        }

        var covered = dataStart
        let ranges = tensors.values.map(\.range)
        for range in ranges.sorted(by: { ($0.lowerBound, $0.upperBound) < ($1.lowerBound, $1.upperBound) }) {
            guard range.lowerBound == covered else {
                throw Self.malformed("has tensors that overlap or leave a hole")
            }
            covered = range.upperBound
        }
        guard covered == bytes.count else { throw Self.malformed("has bytes that belong to no tensor") }
        self.bytes = bytes
        self.tensors = tensors
    }

    /// Bytes of a tensor, or nil when a size is negative or the product does not fit.
    private static func byteCount(shape: [Int], byteWidth: Int) -> Int? {
        var count = byteWidth
        for size in shape {
            let (product, overflow) = count.multipliedReportingOverflow(by: size)
            guard size >= 0, !overflow else { return nil }
            count = product
        }
        return count
    }

    private static func malformed(_ what: String) -> ModelError {
        ModelError(.malformedWeights, "model.safetensors \(what)")
    }
}
