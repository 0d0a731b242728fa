#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

extension Tensor {
    /// Reads the members of a tensor: the buffer is decoded and held against type and shape.
    ///
    /// - Throws: ``BittensorError/Code/invalidValue``.
    public init(json: JSONValue) throws(BittensorError) {
        func refused(_ fault: String) -> BittensorError { BittensorError(.invalidValue, "tensor: \(fault)") }
        guard case .string(let name)? = json["dtype"], case .string(let text)? = json["buffer"],
            let given = json["shape"]
        else { throw refused("buffer, dtype or shape is missing or has the wrong type") }
        let isTorch = name.hasPrefix("torch.")
        guard let dtype = DType(rawValue: isTorch ? String(name.dropFirst(6)) : name) else {
            throw refused("unknown dtype")
        }
        guard let outer = Self.shape(given), !outer.isEmpty else { throw refused("unknown shape") }
        guard let data = Data(base64Encoded: text) else { throw refused("the buffer is no base64") }
        let contents = try TensorMessagePack.decode(Array(data))
        guard contents.type == dtype.descriptor else { throw refused("dtype and buffer differ") }
        // A single number is written with the outer shape [0], which says nothing.
        let shape = outer == [0] ? contents.shape : outer
        guard let count = Self.count(contents.shape), count == Self.count(shape) else {
            throw refused("shape and buffer differ")
        }
        try self.init(dtype, shape: shape, data: contents.data)
        self.usesTorchNames = isTorch
    }

    /// `[2, 3]`, or the same in a text, also as `torch.Size([2, 3])`.
    private static func shape(_ value: JSONValue) -> [Int]? {
        switch value {
        case .array(let elements):
            guard elements.count <= Self.dimensionsMax else { return nil }
            var shape: [Int] = []
            for element in elements {
                guard case .int(let dimension) = element, dimension >= 0 else { return nil }
                shape.append(dimension)
            }
            return shape
        case .string(var text):
            guard text.utf8.count <= 1024 else { return nil }
            if text.hasPrefix("torch.Size("), text.hasSuffix(")") {
                text = String(text.dropFirst(11).dropLast())
            }
            guard case .array? = try? JSONValue(parsing: text), let list = try? JSONValue(parsing: text)
            else {
                return nil
            }
            return self.shape(list)
        default: return nil
        }
    }

    /// The members in the order of the wire.
    public var json: JSONValue {
        let buffer = TensorMessagePack.encode(
            .init(type: self.dtype.descriptor, shape: self.shape, data: self.data))
        let shape = self.shape.isEmpty ? [0] : self.shape
        return [
            "buffer": .string(Data(buffer).base64EncodedString()),
            "dtype": .string((self.usesTorchNames ? "torch." : "") + self.dtype.rawValue),
            "shape": .array(shape.map(JSONValue.int)),
        ]
    }
}

extension Tensor: Codable {
    public init(from decoder: any Decoder) throws {
        try self.init(json: try JSONValue(from: decoder))
    }

    public func encode(to encoder: any Encoder) throws {
        try self.json.encode(to: encoder)
    }
}
