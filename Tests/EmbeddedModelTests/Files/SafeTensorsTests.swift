internal import SubnetFuzzing
internal import Testing

@testable internal import EmbeddedModel

@Suite struct SafeTensorsTests {
    private static let second = #""b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}"#

    private static func code(_ bytes: [UInt8], limits: ModelLimits = ModelLimits()) -> ModelError.Code? {
        do {
            _ = try SafeTensors(bytes: bytes, limits: limits)
            return nil
        } catch {
            return error.code
        }
    }

    @Test func `A file with tensors and metadata is read`() throws {
        let header =
            #"{"__metadata__":{"format":"pt"},"b":{"dtype":"F32","shape":[],"data_offsets":[4,8]},"#
            + #""a":{"dtype":"BF16","shape":[2,1],"data_offsets":[0,4]}}  "#
        let file = try SafeTensors(
            bytes: TinyModel.file(header: header, body: [0x80, 0x3F, 0x00, 0xC0, 0, 0, 0x20, 0x41]))
        #expect(try file.floats("a", shape: [2, 1]) == [1, -2])
        #expect(try file.floats("b", shape: []) == [10])
        #expect(throws: ModelError.self) { try file.floats("c", shape: []) }
        #expect(throws: ModelError.self) { try file.floats("a", shape: [1, 2]) }
    }

    @Test func `Every half precision number is read exactly`() throws {
        var body: [UInt8] = []
        var expected: [Double] = []
        for bits in 0..<65536 where bits & 0x7C00 != 0x7C00 {
            body += [UInt8(bits & 255), UInt8(bits >> 8)]
            let exponent = bits >> 10 & 31, fraction = Double(bits & 1023)
            let magnitude =
                exponent == 0
                ? fraction * 0x1p-24
                : Double(sign: .plus, exponent: exponent - 25, significand: 1024 + fraction)
            expected.append(bits & 0x8000 == 0 ? magnitude : -magnitude)
        }
        let header = #"{"a":{"dtype":"F16","shape":[\#(expected.count)],"data_offsets":[0,\#(body.count)]}}"#
        let file = try SafeTensors(bytes: TinyModel.file(header: header, body: body))
        #expect(try file.floats("a", shape: [expected.count]).map(Double.init) == expected)
    }

    @Test(arguments: [
        ("F16", [0x00, 0x7C]), ("F16", [0x01, 0xFC]), ("BF16", [0x80, 0x7F]), ("F32", [0, 0, 0xC0, 0xFF]),
    ])
    func `A number that is not finite is refused`(dtype: String, body: [UInt8]) throws {
        let header = #"{"a":{"dtype":"\#(dtype)","shape":[1],"data_offsets":[0,\#(body.count)]}}"#
        let file = try SafeTensors(bytes: TinyModel.file(header: header, body: body))
        let error = #expect(throws: ModelError.self) { try file.floats("a", shape: [1]) }
        #expect(error?.code == .malformedWeights)
    }

    @Test func `A file that is cut at any byte is refused`() throws {
        let whole = TinyModel.weights(seed: 1)
        #expect(Self.code(whole) == nil)
        let header =
            whole.count - (try SafeTensors(bytes: whole)).tensors.values.reduce(0) { $0 + $1.range.count }
        for length in Array(0..<header) + [header, header + 1, whole.count - 4, whole.count - 1] {
            #expect(Self.code(Array(whole[..<length])) == .malformedWeights, "cut at \(length)")
        }
        #expect(Self.code(whole + [0]) == .malformedWeights)
    }

    @Test(arguments: [
        #""a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]},\#(Self.second)"#,
        #""a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},\#(Self.second)"#,
        #""a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}"#,
        #""a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}"#,
        #""a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}"#,
        #""a":{"dtype":"F32","shape":[2],"data_offsets":[-8,0]}"#,
        #""a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}"#,
        #""a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}"#,
        #""a":{"dtype":"F32","shape":[-1,-2],"data_offsets":[0,8]}"#,
        #""a":{"dtype":"F32","shape":[2],"data_offsets":[0]}"#,
        #""a":{"dtype":"F32","shape":[2],"data_offsets":[0,8,8]}"#,
        #""a":{"dtype":"F32","shape":[2],"data_offsets":[0,8.5]}"#,
        #""a":{"dtype":"F32","shape":[2],"data_offsets":[0,9223372036854775808]}"#,
        #""a":{"dtype":"F32","shape":[9223372036854775807,4],"data_offsets":[0,8]}"#,
        #""a":{"dtype":"F32","shape":[4611686018427387905],"data_offsets":[0,8]}"#,
        #""a":{"dtype":"F32","shape":[2,1,1,1,1,1,1,1,1],"data_offsets":[0,8]}"#,
        #""a":{"dtype":"F32","shape":2,"data_offsets":[0,8]}"#,
        #""a":{"shape":[2],"data_offsets":[0,8]}"#,
        #""__metadata__":{"a":1},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}"#,
        #""__metadata__":[],"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}"#,
        "", "a", #""a":"#,
    ])
    func `A header that lies is refused`(entries: String) {
        let file = TinyModel.file(header: "{\(entries)}", body: [UInt8](repeating: 0, count: 8))
        #expect(Self.code(file) == .malformedWeights)
    }

    @Test func `A header that is no object, or too deep, is refused`() {
        let deep = #"{"a":"# + String(repeating: "[", count: 100_000)
        for header in ["[]", " {}", "null", deep, "{}x"] {
            #expect(Self.code(TinyModel.file(header: header, body: [])) == .malformedWeights)
        }
        #expect(Self.code(TinyModel.file(header: "{}", body: [])) == nil)
    }

    @Test func `Lengths beyond the limits are refused before anything is read`() {
        var limits = ModelLimits()
        let whole = TinyModel.weights(seed: 1)
        #expect(Self.code([UInt8](repeating: 255, count: 8)) == .malformedWeights)
        #expect(Self.code([0, 0, 0, 0, 0, 0, 0, 128, 0x7B]) == .malformedWeights)
        limits.tensorHeaderBytesMax = 100
        #expect(Self.code(whole, limits: limits) == .malformedWeights)
        limits = ModelLimits()
        limits.tensorsMax = 10
        #expect(Self.code(whole, limits: limits) == .malformedWeights)
        limits = ModelLimits()
        limits.weightsBytesMax = whole.count - 1
        #expect(Self.code(whole, limits: limits) == .fileTooLarge)
    }

    @Test func `A number format that nobody reads is named`() {
        let file = TinyModel.file(
            header: #"{"a":{"dtype":"I64","shape":[1],"data_offsets":[0,8]}}"#,
            body: [UInt8](repeating: 0, count: 8))
        #expect(Self.code(file) == .unsupported)
    }
}
