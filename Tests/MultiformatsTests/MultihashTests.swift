internal import Multiformats
internal import Testing

@Suite struct MultihashTests {
    @Test func `hashes are what an independent implementation writes`() throws {
        for vector in try MultiformatsVectors.load().multihash {
            let hash = try Multihash(bytes: bytes(hex: vector.hex))
            #expect(hash.function.rawValue == vector.code)
            #expect(hash.digest == bytes(hex: vector.digest))
            #expect(hash.bytes == bytes(hex: vector.hex))
        }
    }

    @Test func `a hash cut short or with bytes behind it is refused at every length`() throws {
        for vector in try MultiformatsVectors.load().multihash {
            let whole = bytes(hex: vector.hex)
            for count in 0..<whole.count {
                #expect(throws: MultiformatsError.self) { try Multihash(bytes: Array(whole[..<count])) }
            }
            #expect(throws: MultiformatsError.self) { try Multihash(bytes: whole + [0]) }
        }
    }

    @Test func `a digest of the wrong length for its function is refused`() {
        #expect(throws: MultiformatsError.self) { try Multihash(.sha256, digest: [1, 2, 3]) }
        #expect(throws: MultiformatsError.self) { try Multihash(bytes: [0x12, 0x01, 0x00]) }
        #expect(throws: MultiformatsError.self) {
            try Multihash(.identity, digest: [UInt8](repeating: 0, count: 129))
        }
        #expect(throws: MultiformatsError.self) { try Multihash(bytes: [0x00, 0xff, 0xff, 0xff, 0x7f]) }
    }
}
