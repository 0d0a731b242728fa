internal import Multiformats
internal import Testing

@Suite struct BaseTextTests {
    static let bases: [String: Multibase.Base] = [
        "base16": .base16, "base32": .base32, "base36": .base36, "base58btc": .base58btc, "base64": .base64,
        "base64url": .base64URL,
    ]

    @Test func `base58 is what an independent implementation writes`() throws {
        for vector in try MultiformatsVectors.load().base58 {
            #expect(Base58.encode(bytes(hex: vector.hex)) == vector.text)
            #expect(try Base58.decode(vector.text) == bytes(hex: vector.hex))
        }
    }

    @Test func `multibase is what an independent implementation writes`() throws {
        for vector in try MultiformatsVectors.load().multibase {
            let base = try #require(Self.bases[vector.base ?? ""])
            #expect(try Multibase.encode(bytes(hex: vector.hex), base: base) == vector.text)
            let decoded = try Multibase.decode(vector.text)
            #expect(decoded.base == base)
            #expect(decoded.bytes == bytes(hex: vector.hex))
        }
    }

    @Test func `the examples of the multibase specification hold`() throws {
        let yes = Array("yes mani !".utf8)
        #expect(try Multibase.encode(yes, base: .identity) == "\0yes mani !")
        #expect(try Multibase.decode("\0yes mani !").bytes == yes)
        #expect(try Multibase.encode(yes, base: .base16) == "f796573206d616e692021")
        #expect(try Multibase.encode(yes, base: .base32) == "bpfsxgidnmfxgsibb")
        #expect(try Multibase.encode(yes, base: .base36) == "k2lcpzo5yikidynfl")
        #expect(try Multibase.encode(yes, base: .base58btc) == "z7paNL19xttacUY")
        #expect(try Multibase.encode(yes, base: .base64URL) == "ueWVzIG1hbmkgIQ")
        #expect(try Multibase.encode([0] + yes, base: .base36) == "k02lcpzo5yikidynfl")
        #expect(try Multibase.encode([0] + yes, base: .base58btc) == "z17paNL19xttacUY")
        #expect(try Multibase.encode([0, 0] + yes, base: .base36) == "k002lcpzo5yikidynfl")
        #expect(try Multibase.encode([0, 0] + yes, base: .base58btc) == "z117paNL19xttacUY")
    }

    @Test func `every length and leading zero comes back in every base`() throws {
        for base in Multibase.Base.all where base != .identity {
            for count in 0..<70 {
                for zeros in [0, 1, 5] where zeros <= count {
                    let content = (0..<count).map {
                        $0 < zeros ? 0 : UInt8(truncatingIfNeeded: $0 &* 151 &+ 7)
                    }
                    let text = try Multibase.encode(content, base: base)
                    #expect(try Multibase.decode(text).bytes == content, "\(base)")
                }
            }
        }
    }

    @Test(arguments: [
        "", "x00", "zO0", "z0OIl", "f0", "fgg", "fAB", "Fab", "b1", "ba", "bab", "bpfsxgidnmfxgsibbb", "bmz",
        "ue", "ueWVzIG1hbmkgIR", "ueWVzIG1hbmkgIQ==", "u+/", "é", "zé", "k-",
    ])
    func `broken text is refused`(_ text: String) {
        #expect(throws: MultiformatsError.self) { try Multibase.decode(text) }
    }

    @Test func `text over the bound is refused before it costs anything`() {
        let text = String(repeating: "z", count: 1025)
        #expect(throws: MultiformatsError(.tooLong, "base58 text is longer than 1024 characters")) {
            try Base58.decode(text)
        }
        #expect(throws: MultiformatsError.self) { try Multibase.decode(text) }
    }

    @Test func `the identity base holds text only`() {
        #expect(throws: MultiformatsError.self) { try Multibase.encode([0xff], base: .identity) }
    }
}
