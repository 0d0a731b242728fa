internal import Multiformats
internal import Testing

@Suite struct VarintTests {
    @Test func `numbers are written and read as an independent implementation writes them`() throws {
        for vector in try MultiformatsVectors.load().varints {
            let value = try #require(UInt64(vector.value))
            let expected = bytes(hex: vector.hex)
            #expect(Varint.encode(value) == expected)
            #expect(Varint.byteCount(value) == expected.count)
            var index = 0
            #expect(try Varint.decode(expected + [0xff], at: &index) == value)
            #expect(index == expected.count)
        }
    }

    @Test func `every power of two and its neighbours come back`() throws {
        for shift in 0..<64 {
            for value in [UInt64(1) << shift, (UInt64(1) << shift) &- 1, (UInt64(1) << shift) | 1] {
                let encoded = Varint.encode(value)
                var index = 0
                #expect(try Varint.decode(encoded, at: &index, bytesMax: Varint.protobufBytesMax) == value)
                #expect(encoded.count == Varint.byteCount(value))
            }
        }
    }

    @Test func `bytes that come one at a time give the same number`() throws {
        for value in [0, 1, 127, 128, 1 << 62, UInt64.max] as [UInt64] {
            var decoder = VarintDecoder(bytesMax: Varint.protobufBytesMax)
            for _ in 0..<2 {
                let encoded = Varint.encode(value)
                for byte in encoded.dropLast() { #expect(try decoder.received(byte) == nil) }
                #expect(try decoder.received(encoded[encoded.count - 1]) == value)
            }
        }
    }

    @Test func `a number cut short is truncated at every length and moves nothing`() throws {
        let encoded = Varint.encode(UInt64.max >> 1)
        for count in 0..<encoded.count {
            var index = 0
            let error = #expect(throws: MultiformatsError.self) {
                try Varint.decode(Array(encoded[..<count]), at: &index)
            }
            #expect(error?.code == .truncated)
            #expect(index == 0)
        }
    }

    @Test(arguments: [
        ([0x80, 0x00], MultiformatsError.Code.notMinimal),
        ([0xff, 0x80, 0x00], .notMinimal),
        ([UInt8](repeating: 0xff, count: 9) + [0x01], .overflow),
        ([UInt8](repeating: 0x80, count: 20), .overflow),
    ])
    func `a padded or overlong number is refused`(_ encoded: [UInt8], _ code: MultiformatsError.Code) {
        var index = 0
        let error = #expect(throws: MultiformatsError.self) { try Varint.decode(encoded, at: &index) }
        #expect(error?.code == code)
    }

    @Test func `the tenth byte holds one bit`() {
        var index = 0
        let full = [UInt8](repeating: 0xff, count: 9)
        #expect(throws: Never.self) { try Varint.decode(full + [0x01], at: &index, bytesMax: 10) }
        index = 0
        #expect(throws: MultiformatsError.self) { try Varint.decode(full + [0x02], at: &index, bytesMax: 10) }
    }
}
