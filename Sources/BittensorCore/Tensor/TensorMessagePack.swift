/// The one MessagePack map that a tensor's buffer is: `nd`, `type`, `kind`, `shape` and `data`, its keys
/// binary.
///
/// Reading is bounded by the bytes given: every length is checked against what is left, lists have at most
/// ``Tensor/dimensionsMax`` elements, and nothing nests.
enum TensorMessagePack {
    struct Contents {
        var type: String
        var shape: [Int]
        var data: [UInt8]
    }

    // MARK: Writing

    static func encode(_ contents: Contents) -> [UInt8] {
        var bytes: [UInt8] = [0x85]
        self.append(binary: Array("nd".utf8), to: &bytes)
        bytes.append(0xC3)
        self.append(binary: Array("type".utf8), to: &bytes)
        bytes.append(0xA0 | UInt8(contents.type.utf8.count & 0x1F))
        bytes.append(contentsOf: contents.type.utf8)
        self.append(binary: Array("kind".utf8), to: &bytes)
        self.append(binary: [], to: &bytes)
        self.append(binary: Array("shape".utf8), to: &bytes)
        if contents.shape.count < 16 {
            bytes.append(0x90 | UInt8(contents.shape.count))
        } else {
            bytes.append(0xDC)
            self.append(UInt16(contents.shape.count), to: &bytes)
        }
        for dimension in contents.shape { self.append(dimension: UInt64(dimension), to: &bytes) }
        self.append(binary: Array("data".utf8), to: &bytes)
        self.append(binary: contents.data, to: &bytes)
        return bytes
    }

    private static func append(_ number: some FixedWidthInteger, to bytes: inout [UInt8]) {
        withUnsafeBytes(of: number.bigEndian) { bytes.append(contentsOf: $0) }
    }

    private static func append(binary data: [UInt8], to bytes: inout [UInt8]) {
        if let count = UInt8(exactly: data.count) {
            bytes.append(0xC4)
            self.append(count, to: &bytes)
        } else if let count = UInt16(exactly: data.count) {
            bytes.append(0xC5)
            self.append(count, to: &bytes)
        } else {
            bytes.append(0xC6)
            self.append(UInt32(truncatingIfNeeded: data.count), to: &bytes)
        }
        bytes.append(contentsOf: data)
    }

    private static func append(dimension: UInt64, to bytes: inout [UInt8]) {
        switch dimension {
        case ..<0x80: bytes.append(UInt8(dimension))
        case ..<0x100:
            bytes.append(0xCC)
            bytes.append(UInt8(dimension))
        case ..<0x1_0000:
            bytes.append(0xCD)
            self.append(UInt16(dimension), to: &bytes)
        case ..<0x1_0000_0000:
            bytes.append(0xCE)
            self.append(UInt32(dimension), to: &bytes)
        default:
            bytes.append(0xCF)
            self.append(dimension, to: &bytes)
        }
    }

    // MARK: Reading

    static func decode(_ bytes: [UInt8]) throws(BittensorError) -> Contents {
        var reader = Reader(bytes: bytes)
        guard try reader.byte() == 0x85 else { throw Self.refused("is no map of five members") }
        var isArray = false
        var type: String?
        var shape: [Int]?
        var data: [UInt8]?
        for _ in 0..<5 {
            let key = String(decoding: try reader.text(bytesMax: 16), as: UTF8.self)
            switch key {
            case "nd": isArray = try reader.byte() == 0xC3
            case "type": type = String(decoding: try reader.text(bytesMax: 16), as: UTF8.self)
            case "kind":
                guard try reader.text(bytesMax: 16).isEmpty else {
                    throw Self.refused("is a structured array")
                }
            case "shape": shape = try reader.shape()
            case "data": data = try reader.text(bytesMax: Int.max)
            default: throw Self.refused("has an unknown member")
            }
        }
        guard isArray, let type, let shape, let data, reader.isAtEnd else {
            throw Self.refused("is incomplete, or has a tail")
        }
        return Contents(type: type, shape: shape, data: data)
    }

    private static func refused(_ fault: String) -> BittensorError {
        BittensorError(.invalidValue, "the buffer of a tensor \(fault)")
    }

    private struct Reader {
        let bytes: [UInt8]
        var position = 0

        var isAtEnd: Bool { self.position == self.bytes.count }

        mutating func byte() throws(BittensorError) -> UInt8 {
            guard self.position < self.bytes.count else { throw TensorMessagePack.refused("is cut short") }
            defer { self.position += 1 }
            return self.bytes[self.position]
        }

        mutating func number(bytes count: Int) throws(BittensorError) -> UInt64 {
            var number: UInt64 = 0
            for _ in 0..<count { number = number << 8 | UInt64(try self.byte()) }
            return number
        }

        /// A binary or a text.
        mutating func text(bytesMax: Int) throws(BittensorError) -> [UInt8] {
            let marker = try self.byte()
            let count: UInt64
            switch marker {
            case 0xA0...0xBF: count = UInt64(marker & 0x1F)
            case 0xC4, 0xD9: count = try self.number(bytes: 1)
            case 0xC5, 0xDA: count = try self.number(bytes: 2)
            case 0xC6, 0xDB: count = try self.number(bytes: 4)
            default: throw TensorMessagePack.refused("holds no binary where one must be")
            }
            guard count <= UInt64(self.bytes.count - self.position), count <= UInt64(bytesMax) else {
                throw TensorMessagePack.refused("is cut short")
            }
            defer { self.position += Int(count) }
            return Array(self.bytes[self.position..<self.position + Int(count)])
        }

        mutating func shape() throws(BittensorError) -> [Int] {
            let marker = try self.byte()
            let count: Int
            switch marker {
            case 0x90...0x9F: count = Int(marker & 0x0F)
            case 0xDC: count = Int(try self.number(bytes: 2))
            default: throw TensorMessagePack.refused("holds no list where its shape must be")
            }
            guard count <= Tensor.dimensionsMax else {
                throw TensorMessagePack.refused("has more than \(Tensor.dimensionsMax) dimensions")
            }
            var shape: [Int] = []
            for _ in 0..<count {
                let marker = try self.byte()
                let dimension: UInt64
                switch marker {
                case 0x00...0x7F: dimension = UInt64(marker)
                case 0xCC: dimension = try self.number(bytes: 1)
                case 0xCD: dimension = try self.number(bytes: 2)
                case 0xCE: dimension = try self.number(bytes: 4)
                case 0xCF: dimension = try self.number(bytes: 8)
                default: throw TensorMessagePack.refused("has a dimension that is no whole number")
                }
                guard let dimension = Int(exactly: dimension) else {
                    throw TensorMessagePack.refused("has a dimension beyond 63 bits")
                }
                shape.append(dimension)
            }
            return shape
        }
    }
}
