/// An array of numbers as a field of a synapse: `{"buffer": …, "dtype": "float32", "shape": [2, 3]}`, the
/// buffer base64 of a MessagePack map in the form of Python's msgpack-numpy.
///
/// Between Python peers tensors only work where both have PyTorch installed.
public struct Tensor: Sendable, Hashable {
    /// The type of the elements.
    public enum DType: String, Sendable, Hashable, CaseIterable {
        case float16, float32, float64, uint8, int8, int16, int32, int64, bool

        /// Bytes of one element.
        public var size: Int {
            switch self {
            case .uint8, .int8, .bool: 1
            case .float16, .int16: 2
            case .float32, .int32: 4
            case .float64, .int64: 8
            }
        }

        /// The name numpy's arrays have for it inside the buffer.
        var descriptor: String {
            switch self {
            case .float16: "<f2"
            case .float32: "<f4"
            case .float64: "<f8"
            case .uint8: "|u1"
            case .int8: "|i1"
            case .int16: "<i2"
            case .int32: "<i4"
            case .int64: "<i8"
            case .bool: "|b1"
            }
        }
    }

    /// The type of the elements.
    public let dtype: DType
    /// The dimensions, the outermost first; none for a single number.
    public let shape: [Int]
    /// The elements, little-endian, the last dimension running fastest.
    public let data: [UInt8]
    /// Whether the peer names its types `torch.…`.
    public var usesTorchNames = false

    /// Most dimensions.
    public static let dimensionsMax = 32

    /// A tensor.
    ///
    /// - Throws: ``BittensorError/Code/invalidValue`` when shape and data do not fit each other.
    public init(_ dtype: DType, shape: [Int], data: [UInt8]) throws(BittensorError) {
        guard shape.count <= Self.dimensionsMax, let count = Self.count(shape) else {
            throw BittensorError(.invalidValue, "\(shape) is no shape of a tensor")
        }
        let (bytes, overflow) = count.multipliedReportingOverflow(by: dtype.size)
        guard !overflow, bytes == data.count else {
            throw BittensorError(
                .invalidValue, "a \(dtype) tensor of shape \(shape) has no \(data.count) bytes")
        }
        self.dtype = dtype
        self.shape = shape
        self.data = data
    }

    /// How many elements a shape has; `nil` when it is negative or beyond 63 bits.
    static func count(_ shape: [Int]) -> Int? {
        var count = 1
        for dimension in shape {
            guard dimension >= 0 else { return nil }
            let (product, overflow) = count.multipliedReportingOverflow(by: dimension)
            if overflow { return nil }
            count = product
        }
        return count
    }

    /// How many elements there are.
    public var count: Int { self.data.count / self.dtype.size }
}

// MARK: - Elements

extension Tensor {
    /// A tensor of 32-bit floats.
    public init(_ values: [Float], shape: [Int]) throws(BittensorError) {
        try self.init(.float32, shape: shape, data: Self.bytes(values.map(\.bitPattern)))
    }

    /// A tensor of 64-bit floats.
    public init(_ values: [Double], shape: [Int]) throws(BittensorError) {
        try self.init(.float64, shape: shape, data: Self.bytes(values.map(\.bitPattern)))
    }

    /// A tensor of 64-bit whole numbers.
    public init(_ values: [Int64], shape: [Int]) throws(BittensorError) {
        try self.init(.int64, shape: shape, data: Self.bytes(values))
    }

    private static func bytes<Integer: FixedWidthInteger>(_ values: [Integer]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(values.count * Integer.bitWidth / 8)
        for value in values { withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) } }
        return bytes
    }

    /// The elements as 64-bit floats, the last dimension running fastest. Whole numbers beyond 2⁵³ are
    /// rounded.
    public var doubles: [Double] {
        switch self.dtype {
        case .float16: self.integers(UInt16.self).map(Self.double(half:))
        case .float32: self.integers(UInt32.self).map { Double(Float(bitPattern: $0)) }
        case .float64: self.integers(UInt64.self).map(Double.init(bitPattern:))
        case .uint8: self.data.map(Double.init)
        case .bool: self.data.map { $0 == 0 ? 0 : 1 }
        case .int8: self.integers(Int8.self).map(Double.init)
        case .int16: self.integers(Int16.self).map(Double.init)
        case .int32: self.integers(Int32.self).map(Double.init)
        case .int64: self.integers(Int64.self).map(Double.init)
        }
    }

    /// The elements as 64-bit whole numbers; `nil` for floats.
    public var integers: [Int64]? {
        switch self.dtype {
        case .float16, .float32, .float64: nil
        case .uint8: self.data.map(Int64.init)
        case .bool: self.data.map { $0 == 0 ? 0 : 1 }
        case .int8: self.integers(Int8.self).map(Int64.init)
        case .int16: self.integers(Int16.self).map(Int64.init)
        case .int32: self.integers(Int32.self).map(Int64.init)
        case .int64: self.integers(Int64.self)
        }
    }

    private func integers<Integer: FixedWidthInteger>(_: Integer.Type) -> [Integer] {
        let size = Integer.bitWidth / 8
        return stride(from: 0, through: self.data.count - size, by: size).map { start in
            self.data[start..<start + size].reversed().reduce(Integer(0)) {
                size == 1 ? Integer(truncatingIfNeeded: $1) : $0 << 8 | Integer(truncatingIfNeeded: $1)
            }
        }
    }

    private static func double(half bits: UInt16) -> Double {
        let sign = bits >> 15 == 0 ? 1.0 : -1.0
        let exponent = Int(bits >> 10 & 0x1F)
        let fraction = Double(bits & 0x3FF)
        switch exponent {
        case 0: return sign * fraction * 0x1p-24
        case 0x1F: return fraction == 0 ? sign * .infinity : .nan
        default:
            return Double(
                sign: sign < 0 ? .minus : .plus, exponent: exponent - 15, significand: 1 + fraction / 1024)
        }
    }
}
