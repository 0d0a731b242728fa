internal import Foundation
internal import Testing

@testable internal import BittensorCore

@Suite struct TensorTests {
    @Test(arguments: try Vectors.cases("tensor", "tensors")) func vectors(vector: JSONValue) throws {
        let json = try #require(vector["serialized"])
        let tensor = try Tensor(json: json)
        #expect(tensor.dtype.rawValue == vector["deserialized"]?["dtype"]?.stringValue)
        #expect(tensor.shape == vector["deserialized"]?["shape"]?.arrayValue?.compactMap(\.intValue))
        let values = try #require(vector["deserialized"]?["values"]?.arrayValue)
        let expected = values.compactMap { $0.doubleValue ?? ($0.boolValue.map { $0 ? 1 : 0 }) }
        #expect(Array(tensor.doubles.prefix(expected.count)) == expected)
        if let integers = tensor.integers {
            #expect(integers.map(Double.init).prefix(expected.count) == expected[...])
        }
        #expect(try tensor.json.text() == json.text())
    }

    @Test(arguments: try Vectors.cases("tensor", "validation")) func validation(vector: JSONValue) throws {
        // Without PyTorch Python refuses these names; we take them, since peers with PyTorch send them.
        if vector["dtype"]?.stringValue?.hasPrefix("torch.") == true { return }
        var json = try Tensor([0, 1, 2, 3, 4, 5] as [Float], shape: [2, 3]).json.objectValue ?? [:]
        if let dtype = vector["dtype"] { json["dtype"] = dtype }
        if let shape = vector["shape"] { json["shape"] = shape }
        if let parsed = vector["parsed"] {
            #expect(try Tensor(json: .object(json)).shape == parsed.arrayValue?.compactMap(\.intValue))
        } else {
            #expect(throws: BittensorError.self) { try Tensor(json: .object(json)) }
        }
    }

    @Test func torchNamesComeBack() throws {
        var json = try Tensor([1.5] as [Double], shape: [1]).json.objectValue ?? [:]
        json["dtype"] = "torch.float64"
        #expect(try Tensor(json: .object(json)).json.text() == JSONValue.object(json).text())
    }

    @Test func everyCutAndFlipIsRefusedOrRead() throws {
        let tensor = try Tensor([1, 2] as [Int64], shape: [2])
        let text = try #require(tensor.json["buffer"]?.stringValue)
        let data = try #require(Data(base64Encoded: text))
        let bytes = Array(data)
        for count in 0..<bytes.count {
            #expect(throws: BittensorError.self) { try TensorMessagePack.decode(Array(bytes.prefix(count))) }
        }
        var read = 0
        for position in bytes.indices {
            for bit in 0..<8 {
                var flipped = bytes
                flipped[position] ^= 1 << bit
                if (try? TensorMessagePack.decode(flipped)) != nil { read += 1 }
            }
        }
        // Only the data and the length of the two may change unseen here.
        #expect(read < bytes.count * 8)
    }

    @Test func refusesShapesThatLie() throws {
        #expect(throws: BittensorError.self) { try Tensor(.float32, shape: [Int.max, 4], data: []) }
        #expect(throws: BittensorError.self) { try Tensor(.float32, shape: [-1], data: []) }
        #expect(throws: BittensorError.self) { try Tensor(.float32, shape: [2], data: [0]) }
        var json = try Tensor([1, 2] as [Int64], shape: [2]).json.objectValue ?? [:]
        json["shape"] = [3]
        #expect(throws: BittensorError.self) { try Tensor(json: .object(json)) }
    }
}
